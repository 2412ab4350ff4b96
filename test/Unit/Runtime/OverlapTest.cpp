//===- OverlapTest.cpp - outputs that share memory with another argument --===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Sample.h"

#include <random>
#include <set>

using namespace mla::runtime;

namespace {

/// The sample with a run-time stride of the output's rows.
KernelDescriptor descriptor() {
  return parseSample(sampleJsonWith("[null, 512, 1]", "[null, null, 1]"));
}

Status check(const std::vector<mlaArgument> &arguments) {
  LaunchBinding binding;
  return checkArguments(descriptor(), arguments.data(),
                        static_cast<int32_t>(arguments.size()), binding);
}

TEST(Overlap, IsRefusedByName) {
  std::vector<mlaArgument> arguments = sampleArguments();
  arguments[3].value.tensor.data = arguments[0].value.tensor.data;
  expectFailure(
      check(arguments), MLA_INVALID_ARGUMENT,
      "argument 'out': expected memory apart from that of 'q', got an "
      "overlap");
}

TEST(Overlap, OfOneElement) {
  std::vector<mlaArgument> arguments = sampleArguments();
  const mlaTensor &out = arguments[3].value.tensor;
  uint64_t end = out.data + 2 * 5 * 65536;
  arguments[1].value.tensor.data = end;
  EXPECT_TRUE(check(arguments).ok());
  arguments[1].value.tensor.data = end - 4;
  expectFailure(check(arguments), MLA_INVALID_ARGUMENT,
                "apart from that of 'indices'");
}

TEST(Overlap, InputsMayShareMemory) {
  std::vector<mlaArgument> arguments = sampleArguments();
  arguments[1].value.tensor.data = arguments[0].value.tensor.data;
  EXPECT_TRUE(check(arguments).ok());
}

TEST(Overlap, EmptyTensorsShareNothing) {
  std::vector<mlaArgument> arguments = sampleArguments();
  for (int i : {0, 1, 3}) {
    mlaTensor &tensor = arguments[i].value.tensor;
    tensor.data = 0x10000;
    tensor.shape[0] = 0;
    std::fill(tensor.strides, tensor.strides + tensor.rank, INT64_MAX);
  }
  EXPECT_TRUE(check(arguments).ok());
}

/// Columns 0 to 575 of a buffer of 1088, and columns `first` to first + 511.
Status checkColumns(int64_t first) {
  std::vector<mlaArgument> arguments = sampleArguments();
  arguments[0] =
      tensorArgument(0x1000000, MLA_BF16, {5, 128, 576}, {128 * 1088, 1088, 1});
  arguments[3] = tensorArgument(0x1000000 + 2 * first, MLA_BF16, {5, 128, 512},
                                {128 * 1088, 1088, 1});
  return check(arguments);
}

TEST(Overlap, ColumnsOfOneBuffer) {
  EXPECT_TRUE(checkColumns(576).ok());
  EXPECT_FALSE(checkColumns(568).ok());
  // Beyond the end of its rows it overlaps the next ones.
  EXPECT_FALSE(checkColumns(584).ok());
}

/// A kernel that reads one tensor of bytes and writes another, of `rank`.
KernelDescriptor bytesDescriptor(int rank) {
  KernelDescriptor result;
  for (auto access : {MLA_READ, MLA_WRITE}) {
    ArgumentDescriptor argument;
    argument.name = access == MLA_READ ? "in" : "out";
    argument.isTensor = true;
    argument.dtype = MLA_I8;
    argument.access = access;
    argument.shape.resize(rank);
    argument.strides.resize(rank);
    result.arguments.push_back(argument);
  }
  return result;
}

bool areApart(const KernelDescriptor &kernel,
              const mlaArgument (&arguments)[2]) {
  uint64_t extents[2] = {1, 1};
  for (int i = 0; i < 2; ++i) {
    const mlaTensor &tensor = arguments[i].value.tensor;
    for (int dim = 0; dim < tensor.rank; ++dim)
      extents[i] += (tensor.shape[dim] - 1) * tensor.strides[dim];
  }
  return checkOverlap(kernel, arguments, extents).ok();
}

std::set<uint64_t> addresses(const mlaTensor &tensor, int dim, uint64_t from) {
  if (dim == tensor.rank)
    return {from};
  std::set<uint64_t> result;
  for (int64_t i = 0; i < tensor.shape[dim]; ++i)
    result.merge(addresses(tensor, dim + 1, from + i * tensor.strides[dim]));
  return result;
}

bool share(const mlaArgument &a, const mlaArgument &b) {
  std::set<uint64_t> first = addresses(a.value.tensor, 0, a.value.tensor.data);
  for (uint64_t address : addresses(b.value.tensor, 0, b.value.tensor.data))
    if (first.count(address))
      return true;
  return false;
}

/// Against the sets of addresses: two random parts of a buffer of 4 x 5 x 6.
TEST(Overlap, ExactForPartsOfOneBuffer) {
  std::mt19937 random(1);
  auto draw = [&](int64_t limit) {
    return static_cast<int64_t>(random() % static_cast<uint64_t>(limit));
  };
  KernelDescriptor kernel = bytesDescriptor(3);
  int apart = 0, overlapping = 0;
  for (int repeat = 0; repeat < 3000; ++repeat) {
    mlaArgument arguments[2];
    for (mlaArgument &argument : arguments) {
      int64_t begin[3], size[3];
      for (int dim = 0; dim < 3; ++dim) {
        begin[dim] = draw(4 + dim);
        size[dim] = 1 + draw(4 + dim - begin[dim]);
      }
      argument =
          tensorArgument(1000 + 30 * begin[0] + 6 * begin[1] + begin[2], MLA_I8,
                         {size[0], size[1], size[2]}, {30, 6, 1});
    }
    bool shared = share(arguments[0], arguments[1]);
    ++(shared ? overlapping : apart);
    ASSERT_EQ(areApart(kernel, arguments), !shared);
  }
  EXPECT_GT(apart, 500);
  EXPECT_GT(overlapping, 500);
}

/// Random layouts: shared memory is always detected.
TEST(Overlap, IsNeverMissed) {
  std::mt19937 random(2);
  auto draw = [&](int64_t limit) {
    return static_cast<int64_t>(random() % static_cast<uint64_t>(limit));
  };
  KernelDescriptor kernel = bytesDescriptor(3);
  int passed = 0;
  for (int repeat = 0; repeat < 3000; ++repeat) {
    mlaArgument arguments[2];
    for (mlaArgument &argument : arguments)
      argument = tensorArgument(1000 + draw(60), MLA_I8,
                                {1 + draw(4), 1 + draw(4), 1 + draw(3)},
                                {draw(40), draw(12), draw(3)});
    bool ok = areApart(kernel, arguments);
    passed += ok;
    ASSERT_FALSE(ok && share(arguments[0], arguments[1]));
  }
  EXPECT_GT(passed, 500);
}

} // namespace
