//===- Flops.h - floating-point operations of combine -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_OPERATORS_COMBINE_FLOPS_H
#define MLA_LIB_OPERATORS_COMBINE_FLOPS_H

namespace mla {

/// One multiply-add for each element of partial_out.
constexpr double countCombineFlops(double rows, double splits, double dV) {
  return 2 * rows * splits * dV;
}

} // namespace mla

#endif // MLA_LIB_OPERATORS_COMBINE_FLOPS_H
