//===- RoleEmitter.h - the part of a tile program in one role ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TRANSFORMS_ROLEEMITTER_H
#define MLA_LIB_TRANSFORMS_ROLEEMITTER_H

#include "Channels.h"
#include "Placement.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mla {

/// Writes the program of one role. A tile that another role computes is
/// received through a ring: the reader awaits a slot where the tile is defined
/// in the program, the writer fills one right after it has computed the tile.
/// So is one that roles compute in parts, and one that a role has computed
/// itself and a product wants in shared memory.
class RoleEmitter {
public:
  RoleEmitter(mlir::scf::ForallOp program, ScheduleAttr schedule, unsigned role,
              const PlacementAnalysis &placement, Channels &channels)
      : program(program), schedule(schedule), role(role), placement(placement),
        channels(channels), b(program.getLoc(), program.getContext()) {}

  mlir::LogicalResult emit();
  /// Adds the stores that fill the channels this role writes.
  mlir::LogicalResult fillChannels();

private:
  mlir::LogicalResult emitBlock(mlir::Block *from, mlir::Block *to);
  mlir::LogicalResult emitOp(mlir::Operation *op);
  mlir::LogicalResult emitLoop(mlir::scf::ForOp loop);
  mlir::LogicalResult emitIf(mlir::scf::IfOp branch);
  /// Yields the parts of the values that `from` yields, of number `kept`, that
  /// this role holds of the `results` of the op around.
  mlir::LogicalResult emitYield(mlir::scf::YieldOp from, mlir::Block *to,
                                mlir::ValueRange results,
                                llvm::ArrayRef<unsigned> kept);
  mlir::LogicalResult emitAsyncLoad(mlir::Operation *op);
  /// Fills `dest`, a slot or a part of one; a gather by the indices `rows`.
  mlir::LogicalResult emitFill(mlir::Operation *op, mlir::Value rows,
                               mlir::Value dest);
  mlir::LogicalResult emitDot(tile::DotOp dot, Slice slice);
  mlir::LogicalResult emitStore(tile::StoreOp store, Slice slice);
  /// Clones `op` for the part `slice` of its result.
  mlir::Value emitClone(mlir::Operation *op, Slice slice);

  /// The part `slice` of `tile` in registers.
  mlir::Value getFragment(mlir::Value tile, Slice slice, mlir::Operation *user);
  /// The part `slice` of `tile` in shared memory; null where it is not there:
  /// the role has that part in registers, unless it is to `stage` it.
  mlir::Value getBuffer(mlir::Value tile, Slice slice, bool stage = false);
  mlir::Value awaitChannel(mlir::Value tile, llvm::ArrayRef<unsigned> writers);
  /// The rectangle of `slot`; all of it is no view.
  mlir::Value getView(mlir::Value slot, llvm::ArrayRef<int64_t> offsets,
                      llvm::ArrayRef<int64_t> shape);

  /// Whether this role computes something in the regions of `op`.
  bool needsRegions(mlir::Operation *op);
  /// Moves the builder to where this role defines what stands in `defBlock`.
  void moveTo(mlir::Block *defBlock);
  /// The indices of the access `op` for a role: the slice's start is added to
  /// that of its dimension.
  template <typename OpTy>
  llvm::SmallVector<mlir::Value>
  offsetIndices(OpTy op, mlir::RankedTensorType tile, Slice slice);
  llvm::SmallVector<mlir::Value> mapScalars(mlir::ValueRange values);
  mlir::Value emitLoad(tile::LoadOp load, Slice slice);
  /// The row indices of a gather, or of a load that has a bound of rows, one
  /// past which is outside of the memref; null for another load.
  mlir::FailureOr<mlir::Value> emitRows(mlir::Operation *op);
  /// Row by row, as far as the bounds go: TMA knows the memref's size alone.
  mlir::Value emitBoundedRows(tile::LoadOp load);
  /// Marks `op` with the pipeline place of the op being emitted.
  template <typename OpTy> OpTy mark(OpTy op);

  mlir::scf::ForallOp program;
  ScheduleAttr schedule;
  unsigned role;
  const PlacementAnalysis &placement;
  Channels &channels;
  mlir::ImplicitLocOpBuilder b;
  mlir::IRMapping scalars;
  llvm::DenseMap<mlir::Value, mlir::Value> fragments, slots, inFlight;
  llvm::SmallVector<std::tuple<mlir::Value, Slice, mlir::Value>> replicas;
  llvm::DenseMap<mlir::Block *, mlir::Block *> blocks;
  PlaceAttr row;
};

} // namespace mla

#endif // MLA_LIB_TRANSFORMS_ROLEEMITTER_H
