//===- LaunchTest.cpp - checking arguments and planning a launch ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Sample.h"

#include <cmath>
#include <functional>

using namespace mla::runtime;

namespace {

template <typename T> T parameter(const LaunchPlan &plan, int number) {
  T value;
  std::memcpy(&value, plan.parameters[number], sizeof(T));
  return value;
}

/// The plan of the first kernel, and its grid.
struct Plan : LaunchPlan {
  int64_t grid = 0;
};

Status plan(const KernelDescriptor &descriptor,
            const std::vector<mlaArgument> &arguments, Plan &out) {
  LaunchBinding binding;
  MLA_RETURN_IF_ERROR(checkArguments(descriptor, arguments.data(),
                                     static_cast<int32_t>(arguments.size()),
                                     binding));
  out.grid = 0;
  if (writesNothing(descriptor, arguments.data()))
    return Status();
  const EntryDescriptor &entry = descriptor.kernels.front();
  MLA_RETURN_IF_ERROR(computeGrid(entry, binding, out.grid));
  planLaunch(descriptor, entry, arguments.data(), binding, out);
  return Status();
}

Expression expression(const KernelDescriptor &descriptor,
                      const std::string &text) {
  Expression parsed;
  Status status = Expression::parse(text, descriptor.sizeNames, parsed);
  EXPECT_TRUE(status.ok()) << status.message();
  return parsed;
}

TEST(Launch, FillsTheParametersInOrder) {
  Plan p;
  Status status = plan(parseSample(), sampleArguments(), p);
  ASSERT_TRUE(status.ok()) << status.message();
  ASSERT_EQ(p.parameterCount, 6);
  EXPECT_EQ(parameter<uint64_t>(p, 0), 0x10000u);
  EXPECT_EQ(parameter<int8_t>(p, 1), -3);
  EXPECT_EQ(parameter<float>(p, 2), 0.1f);
  EXPECT_EQ(parameter<int64_t>(p, 3), 128);
  EXPECT_EQ(parameter<int64_t>(p, 4), 592);
  ASSERT_EQ(p.tensorMapCount, 1);
  EXPECT_EQ(p.tensorMaps[0].parameter, 5);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(p.parameters[5]) % kTensorMapAlignment,
            0u);
  // pointer 0..8, i8 at 8, f32 at 12, size 16, stride 24, map 128..256.
  EXPECT_EQ(p.storageBytes, 256);
  EXPECT_EQ(static_cast<std::byte *>(p.parameters[2]) - p.storage, 12);
}

TEST(Launch, SizesOutsideTheirLimitsAreRefused) {
  KernelDescriptor descriptor = parseSample();
  std::vector<mlaArgument> arguments = sampleArguments();
  Plan p;
  descriptor.limitSize(1, 128, 128);
  EXPECT_TRUE(plan(descriptor, arguments, p).ok());
  descriptor.sizeLimits = {{1, 129, 2048}};
  expectFailure(plan(descriptor, arguments, p), MLA_INVALID_ARGUMENT,
                "argument 'indices': expected size topk of 129 to 2048 in dim "
                "1, got 128");
  descriptor.sizeLimits = {{1, 1, 127}};
  expectFailure(plan(descriptor, arguments, p), MLA_INVALID_ARGUMENT,
                "argument 'indices': expected size topk of 1 to 127 in dim 1, "
                "got 128");
  // A tensor that is left out has no size.
  descriptor.arguments[1].optional = true;
  arguments[1].value.tensor.data = 0;
  EXPECT_TRUE(plan(descriptor, arguments, p).ok());
}

