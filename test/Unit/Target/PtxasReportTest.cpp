//===- PtxasReportTest.cpp - Parser and gate on real logs -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The logs are what ptxas 13.0.88 printed for hand-written PTX, unless said.
//
//===----------------------------------------------------------------------===//

#include "mla/Target/PtxasReport.h"
#include "TestSupport.h"

using namespace mla;

/// Two kernels: 60 values alive under `.maxnreg 24`, and one without spills.
static constexpr llvm::StringLiteral kSpills = R"(
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'clean' for 'sm_90a'
ptxas info    : Function properties for clean
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 22 registers, used 0 barriers
ptxas info    : Compile time = 27.744 ms
ptxas info    : Compiling entry function 'spills' for 'sm_90a'
ptxas info    : Function properties for spills
    288 bytes stack frame, 284 bytes spill stores, 284 bytes spill loads
ptxas info    : Used 24 registers, used 0 barriers, 288 bytes cumulative stack size
ptxas info    : Compile time = 14.438 ms
)";

/// `.local` and `.shared` arrays, barriers 0 and 3.
static constexpr llvm::StringLiteral kBarriers = R"(
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'barrier_kernel' for 'sm_90a'
ptxas info    : Function properties for barrier_kernel
    64 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 10 registers, used 4 barriers, 64 bytes cumulative stack size, 4096 bytes smem
ptxas info    : Compile time = 4.413 ms
)";

/// An accumulator is changed between commit and wait.
static constexpr llvm::StringLiteral kInjectedWait = R"(
ptxas info    : (C7517) warpgroup.wait is injected in around line 48 by compiler to allow use of registers defined by GMMA in function 'touches_early'
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'touches_early' for 'sm_90a'
ptxas info    : Function properties for touches_early
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 58 registers, used 0 barriers
ptxas info    : Compile time = 5.091 ms
)";

/// An extern call between commit and wait (ptxas -c).
static constexpr llvm::StringLiteral kSerialised = R"(
ptxas info    : (C7509) Potential Performance Loss: wgmma.mma_async instructions are serialized due to the presence of Extern calls in the function 'serialised'
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'serialised' for 'sm_90a'
ptxas info    : Function properties for serialised
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 106 registers, used 0 barriers
ptxas info    : Compile time = 29.448 ms
)";

/// setmaxnreg without launch bounds; the message names no function.
static constexpr llvm::StringLiteral kIgnoredSetmaxnreg = R"(
ptxas info    : (C7508) Potential Performance Loss: 'setmaxnreg' ignored; unable to determine register count at entry.
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'ignored' for 'sm_90a'
ptxas info    : Function properties for ignored
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 8 registers, used 0 barriers
ptxas info    : Compile time = 8.703 ms
)";

/// A device function follows its kernel and has no line of resources.
static constexpr llvm::StringLiteral kDeviceFunction = R"(
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'uses_const' for 'sm_90a'
ptxas info    : Function properties for uses_const
    32 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 10 registers, used 0 barriers, 32 bytes cumulative stack size
ptxas info    : Compile time = 3.241 ms
ptxas info    : Function properties for helper
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
)";

/// Made by hand: the constant banks as ptxas printed them up to 12.8.
static constexpr llvm::StringLiteral kConstantBanks = R"(
ptxas info    : 0 bytes gmem, 256 bytes cmem[3]
ptxas info    : Compiling entry function 'k' for 'sm_90a'
ptxas info    : Function properties for k
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 10 registers, used 0 barriers, 352 bytes cmem[0], 8 bytes cmem[2]
)";

static PtxasReport parse(llvm::StringRef log) {
  llvm::Expected<PtxasReport> report = parsePtxasLog(log);
  if (report)
    return std::move(*report);
  ADD_FAILURE() << text(report.takeError());
  return {};
}

static std::string check(llvm::StringRef log, const ReportLimits &limits = {}) {
  return text(checkReport(parse(log), limits));
}

/// `log` with each `from` replaced.
static std::string edit(llvm::StringRef log, llvm::StringRef from,
                        llvm::StringRef to) {
  std::string result = log.str();
  size_t at = result.find(from.str());
  EXPECT_NE(at, std::string::npos);
  return result.replace(at, from.size(), to.str());
}

