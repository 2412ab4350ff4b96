//===- AliasingRings.cpp - checks rings that alias another ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "AliasingRings.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mla;

namespace {
struct Bytes {
  int64_t begin, end;

  bool overlaps(Bytes other) const {
    return begin < other.end && other.begin < end;
  }
};
} // namespace

/// The bytes of `top` in the slot of `below`.
static Bytes getPlace(cta::RingOp below, cta::RingOp top) {
  cta::RingType type = top.getResult().getType();
  int64_t begin = static_cast<int64_t>(top.getOffset().value_or(0)) -
                  static_cast<int64_t>(below.getOffset().value_or(0));
  return {begin, begin + type.getDepth() * type.getSlotType().getBytes()};
}

LogicalResult mla::checkAliasingRings(func::FuncOp func) {
  llvm::DenseMap<Operation *, SmallVector<Bytes>> taken;
  WalkResult result = func.walk([&](cta::RingOp ring) -> WalkResult {
    cta::RingOp below = ring.getRingBelow();
    if (!below)
      return WalkResult::advance();
    Bytes place = getPlace(below, ring);
    cta::RingType base = below.getResult().getType();
    int64_t size = base.getSlotType().getBytes();
    if (place.begin < 0 || place.end > size || base.getDepth() != 1 ||
        ring.getResult().getType().getDepth() != 1)
      return ring.emitOpError()
             << "expected one slot inside the only slot of " << below.getName()
             << ", got bytes [" << place.begin << ", " << place.end << ") of "
             << base.getDepth() << " x " << size;
    SmallVector<Bytes> &others = taken[below];
    if (llvm::any_of(others, [&](Bytes b) { return b.overlaps(place); }))
      return ring.emitOpError()
             << "is at bytes [" << place.begin << ", " << place.end << ") of "
             << below.getName()
             << ", which overlap another ring that aliases it";
    others.push_back(place);
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

/// A range that contains all bytes that an MMA reads through the descriptor.
/// The swizzle permutes bytes within rows of 128 bytes.
static Bytes getBytes(cta::DescriptorType type) {
  constexpr int64_t kRow = 128;
  int64_t width = type.getElementType().getIntOrFloatBitWidth() / 8;
  int64_t rows = type.getShape()[0], columns = type.getShape()[1];
  int64_t start = type.getOffset() % kRow, begin = type.getOffset() - start;
  // The offset of the last of `steps` k-steps.
  auto locateLast = [&](int64_t steps) {
    return (steps - 1) / 4 * type.getBlockStep() +
           std::min<int64_t>(steps - 1, 3) * type.getStep();
  };
  int64_t end = begin + (std::min<int64_t>(rows, 8) - 1) * kRow;
  if (type.getMajor() == cta::Major::k)
    end += llvm::alignTo(
               locateLast(llvm::divideCeil(start + columns * width, 32)) + 32,
               kRow) +
           (rows - 1) / 8 * type.getStride();
  else
    end += locateLast(llvm::divideCeil(rows * width, 32)) + kRow +
           (rows > 8 ? type.getStride() : 0) +
           (columns * width - 1) / kRow * type.getLeading();
  return {begin, end};
}

bool mla::mayReadUnder(Value operand, cta::RingOp below, cta::RingOp top) {
  Bytes place = getPlace(below, top);
  auto descriptor = operand.getDefiningOp<cta::DescriptorOp>();
  // Descriptors of views have unknown bytes.
  return !descriptor ||
         descriptor.getSource().getType() !=
             below.getResult().getType().getSlotType() ||
         getBytes(descriptor.getResult().getType()).overlaps(place);
}
