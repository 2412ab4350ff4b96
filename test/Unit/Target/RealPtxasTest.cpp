//===- RealPtxasTest.cpp - the installed ptxas ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TestSupport.h"
#include "mla/Target/Ptxas.h"

using namespace mla;

namespace {
class RealPtxas : public ::testing::Test {
protected:
  void SetUp() override {
    auto found = findPtxas();
    if (!found)
      GTEST_SKIP() << text(found.takeError());
    options.path = *found;
    auto version = ptxasVersion(*found);
    ASSERT_TRUE(static_cast<bool>(version)) << text(version.takeError());
    if (version->major < 12 || (version->major == 12 && version->minor < 9))
      GTEST_SKIP() << "PTX 8.8 needs ptxas 12.9; " << *found << " is "
                   << version->major << "." << version->minor;
  }
  PtxasOptions options;
};

/// Keeps 60 values alive with 24 registers.
std::string spillingKernel() {
  std::string ptx = kPTXHeader.str() +
                    ".visible .entry spills(.param .u64 p)\n.maxnreg 24\n{\n"
                    "  .reg .b64 %rd;\n  .reg .f32 %f<60>;\n"
                    "  ld.param.u64 %rd, [p];\n";
  llvm::raw_string_ostream stream(ptx);
  for (unsigned i = 0; i < 60; ++i)
    stream << "  ld.volatile.global.f32 %f" << i << ", [%rd+" << 4 * i
           << "];\n";
  for (unsigned i = 0; i < 60; ++i)
    stream << "  st.volatile.global.f32 [%rd+" << 4 * (i * 7 % 60) << "], %f"
           << i << ";\n";
  stream << "  ret;\n}\n";
  return ptx;
}

/// Two batches of wgmma; `between` comes after the first one's commit.
std::string wgmmaKernel(llvm::StringRef between) {
  std::string accumulators;
  for (unsigned i = 0; i < 32; ++i)
    accumulators += (i ? ", %f" : "%f") + std::to_string(i);
  std::string batch =
      "  wgmma.fence.sync.aligned;\n"
      "  wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {" +
      accumulators +
      "}, %da, %db, 1, 1, 1, 0, 0;\n  wgmma.commit_group.sync.aligned;\n";
  std::string ptx = kPTXHeader.str() +
                    ".visible .entry mma(.param .u64 p, .param .u64 a)\n"
                    ".reqntid 128, 1, 1\n{\n"
                    "  .reg .b64 %rd, %da, %db;\n  .reg .f32 %f<32>;\n"
                    "  ld.param.u64 %rd, [p];\n  ld.param.u64 %da, [a];\n"
                    "  add.u64 %db, %da, 512;\n";
  llvm::raw_string_ostream stream(ptx);
  for (unsigned i = 0; i < 32; ++i)
    stream << "  mov.f32 %f" << i << ", 0f00000000;\n";
  stream << batch << between << batch << "  wgmma.wait_group.sync.aligned 0;\n";
  for (unsigned i = 0; i < 32; ++i)
    stream << "  st.global.f32 [%rd+" << 4 * i << "], %f" << i << ";\n";
  stream << "  ret;\n}\n";
  return ptx;
}
} // namespace

TEST_F(RealPtxas, AssemblesAKernel) {
  auto result = assembleCubin(kEmptyKernel, options);
  ASSERT_TRUE(static_cast<bool>(result)) << text(result.takeError());
  EXPECT_GT(result->cubin.size(), 500u);
  ASSERT_TRUE(result->report.find("k"));
  EXPECT_GT(result->report.find("k")->registers, 0u);
}

TEST_F(RealPtxas, SyntaxError) {
  std::string result =
      errorText(assembleCubin(kPTXHeader.str() + "nonsense;\n", options));
  EXPECT_TRUE(contains(result, "failed with exit code"));
  EXPECT_TRUE(contains(result, "ptxas kernel.ptx, line 4"));
}

TEST_F(RealPtxas, SpillsStopAtTheGate) {
  EXPECT_TRUE(contains(errorText(assembleCubin(spillingKernel(), options)),
                       "kernel 'spills': expected at most 0 bytes of spills"));
  options.limits = std::nullopt;
  auto result = assembleCubin(spillingKernel(), options);
  ASSERT_TRUE(static_cast<bool>(result)) << text(result.takeError());
  const FunctionReport *f = result->report.find("spills");
  ASSERT_TRUE(f);
  EXPECT_LE(f->registers, 24u);
  EXPECT_GT(f->spillStoreBytes, 0u);
  EXPECT_GT(f->spillLoadBytes, 0u);
}

TEST_F(RealPtxas, TouchedAccumulatorStopsAtTheGate) {
  auto good = assembleCubin(wgmmaKernel(""), options);
  EXPECT_TRUE(static_cast<bool>(good)) << text(good.takeError());
  std::string touched = wgmmaKernel("  add.f32 %f3, %f3, 0f3F800000;\n");
  EXPECT_TRUE(contains(errorText(assembleCubin(touched, options)),
                       "kernel 'mma': ptxas C75"));
}

TEST_F(RealPtxas, ExtraArguments) {
  options.extraArgs = {"--maxrregcount=16"};
  auto result = assembleCubin(kEmptyKernel, options);
  ASSERT_TRUE(static_cast<bool>(result)) << text(result.takeError());
  options.extraArgs = {"--no-such-option"};
  EXPECT_TRUE(contains(errorText(assembleCubin(kEmptyKernel, options)),
                       "failed with exit code"));
}
