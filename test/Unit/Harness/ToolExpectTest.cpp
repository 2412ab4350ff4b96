//===- ToolExpectTest.cpp - expected values from files --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "ToolFixture.h"

#include "mla/Harness/Npy.h"

#include <cmath>
#include <cstdlib>
#include <filesystem>

using namespace mla::harness;

namespace {

/// A folder with the outputs of a run, as expected values.
class ExpectedFile : public Tool {
protected:
  void SetUp() override {
    Tool::SetUp();
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    ASSERT_EQ(runSized({"run", "right", "--output", folder}), kExitSuccess);
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  std::string expect(const std::string &name, const std::string &file) {
    return "--expect=" + name + "=" + folder + "/" + file + ".npy";
  }
  /// `out` in double precision, with an error of `error` times its largest
  /// value.
  void writeOut(double error) {
    HostTensor bf16, wide;
    ASSERT_TRUE(readNpy(folder + "/out.npy", MLA_BF16, bf16).ok());
    wide = HostTensor(MLA_F64, bf16.shape);
    double largest = 0;
    for (int64_t i = 0; i < bf16.elements(); ++i)
      if (std::isfinite(bf16.get(i)))
        largest = std::max(largest, std::fabs(bf16.get(i)));
    for (int64_t i = 0; i < bf16.elements(); ++i)
      wide.set(i, bf16.get(i) + error * largest);
    ASSERT_TRUE(writeNpy(folder + "/wide.npy", wide).ok());
  }

  std::string folder = testing::TempDir() + "/mla-expect-XXXXXX";
};

TEST_F(ExpectedFile, ReplacesTheReference) {
  // An operator without a reference needs a file for each output.
  std::vector<std::string> all = {"run", "right", expect("out", "out"),
                                  expect("lse", "lse"),
                                  expect("max_logits", "max_logits")};
  config.load = [load = config.load](const std::string &operand,
                                     std::vector<Subject> &out) {
    Status status = load(operand, out);
    out.back().descriptor.operatorName = "strange";
    return status;
  };
  // The operator's name also changes the inputs.
  ASSERT_EQ(runSized({"run", "right", "--output", folder}), kExitSuccess);
  EXPECT_EQ(runSized(all), kExitSuccess);
  EXPECT_NE(out.str().find("\"checked\":true,\"pass\":true"), std::string::npos)
      << out.str() << err.str();
  all.pop_back();
  EXPECT_EQ(runSized(all), kExitFailure);
  EXPECT_NE(err.str().find("operator 'strange' has no reference to check "
                           "against; expected --expect NAME=FILE.npy"),
            std::string::npos)
      << err.str();
}

TEST_F(ExpectedFile, OutputsWithoutOneGoByTheReference) {
  EXPECT_EQ(runSized({"run", "right", expect("out", "out")}), kExitSuccess)
      << out.str() << err.str();
  EXPECT_NE(out.str().find("\"checked\":true,\"pass\":true"),
            std::string::npos);
  EXPECT_EQ(runSized({"run", "wrong", expect("out", "out")}), kExitFailure);
}

TEST_F(ExpectedFile, ToleranceIsInUnitsOfTheLargestMagnitude) {
  for (double error : {0.0, 0.005, -0.005}) {
    writeOut(error);
    EXPECT_EQ(runSized({"run", "right", expect("out", "wide")}), kExitSuccess)
        << out.str() << err.str();
  }
  writeOut(0.009);
  EXPECT_EQ(runSized({"run", "right", expect("out", "wide")}), kExitFailure);
  EXPECT_NE(out.str().find("elements differ"), std::string::npos);
  EXPECT_EQ(
      runSized({"run", "right", expect("out", "wide"), "--tolerance=0.01"}),
      kExitSuccess)
      << out.str();
}

TEST_F(ExpectedFile, FilesThatDoNotFitAreNamed) {
  EXPECT_EQ(runSized({"run", "right", expect("lse", "out")}), kExitFailure);
  EXPECT_NE(err.str().find("out.npy': expected dtype '<f4' (f32) or '<f8' "
                           "(f64), got '<u2'"),
            std::string::npos)
      << err.str();
  EXPECT_EQ(runSized({"run", "right", expect("out", "lse")}), kExitFailure);
  EXPECT_NE(err.str().find("expected output 'out': expected a file of 5 x 4 x "
                           "8, got 5 x 4"),
            std::string::npos)
      << err.str();
  EXPECT_EQ(runSized({"run", "right", expect("oot", "out")}), kExitFailure);
  EXPECT_NE(
      err.str().find("the kernel has no such output; did you mean 'out'?"),
      std::string::npos)
      << err.str();
  EXPECT_EQ(runSized({"run", "right", expect("q", "out")}), kExitFailure);
  EXPECT_EQ(runSized({"run", "right", expect("out", "none")}), kExitFailure);
  EXPECT_NE(err.str().find("cannot read"), std::string::npos);
}

} // namespace
