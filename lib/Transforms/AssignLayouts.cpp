//===- AssignLayouts.cpp - layouts of register fragments --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "DirectLayout.h"
#include "Replicas.h"
#include "mla/Transforms/Passes.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"

namespace mla {
#define GEN_PASS_DEF_ASSIGNLAYOUTS
#include "mla/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;
using cta::FragmentLayout;

/// The type of a fragment or of an MMA result in flight; null for others.
static RankedTensorType getFragmentType(Type type) {
  if (auto inFlight = dyn_cast<cta::InFlightType>(type))
    return inFlight.getFragment();
  return dyn_cast<RankedTensorType>(type);
}

namespace {
/// Propagates layouts through one role until a fixpoint.
class LayoutSolver {
public:
  explicit LayoutSolver(cta::RoleOp role) : role(role) {}

  LogicalResult run();

  bool isDirect() const { return direct; }
  /// Fragments with a layout.
  size_t size() const { return layouts.size(); }

private:
  /// Clones ops such as constants for each use, so that each use can have a
  /// layout of its own.
  void splitReplicas();
  /// Keeps layouts that the program already has.
  void readLayouts();
  /// Converts register operands A to the layout that wgmma reads.
  void convertAOperands();
  /// Whether the role has no MMAs and gets its own data by tile.load: matrices,
  /// or vectors of which it computes all its matrices.
  bool findDirect();
  /// Visits all ops until no layout is added.
  LogicalResult settle();
  /// In a role without MMAs, chooses the layouts of matrices that it loads,
  /// then of other matrices, and then of fragments that are not related to one.
  LogicalResult chooseDirect();
  /// Applies the constraints between the operands and results of `op`.
  LogicalResult visit(Operation *op);
  LogicalResult visitLoop(scf::ForOp loop);
  LogicalResult visitIf(scf::IfOp branch);
  LogicalResult visitAccumulators(Operation *op);
  LogicalResult visitDirect(Operation *op);
  /// Gives the source of a broadcast the layout that the result determines. A
  /// vector that needs several layouts is computed once in each, if it can be.
  LogicalResult visitDirectBroadcast(tile::BroadcastOp broadcast,
                                     cta::DirectLayoutAttr result);
  /// Sets the layout of `v`. Fails with an error at `op` if it has another one.
  LogicalResult fix(Value v, Attribute layout, Operation *op);
  LogicalResult fix(Value v, FragmentLayout layout, Operation *op) {
    return fix(v, cta::FragmentLayoutAttr::get(op->getContext(), layout), op);
  }
  /// Gives all fragments among `values` the same layout.
  LogicalResult unite(ArrayRef<Value> values, Operation *op);
  /// Puts the layouts into the types.
  LogicalResult apply();

