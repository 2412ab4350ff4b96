//===- PTXTest.cpp - LLVM IR to PTX ---------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Target/PTX.h"
#include "TestSupport.h"
#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/SourceMgr.h"
#include <thread>

using namespace mla;

static std::unique_ptr<llvm::Module> parse(llvm::LLVMContext &context,
                                           llvm::StringRef text) {
  llvm::SMDiagnostic diagnostic;
  auto module = llvm::parseAssemblyString(text, diagnostic, context);
  EXPECT_TRUE(module) << diagnostic.getMessage().str();
  return module;
}

/// Each thread copies one element from dynamic shared memory.
static constexpr llvm::StringLiteral kCopy = R"(
@smem = external addrspace(3) global [0 x i8], align 16
declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
define ptx_kernel void @copy(ptr addrspace(1) %out) {
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %s = getelementptr float, ptr addrspace(3) @smem, i32 %t
  %v = load float, ptr addrspace(3) %s
  %o = getelementptr float, ptr addrspace(1) %out, i32 %t
  store float %v, ptr addrspace(1) %o
  ret void
}
)";

/// A loop of four iterations; LOOP stands for its metadata.
static std::string countedLoop(llvm::StringRef metadata) {
  return ("define ptx_kernel void @loop(ptr addrspace(1) %p) {\n"
          "entry:\n"
          "  br label %body\n"
          "body:\n"
          "  %i = phi i32 [0, %entry], [%n, %body]\n"
          "  %q = getelementptr float, ptr addrspace(1) %p, i32 %i\n"
          "  %v = load volatile float, ptr addrspace(1) %q\n"
          "  %w = fadd float %v, 1.0\n"
          "  store volatile float %w, ptr addrspace(1) %q\n"
          "  %n = add nuw nsw i32 %i, 1\n"
          "  %c = icmp ult i32 %n, 4\n"
          "  br i1 %c, label %body, label %exit, !llvm.loop !0\n"
          "exit:\n"
          "  ret void\n"
          "}\n" +
          metadata)
      .str();
}

static std::string emit(llvm::StringRef ir, const TargetOptions &options = {},
                        std::string *optimized = nullptr) {
  llvm::LLVMContext context;
  auto module = parse(context, ir);
  if (!module)
    return "";
  llvm::Expected<std::string> ptx = emitPTX(*module, options, optimized);
  return ptx ? *ptx : "error: " + text(ptx.takeError());
}

TEST(PTX, NamesTargetAndKernel) {
  std::string ptx = emit(kCopy);
  EXPECT_TRUE(contains(ptx, ".version 8.8"));
  EXPECT_TRUE(contains(ptx, ".target sm_90a"));
  EXPECT_TRUE(contains(ptx, ".visible .entry copy("));
}

TEST(PTX, FeaturesChooseThePTXVersion) {
  TargetOptions options;
  options.features = "+ptx83";
  EXPECT_TRUE(contains(emit(kCopy, options), ".version 8.3"));
}

TEST(PTX, ShortPointersUse32BitSharedAddressesAndDoNotStick) {
  TargetOptions narrow;
  narrow.shortPointers = true;
  EXPECT_TRUE(contains(emit(kCopy), "mov.b64 \t%rd3, smem"));
  EXPECT_TRUE(contains(emit(kCopy, narrow), "mov.b32 \t%r3, smem"));
  EXPECT_TRUE(contains(emit(kCopy), "mov.b64 \t%rd3, smem"));
}

/// Other code of the process creates target machines too.
TEST(PTX, TheBackEndsOptionIsPutBack) {
  TargetOptions options;
  emit(kCopy, options);
  auto *option = static_cast<llvm::cl::opt<bool> *>(
      llvm::cl::getRegisteredOptions().lookup("nvptx-short-ptr"));
  ASSERT_TRUE(option);
  options.shortPointers = true;
  emit(kCopy, options);
  EXPECT_FALSE(*option);
}

TEST(PTX, DataLayoutFollowsShortPointers) {
  TargetOptions options;
  auto wide = dataLayoutString(options);
  options.shortPointers = true;
  auto narrow = dataLayoutString(options);
  ASSERT_TRUE(static_cast<bool>(wide)) << text(wide.takeError());
  ASSERT_TRUE(static_cast<bool>(narrow)) << text(narrow.takeError());
  EXPECT_EQ(llvm::DataLayout(*wide).getPointerSize(3), 8u);
  EXPECT_EQ(llvm::DataLayout(*narrow).getPointerSize(3), 4u);
  EXPECT_EQ(llvm::DataLayout(*narrow).getPointerSize(1), 8u);
}

