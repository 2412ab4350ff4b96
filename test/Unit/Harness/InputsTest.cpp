//===- InputsTest.cpp - random arguments ----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Sample.h"

#include "mla/Harness/Npy.h"

#include <climits>
#include <cmath>
#include <set>

using namespace mla::harness;

namespace {

Sizes largerSizes() {
  Sizes sizes = sparsePrefillSizes();
  sizes["s_q"] = 64;
  sizes["s_kv"] = 400;
  sizes["topk"] = 16;
  return sizes;
}

TEST(Inputs, SameSeedSameBits) {
  InputOptions options;
  options.seed = 7;
  auto a = makeSparsePrefill(largerSizes(), options);
  auto b = makeSparsePrefill(largerSizes(), options);
  options.seed = 8;
  auto c = makeSparsePrefill(largerSizes(), options);
  for (const char *name : {"q", "kv", "indices", "topk_length", "attn_sink"}) {
    EXPECT_EQ(tensorOf(a, name).storage, tensorOf(b, name).storage) << name;
    EXPECT_NE(tensorOf(a, name).storage, tensorOf(c, name).storage) << name;
  }
}

TEST(Inputs, NormalsAreNormal) {
  auto arguments = makeSparsePrefill(largerSizes());
  HostTensor &q = tensorOf(arguments, "q");
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < q.elements(); ++i) {
    sum += q.get(i);
    squares += q.get(i) * q.get(i);
  }
  double count = static_cast<double>(q.elements());
  EXPECT_NEAR(sum / count, 0, 0.005);
  EXPECT_NEAR(std::sqrt(squares / count), 0.1, 0.005);
}

TEST(Inputs, OnlyRowsThatAValidIndexNamesAreNumbers) {
  auto arguments = makeSparsePrefill(largerSizes());
  HostTensor &kv = tensorOf(arguments, "kv");
  HostTensor &indices = tensorOf(arguments, "indices");
  HostTensor &lengths = tensorOf(arguments, "topk_length");
  std::set<int64_t> named;
  for (int64_t s = 0; s < 64; ++s)
    for (int64_t t = 0; t < lengths.get(s); ++t)
      named.insert(static_cast<int64_t>(indices.get(s * 16 + t)));
  int64_t numbers = 0;
  for (int64_t row = 0; row < 400; ++row) {
    EXPECT_EQ(std::isnan(kv.get(row * 24)), named.count(row) == 0) << row;
    numbers += !std::isnan(kv.get(row * 24));
  }
  EXPECT_GT(numbers, 100);
  EXPECT_LT(numbers, 400);
}

TEST(Inputs, InvalidIndicesAreThoseOfTheList) {
  auto arguments = makeSparsePrefill(largerSizes());
  HostTensor &indices = tensorOf(arguments, "indices");
  std::set<int64_t> invalid;
  for (int64_t i = 0; i < indices.elements(); ++i) {
    int64_t index = static_cast<int64_t>(indices.get(i));
    if (index < 0 || index >= 400)
      invalid.insert(index);
  }
  EXPECT_EQ(invalid,
            (std::set<int64_t>{INT_MIN, -123456, -1, 400, 114514, INT_MAX}));
}

TEST(Inputs, LengthsAndSinksReachTheirExtremes) {
  auto arguments = makeSparsePrefill(largerSizes());
  HostTensor &lengths = tensorOf(arguments, "topk_length");
  HostTensor &sink = tensorOf(arguments, "attn_sink");
  EXPECT_EQ(lengths.get(0), 16);
  EXPECT_EQ(lengths.get(63), 0);
  int plus = 0, minus = 0;
  for (int64_t h = 0; h < 6; ++h) {
    plus += sink.get(h) == INFINITY;
    minus += sink.get(h) == -INFINITY;
  }
  EXPECT_EQ(plus, 1);
  EXPECT_EQ(minus, 1);
}

