//===- DescriptorTest.cpp - kernel.json, good and bad ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Sample.h"

using namespace mla::runtime;

namespace {

TEST(Descriptor, ReadsEveryField) {
  KernelDescriptor d = parseSample();
  EXPECT_EQ(d.name(), "sparse_prefill");
  EXPECT_EQ(d.target, "sm_90a");
  EXPECT_EQ(d.sizeNames, (std::vector<std::string>{"s_q", "topk"}));
  ASSERT_EQ(d.arguments.size(), 5u);
  EXPECT_EQ(d.arguments[0].shape[0].symbol, 0);
  EXPECT_EQ(d.arguments[0].shape[2].fixed, 576);
  EXPECT_FALSE(d.arguments[0].strides[1].has_value());
  EXPECT_EQ(d.arguments[0].strides[2], 1);
  EXPECT_EQ(d.arguments[0].alignment, 16);
  EXPECT_EQ(d.arguments[1].shape[0].symbol, 0);
  EXPECT_FALSE(d.arguments[2].isTensor);
  EXPECT_EQ(d.arguments[3].access, MLA_WRITE);
  ASSERT_EQ(d.kernels.size(), 1u);
  const EntryDescriptor &kernel = d.kernels.front();
  ASSERT_EQ(kernel.parameters.size(), 6u);
  EXPECT_EQ(kernel.parameters[3].kind, ParameterDescriptor::Kind::Size);
  EXPECT_EQ(kernel.parameters[3].dim, 1);
  ASSERT_EQ(kernel.tensorMaps.size(), 1u);
  EXPECT_EQ(kernel.tensorMaps[0].box, (std::vector<int64_t>{1, 64, 64}));
  EXPECT_EQ(kernel.grid.text(), "s_q * ceildiv(128, 64) * 2");
  EXPECT_EQ(kernel.phase, MLA_PHASE_LAUNCH);
  EXPECT_FALSE(kernel.programmatic);
  EXPECT_EQ(kernel.block, 384);
  EXPECT_EQ(kernel.sharedBytes, 231000);
}

TEST(Descriptor, ReadsAProgram) {
  KernelDescriptor d = parseSample(programJson());
  ASSERT_EQ(d.workspaces.size(), 2u);
  EXPECT_EQ(d.workspaces[0].alignment, 4);
  EXPECT_EQ(d.workspaces[1].shape[0].text(), "ceildiv(columns, 256)");
  ASSERT_EQ(d.kernels.size(), 3u);
  EXPECT_EQ(d.kernels[0].phase, MLA_PHASE_PLAN);
  EXPECT_EQ(d.kernels[1].phase, MLA_PHASE_LAUNCH);
  // Workspaces are numbered after the two arguments.
  EXPECT_EQ(d.kernels[1].parameters[1].index, 2);
  EXPECT_EQ(d.kernels[1].tensorMaps[0].tensor, 3);
  EXPECT_EQ(d.tensorName(3), "partial");
  EXPECT_TRUE(d.kernels[2].programmatic);
  EXPECT_EQ(d.kernels[2].cluster, 2);
}

TEST(Descriptor, WritesWhatItReads) {
  for (const std::string &json : {sampleJson(), programJson()}) {
    std::string once = writeDescriptor(parseSample(json));
    EXPECT_EQ(writeDescriptor(parseSample(once)), once);
    std::string line = writeDescriptor(parseSample(json), /*indented=*/false);
    EXPECT_EQ(line.find('\n'), std::string::npos);
    EXPECT_EQ(writeDescriptor(parseSample(line)), once);
  }
}

TEST(Descriptor, OptionalFieldsHaveDefaults) {
  KernelDescriptor plain = parseSample(sampleJsonWith(", \"cluster\": 1", ""));
  EXPECT_EQ(plain.kernels[0].cluster, 1);
  KernelDescriptor d = parseSample(sampleJsonWith(
      "\"access\": \"read\", \"alignment\": 16", "\"access\": \"read\""));
  EXPECT_EQ(d.arguments[0].alignment, 2);
}

TEST(Descriptor, OptionalArgumentsAndOptions) {
  KernelDescriptor plain = parseSample();
  EXPECT_FALSE(plain.arguments[1].optional);
  EXPECT_EQ(plain.operatorText(), "sparse_prefill");
  // Defaults are not written, so that older runtimes can read the package.
  EXPECT_EQ(writeDescriptor(plain).find("option"), std::string::npos);
  KernelDescriptor d = parseSample(sampleJsonWith(
      "\"alignment\": 4", "\"alignment\": 4, \"optional\": true"));
  EXPECT_TRUE(d.arguments[1].optional);
  d.options = {{"lse_base", "2"}, {"empty_lse", "-inf"}};
  EXPECT_EQ(d.operatorText(), "sparse_prefill empty_lse=-inf lse_base=2");
  KernelDescriptor again = parseSample(writeDescriptor(d));
  EXPECT_TRUE(again.arguments[1].optional);
  EXPECT_FALSE(again.arguments[0].optional);
  EXPECT_EQ(again.options, d.options);
}

TEST(Descriptor, ConstantsAreKept) {
  KernelDescriptor d = parseSample(sampleJsonWith(
      "\"target\"",
      "\"constants\": {\"cap\": 30, \"theta\": 0.1}, \"target\""));
  ASSERT_EQ(d.constants.size(), 2u);
  EXPECT_EQ(d.constants[0].name, "cap");
  EXPECT_EQ(d.constants[0].value, 30);
  EXPECT_EQ(d.constants[1].value, 0.1);
  std::string once = writeDescriptor(d);
  EXPECT_EQ(writeDescriptor(parseSample(once)), once);
}

TEST(Descriptor, SizeLimitsAreKept) {
  // Sizes without limits are not written.
  EXPECT_EQ(writeDescriptor(parseSample()).find("sizeLimits"),
            std::string::npos);
  KernelDescriptor d = parseSample(sampleJsonWith(
      "\"target\"",
      "\"sizeLimits\": {\"topk\": [1, 2048], \"s_q\": [0, 7]}, \"target\""));
  EXPECT_EQ(d.limitsOf(0).smallest, 0);
  EXPECT_EQ(d.limitsOf(0).largest, 7);
  EXPECT_EQ(d.limitsOf(1).smallest, 1);
  EXPECT_EQ(d.limitsOf(1).largest, 2048);
  std::string once = writeDescriptor(d);
  EXPECT_EQ(writeDescriptor(parseSample(once)), once);
  EXPECT_EQ(parseSample(once).limitsOf(1).largest, 2048);
}

TEST(Descriptor, SizeLimitsAreIntersected) {
  KernelDescriptor d = parseSample();
  EXPECT_EQ(d.limitsOf(1).smallest, 0);
  EXPECT_EQ(d.limitsOf(1).largest, kMaxDimension);
  d.limitSize(1, 4, 100);
  d.limitSize(1, 1, 50);
  EXPECT_EQ(d.limitsOf(1).smallest, 4);
  EXPECT_EQ(d.limitsOf(1).largest, 50);
  d.limitSize(1, 60, 70);
  expectFailure(verifyDescriptor(d), MLA_INVALID_PACKAGE,
                "'sizeLimits.topk': expected 0 <= smallest <= largest <= "
                "2147483647, got [60, 50]");
}

struct BadCase {
  const char *name, *from, *to, *error;
};

class BadDescriptor : public testing::TestWithParam<BadCase> {};

TEST_P(BadDescriptor, IsRefusedWithTheFieldNamed) {
  KernelDescriptor descriptor;
  expectFailure(parseDescriptor(sampleJsonWith(GetParam().from, GetParam().to),
                                descriptor),
                MLA_INVALID_PACKAGE, GetParam().error);
}

const BadCase kBadCases[] = {
    {"Syntax", "{", "{,", "malformed JSON"},
    {"NotUtf8", "mla 0.1.0", "\xff", "malformed JSON"},
    {"Format", "mla-kernel-package", "zip", "'format': expected "},
    {"FormatMissing", "\"format\": \"mla-kernel-package\",", "",
     "'format': missing"},
    {"Version", "\"version\": 3", "\"version\": 2",
     "'version': expected 3, got 2"},
    {"VersionType", "\"version\": 3", "\"version\": \"1\"",
     "'version': expected an integer, got \"1\""},
    {"ConstantType", "\"target\"",
     "\"constants\": {\"cap\": \"1\"}, \"target\"",
     "'constants.cap': expected a number, got \"1\""},
    {"ConstantsType", "\"target\"", "\"constants\": [1], \"target\"",
     "'constants': expected an object, got [1]"},
    {"ConstantAndArgument", "\"target\"",
     "\"constants\": {\"scale\": 1}, \"target\"",
     "'constants.scale': is an argument too"},
    {"LimitsType", "\"target\"", "\"sizeLimits\": [1], \"target\"",
     "'sizeLimits': expected an object, got [1]"},
    {"LimitType", "\"target\"", "\"sizeLimits\": {\"topk\": 1}, \"target\"",
     "'sizeLimits.topk': expected [smallest, largest], got 1"},
    {"LimitCount", "\"target\"",
     "\"sizeLimits\": {\"topk\": [1, 2, 3]}, \"target\"",
     "'sizeLimits.topk': expected [smallest, largest], got [1,2,3]"},
    {"LimitValue", "\"target\"",
     "\"sizeLimits\": {\"topk\": [1, \"2\"]}, \"target\"",
     "'sizeLimits.topk': expected an integer, got \"2\""},
    {"LimitOrder", "\"target\"",
     "\"sizeLimits\": {\"topk\": [2, 1]}, \"target\"",
     "'sizeLimits.topk': expected 0 <= smallest <= largest <= 2147483647, got "
     "[2, 1]"},
    {"LimitNegative", "\"target\"",
     "\"sizeLimits\": {\"topk\": [-1, 1]}, \"target\"",
     "'sizeLimits.topk': expected 0 <= smallest <= largest <= 2147483647, got "
     "[-1, 1]"},
    {"LimitName", "\"target\"",
     "\"sizeLimits\": {\"top_k\": [1, 2]}, \"target\"",
     "'sizeLimits.top_k': expected the name of a size of an argument"},
    {"UnknownField", "\"block\"", "\"colour\": 1, \"block\"",
     "unknown field 'kernels[0].colour'"},
    {"UnknownArgumentField", "\"access\"", "\"acess\": 1, \"access\"",
     "unknown field 'arguments[0].acess'"},
    {"SymbolMissing", "\"symbol\": \"sparse_prefill\",", "",
     "'kernels[0].symbol': missing"},
    {"SymbolEmpty", "\"symbol\": \"sparse_prefill\"", "\"symbol\": \"\"",
     "'kernels[0].symbol': expected a name"},
    {"KernelsType", "\"kernels\": [{", "\"kernels\": {}, \"x\": [{",
     "unknown field 'x'"},
    {"Phase", "\"symbol\"", "\"phase\": \"last\", \"symbol\"",
     "'kernels[0].phase': expected plan or launch, got \"last\""},
    {"Programmatic", "\"symbol\"", "\"programmatic\": 1, \"symbol\"",
     "'kernels[0].programmatic': expected true or false, got 1"},
    {"NoSuchWorkspace", "\"pointer\", \"argument\": 0",
     "\"pointer\", \"workspace\": 0",
     "'kernels[0].parameters[0].workspace': expected a workspace below 0, got "
     "0"},
    {"SizeCalledSms", "\"topk\"", "\"sms\"",
     "'arguments': expected names of sizes without a meaning in expressions, "
     "got 'sms'"},
    {"CubinPath", "kernel.cubin", "../kernel.cubin",
     "'cubin': expected a file name"},
    {"ArgumentsType", "\"arguments\": [", "\"arguments\": 3, \"x\": [",
     "unknown field 'x'"},
    {"ArgumentKind", "\"kind\": \"tensor\"", "\"kind\": \"matrix\"",
     "'arguments[0].kind': expected tensor or scalar, got \"matrix\""},
    {"Positive", "\"positive\": true", "\"positive\": 1",
     "'arguments[2].positive': expected true or false, got 1"},
    {"Optional", "\"alignment\": 4", "\"alignment\": 4, \"optional\": 1",
     "'arguments[1].optional': expected true or false, got 1"},
    {"OptionalScalar", "\"positive\": true", "\"optional\": true",
     "unknown field 'arguments[2].optional'"},
    {"OptionalReadWrite", "\"access\": \"write\"",
     "\"access\": \"readwrite\", \"optional\": true",
     "'arguments[3].optional': expected a tensor that is only read or only "
     "written"},
    {"OptionalTensorMap", "\"access\": \"read\"",
     "\"access\": \"read\", \"optional\": true",
     "'kernels[0].tensorMaps[0].argument': expected a tensor that every launch "
     "gives, got "
     "optional 'q'"},
    {"OptionsType", "\"operator\"", "\"options\": [], \"operator\"",
     "'options': expected an object, got []"},
    {"OptionType", "\"operator\"",
     "\"options\": {\"lse_base\": 2}, \"operator\"",
     "'options.lse_base': expected a string, got 2"},
    {"OptionWord", "\"operator\"",
     "\"options\": {\"a\": \"1 b=2\"}, \"operator\"",
     "'options.a': expected words without spaces and '=', got '1 b=2'"},
    {"DType", "\"dtype\": \"bf16\"", "\"dtype\": \"f8\"",
     "'arguments[0].dtype': expected bf16"},
    {"Access", "\"access\": \"read\"", "\"access\": \"peek\"",
     "'arguments[0].access': expected read, write or readwrite"},
    {"SameName", "\"name\": \"indices\"", "\"name\": \"q\"",
     "'arguments[1].name': expected a name of its own"},
    {"ShapeEntry", "\"s_q\", 128, 576", "\"s_q\", 1.5, 576",
     "'arguments[0].shape[1]': expected a size"},
    {"NegativeSize", "\"s_q\", 128, 576", "\"s_q\", -1, 576",
     "'arguments[0].shape': expected sizes of 0 to 2147483647"},
    {"SizeOf32Bits", "\"s_q\", 128, 576", "\"s_q\", 2147483648, 576",
     "'arguments[0].shape': expected sizes of 0 to 2147483647, got 2147483648"},
    {"HugeSize", "\"s_q\", 128, 576", "\"s_q\", 9223372036854775808, 576",
     "'arguments[0].shape[1]': expected an integer"},
    {"RankTooHigh", "\"s_q\", 128, 576", "1,2,3,4,5,6,7,8,9",
     "expected rank at most 8, got 9"},
    {"StrideCount", "[null, null, 1]", "[null, 1]",
     "'arguments[0].strides': expected as many"},
    {"StrideType", "[null, null, 1]", "[null, \"x\", 1]",
     "'arguments[0].strides[1]': expected an integer"},
    {"Alignment", "\"alignment\": 16", "\"alignment\": 12",
     "'arguments[0].alignment': expected a power of two"},
    {"ParameterKind", "\"kind\": \"pointer\"", "\"kind\": \"reference\"",
     "'kernels[0].parameters[0].kind': expected pointer"},
    {"ParameterArgument", "\"pointer\", \"argument\": 0",
     "\"pointer\", \"argument\": 5",
     "'kernels[0].parameters[0].argument': expected 0 to"},
    {"PointerToScalar", "\"pointer\", \"argument\": 0",
     "\"pointer\", \"argument\": 2", "expected a tensor, got scalar 'scale'"},
    {"ScalarOfTensor", "\"scalar\", \"argument\": 2",
     "\"scalar\", \"argument\": 1",
     "'kernels[0].parameters[2].argument': expected the"},
    {"SizeDim", "\"argument\": 1, \"dim\": 1", "\"argument\": 1, \"dim\": 2",
     "'kernels[0].parameters[3].dim': expected a dimension of 'indices' below "
     "2, got 2"},
    {"NegativeDim", "\"argument\": 1, \"dim\": 1",
     "\"argument\": 1, \"dim\": -1",
     "'kernels[0].parameters[3].dim': expected 0 or"},
    {"MapIndex", "\"index\": 0", "\"index\": 1",
     "'kernels[0].parameters[5].index': expected a tensor map below 1, got 1"},
    {"IndexBeyondInt", "\"index\": 0", "\"index\": 4294967296",
     "'kernels[0].parameters[5].index': out of range"},
    {"BoxRank", "[1, 64, 64]", "[64, 64]",
     "'kernels[0].tensorMaps[0].box': expected 3 entries for 'q', got 2"},
    {"BoxExtent", "[1, 64, 64]", "[1, 257, 64]",
     "expected extents of 1 to 256, got 257"},
    {"BoxInnerBytes", "[1, 64, 64]", "[1, 64, 4]",
     "expected inner bytes that are a multiple of 16, got 8"},
    {"BoxWiderThanSwizzle", "[1, 64, 64]", "[1, 64, 128]",
     "expected at most 128 inner bytes for this swizzle, got 256"},
    {"Swizzle", "\"swizzle\": 128", "\"swizzle\": 100",
     "'kernels[0].tensorMaps[0].swizzle': expected 0, 32, 64 or 128, got 100"},
    {"MapInnerStride", "[null, null, 1]", "[null, null, null]",
     "expected inner stride 1 of 'q'"},
    {"GridSyntax", "* 2\"", "* \"",
     "'kernels[0].grid': expression 's_q * ceildiv(128, 64) * ': expected a "
     "constant, a name or '(', got the end"},
    {"GridName", "s_q * ceil", "s_k * ceil",
     "expected the name of a size of an argument, got 's_k * ceildiv(128, "},
    {"GridDivide", "ceildiv(128, 64)", "ceildiv(128, 0)",
     "expected a divisor above 0, got '0) * 2'"},
    {"GridNegative", "\"s_q * ceildiv(128, 64) * 2\"", "-2",
     "'kernels[0].grid': expected 0 or more, got -2"},
    {"GridType", "\"s_q * ceildiv(128, 64) * 2\"", "[2]",
     "'kernels[0].grid': expected an integer or an expression, got [2]"},
    {"Target", "sm_90a", "gfx90a",
     "'target': unknown target 'gfx90a', expected one of sm_80, sm_90a"},
    {"SharedOfTarget", "sm_90a", "sm_80",
     "'kernels[0].sharedBytes': expected 0 to 166912, got 231000"},
    {"Block", "\"block\": 384", "\"block\": 2048",
     "'kernels[0].block': expected 1 to 1024, got 2048"},
    {"Cluster", "\"cluster\": 1", "\"cluster\": 0",
     "'kernels[0].cluster': expected 1 to 16, got 0"},
    {"Shared", "231000", "232449",
     "'kernels[0].sharedBytes': expected 0 to 232448, got 232449"},
};

INSTANTIATE_TEST_SUITE_P(All, BadDescriptor, testing::ValuesIn(kBadCases),
                         [](const auto &info) {
                           return std::string(info.param.name);
                         });

TEST(Descriptor, ExpressionsAreOfTensorsThatAreThere) {
  KernelDescriptor descriptor = parseSample();
  descriptor.arguments[1].optional = true;
  ASSERT_TRUE(verifyDescriptor(descriptor).ok());
  ASSERT_TRUE(Expression::parse("s_q * topk", descriptor.sizeNames,
                                descriptor.kernels[0].grid)
                  .ok());
  expectFailure(
      verifyDescriptor(descriptor), MLA_INVALID_PACKAGE,
      "'kernels[0].grid': expected sizes of tensors that every launch "
      "gives, got 'topk', which optional ones have");
}

TEST(Descriptor, ProgramsAreLimited) {
  KernelDescriptor good = parseSample(programJson()), bad = good;
  bad.kernels.clear();
  expectFailure(verifyDescriptor(bad), MLA_INVALID_PACKAGE,
                "'kernels': expected at least 1 entry, got 0");
  bad.kernels.assign(kMaxKernels + 1, good.kernels[0]);
  expectFailure(verifyDescriptor(bad), MLA_INVALID_PACKAGE,
                "'kernels': expected at most 16 entries, got 17");
  bad = good;
  bad.workspaces.assign(kMaxWorkspaces + 1, good.workspaces[0]);
  expectFailure(verifyDescriptor(bad), MLA_INVALID_PACKAGE,
                "'workspaces': expected at most 8 entries, got 9");
  bad = good;
  bad.kernels.clear();
  for (int i = 0; i < 4; ++i) {
    EntryDescriptor entry = good.kernels[1];
    entry.symbol += std::to_string(i);
    entry.parameters.assign(13, entry.parameters.back());
    bad.kernels.push_back(entry);
  }
  expectFailure(verifyDescriptor(bad), MLA_INVALID_PACKAGE,
                "'kernels': expected at most 48 tensor maps together, got 52");
}

TEST(Descriptor, ProgramsAreChecked) {
  auto expectRefused = [](const std::string &from, const std::string &to,
                          const std::string &error) {
    std::string json = programJson();
    json.replace(json.find(from), from.size(), to);
    KernelDescriptor descriptor;
    expectFailure(parseDescriptor(json, descriptor), MLA_INVALID_PACKAGE,
                  error);
  };
  expectRefused("\"symbol\": \"combine\"", "\"symbol\": \"split\"",
                "'kernels[2].symbol': expected a name of its own, got 'split' "
                "again");
  expectRefused("\"symbol\": \"combine\"",
                "\"phase\": \"plan\", \"symbol\": \"combine\"",
                "'kernels[2].phase': expected plan before launch");
  expectRefused("\"name\": \"table\"", "\"name\": \"x\"",
                "'workspaces[0].name': 'x' is an argument too");
  expectRefused("\"name\": \"table\"", "\"name\": \"partial\"",
                "'workspaces[1].name': expected a name of its own");
  expectRefused("\"alignment\": 16", "\"alignment\": 512",
                "'workspaces[1].alignment': expected a power of two up to 256, "
                "got 512");
  expectRefused(
      "rows + 1", "lines + 1",
      "'workspaces[0].shape[0]': expression 'lines + 1': expected the "
      "name of a size of an argument");
  expectRefused("\"workspace\": 1, \"box\"", "\"workspace\": 2, \"box\"",
                "'kernels[1].tensorMaps[0].workspace': expected a workspace "
                "below 2, got 2");
  // An index beyond the arguments does not denote a workspace.
  expectRefused("\"argument\": 1}", "\"argument\": 2}",
                "'kernels[2].parameters[1].argument': expected 0 to 1, got 2");
  expectRefused("\"workspace\": 1, \"dim\": 0", "\"workspace\": 1, \"dim\": 3",
                "'kernels[1].parameters[3].dim': expected a dimension of "
                "'partial' below 3, got 3");
}

TEST(Descriptor, EveryTruncationIsRefused) {
  std::string json = sampleJson();
  KernelDescriptor descriptor;
  for (size_t length = 0; length < json.size(); length += 7)
    EXPECT_FALSE(parseDescriptor(json.substr(0, length), descriptor).ok());
}

TEST(Descriptor, OtherJsonIsRefused) {
  KernelDescriptor descriptor;
  for (const char *json : {"", "null", "[]", "3", "\"mla\"", "{}"})
    EXPECT_FALSE(parseDescriptor(json, descriptor).ok()) << json;
}

TEST(Descriptor, DeepNestingIsRefused) {
  // Recursion this deep would overflow the stack.
  std::string deep(200000, '['), json;
  std::string ends(deep.size(), ']');
  KernelDescriptor descriptor;
  for (const char *field : {"\"mla-kernel-package\"", "384", "\"sm_90a\""})
    expectFailure(
        parseDescriptor(sampleJsonWith(field, deep + ends), descriptor),
        MLA_INVALID_PACKAGE, "expected at most 16 levels of nesting");
  expectFailure(parseDescriptor(deep, descriptor), MLA_INVALID_PACKAGE,
                "malformed JSON");
}

TEST(Descriptor, ManySizeNamesAreRefusedAtOnce) {
  std::string shape;
  for (int i = 0; i < 200000; ++i)
    shape += "\"n" + std::to_string(i) + "\", ";
  KernelDescriptor descriptor;
  expectFailure(parseDescriptor(sampleJsonWith("\"s_q\", ", shape), descriptor),
                MLA_INVALID_PACKAGE,
                "expected at most 64 names of sizes, got more");
}

TEST(Descriptor, ParameterBytesAreLimited) {
  KernelDescriptor descriptor = parseSample();
  std::vector<ParameterDescriptor> &parameters =
      descriptor.kernels[0].parameters;
  parameters.assign(17, {ParameterDescriptor::Kind::TensorMap, 0});
  expectFailure(verifyDescriptor(descriptor), MLA_INVALID_PACKAGE,
                "expected at most 16 tensor maps, got 17");
  parameters.assign(kMaxParameters + 1, {});
  expectFailure(
      verifyDescriptor(descriptor), MLA_INVALID_PACKAGE,
      "'kernels[0].parameters': expected at most 128 entries, got 129");
}

} // namespace
