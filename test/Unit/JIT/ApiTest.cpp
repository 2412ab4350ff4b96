//===- ApiTest.cpp - the C interface and its C++ face ---------------------===//
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

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

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
  // A struct of a later version: the field more is not known here.
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

/// The operator as is usual.
mlaOperator sparsePrefill() {
  mlaOperator op = MLA_OPERATOR_INIT;
  op.name = "sparse_prefill";
  return op;
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
      "of sparse_prefill, combine");
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
  // Kernels have one value of it.
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
  // There are no callers of version 1 any more.
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

//===----------------------------------------------------------------------===//
// Compiling
//===----------------------------------------------------------------------===//

class Compile : public JitTest {};

TEST_F(Compile, FromIr) {
  std::vector<std::string> steps;
  options.progress = [&](const char *step, double seconds) {
    steps.push_back(step + std::string(seconds < 0 ? "<" : ">"));
  };
  Compiler compiler = makeCompiler();
  mlaCompileInfo info = MLA_COMPILE_INFO_INIT;
  Status status;
  std::optional<Kernel> kernel =
      compiler.compile(program(), status, nullptr, nullptr, &info);
  ASSERT_TRUE(kernel) << status.message();
  EXPECT_STREQ(kernel->info().name, "k");
  EXPECT_STREQ(kernel->info().operatorName, "numbers");
  EXPECT_EQ(info.origin, MLA_COMPILED);
  EXPECT_EQ(info.assembler, MLA_ASSEMBLER_PTXAS);
  EXPECT_EQ(info.registers, 40);
  EXPECT_EQ(info.stackBytes, 0);
  EXPECT_EQ(info.spillBytes, 0);
  EXPECT_EQ(info.warnings, 0);
  EXPECT_EQ(info.cubinBytes, 68);
  EXPECT_EQ(std::string(info.key).size(), 64u);
  EXPECT_GT(info.passesSeconds, 0);
  EXPECT_GT(info.ptxSeconds, 0);
  EXPECT_GT(info.assembleSeconds, 0);
  EXPECT_GE(info.seconds,
            info.passesSeconds + info.ptxSeconds + info.assembleSeconds);
  EXPECT_EQ(steps,
            (std::vector<std::string>{"passes<", "passes>", "ptx<", "ptx>",
                                      "assemble<", "assemble>"}));
  EXPECT_EQ(runs(), 1u);
  EXPECT_TRUE(warnings.empty());
}

TEST_F(Compile, FromAnOperator) {
  Compiler compiler = makeCompiler();
  Operator op("sparse_prefill");
  op.size("h_q", 64).option("attn_sink", "yes");
  mlaCompileInfo info = MLA_COMPILE_INFO_INIT;
  Status status;
  std::optional<Kernel> kernel = compiler.compile(op, status, nullptr, &info);
  ASSERT_TRUE(kernel) << status.message();
  EXPECT_EQ(info.origin, MLA_COMPILED);
  mlaArgumentInfo sink;
  ASSERT_TRUE(kernel->argument(4, sink).ok());
  EXPECT_STREQ(sink.name, "attn_sink");
  EXPECT_EQ(sink.shape[0], 64);
  std::optional<Kernel> again = compiler.compile(op, status, nullptr, &info);
  ASSERT_TRUE(again) << status.message();
  EXPECT_EQ(info.origin, MLA_FROM_MEMORY);
  EXPECT_EQ(again->get(), kernel->get());
}

TEST_F(Compile, OptionsOfTheOperatorTellKernelsApart) {
  Compiler compiler = makeCompiler();
  struct Change {
    const char *option, *value, *name;
    bool isOptional[2];
  };
  const Change changes[] = {
      {"lse_base", "e", "sparse_prefill", {false, false}},
      {"topk_length", "optional", "sparse_prefill", {true, false}},
      {"attn_sink", "optional", "sparse_prefill", {false, true}},
      {"lse_base", "2", "sparse_prefill lse_base=2", {false, false}},
      {"empty_lse", "-inf", "sparse_prefill empty_lse=-inf", {false, false}}};
  std::set<mlaKernel> seen;
  std::vector<Kernel> kept;
  for (const Change &change : changes) {
    Operator op("sparse_prefill");
    op.size("h_q", 8).option("topk_length", "yes").option("attn_sink", "yes");
    op.option(change.option, change.value);
    mlaCompileInfo info = MLA_COMPILE_INFO_INIT;
    Status status;
    std::optional<Kernel> kernel = compiler.compile(op, status, nullptr, &info);
    ASSERT_TRUE(kernel) << status.message();
    EXPECT_EQ(info.origin, MLA_COMPILED);
    EXPECT_STREQ(kernel->info().operatorName, change.name);
    for (int32_t i : {0, 1}) {
      bool optional = false;
      ASSERT_TRUE(kernel->isArgumentOptional(4 + i, optional).ok());
      EXPECT_EQ(optional, change.isOptional[i]);
    }
    EXPECT_TRUE(seen.insert(kernel->get()).second);
    kept.push_back(std::move(*kernel));
  }
}

