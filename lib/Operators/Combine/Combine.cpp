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

/// The largest width of a CTA that divides d_v.
static int64_t fitColumns(int64_t most, int64_t width) {
  while (width % most)
    most /= 2;
  return most;
}

/// As measured on an H200 (docs/Performance.md). Many rows fill the GPU by
/// themselves: a warp has one, and reduces nothing across threads. Of few rows
/// each is spread over several CTAs, and the threads of one over its splits.
static Choice choose(const Problem &problem) {
  int64_t rows = problem.getSize("rows"), splits = problem.getSize("splits");
  int64_t width = problem.getSize("d_v");
  struct Tile {
    int64_t columns, loads, lse, warps, registers;
  };
  Tile tile = rows >= 1024   ? Tile{512, 2, 32, 1, 64}
              : splits <= 4  ? Tile{512, 4, 32, 4, 80}
              : rows < 64    ? Tile{64, 8, 256, 4, 96}
              : splits <= 8  ? Tile{512, 4, 32, 4, 80}
              : splits <= 16 ? Tile{256, 4, 64, 4, 64}
                             : Tile{128, 8, 256, 4, 96};
  return {"direct",
          {{"columns", fitColumns(tile.columns, width)},
           {"loads", tile.loads},
           {"lse", tile.lse},
           {"reduce.warps", tile.warps},
           {"reduce.registers", tile.registers}}};
}

/// Bytes by the rate of the memory, and a latency.
static Prediction predict(const Choice &, const Problem &problem,
                          const GpuRates &machine) {
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
                           findShapeFault, predict,    kTuning,
                           choose};
  return op;
}
