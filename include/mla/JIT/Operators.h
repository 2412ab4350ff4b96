//===- Operators.h - operators as IR, without writing IR --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_JIT_OPERATORS_H
#define MLA_JIT_OPERATORS_H

#include "mla/Operators/Operators.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace mla {

/// An operator with the sizes and options of one kernel, by the names that its
/// table has.
class OperatorSpec {
public:
  /// All sizes and options have their defaults.
  explicit OperatorSpec(const Operator &op);

  const Operator &getOperator() const { return *op; }

  /// Sets a size; without a value it is a run-time size. Returns an error, or
  /// "".
  std::string setSize(llvm::StringRef name, std::optional<int64_t> value);
  /// Sets an option. Returns an error, or "".
  std::string setOption(llvm::StringRef name, llvm::StringRef value);

  std::optional<int64_t> getSize(llvm::StringRef name) const;
  llvm::StringRef getOption(llvm::StringRef name) const;

  /// "combine d_v=512 splits=? lse_base=e": everything, so that equal texts
  /// are equal kernels.
  std::string describe() const;

private:
  const Operator *op;
  /// In the order of the table.
  std::vector<std::optional<int64_t>> sizes;
  std::vector<std::string_view> options;
};

/// The sizes that a spec may set: all that are not fixed by the operator.
llvm::SmallVector<const SizeInfo *> getChoosableSizes(const Operator &op);

/// A module with one function that holds the operator; all strides but the last
/// are run-time strides. Fails with a diagnostic if the operator's verifier
/// refuses the sizes, or no pass takes them.
mlir::OwningOpRef<mlir::ModuleOp> buildOperator(mlir::MLIRContext &context,
                                                const OperatorSpec &spec);

} // namespace mla

#endif // MLA_JIT_OPERATORS_H
