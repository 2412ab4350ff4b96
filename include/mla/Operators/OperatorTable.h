//===- OperatorTable.h - sizes, operands, options ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The sizes, operands and options of an operator. lib/Operators/table.py
// generates the table from the operator's .td file
// (mla/Dialect/MLA/Operators.td). Does not depend on LLVM.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_OPERATORS_OPERATORTABLE_H
#define MLA_OPERATORS_OPERATORTABLE_H

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mla {

/// A view of a constant array.
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

// All strings are null-terminated.

struct SizeInfo {
  std::string_view name;
  std::string_view doc;
  /// Alternative name on the command line, or empty.
  std::string_view alias;
  /// Must be static in the IR.
  bool isStatic;
  /// Part of the tuning key.
  bool isTuned;
  /// Default value; 0 if it is a run-time size by default.
  int64_t usual;
  /// The value that the cost model assumes for a run-time size.
  int64_t typical;
  /// The supported range, inclusive.
  int64_t least, most;

  /// Whether kernels support a single value.
  constexpr bool isFixed() const { return least == most; }
};

/// Which strides an operand may have.
enum class OperandLayout {
  /// Any but for the last dimension, which is contiguous.
  Rows,
  Contiguous,
  /// Any.
  Strided
};

struct OperandInfo {
  std::string_view name;
  std::string_view doc;
  /// Element types as MLIR spells them, the default first.
  TableList<std::string_view> elements;
  /// Operands with the same variable have the same element type. May be empty.
  std::string_view typeVariable;
  /// Names of sizes; empty for a scalar.
  TableList<std::string_view> dims;
  /// May be absent: see OptionKind::Presence.
  bool isOptional;
  bool isWritten;
  /// Scalars only: the value must be above 0.
  bool isPositive;
  OperandLayout layout;

  constexpr bool isScalar() const { return dims.empty(); }
};

/// What an option changes.
enum class OptionKind {
  /// A string attribute of the op.
  Attribute,
  /// Whether the optional operand of the same name is present. An input is
  /// absent by default, an output present.
  Presence,
  /// The element type of the operands with the type variable of the same name.
  ElementType
};

/// The values of a Presence option: the operand is absent, present, or may be
/// omitted by each launch.
inline constexpr std::string_view kAbsent = "no", kPresent = "yes",
                                  kLaunchOptional = "optional";

struct OptionInfo {
  std::string_view name;
  std::string_view doc;
  /// Alternative name on the command line, or empty.
  std::string_view alias;
  OptionKind kind;
  /// The default first.
  TableList<std::string_view> values;
  /// Part of the tuning key.
  bool isTuned;
};

struct OperatorTable {
  std::string_view name;
  std::string_view summary;
  TableList<SizeInfo> sizes;
  /// In the order of the kernel's arguments.
  TableList<OperandInfo> operands;
  /// The declared options, then one per optional operand, then one per type
  /// variable with several types.
  TableList<OptionInfo> options;
};

} // namespace mla

#endif // MLA_OPERATORS_OPERATORTABLE_H
