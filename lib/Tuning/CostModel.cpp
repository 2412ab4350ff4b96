//===- CostModel.cpp - how long a schedule takes --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Tuning/CostModel.h"
#include "mla/Tuning/Operator.h"
#include "mla/Tuning/TuningTable.h"
#include "llvm/Support/MathExtras.h"

using namespace mla;

namespace {
/// Random rows out of more bytes than this come late. A bit less than half of
/// the L2, which is in two parts.
constexpr double kNearBytes = 25e6;
/// Cycles by which a tile comes later if its rows are not near.
constexpr double kFarCycles = 1200;
/// Random rows out of more bytes than this come from memory in part.
constexpr double kCachedBytes = 45e6;
/// Bytes per second of a gather out of L2, rows that only one CTA reads.
constexpr double kGatherAlone = 9.4e12;
/// Cycles that a head adds to a CTA's prologue and epilogue: a row of Q, and
/// one of the output; fitted, so it includes some of what a head's power costs.
constexpr double kPrologueEpilogueCyclesPerHead = 100;

/// Where the rows of KV are, seen from the SMs.
struct Residency {
  /// Share of rows that are not near when a CTA asks for them.
  double far;
  /// Bytes a cycle of an SM, of all that it gathers.
  double bytesPerCycle;
};
} // namespace

static Residency findResidency(const AttentionProblem &problem, int64_t readers,
                               const GpuRates &machine) {
  double bytes =
      std::max(1.0, 2.0 * static_cast<double>(problem.rows * problem.dimQK));
  double far = std::max(0.0, 1 - kNearBytes / bytes);
  double missed = std::max(0.0, 1 - kCachedBytes / bytes);
  double cached = readers > 1 ? machine.measuredL2BytesPerSecond : kGatherAlone;
  // What several CTAs read at about the same time is fetched once.
  auto times = static_cast<double>(readers);
  double rate = 1 / ((1 - missed) / cached +
                     missed / (machine.measuredHbmBytesPerSecond * times));
  return {far / times, machine.bytesPerCycle(rate)};
}

double mla::countProductCycles(int64_t rows, int64_t columns, int64_t depth) {
  double instructions = static_cast<double>(llvm::divideCeil(rows, 64) *
                                            llvm::divideCeil(depth, 16));
  // 4,096 operations, and 128 bytes of operands, a cycle.
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
      llvm::divideCeil(problem.keys, blockKV), costs.tilesPerIteration));
  result.waves = llvm::divideCeil(problem.queries * parts, machine.sms);
  // Doubles: the product of the largest sizes is beyond 64 bits.
  result.flops = 2.0 * static_cast<double>(problem.queries) *
                 static_cast<double>(problem.heads) *
                 static_cast<double>(problem.keys) *
                 static_cast<double>(problem.dimQK + problem.dimV);
  double cycles =
      std::max(result.tensor + result.exposed + result.refill, result.gather);
  cycles = result.prologueEpilogue + static_cast<double>(result.tiles) * cycles;
  result.ms =
      static_cast<double>(result.waves) * cycles / (machine.clockGHz * 1e6);
  return result;
}

Decision mla::decide(const Operator &op, const Problem &problem, const Gpu &gpu,
                     const TuningTable &table) {
  if (const TuningEntry *entry = table.find(problem.shape, gpu))
    return {entry->choice,
            "the tuning table, line " + std::to_string(entry->line)};
  if (op.choose)
    return {op.choose(problem), "the operator's rule"};
  const NamedSchedule *best = nullptr;
  double bestMs = 0;
  for (const NamedSchedule &schedule : op.schedules) {
    double ms = op.predict({schedule.name.str(), {}}, problem, GpuRates()).ms;
    if (!best || ms < bestMs) {
      best = &schedule;
      bestMs = ms;
    }
  }
  return {{best->name.str(), {}}, "the cost model"};
}
