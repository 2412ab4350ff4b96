//===- PairTiles.cpp - unrolls the loop over KV tiles by two ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "ProgramState.h"
#include "TileRewrites.h"
#include "mlir/IR/IRMapping.h"

namespace mla {
#define GEN_PASS_DEF_PAIRTILES
#include "mla/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

/// Unrolls by two like mlir::loopUnrollByFactor, but without an epilogue for an
/// odd trip count, which would be a third copy of the body. The second half of
/// the last iteration is then past the end, where it has no effect.
static void pair(scf::ForOp loop) {
  ImplicitLocOpBuilder b(loop.getLoc(), loop);
  Value step = loop.getStep();
  Value two = arith::ConstantIndexOp::create(b, 2);
  loop.getStepMutable().assign(arith::MulIOp::create(b, step, two));

  Block *body = loop.getBody();
  auto yield = cast<scf::YieldOp>(body->getTerminator());
  SmallVector<Operation *> first;
  for (Operation &op : body->without_terminator())
    first.push_back(&op);
  b.setInsertionPoint(yield);
  IRMapping second;
  second.map(loop.getInductionVar(),
             arith::AddIOp::create(b, loop.getInductionVar(), step));
  for (auto [arg, value] :
       llvm::zip_equal(loop.getRegionIterArgs(), yield.getOperands()))
    second.map(arg, value);
  for (Operation *op : first) {
    copyLabel(op, b.clone(*op, second), ".1");
    copyLabel(op, op, ".0");
  }
  for (OpOperand &operand : yield->getOpOperands())
    operand.set(second.lookupOrDefault(operand.get()));
}

namespace {
struct PairTilesPass : mla::impl::PairTilesBase<PairTilesPass> {
  void runOnProgram() override {
    func::FuncOp func = getOperation();
    ScheduleAttr schedule = getScheduleWith(func, "pair-tiles");
    if (!schedule)
      return;
    SmallVector<scf::ForOp> loops;
    func.walk([&](scf::ForOp loop) {
      if (loop->hasAttr(tile::kPaddedAttr))
        loops.push_back(loop);
    });
    if (loops.empty()) {
      emitRewriteError(func, schedule, "pair-tiles")
          << "expected a loop with " << tile::kPaddedAttr << ", got none";
      return signalPassFailure();
    }
    for (scf::ForOp loop : loops) {
      if (auto outer = loop->getParentOfType<scf::ForOp>();
          outer && outer->hasAttr(tile::kPaddedAttr)) {
        loop.emitOpError() << "expected no nested loops with "
                           << tile::kPaddedAttr;
        return signalPassFailure();
      }
      pair(loop);
      loop->removeAttr(tile::kPaddedAttr);
    }
    decided(func.getLoc(), "paired") << remark::metric("Loops", loops.size());
    setRewritten(func, "pair-tiles");
  }
};
} // namespace
