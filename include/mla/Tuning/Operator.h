//===- Operator.h - what an operator is, without its IR ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TUNING_OPERATOR_H
#define MLA_TUNING_OPERATOR_H

#include "mla/Operators/OperatorTable.h"
#include "mla/Tuning/CostModel.h"

namespace mla {

/// A schedule that ships with its operator: the text of its attribute.
struct NamedSchedule {
  llvm::StringLiteral name;
  llvm::StringLiteral text;
};

/// Each operator has one of these (lib/Operators/<Name>), which its op class
/// gives out (mla/Dialect/MLA/Operators.td).
struct Operator {
  const OperatorTable &table;
  /// Of schedules that take equally long the first is chosen.
  llvm::ArrayRef<NamedSchedule> schedules;
  /// Sizes of tiles that schedules may set.
  llvm::ArrayRef<llvm::StringRef> tileSizes;
  /// Why no kernel can be made of a shape whose sizes are within the limits of
  /// the table; empty if one can. May be null.
  std::string (*findFault)(const ShapeClass &shape);
  /// How long a schedule takes, which is one of `schedules`.
  Prediction (*predict)(const Choice &choice, const Problem &problem,
                        const GpuRates &machine);
  /// The tuning table that ships; may be empty.
  llvm::StringLiteral tuning;
  /// The choice for sizes that the table does not have. Null: the schedule with
  /// the shortest predicted time, as it is.
  Choice (*choose)(const Problem &problem) = nullptr;

  llvm::StringRef getName() const { return table.name; }
};

using OperatorList = llvm::ArrayRef<const Operator *>;

/// Null for an unknown name.
const Operator *findOperator(OperatorList operators, llvm::StringRef name);
/// "one of combine, ...", those nearest to `name` first.
std::string listOperators(OperatorList operators, llvm::StringRef name);

/// Null for an unknown name.
const NamedSchedule *findSchedule(const Operator &op, llvm::StringRef name);
/// "one of seesaw, shared-p, ...", those nearest to `name` first.
std::string listSchedules(const Operator &op, llvm::StringRef name);

/// The shape class that \p op has where nothing else is said.
ShapeClass getUsualShape(const Operator &op);

/// The shape, with sizes that are typical where only the launch tells.
Problem getTypicalProblem(const Operator &op, const ShapeClass &shape);

/// Why no kernel can be made for the shape: "expected 1 <= h_q <= 128, got
/// 129"; empty if one can.
std::string findFault(const Operator &op, const ShapeClass &shape);

class TuningTable;

/// The table's choice if it has an entry for the shape and GPU, otherwise the
/// cost model's.
Decision decide(const Operator &op, const Problem &problem, const Gpu &gpu,
                const TuningTable &table);

} // namespace mla

#endif // MLA_TUNING_OPERATOR_H