TEST(Inputs, WithoutPoisonAllIsValid) {
  InputOptions options;
  options.poison = false;
  options.invalidShare = 0;
  auto arguments = makeSparsePrefill(largerSizes(), options);
  for (const char *name : {"q", "kv", "attn_sink"}) {
    HostTensor &tensor = tensorOf(arguments, name);
    for (int64_t i = 0; i < tensor.elements(); ++i)
      ASSERT_TRUE(std::isfinite(tensor.get(i))) << name;
  }
  HostTensor &indices = tensorOf(arguments, "indices");
  for (int64_t i = 0; i < indices.elements(); ++i)
    ASSERT_TRUE(indices.get(i) >= 0 && indices.get(i) < 400);
  EXPECT_EQ(tensorOf(arguments, "topk_length").get(63), 16);
}

TEST(Inputs, OutputsAndPaddingAreNaN) {
  InputOptions options;
  options.padding = {{"q", 3}, {"out", 5}};
  auto arguments = makeSparsePrefill(sparsePrefillSizes(), options);
  HostTensor &q = tensorOf(arguments, "q"), &out = tensorOf(arguments, "out");
  EXPECT_EQ(q.strides, (std::vector<int64_t>{6 * 27, 27, 1}));
  for (int64_t i = 0; i < q.storageElements(); ++i)
    ASSERT_EQ(std::isnan(q.get(i)), i % 27 >= 24) << i;
  for (int64_t i = 0; i < out.storageElements(); ++i)
    ASSERT_TRUE(std::isnan(out.get(i)));
}

TEST(Inputs, AnOrderGivesStridesAndChangesNoValue) {
  mla::runtime::KernelDescriptor descriptor = sparsePrefillDescriptor();
  for (mla::runtime::ArgumentDescriptor &argument : descriptor.arguments)
    argument.strides.assign(argument.strides.size(), std::nullopt);
  InputOptions options;
  options.orders = {{"q", {1, 0, 2}}, {"lse", {1, 0}}};
  options.padding = {{"q", 3}, {"lse", 2}};
  Sizes sizes = sparsePrefillSizes();
  std::vector<HostArgument> ordered;
  Status status = makeArguments(descriptor, sizes, options, ordered);
  ASSERT_TRUE(status.ok()) << status.message();
  HostTensor &q = tensorOf(ordered, "q"), &lse = tensorOf(ordered, "lse");
  EXPECT_EQ(q.shape, (std::vector<int64_t>{9, 6, 24}));
  EXPECT_EQ(q.strides, (std::vector<int64_t>{27, 9 * 27, 1}));
  EXPECT_EQ(q.storageElements(), 9 * 6 * 27);
  // Padding follows the rows of the fastest dimension.
  EXPECT_EQ(lse.strides, (std::vector<int64_t>{1, 11}));
  EXPECT_EQ(lse.storageElements(), 6 * 11);
  auto plain = makeSparsePrefill();
  HostTensor &same = tensorOf(plain, "q");
  for (int64_t i = 0; i < q.elements(); ++i)
    ASSERT_EQ(q.get(q.offsetOf(i)), same.get(same.offsetOf(i))) << i;
}

TEST(Inputs, ScaleDefaultsToTheRootOfTheDepth) {
  auto arguments = makeSparsePrefill();
  EXPECT_EQ(findArgument(arguments, "scale")->number, 1 / std::sqrt(24.0));
  InputOptions options;
  options.scale = 0.25;
  arguments = makeSparsePrefill(sparsePrefillSizes(), options);
  EXPECT_EQ(findArgument(arguments, "scale")->number, 0.25);
}

TEST(Inputs, NoTokensMeansNoValidIndex) {
  Sizes sizes = sparsePrefillSizes();
  sizes["s_kv"] = 0;
  InputOptions options;
  options.invalidShare = 0;
  auto arguments = makeSparsePrefill(sizes, options);
  HostTensor &indices = tensorOf(arguments, "indices");
  std::set<double> list = {INT_MIN, -123456, -1, 0, 114514, INT_MAX};
  for (int64_t i = 0; i < indices.elements(); ++i)
    ASSERT_TRUE(list.count(indices.get(i)));
}

