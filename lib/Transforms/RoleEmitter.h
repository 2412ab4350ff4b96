//===- RoleEmitter.h - emits the program of one role ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TRANSFORMS_ROLEEMITTER_H
#define MLA_LIB_TRANSFORMS_ROLEEMITTER_H

#include "Channels.h"
#include "Placement.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mla {

inline mlir::RankedTensorType getTileType(mlir::Value v) {
  return mlir::cast<mlir::RankedTensorType>(v.getType());
}

/// Emits the program of one role from a tile program. A tile travels through a
/// ring if another role computes it, if several roles compute parts of it, or
/// if an MMA of the role that computes it reads it from shared memory. The
/// writer fills a slot right after it has computed the tile; the reader awaits
/// the slot where the tile program defines the tile.
class RoleEmitter {
public:
  RoleEmitter(mlir::scf::ForallOp program, ScheduleAttr schedule, unsigned role,
              const PlacementAnalysis &placement, Channels &channels)
      : program(program), schedule(schedule), role(role), placement(placement),
        channels(channels), b(program.getLoc(), program.getContext()) {}

  mlir::LogicalResult emit();
  /// Adds the stores that fill the channels this role writes. Call it after all
  /// roles have been emitted, when the channels are known.
  mlir::LogicalResult fillChannels();

private:
  // Loops, branches and scalars: RoleEmitter.cpp.

  mlir::LogicalResult emitBlock(mlir::Block *from, mlir::Block *to);
  mlir::LogicalResult emitOp(mlir::Operation *op);
  mlir::LogicalResult emitLoop(mlir::scf::ForOp loop);
  mlir::LogicalResult emitIf(mlir::scf::IfOp branch);
  /// Emits the yield of an op with `results`: the operands numbered `kept`,
  /// each reduced to the part that this role holds of the result.
  mlir::LogicalResult emitYield(mlir::scf::YieldOp from, mlir::Block *to,
                                mlir::ValueRange results,
                                llvm::ArrayRef<unsigned> kept);
  /// Whether this role computes something in the regions of `op`.
  bool needsRegions(mlir::Operation *op);
  llvm::SmallVector<mlir::Value> mapScalars(mlir::ValueRange values);
  /// Gives `op` the stage and order of the schedule's row being emitted.
  template <typename OpTy> OpTy mark(OpTy op) {
    mlir::Operation *base = op;
    auto loop = base->getParentOfType<mlir::scf::ForOp>();
    if (loop && !loop->hasAttr(tile::kPersistentAttr) && row) {
      base->setAttr(cta::kStageAttr, b.getI64IntegerAttr(row.getStage()));
      base->setAttr(cta::kOrderAttr, b.getI64IntegerAttr(row.getOrder()));
    }
    return op;
  }

  // Synchronous ops on tiles: RoleEmitterOps.cpp.

  mlir::LogicalResult emitDot(tile::DotOp dot, Slice slice);
  mlir::LogicalResult emitStore(tile::StoreOp store, Slice slice);
  mlir::Value emitLoad(tile::LoadOp load, Slice slice);
  /// Clones `op` for the part `slice` of its result. Null with an error if its
  /// operands are not available.
  mlir::Value emitClone(mlir::Operation *op, Slice slice);
  /// The indices of the load or store `op` for the part `slice` of `tile`.
  template <typename OpTy>
  llvm::SmallVector<mlir::Value>
  offsetIndices(OpTy op, mlir::RankedTensorType tile, Slice slice);

  // Asynchronous loads into rings: RoleEmitterFills.cpp.

  mlir::LogicalResult emitAsyncLoad(mlir::Operation *op);
  /// The rows that a gather reads: their indices, and their block or null.
  struct Rows {
    mlir::Value indices, block;
  };
  /// The rows of a gather, or of a load with a row bound, which becomes a
  /// gather. Null for any other load.
  mlir::FailureOr<Rows> emitRows(mlir::Operation *op);
  /// The rows of `load`, with index -1, which reads padding, beyond its bound.
  /// They are a block if all are below the bound.
  Rows emitBoundedRows(tile::LoadOp load, int64_t dim);
  /// Fills `dest`, a slot or a view of one, by a gather if there are `rows`.
  void emitFill(mlir::Operation *op, const Rows &rows, mlir::Value dest);

  // Operands in registers and shared memory: RoleEmitterOperands.cpp.

  /// The part `slice` of `tile` in registers. Null with an error at `user` if
  /// the role has no access to it.
  mlir::Value getFragment(mlir::Value tile, Slice slice, mlir::Operation *user);
  /// The part `slice` of `tile` in shared memory. Null if the role has it in
  /// registers; with `stage`, it is sent through shared memory in that case.
  mlir::Value getBuffer(mlir::Value tile, Slice slice, bool stage = false);
  /// The slot with `tile`, awaited once for all uses in the role.
  mlir::Value awaitChannel(mlir::Value tile, llvm::ArrayRef<unsigned> writers);
  /// A view of a rectangle of `slot`, or `slot` itself if that is all of it.
  mlir::Value getView(mlir::Value slot, llvm::ArrayRef<int64_t> offsets,
                      llvm::ArrayRef<int64_t> shape);
  /// Moves the insertion point, which may be in a nested region, out to this
  /// role's copy of `defBlock`.
  void moveTo(mlir::Block *defBlock);

  mlir::scf::ForallOp program;
  ScheduleAttr schedule;
  unsigned role;
  const PlacementAnalysis &placement;
  Channels &channels;
  mlir::ImplicitLocOpBuilder b;
  /// Values of the tile program and their counterparts in this role.
  mlir::IRMapping scalars;
  llvm::DenseMap<mlir::Value, mlir::Value> fragments, slots, inFlight;
  llvm::SmallVector<std::tuple<mlir::Value, Slice, mlir::Value>> replicas;
  llvm::DenseMap<mlir::Block *, mlir::Block *> blocks;
  /// The schedule's row of the op being emitted.
  PlaceAttr row;
};

} // namespace mla

#endif // MLA_LIB_TRANSFORMS_ROLEEMITTER_H