TEST(Launch, OptionalArgumentsMayBeLeftOut) {
  KernelDescriptor descriptor = parseSample();
  descriptor.arguments[1].optional = true;
  std::vector<ParameterDescriptor> &parameters =
      descriptor.kernels[0].parameters;
  parameters.push_back({ParameterDescriptor::Kind::Pointer, 1, 0});
  parameters.push_back({ParameterDescriptor::Kind::Stride, 1, 0});
  std::vector<mlaArgument> arguments = sampleArguments();
  Plan p;
  ASSERT_TRUE(plan(descriptor, arguments, p).ok());
  EXPECT_EQ(parameter<int64_t>(p, 3), 128);
  EXPECT_EQ(parameter<uint64_t>(p, 6), 0x200000u);
  EXPECT_EQ(parameter<int64_t>(p, 7), 128);
  // Only the address matters: the other fields do not reach the kernel.
  arguments[1].value.tensor.data = 0;
  arguments[1].value.tensor.rank = 77;
  arguments[1].value.tensor.dtype = 77;
  arguments[1].value.tensor.shape[0] = 3;
  Status status = plan(descriptor, arguments, p);
  ASSERT_TRUE(status.ok()) << status.message();
  for (int number : {3, 6, 7})
    EXPECT_EQ(parameter<int64_t>(p, number), 0);
  EXPECT_EQ(p.grid, 5 * 2 * 2);
  // It has to be a tensor, and other arguments are not optional.
  arguments[1].kind = MLA_FLOAT;
  expectFailure(plan(descriptor, arguments, p), MLA_INVALID_ARGUMENT,
                "argument 'indices': expected a tensor, got a scalar");
  arguments = sampleArguments();
  arguments[0].value.tensor.data = 0;
  expectFailure(plan(descriptor, arguments, p), MLA_INVALID_ARGUMENT,
                "argument 'q': expected a device address, got null");
  // An optional argument that is given is checked like any other.
  arguments = sampleArguments();
  arguments[1].value.tensor.shape[0] = 4;
  expectFailure(plan(descriptor, arguments, p), MLA_INVALID_ARGUMENT,
                "argument 'indices': expected size s_q = 5 in dim 0");
}

TEST(Launch, OptionalOutputsMayBeLeftOut) {
  std::string json =
      sampleJsonWith("\"access\": \"write\"", "\"access\": \"write\", "
                                              "\"optional\": true");
  KernelDescriptor descriptor = parseSample(json);
  // A second output, so that something is written without the optional one.
  ArgumentDescriptor required = descriptor.arguments[3];
  required.name = "required";
  required.optional = false;
  descriptor.arguments.push_back(required);
  descriptor.kernels[0].parameters.push_back(
      {ParameterDescriptor::Kind::Pointer, 3, 0});
  std::vector<mlaArgument> arguments = sampleArguments();
  arguments.push_back(
      tensorArgument(0x4000000, MLA_BF16, {5, 128, 512}, {65536, 512, 1}));
  Plan p;
  ASSERT_TRUE(plan(descriptor, arguments, p).ok());
  EXPECT_EQ(parameter<uint64_t>(p, 6), 0x300000u);
  // Only the address is read of an omitted output.
  arguments[3].value.tensor.data = 0;
  arguments[3].value.tensor.rank = 77;
  Status status = plan(descriptor, arguments, p);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(parameter<uint64_t>(p, 6), 0u);
  EXPECT_EQ(p.grid, 5 * 2 * 2);
  // With no other output there is nothing to launch.
  descriptor.arguments.pop_back();
  arguments.pop_back();
  ASSERT_TRUE(plan(descriptor, arguments, p).ok());
  EXPECT_EQ(p.grid, 0);
}

TEST(Launch, GridIsAnExpressionOverSizes) {
  Plan p;
  KernelDescriptor descriptor = parseSample();
  descriptor.kernels[0].grid =
      expression(descriptor, "s_q * ceildiv(topk, 100) * 2");
  ASSERT_TRUE(plan(descriptor, sampleArguments(), p).ok());
  EXPECT_EQ(p.grid, 5 * 2 * 2);
}

TEST(Launch, EmptyGridSucceeds) {
  std::vector<mlaArgument> arguments = sampleArguments();
  for (int i : {0, 1, 3}) {
    arguments[i].value.tensor.shape[0] = 0;
    arguments[i].value.tensor.data = 0;
  }
  Plan p;
  Status status = plan(parseSample(), arguments, p);
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(p.grid, 0);
}

