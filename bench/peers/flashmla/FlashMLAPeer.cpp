//===- FlashMLAPeer.cpp - FlashMLA's sparse prefill as a peer -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Launches FlashMLA's kernels for sm_90a on the arguments of `sparse_prefill`,
// without PyTorch. build.sh compiles it against a checkout of FlashMLA; it was
// tested with commit 9241ae3 (CUDA 13.0's nvcc).
//
// Arguments that FlashMLA's own interface refuses, or that violate what its
// kernels assume, are refused here with a message: its host code prints, and
// its kernels check nothing. The host cannot check entries of `topk_length`
// above topk, with which the kernels read past the end of `indices`.
//
//===----------------------------------------------------------------------===//

#include "mla/Harness/Peer.h"

#include "params.h"
#include "sm90/prefill/sparse/fwd.h"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <exception>
#include <limits>
#include <stdexcept>
#include <string>

#ifndef FLASHMLA_COMMIT
#error "expected FLASHMLA_COMMIT: see build.sh"
#endif

namespace {

constexpr const char *kName = "FlashMLA " FLASHMLA_COMMIT;
/// The alignment of addresses and row strides for TMA and 16-byte copies.
constexpr int64_t kAlignment = 16;
/// FlashMLA multiplies these in int.
constexpr int64_t kMaxInt = std::numeric_limits<int>::max();

/// Arguments that FlashMLA has no kernel for.
struct Unsupported : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void expect(bool condition, const std::string &what,
            const std::string &expected, int64_t got) {
  if (!condition)
    throw Unsupported(what + ": expected " + expected + ", got " +
                      std::to_string(got));
}

/// The arguments by name. Arguments that are never looked up are an error,
/// because the computation would ignore them in silence.
class Arguments {
public:
  explicit Arguments(const mlaPeerArguments &all) : all(all) {
    if (all.count > kMost)
      throw Unsupported("expected at most " + std::to_string(kMost) +
                        " arguments, got " + std::to_string(all.count));
  }

  /// A tensor, or null if it is not among the arguments.
  const mlaTensor *optionalTensor(const char *name, mlaDType dtype,
                                  int32_t rank) {
    const mlaPeerArgument *argument = find(name);
    if (!argument)
      return nullptr;
    std::string what = "argument '" + std::string(name) + "'";
    expect(argument->value.kind == MLA_TENSOR, what, "a tensor (kind 0)",
           argument->value.kind);
    expect(argument->dtype == dtype, what,
           "element type " + std::to_string(dtype), argument->dtype);
    const mlaTensor &tensor = argument->value.value.tensor;
    expect(tensor.rank == rank, what, "rank " + std::to_string(rank),
           tensor.rank);
    expect(tensor.data % kAlignment == 0, what + ": address modulo 16", "0",
           tensor.data % kAlignment);
    return &tensor;
  }

  const mlaTensor &tensor(const char *name, mlaDType dtype, int32_t rank) {
    const mlaTensor *found = optionalTensor(name, dtype, rank);
    if (!found)
      throw Unsupported("argument '" + std::string(name) + "': missing");
    return *found;
  }

  float scalar(const char *name) {
    const mlaPeerArgument *argument = find(name);
    if (!argument || argument->value.kind != MLA_FLOAT)
      throw Unsupported("argument '" + std::string(name) +
                        "': expected a number");
    return static_cast<float>(argument->value.value.f64);
  }

  void expectAllUsed() const {
    for (int32_t i = 0; i < all.count; ++i)
      if (!used[i])
        throw Unsupported("argument '" + std::string(all.arguments[i].name) +
                          "': FlashMLA has no such argument");
  }

private:
  static constexpr int32_t kMost = 16;

  const mlaPeerArgument *find(const char *name) {
    for (int32_t i = 0; i < all.count; ++i)
      if (std::strcmp(all.arguments[i].name, name) == 0) {
        used[i] = true;
        return &all.arguments[i];
      }
    return nullptr;
  }

