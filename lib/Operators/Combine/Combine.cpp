//===- Combine.cpp - what kernels cover, and what they cost ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "CombineOp.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

using namespace mla;

static constexpr NamedSchedule kSchedules[] = {
#include "Schedules.inc"
};

static constexpr llvm::StringLiteral kTuning =
#include "tuning.inc"
    ;

/// Columns of a CTA, tiles of partials that are loaded together, and lse values
/// that are reduced together.
static constexpr llvm::StringRef kTileSizes[] = {"columns", "loads", "lse"};

static std::string findShapeFault(const ShapeClass &shape) {
  int64_t width = *shape.getSize("d_v");
  if (width % 64 == 0)
    return "";
  return llvm::formatv("expected d_v a multiple of 64, got {0}", width);
}

/// Bytes by the rate of the memory, and a latency.
static Prediction predict(const Choice &, const Problem &problem,
                          const Machine &machine) {
  auto splits = static_cast<double>(problem.getSize("splits"));
  auto rows = static_cast<double>(problem.getSize("rows"));
  auto width = static_cast<double>(problem.getSize("d_v"));
  constexpr double kLatencyMs = 2e-3;
  Prediction result;
  result.flops = 2 * rows * splits * width;
  double bytes = rows * ((4 * splits + 2) * width + 4 * splits + 4);
  result.ms = kLatencyMs + bytes / machine.measuredHbmBytesPerSecond * 1e3;
  return result;
}

const Operator &CombineOp::getOperator() {
  static const Operator op{kCombineTable,  kSchedules, kTileSizes,
                           findShapeFault, predict,    kTuning};
  return op;
}
