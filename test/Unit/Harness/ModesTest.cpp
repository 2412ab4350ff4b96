//===- ModesTest.cpp - what `bench` asks of the driver in each mode -------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "FakeGpu.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>

using namespace mla::harness;

namespace {

/// The driver without one of its entry points, for the lifetime of this object.
template <typename Entry> class Without {
public:
  explicit Without(Entry mla::runtime::Driver::*entry) : entry(entry) {
    const mla::runtime::Driver *opened = nullptr;
    EXPECT_TRUE(mla::runtime::Driver::get(opened).ok());
    driver = const_cast<mla::runtime::Driver *>(opened);
    kept = std::exchange(driver->*entry, nullptr);
  }
  ~Without() { driver->*entry = kept; }

private:
  Entry mla::runtime::Driver::*entry;
  mla::runtime::Driver *driver = nullptr;
  Entry kept = nullptr;
};

class Modes : public FakeGpu {
protected:
  int bench(const std::string &modes, std::vector<std::string> words = {}) {
    auto given = [&](const std::string &name) {
      return std::any_of(words.begin(), words.end(), [&](const auto &word) {
        return word.rfind(name, 0) == 0;
      });
    };
    // Options may be given once.
    for (const char *option :
         {"--sizes=n=10", "--rounds=2", "--warmup=1", "--iterations=2"})
      if (std::string name(option); !given(name.substr(0, name.find('='))))
        words.push_back(option);
    words.insert(words.begin(), {"bench", "copy", "--gap=1", "--modes", modes});
    return run(words);
  }

  /// The calls that matter for timing, in order.
  std::string calls() const {
    static const std::map<std::string, std::string> kShort = {
        {"cuEventRecord", "event"},        {"cuLaunchKernelEx", "launch"},
        {"cuStreamSynchronize", "wait"},   {"cuMemsetD8Async", "write"},
        {"cuStreamBeginCapture", "begin"}, {"cuStreamEndCapture", "end"},
        {"cuGraphInstantiate", "make"},    {"cuGraphLaunch", "replay"}};
    std::string text;
    for (const std::string &call : fake->log) {
      auto known = kShort.find(call);
      if (known != kShort.end())
        text += (text.empty() ? "" : " ") + known->second;
    }
    return text;
  }
  void expectOutput(const std::string &part) {
    EXPECT_NE(out.str().find(part), std::string::npos)
        << "expected '" << part << "' in: " << out.str();
  }
  /// The number of a field where it first occurs; -1 if it does not.
  double field(const std::string &name) {
    size_t at = out.str().find("\"" + name + "\":");
    return at == std::string::npos
               ? -1
               : std::stod(out.str().substr(at + name.size() + 3));
  }
};

/// Two kernels that share a workspace: it is allocated before the first launch,
/// and a graph has both kernels.
TEST_F(Modes, ProgramsHaveTheirWorkspace) {
  auto load = config.load;
  config.load = [load](const std::string &operand,
                       std::vector<Subject> &all) -> Status {
    MLA_RETURN_IF_ERROR(load(operand, all));
    mla::runtime::KernelDescriptor &d = all.back().descriptor;
    mla::runtime::WorkspaceDescriptor &workspace = d.workspaces.emplace_back();
    workspace.name = "between";
    MLA_RETURN_IF_ERROR(mla::runtime::Expression::parse(
        "n", d.sizeNames, workspace.shape.emplace_back()));
    d.kernels.push_back(d.kernels.front());
    d.kernels[1].symbol = "copy_again";
    // From `a` to the workspace, which is counted on behind `a` and `c`, to
    // `c`.
    d.kernels[0].parameters[1].index = 2;
    d.kernels[1].parameters[0].index = 2;
    return Status();
  };
  EXPECT_EQ(run({"run", "copy", "--sizes", "n=1000", "--check"}), kExitSuccess)
      << err.str();
  EXPECT_EQ(fake->launches, 2);
  fake->keepLog = true;
  EXPECT_EQ(bench("graph", {"--rounds=1"}), kExitSuccess) << err.str();
  std::string made = calls();
  made = made.substr(made.find("begin"));
  made = made.substr(0, made.find(" make"));
  EXPECT_EQ(made.find("begin launch launch"), 0u) << made;
}

TEST_F(Modes, BackToBackQueuesWithoutAPause) {
  fake->keepLog = true;
  EXPECT_EQ(bench("b2b", {"--rounds=1"}), kExitSuccess) << err.str();
  EXPECT_EQ(calls(), "event launch event wait "
                     "event launch event event launch event wait");
}

TEST_F(Modes, TheCallOfALaunchIsTimedOnTheHost) {
  auto copy = fake->onLaunch;
  fake->onLaunch = [copy](void **parameters) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    copy(parameters);
  };
  EXPECT_EQ(bench("b2b"), kExitSuccess) << err.str();
  EXPECT_GE(field("host_us"), 2000);
  expectOutput("host us");
  // The other modes do not report it.
  out.str("");
  EXPECT_EQ(bench("gap,flush,graph"), kExitSuccess) << err.str();
  EXPECT_EQ(field("host_us"), -1);
}

