//===- DirectLayout.cpp - layouts of tiles loaded by threads ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "DirectLayout.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mla;

/// The widest memory access of a thread.
static constexpr int64_t kAccessBits = 128;

/// Whether the elements of the tile's last dimension are contiguous in memory,
/// with a static row length, so that vector accesses are possible.
static bool hasRows(Operation *op) {
  auto load = dyn_cast<tile::LoadOp>(op);
  if (!load)
    return true;
  auto source = cast<MemRefType>(load.getSource().getType());
  auto tile = cast<RankedTensorType>(load.getResult().getType());
  int64_t last = source.getRank() - 1;
  if (tile::orderDims(load.getDims(), source.getRank(), tile.getRank())
              .back() != last ||
      source.isDynamicDim(last))
    return false;
  auto [strides, offset] = source.getStridesAndOffset();
  return strides.back() == 1;
}

/// The largest power of two that divides `n`.
static int64_t getPowerIn(int64_t n) { return n & -n; }

static int64_t readMark(Operation *op, StringRef name) {
  auto attr = op->getAttrOfType<IntegerAttr>(name);
  return attr ? attr.getInt() : 0;
}

cta::DirectLayoutAttr mla::chooseDirectLayout(Operation *op,
                                              RankedTensorType type,
                                              cta::RoleOp role) {
  ArrayRef<int64_t> shape = type.getShape();
  MLIRContext *context = op->getContext();
  if (shape.empty())
    return cta::DirectLayoutAttr::get(context, {}, {}, 1);
  int64_t bits = std::max(8u, type.getElementTypeBitWidth());
  int64_t columns = shape.back();
  int64_t most = llvm::bit_floor<uint64_t>(32 * role.getWarps());
  int64_t across = readMark(op, cta::kThreadsAttr);
  int64_t vector = readMark(op, cta::kVectorAttr);
  int64_t share =
      std::max<int64_t>(getPowerIn(columns) / std::max<int64_t>(across, 1), 1);
  if (!vector)
    vector = hasRows(op) ? std::min(kAccessBits / bits, share) : 1;
  if (!across)
    across = std::min(getPowerIn(std::max<int64_t>(columns / vector, 1)), most);
  if (across > most || columns % (across * vector)) {
    op->emitOpError() << "expected columns that are a multiple of " << across
                      << " threads of " << vector
                      << " elements, in a role of at least as many threads, "
                      << "got " << columns << " columns in a role of "
                      << role.getWarps() << " warps";
    return {};
  }
  if (shape.size() == 1)
    return cta::DirectLayoutAttr::get(context, across, 1, vector);
  if (shape.size() > 2) {
    op->emitOpError() << "expected a tile of rank 0 to 2, got " << type;
    return {};
  }
  int64_t down = std::min(getPowerIn(shape[0]), most / across);
  return cta::DirectLayoutAttr::get(context, {down, across}, {across, 1},
                                    vector);
}
