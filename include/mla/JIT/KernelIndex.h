//===- KernelIndex.h - several kernels in one folder ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_JIT_KERNELINDEX_H
#define MLA_JIT_KERNELINDEX_H

#include "mla/JIT/Compiler.h"
#include "mla/JIT/Operators.h"

namespace mla {

/// A kernel to compile.
struct KernelSource {
  /// What the index calls it; without a `spec` the file that holds its IR.
  std::string name;
  /// Its package, below the folder of all.
  std::string folder;
  std::optional<OperatorSpec> spec;
};

/// Called before each kernel is compiled, without a report, and after it, with
/// the kernel's report.
using KernelIndexProgress =
    llvm::function_ref<void(size_t number, const llvm::json::Value *report)>;

/// Compiles each kernel into a package of its own in `root`, and writes their
/// list, `root`/index.json (docs/Package.md), when all are there. Fails with
/// the first kernel that does not compile to a cubin; errors in its IR are
/// diagnostics of `context`.
llvm::Error packageKernels(llvm::ArrayRef<KernelSource> kernels,
                           llvm::StringRef root, mlir::MLIRContext &context,
                           const CompileOptions &options,
                           KernelIndexProgress progress);

} // namespace mla

#endif // MLA_JIT_KERNELINDEX_H
