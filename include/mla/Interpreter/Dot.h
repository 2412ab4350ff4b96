//===- Dot.h - the matrix product of the interpreter ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_INTERPRETER_DOT_H
#define MLA_INTERPRETER_DOT_H

#include <cstdint>

namespace mla::interp {

struct DotShape {
  int64_t m, n, k;
  bool transposeA, transposeB;
};

/// c[m, n] += a[m, k] b[k, n] (either operand stored transposed on request).
/// Element (i, j) is ((c + a[i,0] b[0,j]) + a[i,1] b[1,j]) + ..., each product
/// and sum rounded to fp32: the order does not depend on blocking or machine.
void dot(const DotShape &shape, const float *a, const float *b, float *c);

} // namespace mla::interp

#endif // MLA_INTERPRETER_DOT_H
