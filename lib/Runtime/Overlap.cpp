//===- Overlap.cpp - memory shared by two arguments -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Runtime/Launch.h"

#include <numeric>

namespace mla::runtime {

namespace {

/// A tensor as equal blocks: the dimensions whose stride is below `limit` bytes
/// span a block, the others repeat it.
struct Blocks {
  uint64_t bytes;
  /// A divisor of the distance of any two blocks; 0 if there is one block.
  uint64_t period = 0;

  Blocks(const mlaTensor &tensor, int64_t item, uint64_t limit) : bytes(item) {
    for (int dim = 0; dim < tensor.rank; ++dim) {
      uint64_t stride = tensor.strides[dim] * item;
      if (tensor.shape[dim] <= 1)
        continue;
      if (stride < limit)
        bytes += (tensor.shape[dim] - 1) * stride;
      else
        period = std::gcd(period, stride);
    }
  }
};

/// Whether the blocks of `a` and `b`, which have the same period, are disjoint
/// within a period.
bool areApart(const mlaTensor &a, int64_t itemA, const mlaTensor &b,
              int64_t itemB, uint64_t limit) {
  Blocks blocksA(a, itemA, limit), blocksB(b, itemB, limit);
  uint64_t period = std::gcd(blocksA.period, blocksB.period);
  if (period == 0)
    return false;
  uint64_t distance = b.data >= a.data
                          ? (b.data - a.data) % period
                          : (period - (a.data - b.data) % period) % period;
  return distance >= blocksA.bytes && distance + blocksB.bytes <= period;
}

/// Exact for slices of one buffer: two disjoint slices are disjoint in some
/// dimension, and so are the blocks spanned by the dimensions from there on.
/// For other layouts it may report an overlap where there is none.
bool overlap(const mlaTensor &a, int64_t itemA, const mlaTensor &b,
             int64_t itemB) {
  auto apartAtAStrideOf = [&](const mlaTensor &tensor, int64_t item) {
    for (int dim = 0; dim < tensor.rank; ++dim)
      if (tensor.shape[dim] > 1 && tensor.strides[dim] > 0 &&
          areApart(a, itemA, b, itemB, tensor.strides[dim] * item))
        return true;
    return false;
  };
  return !apartAtAStrideOf(a, itemA) && !apartAtAStrideOf(b, itemB);
}

} // namespace

Status checkOverlap(const KernelDescriptor &descriptor,
                    const mlaArgument *arguments, const uint64_t *extents) {
  size_t count = descriptor.arguments.size();
  for (size_t i = 0; i < count; ++i) {
    const ArgumentDescriptor &written = descriptor.arguments[i];
    if (extents[i] == 0 || written.access == MLA_READ)
      continue;
    const mlaTensor &mine = arguments[i].value.tensor;
    for (size_t j = 0; j < count; ++j) {
      const mlaTensor &other = arguments[j].value.tensor;
      // Fast path: disjoint address ranges.
      if (i == j || extents[j] == 0 || mine.data >= other.data + extents[j] ||
          other.data >= mine.data + extents[i])
        continue;
      if (overlap(mine, itemSize(written.dtype), other,
                  itemSize(descriptor.arguments[j].dtype)))
        return invalidArgument("argument '" + written.name +
                               "': expected memory apart from that of '" +
                               descriptor.arguments[j].name +
                               "', got an overlap");
    }
  }
  return Status();
}

} // namespace mla::runtime
