//===- ScheduleCosts.h - schedule costs of sparse_prefill -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_OPERATORS_SPARSEPREFILL_SCHEDULECOSTS_H
#define MLA_LIB_OPERATORS_SPARSEPREFILL_SCHEDULECOSTS_H

#include "mla/Tuning/CostModel.h"

namespace mla {

/// The costs of a built-in schedule.
const ScheduleCosts &getSparsePrefillCosts(llvm::StringRef schedule);

} // namespace mla

#endif // MLA_LIB_OPERATORS_SPARSEPREFILL_SCHEDULECOSTS_H
