//===- RegisterBudget.h - registers of the roles ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_CONVERSION_REGISTERBUDGET_H
#define MLA_LIB_CONVERSION_REGISTERBUDGET_H

#include "KernelInterface.h"

namespace mla {

/// Registers per thread at launch. The warps of a CTA are divided among the
/// partitions of an SM, and each partition allocates registers evenly, in
/// units.
inline int64_t getRegistersAtLaunch(const TargetSpec &target, int64_t threads) {
  int64_t warps = llvm::divideCeil(threads, target.partitions * 32);
  int64_t each = target.registersPerSM / target.partitions / 32 / warps;
  auto unit = static_cast<uint64_t>(target.registerUnit);
  return std::min<int64_t>(
      llvm::alignDown(static_cast<uint64_t>(each), unit),
      static_cast<int64_t>(llvm::alignTo(target.registersPerThread, unit)));
}

/// Whether a role can change its number of registers: setmaxnreg acts on a
/// whole warpgroup.
inline bool setsRegisters(cta::RoleOp role) { return role.getWarps() % 4 == 0; }

} // namespace mla

#endif // MLA_LIB_CONVERSION_REGISTERBUDGET_H
