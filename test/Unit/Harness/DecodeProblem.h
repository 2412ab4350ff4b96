//===- DecodeProblem.h - arguments of decode and what is expected *- C++
//-*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TEST_UNIT_HARNESS_DECODEPROBLEM_H
#define MLA_TEST_UNIT_HARNESS_DECODEPROBLEM_H

#include "Sample.h"

#include "mla/Harness/OperatorHost.h"

namespace mla::harness::decode_test {

/// Which optional tensors a kernel has.
struct Form {
  bool hasSink = false, isPaged = true, hasRope = false;
};

/// A kernel with one CTA per part of the plan.
inline mla::runtime::KernelDescriptor
decodeDescriptor(const mla::runtime::OperatorOptions &options = {},
                 mlaDType dtype = MLA_BF16, Form form = {}) {
  mla::runtime::KernelDescriptor d;
  d.kernels.emplace_back().symbol = d.operatorName = "decode";
  d.options = options;
  const char *pages = form.isPaged ? "num_pages" : "b";
  addTensor(d, "q", dtype, {"b", "s_q", "h_q", "d_qk"});
  if (form.hasRope)
    addTensor(d, "q_rope", dtype, {"b", "s_q", "h_q", "d_rope"});
  addTensor(d, "k_cache", dtype, {pages, "page_size", "h_kv", "d_qk"});
  if (form.hasRope)
    addTensor(d, "k_rope", dtype, {pages, "page_size", "h_kv", "d_rope"});
  if (form.isPaged)
    addTensor(d, "block_table", MLA_I32, {"b", "max_pages"});
  addTensor(d, "cache_seqlens", MLA_I32, {"b"});
  mla::runtime::ArgumentDescriptor scale;
  scale.name = "scale";
  scale.isTensor = false;
  d.arguments.push_back(scale);
  if (form.hasSink)
    addTensor(d, "attn_sink", MLA_F32, {"h_q"});
  addTensor(d, "out", dtype, {"b", "s_q", "h_q", "d_v"}, MLA_WRITE);
  addTensor(d, "lse", MLA_F32, {"b", "s_q", "h_q"}, MLA_WRITE);
  addTensor(d, "plan", MLA_I32, {"ctas", "plan_words"}, MLA_WRITE);
  return d;
}

/// Arguments of decode with what is expected of them.
struct Problem {
  mla::runtime::KernelDescriptor descriptor;
  std::vector<HostArgument> arguments;
  std::vector<ExpectedOutput> expected;

  explicit Problem(Sizes sizes, const InputOptions &inputs = {},
                   mla::runtime::KernelDescriptor d = decodeDescriptor())
      : descriptor(std::move(d)) {
    Status status = makeArguments(descriptor, sizes, inputs, arguments);
    EXPECT_TRUE(status.ok()) << status.message();
    compute();
  }

  void compute() {
    Status status = findReference(descriptor)(arguments, expected);
    EXPECT_TRUE(status.ok()) << status.message();
    ASSERT_EQ(expected.size(), 3u);
  }

  HostTensor &tensor(const char *name) { return tensorOf(arguments, name); }
  void set(const char *name, const std::vector<double> &values) {
    for (size_t i = 0; i < values.size(); ++i)
      tensor(name).set(static_cast<int64_t>(i), values[i]);
  }
  int64_t get(const char *name, int64_t at) {
    return static_cast<int64_t>(tensor(name).get(at));
  }
  const std::vector<double> &out() { return expected[0].values; }
  const std::vector<double> &lse() { return expected[1].values; }
  const std::vector<double> &plan() { return expected[2].values; }
};

inline InputOptions plain() {
  InputOptions options;
  options.scale = 1;
  options.poison = false;
  options.invalidShare = 0;
  return options;
}

inline constexpr double kTight = 1e-12;

/// Requests of one head, d_qk = 2, d_v = 1, scale = 1, three pages of two
/// tokens, at most two a request. Row r of the cache is (r, 1 + r), and q is
/// (1, 0): the logit and the value of a row are both its number.
inline Problem tiny(int64_t requests, const std::vector<double> &table,
                    const std::vector<double> &lengths, int64_t queries = 1,
                    const mla::runtime::OperatorOptions &options = {}) {
  Problem problem({{"ctas", 1},
                   {"plan_words", 8},
                   {"b", requests},
                   {"s_q", queries},
                   {"h_q", 1},
                   {"h_kv", 1},
                   {"d_qk", 2},
                   {"d_v", 1},
                   {"num_pages", 3},
                   {"page_size", 2},
                   {"max_pages", 2}},
                  plain(), decodeDescriptor(options));
  for (int row = 0; row < 6; ++row) {
    problem.tensor("k_cache").set(2 * row, row);
    problem.tensor("k_cache").set(2 * row + 1, 1 + row);
  }
  for (int64_t query = 0; query < requests * queries; ++query) {
    problem.tensor("q").set(2 * query, 1);
    problem.tensor("q").set(2 * query + 1, 0);
  }
  problem.set("block_table", table);
  problem.set("cache_seqlens", lengths);
  problem.compute();
  return problem;
}

inline Sizes smallSizes() {
  return {{"ctas", 4},       {"plan_words", 8}, {"b", 13},        {"s_q", 2},
          {"h_q", 3},        {"h_kv", 1},       {"d_qk", 6},      {"d_v", 5},
          {"num_pages", 50}, {"page_size", 16}, {"max_pages", 12}};
}

} // namespace mla::harness::decode_test

#endif // MLA_TEST_UNIT_HARNESS_DECODEPROBLEM_H
