//===- Tiling.h - tile sizes of mla.prefill ---------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_OPERATORS_PREFILL_TILING_H
#define MLA_LIB_OPERATORS_PREFILL_TILING_H

#include "PrefillOp.h"

namespace mla {

/// Query rows of the MMAs of one warpgroup.
inline constexpr int64_t kConsumerRows = 64;

/// The default number of keys per tile: the largest with which two slots each
/// of K and V fit in shared memory beside `rows` rows of Q, and scores, P and
/// the output of a warpgroup fit in its registers.
int64_t choosePrefillBlockKV(int64_t rows, int64_t dimQK, int64_t dimV);

struct PrefillTiling {
  /// Query rows per output tile: those of the roles that compute scores.
  int64_t rows;
  /// Keys per tile.
  int64_t blockKV;
  /// A section of a causal grid has as many heads as have this many bytes of
  /// keys and values.
  int64_t cachedBytes;

  /// The tile sizes of the schedule. Emits an error for unsupported ones.
  static mlir::FailureOr<PrefillTiling> get(PrefillOp op,
                                            const TilingOptions &options);
};

} // namespace mla

#endif // MLA_LIB_OPERATORS_PREFILL_TILING_H
