//===- ToolTest.cpp - the command line, without a GPU ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "ToolFixture.h"

#include "mla/Harness/Npy.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace mla::harness;

namespace {

TEST_F(Tool, RightKernelPasses) {
  EXPECT_EQ(runSized({"run", "right", "--check", "--seed=5"}), kExitSuccess)
      << err.str();
  EXPECT_NE(out.str().find("\"package\":\"right\""), std::string::npos);
  EXPECT_NE(out.str().find("\"ms\":1.5"), std::string::npos);
  EXPECT_NE(out.str().find("\"seed\":5"), std::string::npos);
  EXPECT_NE(out.str().find("\"s_q\":5"), std::string::npos);
  EXPECT_NE(out.str().find("\"pass\":true"), std::string::npos);
}

TEST_F(Tool, WrongKernelFails) {
  EXPECT_EQ(runSized({"run", "wrong", "--check"}), kExitFailure);
  EXPECT_NE(out.str().find("\"pass\":false"), std::string::npos);
  EXPECT_NE(out.str().find("elements differ"), std::string::npos);
  // Without --check neither pass nor fail is reported.
  EXPECT_EQ(runSized({"run", "wrong"}), kExitSuccess);
  EXPECT_NE(out.str().find("\"checked\":false"), std::string::npos);
  EXPECT_EQ(out.str().find("pass"), std::string::npos) << out.str();
}

TEST_F(Tool, ResultsThatAreNotTakenAreAnError) {
  // A device that refuses all writes.
  for (std::vector<std::string> words :
       {std::vector<std::string>{"--help"}, {"run", "right", "right"}}) {
    std::ofstream full("/dev/full");
    if (words.front() == "run")
      words.push_back("--sizes=s_q=1,s_kv=5,topk=2,h_q=4,h_kv=1,d_qk=16,d_v=8");
    err.str("");
    EXPECT_EQ(runTool(config, words, full, err), kExitFailure);
    EXPECT_EQ(
        err.str(),
        "error: cannot write to standard output: No space left on device\n");
  }
}

TEST_F(Tool, SeveralKernelsAndCases) {
  const std::string rest = ",s_kv=50,h_q=4,h_kv=1,d_qk=16,d_v=8";
  EXPECT_EQ(run({"run", "right", "wrong", "--check", "--sizes",
                 "s_q=1,topk=3" + rest, "--sizes=s_q=0,topk=19" + rest}),
            kExitFailure);
  std::string text = out.str();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 4) << text;
  EXPECT_NE(text.find("\"s_q\":1,\"topk\":3"), std::string::npos) << text;
}

TEST_F(Tool, PaddingReachesTheKernel) {
  EXPECT_EQ(runSized({"run", "right", "--check", "--pad", "q=16", "--pad=out=8",
                      "--no-poison", "--scale=0.5"}),
            kExitSuccess)
      << out.str() << err.str();
}

TEST_F(Tool, OutputsAreWritten) {
  std::string folder = testing::TempDir() + "/mla-tool-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  ASSERT_EQ(runSized({"run", "right", "--output", folder + "/one"}),
            kExitSuccess)
      << err.str();
  HostTensor tensor;
  Status status = readNpy(folder + "/one/out.npy", MLA_BF16, tensor);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(tensor.shape, (std::vector<int64_t>{5, 4, 8}));
  ASSERT_EQ(runSized({"run", "right", "right", "--output", folder}),
            kExitSuccess);
  EXPECT_TRUE(std::filesystem::exists(folder + "/1/lse.npy"));
  // Written files can be read as inputs.
  EXPECT_EQ(runSized({"run", "right", "--input",
                      "attn_sink=" + folder + "/1/lse.npy"}),
            kExitFailure);
  EXPECT_NE(err.str().find("expected a file of rank 1, got 2"),
            std::string::npos);
  std::filesystem::remove_all(folder);
}

