//===- Elementwise.h - elementwise ops of arith and math --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_INTERPRETER_ELEMENTWISE_H
#define MLA_INTERPRETER_ELEMENTWISE_H

#include "mla/Interpreter/Elements.h"
#include "mlir/IR/Operation.h"

namespace mla::interp {

/// The function of an elementwise op of arith or math on one element of each
/// operand. Looked up once per op, then called per element.
///
/// Floats are computed in fp32 and rounded to the result's type. Fast-math and
/// overflow flags are ignored. Results that arith leaves undefined (division by
/// zero, shifts by the width or more, conversions out of range) are errors.
class Elementwise {
public:
  /// The operands of one evaluation, and its error.
  struct Call {
    const Lane *x;
    ElementType source;
    ElementType result;
    int64_t predicate;
    const char **error;
  };
  using Function = Lane (*)(const Call &);

  /// The function of `op`, or none if `op` is not elementwise.
  static std::optional<Elementwise> lookup(mlir::Operation *op);

  /// The result for one element of each operand. Sets `error` if it is
  /// undefined, otherwise leaves it unchanged.
  Lane operator()(const Lane *operands, const char *&error) const {
    return roundTo(result,
                   function({operands, source, result, predicate, &error}));
  }

private:
  Function function = nullptr;
  /// The type of the last operand, which comparisons and casts need (`select`
  /// has its condition first), and of the result.
  ElementType source = ElementType::F32;
  ElementType result = ElementType::F32;
  int64_t predicate = 0;
};

/// arith.maximumf: NaN if either operand is NaN; +0 is greater than -0.
float maximum(float a, float b);

} // namespace mla::interp

#endif // MLA_INTERPRETER_ELEMENTWISE_H
