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

/// Numbers the grid points with the last dimension fastest; CTA c of n computes
/// points c, c + n, ...
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
  Value first = persistent.getInductionVars()[0];
  auto loop = scf::ForOp::create(b, first, items, ctas);
  // Only the inner loop over KV tiles is pipelined.
  loop->setAttr(tile::kPersistentAttr, b.getUnitAttr());
  Block *body = loop.getBody();
  b.setInsertionPointToStart(body);
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
