//===- Flops.h - floating-point operations of attention ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_OPERATORS_FLOPS_H
#define MLA_OPERATORS_FLOPS_H

#include <cstdint>

namespace mla {

/// FLOPs of Q K^T and P V over `pairs` pairs of a query head and a KV row. A
/// double, since the largest sizes exceed 64 bits.
constexpr double countAttentionFlops(double pairs, int64_t dQK, int64_t dV) {
  return 2 * pairs * static_cast<double>(dQK + dV);
}

/// FLOPs of the five products of the backward, as papers count them: scores,
/// dP = dO V^T, dV, dQ and dK.
constexpr double countAttentionBackwardFlops(double pairs, int64_t dQK,
                                             int64_t dV) {
  return 2 * pairs * static_cast<double>(3 * dQK + 2 * dV);
}

} // namespace mla

#endif // MLA_OPERATORS_FLOPS_H
