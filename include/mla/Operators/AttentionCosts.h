//===- AttentionCosts.h - schedule costs of attention -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_OPERATORS_ATTENTIONCOSTS_H
#define MLA_OPERATORS_ATTENTIONCOSTS_H

#include "mla/Tuning/CostModel.h"

namespace mla {

/// The costs of a built-in schedule of the attention operators.
const ScheduleCosts &getAttentionCosts(llvm::StringRef schedule);

} // namespace mla

#endif // MLA_OPERATORS_ATTENTIONCOSTS_H
