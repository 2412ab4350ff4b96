//===- Elementwise.h - arith and math, one value at a time ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_INTERPRETER_ELEMENTWISE_H
#define MLA_INTERPRETER_ELEMENTWISE_H

#include "mla/Interpreter/Elements.h"
#include "mlir/IR/Operation.h"

namespace mla::interp {

/// What an elementwise op of arith or math does to one value, or to one element
/// of each of its tensors. Resolved once per op, then called per element.
///
/// Floats are computed in fp32 and rounded to the result's type; fast-math and
/// overflow flags change nothing. Where arith leaves the result open (division
/// by zero, shifts by the width or more, conversions out of range) evaluation
/// reports an error.
class Elementwise {
public:
  /// The operands of one evaluation and a place for an error.
  struct Call {
    const Lane *x;
    ElementType source;
    ElementType result;
    int64_t predicate;
    const char **error;
  };
  using Function = Lane (*)(const Call &);

  /// The function of `op`, or nothing if `op` is not elementwise.
  static std::optional<Elementwise> lookup(mlir::Operation *op);

  /// Result for one element of each operand. On an undefined result sets
  /// `error` to its description; otherwise leaves it alone.
  Lane operator()(const Lane *operands, const char *&error) const {
    return roundTo(result,
                   function({operands, source, result, predicate, &error}));
  }

private:
  Function function = nullptr;
  /// Type of the last operand, which is the one that matters for comparisons
  /// and casts (`select` has its condition first), and of the result.
  ElementType source = ElementType::F32;
  ElementType result = ElementType::F32;
  int64_t predicate = 0;
};

/// The maximum of arith.maximumf: NaN if either is, and +0 above -0.
float maximum(float a, float b);

} // namespace mla::interp

#endif // MLA_INTERPRETER_ELEMENTWISE_H
