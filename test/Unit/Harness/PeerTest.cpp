//===- PeerTest.cpp - peers as far as they go without a GPU ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Sample.h"

#include "mla/Harness/Check.h"
#include "mla/Harness/CommandLine.h"
#include "mla/Runtime/Files.h"

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <sstream>

using namespace mla::harness;

namespace {

/// `bench` of a kernel without code, whose error is reported after those of its
/// peers.
std::string benchError(const std::string &peer) {
  ToolConfig config;
  config.name = "mla-test";
  config.load = [](const std::string &operand, std::vector<Subject> &all) {
    Subject &out = all.emplace_back();
    out.label = operand;
    out.descriptor = sparsePrefillDescriptor();
    return Status();
  };
  std::ostringstream out, err;
  EXPECT_EQ(runTool(config, {"bench", "kernel", "--peer=" + peer}, out, err),
            kExitFailure);
  EXPECT_EQ(out.str(), "");
  return err.str();
}

TEST(Peer, MissingLibrary) {
  EXPECT_EQ(benchError("/none/peer.so"),
            "error: peer '/none/peer.so': no such file\n");
  // It is not searched among the system's libraries.
  EXPECT_EQ(benchError("libc.so.6"), "error: peer 'libc.so.6': no such file\n");
}

TEST(Peer, FileThatIsNoLibrary) {
  std::string folder = testing::TempDir() + "/mla-peer-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  std::string path = folder + "/text.so";
  ASSERT_TRUE(mla::runtime::writeFileAtomically(path, "no library").ok());
  std::string error = benchError(path);
  EXPECT_NE(error.find("peer '" + path + "': cannot be loaded: "),
            std::string::npos)
      << error;
  std::filesystem::remove_all(folder);
}

TEST(Peer, LibraryWithoutAFunction) {
  EXPECT_EQ(benchError(MLA_FAKE_PEER_PART),
            "error: peer '" MLA_FAKE_PEER_PART
            "': lacks the function mlaPeerLaunch\n");
}

TEST(Peer, LibraryOfAnotherVersion) {
  EXPECT_EQ(benchError(MLA_FAKE_PEER_OTHER),
            "error: peer '" MLA_FAKE_PEER_OTHER
            "': expected version 2 of the interface, got 7\n");
}

TEST(Peer, GoodLibraryIsLoadedBeforeTheKernelIsLookedAt) {
  EXPECT_EQ(benchError(MLA_FAKE_PEER),
            "error: kernel: expected code for the GPU, got none\n");
}

HostTensor tensorOf(const std::vector<double> &values) {
  HostTensor tensor(MLA_F32, {static_cast<int64_t>(values.size())});
  for (size_t i = 0; i < values.size(); ++i)
    tensor.set(static_cast<int64_t>(i), values[i]);
  return tensor;
}

TEST(Agreement, RoundingAgreesAndOtherWorkDoesNot) {
  HostTensor ours = tensorOf({1, -2, 3, 0});
  CheckResult near =
      checkAgreement("out", tensorOf({1.001, -2, 3, 0}), ours, 1e-4);
  EXPECT_TRUE(near.pass) << near.message;
  EXPECT_NEAR(near.maxAbsolute, 0.001, 1e-6);
  EXPECT_EQ(near.worstIndex, std::vector<int64_t>{0});
  CheckResult far = checkAgreement("out", tensorOf({1, -2, -3, 0}), ours, 1e-4);
  EXPECT_FALSE(far.pass);
  EXPECT_EQ(far.worstIndex, std::vector<int64_t>{2});
  EXPECT_NE(far.message.find("cosine difference: expected under 0.0001"),
            std::string::npos)
      << far.message;
}

TEST(Agreement, InfinitiesStandInTheSamePlaces) {
  double inf = INFINITY, nan = NAN;
  HostTensor ours = tensorOf({inf, -inf, nan, 1});
  EXPECT_TRUE(checkAgreement("lse", ours, ours, 1e-4).pass);
  CheckResult signs =
      checkAgreement("lse", tensorOf({inf, inf, nan, 1}), ours, 1e-4);
  EXPECT_FALSE(signs.pass);
  EXPECT_EQ(signs.failures, 1);
  EXPECT_EQ(signs.worstIndex, std::vector<int64_t>{1});
  EXPECT_FALSE(
      checkAgreement("lse", tensorOf({inf, -inf, 0, 1}), ours, 1e-4).pass);
  // NaN everywhere, as after a peer that writes nothing.
  EXPECT_FALSE(
      checkAgreement("lse", tensorOf({nan, nan, nan, nan}), ours, 1e-4).pass);
}

TEST(Agreement, ChunksAddUp) {
  HostTensor ours(MLA_F32, {3, 1 << 20}), theirs(MLA_F32, {3, 1 << 20});
  for (int64_t i = 0; i < ours.elements(); ++i)
    ours.data<float>()[i] = theirs.data<float>()[i] = 1;
  theirs.set((1 << 20) + 5, 1.5);
  theirs.set(7, 1.25);
  CheckResult result = checkAgreement("out", theirs, ours, 1e-4);
  EXPECT_TRUE(result.pass);
  EXPECT_EQ(result.maxAbsolute, 0.5);
  EXPECT_EQ(result.worstIndex, (std::vector<int64_t>{1, 5}));
  theirs.set((2 << 20) + 1, NAN);
  result = checkAgreement("out", theirs, ours, 1e-4);
  EXPECT_FALSE(result.pass);
  EXPECT_EQ(result.worstIndex, (std::vector<int64_t>{2, 1}));
}

} // namespace
