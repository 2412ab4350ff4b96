//===- TuneTest.cpp - choosing by time, through a fake driver -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "FakeGpu.h"

#include "mla/Harness/Tune.h"

#include <cmath>

using namespace mla::harness;

namespace {

class TuneTest : public FakeGpu {
protected:
  void SetUp() override {
    FakeGpu::SetUp();
    options.cases = {{{"n", 1000}}, {{"n", 8}}};
    options.rounds = 2;
    options.iterations = 3;
    options.warmup = 1;
    options.gapMs = 0.1;
    // The fake driver's times depend on the last kernel: block 128 is slow.
    copy = fake->onLaunch;
    fake->onLaunch = [this](void **parameters) {
      fake->milliseconds = fake->config.blockX == 128 ? 4 : 3;
      if (fake->config.blockX != wrongBlock)
        copy(parameters);
    };
  }

  /// A copy kernel by a CTA of `block` threads.
  Candidate make(const std::string &label, int block) {
    Candidate candidate;
    std::vector<Subject> loaded;
    EXPECT_TRUE(config.load(label, loaded).ok());
    candidate.subject = loaded.front();
    candidate.subject.descriptor.kernels[0].block = block;
    return candidate;
  }

  Status tune() {
    std::unique_ptr<GpuContext> context;
    Status status = GpuContext::create(context);
    return status.ok() ? tuneCandidates(*context, options, candidates) : status;
  }

  ToolOptions options;
  std::vector<Candidate> candidates;
  std::function<void(void **)> copy;
  unsigned wrongBlock = 0;
};

TEST_F(TuneTest, TimesInTurnsAndFindsTheFastest) {
  candidates = {make("slow", 128), make("fast", 256), make("none", 512)};
  candidates[2].skipped = "does not compile";
  Status status = tune();
  ASSERT_TRUE(status.ok()) << status.message();
  // Two candidates and two cases: a check each; rounds x modes, each a warm-up
  // and the timed iterations.
  EXPECT_EQ(fake->launches, 2 * 2 * (1 + 2 * 2 * (1 + 3)));
  ASSERT_EQ(candidates[0].times.size(), 2u);
  EXPECT_EQ(candidates[0].times[1].gapMs, 4);
  EXPECT_EQ(candidates[1].times[0].backToBackMs, 3);
  EXPECT_TRUE(candidates[2].times.empty());
  EXPECT_EQ(findFastest(candidates), &candidates[1]);
}

TEST_F(TuneTest, AWrongOneIsNotTimed) {
  candidates = {make("slow", 128), make("fast", 256)};
  wrongBlock = 256;
  Status status = tune();
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_TRUE(candidates[1].wrong);
  // Checked at reduced sizes.
  EXPECT_EQ(candidates[1].skipped.find("output 'c' is wrong at n=200: "), 0u)
      << candidates[1].skipped;
  EXPECT_TRUE(candidates[1].times.empty());
  EXPECT_EQ(findFastest(candidates), &candidates[0]);
}

TEST_F(TuneTest, NoneLeft) {
  candidates = {make("fast", 256)};
  wrongBlock = 256;
  expectFailure(tune(), "expected a candidate that can be timed, got none");
  EXPECT_EQ(findFastest(candidates), nullptr);
}

TEST_F(TuneTest, FaultsNameTheCandidate) {
  candidates = {make("slow", 128)};
  fake->failures["cuStreamSynchronize"] = 700;
  expectFailure(tune(), "slow: cuStreamSynchronize failed");
}

TEST_F(TuneTest, CasesCountByRatio) {
  Candidate a, b;
  a.times = {{10, 0}, {1, 0}};
  b.times = {{11, 0}, {0.8, 0}};
  EXPECT_NEAR(a.meanMs(), std::sqrt(10), 1e-12);
  candidates = {a, b};
  EXPECT_EQ(findFastest(candidates), &candidates[1]);
}

} // namespace