TEST_F(Compile, EqualCallsGiveOneKernel) {
  Compiler compiler = makeCompiler();
  mlaCompileInfo info = MLA_COMPILE_INFO_INIT;
  Status status;
  std::optional<Kernel> first =
      compiler.compile(program(), status, nullptr, nullptr, &info);
  std::string key = info.key;
  std::optional<Kernel> second =
      compiler.compile(program(), status, nullptr, nullptr, &info);
  ASSERT_TRUE(first && second) << status.message();
  EXPECT_EQ(first->get(), second->get());
  EXPECT_EQ(info.origin, MLA_FROM_MEMORY);
  EXPECT_EQ(info.key, key);
  EXPECT_EQ(info.registers, 40);
  EXPECT_EQ(info.assembleSeconds, 0);
  // It outlives the compiler and the other reference.
  first.reset();
  {
    Compiler gone = std::move(compiler);
  }
  EXPECT_STREQ(second->info().name, "k");
}

TEST_F(Compile, FromDisk) {
  mlaCompileInfo first = compileFresh();
  mlaCompileInfo second = compileFresh();
  EXPECT_EQ(second.origin, MLA_FROM_DISK);
  EXPECT_STREQ(second.key, first.key);
  EXPECT_EQ(second.registers, 40);
  EXPECT_EQ(second.cubinBytes, 68);
  EXPECT_EQ(second.passesSeconds, 0);
  EXPECT_EQ(runs(), 1u);
}

TEST_F(Compile, FormIsNoDifferenceButOptionsAre) {
  Compiler compiler = makeCompiler();
  mlaCompileInfo info = MLA_COMPILE_INFO_INIT;
  Status status;
  (void)compiler.compile(program(), status, nullptr, nullptr, &info);
  std::string key = info.key;
  std::string renamed =
      "// A comment.\n" +
      std::regex_replace(program(), std::regex("%rows"), "%number");
  (void)compiler.compile(renamed, status, nullptr, nullptr, &info);
  EXPECT_EQ(info.origin, MLA_FROM_DISK);
  EXPECT_EQ(info.key, key);
  mlaCompileOptions how = MLA_COMPILE_OPTIONS_INIT;
  how.threshold = 4;
  (void)compiler.compile(program(), status, nullptr, &how, &info);
  EXPECT_EQ(info.origin, MLA_COMPILED);
  EXPECT_NE(info.key, key);
  (void)compiler.compile(program(1), status, nullptr, nullptr, &info);
  EXPECT_EQ(info.origin, MLA_COMPILED);
  EXPECT_NE(info.key, key);
}

class CompileChoices : public JitTest {
protected:
  /// The key of sparse_prefill, compiled with `how`.
  std::string key(const mlaCompileOptions &how, int origin = MLA_COMPILED) {
    mlaCompileInfo info = MLA_COMPILE_INFO_INIT;
    Status status;
    EXPECT_TRUE(compiler->compile(op, status, &how, &info)) << status.message();
    EXPECT_EQ(info.origin, origin);
    return info.key;
  }
  void SetUp() override {
    JitTest::SetUp();
    compiler = makeCompiler();
  }

  std::optional<Compiler> compiler;
  mlaOperator op = sparsePrefill();
};

TEST_F(CompileChoices, ThresholdsAreOtherKernels) {
  mlaCompileOptions how = MLA_COMPILE_OPTIONS_INIT;
  std::set<std::string> keys = {key(how)};
  for (double threshold : {-1.0, 1.0, 64.0}) {
    how.threshold = threshold;
    EXPECT_TRUE(keys.insert(key(how)).second) << threshold;
    key(how, MLA_FROM_MEMORY);
  }
  // The default by name.
  how.threshold = 8;
  EXPECT_EQ(keys.count(key(how, MLA_FROM_MEMORY)), 1u);
}

