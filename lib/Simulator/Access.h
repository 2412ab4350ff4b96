//===- Access.h - checked access to memory ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_SIMULATOR_ACCESS_H
#define MLA_LIB_SIMULATOR_ACCESS_H

#include "Layout.h"
#include "Role.h"

namespace mla::sim {

/// One access of an op, as the handlers describe it.
struct Touch {
  mlir::Operation *op;
  EventId event;
  bool write;
  Proxy proxy = Proxy::Generic;
  /// Who is remembered: the queue of an asynchronous op; without it, the warp.
  std::optional<Epoch> epoch = {};
  /// Of a write to shared memory: a later access of the async proxy needs a
  /// fence.
  bool needsFence = false;
};

/// What all of `warps` know.
Knowledge getCommon(llvm::ArrayRef<Warp> warps);

/// Checks and records an access to shared memory from byte `base` on, made by
/// `warps` together: each of them has to know that it may.
mlir::LogicalResult touchShared(Role &role, llvm::ArrayRef<Warp> warps,
                                int64_t base, const Footprint &footprint,
                                const Touch &touch);
/// The same by ordinary loads or stores: each warp its rows of a fragment in
/// `layout`.
mlir::LogicalResult touchByWarp(Role &role, int64_t base,
                                cta::BufferType buffer, mlir::Attribute layout,
                                const Touch &touch);

/// Elements between the shared memory of a CTA and a tile.
void loadTile(const Cta &cta, int64_t base, const Footprint &footprint,
              interp::DenseTile &tile);
void storeTile(Cta &cta, int64_t base, const Footprint &footprint,
               const interp::DenseTile &tile);
void poison(Cta &cta, int64_t base, const Footprint &footprint);

/// A tile of zeros with the shape and element type of `type`.
interp::TilePtr makeTile(cta::BufferType type);

/// Checks and records an access to bytes of `array`, counted from its first
/// element, if the kernel writes it.
mlir::LogicalResult touchGlobal(Role &role, llvm::ArrayRef<Warp> warps,
                                const interp::Argument &array, ByteRange bytes,
                                const Touch &touch);
/// The same access to a box of `array` or of a window of it. Without `layout`
/// the executing warps make it together.
mlir::LogicalResult touchGlobal(Role &role, const interp::Argument &array,
                                const interp::Box &box, mlir::Attribute layout,
                                const Touch &touch);

} // namespace mla::sim

#endif // MLA_LIB_SIMULATOR_ACCESS_H
