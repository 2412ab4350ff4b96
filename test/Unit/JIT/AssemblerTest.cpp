//===- AssemblerTest.cpp - the driver in place of ptxas -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "../Runtime/FakeCuda.h"
#include "../Target/TestSupport.h"
#include "mla/JIT/CachedCompile.h"
#include "mla/JIT/Operators.h"
#include "mla/Pipelines/Pipelines.h"

using namespace mla;
using runtime::Status;

namespace {

class DriverLinker : public ::testing::Test {
protected:
  void SetUp() override {
    fake = FakeCuda::get();
    ASSERT_NE(fake, nullptr)
        << "expected the fake libcuda.so.1: set LD_LIBRARY_PATH as ctest does";
    fake->reset();
  }
  Status link() { return linkWithDriver("PTX", "sm_90a", result); }
  void expectError(mlaStatus code, llvm::StringRef part) {
    Status status = link();
    EXPECT_EQ(status.code(), code);
    EXPECT_TRUE(contains(status.message(), part));
    EXPECT_EQ(fake->linksAlive, 0);
  }

  ScratchFolder scratch;
  ScopedEnv mla{"MLA_PTXAS", std::nullopt};
  ScopedEnv cudaHome{"CUDA_HOME", std::nullopt};
  ScopedEnv cudaPath{"CUDA_PATH", std::nullopt};
  ScopedEnv path{"PATH", scratch.file("empty")};
  FakeCuda *fake = nullptr;
  CubinResult result;
};

TEST_F(DriverLinker, MakesACubin) {
  Status status = link();
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(result.cubin, "cubin of PTX");
  EXPECT_TRUE(result.report.functions.empty());
  EXPECT_EQ(fake->linksAlive, 0);
}

TEST_F(DriverLinker, ReportsWhatItTells) {
  fake->linkLog = "ptxas info    : Compiling entry function 'k' for 'sm_90a'\n"
                  "ptxas info    : Function properties for k\n"
                  "    0 bytes stack frame, 0 bytes spill stores, 0 bytes "
                  "spill loads\n"
                  "ptxas info    : Used 40 registers, used 1 barriers\n";
  ASSERT_TRUE(link().ok());
  ASSERT_EQ(result.report.functions.size(), 1u);
  EXPECT_EQ(result.report.functions[0].registers, 40u);
  fake->linkLog.replace(fake->linkLog.find("0 bytes stack"), 1, "8");
  expectError(MLA_COMPILE_ERROR, "stack frame");
}

TEST_F(DriverLinker, Fails) {
  fake->failures["cuLinkAddData"] = 218;
  fake->linkError = "ptxas fatal: syntax\n";
  expectError(MLA_COMPILE_ERROR,
              "cuLinkAddData failed: CUDA_ERROR_FAKE (218): a fake error: "
              "ptxas fatal: syntax");
  fake->failures.clear();
  fake->linkError.clear();
  for (const char *call : {"cuLinkCreate", "cuLinkAddData", "cuLinkComplete"}) {
    fake->failures = {{call, 999}};
    expectError(MLA_DRIVER_ERROR, call);
  }
  fake->failures = {{"cuLinkCreate", 2}};
  expectError(MLA_OUT_OF_MEMORY, "cuLinkCreate");
}

TEST_F(DriverLinker, WantsTheDevice) {
  fake->major = 8;
  expectError(MLA_UNSUPPORTED_DEVICE, "needs a device that is a sm_90a, and "
                                      "none of 1 is");
}

TEST_F(DriverLinker, IsUsedWithoutAPtxas) {
  Assembler assembler;
  Status status =
      findAssembler(MLA_ASSEMBLER_AUTO, std::nullopt, 10, assembler);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(assembler.kind, MLA_ASSEMBLER_DRIVER);
  EXPECT_EQ(assembler.version, "driver 12080");
  // Not where one was asked for.
  EXPECT_EQ(
      findAssembler(MLA_ASSEMBLER_PTXAS, std::nullopt, 10, assembler).code(),
      MLA_NOT_FOUND);
  EXPECT_EQ(
      findAssembler(MLA_ASSEMBLER_AUTO, scratch.file("none"), 10, assembler)
          .code(),
      MLA_NOT_FOUND);
  ScopedEnv named("MLA_PTXAS", scratch.file("none"));
  EXPECT_EQ(
      findAssembler(MLA_ASSEMBLER_AUTO, std::nullopt, 10, assembler).code(),
      MLA_NOT_FOUND);
}

TEST_F(DriverLinker, CompilesToTheEnd) {
  mlir::DialectRegistry registry;
  registerDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  auto module = buildSparsePrefill(context, SparsePrefillShape());
  DiskCache cache(scratch.file("cache"), 1 << 20);
  CachedKernel kernel;
  Status status = compileCached(*module, CachedCompileOptions(), cache, kernel);
  EXPECT_EQ(status.code(), MLA_COMPILE_ERROR);
  EXPECT_TRUE(contains(status.message(), "driver 12080 (libcuda.so.1): cubin"));
  // The header of a cubin.
  fake->linkHeader = "\177ELF\2";
  fake->linkHeader.resize(64);
  fake->linkHeader[18] = char(190);
  for (bool fromDisk : {false, true}) {
    status = compileCached(*module, CachedCompileOptions(), cache, kernel);
    ASSERT_TRUE(status.ok()) << status.message();
    EXPECT_EQ(kernel.fromDisk, fromDisk);
    EXPECT_EQ(kernel.facts.assembler, MLA_ASSEMBLER_DRIVER);
    EXPECT_EQ(kernel.facts.registers, -1);
    EXPECT_TRUE(contains(kernel.cubin, "cubin of "));
    EXPECT_TRUE(contains(kernel.cubin, "wgmma.mma_async"));
  }
}

TEST_F(DriverLinker, IsUsedOnRequest) {
  ScopedEnv found("MLA_PTXAS", scratch.script("ptxas", ""));
  Assembler assembler;
  ASSERT_TRUE(
      findAssembler(MLA_ASSEMBLER_DRIVER, std::nullopt, 10, assembler).ok());
  EXPECT_EQ(assembler.kind, MLA_ASSEMBLER_DRIVER);
}

} // namespace
