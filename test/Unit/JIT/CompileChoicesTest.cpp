//===- CompileChoicesTest.cpp - what choices of a schedule change ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

using namespace mla;
using namespace mla::jit;

namespace {

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
  // The fake assembler keeps its input.
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
  // A file of the same name with other contents.
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
  // Neither compiles, for different reasons: the file is read again.
  write("100");
  EXPECT_FALSE(compiler->compile(op, status, &how));
  EXPECT_TRUE(contains(status.message(), "got 100")) << status.message();
  write("108");
  EXPECT_FALSE(compiler->compile(op, status, &how));
  EXPECT_TRUE(contains(status.message(), "got 108")) << status.message();
}

} // namespace
