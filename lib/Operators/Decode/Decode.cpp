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

/// Whether the shape has an operand that is part of the tuning key.
static bool hasOperand(const ShapeClass &shape, llvm::StringRef name) {
  return llvm::is_contained(shape.options,
                            std::pair(name.str(), std::string(kPresent)));
}

static std::string findShapeFault(const ShapeClass &shape) {
  int64_t dimQK = *shape.getSize("d_qk"), dimV = *shape.getSize("d_v");
  if (dimV != 512 || (dimQK != 576 && dimQK != 512))
    return llvm::formatv("expected d_qk/d_v of 576/512 or 512/512, got {0}/{1}",
                         dimQK, dimV);
  int64_t heads = *shape.getSize("h_q"), kvHeads = *shape.getSize("h_kv");
  if (heads % kvHeads)
    return llvm::formatv("expected h_q a multiple of h_kv, got {0} and {1}",
                         heads, kvHeads);
  if (!hasOperand(shape, "block_table"))
    return "";
  std::optional<int64_t> page = shape.getSize("page_size");
  if (!page)
    return "expected a static page_size with block_table, got a run-time size";
  if (*page % 64 && !(llvm::isPowerOf2_64(*page) && *page <= 256))
    return llvm::formatv("expected page_size a power of two up to 256 or a "
                         "multiple of 64, got {0}",
                         *page);
  return "";
}

/// KV rows per tile; rows (queries x heads) per output tile; and, if set, that
/// full tiles of a page are loaded by TMA, or gathered, instead of the default.
static constexpr llvm::StringRef kTileSizes[] = {"block_kv", "rows",
                                                 "copy_pages", "gather_pages"};

static bool isBatchInvariant(const Problem &problem) {
  return llvm::is_contained(
      problem.shape.options,
      std::pair<std::string, std::string>("batch_invariant", "yes"));
}

static Prediction predict(const Choice &choice, const Problem &problem,
                          const GpuRates &machine) {
  ScheduleCosts costs = getAttentionCosts(choice.schedule);
  // Measured with one request of 4,096 tokens, of which each CTA has 64: 3 us
  // more with rows of queries as rows of MMAs than as columns.
  constexpr double kFirstTileCycles = 5500;
  if (costs.heads > 32)
    costs.prologueEpilogue += kFirstTileCycles;
  int64_t pages = hasOperand(problem.shape, "block_table")
                      ? problem.getSize("max_pages")
                      : 1;
  int64_t tokens = problem.getSize("b") * pages * problem.getSize("page_size");
  // A batch-invariant result has the same bits for a query alone and among
  // others, so that the schedule may not depend on their number.
  int64_t queries = isBatchInvariant(problem) ? 1 : problem.getSize("s_q");
  int64_t rows = queries * problem.getSize("h_q");
  // The plan divides all tokens evenly: each part counts as a query.
  int64_t tiles = llvm::divideCeil(rows, costs.heads);
  int64_t parts = std::max<int64_t>(1, problem.getSize("ctas") / tiles);
  int64_t rope =
      hasOperand(problem.shape, "k_rope") ? problem.getSize("d_rope") : 0;
  AttentionProblem attention{
      parts,
      rows,
      problem.getSize("d_qk") + rope,
      problem.getSize("d_v"),
      static_cast<int64_t>(llvm::divideCeil(tokens, parts)),
      tokens};
  return predictAttention(costs, attention,
                          choice.getParameter("block_kv", kUsualBlockKV),
                          machine);
}

/// The schedule with the shortest predicted time. Not seesaw where K has no
/// tail, columns that are not V: with any numbers of registers ptxas spills for
/// some of these shapes.
static Choice choose(const Problem &problem) {
  bool hasTail = problem.getSize("d_qk") > problem.getSize("d_v") ||
                 hasOperand(problem.shape, "k_rope");
  const NamedSchedule *best = nullptr;
  double bestMs = 0;
  for (const NamedSchedule &schedule : kSchedules) {
    if (schedule.name == "seesaw" && !hasTail)
      continue;
    Choice choice{schedule.name.str(), {}};
    double ms = predict(choice, problem, GpuRates()).ms;
    if (!best || ms < bestMs) {
      best = &schedule;
      bestMs = ms;
    }
  }
  return {best->name.str(), {}};
}

const Operator &DecodeOp::getOperator() {
  static const Operator op{kDecodeTable, kSchedules, kTileSizes, findShapeFault,
                           predict,      kTuning,    choose};
  return op;
}

mlir::LogicalResult DecodeOp::verify() {
  int64_t dqk = getSize(*this, "d_qk"), dv = getSize(*this, "d_v");
  if (dv > dqk)
    return emitOpError() << "expected d_v <= d_qk, got " << dv << " > " << dqk;
  if (!getQRope() != !getKRope())
    return emitOpError() << "expected q_rope and k_rope or neither, got "
                         << (getQRope() ? "q_rope" : "k_rope") << " alone";
  if (getQRope() && dqk != dv)
    return emitOpError() << "expected d_qk = d_v with q_rope and k_rope, got "
                         << dqk << " and " << dv;
  int64_t requests = getSize(*this, "b"), rows = getSize(*this, "num_pages");
  // If b alone is static, a launch has to give as many rows.
  if (getBlockTable() || requests == rows || mlir::ShapedType::isDynamic(rows))
    return mlir::success();
  auto error = emitOpError() << "expected num_pages = b without block_table, "
                             << "got " << rows << " and ";
  if (mlir::ShapedType::isDynamic(requests))
    return error << "a run-time size";
  return error << requests;
}
