//===- Decode.cpp - FlashMLA's dense decode as a peer ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The step as FlashMLA's `flash_mla_with_kvcache` launches it: a kernel that
// divides the work (the plan phase), the attention kernel and the combine
// kernel. Memory for the division and the partial results is allocated before.
//
// FlashMLA's kernels write lse [b, s_q, h_q], of which its Python interface
// returns a transposed view; ours have the same layout.
//
//===----------------------------------------------------------------------===//

#include "Cases.h"

#include "params.h"
#include "sm90/decode/dense/splitkv_mla.h"
#include "smxx/decode/combine/combine.h"
#include "smxx/decode/get_decoding_sched_meta/get_decoding_sched_meta.h"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <vector>

namespace flashmla_peer {
namespace {

constexpr int64_t kPage = 64, kQK = 576, kV = 512;
/// Rows of s_q * h_q per CTA of the attention kernel.
constexpr int64_t kTile = 64;
/// CTAs per tile that the combine kernel is compiled for.
constexpr int64_t kMostParts = 160;
/// In tokens and in blocks of tokens, as FlashMLA divides the work.
constexpr int kBlock = 64, kOverhead = 5;

/// Whether the operator's text, "decode causal=yes ...", asks for a causal
/// mask.
bool readCausal(const char *operatorText) {
  std::istringstream words(operatorText);
  std::string word;
  bool causal = false;
  // The operator's name.
  words >> word;
  while (words >> word) {
    std::string name = word.substr(0, word.find('='));
    if (word == "causal=yes")
      causal = true;
    // These change how a result is computed, not what it is.
    else if (name != "batch_invariant" && name != "partials")
      throw Unsupported("option '" + word + "': FlashMLA has no such option");
  }
  return causal;
}

/// The operands of a launch; checked.
struct Operands {
  const mlaTensor &q, &cache, &table, &lengths, &out, &lse;
  float scale;
  int64_t b, sQ, heads, maxPages;

  explicit Operands(Arguments &arguments)
      : q(arguments.tensor("q", MLA_BF16, 4)),
        cache(arguments.tensor("k_cache", MLA_BF16, 4)),
        table(arguments.tensor("block_table", MLA_I32, 2)),
        lengths(arguments.tensor("cache_seqlens", MLA_I32, 1)),
        out(arguments.tensor("out", MLA_BF16, 4)),
        lse(arguments.tensor("lse", MLA_F32, 3)),
        scale(arguments.scalar("scale")), b(q.shape[0]), sQ(q.shape[1]),
        heads(q.shape[2]), maxPages(table.shape[1]) {
    arguments.expectAllUsed();
    checkSizes();
    checkStrides();
    checkValues();
  }

  int64_t rows() const { return sQ * heads; }
  /// The distance of rows (query, head) of q, which FlashMLA counts as one
  /// dimension.
  int64_t qRowStride() const { return q.strides[heads > 1 ? 2 : 1]; }

private:
  void checkSizes() const {
    // One thread of the plan holds five integers per request in shared memory.
    expect(b > 0 && b <= 8192, "b", "1 to 8192", b);
    expect(sQ > 0, "s_q", "at least 1", sQ);
    expect(q.shape[3] == kQK, "d_qk", "576", q.shape[3]);
    expect(cache.shape[1] == kPage, "page_size", "64", cache.shape[1]);
    expect(cache.shape[2] == 1, "h_kv", "1", cache.shape[2]);
    expectSize(cache, "k_cache", 3, kQK);
    expect(cache.shape[0] > 0 && cache.shape[0] <= kMaxInt, "num_pages",
           "1 to 2^31 - 1", cache.shape[0]);
    expect(maxPages > 0, "max_pages", "at least 1", maxPages);
    expectSize(table, "block_table", 0, b);
    expectSize(lengths, "cache_seqlens", 0, b);
    const int64_t shape[] = {b, sQ, heads, kV};
    for (int dim = 0; dim < 4; ++dim)
      expectSize(out, "out", dim, shape[dim]);
    for (int dim = 0; dim < 3; ++dim)
      expectSize(lse, "lse", dim, shape[dim]);
    // Offsets in partial results, out and lse are ints in the kernels.
    expect((b + kMostParts) * rows() * kV <= kMaxInt,
           "(b + 160) * s_q * h_q * d_v", "less than 2^31",
           (b + kMostParts) * rows() * kV);
  }

