//===- DenseAttentionTest.cpp - plain attention by hand -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Harness/Reference.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace mla::harness;

namespace {

HostArgument tensor(const char *name, mlaDType dtype,
                    std::vector<int64_t> shape) {
  HostArgument argument;
  argument.name = name;
  // Padding is neither moved nor computed with.
  argument.tensor = HostTensor(dtype, std::move(shape), /*pad=*/3);
  return argument;
}

std::vector<HostArgument> makeArguments(int64_t heads, int64_t queries,
                                        int64_t keys, int64_t d, int64_t dV) {
  HostArgument scale;
  scale.name = "scale";
  scale.isTensor = false;
  return {tensor("q", MLA_BF16, {heads, queries, d}),
          tensor("k", MLA_BF16, {heads, keys, d}),
          tensor("v", MLA_BF16, {heads, keys, dV}),
          scale,
          tensor("out", MLA_BF16, {heads, queries, dV}),
          tensor("lse", MLA_F32, {heads, queries})};
}

mla::runtime::KernelDescriptor descriptorOf(const char *name) {
  mla::runtime::KernelDescriptor descriptor;
  descriptor.operatorName = name;
  return descriptor;
}

Reference referenceOf(const char *name) {
  return findReference(descriptorOf(name));
}

TEST(DenseAttention, OperationsAndBytes) {
  auto arguments = makeArguments(2, 3, 5, 4, 6);
  for (const char *name : {"dense_attention", "dense_attention_soft_cap"}) {
    // 2 heads of 3 x 5 pairs, 4 + 6 products and sums each.
    EXPECT_EQ(countFlops(descriptorOf(name), arguments), 600);
    // q 24 elements, k 40, v 60 and out 36 of two bytes, lse 6 of four.
    EXPECT_EQ(countBytes(descriptorOf(name), arguments), 344);
    EXPECT_TRUE(referenceOf(name));
  }
  // 3, 4 and 5 keys per query.
  EXPECT_EQ(countFlops(descriptorOf("dense_attention_causal"), arguments), 480);
  EXPECT_EQ(countFlops(descriptorOf("dense_attention_local"), arguments), 0);
  EXPECT_EQ(countBytes(descriptorOf("dense_attention_local"), arguments), 0);
  // Another rank, or a missing argument.
  arguments[1].tensor.shape.pop_back();
  EXPECT_EQ(countFlops(descriptorOf("dense_attention"), arguments), 0);
  arguments.erase(arguments.begin());
  EXPECT_EQ(countFlops(descriptorOf("dense_attention"), arguments), 0);
}

TEST(DenseAttention, Values) {
  // One query of 1 over keys of 0 and 1, values of 4 and 8.
  auto arguments = makeArguments(1, 1, 2, 1, 1);
  arguments[0].tensor.set(0, 1);
  HostTensor &k = arguments[1].tensor, &v = arguments[2].tensor;
  k.set(k.offsetOf(1), 1);
  v.set(v.offsetOf(0), 4);
  v.set(v.offsetOf(1), 8);
  // Weights of 1 and 3.
  arguments[3].number = std::log(3);
  std::vector<ExpectedOutput> expected;
  ASSERT_TRUE(referenceOf("dense_attention")(arguments, expected).ok());
  ASSERT_EQ(expected.size(), 2u);
  EXPECT_EQ(expected[0].name, "out");
  EXPECT_NEAR(expected[0].values.at(0), 7, 1e-6);
  EXPECT_EQ(expected[1].name, "lse");
  EXPECT_NEAR(expected[1].values.at(0), std::log(4), 1e-6);
  // Capped, the second weight is e^tanh(ln 3) = e^0.8.
  ASSERT_TRUE(
      referenceOf("dense_attention_soft_cap")(arguments, expected).ok());
  double weight = std::exp(0.8);
  EXPECT_NEAR(expected[0].values.at(0), (4 + 8 * weight) / (1 + weight), 1e-6);
  EXPECT_NEAR(expected[1].values.at(0), std::log(1 + weight), 1e-6);
}

TEST(DenseAttention, CausalIsRightAligned) {
  // Three queries over two keys of weights 1 and 3: the first has no keys.
  auto arguments = makeArguments(1, 3, 2, 1, 1);
  HostTensor &q = arguments[0].tensor, &k = arguments[1].tensor;
  HostTensor &v = arguments[2].tensor;
  for (int row = 0; row < 3; ++row)
    q.set(q.offsetOf(row), 1);
  k.set(k.offsetOf(1), 1);
  v.set(v.offsetOf(0), 4);
  v.set(v.offsetOf(1), 8);
  arguments[3].number = std::log(3);
  std::vector<ExpectedOutput> expected;
  ASSERT_TRUE(referenceOf("dense_attention_causal")(arguments, expected).ok());
  EXPECT_EQ(expected[0].values.at(0), 0);
  EXPECT_NEAR(expected[0].values.at(1), 4, 1e-6);
  EXPECT_NEAR(expected[0].values.at(2), 7, 1e-6);
  EXPECT_EQ(expected[1].values.at(0), -std::numeric_limits<double>::infinity());
  EXPECT_NEAR(expected[1].values.at(1), 0, 1e-6);
  EXPECT_NEAR(expected[1].values.at(2), std::log(4), 1e-6);
}

TEST(DenseAttention, TolerancesGrowWithTheInputs) {
  auto arguments = makeArguments(1, 1, 2, 1, 1);
  arguments[3].number = 1;
  auto tolerances = [&](double q, double v) {
    arguments[0].tensor.set(0, q);
    for (int key = 0; key < 2; ++key) {
      HostTensor &keys = arguments[1].tensor, &values = arguments[2].tensor;
      keys.set(keys.offsetOf(key), 1);
      values.set(values.offsetOf(key), v);
    }
    std::vector<ExpectedOutput> expected;
    EXPECT_TRUE(referenceOf("dense_attention")(arguments, expected).ok());
    return std::pair(expected[0].absoluteAt(0), expected[1].absoluteAt(0));
  };
  EXPECT_EQ(tolerances(0.1, 0.1), std::pair(8e-4, 1e-6));
  EXPECT_EQ(tolerances(256, 0.1), std::pair(8e-4, 0x1p-11));
  EXPECT_NEAR(tolerances(0.1, 8).first, 8 * 1.5 / 256, 1e-4);
}

TEST(DenseAttention, TheScaleMayBeCompiledIn) {
  auto arguments = makeArguments(1, 1, 1, 1, 1);
  for (int i = 0; i < 3; ++i)
    arguments[i].tensor.set(0, 1);
  arguments.erase(arguments.begin() + 3);
  mla::runtime::KernelDescriptor descriptor;
  descriptor.operatorName = "dense_attention";
  std::vector<ExpectedOutput> expected;
  EXPECT_FALSE(findReference(descriptor)(arguments, expected).ok());
  descriptor.constants = {{"scale", 5}};
  ASSERT_TRUE(findReference(descriptor)(arguments, expected).ok());
  EXPECT_EQ(expected[1].values.at(0), 5);
}

TEST(DenseAttention, HasNoOptions) {
  auto arguments = makeArguments(1, 1, 1, 1, 1);
  mla::runtime::KernelDescriptor descriptor;
  descriptor.operatorName = "dense_attention";
  descriptor.options = {{"lse_base", "2"}};
  std::vector<ExpectedOutput> expected;
  EXPECT_EQ(findReference(descriptor)(arguments, expected).message(),
            "dense_attention: expected as an option none, got 'lse_base'");
}

} // namespace
