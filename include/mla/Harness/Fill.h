//===- Fill.h - seeded random values in tensors -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_HARNESS_FILL_H
#define MLA_HARNESS_FILL_H

#include "mla/Harness/Inputs.h"
#include "mla/Harness/Parallel.h"
#include "mla/Runtime/Float.h"

#include <algorithm>
#include <climits>

namespace mla::harness {

/// Elements per chunk of a parallel loop over rows.
inline constexpr int64_t kElementsPerChunk = 1 << 16;

/// The random stream of an argument: values do not depend on other arguments.
inline uint64_t streamSeed(uint64_t seed, const std::string &name) {
  uint64_t hash = 0xcbf29ce484222325ull;
  for (char c : name)
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  return randomBits(seed, hash);
}

/// Approximately normal with mean 0 and variance 1: the sum of twelve uniform
/// numbers. Computed in integers, so it is the same on every machine; results
/// of log and cos are not.
inline float randomNormal(uint64_t stream, uint64_t counter) {
  int64_t sum = 0;
  for (uint64_t word = 0; word < 3; ++word) {
    uint64_t bits = randomBits(stream, counter * 3 + word);
    sum += static_cast<int64_t>((bits & 0xffff) + (bits >> 16 & 0xffff) +
                                (bits >> 32 & 0xffff) + (bits >> 48));
  }
  return static_cast<float>(sum - 12 * 0x7fff - 6) * (1.0f / 65536);
}

/// A uniform integer in [0, bound).
inline int64_t randomBelow(uint64_t stream, uint64_t counter, int64_t bound) {
  return static_cast<int64_t>(randomBits(stream, counter) %
                              static_cast<uint64_t>(bound));
}

inline bool randomChance(uint64_t stream, uint64_t counter, double chance) {
  return static_cast<double>(randomBits(stream, counter) >> 11) * 0x1p-53 <
         chance;
}

/// Calls `row(number, storage offset)` in parallel for every row of `tensor`,
/// the elements along its last dimension.
template <typename Row> void forEachRow(const HostTensor &tensor, Row row) {
  if (tensor.elements() == 0)
    return;
  int64_t length = tensor.rank() ? tensor.shape.back() : 1;
  int64_t rows = tensor.elements() / length;
  parallelFor(rows, std::max<int64_t>(1, kElementsPerChunk / length),
              [&](int64_t begin, int64_t end) {
                for (int64_t r = begin; r < end; ++r)
                  row(r, tensor.offsetOf(r * length));
              });
}

/// Writes value(linear number) to the elements of one row.
template <typename Value>
void fillRow(HostTensor &tensor, int64_t rowNumber, int64_t offset,
             Value value) {
  int64_t length = tensor.rank() ? tensor.shape.back() : 1;
  int64_t stride = tensor.rank() ? tensor.strides.back() : 1;
  for (int64_t i = 0; i < length; ++i) {
    float v = value(rowNumber * length + i);
    if (tensor.dtype == MLA_BF16)
      tensor.data<uint16_t>()[offset + i * stride] = runtime::floatToBf16(v);
    else
      tensor.set(offset + i * stride, v);
  }
}

inline void fillWithNormals(HostTensor &tensor, uint64_t stream, float factor) {
  forEachRow(tensor, [&](int64_t r, int64_t offset) {
    fillRow(tensor, r, offset,
            [&](int64_t i) { return randomNormal(stream, i) * factor; });
  });
}

/// Fills a tensor without rules of its own: with normals, or small integers.
inline void fillPlain(HostTensor &tensor, uint64_t stream, float factor) {
  constexpr int64_t kIntegerBound = 16;
  if (runtime::isFloat(tensor.dtype))
    return fillWithNormals(tensor, stream, factor);
  forEachRow(tensor, [&](int64_t r, int64_t offset) {
    fillRow(tensor, r, offset, [&](int64_t i) {
      return static_cast<float>(randomBelow(stream, i, kIntegerBound));
    });
  });
}

/// Fills lengths, i32 [rows]. Without `poison` all are `most`. With it, the
/// first is `most`, then come the values of `beyond`, which kernels have to
/// clamp to [0, most], then random ones up to `most`, and the last is 0.
inline void fillLengths(HostTensor &lengths, uint64_t stream, int64_t most,
                        bool poison, const std::vector<int64_t> &beyond = {}) {
  int64_t rows = lengths.shape[0];
  bool special = poison && rows > 1;
  for (int64_t row = 0; row < rows; ++row) {
    int64_t length = poison ? randomBelow(stream, row, most + 1) : most;
    if (special && row == 0)
      length = most;
    else if (special && row == rows - 1)
      length = 0;
    else if (special && row <= static_cast<int64_t>(beyond.size()))
      length = beyond[row - 1];
    lengths.data<int32_t>()[row * lengths.strides[0]] =
        static_cast<int32_t>(length);
  }
}

/// Extreme values of i32 outside [0, bound), INT_MIN and -1 among them.
inline std::vector<int32_t> invalidIndices(int64_t bound) {
  std::vector<int32_t> invalid;
  for (int64_t value : {int64_t(INT_MIN), int64_t(-123456), int64_t(-1), bound,
                        int64_t(114514), int64_t(INT_MAX)})
    // For a large bound some of these values are valid indices.
    if ((value < 0 || value >= bound) && value <= INT_MAX)
      invalid.push_back(static_cast<int32_t>(value));
  return invalid;
}

/// The length of a row, clamped to [0, most] as kernels do; `most` if the
/// launch omits the lengths.
inline int64_t clampedLength(const HostTensor *lengths, int64_t row,
                             int64_t most) {
  if (!lengths)
    return most;
  int64_t length = lengths->data<int32_t>()[row * lengths->strides[0]];
  return std::clamp<int64_t>(length, 0, most);
}

} // namespace mla::harness

#endif // MLA_HARNESS_FILL_H
