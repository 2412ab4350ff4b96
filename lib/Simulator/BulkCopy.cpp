//===- BulkCopy.cpp - checks of bulk copies ---------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "BulkCopy.h"

using namespace mlir;
using namespace mla;
using namespace mla::sim;
using namespace mla::interp;

LogicalResult mla::sim::checkAlignment(Role &role, Operation *op, int64_t at) {
  // The alignment in shared memory of copies with a tensor map.
  constexpr int64_t kTensorBytes = 128;
  int64_t needed =
      isa<cta::CopyAsyncOp, cta::StoreAsyncOp>(op) ? kTensorBytes : kBulkBytes;
  if (at % needed == 0)
    return success();
  return role.failAt(op, "expected a place in shared memory that is a multiple "
                         "of " +
                             Twine(needed) + " bytes, got byte " + Twine(at));
}

LogicalResult mla::sim::checkTensorMap(Role &role, Operation *op, Value map,
                                       cta::BufferType type,
                                       std::optional<ArrayRef<int64_t>> dims) {
  auto made = map ? map.getDefiningOp<cta::TensorMapOp>() : nullptr;
  if (!made)
    return role.failAt(op, "expected a tensor map");
  cta::SharedLayoutAttr layout = type.getLayout();
  int64_t swizzle = layout ? layout.getSwizzle() : 0;
  if (static_cast<int64_t>(made.getSwizzle()) != swizzle)
    return role.failAt(op, "expected a tensor map with the tile's swizzle of " +
                               Twine(swizzle) + " bytes, got " +
                               Twine(made.getSwizzle()));
  SmallVector<int64_t> box(made.getBox().size(), 1);
  ArrayRef<int64_t> shape = type.getShape();
  SmallVector<int64_t> order =
      tile::orderDims(dims, box.size(), static_cast<int64_t>(shape.size()));
  for (auto [size, d] :
       llvm::zip(shape, ArrayRef(order).take_back(shape.size())))
    box[d] = size;
  int64_t width =
      std::max(1u, type.getElementType().getIntOrFloatBitWidth() / 8);
  if (swizzle)
    box.back() = std::min(box.back(), swizzle / width);
  if (ArrayRef(box) != made.getBox())
    return role.failAt(op, "expected a tensor map whose box fits the tile");
  return success();
}

FailureOr<int64_t> mla::sim::locateBulk(Role &role, const Instruction &in,
                                        const Argument &array,
                                        ArrayRef<int64_t> start,
                                        int64_t count) {
  std::string error;
  std::optional<int64_t> offset = locateElement(array, start, error);
  if (!offset)
    return role.failAt(in.op, error);
  int64_t left = 1, dense = 1;
  bool contiguous = true;
  for (size_t d = start.size(); d--;) {
    contiguous &= array.strides[d] == dense;
    if (contiguous) {
      left = (array.shape[d] - start[d] - 1) * dense +
             (d + 1 == start.size() ? 1 : left);
      dense *= array.shape[d];
    }
  }
  if (count > left)
    return role.failAt(in.op, "reaches beyond the memref: expected at most " +
                                  Twine(left) + " elements, got " +
                                  Twine(count));
  if (reinterpret_cast<uintptr_t>(getAddress(array, *offset)) % kBulkBytes)
    return role.failAt(in.op, "expected an address that is a multiple of " +
                                  Twine(kBulkBytes) + " bytes");
  return *offset;
}

Argument mla::sim::makeRow(const Argument &array, int64_t offset,
                           int64_t count) {
  return Argument::array(array.elementType, getAddress(array, offset), {count});
}
