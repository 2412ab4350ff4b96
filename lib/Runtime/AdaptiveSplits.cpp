//===- AdaptiveSplits.cpp - how many splits of KV fill a GPU ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Runtime/Runtime.h"

static int64_t divideUp(int64_t a, int64_t b) { return a / b + (a % b != 0); }

int32_t mlaAdaptiveSplits(int64_t rows, int64_t tokens, int32_t sms) {
  constexpr int64_t kStepTokens = 64, kMaxSplits = 256;
  constexpr double kBeginSteps = 1, kMergeSteps = 1.5;
  if (rows < 0 || tokens < 0 || sms < 1)
    return 0;
  // More rows than this fill any GPU; the multiplication below cannot overflow.
  constexpr int64_t kManyRows = int64_t(1) << 40;
  rows = rows < kManyRows ? rows : kManyRows;
  int64_t steps = divideUp(tokens, kStepTokens);
  int32_t best = 1;
  double bestTime = 0;
  for (int64_t splits = 1; splits <= kMaxSplits; ++splits) {
    if (splits > 1 && splits > steps)
      break;
    auto waves = static_cast<double>(divideUp(rows * splits, sms));
    auto each = static_cast<double>(divideUp(steps, splits));
    double time = waves * (each + kBeginSteps);
    if (splits > 1)
      time += kMergeSteps;
    if (splits == 1 || time < bestTime) {
      best = static_cast<int32_t>(splits);
      bestTime = time;
    }
  }
  return best;
}
