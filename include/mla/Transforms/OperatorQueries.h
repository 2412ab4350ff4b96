//===- OperatorQueries.h - shapes and schedules of operators ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TRANSFORMS_OPERATORQUERIES_H
#define MLA_TRANSFORMS_OPERATORQUERIES_H

#include "mla/Dialect/MLA/MLA.h"
#include "mla/Tuning/Operator.h"

namespace mla {

/// The operators registered with the context.
OperatorList getKnownOperators(mlir::MLIRContext *context);

/// The built-in schedule of `op` with that name. Null with an error at `op`
/// that lists the known names if there is none.
ScheduleAttr getNamedSchedule(OperatorInterface op, llvm::StringRef name);

/// Whether `op` has an operand with that dimension.
bool usesSize(OperatorInterface op, std::string_view size);

/// The shape class of `op`: its sizes, without a value where they are dynamic,
/// and its options.
ShapeClass getShapeClass(OperatorInterface op);

/// The shape class of `op` with a value for every size. Dynamic sizes come from
/// `expected` (see parseExpectedSizes()), otherwise they are typical. Fails
/// with an error at `op` if `expected` does not parse or names an unknown size.
mlir::FailureOr<Problem> getExpectedProblem(OperatorInterface op,
                                            llvm::StringRef expected);

/// Fails with an error at `op` that names the size if no kernel supports it.
mlir::LogicalResult checkCovered(OperatorInterface op);

} // namespace mla

#endif // MLA_TRANSFORMS_OPERATORQUERIES_H
