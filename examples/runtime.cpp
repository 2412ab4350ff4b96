//===- runtime.cpp - a kernel package from C++ ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
//   runtime-cpp PACKAGE
//
// As runtime.c, with Runtime.hpp: handles that free themselves, and failures
// as values. Built without exceptions.
//
//===----------------------------------------------------------------------===//

#include "cuda_driver.h"

#include <mla/Runtime/Runtime.hpp>

#include <cstdio>
#include <vector>

namespace {

constexpr int64_t kQueries = 1, kRows = 256, kHeads = 128, kTopk = 128;

template <typename T> CUdeviceptr upload(const std::vector<T> &values) {
  CUdeviceptr pointer = 0;
  if (cuMemAlloc_v2(&pointer, values.size() * sizeof(T)) != 0 ||
      cuMemcpyHtoD_v2(pointer, values.data(), values.size() * sizeof(T)) != 0)
    std::fprintf(stderr, "no device memory\n");
  return pointer;
}

/// The attention of a query of zeros over rows of ones, on `stream` of the
/// current context.
mla::Status attend(const mla::Kernel &kernel, CUstream stream, float &lse) {
  std::vector<float> statistics(kQueries * kHeads);
  std::vector<int32_t> indices(kQueries * kTopk);
  for (int64_t i = 0; i < kTopk; ++i)
    indices[i] = static_cast<int32_t>(i % kRows);
  CUdeviceptr result = upload(statistics);
  mla::Status status = kernel.launch(
      {mla::tensor(upload(std::vector<uint16_t>(kQueries * kHeads * 576)),
                   MLA_BF16, {kQueries, kHeads, 576}),
       mla::tensor(upload(std::vector<uint16_t>(kRows * 640, 0x3f80)), MLA_BF16,
                   {kRows, 1, 576}, {640, 640, 1}),
       mla::tensor(upload(indices), MLA_I32, {kQueries, 1, kTopk}),
       mla::scalar(1.0 / 24),
       mla::tensor(upload(std::vector<uint16_t>(kQueries * kHeads * 512)),
                   MLA_BF16, {kQueries, kHeads, 512}),
       mla::tensor(upload(statistics), MLA_F32, {kQueries, kHeads}),
       mla::tensor(result, MLA_F32, {kQueries, kHeads})},
      stream);
  cuStreamSynchronize(stream);
  cuMemcpyDtoH_v2(statistics.data(), result, statistics.size() * sizeof(float));
  lse = statistics[0];
  return status;
}

} // namespace

int main(int argc, char **argv) {
  CUdevice device = 0;
  CUcontext context = nullptr;
  CUstream stream = nullptr;
  if (argc != 2 || cuInit(0) != 0 || cuDeviceGet(&device, 0) != 0 ||
      cuDevicePrimaryCtxRetain(&context, device) != 0 ||
      cuCtxSetCurrent(context) != 0 || cuStreamCreate(&stream, 1) != 0) {
    std::fprintf(stderr, "usage: %s PACKAGE, on a machine with a GPU\n",
                 argv[0]);
    return 2;
  }
  mla::Status status;
  float lse = 0;
  std::optional<mla::Kernel> kernel = mla::Kernel::load(argv[1], status);
  if (kernel)
    status = attend(*kernel, stream, lse);
  if (!status.ok()) {
    std::fprintf(stderr, "%s: %s\n", mlaStatusName(status.code()),
                 status.message().c_str());
    return 1;
  }
  std::printf("%s: lse %g (ln %d is 4.85203)\n", kernel->info().name, lse,
              static_cast<int>(kTopk));
  return 0;
}
