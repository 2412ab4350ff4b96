//===- ToolFixture.h - the tool without a GPU -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TEST_UNIT_HARNESS_TOOLFIXTURE_H
#define MLA_TEST_UNIT_HARNESS_TOOLFIXTURE_H

#include "Sample.h"

#include "mla/Harness/CommandLine.h"

#include <algorithm>
#include <sstream>

namespace mla::harness {

/// Replaces the GPU: writes the expected outputs, with an error if `wrong`.
inline Status execute(std::vector<HostArgument> &arguments, bool wrong) {
  std::vector<ExpectedOutput> expected;
  MLA_RETURN_IF_ERROR(sparsePrefillReference(arguments, expected));
  for (const ExpectedOutput &output : expected) {
    HostTensor &tensor = tensorOf(arguments, output.name);
    for (int64_t i = 0; i < tensor.elements(); ++i)
      tensor.set(tensor.offsetOf(i), output.values[i] + (wrong ? 0.5 : 0));
  }
  return Status();
}

class Tool : public testing::Test {
protected:
  void SetUp() override {
    config.name = "mla-test";
    config.summary = "tests";
    config.operandName = "KERNEL";
    config.load = [](const std::string &operand,
                     std::vector<Subject> &all) -> Status {
      if (operand == "missing")
        return Status(MLA_NOT_FOUND, "no kernel 'missing'");
      Subject &out = all.emplace_back();
      out.label = operand;
      out.descriptor = sparsePrefillDescriptor();
      if (operand == "strange")
        out.descriptor.operatorName = "strange";
      out.executor = [operand](std::vector<HostArgument> &arguments,
                               double &ms) {
        ms = 1.5;
        return operand == "strange" ? Status()
                                    : execute(arguments, operand == "wrong");
      };
      return Status();
    };
    config.declare = [](mla::cli::Command &command) {
      auto take = [](const std::string &) { return ""; };
      command.option("--level", "LEVEL", take, "stops there");
      if (command.getName() == "run")
        command.option("--sides", "N", take, "of `run` alone");
    };
    config.version = "1.2.3";
  }

  int run(std::vector<std::string> words) {
    out.str("");
    err.str("");
    return runTool(config, words, out, err);
  }
  int runSized(std::vector<std::string> words) {
    words.insert(
        words.end(),
        {"--sizes", "s_q=5,s_kv=50,topk=19,h_q=4,h_kv=1,d_qk=16,d_v=8"});
    return run(words);
  }
  void expectUsage(const std::vector<std::string> &words,
                   const std::string &part) {
    EXPECT_EQ(run(words), kExitUsage);
    EXPECT_NE(err.str().find(part), std::string::npos)
        << "expected '" << part << "' in: " << err.str();
    EXPECT_EQ(out.str(), "");
    expectOneLine();
  }
  void expectOneLine() {
    std::string text = err.str();
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
    EXPECT_EQ(text.rfind("error: ", 0), 0u) << text;
  }

  ToolConfig config;
  std::ostringstream out, err;
};

} // namespace mla::harness

#endif // MLA_TEST_UNIT_HARNESS_TOOLFIXTURE_H
