//===- AssemblerTest.cpp - the driver's linker in place of ptxas ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "../Runtime/FakeCuda.h"
#include "../Target/TestSupport.h"
#include "mla/JIT/CachedCompile.h"
#include "mla/JIT/Operators.h"
#include "mla/Pipelines/Pipelines.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mla;
using runtime::Status;

namespace {

/// The header of a cubin without sections.
std::string cubinHeader() {
  std::string header = "\177ELF\2";
  header.resize(64);
  header[18] = char(190);
  return header;
}

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
  EXPECT_EQ(assembler.version, "driver 13000");
  // Not if one was requested.
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
  auto module = buildOperator(
      context, OperatorSpec(*findOperator(getOperators(), "sparse_prefill")));
  DiskCache cache(scratch.file("cache"), 1 << 20);
  CachedKernel kernel;
  Status status = compileCached(*module, CachedCompileOptions(), cache, kernel);
  EXPECT_EQ(status.code(), MLA_COMPILE_ERROR);
  EXPECT_TRUE(contains(status.message(), "driver 13000 (libcuda.so.1): cubin"));
  fake->linkHeader = cubinHeader();
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

/// The key of the only entry of a cache.
std::string onlyKey(const DiskCache &cache) {
  auto entries = llvm::cantFail(cache.list());
  EXPECT_EQ(entries.size(), 1u);
  auto file =
      llvm::cantFail(llvm::errorOrToExpected(llvm::MemoryBuffer::getFile(
          cache.folder() + "/llvmcache-" + entries.front().name)));
  // After the magic and the checksum: the length of the key, the key.
  llvm::StringRef bytes = file->getBuffer().drop_front(18 + 32);
  uint64_t length = llvm::support::endian::read64le(bytes.data());
  return bytes.substr(8, length).str();
}

TEST_F(DriverLinker, ABadCubinInTheCacheIsCompiledAnew) {
  // Complete, by its checksum; another compiler may have stored it without
  // checks.
  mlir::DialectRegistry registry;
  registerDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  auto module = buildOperator(
      context, OperatorSpec(*findOperator(getOperators(), "sparse_prefill")));
  DiskCache cache(scratch.file("cache"), 1 << 20);
  CachedKernel kernel;
  std::string warning;
  CachedCompileOptions options;
  options.warn = [&](CompileTrouble, const std::string &message) {
    warning = message;
  };
  fake->linkHeader = cubinHeader();
  ASSERT_TRUE(compileCached(*module, options, cache, kernel).ok());
  CachedKernel bad = kernel;
  bad.cubin.resize(50);
  ASSERT_EQ(text(cache.store(onlyKey(cache), serialize(bad))), "");
  for (bool fromDisk : {false, true}) {
    CachedKernel again;
    ASSERT_TRUE(compileCached(*module, options, cache, again).ok());
    EXPECT_EQ(again.fromDisk, fromDisk);
    EXPECT_EQ(again.cubin, kernel.cubin);
    EXPECT_TRUE(contains(warning, "the cache's entry " + kernel.facts.key +
                                      ": cubin is truncated"));
  }
}

TEST_F(DriverLinker, IsUsedOnRequest) {
  ScopedEnv found("MLA_PTXAS", scratch.script("ptxas", ""));
  Assembler assembler;
  ASSERT_TRUE(
      findAssembler(MLA_ASSEMBLER_DRIVER, std::nullopt, 10, assembler).ok());
  EXPECT_EQ(assembler.kind, MLA_ASSEMBLER_DRIVER);
}

/// A ptxas on PATH that was not requested, and a driver of CUDA 12.9.
class InstalledPtxas : public DriverLinker {
protected:
  void SetUp() override {
    DriverLinker::SetUp();
    if (fake)
      fake->version = 12090;
  }
  std::string install(llvm::StringRef folder, llvm::StringRef version) {
    return scratch.script(
        (folder + "/ptxas").str(),
        ("echo 'release " + version + ", V" + version + ".88'").str());
  }
  Assembler find(mlaAssembler wanted = MLA_ASSEMBLER_AUTO) {
    Assembler assembler;
    Status status = findAssembler(wanted, std::nullopt, 10, assembler);
    EXPECT_TRUE(status.ok()) << status.message();
    return assembler;
  }

