//===- AttentionCosts.h - what attention schedules cost ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_OPERATORS_ATTENTIONCOSTS_H
#define MLA_OPERATORS_ATTENTIONCOSTS_H

#include "mla/Tuning/CostModel.h"

namespace mla {

/// What a schedule that ships costs.
const ScheduleCosts &getAttentionCosts(llvm::StringRef schedule);

} // namespace mla

#endif // MLA_OPERATORS_ATTENTIONCOSTS_H
