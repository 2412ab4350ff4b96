//===- Expression.h - integers that a launch evaluates ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Grids and sizes of workspaces: expressions over run-time sizes and the number
// of SMs of the device, as text.
//
//   sum     = product { "+" product }
//   product = factor { "*" factor }
//   factor  = INTEGER | NAME | "(" sum ")" | CALL "(" sum "," sum ")"
//   CALL    = "min" | "max" | "floordiv" | "ceildiv"
//
// INTEGER is 0 or more. NAME is that of a run-time size (letters, digits, '_'
// and '.', no digit first), or `sms`, the number of SMs. So no value is below
// 0.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_EXPRESSION_H
#define MLA_RUNTIME_EXPRESSION_H

#include "mla/Runtime/Status.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mla::runtime {

/// Constants, names and operators of one expression. Limits the memory that
/// evaluation takes, which is on the stack.
inline constexpr int kMaxExpressionTerms = 64;

/// The name of the number of SMs in expressions.
inline constexpr std::string_view kSmsName = "sms";

/// Whether `name` has another meaning in an expression than a size.
bool isReservedInExpressions(std::string_view name);

/// Whether an expression can spell `name`.
bool isExpressionName(std::string_view name);

class Expression {
public:
  /// The constant 1.
  Expression() : Expression(1) {}
  explicit Expression(int64_t constant);

  /// Parses `text`; names are those of `sizeNames`. Errors
  /// (MLA_INVALID_PACKAGE) name the expression and what was expected in it.
  static Status parse(std::string_view text,
                      const std::vector<std::string> &sizeNames,
                      Expression &out);

  /// The value with `sizes`, in the order of `sizeNames`, and `sms`. Allocates
  /// only on failure. Errors (MLA_INVALID_ARGUMENT) name the expression: a
  /// division by zero, a value of 2^63 or more.
  Status evaluate(const int64_t *sizes, int64_t sms, int64_t &value) const;

  /// The text that was parsed.
  const std::string &text() const { return source; }
  bool isConstant() const {
    return terms.size() == 1 && terms[0].kind == Kind::Constant;
  }
  bool usesSms() const;
  /// The sizes that it names, as indices into `sizeNames`.
  std::vector<int> sizes() const;

private:
  enum class Kind {
    Constant,
    Size,
    Sms,
    Add,
    Mul,
    Min,
    Max,
    FloorDiv,
    CeilDiv
  };
  /// In postfix order.
  struct Term {
    Kind kind;
    /// The value of a constant, or the index of a size.
    int64_t value;
  };
  class Parser;

  std::string source;
  std::vector<Term> terms;
};

} // namespace mla::runtime

#endif // MLA_RUNTIME_EXPRESSION_H
