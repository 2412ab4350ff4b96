//===- CostModelTest.cpp - the model against what was measured ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Tuning/CostModel.h"
#include "mla/Transforms/Passes.h"
#include "mla/Tuning/TuningTable.h"
#include "gtest/gtest.h"

using namespace mla;

namespace {

/// What docs/Performance.md has, of 4,096 queries and d = 576/512, in
/// milliseconds; 0 where nothing was measured.
struct Measured {
  const char *schedule;
  int64_t heads, rows, topk;
  double backToBack, gap;
};

constexpr Measured kMeasured[] = {
    {"seesaw", 128, 8192, 2048, 4.016, 3.536},
    {"seesaw", 128, 32768, 2048, 4.178, 3.708},
    {"seesaw", 128, 65536, 2048, 4.340, 3.902},
    {"seesaw", 128, 98304, 2048, 4.409, 3.978},
    {"seesaw", 128, 131072, 2048, 4.457, 4.016},
    {"shared-p", 128, 8192, 2048, 4.556, 4.332},
    {"shared-p", 128, 32768, 2048, 4.708, 4.367},
    {"shared-p", 128, 65536, 2048, 4.857, 4.389},
    {"shared-p", 128, 98304, 2048, 4.908, 4.405},
    {"shared-p", 128, 131072, 2048, 4.958, 4.412},
    {"seesaw", 64, 8192, 2048, 1.804, 1.825},
    {"seesaw", 64, 65536, 2048, 2.124, 2.135},
    {"seesaw", 64, 65536, 512, 0.646, 0.668},
    {"seesaw", 64, 65536, 128, 0.275, 0.294},
    {"shared-p", 64, 8192, 2048, 0, 2.191},
    {"shared-p", 64, 65536, 2048, 0, 2.328},
    {"shared-p", 64, 65536, 512, 0, 0.700},
    {"shared-p", 64, 65536, 128, 0, 0.308},
    {"seesaw", 16, 65536, 2048, 2.225, 1.951},
    {"seesaw", 16, 65536, 128, 0.218, 0.236},
    {"seesaw", 128, 65536, 512, 1.188, 1.208},
    {"seesaw", 128, 65536, 256, 0.750, 0.772},
    {"seesaw", 128, 65536, 128, 0.527, 0.549},
    // 378 and 353 TFLOP/s.
    {"split-columns", 128, 8192, 2048, 6.179, 0},
    {"split-columns", 128, 131072, 2048, 6.617, 0},
};

double predictMs(const Measured &measured) {
  Problem problem;
  problem.shape.heads = measured.heads;
  problem.rows = measured.rows;
  problem.topk = measured.topk;
  const ScheduleCosts *costs = findScheduleCosts(measured.schedule);
  EXPECT_NE(costs, nullptr) << measured.schedule;
  return costs ? predict(*costs, problem).ms : 0;
}

/// Whether `a` was faster than `b`, where both were measured alike.
std::optional<bool> isFaster(const Measured &a, const Measured &b) {
  if (a.gap > 0 && b.gap > 0)
    return a.gap < b.gap;
  if (a.backToBack > 0 && b.backToBack > 0)
    return a.backToBack < b.backToBack;
  return std::nullopt;
}

TEST(CostModel, RanksSchedulesAsMeasured) {
  int pairs = 0;
  for (const Measured &a : kMeasured)
    for (const Measured &b : kMeasured) {
      std::optional<bool> faster = isFaster(a, b);
      if (a.heads != b.heads || a.rows != b.rows || a.topk != b.topk ||
          std::string(a.schedule) >= b.schedule || !faster)
        continue;
      ++pairs;
      EXPECT_EQ(predictMs(a) < predictMs(b), *faster)
          << a.schedule << " and " << b.schedule << ", heads " << a.heads
          << ", s_kv " << a.rows << ", topk " << a.topk;
    }
  // All sizes at which two schedules were measured, split-columns beside both.
  EXPECT_EQ(pairs, 5 + 4 + 2 * 2);
}

TEST(CostModel, PredictsTimesOfRestedLaunches) {
  for (const Measured &measured : kMeasured)
    if (measured.gap > 0) {
      EXPECT_NEAR(predictMs(measured) / measured.gap, 1, 0.08)
          << measured.schedule << ", heads " << measured.heads << ", s_kv "
          << measured.rows << ", topk " << measured.topk;
    }
}

TEST(CostModel, ProductsCostWhatTheyComputeOrRead) {
  // Scores of 64 heads and keys, d_qk = 576; an output as wide as can be.
  EXPECT_EQ(countProductCycles(64, 64, 576), 36 * 32);
  EXPECT_EQ(countProductCycles(64, 256, 64), 4 * 128);
  // Few columns: A is read for each instruction all the same.
  EXPECT_EQ(countProductCycles(64, 16, 16), 20);
  // Rows are padded to 64, and the depth to 16.
  EXPECT_EQ(countProductCycles(65, 64, 17), 4 * 32);
}

TEST(CostModel, TermsOfOneTile) {
  Problem problem;
  problem.shape.heads = 16;
  problem.topk = 65;
  Prediction got = predict(*findScheduleCosts("seesaw"), problem);
  // 16 heads are computed as 64; two tiles make up an iteration.
  EXPECT_EQ(got.tensor, 2176);
  EXPECT_EQ(got.tiles, 2);
  EXPECT_EQ(got.waves, 32);
  EXPECT_EQ(got.refill, 0);
  problem.topk = 129;
  EXPECT_EQ(predict(*findScheduleCosts("seesaw"), problem).tiles, 4);
  EXPECT_EQ(predict(*findScheduleCosts("shared-p"), problem).tiles, 3);
  problem.shape.heads = 65;
  EXPECT_EQ(predict(*findScheduleCosts("seesaw"), problem).waves, 63);
}

TEST(CostModel, HasARowForEachName) {
  mlir::MLIRContext context;
  context.loadDialect<MLADialect>();
  mlir::Location loc = mlir::UnknownLoc::get(&context);
  for (const ScheduleCosts &costs : getScheduleCosts())
    EXPECT_TRUE(getNamedSchedule(costs.name, loc)) << costs.name.str();
  // The error lists the names there are.
  std::string message;
  mlir::ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &diag) {
    message = diag.str();
    return mlir::success();
  });
  EXPECT_FALSE(getNamedSchedule("?", loc));
  size_t names = 1;
  for (size_t at = 0; (at = message.find(" or ", at)) != std::string::npos;
       ++at)
    ++names;
  EXPECT_EQ(names, getScheduleCosts().size()) << message;
}

TEST(CostModel, Decides) {
  TuningTable empty;
  ShapeClass shape;
  for (int64_t heads : {1, 16, 64, 128})
    for (int64_t topk : {512, 2048}) {
      shape.heads = heads;
      shape.topk = topk;
      Decision decision = decide(shape, Gpu(), empty);
      EXPECT_EQ(decision.choice.schedule, "seesaw");
      EXPECT_EQ(decision.source, "the cost model");
    }
}

} // namespace
