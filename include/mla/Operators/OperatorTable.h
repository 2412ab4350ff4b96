//===- OperatorTable.h - what an operator takes -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The sizes, operands and options of an operator, as its .td file declares them
// (mla/Dialect/MLA/Operators.td). lib/Operators/table.py writes the table as a
// constant. Needs no LLVM.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_OPERATORS_OPERATORTABLE_H
#define MLA_OPERATORS_OPERATORTABLE_H

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mla {

/// Entries that lie in constant memory.
template <typename T> class TableList {
public:
  constexpr TableList() = default;
  template <size_t N>
  constexpr TableList(const T (&entries)[N]) : first(entries), count(N) {}

  constexpr const T *begin() const { return first; }
  constexpr const T *end() const { return first + count; }
  constexpr size_t size() const { return count; }
  constexpr bool empty() const { return count == 0; }
  constexpr const T &operator[](size_t i) const { return first[i]; }

private:
  const T *first = nullptr;
  size_t count = 0;
};

/// The entry named `name`, or null.
template <typename T>
constexpr const T *findEntry(TableList<T> entries, std::string_view name) {
  for (const T &entry : entries)
    if (entry.name == name)
      return &entry;
  return nullptr;
}

// All texts end with a 0 behind the last character.

struct SizeInfo {
  std::string_view name;
  std::string_view doc;
  /// Another name on the command line, or empty.
  std::string_view alias;
  /// The IR has to fix it.
  bool isStatic;
  /// Schedules are tuned for each value.
  bool isTuned;
  /// The value where nothing else is said; 0: known at run time.
  int64_t usual;
  /// What the cost model goes by where only the launch tells.
  int64_t typical;
  /// What kernels cover.
  int64_t least, most;

  /// Kernels cover one value, so that it is no choice.
  constexpr bool isFixed() const { return least == most; }
};

struct OperandInfo {
  std::string_view name;
  std::string_view doc;
  /// Element types as MLIR spells them, the usual one first.
  TableList<std::string_view> elements;
  /// Operands of the same variable have the same element type. May be empty.
  std::string_view typeVariable;
  /// Names of sizes; empty for a scalar.
  TableList<std::string_view> dims;
  bool isOptional;
  bool isWritten;
  /// Of a scalar: the operator is defined for values above 0 alone.
  bool isPositive;

  constexpr bool isScalar() const { return dims.empty(); }
};

/// What the choice of an option changes.
enum class OptionKind {
  /// A string attribute of the op.
  Attribute,
  /// Whether there is the optional operand of the name: one of kPresence.
  Presence,
  /// The element type of the operands with the variable of the name.
  ElementType
};

/// The values of an option of the kind Presence: without the operand, with it,
/// and with an operand that a launch may leave out.
inline constexpr std::string_view kAbsent = "no", kPresent = "yes",
                                  kLaunchOptional = "optional";

struct OptionInfo {
  std::string_view name;
  std::string_view doc;
  /// Another name on the command line, or empty.
  std::string_view alias;
  OptionKind kind;
  /// The usual one first.
  TableList<std::string_view> values;
  /// Schedules are tuned for each value.
  bool isTuned;
};

struct OperatorTable {
  std::string_view name;
  std::string_view summary;
  TableList<SizeInfo> sizes;
  /// In the order of a kernel's arguments.
  TableList<OperandInfo> operands;
  /// Those declared, then one for each optional operand, then one for each type
  /// variable of several types.
  TableList<OptionInfo> options;
};

} // namespace mla

#endif // MLA_OPERATORS_OPERATORTABLE_H
