//===- AttentionCosts.cpp - what each attention schedule costs
//-------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A row for each schedule of attention operators. The measured columns are
// fitted to launches of sparse_prefill of 4,096 queries back to back
// (docs/Performance.md): exposed shows at s_kv = 8,192, where rows are near in
// L2; refill in how the time grows with s_kv; prologue and epilogue in how it
// grows with topk.
//
//===----------------------------------------------------------------------===//

#include "mla/Operators/AttentionCosts.h"
#include "llvm/ADT/STLExtras.h"

using namespace mla;

/// The widest product there is.
static constexpr int64_t kWidest = 256;

static double countOutput(const TileShape &tile) {
  return static_cast<double>(tile.dimV) / kWidest *
         countProductCycles(tile.heads, kWidest, tile.blockKV);
}

static double countScores(const TileShape &tile) {
  return countProductCycles(tile.heads, tile.blockKV, tile.dimQK);
}

static double countOnce(const TileShape &tile) {
  return countScores(tile) + countOutput(tile);
}

static double countScoresTwice(const TileShape &tile) {
  return 2 * countScores(tile) + countOutput(tile);
}

/// A and B exchanged: keys and dimensions are rows, heads columns.
static double countSwapped(const TileShape &tile) {
  return countProductCycles(tile.blockKV, tile.heads, tile.dimQK) +
         countProductCycles(tile.dimV, tile.heads, tile.blockKV);
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
