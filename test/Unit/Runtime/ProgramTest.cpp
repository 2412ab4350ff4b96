//===- ProgramTest.cpp - packages of several kernels ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "FakeDriver.h"

#include "mla/Runtime/Runtime.hpp"

using namespace mla::runtime;

namespace {

constexpr uint64_t kWorkspace = 0x40000000, kBytes = 102912;

class Program : public FakeDriver {
protected:
  void SetUp() override {
    FakeDriver::SetUp();
    fake->parameterSizesOf = {
        {"plan", {8}}, {"split", {8, 8, 8, 8, 8, 128}}, {"combine", {8, 8}}};
    fake->keepLog = true;
    load(programJson());
  }

  mlaStatus launch(const mlaLaunchOptions &options) {
    return mlaKernelLaunchProgram(kernel, arguments.data(), 2, &options,
                                  handle(99));
  }
  mlaStatus launch(mlaPhase phase = MLA_PHASE_ALL) {
    return launch(mla::withWorkspace(kWorkspace, kBytes, phase));
  }
  std::vector<std::string> symbols() const {
    std::vector<std::string> all;
    for (const FakeCuda::Launch &launch : fake->history)
      all.push_back(launch.symbol);
    return all;
  }
  void expectRefused(mlaStatus got, const std::string &part) {
    EXPECT_EQ(got, MLA_INVALID_ARGUMENT);
    EXPECT_NE(std::string(mlaLastError()).find(part), std::string::npos)
        << "expected '" << part << "' in: " << mlaLastError();
    EXPECT_TRUE(fake->history.empty());
  }

