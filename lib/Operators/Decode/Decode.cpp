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
  int64_t page = *shape.getSize("page_size");
  if (page % 64 && !(llvm::isPowerOf2_64(page) && page <= 256))
    return llvm::formatv("expected page_size a power of two up to 256 or a "
                         "multiple of 64, got {0}",
                         page);
  return "";
}

/// KV rows per tile, and heads per output tile.
static constexpr llvm::StringRef kTileSizes[] = {"block_kv", "rows"};

static Prediction predict(const Choice &choice, const Problem &problem,
                          const GpuRates &machine) {
  int64_t splits = std::max<int64_t>(1, problem.getSize("splits"));
  int64_t tokens = problem.getSize("max_pages") * problem.getSize("page_size");
  int64_t requests = problem.getSize("b");
  // Each split of a request counts as a query over the split's tokens.
  AttentionProblem attention{
      requests * problem.getSize("s_q") * splits,
      problem.getSize("h_q"),
      problem.getSize("d_qk"),
      problem.getSize("d_v"),
      static_cast<int64_t>(llvm::divideCeil(tokens, splits)),
      requests * tokens};
  return predictAttention(getAttentionCosts(choice.schedule), attention,
                          choice.getParameter("block_kv", kUsualBlockKV),
                          machine);
}

const Operator &DecodeOp::getOperator() {
  static const Operator op{kDecodeTable,   kSchedules, kTileSizes,
                           findShapeFault, predict,    kTuning};
  return op;
}