  cta::RoleOp role;
  DenseMap<Value, Attribute> layouts;
  bool direct = false, changed = false;
};

struct AssignLayoutsPass : mla::impl::AssignLayoutsBase<AssignLayoutsPass> {
  void runOnProgram() override {
    WalkResult result = getOperation().walk([&](cta::RoleOp role) {
      LayoutSolver solver(role);
      if (failed(solver.run()))
        return WalkResult::interrupt();
      decided(role.getLoc(), "role")
          << remark::metric("Role", role.getName())
          << remark::metric("Layouts", solver.isDirect() ? "direct" : "mma")
          << remark::metric("Fragments", solver.size());
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace

LogicalResult LayoutSolver::run() {
  splitReplicas();
  readLayouts();
  convertAOperands();
  direct = findDirect();
  if (failed(settle()) || (direct && failed(chooseDirect())))
    return failure();
  return apply();
}

LogicalResult LayoutSolver::settle() {
  do {
    changed = false;
    if (role.walk([&](Operation *op) { return WalkResult(visit(op)); })
            .wasInterrupted())
      return failure();
  } while (changed);
  return success();
}

//===----------------------------------------------------------------------===//
// Preparation
//===----------------------------------------------------------------------===//

void LayoutSolver::splitReplicas() {
  // Ops in front of the roles may be used in several roles.
  role.walk([&](Operation *op) {
    for (OpOperand &use : op->getOpOperands()) {
      Operation *def = use.get().getDefiningOp();
      if (isReplica(def) && !role->isAncestor(def))
        use.set(OpBuilder(op).clone(*def)->getResult(0));
    }
  });
  SmallVector<Operation *> ops;
  role.walk([&](Operation *op) {
    if (isReplica(op))
      ops.push_back(op);
  });
  for (Operation *op : ops) {
    for (OpOperand &use :
         llvm::make_early_inc_range(op->getResult(0).getUses())) {
      if (op->hasOneUse())
        break;
      OpBuilder b(op);
      use.set(b.clone(*op)->getResult(0));
    }
  }
}

void LayoutSolver::readLayouts() {
  auto read = [&](Value v) {
    if (RankedTensorType type = getFragmentType(v.getType()))
      if (cta::hasLayout(type))
        layouts.try_emplace(v, type.getEncoding());
  };
  role.walk([&](Operation *op) {
    llvm::for_each(op->getResults(), read);
    for (Region &region : op->getRegions())
      for (Block &block : region)
        llvm::for_each(block.getArguments(), read);
  });
}

void LayoutSolver::convertAOperands() {
  role.walk([](cta::MmaAsyncOp mma) {
    auto type = dyn_cast<RankedTensorType>(mma.getA().getType());
    if (!type || cta::getLayout(type) == FragmentLayout::a_operand)
      return;
    OpBuilder b(mma);
    Value a = cta::ConvertLayoutOp::create(b, mma.getLoc(),
                                           mma.getA().getType(), mma.getA());
    for (StringRef name : {cta::kStageAttr, cta::kOrderAttr})
      if (Attribute attr = mma->getAttr(name))
        a.getDefiningOp()->setAttr(name, attr);
    mma.getAMutable().assign(a);
  });
}

//===----------------------------------------------------------------------===//
// Constraints
//===----------------------------------------------------------------------===//

static std::string describe(Attribute layout) {
  if (auto named = dyn_cast<cta::FragmentLayoutAttr>(layout))
    return stringifyFragmentLayout(named.getValue()).str();
  std::string text;
  llvm::raw_string_ostream(text) << layout;
  return text;
}

LogicalResult LayoutSolver::fix(Value v, Attribute layout, Operation *op) {
  auto [it, inserted] = layouts.try_emplace(v, layout);
  changed |= inserted;
  if (it->second == layout)
    return success();
  return op->emitOpError() << "expected a fragment with layout "
                           << describe(layout) << ", got one with layout "
                           << describe(it->second);
}

LogicalResult LayoutSolver::unite(ArrayRef<Value> values, Operation *op) {
  Attribute layout;
  for (Value v : values)
    if (Attribute known = layouts.lookup(v); known && !layout)
      layout = known;
  if (!layout)
    return success();
  for (Value v : values)
    if (getFragmentType(v.getType()) && failed(fix(v, layout, op)))
      return failure();
  return success();
}

LogicalResult LayoutSolver::visit(Operation *op) {
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return visitLoop(loop);
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return visitIf(branch);
  if (OpTrait::hasElementwiseMappableTraits(op) || isa<tile::GatherOp>(op)) {
    SmallVector<Value> values(op->getOperands());
    llvm::append_range(values, op->getResults());
    return unite(values, op);
  }
  return direct ? visitDirect(op) : visitAccumulators(op);
}

LogicalResult LayoutSolver::visitLoop(scf::ForOp loop) {
  auto yield = cast<scf::YieldOp>(loop.getBody()->getTerminator());
  for (auto [i, arg] : llvm::enumerate(loop.getRegionIterArgs()))
    if (failed(unite({loop.getInitArgs()[i], arg, yield.getOperand(i),
                      loop.getResult(i)},
                     loop)))
      return failure();
  return success();
}

LogicalResult LayoutSolver::visitIf(scf::IfOp branch) {
  for (OpResult result : branch.getResults()) {
    unsigned i = result.getResultNumber();
    if (failed(unite({branch.thenYield().getOperand(i),
                      branch.elseYield().getOperand(i), result},
                     branch)))
      return failure();
  }
  return success();
}

LogicalResult LayoutSolver::visitAccumulators(Operation *op) {
  if (auto mma = dyn_cast<cta::MmaAsyncOp>(op)) {
    if (mma.getAcc() && failed(fix(mma.getAcc(), FragmentLayout::acc, op)))
      return failure();
    return fix(mma.getResult(), FragmentLayout::acc, op);
  }
  if (auto wait = dyn_cast<cta::MmaWaitOp>(op))
    return unite({wait.getSource(), wait.getResult()}, op);
  if (auto convert = dyn_cast<cta::ConvertLayoutOp>(op))
    return success(
        succeeded(fix(convert.getSource(), FragmentLayout::acc, op)) &&
        succeeded(fix(convert.getResult(), FragmentLayout::a_operand, op)));
  if (auto reduce = dyn_cast<tile::ReduceOp>(op)) {
    if (reduce.getSource().getType().getRank() != 2)
      return op->emitOpError() << "expected a reduction of an accumulator, got "
                               << reduce.getSource().getType()
                               << " in a role with MMAs or gathers";
    return success(
        succeeded(fix(reduce.getSource(), FragmentLayout::acc, op)) &&
        succeeded(fix(reduce.getResult(),
                      reduce.getDim() == 1 ? FragmentLayout::row
                                           : FragmentLayout::column,
                      op)));
  }
  if (auto fold = dyn_cast<tile::FoldOp>(op))
    return success(succeeded(fix(fold.getSource(), FragmentLayout::acc, op)) &&
                   succeeded(fix(fold.getResult(), FragmentLayout::acc, op)));
  if (auto reduce = dyn_cast<cta::ReduceWarpOp>(op))
    return success(
        succeeded(fix(reduce.getSource(), FragmentLayout::acc, op)) &&
        succeeded(fix(reduce.getResult(), FragmentLayout::warp_column, op)));
  if (auto transpose = dyn_cast<tile::TransposeOp>(op))
    return success(
        succeeded(fix(transpose.getSource(), FragmentLayout::acc, op)) &&
        succeeded(
            fix(transpose.getResult(), FragmentLayout::acc_transposed, op)));
  if (auto broadcast = dyn_cast<tile::BroadcastOp>(op))
    return success(
        succeeded(fix(broadcast.getSource(),
                      broadcast.getDim() == 1 ? FragmentLayout::row
                                              : FragmentLayout::column,
                      op)) &&
        succeeded(fix(broadcast.getResult(), FragmentLayout::acc, op)));
  if (isa<tile::AnyOp, tile::MinOp>(op)) // The result may have any layout.
    return fix(op->getOperand(0), FragmentLayout::column, op);
  if (auto gather = dyn_cast<cta::GatherAsyncOp>(op))
    return fix(gather.getRows(), FragmentLayout::gather, op);
  return success();
}

LogicalResult LayoutSolver::visitDirect(Operation *op) {
  auto lookup = [&](Value v) {
    return dyn_cast_or_null<cta::DirectLayoutAttr>(layouts.lookup(v));
  };
  if (auto reduce = dyn_cast<tile::ReduceOp>(op))
    if (auto layout = lookup(reduce.getSource()))
      return fix(reduce.getResult(), layout.dropDim(reduce.getDim()), op);
  if (auto broadcast = dyn_cast<tile::BroadcastOp>(op))
    if (auto layout = lookup(broadcast.getResult()))
      return visitDirectBroadcast(broadcast, layout);
  return success();
}

LogicalResult LayoutSolver::visitDirectBroadcast(tile::BroadcastOp broadcast,
                                                 cta::DirectLayoutAttr result) {
  Value source = broadcast.getSource();
  Attribute wanted = result.dropDim(broadcast.getDim());
  Attribute known = layouts.lookup(source);
  SetVector<Operation *> ops;
  if (known && known != wanted && collectVectorOps(source, ops)) {
    IRMapping copies;
    OpBuilder b(broadcast);
    for (Operation *op : ops)
      b.clone(*op, copies);
    source = copies.lookup(source);
    broadcast.getSourceMutable().assign(source);
  }
  return fix(source, wanted, broadcast);
}

//===----------------------------------------------------------------------===//
// Roles without MMAs
//===----------------------------------------------------------------------===//

bool LayoutSolver::findDirect() {
  for (auto &[value, layout] : layouts)
    if (isa<cta::FragmentLayoutAttr>(layout))
      return false;
  bool mmas = false, matrices = false, received = false;
  bool loadsVectors = false, loadsMatrices = false;
  role.walk([&](Operation *op) {
    mmas |= isa<cta::MmaAsyncOp, cta::GatherAsyncOp, tile::TransposeOp>(op);
    bool isLoad = isa<tile::LoadOp>(op);
    bool isShared = isa<cta::LoadSharedOp, cta::StoreSharedOp>(op);
    auto visit = [&](Value v) {
      auto type = getFragmentType(v.getType());
      bool isMatrix = type && type.getRank() > 1;
      matrices |= isMatrix;
      loadsVectors |= isLoad && type && !isMatrix;
      loadsMatrices |= isLoad && isMatrix;
      received |= isMatrix &&
                  (isShared || !role.getBody().isAncestor(v.getParentRegion()));
    };
    llvm::for_each(op->getOperands(), visit);
    llvm::for_each(op->getResults(), visit);
  });
  return !mmas && (loadsMatrices || !matrices || (loadsVectors && !received));
}

LogicalResult LayoutSolver::chooseDirect() {
  // Matrices first, of these loads: they determine the layouts of their row and
  // column vectors.
  auto isLoad = [](Operation *op) { return isa<tile::LoadOp>(op); };
  auto isAny = [](Operation *) { return true; };
  for (auto [isChosen, leastRank] :
       {std::pair<bool (*)(Operation *), int64_t>(isLoad, 2),
        {isAny, 2},
        {isAny, 0}}) {
    WalkResult result =
        role.walk([&, isChosen = isChosen,
                   leastRank = leastRank](Operation *op) -> WalkResult {
          for (Value v : op->getResults()) {
            auto type = dyn_cast<RankedTensorType>(v.getType());
            if (!type || layouts.contains(v) || type.getRank() < leastRank ||
                !isChosen(op))
              continue;
            cta::DirectLayoutAttr layout = chooseDirectLayout(op, type, role);
            if (!layout || failed(fix(v, layout, op)) || failed(settle()))
              return WalkResult::interrupt();
          }
          return WalkResult::advance();
        });
    if (result.wasInterrupted())
      return failure();
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Result
//===----------------------------------------------------------------------===//

LogicalResult LayoutSolver::apply() {
  auto assign = [&](Value v) -> LogicalResult {
    RankedTensorType type = getFragmentType(v.getType());
    if (!type)
      return success();
    auto it = layouts.find(v);
    if (it == layouts.end() && type.getRank() != 2)
      return emitError(v.getLoc())
             << "cannot infer the layout of " << type
             << ", which is not computed from or used with an MMA or a gather";
    type = it == layouts.end() ? cta::withLayout(type, FragmentLayout::acc)
                               : cta::withLayout(type, it->second);
    if (isa<cta::InFlightType>(v.getType()))
      v.setType(cta::InFlightType::get(v.getContext(), type));
    else
      v.setType(type);
    if (auto constant = v.getDefiningOp<arith::ConstantOp>()) {
      auto value = dyn_cast<DenseElementsAttr>(constant.getValue());
      if (!value)
        return constant.emitOpError("expected a dense constant");
      constant.setValueAttr(value.reshape(type));
    }
    return success();
  };
  WalkResult result = role.walk([&](Operation *op) {
    op->removeAttr(cta::kThreadsAttr);
    op->removeAttr(cta::kVectorAttr);
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (Value arg : block.getArguments())
          if (failed(assign(arg)))
            return WalkResult::interrupt();
    for (Value v : op->getResults())
      if (failed(assign(v)))
        return WalkResult::interrupt();
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}
