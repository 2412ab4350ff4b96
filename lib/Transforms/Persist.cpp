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

static Value constant(ImplicitLocOpBuilder &b, int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}

/// At most one CTA per SM. CTA c of n computes points c, c + n, ...
static Value countEven(ImplicitLocOpBuilder &b, Value items) {
  return arith::MinUIOp::create(b, items, tile::SmCountOp::create(b));
}

static scf::ForOp dealEven(ImplicitLocOpBuilder &b, Value cta, Value ctas,
                           Value items) {
  return scf::ForOp::create(b, cta, items, ctas);
}

/// Points that a CTA computes one after the other, of a grid whose first ones
/// take longest, and how many points per SM remain for CTAs with a single one.
/// The longest points take twice the average, so these fill the gaps that the
/// others leave.
static constexpr int64_t kChunk = 2, kSinglesPerSm = 8;

/// min(n, floor(n / chunk) + k): the first CTAs have a chunk each, the others a
/// point. The hardware gives a CTA to the SM that is free.
static Value countChunks(ImplicitLocOpBuilder &b, Value items) {
  constexpr int64_t kPerSm = kSinglesPerSm - kSinglesPerSm / kChunk;
  Value chunks = arith::DivUIOp::create(b, items, constant(b, kChunk));
  Value more =
      arith::MulIOp::create(b, tile::SmCountOp::create(b), constant(b, kPerSm));
  return arith::MinUIOp::create(b, items,
                                arith::AddIOp::create(b, chunks, more));
}

static scf::ForOp dealChunks(ImplicitLocOpBuilder &b, Value cta, Value ctas,
                             Value items) {
  // As many chunks as make up for the CTAs that are fewer than the points.
  Value chunks = arith::CeilDivUIOp::create(
      b, arith::SubIOp::create(b, items, ctas), constant(b, kChunk - 1));
  Value isChunk =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ult, cta, chunks);
  // Chunk c begins at c + (chunk - 1) c, what follows at c + (chunk - 1)
  // chunks.
  Value before = arith::MulIOp::create(
      b, arith::MinUIOp::create(b, cta, chunks), constant(b, kChunk - 1));
  Value first = arith::AddIOp::create(b, cta, before);
  Value count =
      arith::SelectOp::create(b, isChunk, constant(b, kChunk), constant(b, 1));
  Value end =
      arith::MinUIOp::create(b, arith::AddIOp::create(b, first, count), items);
  return scf::ForOp::create(b, first, end, constant(b, 1));
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
  bool longestFirst = grid->hasAttr(tile::kLongestFirstAttr);
  Value ctas = longestFirst ? countChunks(b, items) : countEven(b, items);
  auto persistent =
      scf::ForallOp::create(b, SmallVector<OpFoldResult>{ctas},
                            /*outputs=*/ValueRange(), /*mapping=*/std::nullopt);
  b.setInsertionPointToStart(persistent.getBody());
  scf::ForOp loop = (longestFirst ? dealChunks : dealEven)(
      b, persistent.getInductionVars()[0], ctas, items);
  // Only the inner loop over KV tiles is pipelined.
  loop->setAttr(tile::kPersistentAttr, b.getUnitAttr());
  Block *body = loop.getBody();
  b.setInsertionPoint(body->getTerminator());
  Value rest = loop.getInductionVar();
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
