//===- TensorMapTest.cpp - arguments of cuTensorMapEncodeTiled ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Sample.h"

using namespace mla::runtime;

namespace {

Status compute(const std::vector<mlaArgument> &arguments,
               TensorMapParameters &out) {
  KernelDescriptor descriptor = parseSample();
  return computeTensorMap(descriptor, descriptor.kernels[0].tensorMaps[0],
                          arguments[0].value.tensor, out);
}

TEST(TensorMap, PutsTheInnermostDimensionFirst) {
  TensorMapParameters map;
  ASSERT_TRUE(compute(sampleArguments(), map).ok());
  EXPECT_EQ(map.dataType, 9u); // BFLOAT16
  EXPECT_EQ(map.rank, 3u);
  EXPECT_EQ(map.address, 0x10000u);
  EXPECT_EQ(map.swizzle, 3u); // 128B
  const uint64_t sizes[] = {576, 128, 5};
  const uint32_t box[] = {64, 64, 1};
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(map.sizes[i], sizes[i]);
    EXPECT_EQ(map.box[i], box[i]);
    EXPECT_EQ(map.elementStrides[i], 1u);
  }
  EXPECT_EQ(map.strides[0], 592u * 2);
  EXPECT_EQ(map.strides[1], 128u * 592 * 2);
}

TEST(TensorMap, DimensionsOfSizeOneGetAValidStride) {
  std::vector<mlaArgument> arguments = sampleArguments();
  arguments[0].value.tensor.shape[0] = 1;
  arguments[0].value.tensor.strides[0] = -7;
  TensorMapParameters map;
  ASSERT_TRUE(compute(arguments, map).ok());
  EXPECT_EQ(map.strides[1], 128u * 592 * 2);
}

TEST(TensorMap, EmptyTensorsAreRefused) {
  std::vector<mlaArgument> arguments = sampleArguments();
  arguments[0].value.tensor.shape[0] = 0;
  TensorMapParameters map;
  expectFailure(compute(arguments, map), MLA_INVALID_ARGUMENT,
                "argument 'q': for its tensor map expected a size of 1 to "
                "2^32 in dim 0, got 0");
}

TEST(TensorMap, EmptyTensorsThatAreNotCopiedGetAnyMap) {
  KernelDescriptor descriptor = parseSample();
  TensorMapDescriptor map = descriptor.kernels[0].tensorMaps[0];
  map.mayBeEmpty = true;
  mlaTensor tensor = sampleArguments()[0].value.tensor;
  TensorMapParameters out;
  ASSERT_TRUE(computeTensorMap(descriptor, map, tensor, out).ok());
  EXPECT_EQ(out.address, 0x10000u);
  tensor.shape[0] = 0;
  tensor.data = 0;
  ASSERT_TRUE(computeTensorMap(descriptor, map, tensor, out).ok());
  EXPECT_NE(out.address, 0u);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(out.sizes[i], 1u);
  EXPECT_EQ(out.strides[0], 16u);
  EXPECT_EQ(out.strides[1], 16u);
}

TEST(TensorMap, LimitsOfTheHardwareAreChecked) {
  TensorMapParameters map;
  std::vector<mlaArgument> arguments = sampleArguments();
  arguments[0].value.tensor.strides[1] = 577;
  expectFailure(compute(arguments, map), MLA_INVALID_ARGUMENT,
                "in dim 1, got 1154 bytes");
  arguments[0].value.tensor.strides[1] = int64_t(1) << 39;
  expectFailure(compute(arguments, map), MLA_INVALID_ARGUMENT,
                "below 2^40 in dim 1");
  arguments = sampleArguments();
  arguments[0].value.tensor.data = 0x10008;
  expectFailure(compute(arguments, map), MLA_INVALID_ARGUMENT,
                "aligned to 16 bytes");
}

} // namespace