TEST(Launch, GridIsLimited) {
  KernelDescriptor descriptor = parseSample();
  EntryDescriptor &entry = descriptor.kernels[0];
  Plan p;
  auto expectRefused = [&](const std::string &grid, const std::string &error) {
    entry.grid = expression(descriptor, grid);
    expectFailure(plan(descriptor, sampleArguments(), p), MLA_INVALID_ARGUMENT,
                  "kernel 'sparse_prefill': grid: " + error);
  };
  expectRefused("s_q * 4294967296",
                "expected fewer than 2^31 CTAs, got 21474836480");
  expectRefused("s_q * 9223372036854775807",
                "expression 's_q * 9223372036854775807': expected values below "
                "2^63, got more");
  expectRefused("ceildiv(topk, floordiv(s_q, 6))",
                "expression 'ceildiv(topk, floordiv(s_q, 6))': expected a "
                "divisor above 0, got 0");
  entry.cluster = 4;
  expectRefused("s_q * 2",
                "expected a multiple of the cluster's 4 CTAs, got 10");
}

TEST(Launch, SizeOneDimensionsAreExemptFromStrides) {
  std::vector<mlaArgument> arguments = sampleArguments();
  for (int i : {0, 1, 3}) {
    arguments[i].value.tensor.shape[0] = 1;
    arguments[i].value.tensor.strides[0] = -7;
  }
  Plan p;
  Status status = plan(parseSample(), arguments, p);
  EXPECT_TRUE(status.ok()) << status.message();
}

TEST(Launch, ReadTensorsMayBroadcast) {
  std::vector<mlaArgument> arguments = sampleArguments();
  arguments[1].value.tensor.strides[0] = 0;
  Plan p;
  EXPECT_TRUE(plan(parseSample(), arguments, p).ok());
}

TEST(Launch, CountAndNull) {
  KernelDescriptor descriptor = parseSample();
  LaunchBinding binding;
  expectFailure(
      checkArguments(descriptor, sampleArguments().data(), 4, binding),
      MLA_INVALID_ARGUMENT, "expected 5 arguments, got 4");
  expectFailure(checkArguments(descriptor, nullptr, 5, binding),
                MLA_INVALID_ARGUMENT, "got a null pointer");
}

struct BadArgument {
  const char *name;
  std::function<void(std::vector<mlaArgument> &)> change;
  const char *error;
};

class BadArguments : public testing::TestWithParam<BadArgument> {};

TEST_P(BadArguments, AreRefusedByName) {
  std::vector<mlaArgument> arguments = sampleArguments();
  GetParam().change(arguments);
  Plan p;
  expectFailure(plan(parseSample(), arguments, p), MLA_INVALID_ARGUMENT,
                GetParam().error);
}

using Arguments = std::vector<mlaArgument>;

