//===- VerifySchedule.h - checks names in schedules -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TRANSFORMS_VERIFYSCHEDULE_H
#define MLA_LIB_TRANSFORMS_VERIFYSCHEDULE_H

#include "mla/Transforms/Passes.h"

namespace mla {

/// Fails with an error at `program` if `schedule` names a row, role or ring
/// that matches nothing in the program.
mlir::LogicalResult checkNames(mlir::scf::ForallOp program,
                               ScheduleAttr schedule);

} // namespace mla

#endif // MLA_LIB_TRANSFORMS_VERIFYSCHEDULE_H
