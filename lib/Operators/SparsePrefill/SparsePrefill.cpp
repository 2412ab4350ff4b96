//===- SparsePrefill.cpp - supported shapes and predicted time ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "SparsePrefillOp.h"
#include "mla/Operators/AttentionCosts.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mla;

static constexpr NamedSchedule kSchedules[] = {
#include "Schedules.inc"
};

static constexpr llvm::StringLiteral kTuning =
#include "tuning.inc"
    ;

static std::string findShapeFault(const ShapeClass &shape) {
  int64_t dimQK = *shape.getSize("d_qk"), dimV = *shape.getSize("d_v");
  if (dimV == 512 && (dimQK == 576 || dimQK == 512))
    return "";
  return llvm::formatv("expected d_qk/d_v of 576/512 or 512/512, got {0}/{1}",
                       dimQK, dimV);
}

/// KV rows per tile, and heads per output tile.
static constexpr llvm::StringRef kTileSizes[] = {"block_kv", "rows"};

static Prediction predict(const Choice &choice, const Problem &problem,
                          const GpuRates &machine) {
  AttentionProblem attention{problem.getSize("s_q"),  problem.getSize("h_q"),
                             problem.getSize("d_qk"), problem.getSize("d_v"),
                             problem.getSize("topk"), problem.getSize("s_kv")};
  return predictAttention(getAttentionCosts(choice.schedule), attention,
                          choice.getParameter("block_kv", kUsualBlockKV),
                          machine);
}

const Operator &SparsePrefillOp::getOperator() {
  static const Operator op{kSparsePrefillTable, kSchedules, kTileSizes,
                           findShapeFault,      predict,    kTuning};
  return op;
}
