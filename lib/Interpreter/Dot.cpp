//===- Dot.cpp - the matrix product of the interpreter ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Interpreter/Dot.h"
#include <algorithm>
#include <vector>

using namespace mla::interp;

/// Transposes `from` [rows, columns], in blocks that fit in cache.
static std::vector<float> transpose(const float *from, int64_t rows,
                                    int64_t columns) {
  constexpr int64_t kBlock = 16;
  std::vector<float> to(rows * columns);
  for (int64_t r0 = 0; r0 < rows; r0 += kBlock)
    for (int64_t c0 = 0; c0 < columns; c0 += kBlock)
      for (int64_t r = r0; r < std::min(r0 + kBlock, rows); ++r)
        for (int64_t c = c0; c < std::min(c0 + kBlock, columns); ++c)
          to[c * rows + r] = from[r * columns + c];
  return to;
}

/// c[0, n) += a[0, k) b[k, n), where rows of `b` are `ldb` apart. Vectorised
/// over j, which preserves the order of each element's sum. Four steps of k per
/// pass reduce loads and stores of `c`.
static void addRow(const float *__restrict a, const float *__restrict b,
                   int64_t ldb, int64_t n, int64_t k, float *__restrict c) {
  int64_t p = 0;
  for (; p + 4 <= k; p += 4) {
    const float *b0 = b + p * ldb, *b1 = b0 + ldb, *b2 = b1 + ldb,
                *b3 = b2 + ldb;
    float a0 = a[p], a1 = a[p + 1], a2 = a[p + 2], a3 = a[p + 3];
    for (int64_t j = 0; j < n; ++j)
      c[j] = (((c[j] + a0 * b0[j]) + a1 * b1[j]) + a2 * b2[j]) + a3 * b3[j];
  }
  for (; p < k; ++p)
    for (int64_t j = 0; j < n; ++j)
      c[j] += a[p] * b[p * ldb + j];
}

void mla::interp::dot(const DotShape &s, const float *a, const float *b,
                      float *c) {
  std::vector<float> rowsOfA, rowsOfB;
  if (s.transposeA) {
    rowsOfA = transpose(a, s.k, s.m);
    a = rowsOfA.data();
  }
  if (s.transposeB) {
    rowsOfB = transpose(b, s.n, s.k);
    b = rowsOfB.data();
  }
  // All rows of a use a block of b (32 KB) before the next block. Ascending
  // blocks along k preserve the order of each element's sum.
  constexpr int64_t kBlockK = 64, kBlockN = 128;
  for (int64_t k0 = 0; k0 < s.k; k0 += kBlockK)
    for (int64_t n0 = 0; n0 < s.n; n0 += kBlockN)
      for (int64_t i = 0; i < s.m; ++i)
        addRow(a + i * s.k + k0, b + k0 * s.n + n0, s.n,
               std::min(kBlockN, s.n - n0), std::min(kBlockK, s.k - k0),
               c + i * s.n + n0);
}
