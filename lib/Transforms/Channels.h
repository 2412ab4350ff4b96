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
  /// Each of several writes its part.
  llvm::SmallVector<unsigned> writers;
};

/// Channels by the tile they carry, shared by the emitters of all roles. Tiles
/// of one label in loops that follow each other, over full tiles and then over
/// masked ones for example, travel in one ring.
class Channels {
public:
  Channels(mlir::scf::ForallOp program, ScheduleAttr schedule)
      : program(program), schedule(schedule) {}

  /// The ring that carries `tile` from `writers`; null, and an error, for a
  /// tile that shared memory cannot hold.
  cta::RingOp get(mlir::Value tile, llvm::ArrayRef<unsigned> writers);
  llvm::ArrayRef<Channel> all() const { return list; }

  /// Notes that a role takes a tile out of its ring at the place of `row`.
  void noteLoad(PlaceAttr row) { loads.insert(row); }
  /// Fails with an error if the schedule says of a tile how it travels, and it
  /// does not. All roles have been emitted, and the tile program is still
  /// there: a tile that was folded away is no mistake.
  mlir::LogicalResult checkUse();

  /// Lets tiles of one label in loops that follow each other, written and read
  /// by the same roles, travel in one ring: its slots and phases go on from
  /// loop to loop. All roles have been emitted.
  void share();

private:
  std::string makeName(mlir::Value tile);
  bool hasRing(mlir::StringAttr name) const;

  mlir::scf::ForallOp program;
  ScheduleAttr schedule;
  llvm::SmallVector<Channel> list;
  llvm::DenseMap<mlir::Value, unsigned> index;
  llvm::DenseSet<mlir::Attribute> loads;
};

} // namespace mla

#endif // MLA_LIB_TRANSFORMS_CHANNELS_H
