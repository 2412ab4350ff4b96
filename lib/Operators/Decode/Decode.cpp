//===- Decode.cpp - supported shapes and predicted time -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "DecodeOp.h"
#include "mla/Operators/AttentionCosts.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

using namespace mla;

static constexpr NamedSchedule kSchedules[] = {
#include "Schedules.inc"
};

static constexpr llvm::StringLiteral kTuning =
#include "tuning.inc"
    ;

static std::string findShapeFault(const ShapeClass &shape) {
  int64_t dimQK = *shape.getSize("d_qk"), dimV = *shape.getSize("d_v");
  if (dimV != 512 || (dimQK != 576 && dimQK != 512))
    return llvm::formatv("expected d_qk/d_v of 576/512 or 512/512, got {0}/{1}",
                         dimQK, dimV);
  int64_t heads = *shape.getSize("h_q"), kvHeads = *shape.getSize("h_kv");
  if (heads % kvHeads)
    return llvm::formatv("expected h_q a multiple of h_kv, got {0} and {1}",
                         heads, kvHeads);
  int64_t page = *shape.getSize("page_size");
  if (page % 64 && !(llvm::isPowerOf2_64(page) && page <= 256))
    return llvm::formatv("expected page_size a power of two up to 256 or a "
                         "multiple of 64, got {0}",
                         page);
  return "";
}

/// KV rows per tile; rows (queries x heads) per output tile; and, if set, that
/// full tiles of a page are loaded by TMA, or gathered, instead of the default.
static constexpr llvm::StringRef kTileSizes[] = {"block_kv", "rows",
                                                 "copy_pages", "gather_pages"};

static Prediction predict(const Choice &choice, const Problem &problem,
                          const GpuRates &machine) {
  ScheduleCosts costs = getAttentionCosts(choice.schedule);
  // Measured with one request of 4,096 tokens, of which each CTA has 64: 3 us
  // more with rows of queries as rows of MMAs than as columns.
  constexpr double kFirstTileCycles = 5500;
  if (costs.heads > 32)
    costs.prologueEpilogue += kFirstTileCycles;
  int64_t tokens = problem.getSize("b") * problem.getSize("max_pages") *
                   problem.getSize("page_size");
  int64_t rows = problem.getSize("s_q") * problem.getSize("h_q");
  // The plan divides all tokens evenly: each part counts as a query.
  int64_t tiles = llvm::divideCeil(rows, costs.heads);
  int64_t parts = std::max<int64_t>(1, problem.getSize("ctas") / tiles);
  AttentionProblem attention{
      parts,
      rows,
      problem.getSize("d_qk"),
      problem.getSize("d_v"),
      static_cast<int64_t>(llvm::divideCeil(tokens, parts)),
      tokens};
  return predictAttention(costs, attention,
                          choice.getParameter("block_kv", kUsualBlockKV),
                          machine);
}

const Operator &DecodeOp::getOperator() {
  static const Operator op{kDecodeTable,   kSchedules, kTileSizes,
                           findShapeFault, predict,    kTuning};
  return op;
}

mlir::LogicalResult DecodeOp::verify() {
  int64_t dqk = getSize(*this, "d_qk"), dv = getSize(*this, "d_v");
  if (dv > dqk)
    return emitOpError() << "expected d_v <= d_qk, got " << dv << " > " << dqk;
  return mlir::success();
}