  const mlaPeerArguments &all;
  bool used[kMost] = {};
};

/// Checks the strides of `tensor`: the last one is 1, the others fit an int and
/// 16-byte copies.
void expectRows(const mlaTensor &tensor, const std::string &what,
                int64_t rowMultiple) {
  for (int32_t dim = 0; dim < tensor.rank; ++dim) {
    // The stride of a dimension of one element is never used.
    if (tensor.shape[dim] == 1)
      continue;
    std::string where = what + ": stride of dim " + std::to_string(dim);
    int64_t stride = tensor.strides[dim];
    if (dim == tensor.rank - 1)
      expect(stride == 1, where, "1", stride);
    else
      expect(stride >= 0 && stride <= kMaxInt && stride % rowMultiple == 0,
             where,
             "a multiple of " + std::to_string(rowMultiple) + " below 2^31",
             stride);
  }
}

/// Checks that the tensor is contiguous, as outputs and vectors have to be.
void expectDense(const mlaTensor &tensor, const std::string &what) {
  int64_t dense = 1;
  for (int32_t dim = tensor.rank; dim-- > 0; dense *= tensor.shape[dim])
    if (tensor.shape[dim] > 1)
      expect(tensor.strides[dim] == dense,
             what + ": stride of dim " + std::to_string(dim),
             std::to_string(dense), tensor.strides[dim]);
}

void expectSize(const mlaTensor &tensor, const char *name, int32_t dim,
                int64_t size) {
  expect(tensor.shape[dim] == size,
         "argument '" + std::string(name) + "': size of dim " +
             std::to_string(dim),
         std::to_string(size), tensor.shape[dim]);
}

template <typename T> T *pointer(const mlaTensor &tensor) {
  return reinterpret_cast<T *>(static_cast<uintptr_t>(tensor.data));
}

/// A vector of `size` elements that may be missing.
template <typename T>
T *optionalVector(Arguments &arguments, const char *name, mlaDType dtype,
                  int64_t size) {
  const mlaTensor *tensor = arguments.optionalTensor(name, dtype, 1);
  if (!tensor)
    return nullptr;
  expectSize(*tensor, name, 0, size);
  expectDense(*tensor, "argument '" + std::string(name) + "'");
  return pointer<T>(*tensor);
}

/// An output of a value for each query and head.
float *perHead(Arguments &arguments, const char *name, const mlaTensor &q) {
  const mlaTensor &tensor = arguments.tensor(name, MLA_F32, 2);
  expectSize(tensor, name, 0, q.shape[0]);
  expectSize(tensor, name, 1, q.shape[1]);
  expectDense(tensor, "argument '" + std::string(name) + "'");
  return pointer<float>(tensor);
}

void checkSizes(const mlaTensor &q, const mlaTensor &kv,
                const mlaTensor &indices, const mlaTensor &out) {
  expect(q.shape[1] == 64 || q.shape[1] == 128, "heads", "64 or 128",
         q.shape[1]);
  expect(q.shape[2] == 576 || q.shape[2] == 512, "d_qk", "576 or 512",
         q.shape[2]);
  expect(out.shape[2] == 512, "d_v", "512", out.shape[2]);
  expect(kv.shape[1] == 1, "heads of kv", "1", kv.shape[1]);
  expectSize(kv, "kv", 2, q.shape[2]);
  expectSize(indices, "indices", 0, q.shape[0]);
  expectSize(indices, "indices", 1, 1);
  expectSize(out, "out", 0, q.shape[0]);
  expectSize(out, "out", 1, q.shape[1]);
  int64_t topk = indices.shape[2];
  expect(topk > 0 && topk % 128 == 0, "topk", "a multiple of 128 above 0",
         topk);
  // Offsets in indices, max_logits and lse are ints in the kernel.
  expect(q.shape[0] * indices.strides[0] <= kMaxInt, "s_q * topk",
         "less than 2^31", q.shape[0] * indices.strides[0]);
  expect(q.shape[0] * q.shape[1] <= kMaxInt, "s_q * heads", "less than 2^31",
         q.shape[0] * q.shape[1]);
  expect(kv.shape[0] <= kMaxInt, "s_kv", "less than 2^31", kv.shape[0]);
}

SparseAttnFwdParams makeParams(Arguments &arguments, mlaStream stream) {
  const mlaTensor &q = arguments.tensor("q", MLA_BF16, 3);
  const mlaTensor &kv = arguments.tensor("kv", MLA_BF16, 3);
  const mlaTensor &indices = arguments.tensor("indices", MLA_I32, 3);
  const mlaTensor &out = arguments.tensor("out", MLA_BF16, 3);
  checkSizes(q, kv, indices, out);
  expectRows(q, "argument 'q'", kAlignment / 2);
  expectRows(kv, "argument 'kv'", kAlignment / 2);
  expectRows(indices, "argument 'indices'", 1);
  expectDense(out, "argument 'out'");

  SparseAttnFwdParams params = {};
  params.s_q = static_cast<int>(q.shape[0]);
  params.s_kv = static_cast<int>(kv.shape[0]);
  params.h_q = static_cast<int>(q.shape[1]);
  params.h_kv = 1;
  params.d_qk = static_cast<int>(q.shape[2]);
  params.d_v = static_cast<int>(out.shape[2]);
  params.topk = static_cast<int>(indices.shape[2]);
  params.sm_scale = arguments.scalar("scale");
  params.sm_scale_div_log2 = params.sm_scale * static_cast<float>(M_LOG2E);
  params.q = pointer<cutlass::bfloat16_t>(q);
  params.kv = pointer<cutlass::bfloat16_t>(kv);
  params.indices = pointer<int>(indices);
  params.attn_sink =
      optionalVector<float>(arguments, "attn_sink", MLA_F32, params.h_q);
  params.topk_length =
      optionalVector<int>(arguments, "topk_length", MLA_I32, params.s_q);
  params.stride_q_s_q = static_cast<int>(q.strides[0]);
  params.stride_q_h_q = static_cast<int>(q.strides[1]);
  params.stride_kv_s_kv = static_cast<int>(kv.strides[0]);
  params.stride_kv_h_kv = static_cast<int>(kv.strides[1]);
  params.stride_indices_s_q = static_cast<int>(indices.strides[0]);
  params.stride_indices_h_kv = static_cast<int>(indices.strides[1]);
  params.out = pointer<cutlass::bfloat16_t>(out);
  params.max_logits = perHead(arguments, "max_logits", q);
  params.lse = perHead(arguments, "lse", q);
  // num_sm stays 0: the kernels for sm_90a do not read it.
  params.stream = static_cast<cudaStream_t>(stream);
  arguments.expectAllUsed();
  return params;
}

void launch(const mlaPeerArguments &all, mlaStream stream) {
  if (std::strcmp(all.operatorName, "sparse_prefill") != 0)
    throw Unsupported("operator '" + std::string(all.operatorName) +
                      "': expected sparse_prefill");
  Arguments arguments(all);
  SparseAttnFwdParams params = makeParams(arguments, stream);
  // CUDA refuses a grid without CTAs; there is nothing to compute.
  if (params.s_q > 0)
    sm90::run_fwd_kernel(params);
}

} // namespace

int32_t mlaPeerVersion(void) { return MLA_PEER_VERSION; }

const char *mlaPeerName(void) { return kName; }

int32_t mlaPeerLaunch(const mlaPeerArguments *arguments, mlaStream stream,
                      char *error, size_t errorSize) {
  try {
    launch(*arguments, stream);
    return MLA_PEER_LAUNCHED;
  } catch (const Unsupported &reason) {
    std::snprintf(error, errorSize, "%s", reason.what());
    return MLA_PEER_UNSUPPORTED;
  } catch (const std::exception &reason) {
    std::snprintf(error, errorSize, "%s", reason.what());
    return MLA_PEER_FAILED;
  }
}