TEST_F(CompileChoices, ThresholdReachesTheCode) {
  // The assembler keeps what it is given.
  writePtxas("while [ \"$2\" != -o ]; do shift; done\ncat \"$1\" >" +
             (root / "ptx").string() + "\n" + copyCubin());
  auto ptx = [&](double threshold) {
    mlaCompileOptions how = MLA_COMPILE_OPTIONS_INIT;
    how.threshold = threshold;
    key(how);
    return readFile(root / "ptx");
  };
  // 3.0 and 5.0 as PTX writes them.
  EXPECT_TRUE(contains(ptx(3), "0f40400000"));
  std::string five = ptx(5);
  EXPECT_TRUE(contains(five, "0f40A00000"));
  EXPECT_FALSE(contains(five, "0f40400000"));
}

TEST_F(CompileChoices, ExpectedSizesAndTheGpuAreOtherKeys) {
  mlaCompileOptions how = MLA_COMPILE_OPTIONS_INIT;
  std::string before = key(how);
  how.expectSizes = "s_kv=1024";
  std::string rows = key(how);
  EXPECT_NE(rows, before);
  how.gpu = "H200";
  EXPECT_NE(key(how), rows);
}

TEST_F(CompileChoices, ATuningTableDecides) {
  mlaCompileOptions how = MLA_COMPILE_OPTIONS_INIT;
  fs::path table = root / "table.txt";
  how.tuningTable = table.c_str();
  Status status;
  EXPECT_FALSE(compiler->compile(op, status, &how));
  EXPECT_EQ(status.code(), MLA_COMPILE_ERROR);
  EXPECT_TRUE(contains(status.message(), table.string()));
  auto write = [&](const std::string &schedule) {
    writeFile(table, "sparse_prefill h_q=128 d_qk=576 d_v=512 topk=any "
                     "topk_length=no target=sm_90a gpu=any schedule=" +
                         schedule +
                         " ms=1 sizes=s_q=1 "
                         "date=2026-11-21 version=0.1.0\n");
  };
  write("seesaw");
  std::string before = key(how);
  EXPECT_EQ(key(how, MLA_FROM_MEMORY), before);
  // Of the same name, with other contents.
  write("shared-p");
  EXPECT_NE(key(how), before);
}

TEST_F(CompileChoices, AScheduleFileDecides) {
  mlaCompileOptions how = MLA_COMPILE_OPTIONS_INIT;
  fs::path file = root / "mine.mlir";
  how.schedule = file.c_str();
  Status status;
  EXPECT_FALSE(compiler->compile(op, status, &how));
  EXPECT_EQ(status.code(), MLA_COMPILE_ERROR);
  EXPECT_TRUE(contains(status.message(), file.string()));
  auto write = [&](const std::string &registers) {
    writeFile(file, "#mla.schedule<\"mine\", roles = [<\"all\", warps = 4, "
                    "registers = " +
                        registers + ">], table = [<\"q\" in [\"all\"]>]>");
  };
  // Neither compiles, for another reason each: the file is read anew.
  write("100");
  EXPECT_FALSE(compiler->compile(op, status, &how));
  EXPECT_TRUE(contains(status.message(), "got 100")) << status.message();
  write("108");
  EXPECT_FALSE(compiler->compile(op, status, &how));
  EXPECT_TRUE(contains(status.message(), "got 108")) << status.message();
}

TEST_F(Compile, WithoutMemory) {
  options.memoryKernels = -1;
  Compiler compiler = makeCompiler();
  EXPECT_EQ(compileWith(compiler).origin, MLA_COMPILED);
  EXPECT_EQ(compileWith(compiler).origin, MLA_FROM_DISK);
}

TEST_F(Compile, WithoutAFolder) {
  options.cacheFolder = "none";
  Compiler compiler = makeCompiler();
  EXPECT_EQ(compileWith(compiler).origin, MLA_COMPILED);
  EXPECT_EQ(compileWith(compiler).origin, MLA_FROM_MEMORY);
  EXPECT_EQ(compileFresh().origin, MLA_COMPILED);
  EXPECT_FALSE(fs::exists(cache));
  EXPECT_TRUE(warnings.empty());
}

TEST_F(Compile, MemoryDropsWhatWasUsedLongestAgo) {
  options.memoryKernels = 2;
  Compiler compiler = makeCompiler();
  for (int tag : {0, 1, 0, 2}) // Drops 1.
    compileWith(compiler, tag);
  EXPECT_EQ(compileWith(compiler, 0).origin, MLA_FROM_MEMORY);
  EXPECT_EQ(compileWith(compiler, 2).origin, MLA_FROM_MEMORY);
  EXPECT_EQ(compileWith(compiler, 1).origin, MLA_FROM_DISK);
}

