//===- Interpreter.h - executes tile programs on the CPU --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The executable semantics of the tile dialect on host memory. Used to test
// lowerings to `tile`, and as the reference of the lower levels.
//
// Results do not depend on the machine or the number of threads:
//  - floats are computed in fp32 and rounded to nearest even where the result
//    type is narrower;
//  - an element of tile.dot is ((acc + a0*b0) + a1*b1) + ..., each product and
//    each sum rounded to fp32;
//  - tile.reduce and the row reductions of tile.online_softmax combine elements
//    in ascending order; the maximum is NaN if any element is.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_INTERPRETER_INTERPRETER_H
#define MLA_INTERPRETER_INTERPRETER_H

#include "mla/Interpreter/Elements.h"
#include "mla/Support/Target.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/BitVector.h"

namespace mla::interp {

/// An argument of a function: a scalar, or an array in host memory.
struct Argument {
  ElementType elementType = ElementType::F32;
  bool isArray = false;
  /// The value of a scalar.
  Lane value = Lane::ofInt(0);
  /// Arrays: the address of element [0, ..., 0] (with the memref type's offset
  /// already added), the sizes, and the strides in elements.
  void *data = nullptr;
  llvm::SmallVector<int64_t, 4> shape;
  llvm::SmallVector<int64_t, 4> strides;
  /// Workspaces only: a flag per element in memory, true once it has been
  /// written. The simulator reports reads of unwritten elements, and sets the
  /// flags when a kernel completes. Null for other arrays.
  llvm::BitVector *written = nullptr;

  static Argument integer(ElementType type, int64_t value);
  static Argument floating(ElementType type, float value);
  /// Without `strides` the array is contiguous in row-major order.
  static Argument array(ElementType type, void *data,
                        llvm::ArrayRef<int64_t> shape,
                        llvm::ArrayRef<int64_t> strides = {});
};

struct Options {
  /// Threads that execute the points of an scf.forall; 0: one per core.
  unsigned threads = 1;
  /// The maximum number of executed ops, including terminators, over all
  /// threads; 0: no limit.
  uint64_t stepLimit = 0;
  /// The value of tile.sm_count.
  int64_t sms = kDefaultSms;
};

/// Executes `function`. On failure, emits a diagnostic at the op; arrays may be
/// partly written. A point of an scf.forall must not write elements that
/// another point reads or writes.
mlir::LogicalResult interpret(mlir::func::FuncOp function,
                              llvm::ArrayRef<Argument> arguments,
                              const Options &options = {});

} // namespace mla::interp

#endif // MLA_INTERPRETER_INTERPRETER_H