TEST_F(Tool, BadInputIsOneLineAndExitCodeOne) {
  EXPECT_EQ(runSized({"run", "missing"}), kExitFailure);
  EXPECT_EQ(err.str(), "error: no kernel 'missing'\n");
  EXPECT_EQ(run({"run", "right"}), kExitFailure);
  EXPECT_NE(
      err.str().find("run-time sizes are missing; expected --sizes s_q=N"),
      std::string::npos)
      << err.str();
  expectOneLine();
  EXPECT_EQ(run({"run", "right", "--sizes", "batch=3"}), kExitFailure);
  expectOneLine();
  EXPECT_EQ(runSized({"run", "strange", "--check"}), kExitFailure);
  EXPECT_NE(err.str().find("operator 'strange' has no reference"),
            std::string::npos);
  EXPECT_EQ(runSized({"bench", "right"}), kExitFailure);
  EXPECT_NE(err.str().find("right: expected code for the GPU, got none"),
            std::string::npos);
}

TEST_F(Tool, WrongUsageIsExitCodeTwo) {
  expectUsage({}, "expected a command, one of run, help, bench, ");
  expectUsage({"walk"}, "unknown command 'walk', expected one of ");
  expectUsage({"run"}, "expected at least one KERNEL");
  expectUsage({"rum", "right"}, "did you mean 'run'?");
  expectUsage({"run", "right", "--colour"}, "unknown option '--colour'");
  expectUsage({"run", "right", "--chek"},
              "unknown option '--chek'; did you mean '--check'? (see mla-test "
              "run --help)");
  expectUsage({"run", "right", "--seed=1", "--seed=2"},
              "'--seed': expected it once, got '1' and '2'");
  expectUsage({"run", "right", "--check", "--check"},
              "'--check': expected it once");
  expectUsage({"run", "right", "--sizes=s_q=1/2,s_q=3"},
              "'--sizes': size 's_q': expected it once, got 1 and 3");
  expectUsage({"run", "right", "--sizes=s_q=1/"},
              "'--sizes': expected NAME=N with N from 0 to 2147483647, got "
              "'s_q=1/'");
  expectUsage({"run", "right",
               "--sizes=a=1/2/3/4/5/6/7/8,b=1/2/3/4/5/6/7/8,"
               "c=1/2/3/4/5/6/7/8,d=1/2/3/4/5/6/7/8,e=1/2"},
              "'--sizes': expected at most 4096 cases, got more");
  expectUsage({"run", "right", "--size=s_q=1", "--size=s_q=2"},
              "'--size': size 's_q': expected it once, got 1 and 2");
  expectUsage({"run", "right", "--sizes", "s_q=1,topk=3,s_q=1"},
              "'--sizes': size 's_q': expected it once, got 1 and 1");
  expectUsage({"run", "right", "--pad=q=1", "--pad=q=2"},
              "'--pad': expected 'q' once, got 'q=2' too");
  expectUsage({"run", "right", "--input=q=a.npy", "--input=q=b.npy"},
              "'--input': expected 'q' once");
  expectUsage({"run", "right", "--seed", "--check"},
              "'--seed': expected a value, got '--check'");
  expectUsage({"run", "right", "--expect", "out"}, "expected NAME=FILE.npy");
  expectUsage({"run", "right", "--tolerance=0.1"},
              "expected --expect NAME=FILE.npy with it");
  expectUsage({"run", "right", "--expect=out=a.npy", "--tolerance=2"},
              "expected a number from 0 to 1, got '2'");
  expectUsage({"bench", "right", "--expect=out=a.npy"},
              "'--expect': is not one of 'bench' (it is one of run)");
  expectUsage({"bench", "right", "--sides=2"}, "'--sides': is not one of");
  expectUsage({"run", "right", "--size"}, "'--size': expected a value");
  expectUsage({"run", "right", "--size", "s_q"}, "expected NAME=N");
  expectUsage({"run", "right", "--size", "s_q=-1"}, "expected NAME=N");
  expectUsage({"run", "right", "--size", "s_q=1x"}, "expected NAME=N");
  expectUsage({"run", "right", "--sizes", "s_q=1,,topk=2"}, "expected NAME=N");
  expectUsage({"run", "right", "--seed=x"}, "'--seed': expected an integer");
  expectUsage({"run", "right", "--check=1"}, "'--check': takes no value");
  expectUsage({"run", "right", "--invalid=2"},
              "expected a share from 0 to 1, got '2'");
  expectUsage({"run", "right", "--scale=a"}, "expected a number, got 'a'");
  expectUsage({"run", "right", "--scale=inf"},
              "expected a number above 0 that fp32 holds, got 'inf'");
  expectUsage({"run", "right", "--scale=1e50"}, "got '1e50'");
  expectUsage({"run", "right", "--scale=nan"}, "got 'nan'");
  expectUsage({"run", "right", "--magnitude=0"},
              "expected a number from 1e-15 to 1e15, got '0'");
  expectUsage({"run", "right", "--extreme=nan-q,nan-x"},
              "'--extreme': expected one of nan-q, nan-v, nan-k, nan-kv, ");
  expectUsage({"run", "right", "--size", "s_q=2147483648"},
              "expected NAME=N with N from 0 to 2147483647");
  expectUsage({"run", "right", "--pad", "q"}, "expected NAME=N");
  for (const char *order : {"q", "q=", "q=0,", "q=0,,1", "q=x", "q=0,8"})
    expectUsage({"run", "right", "--order", order},
                std::string("'--order': expected NAME=D,... with dimensions D, "
                            "got '") +
                    order + "'");
  expectUsage({"run", "right", "--input", "q="}, "expected NAME=FILE.npy");
  expectUsage({"run", "right", "--rounds=2"}, "is not one of 'run'");
  expectUsage({"bench", "right", "--check"}, "is not one of 'bench'");
  expectUsage({"bench", "right", "--iterations=0"}, "expected an integer");
  expectUsage({"bench", "right", "--gap=0"},
              "'--gap': expected milliseconds above 0, at most 60000, got '0'");
  expectUsage({"bench", "right", "--modes=foo"},
              "'--modes': expected some of b2b, gap, flush, graph, "
              "graph-flush, got 'foo'");
  expectUsage({"bench", "right", "--modes=b2b,"}, "graph-flush, got ''");
  expectUsage({"bench", "right", "--modes=gap,b2b,gap"},
              "expected each mode once, got 'gap' twice");
  expectUsage({"bench", "right", "--modes="}, "'--modes': expected a value");
  expectUsage({"run", "right", "--modes=b2b"},
              "'--modes': is not one of 'run'");
  expectUsage({"bench", "right", "--progress=1"}, "takes no value");
  expectUsage({"run", "right", "--level="}, "'--level': expected a value");
  expectUsage({"run", "right", "--peer=a.so"}, "'--peer': is not one of 'run'");
  expectUsage({"--peer=a.so", "bench", "right"},
              "expected a command, one of run, help, bench, completion, got "
              "'--peer=a.so'");
  expectUsage({"bench", "right", "--peer="}, "'--peer': expected a value");
}

