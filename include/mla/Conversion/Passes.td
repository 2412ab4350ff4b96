//===- Passes.td - conversion out of the dialects ----------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_PASSES_TD
#define MLA_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertMLAToNVVM : Pass<"convert-mla-to-nvvm", "::mlir::ModuleOp"> {
  let summary = "translate a verified CTA program into NVVM";
  let description = [{
    The function becomes a kernel (`llvm.func` with `nvvm.kernel`), its forall a
    block index, its roles branches by warp. Synchronisation ops are translated
    one to one: none is created, moved or merged. Fragments become vectors of
    what one thread holds. The launch descriptor of the kernel (parameters, grid,
    shared memory, tensor maps) is set as `mla.launch`.

    Refuses a function that `--mla-verify-async` has not marked.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect",
                           "::mlir::NVVM::NVVMDialect",
                           "::mlir::vector::VectorDialect",
                           "::mlir::cf::ControlFlowDialect"];
}

#endif // MLA_CONVERSION_PASSES_TD
