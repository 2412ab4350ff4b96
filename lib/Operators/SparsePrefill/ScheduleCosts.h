//===- ScheduleCosts.h - what schedules of sparse_prefill cost --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_OPERATORS_SPARSEPREFILL_SCHEDULECOSTS_H
#define MLA_LIB_OPERATORS_SPARSEPREFILL_SCHEDULECOSTS_H

#include "mla/Tuning/CostModel.h"

namespace mla {

/// What a schedule that ships costs.
const ScheduleCosts &getSparsePrefillCosts(llvm::StringRef schedule);

} // namespace mla

#endif // MLA_LIB_OPERATORS_SPARSEPREFILL_SCHEDULECOSTS_H
