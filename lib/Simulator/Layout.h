//===- Layout.h - where elements lie ----------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A tile's elements in shared memory, as pieces of neighbouring bytes. Written
// from the PTX ISA (Asynchronous warpgroup matrix shared memory layout; Tensor
// swizzling modes), not from the lowering's tables.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_SIMULATOR_LAYOUT_H
#define MLA_LIB_SIMULATOR_LAYOUT_H

#include "Shadow.h"
#include "mla/Dialect/CTA/CTA.h"
#include <vector>

namespace mla::sim {

/// `count` neighbouring elements: in the tile, counted row by row, and in
/// memory, in bits from the tile's base (an i1 takes one).
struct Piece {
  int64_t element;
  int64_t bit;
  int64_t count;
};

/// The bytes of a tile, relative to its base.
struct Footprint {
  std::vector<Piece> pieces;
  /// The bytes covered, ascending, neighbours joined.
  std::vector<ByteRange> ranges;
  /// The base must be a multiple of this: where the swizzle repeats.
  int64_t alignment = 1;
  int64_t elementBits = 8;
};

/// The footprint of a buffer.
Footprint makeFootprint(cta::BufferType type);

/// The footprint of an operand that wgmma reads through a descriptor.
Footprint makeFootprint(cta::DescriptorType type);

/// The part of `whole` that holds the elements for which `pick` is true.
Footprint selectElements(const Footprint &whole,
                         llvm::function_ref<bool(int64_t element)> pick);

/// Bytes from a buffer's base to that of a view of it at `offsets`; nothing
/// where the view would not start at a whole piece of the swizzle.
std::optional<int64_t> getViewOffset(cta::BufferType type,
                                     llvm::ArrayRef<int64_t> offsets);

/// Which of the `warps` warps of a role holds an element of a fragment of shape
/// `shape`, counted row by row; nothing if several warps hold every element.
std::optional<int64_t> getWarpOf(mlir::Attribute layout,
                                 llvm::ArrayRef<int64_t> shape, int64_t element,
                                 int64_t warps);

/// The layout of a fragment; null for a plain tensor.
inline mlir::Attribute getLayoutOf(mlir::Type fragment) {
  auto type = llvm::cast<mlir::RankedTensorType>(fragment);
  return cta::hasLayout(type) ? type.getEncoding() : mlir::Attribute();
}

/// Which threads, of all that hold the elements of a fragment with a direct
/// layout, hold `element`: those whose number has the bits `value` among the
/// bits `mask`.
struct ThreadSet {
  int64_t mask = 0, value = 0;
};
ThreadSet getThreads(cta::DirectLayoutAttr layout,
                     llvm::ArrayRef<int64_t> shape, int64_t element);

} // namespace mla::sim

#endif // MLA_LIB_SIMULATOR_LAYOUT_H
