//===- AttentionCosts.cpp - costs of the built-in schedules ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// One row for each schedule of the attention operators, fitted to back-to-back
// launches of sparse_prefill with s_q = 4,096 (docs/Performance.md): exposed
// from s_kv = 8,192, where KV fits the near half of L2; refill from the slope
// over s_kv; prologue and epilogue from the slope over topk.
//
//===----------------------------------------------------------------------===//

#include "mla/Operators/AttentionCosts.h"
#include "llvm/ADT/STLExtras.h"

using namespace mla;

/// The largest n of an MMA.
static constexpr int64_t kWidest = 256;

static double countOutput(const TileShape &tile) {
  return static_cast<double>(tile.dimV) / kWidest *
         countMmaCycles(tile.heads, kWidest, tile.blockKV);
}

static double countScores(const TileShape &tile) {
  return countMmaCycles(tile.heads, tile.blockKV, tile.dimQK);
}

static double countOnce(const TileShape &tile) {
  return countScores(tile) + countOutput(tile);
}

static double countScoresTwice(const TileShape &tile) {
  return 2 * countScores(tile) + countOutput(tile);
}

/// KV rows and dimensions are the rows of MMAs, heads the columns.
static double countSwapped(const TileShape &tile) {
  return countMmaCycles(tile.blockKV, tile.heads, tile.dimQK) +
         countMmaCycles(tile.dimV, tile.heads, tile.blockKV);
}

// clang-format off
static constexpr ScheduleCosts kCosts[] = {
    // name           heads  group  tensor            tiles  exposed  a head  refill  pro+epilogue
    {"seesaw",        64,    64,    countOnce,        2,     630,     0,      0.65,   1000},
    {"shared-p",      64,    64,    countOnce,        1,     1590,    0,      0.6,    1800},
    {"split-columns", 64,    64,    countScoresTwice, 1,     1700,    0,      0.7,    1800},
    {"swapped",       32,    8,     countSwapped,     1,     500,     29,     0.3,    2200},
};
// clang-format on

const ScheduleCosts &mla::getAttentionCosts(llvm::StringRef schedule) {
  return *llvm::find_if(kCosts, [&](const ScheduleCosts &costs) {
    return costs.name == schedule;
  });
}