TEST_F(Tool, OptionsOfTheToolAreTaken) {
  EXPECT_EQ(runSized({"run", "right", "--level=cta"}), kExitSuccess)
      << err.str();
  // The value may be the next word.
  EXPECT_EQ(runSized({"run", "right", "--level", "cta", "--sides", "2"}),
            kExitSuccess)
      << err.str();
  config.fault = [](const ToolOptions &options) {
    return options.check ? "no check today" : "";
  };
  expectUsage({"run", "right", "--check"}, "no check today");
}

TEST_F(Tool, Version) {
  EXPECT_EQ(run({"--version"}), kExitSuccess);
  EXPECT_EQ(out.str(), "1.2.3\n");
}

TEST_F(Tool, HelpIsByCommand) {
  for (const std::vector<std::string> &words :
       {std::vector<std::string>{"run", "--help"}, {"help", "run"}}) {
    EXPECT_EQ(run(words), kExitSuccess);
    EXPECT_NE(out.str().find("--check"), std::string::npos);
    EXPECT_NE(out.str().find("--sides N"), std::string::npos);
    EXPECT_EQ(out.str().find("--warmup"), std::string::npos);
    EXPECT_NE(out.str().find("Exit codes: "), std::string::npos);
  }
  EXPECT_EQ(run({"bench", "-h"}), kExitSuccess);
  EXPECT_NE(out.str().find("--warmup"), std::string::npos);
  EXPECT_EQ(out.str().find("--check"), std::string::npos);
  EXPECT_EQ(out.str().find("--sides N"), std::string::npos);
}

