//===- CommandLineTest.cpp - commands, options and names ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Sample.h"
#include "mla/Support/NearNames.h"

#include <fstream>

using namespace mla::cli;

namespace {

class CommandLine : public Sample {
protected:
  void expectOutput(const std::vector<std::string> &line,
                    const std::string &text) {
    EXPECT_EQ(call(line), kExitSuccess) << err.str();
    EXPECT_EQ(out.str(), text);
    EXPECT_EQ(err.str(), "");
  }
  /// One line on stderr, and nothing that is done.
  void expectFault(const std::vector<std::string> &line,
                   const std::string &text) {
    EXPECT_EQ(call(line), kExitUsage);
    EXPECT_EQ(out.str(), "");
    EXPECT_EQ(err.str(), "error: " + text + "\n");
  }
};

/// A test for each command line: tools read one.
#define OUTPUT_TEST(NAME, TEXT, ...)                                           \
  TEST_F(CommandLine, NAME) { expectOutput({__VA_ARGS__}, TEXT); }
#define FAULT_TEST(NAME, TEXT, ...)                                            \
  TEST_F(CommandLine, NAME) { expectFault({__VA_ARGS__}, TEXT); }

OUTPUT_TEST(ValueIsTheNextWord, "a b 3 64 f check\n", "run", "a", "--seed", "3",
            "--h", "64", "-o", "f", "--check", "b")
OUTPUT_TEST(ValueStandsBehindEquals, "a 3 64 f check\n", "run", "--seed=3",
            "--h=64", "-o=f", "--verify", "a")
OUTPUT_TEST(ValueStandsBehindAShortName, "1 0 f=g\n", "run", "-of=g")
OUTPUT_TEST(OperandsMayBeNamesOfCommands, "package help 1 0 \n", "run",
            "package", "help")
OUTPUT_TEST(OperandsBehindTwoDashes, "-b --seed 1 0 \n", "run", "--", "-b",
            "--seed")
OUTPUT_TEST(ADashIsAnOperandAndAValue, "- 1 0 -\n", "run", "-", "-o", "-")
OUTPUT_TEST(BracketsStayTogether, "[a,b] 1 0 \n", "run", "[a,b]")
OUTPUT_TEST(Version, "1.2.3\n", "--version")

FAULT_TEST(NoCommand,
           "expected a command, one of run, help, package, completion (see "
           "mla-test --help)")
FAULT_TEST(UnknownCommand,
           "unknown command 'rum', expected one of run, help, package, "
           "completion; did you mean 'run'? (see mla-test --help)",
           "rum", "a")
FAULT_TEST(OptionInFrontOfTheCommand,
           "expected a command, one of run, help, package, completion, got "
           "'--seed=1' (see mla-test --help)",
           "--seed=1", "run")
FAULT_TEST(UnknownOption,
           "unknown option '--sed'; did you mean '--seed'? (see mla-test run "
           "--help)",
           "run", "a", "--sed=3")
FAULT_TEST(UnknownOptionThatIsFar,
           "unknown option '--colour' (see mla-test run --help)", "run",
           "--colour")
FAULT_TEST(UnknownShortOption, "unknown option '-x' (see mla-test run --help)",
           "run", "-x")
FAULT_TEST(OptionOfAnotherCommand,
           "option '--seed': is not one of 'package' (it is one of run) (see "
           "mla-test package --help)",
           "package", "--seed", "3")
FAULT_TEST(NoValue,
           "option '--seed': expected a value (see mla-test run --help)", "run",
           "--seed")
FAULT_TEST(EmptyValue,
           "option '--seed': expected a value (see mla-test run --help)", "run",
           "--seed=", "3")
FAULT_TEST(EmptyWord, "option '-o': expected a value (see mla-test run --help)",
           "run", "-o", "")
FAULT_TEST(OptionForAValue,
           "option '--seed': expected a value, got '--check' (see mla-test run "
           "--help)",
           "run", "--seed", "--check")
FAULT_TEST(ValueThatBeginsWithADash,
           "option '-o': expected a value, got '-file' (see mla-test run "
           "--help)",
           "run", "-o", "-file")
FAULT_TEST(ValueOfAFlag,
           "option '--check': takes no value (see mla-test run --help)", "run",
           "--check=1")
FAULT_TEST(RepeatedOption,
           "option '--seed': expected it once, got '1' and '2' (see mla-test "
           "run --help)",
           "run", "--seed=1", "a", "--seed", "2")
FAULT_TEST(RepeatedFlag,
           "option '--check': expected it once (see mla-test run --help)",
           "run", "--check", "--verify")
FAULT_TEST(IntegerOutOfRange,
           "option '--seed': expected an integer from 1 to 10, got '11' (see "
           "mla-test run --help)",
           "run", "--seed=11")
FAULT_TEST(IntegerThatNoTypeHolds,
           "option '--seed': expected an integer from 1 to 10, got "
           "'99999999999999999999' (see mla-test run --help)",
           "run", "--seed=99999999999999999999")
FAULT_TEST(NoInteger,
           "option '--seed': expected an integer from 1 to 10, got '1x' (see "
           "mla-test run --help)",
           "run", "--seed=1x")
FAULT_TEST(NegativeInteger,
           "option '--seed': expected an integer from 1 to 10, got '-1' (see "
           "mla-test run --help)",
           "run", "--seed", "-1")
FAULT_TEST(NoNumber,
           "option '--h': expected a number, got 'a' (see mla-test run --help)",
           "run", "--h=a")
FAULT_TEST(NumberOutOfRange,
           "option '--h': expected a number above 0, got '-inf' (see mla-test "
           "run --help)",
           "run", "--h", "-inf")
FAULT_TEST(UnknownWordOfAList,
           "option '--device': expected one of sim, gpu, got 'sin' (see "
           "mla-test run --help)",
           "run", "--device=gpu,sin")
FAULT_TEST(PairWithoutAValue,
           "option '--input': expected NAME=FILE, got 'q=' (see mla-test run "
           "--help)",
           "run", "--input=q=")
FAULT_TEST(RepeatedPair,
           "option '--input': expected 'q' once, got 'q=b' too (see mla-test "
           "run --help)",
           "run", "--input=q=a", "--input=q=b")
FAULT_TEST(NoOperands,
           "expected no operand, got 'now' (see mla-test package --help)",
           "package", "now")
FAULT_TEST(TheWholeIsChecked, "expected another seed (see mla-test run --help)",
           "run", "--seed=7")
FAULT_TEST(HelpOfAnUnknownCommand,
           "unknown command 'rum', expected one of run, help, package, "
           "completion (see mla-test help --help)",
           "help", "rum")
FAULT_TEST(CompletionOfAnUnknownShell,
           "expected one of bash, zsh, got 'fish' (see mla-test completion "
           "--help)",
           "completion", "fish")
FAULT_TEST(CompletionOfNoShell,
           "expected bash or zsh (see mla-test completion --help)",
           "completion")

TEST_F(CommandLine, FirstFaultIsReported) {
  EXPECT_EQ(call({"run", "--h=a", "--seed=x"}), kExitUsage);
  EXPECT_NE(err.str().find("'--h'"), std::string::npos) << err.str();
}

TEST_F(CommandLine, OldSpellingsAreNoted) {
  EXPECT_EQ(call({"run", "--old", "3"}), kExitSuccess);
  EXPECT_EQ(old, "3");
  EXPECT_EQ(err.str(), "note: '--old' is an old spelling, which the next "
                       "release refuses: write --seed 3\n");
}

TEST_F(CommandLine, OldSpellingsAreNotSuggested) {
  EXPECT_EQ(call({"run", "--oldd", "3"}), kExitUsage);
  EXPECT_EQ(err.str(),
            "error: unknown option '--oldd' (see mla-test run --help)\n");
}

TEST_F(CommandLine, ExceptionsAreErrors) {
  EXPECT_EQ(call({"package"}), kExitFailure);
  EXPECT_EQ(err.str(), "error: std::bad_alloc\n");
}

TEST_F(CommandLine, ResultsThatAreNotTakenAreAnError) {
  std::ofstream full("/dev/full");
  EXPECT_EQ(tool.run({"--help"}, full, err), kExitFailure);
  EXPECT_EQ(err.str(), "error: cannot write to standard output: No space left "
                       "on device\n");
}

TEST_F(CommandLine, HelpOfTheTool) {
  EXPECT_EQ(call({"--help"}), kExitSuccess);
  EXPECT_EQ(out.str(),
            "usage: mla-test COMMAND [options]\n\n"
            "Tests command lines.\n\n"
            "Run:\n"
            "  run         run kernels\n\n"
            "Tool:\n"
            "  package     print versions\n\n"
            "This tool:\n"
            "  completion  print a script that completes command lines\n"
            "  help        print the options of a command\n\n"
            "mla-test COMMAND --help lists the options of a command, mla-test "
            "--version prints\nthe version. An option's value is the next word "
            "or follows '='.\n\n" +
                std::string(kExitCodeHelp));
}

TEST_F(CommandLine, HelpOfACommand) {
  for (const std::vector<std::string> &line :
       {std::vector<std::string>{"run", "--help"},
        {"run", "a", "-h"},
        {"help", "run"}}) {
    out.str("");
    EXPECT_EQ(call(line), kExitSuccess);
    EXPECT_EQ(out.str(), "usage: mla-test run [options] FILE...\n\n"
                         "Runs kernels.\n\n"
                         "Example:\n"
                         "  mla-test run a.mlir --seed 3\n\n"
                         "Inputs:\n"
                         "  --seed N               seed (default 1)\n"
                         "  --h X                  it's [a: number]\n"
                         "  --device NAME          where\n"
                         "  --input NAME=FILE      inputs\n"
                         "  -o FILE                output\n"
                         "  --check, --verify      check\n\n"
                         "Options:\n"
                         "  -h, --help             print this help\n\n" +
                             std::string(kExitCodeHelp));
  }
}

TEST(NearNames, TheNearestNameIsSuggested) {
  using mla::suggest;
  std::vector<std::string> names = {"seesaw", "shared-p", "split-columns"};
  EXPECT_EQ(suggest("sesaw", names), "; did you mean 'seesaw'?");
  EXPECT_EQ(suggest("split-column", names), "; did you mean 'split-columns'?");
  EXPECT_EQ(suggest("shared", names), "; did you mean 'shared-p'?");
  EXPECT_EQ(suggest("best", names), "");
  EXPECT_EQ(suggest("", names), "");
  EXPECT_EQ(suggest("x", {}), "");
}

TEST(NearNames, NearNamesAreListedFirst) {
  using mla::listNames;
  EXPECT_EQ(listNames("x", {}), "none");
  EXPECT_EQ(listNames("x", {"seesaw"}), "seesaw");
  EXPECT_EQ(listNames("swaped", {"seesaw", "swapped"}),
            "one of swapped, seesaw");
  EXPECT_EQ(listNames("j", {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}),
            "one of j, a, b, c, d, e, f, g and 2 more");
}

} // namespace