TEST_F(Modes, TheGapComesBeforeTheStart) {
  fake->keepLog = true;
  EXPECT_EQ(bench("gap", {"--rounds=1"}), kExitSuccess) << err.str();
  EXPECT_EQ(calls(), "event launch event wait "
                     "wait event launch event wait event launch event wait");
}

TEST_F(Modes, TheFlushComesBeforeTheStart) {
  fake->keepLog = true;
  EXPECT_EQ(bench("flush", {"--rounds=1"}), kExitSuccess) << err.str();
  EXPECT_EQ(calls(), "event launch event wait "
                     "write event launch event write event launch event wait");
  EXPECT_EQ(fake->writtenBytes, 256u << 20);
  expectOutput("\"mode\":\"flush\",\"samples\":2,\"median_ms\":2.5");
}

TEST_F(Modes, AGraphIsCapturedOnceAndReplayed) {
  fake->keepLog = true;
  EXPECT_EQ(bench("graph"), kExitSuccess) << err.str();
  EXPECT_EQ(calls(), "begin launch launch end make "
                     "replay event replay event wait "
                     "replay event replay event wait");
  EXPECT_EQ(fake->launches, 2 * (2 + 2));
  // A replay's time divided by its launches.
  expectOutput("\"mode\":\"graph\",\"samples\":2,\"median_ms\":1.25,"
               "\"min_ms\":1.25,\"graph_launches\":2}");
}

TEST_F(Modes, AGraphIsWarmedUpByAsManyLaunchesAtLeast) {
  EXPECT_EQ(bench("graph", {"--rounds=1", "--warmup=5"}), kExitSuccess)
      << err.str();
  EXPECT_EQ(fake->launches, 3 * 2 + 2);
}

TEST_F(Modes, AGraphOfOneLaunchIsReplayedAfterEachFlush) {
  fake->keepLog = true;
  EXPECT_EQ(bench("graph-flush", {"--rounds=1"}), kExitSuccess) << err.str();
  EXPECT_EQ(calls(), "begin launch end make event replay event wait "
                     "write event replay event write event replay event wait");
  EXPECT_EQ(fake->writtenBytes, 256u << 20);
  expectOutput("\"mode\":\"graph-flush\",\"samples\":2,\"median_ms\":2.5,"
               "\"min_ms\":2.5,\"graph_launches\":1}");
}

TEST_F(Modes, AGraphThatIsFlushedIsUploadedByAnUntimedReplay) {
  EXPECT_EQ(bench("graph-flush", {"--rounds=1", "--warmup=0"}), kExitSuccess)
      << err.str();
  EXPECT_EQ(fake->launches, 1 + 2);
}

TEST_F(Modes, APhaseThatNoKernelHasIsNamed) {
  EXPECT_EQ(bench("b2b", {"--phase=plan"}), kExitFailure);
  EXPECT_EQ(err.str(),
            "error: copy: expected a kernel of the phase 'plan', got none\n");
  EXPECT_EQ(fake->launches, 0);
  // Launches without a plan need none.
  EXPECT_EQ(bench("b2b", {"--phase=launch"}), kExitSuccess);
  expectOutput("\"mode\":\"b2b\",\"phase\":\"launch\",\"samples\":4");
}

TEST_F(Modes, AreMeasuredAndReportedAsTheyAreListed) {
  EXPECT_EQ(bench("graph,graph-flush,flush,gap,b2b"), kExitSuccess)
      << err.str();
  size_t at = 0;
  for (const char *mode : {"graph", "graph-flush", "flush", "gap", "b2b"}) {
    at = out.str().find("\"mode\":\"" + std::string(mode) + "\"", at);
    EXPECT_NE(at, std::string::npos) << mode << " in: " << out.str();
  }
}

TEST_F(Modes, AFlushWithoutMemoryIsAnError) {
  fake->mostBytes = 1 << 20;
  EXPECT_EQ(bench("b2b,graph-flush"), kExitFailure);
  EXPECT_EQ(err.str(),
            "error: mode 'graph-flush': 256 MiB to write over the L2: "
            "cuMemAlloc failed: CUDA_ERROR_FAKE (2): a fake error\n");
  err.str("");
  EXPECT_EQ(bench("b2b,flush"), kExitFailure);
  EXPECT_EQ(err.str(),
            "error: mode 'flush': 256 MiB to write over the L2: "
            "cuMemAlloc failed: CUDA_ERROR_FAKE (2): a fake error\n");
  EXPECT_EQ(fake->launches, 0);
}

TEST_F(Modes, AFlushThatFailsIsAnError) {
  fake->failures["cuMemsetD8Async"] = 1;
  EXPECT_EQ(bench("flush"), kExitFailure);
  EXPECT_EQ(err.str().find("error: cuMemsetD8Async failed"), 0u) << err.str();
}

