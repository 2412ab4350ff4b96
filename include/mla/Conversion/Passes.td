//===- Passes.td - conversion out of the dialects ----------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_PASSES_TD
#define MLA_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertMLAToNVVM : Pass<"convert-mla-to-nvvm", "::mlir::ModuleOp"> {
  let summary = "convert verified CTA programs to NVVM kernels";
  let description = [{
    Each function becomes a kernel (`llvm.func` with `nvvm.kernel`). The induction
    variables of its `scf.forall` are computed from the block index, and each role
    becomes a branch on the warp number. Synchronisation ops are converted one to
    one: none is created, moved or merged. A fragment becomes a vector of the
    elements that one thread holds. The launch descriptor of the program
    (arguments, workspaces, kernels) is set as `mla.launch` on the module.

    A function that `--mla-verify-async` has not marked as verified is an error.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect",
                           "::mlir::NVVM::NVVMDialect",
                           "::mlir::vector::VectorDialect",
                           "::mlir::cf::ControlFlowDialect"];
}

#endif // MLA_CONVERSION_PASSES_TD
