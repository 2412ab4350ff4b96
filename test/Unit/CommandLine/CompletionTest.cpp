//===- CompletionTest.cpp - scripts that complete command lines -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Sample.h"

using namespace mla::cli;

namespace {

TEST_F(Sample, BashKnowsOptionsAndTheirValues) {
  EXPECT_EQ(call({"completion", "bash"}), kExitSuccess);
  for (const char *part :
       {"compgen -W 'run package completion help --help --version'",
        "options='--seed --h --device --input -o --check --help'",
        "--device) values='gpu sim' ;;", "-o) values='' files=1 ;;",
        "complete -F _mla_test mla-test"})
    EXPECT_NE(out.str().find(part), std::string::npos) << part;
  EXPECT_EQ(out.str().find("--old"), std::string::npos);
}

TEST_F(Sample, ZshKnowsOptionsAndTheirValues) {
  EXPECT_EQ(call({"completion", "zsh"}), kExitSuccess);
  for (const char *part :
       {"#compdef mla-test", "'run:run kernels'",
        R"('--h=[it'\''s \[a\: number\]]:X:')",
        "'--device=[where]:NAME:(gpu sim)'", "'-o+[output]:FILE:_files'",
        "'*--input=[inputs]:NAME=FILE:_files'", "'--check[check]'"})
    EXPECT_NE(out.str().find(part), std::string::npos)
        << part << " in " << out.str();
  EXPECT_EQ(out.str().find("--old"), std::string::npos);
}

} // namespace
