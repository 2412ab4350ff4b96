//===- SwapAB.cpp - exchanges A and B of matrix products --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Computes each matrix product A B as its transpose, B^T A^T. Matrices computed
// from it elementwise or carried by loops are transposed too. Operands of other
// products and stored tiles are transposed back; reductions reduce the other
// dimension.
//
//===----------------------------------------------------------------------===//

#include "ProgramState.h"
#include "TileRewrites.h"
#include "mlir/IR/IRMapping.h"

namespace mla {
#define GEN_PASS_DEF_SWAPAB
#include "mla/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

static RankedTensorType getMatrix(Value v) {
  auto type = dyn_cast<RankedTensorType>(v.getType());
  return type && type.getRank() == 2 ? type : RankedTensorType();
}

static RankedTensorType transpose(RankedTensorType type) {
  return RankedTensorType::get({type.getDimSize(1), type.getDimSize(0)},
                               type.getElementType());
}

namespace {
class OperandSwapper {
public:
  OperandSwapper(scf::ForallOp program, ScheduleAttr schedule)
      : program(program), schedule(schedule),
        b(program.getLoc(), program.getContext()) {}

  LogicalResult run();

private:
  /// Finds the values to transpose: products, and matrices computed from them.
  LogicalResult findTransposed();
  LogicalResult transposeUser(Operation *op);
  /// Exchanges A and B, and transposes both by their flags.
  void swap(tile::DotOp dot);
  /// Transposes the initial values of the loop's transposed arguments.
  LogicalResult transposeInits(scf::ForOp loop);
  /// Transposes those matrices among `operands` that are not transposed yet.
  LogicalResult transposeOperands(MutableArrayRef<OpOperand> operands);
  /// The transpose of `v`, a constant, splat or broadcast, or computed from
  /// such element by element. Null with an error at `user` for any other value.
  Value getTransposed(Value v, Operation *user);
  /// Restores the orientation of `v` if it is transposed.
  Value transposeBack(Value v);

  scf::ForallOp program;
  ScheduleAttr schedule;
  ImplicitLocOpBuilder b;
  SetVector<Value> transposed;
};
} // namespace

namespace {
struct SwapABPass : mla::impl::SwapABBase<SwapABPass> {
  void runOnProgram() override {
    func::FuncOp func = getOperation();
    ScheduleAttr schedule = getScheduleWith(func, "swap-ab");
    if (!schedule)
      return;
    for (scf::ForallOp program : func.getOps<scf::ForallOp>())
      if (failed(OperandSwapper(program, schedule).run()))
        return signalPassFailure();
    setRewritten(func, "swap-ab");
  }
};
} // namespace

LogicalResult OperandSwapper::run() {
  if (failed(findTransposed()))
    return failure();
  SmallVector<Operation *> users;
  program.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (op != program.getOperation())
      users.push_back(op);
  });
  for (Operation *op : users)
    if (failed(transposeUser(op)))
      return failure();
  for (Value v : transposed)
    v.setType(transpose(getMatrix(v)));
  return success();
}

LogicalResult OperandSwapper::findTransposed() {
  program.walk([&](tile::DotOp dot) { transposed.insert(dot.getResult()); });
  if (transposed.empty())
    return emitRewriteError(program, schedule, "swap-ab")
           << "expected a tile.dot, got none";
  return spreadToUsers(transposed, "the results of tile.dot",
                       [](Value v) { return getMatrix(v) != nullptr; });
}

Value OperandSwapper::transposeBack(Value v) {
  if (!transposed.contains(v))
    return v;
  // The type of `v` is still the original one: run() changes types last.
  auto back = tile::TransposeOp::create(b, getMatrix(v), v);
  if (Operation *def = v.getDefiningOp())
    copyLabel(def, back);
  return back;
}

void OperandSwapper::swap(tile::DotOp dot) {
  Value a = transposeBack(dot.getA()), rhs = transposeBack(dot.getB());
  bool transposeA = dot.getTransposeA(), transposeB = dot.getTransposeB();
  dot.getAMutable().assign(rhs);
  dot.getBMutable().assign(a);
  dot.setTransposeA(!transposeB);
  dot.setTransposeB(!transposeA);
}

Value OperandSwapper::getTransposed(Value v, Operation *user) {
  RankedTensorType type = transpose(getMatrix(v));
  if (auto broadcast = v.getDefiningOp<tile::BroadcastOp>())
    return tile::BroadcastOp::create(b, type, broadcast.getSource(),
                                     1 - broadcast.getDim());
  if (Value splat = resizeSplat(b, v, type))
    return splat;
  if (Operation *def = v.getDefiningOp();
      def && OpTrait::hasElementwiseMappableTraits(def)) {
    IRMapping map;
    for (Value operand : def->getOperands()) {
      Value other = getMatrix(operand) ? getTransposed(operand, user) : operand;
      if (!other)
        return {};
      map.map(operand, other);
    }
    Operation *copy = b.clone(*def, map);
    copy->getResult(0).setType(type);
    return copy->getResult(0);
  }
  user->emitOpError() << "has an operand of type " << v.getType()
                      << " that cannot be transposed, expected a constant, a "
                         "splat or a broadcast, or a tile computed from such";
  return {};
}

LogicalResult
OperandSwapper::transposeOperands(MutableArrayRef<OpOperand> operands) {
  for (OpOperand &operand : operands) {
    Value v = operand.get();
    if (!getMatrix(v) || transposed.contains(v))
      continue;
    Value other = getTransposed(v, operand.getOwner());
    if (!other)
      return failure();
    operand.set(other);
  }
  return success();
}

LogicalResult OperandSwapper::transposeInits(scf::ForOp loop) {
  for (auto [arg, init] :
       llvm::zip_equal(loop.getRegionIterArgs(), loop.getInitArgsMutable()))
    if (transposed.contains(arg) && failed(transposeOperands(init)))
      return failure();
  return success();
}

LogicalResult OperandSwapper::transposeUser(Operation *op) {
  b.setInsertionPoint(op);
  b.setLoc(op->getLoc());
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return transposeInits(loop);
  bool takes = llvm::any_of(op->getOperands(),
                            [&](Value v) { return transposed.contains(v); });
  if (auto dot = dyn_cast<tile::DotOp>(op)) {
    swap(dot);
    return transposeOperands(dot.getAccMutable());
  }
  if (!takes || isa<scf::YieldOp>(op))
    return success();
  if (auto reduce = dyn_cast<tile::ReduceOp>(op)) {
    reduce.setDim(1 - reduce.getDim());
    return success();
  }
  if (auto store = dyn_cast<tile::StoreOp>(op)) {
    store.getTileMutable().assign(transposeBack(store.getTile()));
    return success();
  }
  if (!OpTrait::hasElementwiseMappableTraits(op))
    return op->emitOpError("cannot be computed on transposed operands");
  return transposeOperands(op->getOpOperands());
}