  ScopedEnv twoFolders{"PATH", scratch.file("a") + ":" + scratch.file("b")};
};

TEST_F(InstalledPtxas, OfTheDriversMajorVersionOrOlderIsUsed) {
  std::string path = install("a", "12.9");
  for (int version : {12000, 12080, 12090, 13000}) {
    fake->version = version;
    Assembler assembler = find();
    EXPECT_EQ(assembler.kind, MLA_ASSEMBLER_PTXAS) << version;
    EXPECT_EQ(assembler.path, path);
    EXPECT_EQ(assembler.warning, "");
  }
}

TEST_F(InstalledPtxas, NewerThanTheDriverIsPassedOverForTheLinker) {
  std::string path = install("a", "13.0");
  Assembler assembler = find();
  EXPECT_EQ(assembler.kind, MLA_ASSEMBLER_DRIVER);
  EXPECT_EQ(assembler.warning,
            "ptxas 13.0 at '" + path +
                "' is newer than the driver (CUDA 12.9), which does not load "
                "its cubins; using the driver's linker");
  fake->version = 13000;
  EXPECT_EQ(find().kind, MLA_ASSEMBLER_PTXAS);
}

TEST_F(InstalledPtxas, NewerThanTheDriverIsPassedOverForAnOlderOne) {
  std::string newer = install("a", "13.0"), older = install("b", "12.9");
  for (mlaAssembler wanted : {MLA_ASSEMBLER_AUTO, MLA_ASSEMBLER_PTXAS}) {
    Assembler assembler = find(wanted);
    EXPECT_EQ(assembler.kind, MLA_ASSEMBLER_PTXAS);
    EXPECT_EQ(assembler.path, older);
    EXPECT_EQ(assembler.version, "ptxas release 12.9, V12.9.88");
    EXPECT_TRUE(contains(assembler.warning, "ptxas 13.0 at '" + newer));
    EXPECT_TRUE(contains(assembler.warning, "; using '" + older + "'"));
  }
}

TEST_F(InstalledPtxas, TooOldIsPassedOver) {
  // For our PTX, 8.8.
  std::string old = install("a", "12.8");
  Assembler assembler = find();
  EXPECT_EQ(assembler.kind, MLA_ASSEMBLER_DRIVER);
  EXPECT_EQ(assembler.warning, "ptxas 12.8 at '" + old +
                                   "' is older than 12.9; using the driver's "
                                   "linker");
  std::string good = install("b", "12.9");
  EXPECT_EQ(find().path, good);
}

TEST_F(InstalledPtxas, ThatDoesNotRunIsPassedOver) {
  scratch.script("a/ptxas", "exit 3");
  Assembler assembler = find();
  EXPECT_EQ(assembler.kind, MLA_ASSEMBLER_DRIVER);
  EXPECT_TRUE(contains(assembler.warning, "failed with exit code 3"));
}

TEST_F(InstalledPtxas, NewerThanTheDriverIsUsedIfItMustBePtxas) {
  std::string path = install("a", "13.0");
  Assembler assembler = find(MLA_ASSEMBLER_PTXAS);
  EXPECT_EQ(assembler.path, path);
  EXPECT_TRUE(contains(assembler.warning, "newer than the driver"));
}

TEST_F(InstalledPtxas, ThatIsRequestedIsUsed) {
  std::string path = install("c", "13.0");
  install("a", "12.9");
  ScopedEnv mla("MLA_PTXAS", path);
  Assembler assembler = find();
  EXPECT_EQ(assembler.path, path);
  EXPECT_EQ(assembler.warning,
            "ptxas 13.0 at '" + path +
                "' is newer than the driver (CUDA 12.9), which does not load "
                "its cubins");
}

TEST_F(InstalledPtxas, IsNotWorthInitialisingTheDriver) {
  // A process that has opened the driver cannot fork.
  install("a", "12.9");
  int before = fake->calls.cuInit;
  find();
  EXPECT_EQ(fake->calls.cuInit, before);
}

TEST_F(InstalledPtxas, CompilesToTheEnd) {
  install("a", "13.0");
  mlir::DialectRegistry registry;
  registerDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  auto module = buildOperator(
      context, OperatorSpec(*findOperator(getOperators(), "sparse_prefill")));
  DiskCache none("", 0);
  CachedKernel kernel;
  std::string warnings;
  CachedCompileOptions options;
  options.warn = [&](CompileTrouble trouble, const std::string &message) {
    EXPECT_EQ(trouble, CompileTrouble::Assembler);
    warnings += message;
  };
  // The error of the linker says why it was used.
  fake->failures["cuLinkAddData"] = 222;
  Status status = compileCached(*module, options, none, kernel);
  EXPECT_TRUE(contains(status.message(), "cuLinkAddData failed"));
  EXPECT_TRUE(contains(status.message(), "is newer than the driver"));
  fake->failures.clear();
  fake->linkHeader = cubinHeader();
  warnings.clear();
  status = compileCached(*module, options, none, kernel);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(kernel.facts.assembler, MLA_ASSEMBLER_DRIVER);
  EXPECT_TRUE(contains(warnings, "using the driver's linker"));
}

} // namespace
