//===- ScheduleCosts.cpp - what each named schedule costs -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A row for each name in lib/Transforms/Schedules.cpp. The measured columns are
// from launches with a pause in front (docs/Performance.md): exposed from s_kv
// = 8,192, where rows are near in L2; refill from how the time grows with s_kv;
// edges from how it grows with topk.
//
//===----------------------------------------------------------------------===//

#include "mla/Tuning/CostModel.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mla;

/// The widest product there is.
static constexpr int64_t kWidest = 256;

static double countOutput(const TileShape &tile) {
  return static_cast<double>(tile.dimV) / kWidest *
         countProductCycles(tile.heads, kWidest, tile.keys);
}

static double countScores(const TileShape &tile) {
  return countProductCycles(tile.heads, tile.keys, tile.dimQK);
}

static double countOnce(const TileShape &tile) {
  return countScores(tile) + countOutput(tile);
}

static double countScoresTwice(const TileShape &tile) {
  return 2 * countScores(tile) + countOutput(tile);
}

// clang-format off
static constexpr ScheduleCosts kCosts[] = {
    // name           heads  group  tensor            tiles  exposed  refill  edges
    {"seesaw",        64,    64,    countOnce,        2,     750,     1.0,    6200},
    {"shared-p",      64,    64,    countOnce,        1,     1470,    0.2,    6800},
    // Measured back to back only, and on a busier clock.
    {"split-columns", 64,    64,    countScoresTwice, 1,     1700,    0.2,    6200},
};
// clang-format on

llvm::ArrayRef<ScheduleCosts> mla::getScheduleCosts() { return kCosts; }

const ScheduleCosts *mla::findScheduleCosts(llvm::StringRef name) {
  const auto *found = llvm::find_if(
      kCosts, [&](const ScheduleCosts &costs) { return costs.name == name; });
  return found == std::end(kCosts) ? nullptr : found;
}

std::string mla::listSchedules() {
  return llvm::join(
      llvm::map_range(kCosts,
                      [](const ScheduleCosts &costs) { return costs.name; }),
      " or ");
}
