//===- TestSupport.h - Helpers of the JIT tests -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TEST_UNIT_JIT_TESTSUPPORT_H
#define MLA_TEST_UNIT_JIT_TESTSUPPORT_H

#include "mla/JIT/JIT.hpp"
#include "gtest/gtest.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace mla::jit {

namespace fs = std::filesystem;
using Milliseconds = std::chrono::milliseconds;

inline ::testing::AssertionResult contains(const std::string &haystack,
                                           const std::string &needle) {
  if (haystack.find(needle) != std::string::npos)
    return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << "expected '" << needle << "' in '" << haystack << "'";
}

inline std::string readFile(const fs::path &path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

inline void writeFile(const fs::path &path, const std::string &bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

/// Runs `body` in a child process; the exit code is what it returns.
inline pid_t spawn(const std::function<int()> &body) {
  pid_t pid = ::fork();
  if (pid != 0)
    return pid;
  ::_exit(body());
}

/// Waits for a child: its exit code, or 1000 and the signal that ended it.
inline int wait(pid_t pid) {
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/// A program that compiles in milliseconds. Different tags make different
/// kernels.
inline std::string program(int tag = 0) {
  return R"(#schedule = #mla.schedule<"math",
  roles = [<"math", warps = 4, registers = 240>],
  table = [<"out" in ["math"]>]>
func.func @k(%out: memref<?x8xi32> {mla.name = "out", mla.dims = ["rows", ""]})
    attributes {mla.operator = "numbers", mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %tag = arith.constant )" +
         std::to_string(tag) + R"( : i32
  %rows = memref.dim %out, %c0 : memref<?x8xi32>
  %tiles = arith.ceildivui %rows, %c64 : index
  scf.forall (%k) in (%tiles) {
    %row = arith.muli %k, %c64 : index
    %t = tensor.splat %tag : tensor<64x8xi32>
    tile.store %t, %out[%row, %c0] {tile.label = "out"} : tensor<64x8xi32>, memref<?x8xi32>
  }
  return
}
)";
}

/// sparse_prefill with its default sizes and options.
inline mlaOperator sparsePrefill() {
  mlaOperator op = MLA_OPERATOR_INIT;
  op.name = "sparse_prefill";
  return op;
}

/// A cache folder, and a fake ptxas that records its runs and writes a cubin at
/// once.
class JitTest : public ::testing::Test {
protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "mla-jit-test-XXXXXX");
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root = name;
    cache = root / "cache";
    // For what a killed compiler leaves behind.
    fs::create_directory(root / "tmp");
    ::setenv("TMPDIR", (root / "tmp").c_str(), 1);
    // The header of an ELF file for CUDA is all that the runtime reads.
    std::string cubin("\177ELF\2", 5);
    cubin.resize(64);
    cubin[18] = char(190);
    writeFile(root / "cubin", cubin + "code");
    writePtxas(copyCubin());
    options.cacheFolder = cache;
    options.ptxas = root / "ptxas";
    options.warning = [this](const char *message) {
      std::lock_guard<std::mutex> lock(mutex);
      warnings.push_back(message);
    };
  }
  void TearDown() override {
    ::unsetenv("TMPDIR");
    std::error_code ignored;
    fs::remove_all(root, ignored);
  }

  /// `body` runs with the output file in $out.
  void writePtxas(const std::string &body,
                  const std::string &version = "13.0") {
    writeFile(root / "ptxas.new", "#!/bin/sh\n"
                                  "case \"$1\" in --version)\n"
                                  "  echo 'Cuda compilation tools, release " +
                                      version + ", V" + version +
                                      ".88'; exit;;\n"
                                      "esac\n"
                                      "echo run >>" +
                                      (root / "runs").string() +
                                      "\n"
                                      "for out; do :; done\n" +
                                      body);
    fs::permissions(root / "ptxas.new", fs::perms::owner_all);
    fs::rename(root / "ptxas.new", root / "ptxas");
  }
  std::string copyCubin() const {
    return "cp " + (root / "cubin").string() +
           " \"$out\"\n"
           "echo \"ptxas info    : Compiling entry function 'k' for 'sm_90a'\n"
           "ptxas info    : Function properties for k\n"
           "    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill "
           "loads\n"
           "ptxas info    : Used 40 registers, used 1 barriers\"\n";
  }
  /// How often ptxas assembled.
  size_t runs() const {
    std::string text = readFile(root / "runs");
    return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
  }
  std::vector<fs::path> entries() const {
    std::vector<fs::path> found;
    std::error_code none;
    for (const auto &file : fs::directory_iterator(cache, none))
      if (file.path().filename().string().rfind("llvmcache-", 0) == 0 &&
          file.path().extension() != ".tmp")
        found.push_back(file.path());
    return found;
  }

  Compiler makeCompiler() {
    Status status;
    std::optional<Compiler> compiler = Compiler::create(options, status);
    EXPECT_TRUE(compiler) << status.message();
    return std::move(compiler).value();
  }
  /// Compiles with a new compiler and returns the info.
  mlaCompileInfo compileFresh(int tag = 0) {
    return compileWith(makeCompiler(), tag);
  }
  mlaCompileInfo compileWith(const Compiler &compiler, int tag = 0) {
    mlaCompileInfo info = MLA_COMPILE_INFO_INIT;
    Status status;
    std::optional<Kernel> kernel =
        compiler.compile(program(tag), status, "numbers.mlir", nullptr, &info);
    EXPECT_TRUE(kernel) << status.message();
    // A child process tells of a failure by the origin alone.
    if (!kernel)
      info.origin = -1;
    return info;
  }
  /// The text of the error of a compilation; "" if there is none.
  std::string compileError(mlaStatus code = MLA_COMPILE_ERROR) {
    return errorOf(makeCompiler(), program(), code);
  }
  std::string errorOf(const Compiler &compiler, const std::string &ir,
                      mlaStatus code = MLA_COMPILE_ERROR) {
    Status status;
    EXPECT_FALSE(compiler.compile(ir, status, "numbers.mlir"));
    EXPECT_EQ(status.code(), code);
    return status.message();
  }

  fs::path root, cache;
  Options options;
  std::mutex mutex;
  std::vector<std::string> warnings;
};

} // namespace mla::jit

#endif // MLA_TEST_UNIT_JIT_TESTSUPPORT_H
