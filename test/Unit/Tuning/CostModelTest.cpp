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
/// milliseconds, back to back.
struct Measured {
  const char *schedule;
  int64_t heads, rows, topk;
  double ms;
};

constexpr Measured kMeasured[] = {
    {"seesaw", 128, 8192, 2048, 3.568},
    {"seesaw", 128, 32768, 2048, 3.740},
    {"seesaw", 128, 65536, 2048, 3.908},
    {"seesaw", 128, 98304, 2048, 3.982},
    {"seesaw", 128, 131072, 2048, 4.010},
    {"seesaw", 128, 65536, 512, 1.049},
    {"seesaw", 128, 65536, 256, 0.648},
    {"seesaw", 128, 65536, 128, 0.492},
    {"seesaw", 64, 8192, 2048, 1.731},
    {"seesaw", 64, 65536, 2048, 2.143},
    {"seesaw", 32, 8192, 2048, 1.533},
    {"seesaw", 32, 65536, 2048, 1.840},
    {"seesaw", 32, 8192, 512, 0.452},
    {"seesaw", 32, 65536, 512, 0.530},
    {"seesaw", 16, 8192, 2048, 1.526},
    {"seesaw", 16, 65536, 2048, 1.765},
    {"seesaw", 16, 8192, 512, 0.451},
    {"seesaw", 16, 65536, 512, 0.503},
    {"swapped", 32, 8192, 2048, 1.807},
    {"swapped", 32, 65536, 2048, 1.939},
    {"swapped", 32, 8192, 512, 0.516},
    {"swapped", 32, 65536, 512, 0.537},
    {"swapped", 16, 8192, 2048, 1.356},
    {"swapped", 16, 65536, 2048, 1.521},
    {"swapped", 16, 8192, 512, 0.397},
    {"swapped", 16, 65536, 512, 0.453},
    {"shared-p", 128, 8192, 2048, 4.425},
    {"shared-p", 128, 65536, 2048, 4.700},
    {"split-columns", 128, 8192, 2048, 5.812},
    {"split-columns", 128, 65536, 2048, 6.134},
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

TEST(CostModel, RanksSchedulesAsMeasured) {
  int pairs = 0;
  for (const Measured &a : kMeasured)
    for (const Measured &b : kMeasured) {
      if (a.heads != b.heads || a.rows != b.rows || a.topk != b.topk ||
          std::string(a.schedule) >= b.schedule)
        continue;
      ++pairs;
      EXPECT_EQ(predictMs(a) < predictMs(b), a.ms < b.ms)
          << a.schedule << " and " << b.schedule << ", heads " << a.heads
          << ", s_kv " << a.rows << ", topk " << a.topk;
    }
  // Few heads with seesaw and swapped; 128 with all others, each of three with
  // each, at two sizes.
  EXPECT_EQ(pairs, 8 + 3 + 3);
}

TEST(CostModel, PredictsTimes) {
  for (const Measured &measured : kMeasured)
    EXPECT_NEAR(predictMs(measured) / measured.ms, 1, 0.1)
        << measured.schedule << ", heads " << measured.heads << ", s_kv "
        << measured.rows << ", topk " << measured.topk;
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
  problem.rows = 8192;
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
  // Rows that are far for one CTA are so half as often for two that share them.
  problem.rows = 65536;
  double shared = predict(*findScheduleCosts("seesaw"), problem).refill;
  problem.shape.heads = 64;
  EXPECT_DOUBLE_EQ(predict(*findScheduleCosts("seesaw"), problem).refill,
                   2 * shared);
}

TEST(CostModel, HeadsAsColumnsArePaddedToGroups) {
  Problem problem;
  problem.shape.heads = 12;
  Prediction got = predict(*findScheduleCosts("swapped"), problem);
  // 36 steps for the scores and 8 x 4 for the output, of 64 rows by 16 columns.
  EXPECT_EQ(got.tensor, (36 + 32) * 20);
  EXPECT_EQ(got.waves, 32);
  // Two blocks of 24.
  problem.shape.heads = 44;
  EXPECT_EQ(predict(*findScheduleCosts("swapped"), problem).waves, 63);
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
  for (const ScheduleCosts &costs : getScheduleCosts())
    EXPECT_NE(message.find(costs.name), std::string::npos) << message;
}

std::string chooseSchedule(int64_t heads, int64_t rows,
                           std::optional<int64_t> topk = std::nullopt) {
  Problem problem;
  problem.shape.heads = heads;
  problem.shape.topk = topk;
  problem.rows = rows;
  Decision decision = decide(problem, Gpu(), TuningTable());
  EXPECT_EQ(decision.source, "the cost model");
  return decision.choice.schedule;
}

TEST(CostModel, Decides) {
  for (int64_t rows : {8192, 65536, 131072})
    for (int64_t topk : {512, 2048}) {
      for (int64_t heads : {1, 8, 16})
        EXPECT_EQ(chooseSchedule(heads, rows, topk), "swapped") << heads;
      for (int64_t heads : {33, 48, 64, 65, 96, 128})
        EXPECT_EQ(chooseSchedule(heads, rows, topk), "seesaw") << heads;
    }
  // 32 heads are about as fast with both where rows are far.
  EXPECT_EQ(chooseSchedule(32, 8192), "seesaw");
  EXPECT_EQ(chooseSchedule(32, Problem().rows), "seesaw");
  EXPECT_EQ(chooseSchedule(32, 131072), "swapped");
}

} // namespace
