//===- Program.h - the kernels of mla.decode --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// What the three kernels of the program agree on: tiles of rows, parts of the
// plan, and the workspaces of partial results.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_OPERATORS_DECODE_PROGRAM_H
#define MLA_LIB_OPERATORS_DECODE_PROGRAM_H

#include "DecodeOp.h"
#include "Plan.h"
#include "mla/Operators/TileBuilder.h"
#include "llvm/Support/MathExtras.h"

namespace mla {

/// How the rows of a request, queries x heads of one KV head, form tiles.
struct DecodeTiling {
  int64_t queries, heads, kvHeads;
  int64_t tileRows, rowTiles;

  /// Emits an error if the schedule sets an unsupported number of rows.
  static mlir::FailureOr<DecodeTiling> get(DecodeOp op,
                                           const TilingOptions &options);

  /// Rows of one KV head of a request.
  int64_t getRows() const { return queries * heads; }
  /// Tiles of a request, CTAs that work side by side on a part of the plan.
  int64_t getTiles() const { return rowTiles * kvHeads; }
};

/// The workspaces: out [parts, 2, rows, d_v] and lse [parts, 2, rows]. [p, 0]
/// is the piece in part p of a request that begins in an earlier part, [p, 1]
/// that of one that begins in part p. Rows are (KV head, query, head of the KV
/// head).
struct DecodePartials {
  mlir::Value out, lse;
};

/// The tokens that a request has room for in the cache, as an index.
/// `blockTable` is null if the cache has no pages.
mlir::Value buildRoom(TileBuilder &b, mlir::Value kCache,
                      mlir::Value blockTable);

/// Without a block table, names the first dimension of the cache after the
/// requests, so that launches check it. The other names are given
/// (noteLaunchInterface).
void nameRequests(DecodeOp op);

/// The convention of the op's lse.
LseOptions getDecodeLse(DecodeOp op);

/// The workspaces of the op's function; null if it was not expanded.
DecodePartials getDecodePartials(DecodeOp op);

} // namespace mla

#endif // MLA_LIB_OPERATORS_DECODE_PROGRAM_H
