//===- ConvertMLAToNVVM.cpp - CTA programs to kernels -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "KernelContext.h"
#include "LowerKernel.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/Support/Debug.h"

#define DEBUG_TYPE "convert-mla-to-nvvm"

namespace mla {
#define GEN_PASS_DEF_CONVERTMLATONVVM
#include "mla/Conversion/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

namespace {
struct ConvertMLAToNVVMPass
    : mla::impl::ConvertMLAToNVVMBase<ConvertMLAToNVVMPass> {
  using ConvertMLAToNVVMBase::ConvertMLAToNVVMBase;

  void runOnOperation() override {
    FailureOr<SmallVector<KernelInterface>> kernels =
        readKernels(getOperation());
    if (failed(kernels))
      return signalPassFailure();
    if (kernels->empty())
      return;
    // All kernels are checked before the first one is lowered.
    for (KernelInterface &kernel : *kernels) {
      expandMath(kernel.func);
      if (failed(checkLowering(kernel)))
        return signalPassFailure();
    }
    FailureOr<runtime::KernelDescriptor> program = describeProgram(*kernels);
    if (failed(program))
      return signalPassFailure();
    for (KernelInterface &kernel : *kernels)
      if (failed(lowerKernel(kernel)))
        return signalPassFailure();
    declareShared();
    setDescriptor(*program);
  }

private:
  void expandMath(func::FuncOp kernel);
  void declareShared();
  void setDescriptor(const runtime::KernelDescriptor &program);
};
} // namespace

/// Writes tanh with exp: the hardware's tanh.approx does not have the precision
/// of f32.
void ConvertMLAToNVVMPass::expandMath(func::FuncOp kernel) {
  RewritePatternSet patterns(&getContext());
  math::populateExpansionPatterns(patterns, {"tanh"});
  (void)applyPatternsGreedily(kernel, std::move(patterns));
}

/// Declares the dynamic shared memory, one array for all kernels: each launch
/// sets its size.
void ConvertMLAToNVVMPass::declareShared() {
  ModuleOp module = getOperation();
  OpBuilder b(module.getBodyRegion());
  auto type = LLVM::LLVMArrayType::get(b.getI8Type(), 0);
  LLVM::GlobalOp::create(
      b, module.getBody()->front().getLoc(), type,
      /*isConstant=*/false, LLVM::Linkage::External, kSharedSymbol, Attribute(),
      /*alignment=*/1024, static_cast<unsigned>(NVVM::NVVMMemorySpace::Shared));
}

void ConvertMLAToNVVMPass::setDescriptor(
    const runtime::KernelDescriptor &program) {
  std::string text = runtime::writeDescriptor(program, /*indented=*/false);
  LLVM_DEBUG(llvm::dbgs() << DEBUG_TYPE ": launch descriptor " << text << "\n");
  getOperation()->setAttr(kLaunchAttr, StringAttr::get(&getContext(), text));
}
