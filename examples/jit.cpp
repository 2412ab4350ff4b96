//===- jit.cpp - compile a kernel in the running process ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
//   jit [PACKAGE]
//
// Compiles the sparse MLA forward for 64 heads, launches it, and asks for it
// again, as an engine does at every call. With PACKAGE it also writes that
// folder, for programs without a compiler.
//
//===----------------------------------------------------------------------===//

#include "attend.hpp"

#include <mla/JIT/JIT.hpp>

namespace {

mla::Kernel compile(mla::jit::Compiler &compiler, const mlaOperator &op) {
  mlaCompileInfo info = MLA_COMPILE_INFO_INIT;
  mla::Kernel kernel(compiler.compile(op, nullptr, &info).release());
  const char *origins[] = {"compiled", "from memory", "from disk"};
  std::printf("%s in %.6f s, %d registers\n", origins[info.origin],
              info.seconds, static_cast<int>(info.registers));
  return kernel;
}

void run(CUstream stream, const char *folder) {
  // Keeps what it compiles: an engine has one for the process.
  mla::jit::Compiler compiler;
  // Sizes that are not set are known at the launch.
  mlaOperator op = MLA_OPERATOR_INIT;
  op.heads = 64;
  mla::Kernel kernel = compile(compiler, op);
  float lse = 0;
  mla::jit::check(attend(kernel, op.heads, stream, lse).code());
  std::printf("lse %g\n", lse);
  mla::Kernel again = compile(compiler, op);
  if (folder)
    compiler.compilePackage(op, folder);
}

} // namespace

int main(int argc, char **argv) {
  CUstream stream = nullptr;
  if (!start(stream)) {
    std::fprintf(stderr, "expected a machine with a GPU\n");
    return 1;
  }
  std::printf("%s\n", mlaJitVersionText());
  try {
    run(stream, argc > 1 ? argv[1] : nullptr);
  } catch (const mla::jit::Error &error) {
    std::fprintf(stderr, "%s: %s\n", mlaStatusName(error.status()),
                 error.what());
    return 1;
  }
  return 0;
}
