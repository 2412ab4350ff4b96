//===- DeferSums.cpp - moves reductions behind loops ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "ProgramState.h"
#include "TileRewrites.h"
#include "mlir/IR/Matchers.h"

namespace mla {
#define GEN_PASS_DEF_DEFERSUMS
#include "mla/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

namespace {
/// sum * factor + reduce(tile), one step of a sum that a loop carries.
struct Step {
  arith::AddFOp add;
  arith::MulFOp scaled;
  tile::ReduceOp reduce;
  Value sum, factor;
};
} // namespace

/// Matches the step with the result `v`, whose intermediate values have no
/// other uses.
static std::optional<Step> matchStep(Value v) {
  Step step;
  step.add = v.getDefiningOp<arith::AddFOp>();
  if (!step.add || !v.hasOneUse())
    return std::nullopt;
  step.scaled = step.add.getLhs().getDefiningOp<arith::MulFOp>();
  step.reduce = step.add.getRhs().getDefiningOp<tile::ReduceOp>();
  if (!step.scaled || !step.reduce ||
      step.reduce.getKind() != tile::ReduceKind::sum ||
      !step.scaled->hasOneUse() || !step.reduce->hasOneUse())
    return std::nullopt;
  step.sum = step.scaled.getLhs();
  step.factor = step.scaled.getRhs();
  return step;
}

/// The steps of an iteration by which `loop` updates carried value `i`, last
/// first; none if the value is not such a sum.
static SmallVector<Step> matchSum(scf::ForOp loop, unsigned i) {
  SmallVector<Step> steps;
  BlockArgument carried = loop.getRegionIterArg(i);
  Value v = loop.getBody()->getTerminator()->getOperand(i);
  while (v != carried) {
    std::optional<Step> step = matchStep(v);
    if (!step || step->add->getBlock() != loop.getBody())
      return {};
    if (!steps.empty() && (step->reduce.getDim() != steps[0].reduce.getDim() ||
                           step->reduce.getSource().getType() !=
                               steps[0].reduce.getSource().getType()))
      return {};
    steps.push_back(*step);
    v = step->sum;
  }
  if (!carried.hasOneUse() ||
      !matchPattern(loop.getInitArgs()[i], m_AnyZeroFloat()))
    return {};
  return steps;
}

/// Carries the sum of the tiles instead of the sum of their reductions.
static void defer(scf::ForOp loop, unsigned i, ArrayRef<Step> steps) {
  tile::ReduceOp reduce = steps[0].reduce;
  auto type = cast<RankedTensorType>(reduce.getSource().getType());
  auto dim = static_cast<int64_t>(reduce.getDim());
  ImplicitLocOpBuilder b(loop.getLoc(), loop);
  Type sumType = loop.getResult(i).getType();
  loop.getInitArgsMutable()[i].set(
      arith::ConstantOp::create(b, b.getZeroAttr(type)));
  loop.getRegionIterArg(i).setType(type);
  loop.getResult(i).setType(type);
  b.setInsertionPointAfter(loop);
  auto total = tile::ReduceOp::create(b, sumType, reduce.getKind(),
                                      loop.getResult(i), dim);
  copyLabel(reduce, total);
  loop.getResult(i).replaceAllUsesExcept(total, total);
  for (Step step : llvm::reverse(steps)) {
    b.setInsertionPoint(step.add);
    b.setLoc(step.add.getLoc());
    Value factor = tile::BroadcastOp::create(b, type, step.factor, dim);
    auto scaled = arith::MulFOp::create(b, step.scaled.getLhs(), factor,
                                        step.scaled.getFastmath());
    auto sum = arith::AddFOp::create(b, scaled, step.reduce.getSource(),
                                     step.add.getFastmath());
    copyLabel(step.scaled, scaled);
    copyLabel(step.add, sum);
    step.add->getResult(0).getUses().begin()->set(sum);
    step.add->erase();
    step.scaled->erase();
    step.reduce->erase();
  }
}

namespace {
struct DeferSumsPass : mla::impl::DeferSumsBase<DeferSumsPass> {
  void runOnProgram() override {
    func::FuncOp func = getOperation();
    ScheduleAttr schedule = getScheduleWith(func, "defer-sums");
    if (!schedule)
      return;
    SmallVector<scf::ForOp> loops = getCarryingLoops(func);
    int64_t deferred = 0;
    for (scf::ForOp loop : loops)
      for (unsigned i = 0; i < loop.getNumResults(); ++i)
        if (SmallVector<Step> steps = matchSum(loop, i); !steps.empty()) {
          defer(loop, i, steps);
          ++deferred;
        }
    if (!deferred && !loops.empty()) {
      emitRewriteError(func, schedule, "defer-sums")
          << "expected a loop that carries sum * factor + (sum of a tile), "
             "with 0 as its initial value, got none";
      return signalPassFailure();
    }
    decided(func.getLoc(), "deferred") << remark::metric("Sums", deferred);
    setRewritten(func, "defer-sums");
  }
};
} // namespace
