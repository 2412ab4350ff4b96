//===- jit.cpp - compile a kernel in the running process ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
//   jit [PACKAGE]
//
// Compiles the sparse MLA forward for 64 heads, loads it into the context of
// the first device, and asks for it again, as an engine does at every call.
// With PACKAGE it also writes that folder, for programs without a compiler.
//
//===----------------------------------------------------------------------===//

#include "cuda_driver.h"

#include <mla/JIT/JIT.h>
#include <mla/Runtime/Runtime.hpp>

#include <cstdio>
#include <cstdlib>

namespace {

void check(const mla::Status &status) {
  if (status.ok())
    return;
  std::fprintf(stderr, "%s: %s\n", mlaStatusName(status.code()),
               status.message().c_str());
  std::exit(1);
}

mla::Kernel compile(mlaCompiler compiler, const mlaSource &source) {
  mlaKernel kernel = nullptr;
  mlaCompileInfo info = MLA_COMPILE_INFO_INIT;
  check(mla::Status(mlaCompile(compiler, &source, nullptr, &kernel, &info)));
  const char *origins[] = {"compiled", "from memory", "from disk"};
  std::printf("%s: %s in %.6f s, %d registers\n", info.key,
              origins[info.origin], info.seconds, info.registers);
  return mla::Kernel(kernel);
}

} // namespace

int main(int argc, char **argv) {
  CUdevice device = 0;
  CUcontext context = nullptr;
  if (cuInit(0) != 0 || cuDeviceGet(&device, 0) != 0 ||
      cuDevicePrimaryCtxRetain(&context, device) != 0 ||
      cuCtxSetCurrent(context) != 0) {
    std::fprintf(stderr, "expected a machine with a GPU\n");
    return 1;
  }
  std::printf("%s\n", mlaJitVersionText());

  mlaCompiler compiler = nullptr;
  check(mla::Status(mlaCompilerCreate(nullptr, &compiler)));

  // Sizes that are not set are known at the launch.
  mlaOperator attention = MLA_OPERATOR_INIT;
  attention.heads = 64;
  mlaSource source = MLA_SOURCE_INIT;
  source.op = &attention;
  {
    mla::Kernel kernel = compile(compiler, source);
    check(kernel.prepare());
    mla::Kernel again = compile(compiler, source);
    // The launch is that of runtime.cpp.
  }
  if (argc > 1)
    check(mla::Status(
        mlaCompilePackage(compiler, &source, nullptr, argv[1], nullptr)));
  check(mla::Status(mlaCompilerDestroy(compiler)));
  return 0;
}