TEST_F(Compile, Package) {
  Compiler compiler = makeCompiler();
  mlaCompileInfo info = MLA_COMPILE_INFO_INIT;
  Status status = compiler.compilePackage(program(), root / "a" / "package",
                                          nullptr, nullptr, &info);
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(info.origin, MLA_COMPILED);
  EXPECT_TRUE(Kernel::load(root / "a" / "package", status)) << status.message();
  status = compiler.compilePackage(sparsePrefill(), root / "operator");
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_TRUE(Kernel::load(root / "operator", status)) << status.message();
  writeFile(root / "file", "");
  status = compiler.compilePackage(program(), root / "file" / "package");
  EXPECT_EQ(status.code(), MLA_NOT_FOUND);
  EXPECT_TRUE(contains(status.message(), "cannot create folder"));
}

TEST_F(Compile, DefaultFolder) {
  options.cacheFolder.clear();
  for (const char *variable : {"HOME", "XDG_CACHE_HOME", "MLA_CACHE_DIR"}) {
    fs::path home = root / variable;
    std::string before = std::getenv(variable) ? std::getenv(variable) : "";
    ::setenv(variable, home.c_str(), 1);
    EXPECT_EQ(compileFresh().origin, MLA_COMPILED);
    EXPECT_TRUE(fs::exists(
        home / (variable == std::string("HOME")             ? ".cache/mla/lock"
                : variable == std::string("XDG_CACHE_HOME") ? "mla/lock"
                                                            : "lock")));
    // HOME stays: the next variable has to win over it.
    if (variable == std::string("MLA_CACHE_DIR"))
      for (const char *name : {"XDG_CACHE_HOME", "MLA_CACHE_DIR"})
        ::unsetenv(name);
  }
}

//===----------------------------------------------------------------------===//
// IR that is at fault
//===----------------------------------------------------------------------===//

TEST_F(Compile, DiagnosticsAreTheErrorAndNothingIsPrinted) {
  Compiler compiler = makeCompiler();
  Status status;
  auto error = [&](const std::string &ir) {
    EXPECT_FALSE(compiler.compile(ir, status, "a.mlir"));
    EXPECT_EQ(status.code(), MLA_COMPILE_ERROR);
    return status.message();
  };
  ::testing::internal::CaptureStderr();
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(error("func.func @f("),
            "a.mlir: the IR is invalid\n"
            "a.mlir:1:13: error: expected non-function type");
  EXPECT_EQ(error("func.func @f() { \"no.op\"() : () -> () return }"),
            "a.mlir: the IR is invalid\na.mlir:1:25: error: operation being "
            "parsed with an unregistered dialect. If this is intended, please "
            "use -allow-unregistered-dialect with the MLIR tool used");
  EXPECT_EQ(error(""), "a.mlir: expected a function with an mla operator or a "
                       "tile program (one scf.forall), got none");
  Operator op("sparse_prefill");
  op.size("h_q", 129);
  EXPECT_FALSE(compiler.compile(op, status));
  EXPECT_EQ(status.message(), "sparse_prefill: no kernel has these sizes\n"
                              "error: 'mla.sparse_prefill' op expected 1 <= "
                              "h_q <= 128, got 129");
  mlaCompileOptions how = MLA_COMPILE_OPTIONS_INIT;
  how.schedule = "best";
  EXPECT_FALSE(compiler.compile(sparsePrefill(), status, &how));
  EXPECT_TRUE(contains(status.message(), "error: unknown schedule 'best'"));
  // A choice that the program does not leave open.
  how = MLA_COMPILE_OPTIONS_INIT;
  how.schedule = "auto:block_kv=32";
  EXPECT_FALSE(compiler.compile(program(), status, nullptr, &how));
  EXPECT_EQ(status.message(),
            "ir: option 'schedule': expected an mla operator without a "
            "schedule, got schedule 'math'");
  // One that the schedule cannot take, and a GPU that does not exist.
  how = MLA_COMPILE_OPTIONS_INIT;
  how.schedule = "seesaw:depth=4";
  EXPECT_FALSE(compiler.compile(sparsePrefill(), status, &how));
  EXPECT_TRUE(contains(status.message(), "does not take depth=4"));
  how = MLA_COMPILE_OPTIONS_INIT;
  how.gpu = "H2OO";
  EXPECT_FALSE(compiler.compile(sparsePrefill(), status, &how));
  EXPECT_TRUE(
      contains(status.message(), "unknown GPU 'H2OO', expected one of H200, "));
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
  // A failure is not remembered, and does not spoil the compiler.
  EXPECT_EQ(compileWith(compiler).origin, MLA_COMPILED);
}

