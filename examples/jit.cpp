//===- jit.cpp - compile a kernel in the running process ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
//   jit [PACKAGE]
//
// Compiles the sparse MLA forward for 64 heads, launches it, and requests it
// again, as an engine does at every call. With PACKAGE it also writes the
// package, for programs without a compiler.
//
//===----------------------------------------------------------------------===//

#include "attend.hpp"

#include <mla/JIT/JIT.hpp>

namespace {

std::optional<mla::Kernel> compile(const mla::jit::Compiler &compiler,
                                   const mla::jit::Operator &op,
                                   mla::Status &status) {
  mlaCompileInfo info = MLA_COMPILE_INFO_INIT;
  std::optional<mla::Kernel> kernel =
      compiler.compile(op, status, nullptr, &info);
  const char *origins[] = {"compiled", "from memory", "from disk"};
  if (kernel)
    std::printf("%s in %.6f s, %d registers\n", origins[info.origin],
                info.seconds, static_cast<int>(info.registers));
  return kernel;
}

mla::Status run(CUstream stream, const char *folder) {
  mla::Status status;
  // Caches its kernels: create one for the process.
  std::optional<mla::jit::Compiler> compiler =
      mla::jit::Compiler::create({}, status);
  if (!compiler)
    return status;
  // Sizes that are not set are read from the arguments of each launch.
  constexpr int64_t heads = 64;
  mla::jit::Operator op("sparse_prefill");
  op.size("h_q", heads);
  std::optional<mla::Kernel> kernel = compile(*compiler, op, status);
  if (!kernel)
    return status;
  float lse = 0;
  status = attend(*kernel, heads, stream, lse);
  if (!status.ok())
    return status;
  std::printf("lse %g\n", lse);
  if (compile(*compiler, op, status) && folder)
    status = compiler->compilePackage(op, folder);
  return status;
}

} // namespace

int main(int argc, char **argv) {
  CUstream stream = nullptr;
  if (!start(stream)) {
    std::fprintf(stderr, "expected a machine with a GPU\n");
    return 1;
  }
  std::printf("%s\n", mlaJitVersionText());
  mla::Status status = run(stream, argc > 1 ? argv[1] : nullptr);
  if (!status.ok()) {
    std::fprintf(stderr, "%s: %s\n", mlaStatusName(status.code()),
                 status.message().c_str());
    return 1;
  }
  return 0;
}