TEST(PtxasReport, NumbersOfEachKernel) {
  PtxasReport report = parse(kSpills);
  ASSERT_EQ(report.functions.size(), 2u);
  const FunctionReport *clean = report.find("clean");
  ASSERT_TRUE(clean);
  EXPECT_TRUE(clean->isEntry);
  EXPECT_EQ(clean->registers, 22u);
  EXPECT_EQ(clean->stackBytes, 0u);
  EXPECT_EQ(clean->spillStoreBytes, 0u);
  const FunctionReport *spills = report.find("spills");
  ASSERT_TRUE(spills);
  EXPECT_EQ(spills->registers, 24u);
  EXPECT_EQ(spills->stackBytes, 288u);
  EXPECT_EQ(spills->spillStoreBytes, 284u);
  EXPECT_EQ(spills->spillLoadBytes, 284u);
  EXPECT_FALSE(report.find("other"));
  EXPECT_TRUE(report.warnings.empty());
}

TEST(PtxasReport, BarriersAndSharedMemory) {
  PtxasReport report = parse(kBarriers);
  const FunctionReport *f = report.find("barrier_kernel");
  ASSERT_TRUE(f);
  EXPECT_EQ(f->barriers, 4u);
  EXPECT_EQ(f->staticSharedBytes, 4096u);
  EXPECT_EQ(f->stackBytes, 64u);
}

TEST(PtxasReport, ConstantBanksOfOlderVersionsAreSummed) {
  PtxasReport report = parse(kConstantBanks);
  ASSERT_TRUE(report.find("k"));
  EXPECT_EQ(report.find("k")->constantBytes, 360u);
}

TEST(PtxasReport, WarningsHaveCodeAndFunction) {
  PtxasReport report = parse(kInjectedWait);
  ASSERT_EQ(report.warnings.size(), 1u);
  EXPECT_EQ(report.warnings[0].code, "C7517");
  EXPECT_EQ(report.warnings[0].function, "touches_early");
  EXPECT_TRUE(llvm::StringRef(report.warnings[0].text)
                  .starts_with("warpgroup.wait is injected"));
}

TEST(PtxasReport, WarningWithoutFunctionGoesToTheOnlyKernel) {
  PtxasReport one = parse(kIgnoredSetmaxnreg);
  ASSERT_EQ(one.warnings.size(), 1u);
  EXPECT_EQ(one.warnings[0].function, "ignored");
  PtxasReport three = parse(kIgnoredSetmaxnreg.str() + kSpills.str());
  ASSERT_EQ(three.warnings.size(), 1u);
  EXPECT_EQ(three.warnings[0].function, "");
}

TEST(PtxasReport, DeviceFunctionIsNoKernel) {
  PtxasReport report = parse(kDeviceFunction);
  ASSERT_TRUE(report.find("helper"));
  EXPECT_FALSE(report.find("helper")->isEntry);
  EXPECT_TRUE(report.find("uses_const")->isEntry);
  std::string log = edit(
      kDeviceFunction, "helper\n    0 bytes stack frame, 0 bytes spill stores",
      "helper\n    8 bytes stack frame, 8 bytes spill stores");
  EXPECT_TRUE(contains(check(log), "device function 'helper': expected at most "
                                   "0 bytes of spills, got 8 bytes"));
}

TEST(PtxasReport, PlainWarningIsKeptAndPasses) {
  std::string log =
      "ptxas kernel.ptx, line 12; warning : something old\n" +
      edit(kBarriers, "64 bytes stack frame", "0 bytes stack frame");
  ReportLimits limits;
  limits.maxStackBytes = 64;
  PtxasReport report = parse(log);
  ASSERT_EQ(report.warnings.size(), 1u);
  EXPECT_EQ(report.warnings[0].code, "");
  EXPECT_EQ(report.warnings[0].text, "something old");
  EXPECT_EQ(check(log, limits), "");
}

TEST(PtxasReport, MissingNumbersAreAnError) {
  // The gate must not pass because ptxas changed its wording.
  for (llvm::StringRef word :
       {"registers", "spill stores", "bytes stack frame", "Used"})
    EXPECT_TRUE(contains(errorText(parsePtxasLog(edit(kBarriers, word, "?"))),
                         "barrier_kernel"))
        << word.str();
}

