//===- CostModelTest.cpp - predictions against measured times -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/MLA.h"
#include "mla/Operators/Operators.h"
#include "mla/Transforms/ScheduleText.h"
#include "mla/Tuning/TuningTable.h"
#include "gtest/gtest.h"

using namespace mla;

namespace {

/// Times from docs/Performance.md in milliseconds per launch, back to back,
/// with s_q = 4,096 and d_qk/d_v = 576/512.
struct Measured {
  const char *schedule;
  int64_t heads, sKV, topk;
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

/// sparse_prefill with typical sizes except for these.
Problem makeProblem(int64_t heads, int64_t sKV = 65536, int64_t topk = 2048) {
  Problem problem = getTypicalProblem(getOp(), getUsualShape(getOp()));
  problem.shape.setSize("h_q", heads);
  problem.sizes["s_kv"] = sKV;
  problem.sizes["topk"] = topk;
  return problem;
}

Prediction predict(llvm::StringRef schedule, const Problem &problem) {
  return getOp().predict({schedule.str(), {}}, problem, GpuRates());
}

double predictMs(const Measured &measured) {
  EXPECT_NE(findSchedule(getOp(), measured.schedule), nullptr);
  return predict(measured.schedule,
                 makeProblem(measured.heads, measured.sKV, measured.topk))
      .ms;
}

TEST(CostModel, RanksSchedulesAsMeasured) {
  int pairs = 0;
  for (const Measured &a : kMeasured)
    for (const Measured &b : kMeasured) {
      if (a.heads != b.heads || a.sKV != b.sKV || a.topk != b.topk ||
          std::string(a.schedule) >= b.schedule)
        continue;
      ++pairs;
      EXPECT_EQ(predictMs(a) < predictMs(b), a.ms < b.ms)
          << a.schedule << " and " << b.schedule << ", heads " << a.heads
          << ", s_kv " << a.sKV << ", topk " << a.topk;
    }
  // seesaw and swapped with few heads at 8 sizes; three pairs of schedules with
  // 128 heads at two sizes.
  EXPECT_EQ(pairs, 8 + 3 + 3);
}

TEST(CostModel, PredictsTimes) {
  for (const Measured &measured : kMeasured)
    EXPECT_NEAR(predictMs(measured) / measured.ms, 1, 0.1)
        << measured.schedule << ", heads " << measured.heads << ", s_kv "
        << measured.sKV << ", topk " << measured.topk;
}

/// Milliseconds of mla.prefill_backward for a causal sequence.
struct MeasuredBackward {
  int64_t heads, length;
  double ms;
};
constexpr MeasuredBackward kMeasuredBackward[] = {
    {16, 2048, 0.1428}, {16, 4096, 0.4697}, {16, 8192, 1.757},
    {16, 16384, 7.067}, {16, 32768, 28.62}, {128, 4096, 3.949},
    {128, 8192, 15.17},
};

TEST(CostModel, PredictsTimesOfTheBackward) {
  const Operator &op = *findOperator(getOperators(), "prefill_backward");
  for (const MeasuredBackward &measured : kMeasuredBackward) {
    Problem problem = getTypicalProblem(op, getUsualShape(op));
    for (auto &[name, value] : problem.shape.options)
      if (name == "causal")
        value = "yes";
    for (const char *name : {"h_q", "h_kv"})
      problem.shape.setSize(name, measured.heads);
    problem.sizes["s_q"] = problem.sizes["s_kv"] = measured.length;
    Choice choice{"two-consumers", {}};
    EXPECT_NEAR(op.predict(choice, problem, GpuRates()).ms / measured.ms, 1,
                0.1)
        << measured.heads << " heads, " << measured.length << " tokens";
  }
}

TEST(CostModel, MmaCyclesAreLimitedByComputeOrOperands) {
  // Scores of 64 heads x 64 KV rows with d_qk = 576; the widest output.
  EXPECT_EQ(countMmaCycles(64, 64, 576), 36 * 32);
  EXPECT_EQ(countMmaCycles(64, 256, 64), 4 * 128);
  // Few columns: limited by reading A.
  EXPECT_EQ(countMmaCycles(64, 16, 16), 20);
  // Rows are padded to 64, and the depth to 16.
  EXPECT_EQ(countMmaCycles(65, 64, 17), 4 * 32);
}

TEST(CostModel, TermsOfOneTile) {
  Prediction got = predict("seesaw", makeProblem(16, 8192, 65));
  // 16 heads are padded to 64; an iteration has two tiles.
  EXPECT_EQ(got.tensor, 2176);
  EXPECT_EQ(got.tiles, 2);
  EXPECT_EQ(got.waves, 32);
  EXPECT_EQ(got.refill, 0);
  EXPECT_EQ(got.flops, 2.0 * 4096 * 16 * 65 * (576 + 512));
  EXPECT_EQ(predict("seesaw", makeProblem(16, 8192, 129)).tiles, 4);
  EXPECT_EQ(predict("shared-p", makeProblem(16, 8192, 129)).tiles, 3);
  EXPECT_EQ(predict("seesaw", makeProblem(65, 8192, 129)).waves, 63);
  // Two CTAs that share rows see half of the far rows each.
  double shared = predict("seesaw", makeProblem(65, 65536, 129)).refill;
  EXPECT_DOUBLE_EQ(predict("seesaw", makeProblem(64, 65536, 129)).refill,
                   2 * shared);
}

TEST(CostModel, HeadsAsColumnsArePaddedToGroups) {
  Prediction got = predict("swapped", makeProblem(12));
  // 36 steps for the scores and 8 x 4 for the output, of 64 rows by 16 columns.
  EXPECT_EQ(got.tensor, (36 + 32) * 20);
  EXPECT_EQ(got.waves, 32);
  // Two output tiles of 24 heads.
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

std::string chooseSchedule(int64_t heads, int64_t sKV,
                           std::optional<int64_t> topk = std::nullopt) {
  Problem problem = makeProblem(heads, sKV);
  problem.shape.setSize("topk", topk);
  Decision decision = decide(getOp(), problem, Gpu(), TuningTable());
  EXPECT_EQ(decision.source, "the cost model");
  return decision.choice.schedule;
}

TEST(CostModel, Decides) {
  for (int64_t sKV : {8192, 65536, 131072})
    for (int64_t topk : {512, 2048}) {
      for (int64_t heads : {1, 8, 16})
        EXPECT_EQ(chooseSchedule(heads, sKV, topk), "swapped") << heads;
      for (int64_t heads : {33, 48, 64, 65, 96, 128})
        EXPECT_EQ(chooseSchedule(heads, sKV, topk), "seesaw") << heads;
    }
  // With 32 heads, both are about equally fast for a large s_kv.
  EXPECT_EQ(chooseSchedule(32, 8192), "seesaw");
  EXPECT_EQ(chooseSchedule(32, 65536), "seesaw");
  EXPECT_EQ(chooseSchedule(32, 131072), "swapped");
}

} // namespace
