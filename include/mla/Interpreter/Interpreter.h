//===- Interpreter.h - runs tile programs on the CPU ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The executable meaning of the tile dialect: one op after the other, over host
// memory. Used to test lowerings to `tile` and as the reference for levels
// below it.
//
// Arithmetic is reproducible, on any machine and with any number of threads:
//  - floats are computed in fp32 and rounded to nearest even where the result
//    type is narrower;
//  - an element of tile.dot is ((acc + a0*b0) + a1*b1) + ..., the reduction
//    index ascending, each product and each sum rounded to fp32;
//  - tile.reduce and the row reductions of tile.online_softmax take the
//    elements in ascending order; a maximum with a NaN is NaN.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_INTERPRETER_INTERPRETER_H
#define MLA_INTERPRETER_INTERPRETER_H

#include "mla/Interpreter/Elements.h"
#include "mla/Support/Target.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/BitVector.h"

namespace mla::interp {

/// An argument of the function: a scalar, or an array in host memory.
struct Argument {
  ElementType elementType = ElementType::F32;
  bool isArray = false;
  /// Of a scalar.
  Lane value = Lane::ofInt(0);
  /// Of an array: the address of element [0, ..., 0] (a memref type's offset is
  /// already in it), the sizes, and the strides counted in elements.
  void *data = nullptr;
  llvm::SmallVector<int64_t, 4> shape;
  llvm::SmallVector<int64_t, 4> strides;
  /// Of a workspace of a program of kernels: by element, in memory, whether it
  /// has been written. The simulator refuses to read what has not, and adds
  /// what a kernel writes when it is done. Null for other arrays.
  llvm::BitVector *written = nullptr;

  static Argument integer(ElementType type, int64_t value);
  static Argument floating(ElementType type, float value);
  /// Without `strides` the array is contiguous, row by row.
  static Argument array(ElementType type, void *data,
                        llvm::ArrayRef<int64_t> shape,
                        llvm::ArrayRef<int64_t> strides = {});
};

struct Options {
  /// Threads that share the points of an scf.forall; 0 takes one per core.
  unsigned threads = 1;
  /// Ops that may be executed in all, terminators too, over every thread; 0 for
  /// no limit.
  uint64_t stepLimit = 0;
  /// The value of tile.sm_count.
  int64_t sms = kDefaultSms;
};

/// Runs `function`. On failure a diagnostic stands at the op at fault, and
/// arrays may be partly written. Points of an scf.forall must not write what
/// another one reads or writes.
mlir::LogicalResult interpret(mlir::func::FuncOp function,
                              llvm::ArrayRef<Argument> arguments,
                              const Options &options = {});

} // namespace mla::interp

#endif // MLA_INTERPRETER_INTERPRETER_H
