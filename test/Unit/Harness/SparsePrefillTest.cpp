//===- SparsePrefillTest.cpp - the reference, by hand and by brute force --===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Sample.h"

#include "mla/Harness/Check.h"

#include <cmath>

using namespace mla::harness;

namespace {

const std::vector<double> &valuesOf(const std::vector<ExpectedOutput> &outputs,
                                    const std::string &name) {
  for (const ExpectedOutput &output : outputs)
    if (output.name == name)
      return output.values;
  static const std::vector<double> none;
  ADD_FAILURE() << "no output " << name;
  return none;
}

std::vector<ExpectedOutput> reference(const std::vector<HostArgument> &a) {
  std::vector<ExpectedOutput> outputs;
  Status status = sparsePrefillReference(a, outputs);
  EXPECT_TRUE(status.ok()) << status.message();
  return outputs;
}

/// One query of one head, d_qk = 2, d_v = 1, scale = 1, three tokens:
/// k = (0, 1), (1, 2) and (2, 0); q = (1, 0), so the logits
/// are 0, 1 and 2 and the values 0, 1 and 2.
std::vector<HostArgument> tiny(const std::vector<int32_t> &indices,
                               bool optional = false) {
  Sizes sizes = {{"s_q", 1},
                 {"s_kv", 3},
                 {"h_q", 1},
                 {"h_kv", 1},
                 {"d_qk", 2},
                 {"d_v", 1},
                 {"topk", static_cast<int64_t>(indices.size())}};
  InputOptions options;
  options.scale = 1;
  auto arguments = makeSparsePrefill(sizes, options, optional);
  const double keys[] = {0, 1, 1, 2, 2, 0};
  for (int64_t i = 0; i < 6; ++i)
    tensorOf(arguments, "kv").set(i, keys[i]);
  tensorOf(arguments, "q").set(0, 1);
  tensorOf(arguments, "q").set(1, 0);
  for (size_t i = 0; i < indices.size(); ++i)
    tensorOf(arguments, "indices").set(static_cast<int64_t>(i), indices[i]);
  return arguments;
}

constexpr double kTight = 1e-12;

TEST(SparsePrefill, ByHand) {
  auto outputs = reference(tiny({0, 2}));
  double e2 = std::exp(2.0);
  EXPECT_NEAR(valuesOf(outputs, "max_logits")[0], 2, kTight);
  EXPECT_NEAR(valuesOf(outputs, "lse")[0], std::log(1 + e2), kTight);
  EXPECT_NEAR(valuesOf(outputs, "out")[0], 2 * e2 / (1 + e2), kTight);
}

TEST(SparsePrefill, DuplicatesCountTwice) {
  auto outputs = reference(tiny({1, 0, 1}));
  double e = std::exp(1.0);
  EXPECT_NEAR(valuesOf(outputs, "lse")[0], std::log(1 + 2 * e), kTight);
  EXPECT_NEAR(valuesOf(outputs, "out")[0], 2 * e / (1 + 2 * e), kTight);
}

TEST(SparsePrefill, InvalidIndicesDoNotCount) {
  auto outputs =
      reference(tiny({-1, INT32_MIN, 0, 3, -123456, 2, INT32_MAX, 114514}));
  EXPECT_NEAR(valuesOf(outputs, "lse")[0], std::log(1 + std::exp(2.0)), kTight);
}

TEST(SparsePrefill, NoValidEntry) {
  auto outputs = reference(tiny({-1, 3}));
  EXPECT_EQ(valuesOf(outputs, "out")[0], 0);
  EXPECT_EQ(valuesOf(outputs, "lse")[0], INFINITY);
  EXPECT_EQ(valuesOf(outputs, "max_logits")[0], -INFINITY);
}

TEST(SparsePrefill, WhatLseIs) {
  auto lse = [](const std::vector<int32_t> &indices,
                const mla::runtime::OperatorOptions &options) {
    std::vector<ExpectedOutput> outputs;
    mla::runtime::KernelDescriptor descriptor = sparsePrefillDescriptor();
    descriptor.options = options;
    Status status = findReference(descriptor)(tiny(indices), outputs);
    EXPECT_TRUE(status.ok()) << status.message();
    // Only lse differs.
    EXPECT_EQ(valuesOf(outputs, "max_logits")[0],
              indices[0] < 0 ? -double(INFINITY) : 2.0);
    return valuesOf(outputs, "lse")[0];
  };
  double natural = std::log(1 + std::exp(2.0));
  EXPECT_NEAR(lse({0, 2}, {{"lse_base", "2"}}), natural / std::log(2.0),
              kTight);
  EXPECT_NEAR(lse({0, 2}, {{"lse_base", "e"}, {"empty_lse", "+inf"}}), natural,
              kTight);
  EXPECT_NEAR(lse({0, 2}, {{"empty_lse", "-inf"}}), natural, kTight);
  EXPECT_EQ(lse({-1, 3}, {{"lse_base", "2"}}), INFINITY);
  EXPECT_EQ(lse({-1, 3}, {{"empty_lse", "-inf"}}), -INFINITY);
  EXPECT_EQ(lse({-1, 3}, {{"empty_lse", "-inf"}, {"lse_base", "2"}}),
            -INFINITY);
  std::vector<ExpectedOutput> outputs;
  expectFailure(
      sparsePrefillReference(tiny({0}), outputs, {{"lse_base", "10"}}),
      "sparse_prefill: option 'lse_base': expected one of e, 2, got '10'");
  expectFailure(
      sparsePrefillReference(tiny({0}), outputs, {{"causal", "yes"}}),
      "sparse_prefill: expected as an option one of lse_base, empty_lse, "
      "got 'causal'");
}

TEST(SparsePrefill, NoValidEntryWithASink) {
  for (double sink : {0.0, 3.0, double(INFINITY), double(-INFINITY)}) {
    auto arguments = tiny({-1, 3}, true);
    tensorOf(arguments, "topk_length").set(0, 2);
    tensorOf(arguments, "attn_sink").set(0, sink);
    auto outputs = reference(arguments);
    EXPECT_EQ(valuesOf(outputs, "out")[0], 0);
    EXPECT_EQ(valuesOf(outputs, "lse")[0], INFINITY);
  }
}

TEST(SparsePrefill, LengthCutsTheList) {
  auto arguments = tiny({0, 1, 2}, true);
  tensorOf(arguments, "attn_sink").set(0, -INFINITY);
  for (int length : {-5, 0, 1, 2, 3, 9}) {
    tensorOf(arguments, "topk_length").set(0, length);
    auto outputs = reference(arguments);
    double sum = 0;
    for (int t = 0; t < std::min(3, length); ++t)
      sum += std::exp(t);
    double expected = sum > 0 ? std::log(sum) : INFINITY;
    if (std::isinf(expected))
      EXPECT_EQ(valuesOf(outputs, "lse")[0], expected);
    else
      EXPECT_NEAR(valuesOf(outputs, "lse")[0], expected, kTight);
  }
}

TEST(SparsePrefill, TheSinkWeighsButIsNotInLse) {
  auto arguments = tiny({0, 2}, true);
  tensorOf(arguments, "topk_length").set(0, 2);
  auto out = [&](double sink) {
    tensorOf(arguments, "attn_sink").set(0, sink);
    auto outputs = reference(arguments);
    EXPECT_NEAR(valuesOf(outputs, "lse")[0], std::log(1 + std::exp(2.0)),
                kTight);
    return valuesOf(outputs, "out")[0];
  };
  double e2 = std::exp(2.0);
  EXPECT_NEAR(out(0), 2 * e2 / (1 + e2 + 1), kTight);
  EXPECT_NEAR(out(-INFINITY), 2 * e2 / (1 + e2), kTight);
  EXPECT_EQ(out(INFINITY), 0);
}

/// The definition, one scalar at a time.
std::vector<double> bruteForceOut(std::vector<HostArgument> &a, int64_t s,
                                  int64_t h, int64_t group, double &lse) {
  HostTensor &q = tensorOf(a, "q"), &kv = tensorOf(a, "kv"),
             &indices = tensorOf(a, "indices"), &out = tensorOf(a, "out");
  HostTensor &lengths = tensorOf(a, "topk_length");
  double scale = static_cast<float>(findArgument(a, "scale")->number);
  std::vector<double> sum(out.shape[2]);
  double total = 0;
  int64_t g = h / group;
  for (int64_t t = 0; t < indices.shape[2] && t < lengths.get(s); ++t) {
    int64_t token = static_cast<int64_t>(
        indices.get(s * indices.strides[0] + g * indices.strides[1] + t));
    if (token < 0 || token >= kv.shape[0])
      continue;
    int64_t row = token * kv.strides[0] + g * kv.strides[1];
    double dot = 0;
    for (int64_t d = 0; d < q.shape[2]; ++d)
      dot += q.get(s * q.strides[0] + h * q.strides[1] + d) * kv.get(row + d);
    double weight = std::exp(scale * dot);
    total += weight;
    for (size_t c = 0; c < sum.size(); ++c)
      sum[c] += weight * kv.get(row + static_cast<int64_t>(c));
  }
  lse = total > 0 ? std::log(total) : INFINITY;
  double sink = tensorOf(a, "attn_sink").get(h);
  for (double &value : sum)
    value = total > 0 ? value / (total + std::exp(sink)) : 0;
  return sum;
}

class BruteForce : public testing::TestWithParam<std::pair<int64_t, int64_t>> {
};

TEST_P(BruteForce, Agrees) {
  // Sizes around the blocking: heads over one chunk, tokens over two blocks,
  // no dimension a multiple of anything; padded rows.
  auto [heads, kvHeads] = GetParam();
  Sizes sizes = {{"s_q", 7},     {"s_kv", 300},     {"topk", 141},
                 {"h_q", heads}, {"h_kv", kvHeads}, {"d_qk", 37},
                 {"d_v", 29}};
  InputOptions options;
  options.seed = 3;
  options.padding = {{"q", 3}, {"kv", 5}, {"indices", 2}, {"out", 1}};
  auto a = makeSparsePrefill(sizes, options);
  auto outputs = reference(a);
  const std::vector<double> &out = valuesOf(outputs, "out");
  for (int64_t s = 0; s < 7; ++s)
    for (int64_t h = 0; h < heads; ++h) {
      double lse = 0;
      std::vector<double> expected =
          bruteForceOut(a, s, h, heads / kvHeads, lse);
      if (std::isinf(lse))
        ASSERT_EQ(valuesOf(outputs, "lse")[s * heads + h], lse);
      else
        ASSERT_NEAR(valuesOf(outputs, "lse")[s * heads + h], lse, 1e-11);
      for (size_t c = 0; c < expected.size(); ++c)
        ASSERT_NEAR(out[(s * heads + h) * 29 + static_cast<int64_t>(c)],
                    expected[c], 1e-11)
            << s << " " << h << " " << c;
    }
}

INSTANTIATE_TEST_SUITE_P(Shapes, BruteForce,
                         testing::Values(std::pair(1, 1), std::pair(6, 1),
                                         std::pair(45, 1), std::pair(64, 1),
                                         std::pair(10, 2)));

TEST(SparsePrefill, LargeLogitsDoNotOverflow) {
  auto arguments = tiny({0, 1, 2});
  findArgument(arguments, "scale")->number = 1e6;
  auto outputs = reference(arguments);
  EXPECT_NEAR(valuesOf(outputs, "lse")[0], 2e6, 1e-6);
  EXPECT_NEAR(valuesOf(outputs, "out")[0], 2, kTight);
}

TEST(SparsePrefill, EmptyShapes) {
  for (const char *name : {"s_q", "s_kv", "topk"}) {
    Sizes sizes = sparsePrefillSizes();
    sizes[name] = 0;
    auto outputs = reference(makeSparsePrefill(sizes));
    for (double value : valuesOf(outputs, "out"))
      EXPECT_EQ(value, 0);
  }
}

TEST(SparsePrefill, PoisonDoesNotReachTheOutput) {
  auto outputs = reference(makeSparsePrefill());
  for (const ExpectedOutput &output : outputs)
    for (double value : output.values)
      EXPECT_FALSE(std::isnan(value)) << output.name;
}

TEST(SparsePrefill, MissingArgumentsAreNamed) {
  auto arguments = makeSparsePrefill();
  arguments.erase(arguments.begin() + 1);
  std::vector<ExpectedOutput> outputs;
  expectFailure(sparsePrefillReference(arguments, outputs),
                "expected a tensor argument 'kv', got none");
}

TEST(SparsePrefill, FlopsAreCountedAsEveryoneDoes) {
  auto arguments = makeSparsePrefill();
  EXPECT_EQ(countFlops(sparsePrefillDescriptor(), arguments),
            2.0 * 9 * 6 * 21 * (24 + 17));
  EXPECT_EQ(countFlops({}, arguments), 0);
  mla::runtime::KernelDescriptor descriptor = sparsePrefillDescriptor();
  EXPECT_TRUE(findReference(descriptor));
  descriptor.operatorName = "other";
  EXPECT_FALSE(findReference(descriptor));
}

TEST(SparsePrefill, BytesAreThoseOfTheRowsThatAreNamed) {
  InputOptions valid;
  valid.poison = false;
  valid.invalidShare = 0;
  auto arguments =
      makeSparsePrefill(sparsePrefillSizes(), valid, /*optional=*/false);
  // q and out; indices; max_logits and lse.
  double others = 9 * 6 * (24 + 17) * 2 + 9 * 21 * 4 + 2 * 9 * 6 * 4;
  EXPECT_EQ(countBytes(sparsePrefillDescriptor(), arguments),
            others + 9 * 21 * 24 * 2);
  // A row that is named twice is read twice; invalid entries read nothing.
  int32_t *index = tensorOf(arguments, "indices").data<int32_t>();
  index[0] = index[1];
  index[2] = -1;
  index[3] = 40;
  EXPECT_EQ(countBytes(sparsePrefillDescriptor(), arguments),
            others + (9 * 21 - 2) * 24 * 2);
  EXPECT_EQ(countBytes({}, arguments), 0);
  // Nor are entries that topk_length cuts off.
  arguments = makeSparsePrefill(sparsePrefillSizes(), valid);
  for (int query = 0; query < 9; ++query)
    tensorOf(arguments, "topk_length").data<int32_t>()[query] = 2;
  EXPECT_EQ(countBytes(sparsePrefillDescriptor(), arguments),
            others + 9 * 4 + 6 * 4 + 9 * 2 * 24 * 2);
}

} // namespace
