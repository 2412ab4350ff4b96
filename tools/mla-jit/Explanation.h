//===- Explanation.h - traces of a program's kernels ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TOOLS_MLAJIT_EXPLANATION_H
#define MLA_TOOLS_MLAJIT_EXPLANATION_H

#include "mla/Explain/Explain.h"
#include "mla/JIT/Compiler.h"
#include "mla/Runtime/Descriptor.h"
#include "mlir/IR/OwningOpRef.h"

/// One program on its way from IR to reports.
class Explanation {
public:
  /// `options` has the schedule.
  Explanation(std::string input, mla::CompileOptions options)
      : input(std::move(input)), options(std::move(options)) {}

  /// Reads the program and runs the passes up to verified CTA programs, unless
  /// it is at that level.
  llvm::Error lower(mlir::MLIRContext &context);

  /// Whether a kernel of the lowered program has persistent CTAs.
  bool isPersistent();

  /// Runs the first cluster of each kernel in the simulator. Sizes that are not
  /// given get defaults, for persistent CTAs if `persistent`. The reports refer
  /// to this object.
  llvm::Expected<mla::explain::Program> run(const mla::explain::Sizes &given,
                                            bool persistent);

  /// One for each kernel.
  const std::vector<mla::sim::Trace> &getTraces() const { return traces; }

private:
  llvm::Expected<mla::runtime::KernelDescriptor> describe();
  llvm::Error chooseSizes(const mla::runtime::KernelDescriptor &descriptor,
                          const mla::explain::Sizes &given, bool persistent);
  llvm::Error simulate(const mla::runtime::KernelDescriptor &descriptor);

  std::string input;
  mla::CompileOptions options;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::vector<mlir::func::FuncOp> kernels;
  mla::explain::Sizes sizes, traceSizes;
  std::vector<mla::sim::Trace> traces;
};

#endif // MLA_TOOLS_MLAJIT_EXPLANATION_H