TEST(Inputs, FilesGiveValuesAndSizes) {
  std::string path = testing::TempDir() + "/mla-inputs-q.npy";
  HostTensor file(MLA_BF16, {2, 6, 24});
  for (int64_t i = 0; i < file.elements(); ++i)
    file.set(i, static_cast<double>(i % 7));
  ASSERT_TRUE(writeNpy(path, file).ok());
  InputOptions options;
  options.files["q"] = path;
  options.padding["q"] = 8;
  Sizes sizes = sparsePrefillSizes();
  sizes.erase("s_q");
  std::vector<HostArgument> arguments;
  Status status =
      makeArguments(sparsePrefillDescriptor(), sizes, options, arguments);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(sizes["s_q"], 2);
  HostTensor &q = tensorOf(arguments, "q");
  for (int64_t i = 0; i < q.elements(); ++i)
    ASSERT_EQ(q.get(q.offsetOf(i)), i % 7);
  sizes["s_q"] = 3;
  expectFailure(
      makeArguments(sparsePrefillDescriptor(), sizes, options, arguments),
      "argument 'q': expected a file of size 3 in dim 0, got 2");
}

TEST(Inputs, MistakesAreNamed) {
  auto fails = [](const std::function<void(Sizes &, InputOptions &)> &change,
                  const std::string &error) {
    Sizes sizes = sparsePrefillSizes();
    InputOptions options;
    change(sizes, options);
    std::vector<HostArgument> arguments;
    expectFailure(
        makeArguments(sparsePrefillDescriptor(), sizes, options, arguments),
        error);
  };
  fails([](Sizes &s, InputOptions &) { s.erase("topk"); },
        "run-time sizes are missing; expected --sizes topk=N");
  fails(
      [](Sizes &s, InputOptions &) {
        s.erase("topk");
        s.erase("s_kv");
      },
      "run-time sizes are missing; expected --sizes s_kv=N,topk=N");
  fails([](Sizes &s, InputOptions &) { s["batch"] = 1; },
        "size 'batch': the kernel has no such run-time size; it has: s_q, h_q");
  fails([](Sizes &s, InputOptions &) { s["skv"] = 1; }, "did you mean 's_kv'?");
  fails([](Sizes &s, InputOptions &) { s["topk"] = -1; },
        "size 'topk': expected 0 to 2147483647, got -1");
  fails([](Sizes &s, InputOptions &) { s["topk"] = int64_t(1) << 40; },
        "size 'topk': expected 0 to 2147483647, got 1099511627776");
  fails([](Sizes &, InputOptions &o) { o.scale = INFINITY; },
        "scale: expected a number above 0 that fp32 holds, got inf");
  fails([](Sizes &, InputOptions &o) { o.scale = 1e50; }, "got 1e+50");
  fails([](Sizes &, InputOptions &o) { o.scale = NAN; }, "got nan");
  fails([](Sizes &, InputOptions &o) { o.scale = 1e-50; }, "got 1e-50");
  fails([](Sizes &s, InputOptions &) { s["d_v"] = 25; }, "d_v <= d_qk");
  fails([](Sizes &s, InputOptions &) { s["h_kv"] = 4; },
        "the same h_kv, a divisor of h_q");
  fails([](Sizes &, InputOptions &o) { o.padding["k"] = 1; },
        "padding of 'k': the kernel has no such tensor");
  fails([](Sizes &, InputOptions &o) { o.padding["attn_sink"] = 1; },
        "argument 'attn_sink': has no rows to pad");
  fails([](Sizes &, InputOptions &o) { o.orders["k"] = {0}; },
        "order of 'k': the kernel has no such tensor; it has: q, kv, ");
  fails([](Sizes &, InputOptions &o) { o.orders["q"] = {0, 2}; },
        "order of 'q': expected each dimension from 0 to 2 once, got 0, 2");
  fails([](Sizes &, InputOptions &o) { o.orders["q"] = {0, 2, 2}; },
        "order of 'q': expected each dimension from 0 to 2 once, got 0, 2, 2");
  fails([](Sizes &, InputOptions &o) { o.files["k"] = "k.npy"; },
        "input 'k': the kernel has no such tensor; it has: q, kv, ");
  fails([](Sizes &, InputOptions &o) { o.files["out"] = "k.npy"; },
        "input 'out': is an output");
  fails([](Sizes &, InputOptions &o) { o.files["q"] = "/none.npy"; },
        "cannot read '/none.npy'");
}

