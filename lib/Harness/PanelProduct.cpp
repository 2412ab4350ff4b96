//===- PanelProduct.cpp - matrix products of the references ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Harness/PanelProduct.h"

// Multi-versioned for machines with and without wide vectors. Not under the
// thread sanitizer, which is not initialised when the version is resolved.
#if defined(__x86_64__) && defined(__gnu_linux__) &&                           \
    !defined(__SANITIZE_THREAD__)
#define MLA_WIDE_VECTORS                                                       \
  __attribute__((target_clones("arch=haswell", "default")))
#else
#define MLA_WIDE_VECTORS
#endif

namespace mla::harness {

typedef double Vector
    __attribute__((vector_size(kPanelColumns * sizeof(double))));

MLA_WIDE_VECTORS void multiplyPanel(const double *a, int64_t aStride,
                                    const double *panel, int64_t depth,
                                    double *c, int64_t cStride, int64_t rows) {
  const Vector *b = reinterpret_cast<const Vector *>(panel);
  for (int64_t row = 0; row < rows; row += kPanelRows) {
    const double *a0 = a + row * aStride, *a1 = a0 + aStride,
                 *a2 = a1 + aStride, *a3 = a2 + aStride;
    double *to = c + row * cStride;
    Vector c0 = *reinterpret_cast<Vector *>(to);
    Vector c1 = *reinterpret_cast<Vector *>(to + cStride);
    Vector c2 = *reinterpret_cast<Vector *>(to + 2 * cStride);
    Vector c3 = *reinterpret_cast<Vector *>(to + 3 * cStride);
    for (int64_t k = 0; k < depth; ++k) {
      Vector column = b[k];
      c0 += a0[k] * column;
      c1 += a1[k] * column;
      c2 += a2[k] * column;
      c3 += a3[k] * column;
    }
    *reinterpret_cast<Vector *>(to) = c0;
    *reinterpret_cast<Vector *>(to + cStride) = c1;
    *reinterpret_cast<Vector *>(to + 2 * cStride) = c2;
    *reinterpret_cast<Vector *>(to + 3 * cStride) = c3;
  }
}

} // namespace mla::harness
