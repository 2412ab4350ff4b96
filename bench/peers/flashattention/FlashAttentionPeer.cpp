//===- FlashAttentionPeer.cpp - FlashAttention-3 as a peer ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Launches FlashAttention-3's forward kernels for head dimensions 192 and 128
// and sm_90a on the arguments of `prefill`, without PyTorch: dense or with
// cu_seqlens, causal or not. Tested with commit 0251105 (CUDA 13.0's nvcc).
//
// The parameters are those of flash_attn_func and flash_attn_varlen_func with
// their defaults: one split, and the heuristic for grouped heads (pack_gqa).
//
// The kernels write lse [b, h_q, s_q]: bench has to give it this order in
// memory, `--order=lse=0,2,1`.
//
//===----------------------------------------------------------------------===//

#include "../Case.h"

#include "cutlass/numeric_types.h"
#include "flash.h"
#include "heuristics.h"
#include "tile_size.h"

#include <algorithm>
#include <memory>
#include <sstream>
#include <vector>

#ifndef FLASHATTENTION_COMMIT
#error                                                                         \
    "expected FLASHATTENTION_COMMIT, a word that names the version of FlashAttention"
#endif

namespace flashattention_peer {

using namespace mla_peer;

namespace {

constexpr int64_t kQK = 192, kV = 128;
/// Up to this many sequences the kernel that prepares the schedule is one CTA,
/// and the attention kernel is launched before it has ended
/// (PREPARE_VARLEN_MAX_BATCHES_1CTA of hopper/flash_api.cpp).
constexpr int kOneCTASequences = 992;

/// What the operator's text, "prefill causal=yes ...", asks for.
struct Options {
  bool causal = false, emptyIsMinusInfinity = false;

  explicit Options(const char *operatorText) {
    std::istringstream words(operatorText);
    std::string word;
    words >> word;
    expectOperator(word);
    while (words >> word)
      if (word == "causal=yes")
        causal = true;
      else if (word == "empty_lse=-inf")
        emptyIsMinusInfinity = true;
      else if (word != "causal=no" && word != "empty_lse=+inf" &&
               word != "lse_base=e")
        throw Unsupported("option '" + word +
                          "': FlashAttention has no such option");
  }

private:
  static void expectOperator(const std::string &name) {
    if (name != "prefill")
      throw Unsupported("operator '" + name +
                        "': FlashAttention, or this library, has no kernel "
                        "for it");
  }
};

mlaDType dtypeOf(const mlaPeerArguments &all, const char *name) {
  for (int32_t i = 0; i < all.count; ++i)
    if (std::strcmp(all.arguments[i].name, name) == 0)
      return static_cast<mlaDType>(all.arguments[i].dtype);
  return MLA_BF16;
}

/// The prefix sums of the lengths of sequences, and the longest one.
struct Sequences {
  std::vector<int32_t> bounds;
  int64_t longest = 0;

  int64_t length(size_t sequence) const {
    return int64_t(bounds[sequence + 1]) - bounds[sequence];
  }

  /// FlashAttention checks no bound. `rows`: those of the tensor.
  Sequences(const mlaTensor &onDevice, const char *name, int64_t rows)
      : bounds(onDevice.shape[0]) {
    expect(bounds.size() > 1, std::string("argument '") + name + "': size",
           "at least 2", static_cast<int64_t>(bounds.size()));
    check(cudaMemcpy(bounds.data(), pointer<void>(onDevice),
                     bounds.size() * sizeof(int32_t), cudaMemcpyDeviceToHost),
          "cudaMemcpy of cu_seqlens");
    auto what = [&](size_t i) {
      return std::string(name) + "[" + std::to_string(i) + "]";
    };
    expect(bounds.front() >= 0, what(0), "0 or more", bounds.front());
    for (size_t i = 0; i + 1 < bounds.size(); ++i) {
      expect(length(i) >= 0, what(i + 1),
             "at least " + std::to_string(bounds[i]), bounds[i + 1]);
      longest = std::max(longest, length(i));
    }
    expect(bounds.back() <= rows, what(bounds.size() - 1),
           "at most " + std::to_string(rows), bounds.back());
    expect(longest > 0, std::string("longest sequence of ") + name,
           "at least 1 token", longest);
  }
};

/// The operands of a launch; checked.
struct Operands {
  const mlaDType dtype;
  const mlaTensor &q, &k, &v, &out, &lse;
  const mlaTensor *boundsQ, *boundsK;
  const float scale;
  const int64_t b, sQ, sKV, hQ, hKV;
  /// Of the longest sequence.
  int64_t longestQ, longestK;
  /// Whether a query has no key.
  bool hasEmptyRow = false;

