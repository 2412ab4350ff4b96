//===- Channels.h - rings between roles -------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TRANSFORMS_CHANNELS_H
#define MLA_LIB_TRANSFORMS_CHANNELS_H

#include "mla/Transforms/Passes.h"

namespace mla {

/// A ring and the tile that it carries.
struct Channel {
  cta::RingOp ring;
  mlir::Value tile;
  /// Roles. If there are several, each writes its part of the tile.
  llvm::SmallVector<unsigned> writers;
};

/// The channels between roles, by tile; shared by the emitters of all roles.
class Channels {
public:
  Channels(mlir::scf::ForallOp program, ScheduleAttr schedule)
      : program(program), schedule(schedule) {}

  /// The ring that carries `tile` from `writers`, created on the first call.
  /// Null with an error for a tile that shared memory cannot hold.
  cta::RingOp get(mlir::Value tile, llvm::ArrayRef<unsigned> writers);
  llvm::ArrayRef<Channel> all() const { return list; }

  /// Records that `row` has placed the load of a tile from its ring.
  void noteLoad(PlaceAttr row) { loads.insert(row); }
  /// Fails with an error if the schedule has a ring or a row `L.load` for a
  /// tile that does not leave its role. Call it after all roles have been
  /// emitted, and before the tile program is erased: names of tiles that were
  /// folded are not errors.
  mlir::LogicalResult checkUse();

  /// Merges the rings of tiles that have the same label, writers and readers
  /// and are in consecutive loops, such as one over full and one over masked
  /// tiles. Slots and phases continue from loop to loop. Call it after all
  /// roles have been emitted.
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
