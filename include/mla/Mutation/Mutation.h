//===- Mutation.h - damage of a CTA program, one step each ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Which faults would --mla-verify-async and the simulator find? A mutation is
// one fault that a pass could make: a fence left out, a wait in the wrong
// place, a count that is one off. The list is complete for a program: every
// synchronisation op in every way.
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

/// The ops of a function in the order of a pre-order walk, the function first:
/// a clone has the same, so a number names an op in each.
using Ops = std::vector<mlir::Operation *>;
Ops numberOps(mlir::func::FuncOp function);

/// One damage. It belongs to the function it was enumerated from and to its
/// clones.
struct Mutation {
  /// Stable: "earlier/mbarrier_wait/softmax.3/past-access".
  std::string id;
  /// The row of the table it counts in: "earlier".
  std::string kind;
  /// The number of the damaged op.
  unsigned target = 0;
  /// If ops only changed their order: the op moved, which is the target, or,
  /// where that could not move, the neighbour that it swapped places with.
  bool moves = false;
  bool towardsBegin = false;
  /// What it was moved across: ops that synchronise, access memory, or hold
  /// such ops; by number.
  std::vector<unsigned> crossed;
  /// Damages a clone, given its numbered ops.
  std::function<void(const Ops &)> edit;
};

/// The kinds in the order of the table, each with a line that explains it.
llvm::ArrayRef<std::pair<llvm::StringLiteral, llvm::StringLiteral>> getKinds();

/// The function with roles in `module`, or null.
mlir::func::FuncOp findProgram(mlir::ModuleOp module);

/// Every damage of a verified `cta` program.
std::vector<Mutation> enumerate(mlir::func::FuncOp program);

/// A clone of `module`, damaged. The attribute that says that the program was
/// verified is taken off.
mlir::OwningOpRef<mlir::ModuleOp> apply(mlir::ModuleOp module,
                                        const Mutation &mutation);

} // namespace mla::mutation

#endif // MLA_MUTATION_MUTATION_H
