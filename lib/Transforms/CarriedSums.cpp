//===- CarriedSums.cpp - sums that loops carry ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "CarriedSums.h"
#include "ProgramState.h"
#include "TileRewrites.h"
#include "mlir/IR/Matchers.h"

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

/// Carries partial sums of `type` instead of the sum of the tiles' reductions.
static void carryPartial(scf::ForOp loop, unsigned i, ArrayRef<Step> steps,
                         RankedTensorType type, const PartialSum &partial) {
  tile::ReduceOp reduce = steps[0].reduce;
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
    Value tile = step.reduce.getSource();
    Value term = partial.getTerm(b, tile, type);
    if (term != tile)
      copyLabel(step.reduce, term.getDefiningOp());
    auto sum = arith::AddFOp::create(b, scaled, term, step.add.getFastmath());
    copyLabel(step.scaled, scaled);
    copyLabel(step.add, sum);
    step.add->getResult(0).getUses().begin()->set(sum);
    step.add->erase();
    step.scaled->erase();
    step.reduce->erase();
  }
}

FailureOr<int64_t> mla::reduceAfterLoops(func::FuncOp func, StringRef rewrite,
                                         const PartialSum &partial) {
  SmallVector<scf::ForOp> loops = getCarryingLoops(func);
  int64_t rewritten = 0;
  for (scf::ForOp loop : loops)
    for (unsigned i = 0; i < loop.getNumResults(); ++i) {
      SmallVector<Step> steps = matchSum(loop, i);
      RankedTensorType type =
          steps.empty() ? nullptr : partial.getType(steps[0].reduce);
      if (!type)
        continue;
      carryPartial(loop, i, steps, type, partial);
      ++rewritten;
    }
  if (!rewritten && !loops.empty()) {
    emitRewriteError(func, getScheduleWith(func, rewrite), rewrite)
        << "expected a loop that carries sum * factor + (sum of a tile), "
           "with 0 as its initial value, got none";
    return failure();
  }
  setRewritten(func, rewrite);
  return rewritten;
}