const BadArgument kBadArguments[] = {
    {"Kind", [](Arguments &a) { a[0].kind = 7; },
     "argument 'q': expected an argument kind of 0 to 2, got 7"},
    {"Reserved", [](Arguments &a) { a[0].reserved = 1; },
     "argument 'q': expected 0 in 'reserved'"},
    {"ScalarForTensor", [](Arguments &a) { a[0] = a[2]; },
     "argument 'q': expected a tensor, got a scalar"},
    {"TensorForScalar", [](Arguments &a) { a[2] = a[0]; },
     "argument 'scale': expected a floating-point scalar (f32), got a tensor"},
    {"IntegerForFloat", [](Arguments &a) { a[2] = a[4]; },
     "expected a floating-point scalar (f32), got an integer scalar"},
    {"FloatForInteger", [](Arguments &a) { a[4] = a[2]; },
     "argument 'flag': expected an integer scalar (i8)"},
    {"FloatRange", [](Arguments &a) { a[2].value.f64 = 1e300; },
     "argument 'scale': expected a value that f32 holds"},
    {"NotPositive", [](Arguments &a) { a[2].value.f64 = 0; },
     "argument 'scale': expected a value above 0, got 0"},
    {"NotANumber", [](Arguments &a) { a[2].value.f64 = std::nan(""); },
     "argument 'scale': expected a value above 0, got nan"},
    {"IntegerRange", [](Arguments &a) { a[4].value.i64 = 128; },
     "argument 'flag': expected a value that i8 holds, got 128"},
    {"DType", [](Arguments &a) { a[0].value.tensor.dtype = MLA_F16; },
     "argument 'q': expected bf16, got f16"},
    {"UnknownDType", [](Arguments &a) { a[0].value.tensor.dtype = 99; },
     "argument 'q': expected bf16, got dtype 99"},
    {"Rank", [](Arguments &a) { a[0].value.tensor.rank = 2; },
     "argument 'q': expected rank 3, got 2"},
    {"NegativeSize", [](Arguments &a) { a[1].value.tensor.shape[1] = -1; },
     "argument 'indices': expected a size of 0 to 2147483647 in dim 1, got -1"},
    // Its low 32 bits are 0, and those of the next a negative number.
    {"SizeOf33Bits",
     [](Arguments &a) { a[1].value.tensor.shape[1] = int64_t(1) << 32; },
     "argument 'indices': expected a size of 0 to 2147483647 in dim 1, got "
     "4294967296"},
    {"SizeOf32Bits",
     [](Arguments &a) { a[1].value.tensor.shape[1] = int64_t(1) << 31; },
     "argument 'indices': expected a size of 0 to 2147483647 in dim 1, got "
     "2147483648"},
    {"FixedSize", [](Arguments &a) { a[0].value.tensor.shape[1] = 64; },
     "argument 'q': expected size 128 in dim 1, got 64"},
    {"NamedSize", [](Arguments &a) { a[1].value.tensor.shape[0] = 6; },
     "argument 'indices': expected size s_q = 5 in dim 0 (as in 'q'), got 6"},
    {"Null", [](Arguments &a) { a[0].value.tensor.data = 0; },
     "argument 'q': expected a device address, got null"},
    {"Misaligned", [](Arguments &a) { a[0].value.tensor.data += 8; },
     "argument 'q': expected an address aligned to 16 bytes, got 0x10008"},
    {"FixedStride", [](Arguments &a) { a[3].value.tensor.strides[1] = 520; },
     "argument 'out': expected stride 512 in dim 1, got 520"},
    {"StrideMultiple", [](Arguments &a) { a[0].value.tensor.strides[1] = 577; },
     "argument 'q': expected stride multiple of 8 elements (16 bytes) in dim "
     "1, got 577"},
    {"NegativeStride", [](Arguments &a) { a[0].value.tensor.strides[1] = -8; },
     "argument 'q': expected a stride of 0 or more in dim 1, got -8"},
    {"OverlappingOutput",
     [](Arguments &a) { a[3].value.tensor.strides[0] = 64; },
     "argument 'out': expected a written tensor whose elements do not "
     "overlap, got stride"},
    {"Huge", [](Arguments &a) { a[0].value.tensor.strides[0] = INT64_MAX - 7; },
     "argument 'q': size and strides exceed the address space"},
    {"AddressWraps", [](Arguments &a) { a[0].value.tensor.data = -16; },
     "argument 'q': size and strides exceed the address space"},
};

INSTANTIATE_TEST_SUITE_P(All, BadArguments, testing::ValuesIn(kBadArguments),
                         [](const auto &info) {
                           return std::string(info.param.name);
                         });

/// A grid of persistent CTAs does not depend on the sizes, and tensor maps of
/// empty tensors cannot be made.
TEST(Launch, NothingToWriteIsNothingToLaunch) {
  std::string json =
      sampleJsonWith("\"s_q * ceildiv(128, 64) * 2\"", "\"sms\"");
  std::vector<mlaArgument> arguments = sampleArguments();
  Plan some, none;
  ASSERT_TRUE(plan(parseSample(json), arguments, some).ok());
  EXPECT_EQ(some.grid, 132);
  for (int i : {0, 1, 3})
    arguments[i].value.tensor.shape[0] = 0;
  ASSERT_TRUE(plan(parseSample(json), arguments, none).ok());
  EXPECT_EQ(none.grid, 0);
}

TEST(Launch, NonFiniteScalarsPass) {
  std::vector<mlaArgument> arguments = sampleArguments();
  arguments[2].value.f64 = INFINITY;
  Plan p;
  ASSERT_TRUE(plan(parseSample(), arguments, p).ok());
  EXPECT_EQ(parameter<float>(p, 2), INFINITY);
}

} // namespace
