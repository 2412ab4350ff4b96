//===- Placement.h - which roles hold a tile --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TRANSFORMS_PLACEMENT_H
#define MLA_LIB_TRANSFORMS_PLACEMENT_H

#include "mla/Transforms/Passes.h"

namespace mla {

/// An equal part of a tile along one dimension; the whole tile for dim = -1.
struct Slice {
  int64_t dim = -1, part = 0, parts = 1;

  bool isWhole() const { return dim < 0 || parts == 1; }
  bool operator==(const Slice &o) const {
    return (isWhole() && o.isWhole()) ||
           (dim == o.dim && part == o.part && parts == o.parts);
  }
  /// The shape of the part of a tile of shape `shape`.
  llvm::SmallVector<int64_t> apply(llvm::ArrayRef<int64_t> shape) const;
  /// Where the part starts in dimension `d` of `size` elements.
  int64_t getOffset(int64_t d, int64_t size) const {
    return d == dim ? size / parts * part : 0;
  }
  /// The slice of a tile that has `d` as an additional dimension, and back.
  Slice insertDim(int64_t d) const;
  Slice dropDim(int64_t d) const;
};

/// The roles that compute a tile. With split >= 0 each computes its part of
/// that dimension, in the order of the list; otherwise each computes it whole.
/// No roles: the tile is repeated wherever it is used.
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

/// True for ops that a role repeats rather than receives: constants, splats,
/// broadcasts, views, counters, and loads and gathers of vectors.
bool isReplicable(mlir::Operation *op);

/// True for a load or gather of a part of a tile that is put together.
bool isPartOfConcat(mlir::Operation *op);

/// True for a load that fills shared memory asynchronously: a gather of rows, a
/// load that products read, a tile that is put together. Other loads go
/// straight into registers.
bool isAsyncLoad(mlir::Operation *op);

/// True if `op` has a tile among its operands or results.
bool touchesTiles(mlir::Operation *op);

/// True if `op` has a tile among its results or in its regions.
bool isAroundTiles(mlir::Operation *op);

/// The product that `dot` adds to without waiting for it: in the same block,
/// with the same roles, in the same stage and not later, and read by nothing
/// else. Null if there is none.
tile::DotOp getAccInFlight(tile::DotOp dot, ScheduleAttr schedule);

/// Whether the result of `dot` is waited for: a link of a chain is read by the
/// next one only, in flight.
bool isAwaited(tile::DotOp dot, ScheduleAttr schedule);

/// The placement of every op and tile of a tile program under a schedule.
class PlacementAnalysis {
public:
  PlacementAnalysis(mlir::scf::ForallOp program, ScheduleAttr schedule)
      : program(program), schedule(schedule) {}

  /// Fails with an error at the op for a label without a row, operands that no
  /// common role holds, a split that does not divide.
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
