//===- CommandLineTest.cpp - words, options and names ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Harness/CommandLine.h"

#include "gtest/gtest.h"

using namespace mla::harness;

namespace {

constexpr char kHelp[] = R"(usage: tool [options]

  a line of text, --none
  --check                a flag; --neither
  --poison, --no-poison  two
  --device=NAME          a value
  --size NAME=N, --sizes A=N,...  two values
  --roof N[,LABEL]       a value with a comma
                         --more of it
  -o FILE                short
  --last=X
)";

std::vector<std::string> join(const std::vector<std::string> &words) {
  std::vector<std::string> out;
  EXPECT_EQ(joinValues(readOptions(kHelp), words, out), "");
  return out;
}

std::string fault(const std::vector<std::string> &words) {
  std::vector<std::string> out;
  return joinValues(readOptions(kHelp), words, out);
}

TEST(CommandLine, HelpListsOptions) {
  std::string flags, values;
  for (const OptionName &option : readOptions(kHelp))
    (option.hasValue ? values : flags) += option.name + " ";
  EXPECT_EQ(flags, "--check --poison --no-poison ");
  EXPECT_EQ(values, "--device --size --sizes --roof -o --last ");
}

TEST(CommandLine, ValuesAreTheNextWordOrBehindEquals) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(join({"--device", "sim", "a", "--check", "b"}),
            (Words{"--device=sim", "a", "--check", "b"}));
  EXPECT_EQ(join({"--device=sim", "-o", "f", "-o=g"}),
            (Words{"--device=sim", "-o=f", "-o=g"}));
  EXPECT_EQ(join({"--size", "a=1", "--last", "-1"}),
            (Words{"--size=a=1", "--last=-1"}));
  // An operand, and an empty value that its option may judge.
  EXPECT_EQ(join({"-", "--device="}), (Words{"-", "--device="}));
  EXPECT_EQ(join({"--help", "-h"}), (Words{"--help", "-h"}));
}

TEST(CommandLine, Faults) {
  EXPECT_EQ(fault({"--colour"}), "unknown option '--colour'");
  EXPECT_EQ(fault({"--devise=sim"}),
            "unknown option '--devise'; did you mean '--device'?");
  EXPECT_EQ(fault({"--device"}), "option '--device': expected a value");
  EXPECT_EQ(fault({"--device", "--check"}),
            "option '--device': expected a value");
  EXPECT_EQ(fault({"--size", "--device=sim"}),
            "option '--size': expected a value");
  EXPECT_EQ(fault({"--check=1"}), "option '--check': takes no value");
}

TEST(CommandLine, TheNearestNameIsSuggested) {
  std::vector<std::string> names = {"seesaw", "shared-p", "split-columns"};
  EXPECT_EQ(suggest("sesaw", names), "; did you mean 'seesaw'?");
  EXPECT_EQ(suggest("split-column", names), "; did you mean 'split-columns'?");
  EXPECT_EQ(suggest("shared", names), "; did you mean 'shared-p'?");
  EXPECT_EQ(suggest("best", names), "");
  EXPECT_EQ(suggest("", names), "");
  EXPECT_EQ(suggest("x", {}), "");
}

TEST(CommandLine, Sizes) {
  Sizes sizes;
  EXPECT_EQ(readSizes("s_q=1,s_kv=0", sizes), "");
  EXPECT_EQ(readSizes("topk=2147483647", sizes), "");
  EXPECT_EQ(sizes, (Sizes{{"s_q", 1}, {"s_kv", 0}, {"topk", 2147483647}}));
  EXPECT_EQ(readSizes("s_q=2", sizes),
            "size 's_q': expected it once, got 1 and 2");
  for (const char *bad :
       {"", "a", "=1", "a=", "a=-1", "a=1x", "a= 1", "a=+1", "a=2147483648",
        "a=9223372036854775808", "b=1,", "b=?"})
    EXPECT_NE(readSizes(bad, sizes)
                  .find("expected NAME=N with N from 0 to 2147483647"),
              std::string::npos)
        << bad;
}

} // namespace
