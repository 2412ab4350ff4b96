//===- Combine.cpp - supported shapes, choice of tiles, predicted time ----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "CombineOp.h"
#include "Flops.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include <limits>

using namespace mla;

static constexpr NamedSchedule kSchedules[] = {
#include "Schedules.inc"
};

static constexpr llvm::StringLiteral kTuning =
#include "tuning.inc"
    ;

/// Columns per CTA, tiles of partials per iteration, lse values per reduction.
static constexpr llvm::StringRef kTileSizes[] = {"columns", "loads", "lse"};

static std::string findShapeFault(const ShapeClass &shape) {
  int64_t width = *shape.getSize("d_v");
  if (width % 64 == 0)
    return "";
  return llvm::formatv("expected d_v a multiple of 64, got {0}", width);
}

/// The largest of `most`, most / 2, ... that divides d_v.
static int64_t fitColumns(int64_t most, int64_t width) {
  while (width % most)
    most /= 2;
  return most;
}

static constexpr int64_t kAny = std::numeric_limits<int64_t>::max();

namespace {
/// Tile sizes and role sizes for a range of rows and splits, both inclusive.
struct Rule {
  int64_t minRows, maxRows, maxSplits;
  int64_t columns, loads, lse, warps, registers;
};
} // namespace

/// Fitted to measurements on an H200 (docs/Performance.md); the first match is
/// used. Many rows fill the GPU, so that each warp takes a whole row and needs
/// no reduction across threads. With few rows, several CTAs share a row and the
/// threads of a CTA divide its splits.
// clang-format off
static constexpr Rule kRules[] = {
    // rows       splits  columns  loads  lse  warps  registers
    {1024, kAny,  kAny,   512,     2,     32,  1,     64},
    {0,    kAny,  4,      512,     4,     32,  4,     80},
    {0,    63,    kAny,   64,      8,     256, 4,     96},
    {0,    kAny,  8,      512,     4,     32,  4,     80},
    {0,    kAny,  16,     256,     4,     64,  4,     64},
    {0,    kAny,  kAny,   128,     8,     256, 4,     96},
};
// clang-format on

static Choice choose(const Problem &problem) {
  int64_t rows = problem.getSize("rows"), splits = problem.getSize("splits");
  const Rule &rule = *llvm::find_if(kRules, [&](const Rule &rule) {
    return rows >= rule.minRows && rows <= rule.maxRows &&
           splits <= rule.maxSplits;
  });
  return {"direct",
          {{"columns", fitColumns(rule.columns, problem.getSize("d_v"))},
           {"loads", rule.loads},
           {"lse", rule.lse},
           {"reduce.warps", rule.warps},
           {"reduce.registers", rule.registers}}};
}

/// Bytes / memory bandwidth + latency. Assumes f32 partials and 16-bit outputs.
static Prediction predict(const Choice &, const Problem &problem,
                          const GpuRates &machine) {
  auto splits = static_cast<double>(problem.getSize("splits"));
  auto rows = static_cast<double>(problem.getSize("rows"));
  auto width = static_cast<double>(problem.getSize("d_v"));
  constexpr double kLatencyMs = 2e-3;
  Prediction result;
  result.flops = countCombineFlops(rows, splits, width);
  double bytes = rows * ((4 * splits + 2) * width + 4 * splits + 4);
  result.ms = kLatencyMs + bytes / machine.measuredHbmBytesPerSecond * 1e3;
  return result;
}

const Operator &CombineOp::getOperator() {
  static const Operator op{kCombineTable,  kSchedules, kTileSizes,
                           findShapeFault, predict,    kTuning,
                           choose};
  return op;
}
