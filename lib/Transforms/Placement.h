//===- Placement.h - assigns tiles to roles ---------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TRANSFORMS_PLACEMENT_H
#define MLA_LIB_TRANSFORMS_PLACEMENT_H

#include "mla/Transforms/Passes.h"

namespace mla {

/// One of `parts` equal parts of a tile along `dim`; the whole tile if dim =
/// -1.
struct Slice {
  int64_t dim = -1, part = 0, parts = 1;

  bool isWhole() const { return dim < 0 || parts == 1; }
  bool operator==(const Slice &o) const {
    return (isWhole() && o.isWhole()) ||
           (dim == o.dim && part == o.part && parts == o.parts);
  }
  /// The shape of the part of a tile of shape `shape`.
  llvm::SmallVector<int64_t> apply(llvm::ArrayRef<int64_t> shape) const;
  /// The offset of the part in dimension `d`, which has `size` elements.
  int64_t getOffset(int64_t d, int64_t size) const {
    return d == dim ? size / parts * part : 0;
  }
  /// The same slice of a tile with an additional dimension `d`, or without `d`.
  Slice insertDim(int64_t d) const;
  Slice dropDim(int64_t d) const;
};

/// The roles that compute a tile. With split >= 0 each computes a part along
/// that dimension, in list order; otherwise each computes the whole tile.
/// Without roles, the tile is duplicated wherever it is used.
struct Placement {
  llvm::SmallVector<unsigned> roles;
  int64_t split = -1;

  bool isAnywhere() const { return roles.empty(); }
  bool contains(unsigned role) const { return llvm::is_contained(roles, role); }
  /// The part that `role`, one of `roles`, computes.
  Slice getSlice(unsigned role) const;
  bool operator==(const Placement &o) const {
    return roles == o.roles && split == o.split;
  }
};

/// True for ops that are duplicated in each role that uses them: constants,
/// splats, broadcasts, views, iotas, and loads and gathers of vectors.
bool isReplicable(mlir::Operation *op);

/// True for a load or gather whose only use is a tile.concat.
bool isPartOfConcat(mlir::Operation *op);

/// True for an op that fills shared memory asynchronously: a gather of rows, a
/// load that a tile.dot reads, a tile.concat. Other loads are to registers.
bool isAsyncLoad(mlir::Operation *op);

/// True if `op` has a tile among its operands or results.
bool touchesTiles(mlir::Operation *op);

/// True if an op in the regions of `op` has tiles.
bool isAroundTiles(mlir::Operation *op);

/// The tile.dot to whose result in flight `dot` accumulates, without a wait: in
/// the same block, roles and stage, not later in order, and with no other use.
/// Null if there is none.
tile::DotOp getAccInFlight(tile::DotOp dot, ScheduleAttr schedule);

/// Whether a wait for `dot` is needed: not if only the next tile.dot of a chain
/// uses its result.
bool isAwaited(tile::DotOp dot, ScheduleAttr schedule);

/// Assigns every op and tile of a tile program to roles, by a schedule.
class PlacementAnalysis {
public:
  PlacementAnalysis(mlir::scf::ForallOp program, ScheduleAttr schedule)
      : program(program), schedule(schedule) {}

  /// Fails with an error at an op whose label has no row, whose operands have
  /// no role in common, or whose tile the split does not divide.
  mlir::LogicalResult run();

  const Placement &get(mlir::Operation *op) const;
  const Placement &get(mlir::Value tile) const;
  unsigned getRoleIndex(llvm::StringRef name) const;

private:
  mlir::LogicalResult visit(mlir::Operation *op);
  mlir::LogicalResult visitLabelled(mlir::Operation *op, PlaceAttr row);
  mlir::LogicalResult meetOperands(mlir::Operation *op);
  void visitLoop(mlir::scf::ForOp loop);
  mlir::LogicalResult visitIf(mlir::scf::IfOp branch);
  mlir::LogicalResult checkSplits();
  void set(mlir::Operation *op, const Placement &placement);
  void set(mlir::Value tile, const Placement &placement);

  mlir::scf::ForallOp program;
  ScheduleAttr schedule;
  llvm::DenseMap<mlir::Operation *, Placement> ops;
  llvm::DenseMap<mlir::Value, Placement> tiles;
  bool changed = false;
};

} // namespace mla

#endif // MLA_LIB_TRANSFORMS_PLACEMENT_H
