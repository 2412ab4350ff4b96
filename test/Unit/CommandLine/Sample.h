//===- Sample.h - a tool with two commands ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TEST_UNIT_COMMANDLINE_SAMPLE_H
#define MLA_TEST_UNIT_COMMANDLINE_SAMPLE_H

#include "mla/CommandLine/CommandLine.h"

#include "gtest/gtest.h"

#include <sstream>

namespace mla::cli {

/// Its command `run` prints what it has read.
class Sample : public testing::Test {
protected:
  Sample() : tool("mla-test", "Tests command lines.", "1.2.3") {
    Command &run = tool.command("run", "run kernels", "Run");
    run.describe("Runs kernels.").example("mla-test run a.mlir --seed 3");
    run.operands("FILE...", [this](const std::string &word) {
      words.push_back(word);
      return "";
    });
    run.group("Inputs");
    run.option("--seed", "N", readInteger(seed, 1, 10), "seed (default 1)");
    run.option("--h", "X",
               readNumber([this](double x) { number = x; },
                          [](double x) { return x > 0; }, "a number above 0"),
               "it's [a: number]");
    run.option("--device", "NAME",
               readList(readWord({"gpu", "sim"}, [](size_t) {})), "where")
        .offer({"gpu", "sim"});
    run.option("--input", "NAME=FILE",
               readPair<std::string>(
                   files, "NAME=FILE",
                   [](const std::string &value, std::string &out) {
                     out = value;
                     return true;
                   }),
               "inputs")
        .repeatable()
        .offerFiles();
    run.option("-o", "FILE", readText(output), "output").offerFiles();
    run.flag("--check,--verify", check, "check");
    run.option("--old", "N", readText(old), "")
        .replacedBy([](const std::string &value) { return "--seed " + value; });
    run.check([this] { return seed == 7 ? "expected another seed" : ""; });
    run.action([this](std::ostream &out, std::ostream &) {
      for (const std::string &word : words)
        out << word << " ";
      out << seed << " " << number << " " << output << (check ? " check" : "")
          << "\n";
      return kExitSuccess;
    });
    Command &info = tool.command("package", "print versions", "Tool");
    info.flag("--json", json, "as JSON");
    info.action(
        [](std::ostream &, std::ostream &) -> int { throw std::bad_alloc(); });
  }

  int call(const std::vector<std::string> &line) {
    return tool.run(line, out, err);
  }

  std::vector<std::string> words;
  std::map<std::string, std::string> files;
  std::string output, old;
  int seed = 1;
  double number = 0;
  bool check = false, json = false;
  Tool tool;
  std::ostringstream out, err;
};

} // namespace mla::cli

#endif // MLA_TEST_UNIT_COMMANDLINE_SAMPLE_H
