//===- Operator.h - an operator without its IR ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TUNING_OPERATOR_H
#define MLA_TUNING_OPERATOR_H

#include "mla/Operators/OperatorTable.h"
#include "mla/Tuning/CostModel.h"

namespace mla {

/// A built-in schedule of an operator, as the text of its attribute.
struct NamedSchedule {
  llvm::StringLiteral name;
  llvm::StringLiteral text;
};

/// The description of an operator, defined in lib/Operators/<Name> and returned
/// by getOperator() of its op class (mla/Dialect/MLA/Operators.td).
struct Operator {
  const OperatorTable &table;
  /// The first is chosen among those with the same predicted time.
  llvm::ArrayRef<NamedSchedule> schedules;
  /// Names of the tile sizes that schedules may set.
  llvm::ArrayRef<llvm::StringRef> tileSizes;
  /// An error if a shape within the limits of the table is not supported,
  /// otherwise empty. May be null.
  std::string (*findFault)(const ShapeClass &shape);
  /// Predicts the time of one of `schedules`.
  Prediction (*predict)(const Choice &choice, const Problem &problem,
                        const GpuRates &machine);
  /// The built-in tuning table; may be empty.
  llvm::StringLiteral tuning;
  /// Chooses for shapes without an entry in the tuning table. If null, the
  /// schedule with the shortest predicted time is chosen.
  Choice (*choose)(const Problem &problem) = nullptr;

  llvm::StringRef getName() const { return table.name; }
};

using OperatorList = llvm::ArrayRef<const Operator *>;

/// Null for an unknown name.
const Operator *findOperator(OperatorList operators, llvm::StringRef name);
/// "one of combine, ...", the names most similar to `name` first.
std::string listOperators(OperatorList operators, llvm::StringRef name);

/// Null for an unknown name.
const NamedSchedule *findSchedule(const Operator &op, llvm::StringRef name);
/// "one of seesaw, shared-p, ...", the names most similar to `name` first.
std::string listSchedules(const Operator &op, llvm::StringRef name);

/// The default shape of \p op.
ShapeClass getUsualShape(const Operator &op);

/// The shape with typical values for run-time sizes.
Problem getTypicalProblem(const Operator &op, const ShapeClass &shape);

/// An error if the shape is not supported ("expected 1 <= h_q <= 128, got
/// 129"), otherwise empty.
std::string findFault(const Operator &op, const ShapeClass &shape);

class TuningTable;

/// The choice of the tuning table if it has an entry for the shape and GPU,
/// otherwise of the operator's rule or the cost model.
Decision decide(const Operator &op, const Problem &problem, const Gpu &gpu,
                const TuningTable &table);

} // namespace mla

#endif // MLA_TUNING_OPERATOR_H
