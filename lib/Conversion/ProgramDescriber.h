//===- ProgramDescriber.h - builds a launch descriptor ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_CONVERSION_PROGRAMDESCRIBER_H
#define MLA_LIB_CONVERSION_PROGRAMDESCRIBER_H

#include "KernelInterface.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace mla {

/// Builds the descriptor of a program. The arguments of its kernels are matched
/// by name.
class ProgramDescriber {
public:
  explicit ProgramDescriber(llvm::MutableArrayRef<KernelInterface> kernels)
      : kernels(kernels) {}

  mlir::FailureOr<runtime::KernelDescriptor> run();

private:
  // DescribeArguments.cpp.
  mlir::LogicalResult checkNames(KernelInterface &kernel);
  /// Adds the kernel's arguments, or its workspaces.
  mlir::LogicalResult addArguments(KernelInterface &kernel, bool workspaces);
  mlir::LogicalResult addTensor(KernelInterface &kernel,
                                mlir::BlockArgument arg);
  mlir::LogicalResult addWorkspace(KernelInterface &kernel,
                                   mlir::BlockArgument arg);
  mlir::LogicalResult addScalar(KernelInterface &kernel,
                                mlir::BlockArgument arg);
  /// Adds `found` to `list`, or returns the argument of the same name that is
  /// already there. Fails with an error if the two differ.
  template <typename Descriptor>
  mlir::FailureOr<Descriptor *> merge(std::vector<Descriptor> &list,
                                      Descriptor found,
                                      mlir::func::FuncOp func);
  int indexOf(mlir::BlockArgument arg) const;

  // LaunchDescriptor.cpp.
  mlir::LogicalResult checkTargets();
  /// Adds the operator, its options and its constants.
  mlir::LogicalResult addOperator(mlir::func::FuncOp func);
  mlir::LogicalResult addConstants(mlir::func::FuncOp func);
  mlir::LogicalResult addSizeLimits(mlir::func::FuncOp func);
  mlir::FailureOr<runtime::EntryDescriptor>
  describeEntry(KernelInterface &kernel);
  std::vector<runtime::ParameterDescriptor>
  describeParameters(mlir::func::FuncOp func);
  mlir::FailureOr<int> getCluster(KernelInterface &kernel);

  llvm::MutableArrayRef<KernelInterface> kernels;
  runtime::KernelDescriptor program;
  /// The kernel that an argument or workspace was first seen in.
  llvm::StringMap<mlir::func::FuncOp> firstUser;
  /// The arguments whose elements the kernels so far read, and the workspaces
  /// that they write.
  llvm::StringSet<> read, written;
};

} // namespace mla

#endif // MLA_LIB_CONVERSION_PROGRAMDESCRIBER_H
