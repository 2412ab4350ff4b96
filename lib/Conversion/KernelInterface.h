//===- KernelInterface.h - the kernels of a module --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_CONVERSION_KERNELINTERFACE_H
#define MLA_LIB_CONVERSION_KERNELINTERFACE_H

#include "mla/Conversion/Passes.h"
#include "mla/Runtime/Descriptor.h"

namespace mla {

/// One kernel, a verified CTA program, as the launch descriptor and the
/// conversion read it.
struct KernelInterface {
  mlir::func::FuncOp func;
  mlir::scf::ForallOp grid;
  llvm::SmallVector<cta::RoleOp> roles;
  int64_t threads = 0;                 ///< per CTA
  llvm::DenseSet<mlir::Value> written; ///< memref arguments that are stored to
  /// Whether it contains cta.launch_wait, so that it may be launched while the
  /// kernels before it still write.
  bool waits = false;
};

/// Reads the kernels of `module` in order: its functions with a grid. Leaves
/// the module unchanged. Fails with an error at a function that is not a
/// verified CTA program or that no launch can pass arguments to.
mlir::FailureOr<llvm::SmallVector<KernelInterface>>
readKernels(mlir::ModuleOp module);

/// Builds the launch descriptor of a program of these kernels, in order. Fails
/// with an error where kernels disagree on an argument, a grid cannot be
/// computed from run-time sizes, or the package format does not allow the
/// program.
mlir::FailureOr<runtime::KernelDescriptor>
describeProgram(llvm::MutableArrayRef<KernelInterface> kernels);

/// What a kernel needs of a memref argument: only that becomes parameters.
struct ArgumentUse {
  /// The address; and the run-time sizes and strides.
  bool address, layout;
};
ArgumentUse getArgumentUse(mlir::BlockArgument memref);

} // namespace mla

#endif // MLA_LIB_CONVERSION_KERNELINTERFACE_H