TEST(Inputs, OptionalTensorsMayBeLeftOut) {
  mla::runtime::KernelDescriptor descriptor = sparsePrefillDescriptor();
  for (mla::runtime::ArgumentDescriptor &argument : descriptor.arguments)
    argument.optional = argument.name == "topk_length";
  Sizes sizes = sparsePrefillSizes();
  InputOptions options;
  options.leftOut = {"topk_length"};
  std::vector<HostArgument> without;
  ASSERT_TRUE(makeArguments(descriptor, sizes, options, without).ok());
  const HostArgument *length = findArgument(without, "topk_length");
  EXPECT_TRUE(length->leftOut);
  EXPECT_EQ(length->tensor.shape, std::vector<int64_t>{0});
  EXPECT_TRUE(length->tensor.storage.empty());
  EXPECT_FALSE(findArgument(without, "attn_sink")->leftOut);
  // Nor does it count against the memory limit; all of them take 7596 bytes.
  options.memoryLimit = 7596 - 4 * sizes["s_q"];
  std::vector<HostArgument> limited;
  EXPECT_TRUE(makeArguments(descriptor, sizes, options, limited).ok());
  options.leftOut = {};
  EXPECT_FALSE(makeArguments(descriptor, sizes, options, limited).ok());
  options.memoryLimit.reset();
  // All entries count, so rows that they name hold no poison.
  std::vector<HostArgument> full = without;
  HostArgument *given = findArgument(full, "topk_length");
  given->leftOut = false;
  given->tensor = HostTensor(MLA_I32, {sizes["s_q"]});
  for (int64_t i = 0; i < sizes["s_q"]; ++i)
    given->tensor.set(i, static_cast<double>(sizes["topk"]));
  std::vector<ExpectedOutput> expected, wanted;
  ASSERT_TRUE(sparsePrefillReference(without, expected).ok());
  ASSERT_TRUE(sparsePrefillReference(full, wanted).ok());
  EXPECT_EQ(expected[1].values, wanted[1].values);
  EXPECT_FALSE(std::isnan(expected[0].values[0]));

  options.leftOut = {"attn_sink"};
  expectFailure(makeArguments(descriptor, sizes, options, without),
                "argument 'attn_sink': cannot be left out; those that can: "
                "topk_length");
  options.leftOut = {"sink"};
  expectFailure(makeArguments(descriptor, sizes, options, without),
                "argument 'sink': the kernel has no such tensor; those that "
                "can: topk_length");
}

TEST(Inputs, MagnitudeScalesTheNormals) {
  InputOptions options;
  auto small = makeSparsePrefill(largerSizes(), options);
  options.magnitude = 0.4f;
  auto large = makeSparsePrefill(largerSizes(), options);
  for (const char *name : {"q", "kv"})
    for (int64_t i = 0; i < tensorOf(small, name).elements(); ++i) {
      double one = tensorOf(small, name).get(i);
      if (!std::isnan(one))
        ASSERT_EQ(tensorOf(large, name).get(i), 4 * one) << name << " " << i;
    }
  EXPECT_EQ(tensorOf(small, "attn_sink").storage,
            tensorOf(large, "attn_sink").storage);
}

TEST(Inputs, MemoryIsLimitedBeforeAnyIsTaken) {
  Sizes sizes = sparsePrefillSizes();
  // 2^31 - 1 each: bytes that 64 bits hold, and then such that they do not.
  sizes["s_kv"] = sizes["d_qk"] = kMaxSize;
  std::vector<HostArgument> arguments;
  expectFailure(
      makeArguments(sparsePrefillDescriptor(), sizes, {}, arguments),
      "argument 'kv' (s_kv=2147483647 x h_kv=1 x d_qk=2147483647): takes "
      "9223372028264841218 bytes");
  sizes["h_kv"] = 3;
  expectFailure(makeArguments(sparsePrefillDescriptor(), sizes, {}, arguments),
                "takes more than 2^63 bytes");
  sizes = sparsePrefillSizes();
  // kv alone has 40 x 24 x 2.
  InputOptions options;
  options.memoryLimit = 1000;
  expectFailure(
      makeArguments(sparsePrefillDescriptor(), sizes, options, arguments),
      "argument 'q' (s_q=9 x h_q=6 x d_qk=24): takes 2592 bytes, all arguments "
      "7596, the memory limit is 1000");
  options.memoryLimit = 7596;
  EXPECT_TRUE(
      makeArguments(sparsePrefillDescriptor(), sizes, options, arguments).ok());
  options.padding["q"] = 1;
  EXPECT_FALSE(
      makeArguments(sparsePrefillDescriptor(), sizes, options, arguments).ok());
}

