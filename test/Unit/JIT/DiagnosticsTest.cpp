//===- DiagnosticsTest.cpp - errors in IR ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include <csignal>
#include <thread>

using namespace mla;
using namespace mla::jit;

namespace {

class Diagnostics : public JitTest {};

TEST_F(Diagnostics, DiagnosticsAreTheErrorAndNothingIsPrinted) {
  Compiler compiler = makeCompiler();
  Status status;
  auto error = [&](const std::string &ir) {
    EXPECT_FALSE(compiler.compile(ir, status, "a.mlir"));
    EXPECT_EQ(status.code(), MLA_COMPILE_ERROR);
    return status.message();
  };
  ::testing::internal::CaptureStderr();
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(error("func.func @f("),
            "a.mlir: the IR is invalid\n"
            "a.mlir:1:13: error: expected non-function type");
  EXPECT_EQ(error("func.func @f() { \"no.op\"() : () -> () return }"),
            "a.mlir: the IR is invalid\na.mlir:1:25: error: operation being "
            "parsed with an unregistered dialect. If this is intended, please "
            "use -allow-unregistered-dialect with the MLIR tool used");
  EXPECT_EQ(error(""), "a.mlir: expected a function with an mla operator or a "
                       "tile program (one scf.forall), got none");
  Operator op("sparse_prefill");
  op.size("h_q", 129);
  EXPECT_FALSE(compiler.compile(op, status));
  EXPECT_EQ(status.message(), "sparse_prefill: no kernel has these sizes\n"
                              "error: 'mla.sparse_prefill' op expected 1 <= "
                              "h_q <= 128, got 129");
  mlaCompileOptions how = MLA_COMPILE_OPTIONS_INIT;
  how.schedule = "best";
  EXPECT_FALSE(compiler.compile(sparsePrefill(), status, &how));
  EXPECT_TRUE(contains(status.message(), "error: unknown schedule 'best'"));
  // A schedule for a program that has its own.
  how = MLA_COMPILE_OPTIONS_INIT;
  how.schedule = "auto:block_kv=32";
  EXPECT_FALSE(compiler.compile(program(), status, nullptr, &how));
  EXPECT_EQ(status.message(),
            "ir: option 'schedule': expected an mla operator without a "
            "schedule, got schedule 'math'");
  // A parameter that the schedule does not support, and an unknown GPU.
  how = MLA_COMPILE_OPTIONS_INIT;
  how.schedule = "seesaw:depth=4";
  EXPECT_FALSE(compiler.compile(sparsePrefill(), status, &how));
  EXPECT_TRUE(contains(status.message(), "does not take depth=4"));
  how = MLA_COMPILE_OPTIONS_INIT;
  how.gpu = "H2OO";
  EXPECT_FALSE(compiler.compile(sparsePrefill(), status, &how));
  EXPECT_TRUE(
      contains(status.message(), "unknown GPU 'H2OO', expected one of H200, "));
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
  // A failure is not remembered, and the compiler remains usable.
  EXPECT_EQ(compileWith(compiler).origin, MLA_COMPILED);
}

/// IR that is valid in MLIR but that no pass expects.
TEST_F(Diagnostics, ForeignIrIsAnError) {
  Compiler compiler = makeCompiler();
  Status status;
  auto error = [&](const std::string &ir) {
    EXPECT_FALSE(compiler.compile(ir, status, "a.mlir"));
    EXPECT_EQ(status.code(), MLA_COMPILE_ERROR);
    return status.message();
  };
  auto withOutside = [](const std::string &op) {
    return "func.func @f(%m: memref<?xf32>, %x: f32) attributes {cta.verified} "
           "{\n%c0 = arith.constant 0 : index\n" +
           op +
           "\nscf.forall (%i) in (2) {\ncta.role \"all\" warps 4 registers 168 "
           "{\n}\n}\nreturn\n}";
  };
  for (auto [name, operands] :
       {std::pair("memref.store", " %x, %m[%c0] : memref<?xf32>"),
        std::pair("memref.copy", " %m, %m : memref<?xf32> to memref<?xf32>"),
        std::pair("memref.dealloc", " %m : memref<?xf32>"),
        std::pair("func.call", " @f(%m, %x) : (memref<?xf32>, f32) -> ()"),
        std::pair("cta.sync", ""), std::pair("cta.mma_commit", "")})
    EXPECT_TRUE(contains(error(withOutside(name + std::string(operands))),
                         std::string("a.mlir:3:1: error: '") + name +
                             "' op is not allowed outside the grid"));
  std::string deep = "func.func @f(%c: i1) {\n";
  for (int depth = 0; depth < 100'000; ++depth)
    deep += "scf.if %c {\n";
  EXPECT_EQ(error(deep),
            "a.mlir: the IR is invalid\na.mlir:257:1: error: expected brackets "
            "nested at most 256 deep, got more");
  std::string named = program();
  named.replace(named.find("@k"), 2, "@\"a-b\"");
  EXPECT_TRUE(contains(error(named), "got @\"a-b\""));
  EXPECT_EQ(compileWith(compiler).origin, MLA_COMPILED);
}

TEST_F(Diagnostics, LeavesTheProcessAlone) {
  auto handlers = [] {
    std::vector<void *> found;
    for (int signal = 1; signal < 32; ++signal) {
      struct sigaction action = {};
      ::sigaction(signal, nullptr, &action);
      found.push_back(reinterpret_cast<void *>(action.sa_handler));
    }
    return found;
  };
  auto count = [](const char *folder) {
    return std::distance(fs::directory_iterator(folder), {});
  };
  std::vector<void *> before = handlers();
  auto threads = count("/proc/self/task");
  auto files = count("/proc/self/fd");
  {
    Compiler compiler = makeCompiler();
    compileWith(compiler);
    Status status;
    EXPECT_TRUE(compiler.compile(sparsePrefill(), status));
  }
  EXPECT_EQ(handlers(), before);
  EXPECT_EQ(count("/proc/self/task"), threads);
  EXPECT_EQ(count("/proc/self/fd"), files);
}

} // namespace
