//===- attend.hpp - one launch of the sparse MLA forward --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_EXAMPLES_ATTEND_HPP
#define MLA_EXAMPLES_ATTEND_HPP

#include "cuda_driver.h"

#include <mla/Runtime/Runtime.hpp>

#include <cstdint>
#include <cstdio>
#include <vector>

constexpr int64_t kQueries = 1, kRows = 256, kTopk = 128;

template <typename T> CUdeviceptr upload(const std::vector<T> &values) {
  CUdeviceptr pointer = 0;
  if (cuMemAlloc_v2(&pointer, values.size() * sizeof(T)) != 0 ||
      cuMemcpyHtoD_v2(pointer, values.data(), values.size() * sizeof(T)) != 0)
    std::fprintf(stderr, "no device memory\n");
  return pointer;
}

/// Launches attention of a query of zeros over rows of ones on `stream`, which
/// belongs to the current context. `lse` becomes ln(128) = 4.85203.
inline mla::Status attend(const mla::Kernel &kernel, int64_t heads,
                          CUstream stream, float &lse) {
  std::vector<float> statistics(kQueries * heads);
  std::vector<int32_t> indices(kQueries * kTopk);
  for (int64_t i = 0; i < kTopk; ++i)
    indices[i] = static_cast<int32_t>(i % kRows);
  CUdeviceptr result = upload(statistics);
  mla::Status status = kernel.launch(
      {mla::tensor(upload(std::vector<uint16_t>(kQueries * heads * 576)),
                   MLA_BF16, {kQueries, heads, 576}),
       // Rows of a wider cache, with the cache's row stride.
       mla::tensor(upload(std::vector<uint16_t>(kRows * 640, 0x3f80)), MLA_BF16,
                   {kRows, 1, 576}, {640, 640, 1}),
       mla::tensor(upload(indices), MLA_I32, {kQueries, 1, kTopk}),
       mla::scalar(1.0 / 24),
       mla::tensor(upload(std::vector<uint16_t>(kQueries * heads * 512)),
                   MLA_BF16, {kQueries, heads, 512}),
       mla::tensor(upload(statistics), MLA_F32, {kQueries, heads}),
       mla::tensor(result, MLA_F32, {kQueries, heads})},
      stream);
  cuStreamSynchronize(stream);
  cuMemcpyDtoH_v2(statistics.data(), result, statistics.size() * sizeof(float));
  lse = statistics[0];
  return status;
}

/// The primary context of the first device made current, and a stream in it.
inline bool start(CUstream &stream) {
  CUdevice device = 0;
  CUcontext context = nullptr;
  return cuInit(0) == 0 && cuDeviceGet(&device, 0) == 0 &&
         cuDevicePrimaryCtxRetain(&context, device) == 0 &&
         cuCtxSetCurrent(context) == 0 && cuStreamCreate(&stream, 1) == 0;
}

#endif // MLA_EXAMPLES_ATTEND_HPP
