//===- Mutation.h - faults in the kernels of a program ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A mutation is one fault that a pass could make in a kernel: a fence left out,
// a wait in the wrong place, a count off by one. The list is complete:
// every synchronisation op of every kernel is damaged in every way. It measures
// which faults --mla-verify-async and the simulator find.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_MUTATION_MUTATION_H
#define MLA_MUTATION_MUTATION_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include <functional>
#include <string>
#include <vector>

namespace mla::mutation {

/// The ops of a function in pre-order, the function first. A clone has the same
/// order, so an index identifies an op in every clone.
using Ops = std::vector<mlir::Operation *>;
Ops numberOps(mlir::func::FuncOp function);

/// One fault in one kernel of a program.
struct Mutation {
  /// "earlier/mbarrier_wait/softmax.3/past-access", behind "KERNEL/" in a
  /// program of several kernels. It is stable and unique in the program.
  std::string id;
  /// The symbol of the damaged kernel.
  std::string kernel;
  /// One of getKinds(): "earlier".
  std::string kind;
  /// The index of the damaged op in numberOps().
  unsigned target = 0;
  /// Whether only the order of ops changes. The target, or the neighbour that
  /// it swaps places with, moves across `crossed`.
  bool moves = false;
  bool towardsBegin = false;
  /// Indices of the ops crossed that synchronise, access memory, or hold such
  /// ops.
  std::vector<unsigned> crossed;
  /// Damages a clone of the kernel, given its numberOps().
  std::function<void(const Ops &)> edit;
};

/// The kinds in the order of the table, each with a description.
llvm::ArrayRef<std::pair<llvm::StringLiteral, llvm::StringLiteral>> getKinds();

/// The functions of `module` that have roles, in order.
llvm::SmallVector<mlir::func::FuncOp> findKernels(mlir::ModuleOp module);

/// Every mutation of every kernel of a verified `cta` program.
std::vector<Mutation> enumerate(mlir::ModuleOp program);

/// A clone of `program` with one fault. The damaged kernel is no longer marked
/// as verified.
mlir::OwningOpRef<mlir::ModuleOp> apply(mlir::ModuleOp program,
                                        const Mutation &mutation);

/// The damaged kernel in a clone of its program.
mlir::func::FuncOp findKernel(mlir::ModuleOp program, const Mutation &mutation);

} // namespace mla::mutation

#endif // MLA_MUTATION_MUTATION_H
