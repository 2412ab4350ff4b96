//===- OperatorHostTest.cpp - the operators that the harness knows --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Sample.h"

#include "mla/Harness/CommandLine.h"
#include "mla/Harness/Fill.h"
#include "mla/Harness/OperatorHost.h"
#include "mla/Harness/Tolerances.h"

#include <algorithm>
#include <cmath>

using namespace mla::harness;

namespace {

TEST(OperatorHost, AreThoseOfTheFoldersByName) {
  std::vector<std::string> names;
  for (const auto &host : operatorHosts()) {
    names.push_back(host->info.name);
    EXPECT_EQ(findOperatorHost(host->info.name), host.get());
  }
  EXPECT_EQ(names, (std::vector<std::string>{
                       "combine", "decode", "dense_attention",
                       "dense_attention_causal", "dense_attention_soft_cap",
                       "prefill", "prefill_backward", "sparse_prefill"}));
}

TEST(OperatorHost, UnknownOnesAreToldTheNearest) {
  EXPECT_EQ(findOperatorHost("combined"), nullptr);
  EXPECT_EQ(describeUnknownOperator("combined"),
            "expected one of combine, decode, prefill, sparse_prefill, "
            "dense_attention, prefill_backward, dense_attention_causal, "
            "dense_attention_soft_cap, got 'combined'");
  EXPECT_EQ(
      describeUnknownOperator("spare_prefill").find("one of sparse_prefill"),
      std::string("expected ").size());
}

TEST(OperatorHost, OptionsAreChecked) {
  OperatorInfo info;
  info.name = "op";
  info.options = {{"base", {"e", "2"}}, {"mask", {"none", "causal"}}};
  EXPECT_TRUE(checkOptions(info, {}).ok());
  EXPECT_TRUE(checkOptions(info, {{"base", "2"}, {"mask", "none"}}).ok());
  EXPECT_EQ(checkOptions(info, {{"bas", "2"}}).message(),
            "op: expected as an option one of base, mask, got 'bas'");
  EXPECT_EQ(checkOptions(info, {{"mask", "casual"}}).message(),
            "op: option 'mask': expected one of causal, none, got "
            "'casual'");
}

/// An operator with required members only.
struct PlainHost : OperatorHost {
  PlainHost() : OperatorHost({"plain", "", {}, {}, {}, ""}) {}
  Status reference(const mla::runtime::KernelDescriptor &,
                   const std::vector<HostArgument> &,
                   std::vector<ExpectedOutput> &) const override {
    return Status();
  }
  double flops(const mla::runtime::KernelDescriptor &,
               const std::vector<HostArgument> &) const override {
    return 0;
  }
};

TEST(OperatorHost, DefaultsArePlainInputsAndEachTensorOnce) {
  HostArgument in, file, out, scalar;
  in.name = "in";
  in.tensor = HostTensor(MLA_BF16, {3, 5}, /*pad=*/4);
  file.name = "file";
  file.tensor = HostTensor(MLA_I32, {7});
  out.name = "out";
  out.access = MLA_WRITE;
  out.tensor = HostTensor(MLA_F32, {2});
  scalar.isTensor = false;
  std::vector<HostArgument> arguments = {in, file, out, scalar};
  PlainHost host;
  EXPECT_EQ(host.bytes({}, arguments), 3 * 5 * 2 + 7 * 4 + 2 * 4);
  InputOptions options;
  options.files["file"] = "file.npy";
  ASSERT_TRUE(host.fill({}, options, arguments).ok());
  EXPECT_NE(arguments[0].tensor.get(0), 0);
  EXPECT_EQ(arguments[1].tensor.storage, file.tensor.storage);
  EXPECT_EQ(arguments[2].tensor.storage, out.tensor.storage);
}

TEST(OperatorHost, DefaultSizesAreThoseThatTheKernelHas) {
  mla::runtime::KernelDescriptor kernel = sparsePrefillDescriptor();
  Sizes all = defaultSizes(kernel);
  EXPECT_EQ(all.size(), kernel.sizeNames.size());
  EXPECT_EQ(all["topk"], 2048);
  kernel.sizeNames = {"s_q", "other"};
  EXPECT_EQ(defaultSizes(kernel), (Sizes{{"s_q", 4096}}));
  kernel.operatorName = "strange";
  EXPECT_TRUE(defaultSizes(kernel).empty());
}

TEST(OperatorHost, TheHelpHasOperatorsExtremesAndBytes) {
  mla::cli::Tool tool("mla-test", "", "");
  addBenchCommand(tool, {});
  std::string help = tool.help("bench");
  size_t longest = 0, end = 0;
  for (size_t at = 0; end != std::string::npos; at = end + 1) {
    end = help.find('\n', at);
    longest = std::max(longest, std::min(end, help.size()) - at);
  }
  EXPECT_LE(longest, 80u);
  for (const auto &host : operatorHosts()) {
    EXPECT_NE(help.find("\n  " + host->info.name + " "), std::string::npos);
    for (const Extreme &extreme : host->info.extremes)
      EXPECT_NE(help.find("\n    " + extreme.name + " "), std::string::npos);
  }
  EXPECT_NE(help.find("\n  combine                partial_out and partial_lse "
                      "only the valid splits\n"),
            std::string::npos)
      << help;
}

TEST(Tolerances, OneRounding) {
  // Half the distance between adjacent numbers: at 1, just below 2, below the
  // least normal number, and of 0.
  EXPECT_EQ(roundingError(MLA_BF16, 1), 0x1p-8);
  EXPECT_EQ(roundingError(MLA_BF16, -1.99), 0x1p-8);
  EXPECT_EQ(roundingError(MLA_F16, 1), 0x1p-11);
  EXPECT_EQ(roundingError(MLA_F16, 0x1p-20), 0x1p-25);
  EXPECT_EQ(roundingError(MLA_F16, 0), 0x1p-25);
  EXPECT_EQ(roundingError(MLA_F32, 4), 0x1p-22);
  EXPECT_EQ(roundingError(MLA_F32, INFINITY), 0);
  // No number is off by more.
  for (mlaDType dtype : {MLA_BF16, MLA_F16, MLA_F32}) {
    HostTensor one(dtype, {1});
    for (double value = 0x1p-30; value < 3e4; value *= 1.0009765625) {
      one.set(0, value);
      EXPECT_LE(std::fabs(one.get(0) - value), roundingError(dtype, value));
    }
  }
}

TEST(Tolerances, Overflow) {
  for (mlaDType dtype : {MLA_BF16, MLA_F16, MLA_F32}) {
    HostTensor one(dtype, {1});
    for (double value : {65519.9, 65520.0, -65520.0, 3.39e38, 3.3961e38, 3.5e38,
                         0x1.fffffep127, -0x1.ffffffp127}) {
      one.set(0, value);
      EXPECT_EQ(std::isinf(overflow(dtype, value)), std::isinf(one.get(0)))
          << value;
    }
  }
  EXPECT_EQ(overflow(MLA_F16, -1e6), -INFINITY);
  EXPECT_EQ(overflow(MLA_F16, 7), 7);
  EXPECT_TRUE(std::isnan(overflow(MLA_F16, NAN)));
}

TEST(Fill, LengthsMeetTheirEnds) {
  HostTensor lengths(MLA_I32, {7});
  fillLengths(lengths, /*stream=*/1, /*most=*/5, /*poison=*/true, {-1, 6});
  EXPECT_EQ(lengths.get(0), 5);
  EXPECT_EQ(lengths.get(1), -1);
  EXPECT_EQ(lengths.get(2), 6);
  for (int64_t row = 3; row < 6; ++row)
    EXPECT_TRUE(lengths.get(row) >= 0 && lengths.get(row) <= 5);
  EXPECT_EQ(lengths.get(6), 0);
  EXPECT_EQ(clampedLength(&lengths, 1, 5), 0);
  EXPECT_EQ(clampedLength(&lengths, 2, 5), 5);
  EXPECT_EQ(clampedLength(nullptr, 2, 5), 5);
  fillLengths(lengths, 1, 5, /*poison=*/false, {-1, 6});
  for (int64_t row = 0; row < 7; ++row)
    EXPECT_EQ(lengths.get(row), 5);
}

} // namespace