  std::vector<mlaArgument> arguments = programArguments();
};

TEST_F(Program, DescribesItsKernels) {
  int32_t count = 0;
  ASSERT_EQ(mlaKernelGetEntryCount(kernel, &count), MLA_SUCCESS);
  ASSERT_EQ(count, 3);
  mlaEntryInfo info;
  ASSERT_EQ(mlaKernelGetEntry(kernel, 0, &info), MLA_SUCCESS);
  EXPECT_STREQ(info.name, "plan");
  EXPECT_EQ(info.phase, MLA_PHASE_PLAN);
  ASSERT_EQ(mlaKernelGetEntry(kernel, 2, &info), MLA_SUCCESS);
  EXPECT_STREQ(info.grid, "ceildiv(rows, 64) * 2");
  EXPECT_EQ(info.phase, MLA_PHASE_LAUNCH);
  EXPECT_EQ(info.block, 256);
  EXPECT_EQ(info.cluster, 2);
  EXPECT_EQ(info.programmatic, 1);
  EXPECT_EQ(mlaKernelGetEntry(kernel, 3, &info), MLA_INVALID_ARGUMENT);
  EXPECT_STREQ(mlaLastError(), "'index': expected 0 to 2, got 3");
}

TEST_F(Program, RunsItsKernelsInOrder) {
  ASSERT_EQ(launch(), MLA_SUCCESS) << mlaLastError();
  ASSERT_EQ(symbols(), (std::vector<std::string>{"plan", "split", "combine"}));
  const auto &history = fake->history;
  EXPECT_EQ(history[0].config.gridX, 1u);
  EXPECT_EQ(history[1].config.gridX, 132u);
  EXPECT_EQ(history[1].config.sharedBytes, 1024u);
  EXPECT_EQ(history[2].config.gridX, 4u);
  EXPECT_EQ(history[2].config.blockX, 256u);
  for (const FakeCuda::Launch &launch : history)
    EXPECT_EQ(launch.config.stream, handle(99));
}

TEST_F(Program, EachKernelHasItsAttributes) {
  ASSERT_EQ(launch(), MLA_SUCCESS) << mlaLastError();
  ASSERT_EQ(fake->history.size(), 3u);
  EXPECT_TRUE(fake->history[0].attributes.empty());
  EXPECT_TRUE(fake->history[1].attributes.empty());
  const auto &attributes = fake->history[2].attributes;
  ASSERT_EQ(attributes.count(kCudaLaunchClusterDimension), 1u);
  EXPECT_EQ(attributes.at(kCudaLaunchClusterDimension).value.clusterDim[0], 2u);
  constexpr int kProgrammatic = kCudaLaunchProgrammaticStreamSerialization;
  ASSERT_EQ(attributes.count(kProgrammatic), 1u);
  EXPECT_EQ(attributes.at(kProgrammatic).value.programmaticStreamSerialization,
            1);
}

TEST_F(Program, KernelsGetTheirWorkspaces) {
  std::vector<std::vector<uint64_t>> got;
  fake->onLaunch = [&](void **parameters) {
    std::vector<uint64_t> &values = got.emplace_back();
    for (size_t size : fake->parameterSizesOf[fake->history.back().symbol]) {
      std::memcpy(&values.emplace_back(), *parameters++, 8);
      (void)size;
    }
  };
  ASSERT_EQ(launch(), MLA_SUCCESS) << mlaLastError();
  ASSERT_EQ(got.size(), 3u);
  uint64_t partial = kWorkspace + 512;
  EXPECT_EQ(got[0], (std::vector<uint64_t>{kWorkspace}));
  // The last one is a tensor map; the fake driver stores the address at its
  // beginning.
  EXPECT_EQ(got[1], (std::vector<uint64_t>{0x10000, kWorkspace, partial, 4,
                                           6400, partial}));
  EXPECT_EQ(got[2], (std::vector<uint64_t>{partial, 0x1000000}));
}

TEST_F(Program, PhasesAreLaunchedApart) {
  ASSERT_EQ(launch(MLA_PHASE_PLAN), MLA_SUCCESS) << mlaLastError();
  EXPECT_EQ(symbols(), (std::vector<std::string>{"plan"}));
  fake->history.clear();
  ASSERT_EQ(launch(MLA_PHASE_LAUNCH), MLA_SUCCESS) << mlaLastError();
  EXPECT_EQ(symbols(), (std::vector<std::string>{"split", "combine"}));
  // A phase without kernels launches nothing.
  load(sampleJson());
  fake->history.clear();
  std::vector<mlaArgument> sample = sampleArguments();
  mlaLaunchOptions options = mla::withWorkspace(0, 0, MLA_PHASE_PLAN);
  EXPECT_EQ(mlaKernelLaunchProgram(kernel, sample.data(), 5, &options, nullptr),
            MLA_SUCCESS);
  EXPECT_TRUE(fake->history.empty());
}

/// Memory that no kernel of a phase uses need not exist.
TEST_F(Program, APhaseNeedsOnlyItsMemory) {
  for (mlaArgument &argument : arguments)
    argument.value.tensor.data = 0;
  ASSERT_EQ(launch(MLA_PHASE_PLAN), MLA_SUCCESS) << mlaLastError();
  EXPECT_EQ(symbols(), (std::vector<std::string>{"plan"}));
  fake->history.clear();
  expectRefused(launch(MLA_PHASE_LAUNCH),
                "argument 'x': expected a device address, got null");
  expectRefused(launch(), "argument 'x': expected a device address, got null");
  // The sizes are checked all the same.
  arguments[1].value.tensor.shape[0] += 1;
  expectRefused(launch(MLA_PHASE_PLAN), "expected size rows");
  arguments[1].value.tensor.shape[0] -= 1;
  // The plan kernel writes a workspace, unless it takes an argument instead.
  expectRefused(launch(mla::withWorkspace(0, 0, MLA_PHASE_PLAN)),
                "'workspace': expected a device address");
  std::string json = programJson(),
              before = R"({"kind": "pointer", "workspace": 0})";
  json.replace(json.find(before), before.size(),
               R"({"kind": "pointer", "argument": 0})");
  load(json);
  expectRefused(launch(mla::withWorkspace(0, 0, MLA_PHASE_PLAN)),
                "argument 'x': expected a device address, got null");
  arguments[0].value.tensor.data = 0x10000;
  EXPECT_EQ(launch(mla::withWorkspace(0, 0, MLA_PHASE_PLAN)), MLA_SUCCESS)
      << mlaLastError();
  fake->history.clear();
  expectRefused(launch(mla::withWorkspace(0, 0, MLA_PHASE_LAUNCH)),
                "argument 'out': expected a device address, got null");
}

TEST_F(Program, GridsFollowTheDevice) {
  fake->sms = 78;
  ASSERT_EQ(launch(MLA_PHASE_LAUNCH), MLA_SUCCESS) << mlaLastError();
  EXPECT_EQ(fake->history[0].config.gridX, 78u);
  // Fewer tiles than SMs. The number of SMs is queried once per context.
  fake->history.clear();
  for (mlaArgument &argument : arguments)
    argument.value.tensor.shape[0] = 3;
  int asked = fake->calls.cuCtxGetDevice;
  ASSERT_EQ(launch(MLA_PHASE_LAUNCH), MLA_SUCCESS) << mlaLastError();
  EXPECT_EQ(fake->history[0].config.gridX, 12u);
  EXPECT_EQ(fake->calls.cuCtxGetDevice, asked);
}

TEST_F(Program, SaysHowMuchWorkspaceItNeeds) {
  size_t bytes = 1;
  int calls = fake->calls.total();
  ASSERT_EQ(mlaKernelGetWorkspaceBytes(kernel, arguments.data(), 2, &bytes),
            MLA_SUCCESS);
  EXPECT_EQ(bytes, kBytes);
  // Only a workspace that depends on the SMs needs a device.
  EXPECT_EQ(fake->calls.total(), calls);
  std::string json = programJson();
  json.replace(json.find("rows + 1"), 8, "sms * 64");
  load(json);
  fake->sms = 10;
  ASSERT_EQ(mlaKernelGetWorkspaceBytes(kernel, arguments.data(), 2, &bytes),
            MLA_SUCCESS);
  EXPECT_EQ(bytes, 10u * 256 + kBytes - 512);
  (void)driver->cuCtxSetCurrent(nullptr);
  EXPECT_EQ(mlaKernelGetWorkspaceBytes(kernel, arguments.data(), 2, &bytes),
            MLA_NO_CONTEXT);
  (void)driver->cuCtxSetCurrent(handle(16));
}

TEST_F(Program, AWorkspaceThatDoesNotFitIsRefused) {
  expectRefused(launch(mla::withWorkspace(0, kBytes)),
                "'workspace': expected a device address of 102912 bytes, got "
                "null");
  expectRefused(launch(mla::withWorkspace(kWorkspace + 16, kBytes)),
                "'workspace': expected an address aligned to 256 bytes");
  expectRefused(launch(mla::withWorkspace(kWorkspace, kBytes - 256)),
                "'workspaceBytes': expected 102912 or more, got 102656");
  expectRefused(mlaKernelLaunch(kernel, arguments.data(), 2, nullptr),
                "'workspace': expected a device address");
  expectRefused(
      mlaKernelLaunchProgram(kernel, arguments.data(), 2, nullptr, nullptr),
      "'workspace': expected a device address");
}

TEST_F(Program, OptionsAreChecked) {
  mlaLaunchOptions options = mla::withWorkspace(kWorkspace, kBytes);
  options.phase = 3;
  expectRefused(launch(options),
                "'options.phase': expected an mlaPhase, got 3");
  options = mla::withWorkspace(kWorkspace, kBytes);
  options.size = 0;
  expectRefused(launch(options), "'options.size': expected at most 32 bytes");
  options.size = sizeof(options) + 8;
  expectRefused(launch(options), "'options.size': expected at most 32 bytes");
  options = mla::withWorkspace(kWorkspace, kBytes);
  options.reserved = 1;
  expectRefused(launch(options), "'options.reserved': expected 0, got 1");
  EXPECT_EQ(mlaKernelLaunchProgram(nullptr, nullptr, 0, nullptr, nullptr),
            MLA_INVALID_ARGUMENT);
}

/// All kernels are checked before the first one runs.
TEST_F(Program, AFaultOfALaterKernelLaunchesNothing) {
  std::string json = programJson();
  json.replace(json.find("ceildiv(rows, 64) * 2"), 21, "ceildiv(rows, 64) * 3");
  load(json);
  for (mlaArgument &argument : arguments)
    argument.value.tensor.shape[0] = 10;
  expectRefused(
      launch(),
      "kernel 'combine': grid: expected a multiple of the cluster's 2 "
      "CTAs, got 3");
}

TEST_F(Program, EmptyOutputsAreNothingToLaunch) {
  for (mlaArgument &argument : arguments)
    argument.value.tensor.shape[0] = 0;
  EXPECT_EQ(mlaKernelLaunch(kernel, arguments.data(), 2, nullptr), MLA_SUCCESS)
      << mlaLastError();
  EXPECT_TRUE(fake->history.empty());
}

TEST_F(Program, MissingKernelsAreNamed) {
  fake->failures["cuModuleGetFunction"] = 500;
  EXPECT_EQ(mlaKernelPrepare(kernel), MLA_DRIVER_ERROR);
  EXPECT_NE(std::string(mlaLastError()).find("kernel 'plan': cuModuleGet"),
            std::string::npos)
      << mlaLastError();
  EXPECT_EQ(fake->modulesLoaded, fake->modulesUnloaded);
  fake->failures.clear();
  fake->parameterSizesOf["combine"] = {8};
  EXPECT_EQ(mlaKernelPrepare(kernel), MLA_INVALID_PACKAGE);
  EXPECT_STREQ(mlaLastError(),
               "kernel 'combine': expected 2 parameters, the cubin has 1");
}

} // namespace
