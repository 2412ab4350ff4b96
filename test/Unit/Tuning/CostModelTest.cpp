//===- CostModelTest.cpp - the model against what was measured ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/MLA.h"
#include "mla/Operators/Operators.h"
#include "mla/Transforms/ScheduleText.h"
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

const Operator &getOp() {
  return *findOperator(getOperators(), "sparse_prefill");
}

/// The operator with sizes that are not the typical ones.
Problem makeProblem(int64_t heads, int64_t rows = 65536, int64_t topk = 2048) {
  Problem problem = getTypicalProblem(getOp(), getUsualShape(getOp()));
  problem.shape.setSize("h_q", heads);
  problem.sizes["s_kv"] = rows;
  problem.sizes["topk"] = topk;
  return problem;
}

Prediction predict(llvm::StringRef schedule, const Problem &problem) {
  return getOp().predict({schedule.str(), {}}, problem, GpuRates());
}

double predictMs(const Measured &measured) {
  EXPECT_NE(findSchedule(getOp(), measured.schedule), nullptr);
  return predict(measured.schedule,
                 makeProblem(measured.heads, measured.rows, measured.topk))
      .ms;
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
  Prediction got = predict("seesaw", makeProblem(16, 8192, 65));
  // 16 heads are computed as 64; two tiles make up an iteration.
  EXPECT_EQ(got.tensor, 2176);
  EXPECT_EQ(got.tiles, 2);
  EXPECT_EQ(got.waves, 32);
  EXPECT_EQ(got.refill, 0);
  EXPECT_EQ(got.flops, 2.0 * 4096 * 16 * 65 * (576 + 512));
  EXPECT_EQ(predict("seesaw", makeProblem(16, 8192, 129)).tiles, 4);
  EXPECT_EQ(predict("shared-p", makeProblem(16, 8192, 129)).tiles, 3);
  EXPECT_EQ(predict("seesaw", makeProblem(65, 8192, 129)).waves, 63);
  // Rows that are far for one CTA are so half as often for two that share them.
  double shared = predict("seesaw", makeProblem(65, 65536, 129)).refill;
  EXPECT_DOUBLE_EQ(predict("seesaw", makeProblem(64, 65536, 129)).refill,
                   2 * shared);
}

TEST(CostModel, HeadsAsColumnsArePaddedToGroups) {
  Prediction got = predict("swapped", makeProblem(12));
  // 36 steps for the scores and 8 x 4 for the output, of 64 rows by 16 columns.
  EXPECT_EQ(got.tensor, (36 + 32) * 20);
  EXPECT_EQ(got.waves, 32);
  // Two blocks of 24.
  EXPECT_EQ(predict("swapped", makeProblem(44)).waves, 63);
}

TEST(CostModel, EveryScheduleIsWellFormed) {
  mlir::DialectRegistry registry;
  registry.insert<MLADialect>();
  mlir::MLIRContext context(registry);
  context.loadDialect<MLADialect>();
  for (const Operator *op : getOperators())
    for (const NamedSchedule &schedule : op->schedules)
      EXPECT_TRUE(parseSchedule(schedule.text, schedule.name, context))
          << schedule.name.str();
}

std::string chooseSchedule(int64_t heads, int64_t rows,
                           std::optional<int64_t> topk = std::nullopt) {
  Problem problem = makeProblem(heads, rows);
  problem.shape.setSize("topk", topk);
  Decision decision = decide(getOp(), problem, Gpu(), TuningTable());
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
  EXPECT_EQ(chooseSchedule(32, 65536), "seesaw");
  EXPECT_EQ(chooseSchedule(32, 131072), "swapped");
}

} // namespace
