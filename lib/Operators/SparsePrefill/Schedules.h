//===- Schedules.h - the schedules of mla.sparse_prefill --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_OPERATORS_SPARSEPREFILL_SCHEDULES_H
#define MLA_LIB_OPERATORS_SPARSEPREFILL_SCHEDULES_H

#include "mla/Tuning/Operator.h"

namespace mla {

llvm::ArrayRef<NamedSchedule> getSparsePrefillSchedules();

/// What the schedule costs, which is one of those.
const ScheduleCosts &getSparsePrefillCosts(llvm::StringRef schedule);

} // namespace mla

#endif // MLA_LIB_OPERATORS_SPARSEPREFILL_SCHEDULES_H
