//===- Operators.h - operators as IR, without writing IR --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_JIT_OPERATORS_H
#define MLA_JIT_OPERATORS_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include <optional>
#include <string>

namespace mla {

/// Sizes of mla.sparse_prefill. A size without a value is a run-time size; all
/// strides but the last are run-time strides.
struct SparsePrefillShape {
  std::optional<int64_t> numQueries, numRows, topk;
  int64_t heads = 128, dimQK = 576, dimV = 512;
  bool topkLength = false, attnSink = false;
  /// Whether a launch may leave the operand out; only where there is one.
  bool topkLengthOptional = false, attnSinkOptional = false;
  /// Element type of q, kv and out: "bf16" or "f16".
  std::string dtype = "bf16";
  /// As the operator's attributes of these names.
  std::string lseBase = "e", emptyLse = "+inf";
};

/// A module with one function that holds the operator. Fails with a diagnostic
/// if the operator's verifier refuses the sizes or the options, or no pass
/// takes the sizes.
mlir::OwningOpRef<mlir::ModuleOp>
buildSparsePrefill(mlir::MLIRContext &context, const SparsePrefillShape &shape);

} // namespace mla

#endif // MLA_JIT_OPERATORS_H