/// IR that MLIR takes and that no pass expects.
TEST_F(Compile, ForeignIrIsAnError) {
  Compiler compiler = makeCompiler();
  Status status;
  auto error = [&](const std::string &ir) {
    EXPECT_FALSE(compiler.compile(ir, status, "a.mlir"));
    EXPECT_EQ(status.code(), MLA_COMPILE_ERROR);
    return status.message();
  };
  auto withOutside = [](const std::string &op) {
    return "func.func @f(%m: memref<?xf32>, %x: f32) attributes {cta.verified} "
           "{\n%c0 = arith.constant 0 : index\n" +
           op +
           "\nscf.forall (%i) in (2) {\ncta.role \"all\" warps 4 registers 168 "
           "{\n}\n}\nreturn\n}";
  };
  for (auto [name, operands] :
       {std::pair("memref.store", " %x, %m[%c0] : memref<?xf32>"),
        std::pair("memref.copy", " %m, %m : memref<?xf32> to memref<?xf32>"),
        std::pair("memref.dealloc", " %m : memref<?xf32>"),
        std::pair("func.call", " @f(%m, %x) : (memref<?xf32>, f32) -> ()"),
        std::pair("cta.sync", ""), std::pair("cta.mma_commit", "")})
    EXPECT_TRUE(contains(error(withOutside(name + std::string(operands))),
                         std::string("a.mlir:3:1: error: '") + name +
                             "' op is not allowed outside the grid"));
  std::string deep = "func.func @f(%c: i1) {\n";
  for (int depth = 0; depth < 100'000; ++depth)
    deep += "scf.if %c {\n";
  EXPECT_EQ(error(deep),
            "a.mlir: the IR is invalid\na.mlir:257:1: error: expected brackets "
            "nested at most 256 deep, got more");
  std::string named = program();
  named.replace(named.find("@k"), 2, "@\"a-b\"");
  EXPECT_TRUE(contains(error(named), "got @\"a-b\""));
  EXPECT_EQ(compileWith(compiler).origin, MLA_COMPILED);
}

TEST_F(Compile, LeavesTheProcessAlone) {
  auto handlers = [] {
    std::vector<void *> found;
    for (int signal = 1; signal < 32; ++signal) {
      struct sigaction action = {};
      ::sigaction(signal, nullptr, &action);
      found.push_back(reinterpret_cast<void *>(action.sa_handler));
    }
    return found;
  };
  auto count = [](const char *folder) {
    return std::distance(fs::directory_iterator(folder), {});
  };
  std::vector<void *> before = handlers();
  auto threads = count("/proc/self/task");
  auto files = count("/proc/self/fd");
  {
    Compiler compiler = makeCompiler();
    compileWith(compiler);
    Status status;
    EXPECT_TRUE(compiler.compile(sparsePrefill(), status));
  }
  EXPECT_EQ(handlers(), before);
  EXPECT_EQ(count("/proc/self/task"), threads);
  EXPECT_EQ(count("/proc/self/fd"), files);
}

//===----------------------------------------------------------------------===//
// Time
//===----------------------------------------------------------------------===//

/// The best of many runs of `body`, in seconds: what it costs where nothing
/// else happens on the machine.
double bestOf(int count, const std::function<void()> &body) {
  double best = 1e9;
  for (int i = 0; i < count; ++i) {
    auto start = std::chrono::steady_clock::now();
    body();
    std::chrono::duration<double> spent =
        std::chrono::steady_clock::now() - start;
    best = std::min(best, spent.count());
  }
  return best;
}

TEST_F(Compile, HitsAreQuick) {
  mlaOperator op = sparsePrefill();
  Compiler compiler = makeCompiler();
  Status status;
  (void)compiler.compile(op, status);
  double memory = bestOf(100, [&] { (void)compiler.compile(op, status); });
  double disk = bestOf(10, [&] { (void)makeCompiler().compile(op, status); });
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_LT(memory, 50e-6);
  EXPECT_LT(disk, 10e-3);
  std::printf("from memory %.1f us, from disk %.1f ms\n", memory * 1e6,
              disk * 1e3);
}

} // namespace