  Operands(Arguments &arguments, mlaDType dtype, bool causal)
      : dtype(dtype), q(arguments.tensor("q", dtype, 4)),
        k(arguments.tensor("k", dtype, 4)), v(arguments.tensor("v", dtype, 4)),
        out(arguments.tensor("out", dtype, 4)),
        lse(arguments.tensor("lse", MLA_F32, 3)),
        boundsQ(arguments.optionalTensor("cu_seqlens_q", MLA_I32, 1)),
        boundsK(arguments.optionalTensor("cu_seqlens_k", MLA_I32, 1)),
        scale(arguments.scalar("scale")), b(q.shape[0]), sQ(q.shape[1]),
        sKV(k.shape[1]), hQ(q.shape[2]), hKV(k.shape[2]), longestQ(sQ),
        longestK(sKV) {
    arguments.expectAllUsed();
    checkSizes();
    checkStrides();
    checkSequences(causal);
  }

  bool hasSequences() const { return boundsQ != nullptr; }

private:
  void checkSizes() const {
    expect(dtype == MLA_BF16 || dtype == MLA_F16, "argument 'q': element type",
           "bf16 or f16", dtype);
    expect(b > 0, "b", "at least 1", b);
    expect(sQ > 0, "s_q", "at least 1", sQ);
    expect(sKV > 0, "s_kv", "at least 1", sKV);
    expect(hKV > 0 && hQ % hKV == 0, "h_kv", "a divisor of h_q", hKV);
    expect(q.shape[3] == kQK, "d_qk", "192", q.shape[3]);
    expect(v.shape[3] == kV, "d_v", "128", v.shape[3]);
    const int64_t keys[] = {b, sKV, hKV, kQK}, results[] = {b, sQ, hQ, kV};
    for (int dim = 0; dim < 4; ++dim) {
      expectSize(k, "k", dim, keys[dim]);
      expectSize(out, "out", dim, results[dim]);
    }
    for (int dim = 0; dim < 3; ++dim) {
      expectSize(v, "v", dim, keys[dim]);
      expectSize(lse, "lse", dim, results[dim]);
    }
    // Rows and tiles are counted in int.
    expect(b * std::max(sQ * hQ, sKV * hKV) <= kMaxInt, "rows of q, k or v",
           "less than 2^31", b * std::max(sQ * hQ, sKV * hKV));
  }

  void checkStrides() const {
    expectRows(q, "argument 'q'", kAlignment / 2);
    expectRows(k, "argument 'k'", kAlignment / 2);
    expectRows(v, "argument 'v'", kAlignment / 2);
    expectRows(out, "argument 'out'", kAlignment / 2);
    const int64_t strides[] = {hQ * sQ, 1, sQ};
    for (int dim = 0; dim < 3; ++dim)
      if (lse.shape[dim] > 1)
        expect(lse.strides[dim] == strides[dim],
               "argument 'lse': stride of dim " + std::to_string(dim),
               std::to_string(strides[dim]) + ", of [b, h_q, s_q] in memory",
               lse.strides[dim]);
  }

