//===- DeltaKernel.cpp - what each query subtracts --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A CTA computes Delta and lse in base 2 of some queries of one head. Rows of
// no sequence are computed as well, and not read.
//
//===----------------------------------------------------------------------===//

#include "Program.h"
#include "mla/Transforms/ScheduleText.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mla;

/// Queries per CTA.
static constexpr int64_t kRows = 32;

static constexpr llvm::StringLiteral kSchedule = R"(
#mla.schedule<"delta",
  roles = [<"reduce", warps = 4, registers = 128>],
  table = [
    <"rows" in ["reduce"]>,
    <"out" in ["reduce"]>]>
)";

ScheduleAttr mla::getDeltaSchedule(MLIRContext &context) {
  return parseSchedule(kSchedule, "prefill_backward's Delta", context);
}

namespace {
class DeltaBuilder {
public:
  DeltaBuilder(TileBuilder &b, const BackwardOperands &operands)
      : b(b), operands(operands) {}

  void build(ValueRange ivs);

private:
  /// Rows of out or dout as f32, zero beyond their columns.
  Value loadRows(Value operand) {
    auto columns = static_cast<int64_t>(llvm::PowerOf2Ceil(operands.dimV));
    auto type = RankedTensorType::get({kRows, columns},
                                      getElementTypeOrSelf(operand.getType()));
    Value zero = b.createIndex(0);
    Value rows =
        b.label(tile::LoadOp::create(
                    b, type, operand, ValueRange{batch, row, head, zero},
                    ValueRange(), b.getDenseI64ArrayAttr({1, 3}), TypedAttr()),
                "rows");
    return arith::ExtFOp::create(b, b.getF32Tile({kRows, columns}), rows);
  }
  Value loadVector(Value operand) {
    return b.label(
        tile::LoadOp::create(b, b.getF32Tile({kRows}), operand,
                             ValueRange{batch, row, head}, ValueRange(),
                             b.getDenseI64ArrayAttr({1}), TypedAttr()),
        "rows");
  }
  Value splat(float value) { return b.createSplat(value, {kRows}); }
  Value isEqual(Value v, float value) {
    return arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, v, splat(value));
  }
  void store(Value v, Value workspace) {
    b.label(tile::StoreOp::create(b, v, workspace, ValueRange{batch, head, row},
                                  ValueRange(), b.getDenseI64ArrayAttr({2})),
            "out");
  }

  TileBuilder &b;
  const BackwardOperands &operands;
  Value batch, row, head;
};
} // namespace

void DeltaBuilder::build(ValueRange ivs) {
  batch = ivs[0];
  head = ivs[2];
  row = arith::MulIOp::create(b, ivs[1], b.createIndex(kRows));
  Value product =
      arith::MulFOp::create(b, loadRows(operands.out), loadRows(operands.dout));
  Value delta = tile::ReduceOp::create(b, b.getF32Tile({kRows}),
                                       tile::ReduceKind::sum, product, 1);
  if (operands.dlse) {
    Value dlse = loadVector(operands.dlse);
    // The gradient of the natural logarithm.
    if (operands.isBase2)
      dlse = arith::MulFOp::create(b, dlse, splat(kLog2E));
    delta = arith::SubFOp::create(b, delta, dlse);
  }
  store(delta, operands.delta);
  Value lse = loadVector(operands.lse);
  // Queries without keys, whichever way the forward marks them, have weights
  // of 2^-inf.
  Value isEmpty =
      arith::OrIOp::create(b, isEqual(lse, kInf), isEqual(lse, -kInf));
  if (!operands.isBase2)
    lse = arith::MulFOp::create(b, lse, splat(kLog2E));
  store(arith::SelectOp::create(b, isEmpty, splat(kInf), lse),
        operands.lseLog2);
}

void mla::buildDeltaKernel(TileBuilder &b, const BackwardOperands &operands) {
  Value blocks = arith::CeilDivUIOp::create(b, b.createDim(operands.q, 1),
                                            b.createIndex(kRows));
  SmallVector<OpFoldResult> bounds{b.createDim(operands.q, 0), blocks,
                                   b.getIndexAttr(operands.heads)};
  scf::ForallOp::create(b, bounds, /*outputs=*/ValueRange(),
                        /*mapping=*/std::nullopt,
                        [&](OpBuilder &, Location, ValueRange ivs) {
                          OpBuilder::InsertionGuard guard(b);
                          b.setInsertionPointToStart(ivs[0].getParentBlock());
                          DeltaBuilder(b, operands).build(ivs);
                          scf::InParallelOp::create(b);
                        });
}
