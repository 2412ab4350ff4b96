//===- PTX.h - MLIR's LLVM dialect to LLVM IR to PTX ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The in-process part of code generation: from a module of the LLVM and NVVM
/// dialects to PTX text. Nothing here prints, exits or writes files, with one
/// exception that LLVM imposes: an instruction that the NVPTX back end cannot
/// select ends in `report_fatal_error`.
///
//===----------------------------------------------------------------------===//

#ifndef MLA_TARGET_PTX_H
#define MLA_TARGET_PTX_H

#include "mla/Support/Target.h"
#include "llvm/Support/Error.h"
#include <memory>
#include <string>

namespace llvm {
class LLVMContext;
class Module;
} // namespace llvm

namespace mlir {
class Operation;
} // namespace mlir

namespace mla {

/// What to generate code for, and how far LLVM may rewrite it.
struct TargetOptions {
  /// The GPU, as LLVM and ptxas name it.
  std::string chip{kDefaultTarget.name};
  /// LLVM subtarget features, separated by commas. `+ptxNN` fixes the PTX
  /// version; it decides which ptxas can read the result (8.8 needs 12.9).
  std::string features{kDefaultTarget.ptxFeature};
  /// 0 to 3, as in `opt -O3`; the NVPTX back end runs at the same level.
  unsigned optLevel = 3;
  /// Pointers to shared, constant and local memory have 32 bits. Saves
  /// registers; needs the data layout that dataLayoutString() gives.
  bool shortPointers = false;
  /// LLVM's vectorisers and its unroller are off: our loops are already
  /// scheduled. A loop that asks for unrolling by metadata is still unrolled.
  bool vectorizeLoops = false;
  bool vectorizeSLP = false;
  bool unrollLoops = false;
};

/// Returns the data layout that the back end uses for `options`: the value of
/// the attribute `llvm.data_layout` for a module that is lowered with a layout
/// in mind. An error names the option that LLVM does not know.
llvm::Expected<std::string> dataLayoutString(const TargetOptions &options);

/// Translates `module`, a `builtin.module` or `gpu.module` that holds only the
/// LLVM and NVVM dialects, into `context`. Registers the translations that it
/// needs. Diagnostics of severity error become the text of the returned error
/// instead of being printed; the result is verified.
llvm::Expected<std::unique_ptr<llvm::Module>>
translateToLLVMIR(mlir::Operation *module, llvm::LLVMContext &context);

/// Optimises `module` in place with LLVM's default pipeline and returns its
/// PTX. `optimizedIR`, when given, receives the LLVM IR text between the two.
///
/// Fails when an option is unknown, when the module is invalid or defines no
/// kernel, when it carries another triple or another data layout than the back
/// end's (an empty one is filled in), and when LLVM reports an error.
///
/// Thread-safe for modules of different contexts.
llvm::Expected<std::string> emitPTX(llvm::Module &module,
                                    const TargetOptions &options,
                                    std::string *optimizedIR = nullptr);

} // namespace mla

#endif // MLA_TARGET_PTX_H
