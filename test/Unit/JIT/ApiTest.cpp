//===- ApiTest.cpp - arguments of the C interface -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include <cmath>
#include <csignal>
#include <regex>
#include <set>
#include <thread>

using namespace mla;
using namespace mla::jit;

namespace {

TEST(Version, TellsWhatIsLinked) {
  EXPECT_EQ(mlaJitVersion(), MLA_JIT_VERSION);
  EXPECT_TRUE(std::regex_match(
      mlaJitVersionText(),
      std::regex("mla [0-9.]+\\+[0-9a-f]{12}, LLVM [0-9]+\\.[0-9.]+")))
      << mlaJitVersionText();
}

/// The text of the error that `change` of the options leads to.
std::string createError(void (*change)(mlaCompilerOptions &)) {
  mlaCompilerOptions options = MLA_COMPILER_OPTIONS_INIT;
  change(options);
  mlaCompiler compiler = nullptr;
  EXPECT_EQ(mlaCompilerCreate(&options, &compiler), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(compiler, nullptr);
  return mlaLastError();
}

TEST(Arguments, OfACompiler) {
  using Options = mlaCompilerOptions;
  EXPECT_EQ(createError([](Options &o) { o.size = 0; }),
            "'options.size': expected 88 or a little more, got 0");
  EXPECT_EQ(createError([](Options &o) { o.size = 1 << 20; }),
            "'options.size': expected 88 or a little more, got 1048576");
  EXPECT_EQ(
      createError([](Options &o) { o.target = "sm_100a"; }),
      "'options.target': unknown target 'sm_100a', expected one of sm_80, "
      "sm_90a");
  EXPECT_EQ(createError([](Options &o) { o.assembler = 3; }),
            "'options.assembler': expected 0 to 2, got 3");
  EXPECT_EQ(createError([](Options &o) { o.cacheBytes = -1; }),
            "'options.cacheBytes': expected 1 to 9223372036854775807, got -1");
  EXPECT_EQ(createError([](Options &o) { o.memoryKernels = -2; }),
            "'options.memoryKernels': expected -1 to 2147483647, got -2");
  EXPECT_EQ(createError([](Options &o) { o.ptxasTimeout = -1; }),
            "'options.ptxasTimeout': expected 1 to 1048576, got -1");
  EXPECT_EQ(createError([](Options &o) { o.lockTimeout = -2; }),
            "'options.lockTimeout': expected -1 to 2147483647, got -2");
  EXPECT_EQ(createError([](Options &o) { o.reserved = 1; }),
            "'options.reserved': expected 0, got 1");
  EXPECT_EQ(mlaCompilerCreate(nullptr, nullptr), MLA_INVALID_ARGUMENT);
  EXPECT_STREQ(mlaLastError(), "'out': expected an address, got null");
  EXPECT_EQ(mlaCompilerDestroy(nullptr), MLA_SUCCESS);
}

TEST(Arguments, OfANewerCaller) {
  // A struct of a later version, with an unknown field.
  struct {
    mlaCompilerOptions known;
    int64_t more;
  } options = {MLA_COMPILER_OPTIONS_INIT, 0};
  options.known.size = sizeof(options);
  mlaCompiler compiler = nullptr;
  ASSERT_EQ(mlaCompilerCreate(&options.known, &compiler), MLA_SUCCESS);
  EXPECT_EQ(mlaCompilerDestroy(compiler), MLA_SUCCESS);
  options.more = 1;
  EXPECT_EQ(mlaCompilerCreate(&options.known, &compiler), MLA_INVALID_ARGUMENT);
  EXPECT_STREQ(mlaLastError(),
               "'options': a field is set that mla-jit 20000 does not know");
}

class Create : public JitTest {};

TEST_F(Create, GivesACompilerOrTheReason) {
  Status status;
  options.target = "sm_100a";
  EXPECT_FALSE(Compiler::create(options, status));
  EXPECT_EQ(status.code(), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(
      status.message(),
      "'options.target': unknown target 'sm_100a', expected one of sm_80, "
      "sm_90a");
  options.target.clear();
  EXPECT_TRUE(Compiler::create(options, status));
  EXPECT_TRUE(status.ok()) << status.message();
}

class CallArguments : public JitTest {
protected:
  void SetUp() override {
    JitTest::SetUp();
    compiler = makeCompiler();
    source.op = &op;
  }
  void expectError(const std::string &text,
                   const mlaCompileOptions *how = nullptr) {
    mlaKernel kernel = nullptr;
    EXPECT_EQ(mlaCompile(compiler->get(), &source, how, &kernel, nullptr),
              MLA_INVALID_ARGUMENT);
    EXPECT_EQ(mlaLastError(), text);
    EXPECT_EQ(kernel, nullptr);
  }

  std::optional<Compiler> compiler;
  mlaOperator op = sparsePrefill();
  mlaSource source = MLA_SOURCE_INIT;
};

TEST_F(CallArguments, OfAnOperator) {
  op.size = 8;
  expectError("'source.op.size': expected 48 or a little more, got 8");
  op = MLA_OPERATOR_INIT;
  expectError("'source.op.name': expected an address, got null");
  op.name = "sparse_prefil";
  expectError(
      "'source.op.name': unknown operator 'sparse_prefil', expected one "
      "of sparse_prefill, prefill, decode, combine, prefill_backward");
}

TEST_F(CallArguments, SizesOfAnOperator) {
  op.sizeCount = 1;
  expectError("'source.op.sizes': expected an address, got null");
  auto with = [&](const char *name, int64_t value, const std::string &error) {
    mlaNamedSize size = {name, value};
    op.sizes = &size;
    expectError(error);
  };
  with(nullptr, 1, "'source.op.sizes[0].name': expected an address, got null");
  with("hq", 1,
       "'source.op': unknown size 'hq', expected one of h_q, s_q, d_qk, d_v, "
       "s_kv, topk");
  // Kernels support a single value of it.
  with("h_kv", 2,
       "'source.op': unknown size 'h_kv', expected one of s_kv, h_q, d_v, s_q, "
       "d_qk, topk");
  with("h_q", 0, "'source.op': size 'h_q': expected 1 to 2147483647, got 0");
  with("d_v", MLA_DYNAMIC,
       "'source.op': size 'd_v': expected 1 to 2147483647, got a run-time "
       "size");
  with("topk", -2,
       "'source.op': size 'topk': expected 1 to 2147483647 or a run-time size, "
       "got -2");
  mlaNamedSize twice[] = {{"h_q", 1}, {"h_q", 1}};
  op.sizes = twice;
  op.sizeCount = 2;
  expectError("'source.op.sizes[1].name': expected 'h_q' once");
}

TEST_F(CallArguments, OptionsOfAnOperator) {
  op.optionCount = 1;
  expectError("'source.op.options': expected an address, got null");
  auto with = [&](const char *name, const char *value,
                  const std::string &error) {
    mlaNamedOption option = {name, value};
    op.options = &option;
    expectError(error);
  };
  with(nullptr, "e",
       "'source.op.options[0].name': expected an address, got null");
  with("lse_base", nullptr,
       "'source.op.options[0].value': expected an address, got null");
  with("lse-base", "e",
       "'source.op': unknown option 'lse-base', expected one of lse_base, "
       "empty_lse, dtype, attn_sink, topk_length");
  with("lse_base", "10",
       "'source.op': lse_base: expected 'e' or '2', got '10'");
  with("attn_sink", "1",
       "'source.op': attn_sink: expected 'no' or 'yes' or 'optional', got '1'");
}

TEST(Operators, CanBeAskedFor) {
  int32_t sparse = -1;
  mlaOperatorInfo info = MLA_OPERATOR_INFO_INIT;
  for (int32_t i = 0; i < mlaOperatorCount(); ++i) {
    ASSERT_EQ(mlaOperatorGetInfo(i, &info), MLA_SUCCESS) << mlaLastError();
    EXPECT_GT(std::string(info.summary).size(), 0u);
    if (info.name == std::string("sparse_prefill"))
      sparse = i;
  }
  ASSERT_GE(sparse, 0);
  ASSERT_EQ(mlaOperatorGetInfo(sparse, &info), MLA_SUCCESS);
  std::string operands, sizes, choices;
  for (int32_t i = 0; i < info.operandCount; ++i) {
    mlaOperandInfo operand = MLA_OPERAND_INFO_INIT;
    ASSERT_EQ(mlaOperatorGetOperand(sparse, i, &operand), MLA_SUCCESS);
    ASSERT_GE(operand.elementTypeCount, 1);
    operands += std::string(operand.name) + " " + operand.elementTypes[0];
    for (int32_t d = 0; d < operand.rank; ++d)
      operands += std::string(" ") + operand.sizeNames[d];
    operands += operand.isOptional  ? " optional; "
                : operand.isWritten ? " written; "
                                    : "; ";
  }
  EXPECT_EQ(operands,
            "q bf16 s_q h_q d_qk; kv bf16 s_kv h_kv d_qk; indices i32 s_q h_kv "
            "topk; scale f32; topk_length i32 s_q optional; attn_sink f32 h_q "
            "optional; out bf16 s_q h_q d_v written; max_logits f32 s_q h_q "
            "written; lse f32 s_q h_q written; ");
  for (int32_t i = 0; i < info.sizeCount; ++i) {
    mlaSizeInfo size = MLA_SIZE_INFO_INIT;
    ASSERT_EQ(mlaOperatorGetSize(sparse, i, &size), MLA_SUCCESS);
    EXPECT_LE(size.least, size.most);
    sizes += std::string(size.name) + "=" + std::to_string(size.defaultValue) +
             (size.mayBeDynamic ? "? " : " ");
  }
  EXPECT_EQ(sizes,
            "s_q=-1? s_kv=-1? h_q=128 h_kv=1 d_qk=576 d_v=512 topk=-1? ");
  for (int32_t i = 0; i < info.optionCount; ++i) {
    mlaOptionInfo option = MLA_OPTION_INFO_INIT;
    ASSERT_EQ(mlaOperatorGetOption(sparse, i, &option), MLA_SUCCESS);
    choices += std::string(option.name) + "=";
    for (int32_t v = 0; v < option.valueCount; ++v)
      choices += std::string(v ? "|" : "") + option.values[v];
    choices += " ";
  }
  EXPECT_EQ(choices, "lse_base=e|2 empty_lse=+inf|-inf "
                     "topk_length=no|yes|optional attn_sink=no|yes|optional "
                     "dtype=bf16|f16 ");
}

TEST(Operators, ThatThereAreNot) {
  mlaOperatorInfo info = MLA_OPERATOR_INFO_INIT;
  mlaSizeInfo size = MLA_SIZE_INFO_INIT;
  std::string last = std::to_string(mlaOperatorCount() - 1);
  EXPECT_EQ(mlaOperatorGetInfo(-1, &info), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mlaLastError(), "'index': expected 0 to " + last + ", got -1");
  EXPECT_EQ(mlaOperatorGetSize(mlaOperatorCount(), 0, &size),
            MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mlaOperatorGetSize(0, 1000, &size), MLA_INVALID_ARGUMENT);
  EXPECT_TRUE(contains(mlaLastError(), "'size': expected 0 to "));
  EXPECT_EQ(mlaOperatorGetInfo(0, nullptr), MLA_INVALID_ARGUMENT);
  EXPECT_STREQ(mlaLastError(), "'info': expected an address, got null");
  info.size = 16;
  EXPECT_EQ(mlaOperatorGetInfo(0, &info), MLA_INVALID_ARGUMENT);
  EXPECT_STREQ(mlaLastError(), "'info.size': expected 40 or more, got 16");
}

TEST_F(CallArguments, OfASource) {
  source.ir = "";
  expectError("'source': expected one of 'op' and 'ir', got both");
  source.ir = nullptr;
  source.op = nullptr;
  expectError("'source': expected one of 'op' and 'ir', got neither");
  source.size = 0;
  expectError("'source.size': expected 40 or a little more, got 0");
}

TEST_F(CallArguments, OfACall) {
  mlaCompileOptions how = MLA_COMPILE_OPTIONS_INIT;
  std::pair<double, const char *> thresholds[] = {{-0.5, "-0.5"},
                                                  {-2, "-2"},
                                                  {64.125, "64.125"},
                                                  {HUGE_VAL, "inf"},
                                                  {NAN, "nan"}};
  for (auto [threshold, text] : thresholds) {
    how = MLA_COMPILE_OPTIONS_INIT;
    how.threshold = threshold;
    expectError(
        std::string("'options.threshold': expected 0 to 64, or -1, got ") +
            text,
        &how);
  }
  how = MLA_COMPILE_OPTIONS_INIT;
  // Callers of version 1 are not supported.
  how = MLA_COMPILE_OPTIONS_INIT;
  how.size = 32;
  expectError("'options.size': expected 48 or a little more, got 32", &how);
  how.size = 40;
  expectError("'options.size': expected 48 or a little more, got 40", &how);
  mlaKernel kernel = nullptr;
  mlaCompileInfo info = MLA_COMPILE_INFO_INIT;
  info.size = 16;
  EXPECT_EQ(mlaCompile(compiler->get(), &source, nullptr, &kernel, &info),
            MLA_INVALID_ARGUMENT);
  EXPECT_STREQ(mlaLastError(), "'info.size': expected 152 or more, got 16");
  EXPECT_EQ(mlaCompile(nullptr, &source, nullptr, &kernel, nullptr),
            MLA_INVALID_ARGUMENT);
  EXPECT_STREQ(mlaLastError(), "'compiler': expected an address, got null");
  EXPECT_EQ(mlaCompile(compiler->get(), nullptr, nullptr, &kernel, nullptr),
            MLA_INVALID_ARGUMENT);
  EXPECT_STREQ(mlaLastError(), "'source': expected an address, got null");
  EXPECT_EQ(mlaCompile(compiler->get(), &source, nullptr, nullptr, nullptr),
            MLA_INVALID_ARGUMENT);
  EXPECT_STREQ(mlaLastError(), "'out': expected an address, got null");
  EXPECT_EQ(
      mlaCompilePackage(compiler->get(), &source, nullptr, nullptr, nullptr),
      MLA_INVALID_ARGUMENT);
  EXPECT_STREQ(mlaLastError(), "'folder': expected an address, got null");
}

} // namespace