TEST(PtxasReportGate, CleanKernelPasses) {
  llvm::StringRef clean = llvm::StringRef(kSpills)
                              .split("ptxas info    : "
                                     "Compile time")
                              .first;
  EXPECT_EQ(check(clean), "");
}

TEST(PtxasReportGate, NamesKernelAndNumbersOfSpills) {
  EXPECT_EQ(
      check(kSpills),
      "kernel 'spills': expected at most 0 bytes of spills, got 284 bytes "
      "of spill stores and 284 bytes of spill loads at 24 registers\n"
      "kernel 'spills': expected a stack frame of at most 0 bytes, got "
      "288");
}

TEST(PtxasReportGate, StackWithoutSpills) {
  EXPECT_EQ(check(kBarriers), "kernel 'barrier_kernel': expected a stack frame "
                              "of at most 0 bytes, got 64");
}

TEST(PtxasReportGate, LimitsLetThrough) {
  ReportLimits limits;
  limits.maxStackBytes = 288;
  limits.maxSpillBytes = 284;
  EXPECT_EQ(check(kSpills, limits), "");
  limits.maxSpillBytes = 283;
  EXPECT_NE(check(kSpills, limits), "");
  limits = {};
  limits.maxStackBytes = 63;
  EXPECT_NE(check(kBarriers, limits), "");
}

TEST(PtxasReportGate, EveryC75CodeIsAnError) {
  EXPECT_TRUE(contains(check(kInjectedWait),
                       "kernel 'touches_early': ptxas C7517: warpgroup.wait"));
  EXPECT_TRUE(contains(check(kSerialised), "kernel 'serialised': ptxas C7509"));
  EXPECT_TRUE(
      contains(check(kIgnoredSetmaxnreg), "kernel 'ignored': ptxas C7508"));
  ReportLimits limits;
  limits.allowedCodes = {"C7517"};
  EXPECT_EQ(check(kInjectedWait, limits), "");
  EXPECT_NE(check(kSerialised, limits), "");
}

TEST(PtxasReportGate, RepeatedCodesAreCounted) {
  std::string line = kInjectedWait.substr(0, kInjectedWait.find('\n', 1)).str();
  std::string log = line + edit(line, "line 48", "line 52") +
                    edit(line, "line 48", "line 60") + kInjectedWait.str();
  std::string result = check(log);
  EXPECT_TRUE(contains(result, "line 48"));
  EXPECT_FALSE(contains(result, "line 52"));
  EXPECT_TRUE(contains(result, "(and 3 more of this code)"));
  EXPECT_FALSE(contains(check(kInjectedWait), "more of this code"));
}

TEST(PtxasReportGate, PerformanceLossUnderAnotherCode) {
  EXPECT_NE(check(edit(kSerialised, "(C7509) ", "(C8001) ")), "");
  EXPECT_NE(check(edit(kSerialised, "(C7509) ", "")), "");
}

TEST(PtxasReportGate, NoKernelIsAnError) {
  EXPECT_TRUE(contains(check(""), "expected a kernel"));
  EXPECT_TRUE(
      contains(check("ptxas info    : 0 bytes gmem\n"), "expected a kernel"));
}

TEST(PtxasReport, JSON) {
  llvm::json::Value json = toJSON(parse(kInjectedWait));
  const llvm::json::Object *root = json.getAsObject();
  ASSERT_TRUE(root);
  const llvm::json::Array *functions = root->getArray("functions");
  ASSERT_TRUE(functions && functions->size() == 1);
  const llvm::json::Object *f = (*functions)[0].getAsObject();
  EXPECT_EQ(f->getString("name"), llvm::StringRef("touches_early"));
  EXPECT_EQ(f->getInteger("registers"), 58);
  EXPECT_EQ(f->getBoolean("entry"), true);
  const llvm::json::Array *warnings = root->getArray("warnings");
  ASSERT_TRUE(warnings && warnings->size() == 1);
  EXPECT_EQ((*warnings)[0].getAsObject()->getString("code"),
            llvm::StringRef("C7517"));
}
