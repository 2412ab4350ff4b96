//===- TranslateTest.cpp - MLIR to LLVM IR to PTX -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"
#include "mla/Target/PTX.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"

using namespace mla;

namespace {
class Translate : public ::testing::Test {
protected:
  Translate() {
    context.loadDialect<mlir::gpu::GPUDialect, mlir::LLVM::LLVMDialect,
                        mlir::NVVM::NVVMDialect>();
    // A diagnostic that reaches the outer handler would have been printed.
    context.getDiagEngine().registerHandler(
        [this](mlir::Diagnostic &) { ++leaked; });
  }

  mlir::OwningOpRef<mlir::ModuleOp> parse(llvm::StringRef text) {
    auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    EXPECT_TRUE(module);
    return module;
  }

  std::string compile(mlir::Operation *module) {
    auto ir = translateToLLVMIR(module, llvmContext);
    if (!ir)
      return "error: " + text(ir.takeError());
    auto ptx = emitPTX(**ir, TargetOptions());
    return ptx ? *ptx : "error: " + text(ptx.takeError());
  }

  mlir::MLIRContext context;
  llvm::LLVMContext llvmContext;
  unsigned leaked = 0;
};
} // namespace

/// The attributes that decide registers and occupancy must reach the PTX.
TEST_F(Translate, KernelWithLaunchBounds) {
  auto module = parse(R"(
llvm.func @k(%p: !llvm.ptr<1>) attributes {nvvm.kernel, nvvm.maxnreg = 168 : i32,
    nvvm.reqntid = array<i32: 384, 1, 1>} {
  %t = nvvm.read.ptx.sreg.tid.x : i32
  llvm.store %t, %p : i32, !llvm.ptr<1>
  nvvm.setmaxregister decrease 72
  llvm.return
})");
  std::string ptx = compile(*module);
  EXPECT_TRUE(contains(ptx, ".visible .entry k("));
  EXPECT_TRUE(contains(ptx, ".reqntid 384, 1, 1"));
  EXPECT_TRUE(contains(ptx, ".maxnreg 168"));
  EXPECT_TRUE(contains(ptx, "setmaxnreg.dec.sync.aligned.u32 \t72"));
}

TEST_F(Translate, InlineAssemblyKeepsTiedOperands) {
  auto module = parse(R"(
llvm.func @k(%p: !llvm.ptr<1>, %x: f32) attributes {nvvm.kernel} {
  %y = llvm.inline_asm has_side_effects "add.f32 $0, $0, 0f3F800000;", "=f,0" %x : (f32) -> f32
  llvm.store %y, %p : f32, !llvm.ptr<1>
  llvm.return
})");
  EXPECT_TRUE(contains(compile(*module), "add.f32 %r"));
}

TEST_F(Translate, GPUModule) {
  auto module = parse(R"(
gpu.module @kernels {
  llvm.func @k() attributes {gpu.kernel, nvvm.kernel} { llvm.return }
})");
  auto inner = *module->getOps<mlir::gpu::GPUModuleOp>().begin();
  EXPECT_TRUE(contains(compile(inner), ".visible .entry k("));
  // The kernel is not at the top: no silent empty PTX.
  EXPECT_TRUE(contains(compile(*module), "error: expected a module that"));
}

TEST_F(Translate, LeftoverOperationIsAnErrorAndNotPrinted) {
  auto module = parse(R"(
llvm.func @k() attributes {nvvm.kernel} {
  %t = gpu.thread_id x
  llvm.return
})");
  std::string result = compile(*module);
  EXPECT_TRUE(contains(result, "error: translation to LLVM IR failed: "));
  EXPECT_TRUE(contains(result, "gpu.thread_id"));
  EXPECT_EQ(leaked, 0u);
}

/// Neither MLIR's verifier nor LLVM's sees these.
TEST_F(Translate, ConstraintsThatDoNotMatchTheOperands) {
  auto module = parse(R"(
llvm.func @k(%a: i32) attributes {nvvm.kernel} {
  %0 = llvm.inline_asm "mov.b32 $0, $1;", "=r,r,r" %a : (i32) -> i32
  llvm.return
})");
  EXPECT_TRUE(
      contains(compile(*module), "error: invalid inline assembly in 'k': "));
}

/// LLVM's verifier, not MLIR's, knows which operands must be constants.
TEST_F(Translate, InvalidLLVMIRIsAnError) {
  auto module = parse(R"(
llvm.func @k(%n: i32) attributes {nvvm.kernel} {
  llvm.call_intrinsic "llvm.nvvm.setmaxnreg.inc.sync.aligned.u32"(%n) : (i32) -> ()
  llvm.return
})");
  EXPECT_TRUE(contains(compile(*module), "error: invalid LLVM IR: "));
}
