//===- FlashMLAPeer.cpp - FlashMLA as a peer ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Launches FlashMLA's kernels for sm_90a on our operators' arguments, without
// PyTorch: sparse prefill here, dense decode in Decode.cpp, if the library is
// compiled with it (FLASHMLA_DECODE). Tested with commit 9241ae3 (CUDA 13.0's
// nvcc).
//
// The host cannot check entries of `topk_length` above topk, with which the
// kernels read past the end of `indices`.
//
//===----------------------------------------------------------------------===//

#include "Cases.h"

#include "params.h"
#include "sm90/prefill/sparse/fwd.h"

#include <cmath>

#ifndef FLASHMLA_COMMIT
#error "expected FLASHMLA_COMMIT, a word that names the version of FlashMLA"
#endif

namespace flashmla_peer {
namespace {

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

SparseAttnFwdParams makeParams(Arguments &arguments) {
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
  arguments.expectAllUsed();
  return params;
}

class SparsePrefill : public mlaPeerCase {
public:
  explicit SparsePrefill(const SparseAttnFwdParams &params) : params(params) {}

  void launch(int32_t phase, mlaStream stream) override {
    // CUDA refuses a grid without CTAs; there is nothing to compute.
    if (phase == MLA_PHASE_PLAN || params.s_q == 0)
      return;
    params.stream = static_cast<cudaStream_t>(stream);
    sm90::run_fwd_kernel(params);
  }

private:
  SparseAttnFwdParams params;
};

std::unique_ptr<mlaPeerCase> prepare(const mlaPeerArguments &arguments) {
  const std::string text = arguments.operatorName;
  if (text == "sparse_prefill")
    return prepareSparsePrefill(arguments);
#ifdef FLASHMLA_DECODE
  if (text.substr(0, text.find(' ')) == "decode")
    return prepareDecode(arguments);
#endif
  throw Unsupported("operator '" + text +
                    "': FlashMLA, or this library, has no "
                    "kernel for it");
}

} // namespace

std::unique_ptr<mlaPeerCase> prepareSparsePrefill(const mlaPeerArguments &all) {
  Arguments arguments(all, "FlashMLA");
  return std::make_unique<SparsePrefill>(makeParams(arguments));
}

} // namespace flashmla_peer

int32_t mlaPeerVersion(void) { return MLA_PEER_VERSION; }

const char *mlaPeerName(void) { return "FlashMLA " FLASHMLA_COMMIT; }

int32_t mlaPeerPrepare(const mlaPeerArguments *arguments, mlaPeerCase **out,
                       char *error, size_t errorSize) {
  return flashmla_peer::guarded(error, errorSize, [&] {
    *out = flashmla_peer::prepare(*arguments).release();
  });
}

int32_t mlaPeerLaunch(mlaPeerCase *prepared, int32_t phase, mlaStream stream,
                      char *error, size_t errorSize) {
  return flashmla_peer::guarded(error, errorSize,
                                [&] { prepared->launch(phase, stream); });
}

void mlaPeerRelease(mlaPeerCase *prepared) { delete prepared; }