  void checkStrides() const {
    expectRows(q, "argument 'q'", kAlignment / 2);
    expectRows(cache, "argument 'k_cache'", kAlignment / 2);
    expectRows(table, "argument 'block_table'", 1);
    expectDense(lengths, "argument 'cache_seqlens'");
    expectDense(out, "argument 'out'");
    expectDense(lse, "argument 'lse'");
    if (sQ > 1 && heads > 1)
      expect(q.strides[1] == heads * q.strides[2],
             "argument 'q': stride of dim 1", "h_q rows", q.strides[1]);
  }

  /// FlashMLA clamps no length and skips no page.
  void checkValues() const {
    std::vector<int32_t> lengthsHere(b), tableHere(b * maxPages);
    size_t row = maxPages * sizeof(int32_t);
    check(cudaMemcpy(lengthsHere.data(), pointer<void>(lengths),
                     b * sizeof(int32_t), cudaMemcpyDeviceToHost),
          "cudaMemcpy of cache_seqlens");
    size_t pitch = b > 1 ? table.strides[0] * sizeof(int32_t) : row;
    check(cudaMemcpy2D(tableHere.data(), row, pointer<void>(table), pitch, row,
                       b, cudaMemcpyDeviceToHost),
          "cudaMemcpy2D of block_table");
    for (int64_t request = 0; request < b; ++request) {
      int64_t length = lengthsHere[request];
      expect(length >= 0 && length <= maxPages * kPage,
             "cache_seqlens[" + std::to_string(request) + "]",
             "0 to max_pages * page_size", length);
      for (int64_t slot = 0; slot * kPage < length; ++slot) {
        int64_t page = tableHere[request * maxPages + slot];
        expect(page >= 0 && page < cache.shape[0],
               "block_table[" + std::to_string(request) + ", " +
                   std::to_string(slot) + "]",
               "a page of k_cache", page);
      }
    }
  }
};

/// Device memory that is given out in pieces.
class Workspace {
public:
  Workspace() = default;
  ~Workspace() { (void)cudaFree(base); }
  Workspace(const Workspace &) = delete;
  Workspace &operator=(const Workspace &) = delete;

  /// Adds a piece for `count` elements; find() gives its address.
  template <typename T> size_t add(size_t count) {
    size_t offset = bytes;
    bytes += (count * sizeof(T) + 255) / 256 * 256;
    return offset;
  }
  void allocate() { check(cudaMalloc(&base, bytes), "cudaMalloc"); }
  template <typename T> T *find(size_t offset) const {
    return reinterpret_cast<T *>(static_cast<char *>(base) + offset);
  }

private:
  void *base = nullptr;
  size_t bytes = 0;
};

class Decode : public mlaPeerCase {
public:
  Decode(const Operands &operands, bool causal) {
    int64_t tiles = (operands.rows() + kTile - 1) / kTile;
    parts = static_cast<int>(std::max<int64_t>(
        deviceAttribute(cudaDevAttrMultiProcessorCount) / tiles, 1));
    expect(parts <= kMostParts, "SMs per tile", "at most 160", parts);
    allocate(operands);
    setPlan(operands);
    setAttention(operands, causal);
    setCombine(operands);
  }

  void launch(int32_t phase, mlaStream stream) override {
    plan.stream = attention.stream = combine.stream =
        static_cast<cudaStream_t>(stream);
    if (phase != MLA_PHASE_LAUNCH)
      smxx::decode::run_get_decoding_sched_meta_kernel(plan);
    if (phase == MLA_PHASE_PLAN)
      return;
    sm90::run_flash_splitkv_mla_kernel<cutlass::bfloat16_t>(attention);
    smxx::decode::run_flash_mla_combine_kernel<cutlass::bfloat16_t>(combine);
  }

private:
  void allocate(const Operands &operands) {
    size_t most = operands.b + parts, rows = operands.rows();
    size_t meta = workspace.add<DecodingSchedMeta>(parts);
    size_t splits = workspace.add<int>(operands.b + 1);
    size_t lse = workspace.add<float>(most * rows);
    size_t out = workspace.add<float>(most * rows * kV);
    workspace.allocate();
    schedule = workspace.find<DecodingSchedMeta>(meta);
    firstSplits = workspace.find<int>(splits);
    partialLse = workspace.find<float>(lse);
    partialOut = workspace.find<float>(out);
  }