TEST(Inputs, AScaleThatTheKernelDoesNotTakeIsRefused) {
  mla::runtime::KernelDescriptor descriptor = sparsePrefillDescriptor();
  descriptor.arguments.erase(descriptor.arguments.begin() + 5);
  Sizes sizes = sparsePrefillSizes();
  std::vector<HostArgument> arguments;
  InputOptions options;
  EXPECT_TRUE(makeArguments(descriptor, sizes, options, arguments).ok());
  options.scale = 0.5;
  expectFailure(makeArguments(descriptor, sizes, options, arguments),
                "scale: the kernel has no such argument");
  descriptor.constants = {{"scale", 0.25}};
  expectFailure(makeArguments(descriptor, sizes, options, arguments),
                "scale: the kernel takes none, 0.25 is compiled into it");
}

TEST(Inputs, PaddingIsCountedOncePerRow) {
  // 4,000 rows of 13,016 elements, not (4,000 + 13,000) x ... in each
  // dimension.
  InputOptions options;
  options.poison = false;
  options.padding["kv"] = 13000;
  Sizes sizes = sparsePrefillSizes();
  sizes["s_kv"] = 4000;
  std::vector<HostArgument> arguments;
  Status status =
      makeArguments(sparsePrefillDescriptor(), sizes, options, arguments);
  ASSERT_TRUE(status.ok()) << status.message();
  HostTensor &kv = tensorOf(arguments, "kv");
  int64_t row = kv.shape.back() + 13000;
  EXPECT_EQ(kv.strides, (std::vector<int64_t>{kv.shape[1] * row, row, 1}));
  EXPECT_EQ(kv.storageElements(), 4000 * kv.shape[1] * row);
  // Padding that makes a tensor too large names it.
  options.padding["kv"] = int64_t(1) << 40;
  expectFailure(
      makeArguments(sparsePrefillDescriptor(), sizes, options, arguments),
      "argument 'kv' (s_kv=4000 x h_kv=1 x d_qk=24): takes");
}

TEST(Inputs, FixedStridesAndPaddingMustAgree) {
  mla::runtime::KernelDescriptor descriptor = sparsePrefillDescriptor();
  descriptor.arguments[0].strides[1] = 32;
  Sizes sizes = sparsePrefillSizes();
  std::vector<HostArgument> arguments;
  InputOptions options;
  expectFailure(makeArguments(descriptor, sizes, options, arguments),
                "argument 'q': the kernel expects stride 32 in dim 1");
  options.padding["q"] = 8;
  EXPECT_TRUE(makeArguments(descriptor, sizes, options, arguments).ok());
  options.orders["q"] = {1, 0, 2};
  expectFailure(makeArguments(descriptor, sizes, options, arguments),
                "which these sizes, their order and this padding do not give "
                "(288)");
}

TEST(Inputs, UnknownOperatorsGetPlainValues) {
  mla::runtime::KernelDescriptor descriptor;
  descriptor.kernels.emplace_back().symbol = "k";
  addTensor(descriptor, "a", MLA_F32, {"n"});
  addTensor(descriptor, "b", MLA_I32, {"n"});
  addTensor(descriptor, "c", MLA_F32, {"n"}, MLA_WRITE);
  Sizes sizes = {{"n", 1000}};
  std::vector<HostArgument> arguments;
  ASSERT_TRUE(makeArguments(descriptor, sizes, {}, arguments).ok());
  for (int64_t i = 0; i < 1000; ++i) {
    EXPECT_LT(std::fabs(arguments[0].tensor.get(i)), 1);
    EXPECT_TRUE(arguments[1].tensor.get(i) >= 0 &&
                arguments[1].tensor.get(i) < 16);
    EXPECT_TRUE(std::isnan(arguments[2].tensor.get(i)));
  }
}

} // namespace
