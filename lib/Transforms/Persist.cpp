//===- Persist.cpp - makes kernels persistent -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "ProgramState.h"
#include "TileRewrites.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

namespace mla {
#define GEN_PASS_DEF_PERSIST
#include "mla/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

namespace {
/// A loop over the points of one CTA, and the point of an iteration.
struct Turns {
  scf::ForOp loop;
  Value point;
};
} // namespace

static Value isOdd(ImplicitLocOpBuilder &b, Value index) {
  Value one = arith::ConstantIndexOp::create(b, 1);
  return arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                               arith::AndIOp::create(b, index, one), one);
}

/// CTA c of n computes points c, c + n, ...
static Turns dealInOrder(ImplicitLocOpBuilder &b, Value cta, Value ctas,
                         Value items) {
  auto loop = scf::ForOp::create(b, cta, items, ctas);
  return {loop, loop.getInductionVar()};
}

/// The place of CTA `cta` in a turn: from the last one down if `reversed`.
static Value getPlace(ImplicitLocOpBuilder &b, Value cta, Value ctas,
                      Value reversed) {
  Value one = arith::ConstantIndexOp::create(b, 1);
  Value last = arith::SubIOp::create(b, ctas, one);
  Value mirrored = arith::SubIOp::create(b, last, cta);
  return arith::SelectOp::create(b, reversed, mirrored, cta);
}

/// In turn t, CTA c of n computes point t * n + c if t is even, and point
/// t * n + n - 1 - c if it is odd, so that who has the longest point of a turn
/// has the shortest of the next. In the last turn, some CTAs may have none.
static Turns dealInSnake(ImplicitLocOpBuilder &b, Value cta, Value ctas,
                         Value items) {
  Value turns = arith::DivUIOp::create(b, items, ctas);
  Value whole = arith::MulIOp::create(b, turns, ctas);
  Value rest = arith::SubIOp::create(b, items, whole);
  Value place = getPlace(b, cta, ctas, isOdd(b, turns));
  Value hasLast =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ult, place, rest);
  Value end = arith::SelectOp::create(
      b, hasLast, arith::AddIOp::create(b, whole, ctas), whole);
  // The variable is t * n + c, which needs no register besides those of a loop
  // in order.
  auto loop = scf::ForOp::create(b, cta, end, ctas);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value at = loop.getInductionVar();
  Value turn = arith::DivUIOp::create(b, at, ctas);
  Value first = arith::MulIOp::create(b, turn, ctas);
  Value mine = arith::SubIOp::create(b, at, first);
  return {loop, arith::AddIOp::create(b, first,
                                      getPlace(b, mine, ctas, isOdd(b, turn)))};
}

/// Numbers the grid points with the last dimension fastest, and deals them to
/// the CTAs.
static void persist(scf::ForallOp grid) {
  ImplicitLocOpBuilder b(grid.getLoc(), grid);
  SmallVector<Value> sizes;
  Value items = arith::ConstantIndexOp::create(b, 1);
  for (OpFoldResult bound : grid.getMixedUpperBound()) {
    sizes.push_back(getValueOrCreateConstantIndexOp(b, b.getLoc(), bound));
    items = arith::MulIOp::create(b, items, sizes.back());
  }
  Value ctas = arith::MinUIOp::create(b, items, tile::SmCountOp::create(b));
  auto persistent =
      scf::ForallOp::create(b, SmallVector<OpFoldResult>{ctas},
                            /*outputs=*/ValueRange(), /*mapping=*/std::nullopt);
  b.setInsertionPointToStart(persistent.getBody());
  auto deal =
      grid->hasAttr(tile::kLongestFirstAttr) ? dealInSnake : dealInOrder;
  auto [loop, point] = deal(b, persistent.getInductionVars()[0], ctas, items);
  // Only the inner loop over KV tiles is pipelined.
  loop->setAttr(tile::kPersistentAttr, b.getUnitAttr());
  Block *body = loop.getBody();
  b.setInsertionPoint(body->getTerminator());
  Value rest = point;
  for (size_t d = sizes.size(); d-- > 0;) {
    Value at = rest;
    if (d) {
      at = arith::RemUIOp::create(b, rest, sizes[d]);
      rest = arith::DivUIOp::create(b, rest, sizes[d]);
    }
    grid.getInductionVars()[d].replaceAllUsesWith(at);
  }
  Block *from = grid.getBody();
  body->getOperations().splice(Block::iterator(body->getTerminator()),
                               from->getOperations(), from->begin(),
                               Block::iterator(from->getTerminator()));
  persistent->setAttr(tile::kPersistentAttr, b.getUnitAttr());
  grid.erase();
}

namespace {
struct PersistPass : mla::impl::PersistBase<PersistPass> {
  using PersistBase::PersistBase;
  void runOnProgram() override {
    func::FuncOp func = getOperation();
    if (!getScheduleWith(func, "persist"))
      return;
    for (scf::ForallOp grid :
         llvm::make_early_inc_range(func.getOps<scf::ForallOp>())) {
      if (grid.getNumResults()) {
        grid.emitOpError("expected a grid without results");
        return signalPassFailure();
      }
      if (!grid.isNormalized()) {
        grid.emitOpError("expected a grid with lower bound 0 and step 1");
        return signalPassFailure();
      }
      persist(grid);
    }
    setRewritten(func, "persist");
  }
};
} // namespace