TEST_F(Modes, WhatCannotBeCapturedIsAnError) {
  for (const char *call : {"cuStreamBeginCapture", "cuLaunchKernelEx",
                           "cuStreamEndCapture", "cuGraphInstantiate"}) {
    fake->failures = {{call, 901}};
    err.str("");
    EXPECT_EQ(bench("graph"), kExitFailure);
    EXPECT_EQ(err.str().find("error: mode 'graph': copy: "), 0u) << err.str();
    EXPECT_NE(err.str().find(std::string(call) + " failed"), std::string::npos)
        << err.str();
    EXPECT_EQ(fake->graphsAlive, 0);
    // The stream's state is restored after every failure.
    if (call != std::string("cuStreamBeginCapture"))
      EXPECT_FALSE(fake->capturing);
  }
  fake->failures = {{"cuGraphLaunch", 1}};
  err.str("");
  EXPECT_EQ(bench("graph"), kExitFailure);
  EXPECT_EQ(err.str().find("error: copy: cuGraphLaunch failed"), 0u)
      << err.str();
}

TEST_F(Modes, AnOldDriverIsNamed) {
  {
    Without entry(&mla::runtime::Driver::cuMemsetD8Async);
    EXPECT_EQ(bench("flush"), kExitFailure);
  }
  EXPECT_EQ(err.str(),
            "error: mode 'flush': the CUDA driver lacks cuMemsetD8Async\n");
  err.str("");
  Without entry(&mla::runtime::Driver::cuGraphInstantiate);
  EXPECT_EQ(bench("graph"), kExitFailure);
  EXPECT_EQ(err.str(),
            "error: mode 'graph': the CUDA driver lacks cuGraphInstantiate\n");
  EXPECT_EQ(fake->launches, 0);
  // The other modes do not need it.
  EXPECT_EQ(bench("b2b,gap"), kExitSuccess);
}

TEST_F(Modes, LimitsOfAKnownDevice) {
  loadSparsePrefill();
  fake->deviceName = "NVIDIA H200";
  fake->milliseconds = 1e-8f;
  const std::vector<std::string> words = {
      "bench", "kernel", "--modes=b2b",
      "--sizes=s_q=5,s_kv=64,topk=8,h_q=4,h_kv=1,d_qk=16,d_v=8"};
  EXPECT_EQ(run(words), kExitSuccess) << err.str();
  // 2 * 5 * 4 * 8 * (16 + 8) operations.
  EXPECT_NEAR(field("median_tflops"), 768, 1e-3);
  EXPECT_EQ(field("limit_tflops"), 779);
  EXPECT_NEAR(field("percent_of_limit"), 98.588, 1e-3);
  // q, indices, out, max_logits, lse, and 5 * 8 rows of 16 elements.
  EXPECT_EQ(field("bytes"), 640 + 160 + 320 + 80 + 80 + 1280);
  EXPECT_NEAR(field("median_gbs"), 256000, 1);
  expectOutput("  % limit  ");
  expectOutput(" 768.0     98.6  256000\n");
  // No limit is known for another device.
  out.str("");
  fake->deviceName = "NVIDIA H200 NVL";
  EXPECT_EQ(run(words), kExitSuccess) << err.str();
  EXPECT_EQ(field("limit_tflops"), -1);
  EXPECT_EQ(field("percent_of_limit"), -1);
  expectOutput(" 768.0        -  256000\n");
}

TEST_F(Modes, AnOperatorWithoutAFormulaHasNoRates) {
  EXPECT_EQ(bench("gap"), kExitSuccess) << err.str();
  for (const char *name : {"median_tflops", "percent_of_limit", "bytes"})
    EXPECT_EQ(field(name), -1) << name;
  expectOutput(" 2.5000  2.5000        -        -        -     -\n");
}

TEST_F(Modes, ProgressIsALineThatIsRewritten) {
  EXPECT_EQ(bench("b2b,graph", {"--sizes", "n=8", "--sizes", "n=9"}),
            kExitSuccess);
  EXPECT_EQ(err.str(), "");
  std::string quiet = out.str();
  EXPECT_EQ(
      bench("b2b,graph", {"--sizes", "n=8", "--sizes", "n=9", "--progress"}),
      kExitSuccess);
  const std::string first = "round 1 of 2, b2b; case 1 of 2, n=8";
  std::string text = err.str();
  EXPECT_NE(text.find(first + "\r" + std::string(first.size(), ' ') +
                      "\rround 1 of 2, graph; case 1 of 2, n=8\r"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("round 2 of 2, graph; case 2 of 2, n=9"),
            std::string::npos)
      << text;
  // The line is removed at the end, and is not among the results.
  EXPECT_EQ(text.substr(text.size() - 2), " \r");
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_EQ(out.str().find("round"), std::string::npos);
}

} // namespace
