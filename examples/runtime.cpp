//===- runtime.cpp - a kernel package from C++ ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
//   runtime-cpp PACKAGE
//
// The same as runtime.c with Runtime.hpp: handles release themselves, and
// failures are values. Built without exceptions.
//
//===----------------------------------------------------------------------===//

#include "attend.hpp"

int main(int argc, char **argv) {
  CUstream stream = nullptr;
  if (argc != 2 || !start(stream)) {
    std::fprintf(stderr, "usage: %s PACKAGE, on a machine with a GPU\n",
                 argv[0]);
    return 2;
  }
  mla::Status status;
  float lse = 0;
  std::optional<mla::Kernel> kernel = mla::Kernel::load(argv[1], status);
  if (kernel)
    status = attend(*kernel, 128, stream, lse);
  if (!status.ok()) {
    std::fprintf(stderr, "%s: %s\n", mlaStatusName(status.code()),
                 status.message().c_str());
    return 1;
  }
  std::printf("%s: lse %g\n", kernel->info().name, lse);
  return 0;
}
