//===- SwapAB.cpp - products with A and B exchanged -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A B = (B^T A^T)^T: each product is computed transposed, and whatever is made
// of its result is turned with it, up to where that is an operand of a product
// again, a row or a column, or leaves for memory.
//
//===----------------------------------------------------------------------===//

#include "TileRewrites.h"

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

static RankedTensorType turn(RankedTensorType type) {
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
  /// Everything that turns: products, and matrices that are made of them.
  LogicalResult findTurned();
  LogicalResult turnUser(Operation *op);
  void swap(tile::DotOp dot);
  /// The loop starts from turned values.
  LogicalResult turnInits(scf::ForOp loop);
  /// Takes turned values in place of the matrices among `operands`.
  LogicalResult turnOperands(MutableArrayRef<OpOperand> operands);
  /// A turned constant, splat or broadcast for `v`; null with an error at
  /// `user` for anything else.
  Value getTurned(Value v, Operation *user);
  /// What a turned value was before.
  Value turnBack(Value v);

  scf::ForallOp program;
  ScheduleAttr schedule;
  ImplicitLocOpBuilder b;
  SetVector<Value> turned;
};
} // namespace

LogicalResult OperandSwapper::findTurned() {
  program.walk([&](tile::DotOp dot) { turned.insert(dot.getResult()); });
  if (turned.empty())
    return emitRewriteError(program, schedule, "swap-ab")
           << "expected a product, got none";
  return spreadToUsers(turned, "products",
                       [](Value v) { return getMatrix(v) != nullptr; });
}

Value OperandSwapper::turnBack(Value v) {
  if (!turned.contains(v))
    return v;
  // The types have not changed yet: that of `v` is the one to come back to.
  auto back = tile::TransposeOp::create(b, getMatrix(v), v);
  if (Operation *def = v.getDefiningOp())
    copyLabel(def, back);
  return back;
}

void OperandSwapper::swap(tile::DotOp dot) {
  Value a = turnBack(dot.getA()), rhs = turnBack(dot.getB());
  bool transposeA = dot.getTransposeA(), transposeB = dot.getTransposeB();
  dot.getAMutable().assign(rhs);
  dot.getBMutable().assign(a);
  dot.setTransposeA(!transposeB);
  dot.setTransposeB(!transposeA);
}

Value OperandSwapper::getTurned(Value v, Operation *user) {
  RankedTensorType type = turn(getMatrix(v));
  if (auto broadcast = v.getDefiningOp<tile::BroadcastOp>())
    return tile::BroadcastOp::create(b, type, broadcast.getSource(),
                                     1 - broadcast.getDim());
  if (Value splat = resizeSplat(b, v, type))
    return splat;
  user->emitOpError() << "has an operand of type " << v.getType()
                      << " that cannot be exchanged with its transpose: "
                         "expected a constant, a splat or a broadcast";
  return {};
}

LogicalResult
OperandSwapper::turnOperands(MutableArrayRef<OpOperand> operands) {
  for (OpOperand &operand : operands) {
    Value v = operand.get();
    if (!getMatrix(v) || turned.contains(v))
      continue;
    Value other = getTurned(v, operand.getOwner());
    if (!other)
      return failure();
    operand.set(other);
  }
  return success();
}

LogicalResult OperandSwapper::turnInits(scf::ForOp loop) {
  for (auto [arg, init] :
       llvm::zip_equal(loop.getRegionIterArgs(), loop.getInitArgsMutable()))
    if (turned.contains(arg) && failed(turnOperands(init)))
      return failure();
  return success();
}

LogicalResult OperandSwapper::turnUser(Operation *op) {
  b.setInsertionPoint(op);
  b.setLoc(op->getLoc());
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return turnInits(loop);
  bool takes = llvm::any_of(op->getOperands(),
                            [&](Value v) { return turned.contains(v); });
  if (auto dot = dyn_cast<tile::DotOp>(op)) {
    swap(dot);
    return turnOperands(dot.getAccMutable());
  }
  if (!takes || isa<scf::YieldOp>(op))
    return success();
  if (auto reduce = dyn_cast<tile::ReduceOp>(op)) {
    reduce.setDim(1 - reduce.getDim());
    return success();
  }
  if (auto store = dyn_cast<tile::StoreOp>(op)) {
    store.getTileMutable().assign(turnBack(store.getTile()));
    return success();
  }
  if (!OpTrait::hasElementwiseMappableTraits(op))
    return op->emitOpError("has no form for the transpose of its operands");
  return turnOperands(op->getOpOperands());
}

LogicalResult OperandSwapper::run() {
  if (failed(findTurned()))
    return failure();
  SmallVector<Operation *> users;
  program.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (op != program.getOperation())
      users.push_back(op);
  });
  for (Operation *op : users)
    if (failed(turnUser(op)))
      return failure();
  for (Value v : turned)
    v.setType(turn(getMatrix(v)));
  return success();
}

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
