//===- CostModel.cpp - predicted time of a schedule -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Tuning/CostModel.h"
#include "mla/Operators/Flops.h"
#include "llvm/Support/MathExtras.h"

using namespace mla;

namespace {
/// KV of up to this many bytes fits the near half of L2: slightly less than
/// half of L2, which has two partitions.
constexpr double kNearBytes = 25e6;
/// Additional latency, in cycles, of a KV tile whose rows are not near.
constexpr double kFarCycles = 1200;
/// KV of up to this many bytes fits L2.
constexpr double kCachedBytes = 45e6;
/// Bytes per second of a gather from L2 of rows that only one CTA reads.
constexpr double kGatherAlone = 9.4e12;
/// Prologue and epilogue cycles per head: one row of Q and one of the output.
/// Fitted, so it includes some of the clock reduction due to power.
constexpr double kPrologueEpilogueCyclesPerHead = 100;

/// Where KV rows reside when an SM gathers them.
struct Residency {
  /// The fraction of rows that are not in the near half of L2.
  double far;
  /// Gather bandwidth in bytes per cycle and SM.
  double bytesPerCycle;
};
} // namespace

static Residency findResidency(const AttentionProblem &problem, int64_t readers,
                               const GpuRates &machine) {
  double bytes =
      std::max(1.0, 2.0 * static_cast<double>(problem.sKV * problem.dimQK));
  double far = std::max(0.0, 1 - kNearBytes / bytes);
  double missed = std::max(0.0, 1 - kCachedBytes / bytes);
  double cached = readers > 1 ? machine.measuredL2BytesPerSecond : kGatherAlone;
  // Rows that several CTAs read at about the same time are fetched once.
  auto times = static_cast<double>(readers);
  double rate = 1 / ((1 - missed) / cached +
                     missed / (machine.measuredHbmBytesPerSecond * times));
  return {far / times, machine.bytesPerCycle(rate)};
}

double mla::countMmaCycles(int64_t rows, int64_t columns, int64_t depth) {
  double instructions = static_cast<double>(llvm::divideCeil(rows, 64) *
                                            llvm::divideCeil(depth, 16));
  // The tensor cores do 4,096 FLOP per cycle, shared memory delivers 128 bytes.
  double compute = 2.0 * 64 * 16 * static_cast<double>(columns) / 4096;
  double operands = 2.0 * 16 * static_cast<double>(64 + columns) / 128;
  return instructions * std::max(compute, operands);
}

Prediction mla::predictAttention(const ScheduleCosts &costs,
                                 const AttentionProblem &problem,
                                 int64_t blockKV, const GpuRates &machine) {
  int64_t allHeads = std::max<int64_t>(1, problem.heads);
  int64_t parts = llvm::divideCeil(allHeads, costs.heads);
  int64_t heads = llvm::divideCeil(allHeads, parts);
  TileShape tile{static_cast<int64_t>(llvm::alignTo(heads, costs.headGroup)),
                 blockKV, problem.dimQK, problem.dimV};
  Residency residency = findResidency(problem, parts, machine);

  Prediction result;
  result.tensor = costs.tensor(tile);
  result.exposed =
      costs.exposed + costs.exposedPerHead * static_cast<double>(tile.heads);
  result.refill = costs.refill * kFarCycles * residency.far;
  result.gather = 2.0 * static_cast<double>(blockKV * problem.dimQK) /
                  residency.bytesPerCycle;
  result.prologueEpilogue =
      costs.prologueEpilogue +
      kPrologueEpilogueCyclesPerHead * static_cast<double>(heads);
  result.tiles = static_cast<int64_t>(llvm::alignTo(
      llvm::divideCeil(problem.topk, blockKV), costs.tilesPerIteration));
  result.waves = llvm::divideCeil(problem.sQ * parts, machine.sms);
  double pairs = static_cast<double>(problem.sQ) *
                 static_cast<double>(problem.heads) *
                 static_cast<double>(problem.topk);
  result.flops = countAttentionFlops(pairs, problem.dimQK, problem.dimV);
  double cycles =
      std::max(result.tensor + result.exposed + result.refill, result.gather);
  cycles = result.prologueEpilogue + static_cast<double>(result.tiles) * cycles;
  result.ms =
      static_cast<double>(result.waves) * cycles / (machine.clockGHz * 1e6);
  return result;
}