TEST_F(Tool, HelpNamesEveryOption) {
  std::string text;
  for (const char *command : {"run", "bench"}) {
    EXPECT_EQ(run({command, "--help"}), kExitSuccess);
    text += out.str();
  }
  for (const char *option :
       {"--magnitude ", "--extreme ", "nan-kv",        "huge-scores ",
        "--sizes ",     "--seed ",    "--poison",      "--no-poison",
        "--invalid ",   "--scale ",   "--pad ",        "--input ",
        "--check",      "--output ",  "--iterations ", "--modes ",
        "--warmup ",    "--rounds ",  "--gap ",        "--progress ",
        "--peer ",      "--level ",   "Example:",      "--tolerance ",
        "--without ",   "--phase ",   "--order "})
    EXPECT_NE(text.find(option), std::string::npos) << option;
  // Old spellings are in no help.
  EXPECT_EQ(text.find("--size "), std::string::npos);
  EXPECT_EQ(err.str(), "");
}

TEST_F(Tool, OldSpellingsAreNoted) {
  EXPECT_EQ(run({"run", "right", "--size", "s_q=5", "--size=s_kv=50", "--size",
                 "h_q=4,h_kv=1,d_qk=16,d_v=8", "--sizes", "topk=3", "--sizes",
                 "topk=4"}),
            kExitSuccess)
      << err.str();
  EXPECT_NE(out.str().find("\"s_q\":5,\"topk\":4"), std::string::npos);
  EXPECT_EQ(err.str().find("note: '--size' is an old spelling, which the next "
                           "release refuses: write --sizes s_q=5\n"),
            0u)
      << err.str();
}

TEST_F(Tool, SizesWithListsAreCases) {
  EXPECT_EQ(run({"run", "right", "--sizes",
                 "s_q=1/2,s_kv=50,topk=3/4,h_q=4,h_kv=1,d_qk=16,d_v=8"}),
            kExitSuccess)
      << err.str();
  std::string text = out.str();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 4);
  EXPECT_NE(text.find("\"s_q\":2,\"topk\":3"), std::string::npos) << text;
}

TEST_F(Tool, BenchDefaultsToValidInputs) {
  ToolOptions seen;
  config.fault = [&](const ToolOptions &options) {
    seen = options;
    return "stop";
  };
  EXPECT_EQ(run({"bench", "right"}), kExitUsage);
  EXPECT_FALSE(seen.inputs.poison);
  EXPECT_EQ(seen.inputs.invalidShare, 0);
  EXPECT_EQ(seen.iterations, 20);
  EXPECT_EQ(seen.rounds, 5);
  EXPECT_EQ(seen.modes, (std::vector<Mode>{Mode::BackToBack, Mode::Gap}));
  EXPECT_EQ(run({"bench", "right", "--invalid", "0.25"}), kExitUsage);
  EXPECT_EQ(seen.inputs.invalidShare, 0.25);
  EXPECT_EQ(run({"run", "right"}), kExitUsage);
  EXPECT_TRUE(seen.inputs.poison);
  EXPECT_EQ(seen.inputs.invalidShare, 0.1);
}

TEST(PackageSubject, ErrorsNameTheFolder) {
  std::vector<Subject> subjects;
  expectFailure(loadPackageSubject("/none/package", subjects),
                "package '/none/package': no such folder");
}

} // namespace