  void checkSequences(bool causal) {
    expect(!boundsQ == !boundsK, "number of cu_seqlens", "both or none", 1);
    if (!hasSequences()) {
      hasEmptyRow = causal && sQ > sKV;
      return;
    }
    expect(b == 1, "b beside cu_seqlens", "1", b);
    expectDense(*boundsQ, "argument 'cu_seqlens_q'");
    expectDense(*boundsK, "argument 'cu_seqlens_k'");
    expectSize(*boundsK, "cu_seqlens_k", 0, boundsQ->shape[0]);
    Sequences ofQ(*boundsQ, "cu_seqlens_q", sQ);
    Sequences ofK(*boundsK, "cu_seqlens_k", sKV);
    longestQ = ofQ.longest;
    longestK = ofK.longest;
    for (size_t i = 0; i + 1 < ofQ.bounds.size(); ++i)
      hasEmptyRow |= causal ? ofQ.length(i) > ofK.length(i)
                            : ofQ.length(i) > 0 && ofK.length(i) == 0;
  }
};

/// The stride of a dimension; of one with a single element any will do, but
/// TMA wants a multiple of 16 bytes.
int64_t strideOf(const mlaTensor &tensor, int dim) {
  return tensor.shape[dim] > 1 ? tensor.strides[dim]
                               : tensor.shape[3] * tensor.shape[2];
}

class Prefill : public mlaPeerCase {
public:
  Prefill(const Operands &operands, bool causal) : dtype(operands.dtype) {
    int major = deviceAttribute(cudaDevAttrComputeCapabilityMajor);
    expect(major == 9, "compute capability", "9", major);
    setTensors(operands);
    setSizes(operands, causal);
    params.pack_gqa = packsHeads();
    setSchedule();
  }
  ~Prefill() override { (void)cudaFree(schedule); }

  void launch(int32_t phase, mlaStream stream) override {
    if (phase == MLA_PHASE_PLAN)
      return;
    auto *cudaStream = static_cast<cudaStream_t>(stream);
    // With sequences the kernel that prepares the schedule does this.
    if (params.tile_count_semaphore && !params.cu_seqlens_q)
      check(cudaMemsetAsync(params.tile_count_semaphore, 0, sizeof(int),
                            cudaStream),
            "cudaMemsetAsync");
    if (dtype == MLA_BF16)
      run<cutlass::bfloat16_t>(cudaStream);
    else
      run<cutlass::half_t>(cudaStream);
  }

private:
  template <typename T> void run(cudaStream_t stream) {
    if (params.pack_gqa)
      run<T, /*PackGQA=*/true>(stream);
    else
      run<T, /*PackGQA=*/false>(stream);
  }

  template <typename T, bool PackGQA> void run(cudaStream_t stream) {
    run_mha_fwd_</*Arch=*/90, T, kQK, kV, /*Split=*/false,
                 /*PagedKVNonTMA=*/false, /*Has_softcap=*/false, PackGQA>(
        params, stream);
  }

  void setTensors(const Operands &operands) {
    const mlaTensor &q = operands.q, &k = operands.k, &v = operands.v;
    const mlaTensor &out = operands.out;
    Flash_fwd_params &p = params;
    p.q_ptr = pointer<void>(q);
    p.k_ptr = pointer<void>(k);
    p.v_ptr = pointer<void>(v);
    p.o_ptr = pointer<void>(out);
    p.softmax_lse_ptr = pointer<void>(operands.lse);
    p.q_row_stride = strideOf(q, 1);
    p.k_row_stride = strideOf(k, 1);
    p.v_row_stride = strideOf(v, 1);
    p.o_row_stride = strideOf(out, 1);
    p.q_head_stride = strideOf(q, 2);
    p.k_head_stride = strideOf(k, 2);
    p.v_head_stride = strideOf(v, 2);
    p.o_head_stride = strideOf(out, 2);
    p.v_dim_stride = 1;
    if (operands.hasSequences()) {
      p.cu_seqlens_q = pointer<int>(*operands.boundsQ);
      p.cu_seqlens_k = pointer<int>(*operands.boundsK);
      return;
    }
    p.q_batch_stride = strideOf(q, 0);
    p.k_batch_stride = strideOf(k, 0);
    p.v_batch_stride = strideOf(v, 0);
    p.o_batch_stride = strideOf(out, 0);
  }