  void setPlan(const Operands &operands) {
    plan.b = static_cast<int>(operands.b);
    plan.s_q = static_cast<int>(operands.sQ);
    plan.block_size_n = kBlock;
    plan.fixed_overhead_num_blocks = kOverhead;
    plan.topk = plan.extra_topk = -1;
    plan.seqlens_k_ptr = pointer<int>(operands.lengths);
    plan.tile_scheduler_metadata_ptr = schedule;
    plan.num_splits_ptr = firstSplits;
    plan.num_sm_parts = parts;
  }

  void setAttention(const Operands &operands, bool causal) {
    int64_t rows = operands.rows();
    const mlaTensor &q = operands.q, &cache = operands.cache;
    DenseAttnDecodeParams &p = attention;
    p.b = static_cast<int>(operands.b);
    p.s_q = static_cast<int>(operands.sQ);
    p.q_seq_per_hk = static_cast<int>(rows);
    p.d = kQK;
    p.d_v = kV;
    p.h_q = p.q_head_per_hk = static_cast<int>(operands.heads);
    p.h_k = 1;
    p.num_blocks = static_cast<int>(cache.shape[0]);
    p.is_causal = causal && operands.sQ > 1;
    p.scale_softmax = operands.scale;
    p.scale_softmax_log2 = static_cast<float>(operands.scale * M_LOG2E);
    p.q_ptr = pointer<void>(q);
    p.k_ptr = pointer<void>(cache);
    p.o_ptr = pointer<void>(operands.out);
    p.softmax_lse_ptr = pointer<float>(operands.lse);
    p.q_row_stride = rows > 1 ? operands.qRowStride() : kQK;
    p.q_batch_stride = operands.b > 1 ? q.strides[0] : rows * p.q_row_stride;
    p.k_row_stride = cache.strides[1];
    p.k_batch_stride =
        cache.shape[0] > 1 ? cache.strides[0] : kPage * p.k_row_stride;
    p.o_row_stride = kV;
    p.o_batch_stride = rows * kV;
    // Of a dimension of one element; TMA wants a multiple of 16 bytes.
    p.q_head_stride = p.k_head_stride = kQK;
    p.o_head_stride = rows * kV;
    p.block_table = pointer<int>(operands.table);
    p.block_table_batch_stride =
        operands.b > 1 ? operands.table.strides[0] : operands.maxPages;
    p.page_block_size = kPage;
    p.seqlens_k_ptr = pointer<int>(operands.lengths);
    p.tile_scheduler_metadata_ptr = schedule;
    p.num_sm_parts = parts;
    p.num_splits_ptr = firstSplits;
    p.total_num_splits = p.b + parts;
    p.softmax_lseaccum_ptr = partialLse;
    p.oaccum_ptr = partialOut;
  }

  void setCombine(const Operands &operands) {
    int rows = static_cast<int>(operands.rows());
    int heads = static_cast<int>(operands.heads);
    CombineParams &p = combine;
    p.b = static_cast<int>(operands.b);
    p.s_q = static_cast<int>(operands.sQ);
    p.h_q = heads;
    p.d_v = kV;
    p.lse = attention.softmax_lse_ptr;
    p.out = attention.o_ptr;
    p.lse_accum = partialLse;
    p.o_accum = partialOut;
    p.stride_lse_b = p.stride_lse_accum_split = rows;
    p.stride_lse_s_q = p.stride_lse_accum_s_q = heads;
    p.stride_o_b = p.stride_o_accum_split = rows * static_cast<int>(kV);
    p.stride_o_s_q = p.stride_o_accum_s_q = heads * static_cast<int>(kV);
    p.stride_o_h_q = p.stride_o_accum_h_q = kV;
    p.tile_scheduler_metadata_ptr = schedule;
    p.num_splits_ptr = firstSplits;
    p.num_sm_parts = parts;
  }

  /// CTAs per tile of rows.
  int parts = 0;
  Workspace workspace;
  DecodingSchedMeta *schedule = nullptr;
  int *firstSplits = nullptr;
  float *partialLse = nullptr, *partialOut = nullptr;
  GetDecodeSchedMetaParams plan = {};
  DenseAttnDecodeParams attention = {};
  CombineParams combine = {};
};

} // namespace

std::unique_ptr<mlaPeerCase> prepareDecode(const mlaPeerArguments &all) {
  bool causal = readCausal(all.operatorName);
  Arguments arguments(all, "FlashMLA");
  return std::make_unique<Decode>(Operands(arguments), causal);
}

} // namespace flashmla_peer