TEST(PTX, RefusesTheLayoutOfTheOtherPointerWidth) {
  TargetOptions options;
  auto wide = dataLayoutString(options);
  ASSERT_TRUE(static_cast<bool>(wide)) << text(wide.takeError());
  std::string ir = "target datalayout = \"" + *wide + "\"\n" + kCopy.str();
  EXPECT_TRUE(contains(emit(ir, options), ".entry copy"));
  options.shortPointers = true;
  EXPECT_TRUE(contains(emit(ir, options), "error: expected data layout"));
}

TEST(PTX, KeepsLoopsUnlessAsked) {
  std::string plain = countedLoop("!0 = distinct !{!0}\n");
  TargetOptions unroll;
  unroll.unrollLoops = true;
  EXPECT_TRUE(contains(emit(plain), "bra"));
  EXPECT_FALSE(contains(emit(plain, unroll), "bra"));
}

TEST(PTX, UnrollsALoopThatAsksForIt) {
  std::string forced = countedLoop(
      "!0 = distinct !{!0, !1}\n!1 = !{!\"llvm.loop.unroll.full\"}");
  EXPECT_FALSE(contains(emit(forced), "bra"));
}

TEST(PTX, RunsTheOptimiserAndReturnsItsResult) {
  // The pipeline must see through the memory traffic.
  constexpr llvm::StringLiteral ir = R"(
define ptx_kernel void @forward(ptr addrspace(1) %p, i32 %v) {
  %slot = alloca i32
  store i32 %v, ptr %slot
  %w = load i32, ptr %slot
  store i32 %w, ptr addrspace(1) %p
  ret void
})";
  std::string optimized;
  EXPECT_TRUE(contains(emit(ir, {}, &optimized), ".entry forward"));
  EXPECT_TRUE(contains(optimized, "@forward"));
  EXPECT_FALSE(contains(optimized, "alloca"));
  TargetOptions none;
  none.optLevel = 0;
  emit(ir, none, &optimized);
  EXPECT_TRUE(contains(optimized, "alloca"));
}

TEST(PTX, NamesUnknownOptions) {
  TargetOptions options;
  options.chip = "sm_999";
  EXPECT_EQ(emit(kCopy, options),
            "error: expected a GPU that LLVM knows, got 'sm_999'");
  options = {};
  options.features = "+ptx88,+warp-drive";
  EXPECT_TRUE(contains(emit(kCopy, options), "got '+warp-drive'"));
  options.features = "+ptx70";
  EXPECT_TRUE(contains(emit(kCopy, options), "expected PTX 8.0 or newer"));
  options = {};
  options.optLevel = 4;
  EXPECT_TRUE(contains(emit(kCopy, options), "from 0 to 3, got 4"));
}

TEST(PTX, RefusesModulesForOthers) {
  EXPECT_TRUE(
      contains(emit("target triple = \"x86_64-linux-gnu\"\n" + kCopy.str()),
               "error: expected target triple 'nvptx64-nvidia-cuda', "
               "got 'x86_64"));
  EXPECT_TRUE(contains(emit("define void @f() {\n  ret void\n}"),
                       "error: expected a module that defines a kernel"));
}

TEST(PTX, ErrorsOfTheBackEndComeBack) {
  // A constraint that no register class matches.
  std::string result = emit(R"(
define ptx_kernel void @k() {
  %v = call i32 asm "mov.u32 $0, 1;", "={nonsense}"()
  store i32 %v, ptr addrspace(1) null
  ret void
})");
  EXPECT_TRUE(contains(result, "error: LLVM failed: "));
  EXPECT_TRUE(contains(result, "nonsense"));
}

TEST(PTX, ThreadsWithBothPointerWidthsDoNotMeet) {
  constexpr unsigned count = 8;
  std::string results[count];
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < count; ++i)
    threads.emplace_back([&results, i] {
      TargetOptions options;
      options.shortPointers = i % 2;
      results[i] = emit(kCopy, options);
    });
  for (std::thread &thread : threads)
    thread.join();
  for (unsigned i = 0; i < count; ++i)
    EXPECT_TRUE(contains(results[i], i % 2 ? "mov.b32 \t%r3, smem"
                                           : "mov.b64 \t%rd3, smem"));
}
