//===- PtxasTest.cpp - a ptxas that does not work -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include <csignal>

using namespace mla;
using namespace mla::jit;

namespace {

class Ptxas : public JitTest {
protected:
  /// Every test has to leave the cache empty.
  void TearDown() override {
    EXPECT_TRUE(entries().empty());
    JitTest::TearDown();
  }
};

TEST_F(Ptxas, Missing) {
  options.ptxas = root / "none";
  EXPECT_TRUE(contains(compileError(MLA_NOT_FOUND), "no ptxas at"));
  options.ptxas = "mla-no-such-program";
  EXPECT_TRUE(contains(compileError(MLA_NOT_FOUND),
                       "no 'mla-no-such-program' on PATH"));
}

TEST_F(Ptxas, IsFalse) {
  options.ptxas = "/bin/false";
  EXPECT_TRUE(contains(compileError(), "--version' failed with exit code 1"));
}

TEST_F(Ptxas, IsSleep) {
  // sleep has a --version option too.
  options.ptxas = "/bin/sleep";
  EXPECT_TRUE(contains(compileError(), "expected a line with 'release X.Y'"));
}

TEST_F(Ptxas, IsTrue) {
  options.ptxas = "/bin/true";
  EXPECT_TRUE(contains(compileError(), "expected a line with 'release X.Y'"));
}

TEST_F(Ptxas, Fails) {
  writePtxas("echo 'error: nothing works' >&2\nexit 3\n");
  std::string error = compileError();
  EXPECT_TRUE(contains(error, "numbers.mlir: "));
  EXPECT_TRUE(contains(error, "failed with exit code 3: error: nothing works"));
}

TEST_F(Ptxas, Crashes) {
  writePtxas("kill -SEGV $$\n");
  EXPECT_TRUE(contains(compileError(), "did not end normally"));
}

TEST_F(Ptxas, Hangs) {
  writePtxas("exec sleep 60\n");
  options.ptxasTimeout = 1;
  EXPECT_TRUE(contains(compileError(), "took longer than 1 s and was killed"));
}

TEST_F(Ptxas, HangsAskedForItsVersion) {
  writeFile(root / "ptxas", "#!/bin/sh\nexec sleep 60\n");
  options.ptxasTimeout = 1;
  EXPECT_TRUE(contains(compileError(), "took longer than 1 s and was killed"));
}

TEST_F(Ptxas, WritesNothing) {
  writePtxas("");
  EXPECT_TRUE(contains(compileError(), "succeeded but wrote no cubin"));
}

TEST_F(Ptxas, WritesGarbage) {
  writePtxas("echo garbage >\"$out\"\n");
  EXPECT_TRUE(contains(compileError(), "is no ELF file"));
}

TEST_F(Ptxas, WritesATruncatedCubin) {
  writePtxas(copyCubin() + "printf '\\177ELF\\002' >\"$out\"\n");
  EXPECT_TRUE(contains(compileError(), "cubin is truncated"));
}

TEST_F(Ptxas, WritesAnotherMachinesCode) {
  writePtxas(copyCubin() + "cp /bin/true \"$out\"\n");
  EXPECT_TRUE(contains(compileError(), "not a 64-bit CUDA ELF file"));
}

TEST_F(Ptxas, ReportsASpill) {
  std::string report = copyCubin();
  report.replace(report.find("0 bytes spill stores"), 1, "8");
  writePtxas(report);
  EXPECT_TRUE(contains(compileError(), "8 bytes of spill stores"));
}

TEST_F(Ptxas, IgnoredChildren) {
  // The system reaps child processes, so that their exit codes are lost.
  EXPECT_EQ(wait(spawn([&] {
              std::signal(SIGCHLD, SIG_IGN);
              std::string error = compileError();
              return error.find("is SIGCHLD ignored?") == std::string::npos;
            })),
            0);
}

TEST_F(Ptxas, IsTooOld) {
  writePtxas(copyCubin(), "12.2");
  EXPECT_TRUE(contains(compileError(), "or newer"));
  EXPECT_EQ(runs(), 0u);
}

} // namespace
