//===- Channels.h - the rings between roles ---------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TRANSFORMS_CHANNELS_H
#define MLA_LIB_TRANSFORMS_CHANNELS_H

#include "mla/Transforms/Passes.h"

namespace mla {

/// A ring between roles and the tile that travels in it.
struct Channel {
  cta::RingOp ring;
  mlir::Value tile;
  unsigned writer;
};

/// Channels by the tile they carry, shared by the emitters of all roles. Tiles
/// of one label in loops that follow each other, over full tiles and then over
/// masked ones for example, travel in one ring.
class Channels {
public:
  Channels(mlir::scf::ForallOp program, ScheduleAttr schedule)
      : program(program), schedule(schedule) {}

  /// The ring that carries `tile` from `writer`; null, and an error, for a tile
  /// that shared memory cannot hold.
  cta::RingOp get(mlir::Value tile, unsigned writer);
  llvm::ArrayRef<Channel> all() const { return list; }

  /// Notes that a role takes a tile out of its ring at the place of `row`.
  void noteLoad(PlaceAttr row) { loads.insert(row); }
  /// Fails with an error if the schedule says of a tile how it travels, and it
  /// does not. All roles have been emitted, and the tile program is still
  /// there: a tile that was folded away is no mistake.
  mlir::LogicalResult checkUse();

private:
  std::string makeName(mlir::Value tile);
  /// The ring of the tile of the same label in a loop before that of `tile`;
  /// null if there is none. The loops run one after the other, so that one ring
  /// serves both.
  cta::RingOp findOfSiblingLoop(mlir::Value tile, unsigned writer) const;
  bool hasRing(mlir::StringAttr name) const;

  mlir::scf::ForallOp program;
  ScheduleAttr schedule;
  llvm::SmallVector<Channel> list;
  llvm::DenseMap<mlir::Value, unsigned> index;
  llvm::DenseSet<mlir::Attribute> loads;
};

} // namespace mla

#endif // MLA_LIB_TRANSFORMS_CHANNELS_H
