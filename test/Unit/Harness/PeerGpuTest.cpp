//===- PeerGpuTest.cpp - peers in turns with a kernel ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "FakeGpu.h"
#include "FakePeer.h"

#include <cstdlib>
#include <filesystem>

using namespace mla::harness;

namespace {

class Peers : public FakeGpu {
protected:
  void SetUp() override {
    FakeGpu::SetUp();
    void *library = dlopen(MLA_FAKE_PEER, RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(library, nullptr) << dlerror();
    peer = static_cast<mlaFakePeerState *>(dlsym(library, "mlaFakePeer"));
    ASSERT_NE(peer, nullptr);
    *peer = mlaFakePeerState();
  }
  void TearDown() override {
    // What was prepared is released, after failures too.
    if (peer && peer->prepareResult == MLA_PEER_SUCCESS)
      EXPECT_EQ(peer->released, peer->prepared);
    FakeGpu::TearDown();
  }

  /// The kernel gets a plan kernel before it, which writes the table `plan`
  /// and, in the fake driver, copies no less than the kernel does.
  void loadWithPlan() {
    config.load = [load = config.load](const std::string &operand,
                                       std::vector<Subject> &all) -> Status {
      MLA_RETURN_IF_ERROR(load(operand, all));
      mla::runtime::KernelDescriptor &d = all.back().descriptor;
      addTensor(d, "plan", MLA_I32, {"n"}, MLA_WRITE);
      d.kernels.insert(d.kernels.begin(), d.kernels.front());
      d.kernels[0].symbol = "plan";
      d.kernels[0].phase = MLA_PHASE_PLAN;
      d.kernels[0].parameters[1].index = 2;
      return Status();
    };
  }

  int bench(std::vector<std::string> words) {
    words.insert(words.begin(),
                 {"bench", "copy", "--rounds=2", "--iterations=3", "--warmup=1",
                  "--gap=0.1", "--peer", MLA_FAKE_PEER});
    return run(words);
  }
  void expectOutput(const std::string &part) {
    EXPECT_NE(out.str().find(part), std::string::npos)
        << "expected '" << part << "' in: " << out.str();
  }

  mlaFakePeerState *peer = nullptr;
};

TEST_F(Peers, AreTimedAsKernelsAre) {
  EXPECT_EQ(bench({"--sizes", "n=10"}), kExitSuccess) << err.str();
  // Rounds x modes, each a warm-up and the timed iterations; one to compare.
  EXPECT_EQ(fake->launches, 2 * 2 * (1 + 3) + 1);
  EXPECT_EQ(peer->launches, 2 * 2 * (1 + 3) + 1);
  EXPECT_EQ(peer->lastAccess, MLA_WRITE);
  EXPECT_EQ(peer->lastDType, MLA_F32);
  expectOutput("{\"package\":\"fake peer\",\"kernel\":\"" MLA_FAKE_PEER
               "\",\"device\":\"Fake GPU\",\"sizes\":{\"n\":10},"
               "\"mode\":\"gap\",\"samples\":6,\"median_ms\":2.5");
  expectOutput("\"agreement\":[{\"name\":\"c\",\"pass\":true,\"max_abs\":0.0");
  expectOutput("\nfake peer  n=10   b2b");
}

TEST_F(Peers, OneNameTwiceIsToldApart) {
  EXPECT_EQ(bench({"--sizes", "n=10", "--peer", MLA_FAKE_PEER}), kExitSuccess)
      << err.str();
  expectOutput("{\"package\":\"fake peer\"");
  expectOutput("{\"package\":\"fake peer (" MLA_FAKE_PEER ")\"");
}

TEST_F(Peers, WhatTheyHaveNoKernelForIsLeftOut) {
  peer->result = MLA_PEER_UNSUPPORTED;
  peer->error = "n: expected a multiple of 128, got 10";
  EXPECT_EQ(bench({"--sizes", "n=10"}), kExitSuccess) << err.str();
  EXPECT_EQ(peer->launches, 1);
  EXPECT_EQ(fake->launches, 2 * 2 * (1 + 3) + 1);
  expectOutput("\"sizes\":{\"n\":10},\"skipped\":\"n: expected a multiple of "
               "128, got 10\"}\n");
  // Reported behind the table, which has no row for it.
  expectOutput("\nfake peer (n=10) skipped: n: expected a multiple of 128");
}

TEST_F(Peers, TakePartInEachMode) {
  EXPECT_EQ(
      bench({"--sizes", "n=10", "--modes=b2b,gap,flush,graph,graph-flush"}),
      kExitSuccess)
      << err.str();
  // One to compare; three and one that are captured, and not called for a
  // replay; rounds x other modes, each a warm-up and the timed iterations.
  EXPECT_EQ(peer->launches, 1 + 3 + 1 + 2 * 3 * (1 + 3));
  for (const char *mode : {"b2b", "gap", "flush", "graph", "graph-flush"})
    expectOutput("\"package\":\"fake peer\",\"kernel\":\"" MLA_FAKE_PEER
                 "\",\"device\":\"Fake GPU\",\"sizes\":{\"n\":10},\"mode\":\"" +
                 std::string(mode) + "\",\"samples\":");
}

TEST_F(Peers, WhatCannotBeCapturedIsLeftOutOfThatMode) {
  peer->result = MLA_PEER_FAILED;
  peer->error = "cudaMalloc failed";
  peer->good = 1;
  EXPECT_EQ(bench({"--sizes", "n=10", "--modes=graph"}), kExitSuccess)
      << err.str();
  EXPECT_EQ(peer->launches, 2);
  expectOutput("\"mode\":\"graph\",\"samples\":2");
  expectOutput(
      "\"mode\":\"graph\",\"skipped\":\"cannot be captured: fake peer: "
      "cudaMalloc failed\"}\n");
  expectOutput("\nfake peer (n=10), graph, skipped: cannot be captured: ");
}

TEST_F(Peers, CasesThatCannotBePreparedAreLeftOut) {
  peer->prepareResult = MLA_PEER_UNSUPPORTED;
  peer->error = "argument 'c': expected rank 4, got 1";
  EXPECT_EQ(bench({"--sizes", "n=10"}), kExitSuccess) << err.str();
  EXPECT_EQ(peer->launches, 0);
  EXPECT_EQ(peer->released, 0);
  expectOutput("\"skipped\":\"argument 'c': expected rank 4, got 1\"}\n");
}

TEST_F(Peers, PreparingThatFailsIsAnError) {
  peer->prepareResult = MLA_PEER_FAILED;
  peer->error = "cudaMalloc failed: out of memory";
  EXPECT_EQ(bench({"--sizes", "n=10"}), kExitFailure);
  EXPECT_EQ(err.str(), "error: fake peer: cudaMalloc failed: out of memory\n");
  EXPECT_EQ(peer->released, 0);
}

TEST_F(Peers, EachCaseIsPreparedOnceAndReleased) {
  EXPECT_EQ(bench({"--sizes", "n=10/20/30"}), kExitSuccess) << err.str();
  EXPECT_EQ(peer->prepared, 3);
  EXPECT_EQ(peer->released, 3);
}

TEST_F(Peers, PlanOutputsAreOurOwn) {
  loadWithPlan();
  // The peer writes no `plan`, and is not asked to.
  EXPECT_EQ(bench({"--sizes", "n=10", "--modes=b2b"}), kExitSuccess)
      << err.str();
  EXPECT_EQ(peer->arguments, 2);
  EXPECT_EQ(out.str().find("\"name\":\"plan\""), std::string::npos);
  expectOutput("\"agreement\":[{\"name\":\"c\",\"pass\":true");
  EXPECT_EQ(peer->launchesOf[MLA_PHASE_ALL], 1 + 2 * (1 + 3));
}

TEST_F(Peers, ThePlanIsMadeBeforeTheLaunchesThatAreTimed) {
  loadWithPlan();
  fake->keepLog = true;
  EXPECT_EQ(bench({"--sizes", "n=10", "--modes=b2b", "--phase=launch"}),
            kExitSuccess)
      << err.str();
  // All to compare; one plan per round.
  EXPECT_EQ(peer->launchesOf[MLA_PHASE_ALL], 1);
  EXPECT_EQ(peer->launchesOf[MLA_PHASE_PLAN], 2);
  EXPECT_EQ(peer->launchesOf[MLA_PHASE_LAUNCH], 2 * (1 + 3));
  EXPECT_EQ(fake->launches, 2 + 2 * (1 + 1 + 3));
  expectOutput("\"mode\":\"b2b\",\"phase\":\"launch\",\"samples\":6");
}

TEST_F(Peers, ThePlanAloneIsTimed) {
  loadWithPlan();
  EXPECT_EQ(bench({"--sizes", "n=10", "--modes=graph-flush", "--phase=plan"}),
            kExitSuccess)
      << err.str();
  EXPECT_EQ(peer->launchesOf[MLA_PHASE_PLAN], 1);
  EXPECT_EQ(peer->launchesOf[MLA_PHASE_LAUNCH], 0);
  // All kernels to compare, then only plans.
  EXPECT_EQ(fake->launches, 2 + 2 * (1 + 3));
  expectOutput("\"mode\":\"graph-flush\",\"phase\":\"plan\",\"samples\":6");
}

TEST_F(Peers, FailuresAreErrors) {
  peer->result = MLA_PEER_FAILED;
  peer->error = "cannot encode the tensor map";
  EXPECT_EQ(bench({"--sizes", "n=10"}), kExitFailure);
  EXPECT_EQ(err.str(), "error: fake peer: cannot encode the tensor map\n");
  err.str("");
  peer->error = nullptr;
  EXPECT_EQ(bench({"--sizes", "n=10"}), kExitFailure);
  EXPECT_EQ(err.str(), "error: fake peer: gives no reason\n");
}

TEST_F(Peers, LongReasonsAreCut) {
  std::string reason(2000, 'x');
  peer->result = MLA_PEER_FAILED;
  peer->error = reason.c_str();
  EXPECT_EQ(bench({"--sizes", "n=10"}), kExitFailure);
  EXPECT_EQ(err.str().size(), std::string("error: fake peer: \n").size() + 511);
}

TEST_F(Peers, OtherWorkIsAnError) {
  peer->offset = 0.5;
  EXPECT_EQ(bench({"--sizes", "n=10"}), kExitFailure);
  EXPECT_NE(err.str().find("error: fake peer: output 'c' is not that of copy: "
                           "cosine difference: expected under 0.0001"),
            std::string::npos)
      << err.str();
  EXPECT_EQ(out.str(), "");
}

} // namespace
