//===- PanelProduct.h - matrix products of the references -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_HARNESS_PANELPRODUCT_H
#define MLA_HARNESS_PANELPRODUCT_H

#include <algorithm>
#include <cstdint>
#include <vector>

namespace mla::harness {

/// Columns of a panel. A panel is a block of columns of the right operand,
/// packed row by row, so that a row is one SIMD vector.
inline constexpr int kPanelColumns = 8;
/// Rows that multiplyPanel computes at a time.
inline constexpr int kPanelRows = 4;

/// Doubles, aligned for multiplyPanel.
class PanelBuffer {
public:
  explicit PanelBuffer(int64_t count)
      : vectors((count + kPanelColumns - 1) / kPanelColumns),
        begin(reinterpret_cast<double *>(vectors.data())) {}
  double *data() { return begin; }
  void clear() { std::fill(vectors.begin(), vectors.end(), Vector{}); }

private:
  struct alignas(kPanelColumns * sizeof(double)) Vector {
    double values[kPanelColumns];
  };
  std::vector<Vector> vectors;
  double *begin;
};

/// c[rows x 8] += a[rows x depth] * panel[depth x 8] in double precision.
/// `rows` is a multiple of kPanelRows, `cStride` of kPanelColumns, and c and
/// the panel are aligned as a PanelBuffer is. Strides are in elements.
void multiplyPanel(const double *a, int64_t aStride, const double *panel,
                   int64_t depth, double *c, int64_t cStride, int64_t rows);

} // namespace mla::harness

#endif // MLA_HARNESS_PANELPRODUCT_H