  void setSizes(const Operands &operands, bool causal) {
    Flash_fwd_params &p = params;
    p.b = p.b_k = static_cast<int>(
        operands.hasSequences() ? operands.boundsQ->shape[0] - 1 : operands.b);
    p.seqlen_q = static_cast<int>(operands.longestQ);
    p.seqlen_k = static_cast<int>(operands.longestK);
    p.seqlen_q_rounded = roundUp(p.seqlen_q, 128);
    p.seqlen_k_rounded = roundUp(p.seqlen_k, 128);
    p.total_q = static_cast<int>(operands.b * operands.sQ);
    p.total_k = static_cast<int>(operands.b * operands.sKV);
    p.h = static_cast<int>(operands.hQ);
    p.h_k = static_cast<int>(operands.hKV);
    p.d = p.d_rounded = kQK;
    p.dv = p.dv_rounded = kV;
    p.page_size = 1;
    p.scale_softmax = operands.scale;
    p.p_dropout = p.rp_dropout = 1;
    p.p_dropout_in_uint8_t = 255;
    p.is_bf16 = operands.dtype == MLA_BF16;
    // One query attends to all keys either way.
    p.is_causal = causal && p.seqlen_q > 1;
    p.window_size_left = p.seqlen_k - 1;
    p.window_size_right = p.is_causal ? 0 : p.seqlen_q - 1;
    p.num_splits = 1;
    p.arch = 90;
    p.num_sm = deviceAttribute(cudaDevAttrMultiProcessorCount);
  }

  static int roundUp(int number, int multiple) {
    return (number + multiple - 1) / multiple * multiple;
  }

  /// As get_pack_gqa of hopper/flash_api.cpp decides.
  bool packsHeads() const {
    if (params.h == params.h_k)
      return false;
    int rows = std::get<0>(tile_size_fwd_sm90(kQK, kV, params.is_causal,
                                              /*is_local=*/false));
    return should_pack_gqa(params.cu_seqlens_q != nullptr, params.seqlen_q,
                           params.h / params.h_k, rows);
  }

  /// One block of integers: for sequences vectors of one integer each, in the
  /// order of hopper/flash_api.cpp and at multiples of 16 bytes, then the
  /// counter of tiles.
  void setSchedule() {
    Flash_fwd_params &p = params;
    bool hasSequences = p.cu_seqlens_q != nullptr;
    p.varlen_sort_batches = true;
    p.head_swizzle = p.is_causal;
    p.prepare_varlen_pdl = hasSequences && p.b <= kOneCTASequences;
    if (!hasSequences && !p.is_causal)
      return;
    int size = roundUp(p.b, 4), vectors = hasSequences ? 3 + p.is_causal : 0;
    check(cudaMalloc(&schedule, (size * vectors + 1) * sizeof(int)),
          "cudaMalloc");
    p.tile_count_semaphore_offset = size * vectors;
    p.tile_count_semaphore = schedule + size * vectors;
    if (!hasSequences)
      return;
    p.num_splits_dynamic_ptr = schedule;
    p.num_m_blocks_ptr = schedule + size;
    p.varlen_batch_idx_ptr = schedule + size * 2;
    if (p.head_swizzle)
      p.num_nheads_in_l2_ptr = schedule + size * 3;
  }

  mlaDType dtype;
  Flash_fwd_params params = {};
  int *schedule = nullptr;
};

std::unique_ptr<mlaPeerCase> prepare(const mlaPeerArguments &all) {
  Options options(all.operatorName);
  Arguments arguments(all, "FlashAttention");
  Operands operands(arguments, dtypeOf(all, "q"), options.causal);
  if (operands.hasEmptyRow && !options.emptyIsMinusInfinity)
    throw Unsupported("option 'empty_lse=+inf': FlashAttention writes -inf for "
                      "queries without keys");
  return std::make_unique<Prefill>(operands, options.causal);
}

} // namespace
} // namespace flashattention_peer

int32_t mlaPeerVersion(void) { return MLA_PEER_VERSION; }

const char *mlaPeerName(void) {
  return "FlashAttention-3 " FLASHATTENTION_COMMIT;
}

int32_t mlaPeerPrepare(const mlaPeerArguments *arguments, mlaPeerCase **out,
                       char *error, size_t errorSize) {
  return mla_peer::guarded(error, errorSize, [&] {
    *out = flashattention_peer::prepare(*arguments).release();
  });
}

int32_t mlaPeerLaunch(mlaPeerCase *prepared, int32_t phase, mlaStream stream,
                      char *error, size_t errorSize) {
  return mla_peer::guarded(error, errorSize,
                           [&] { prepared->launch(phase, stream); });
}

void mlaPeerRelease(mlaPeerCase *prepared) { delete prepared; }
