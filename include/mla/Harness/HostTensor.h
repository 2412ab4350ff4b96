//===- HostTensor.h - strided tensors and arguments on the host -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_HARNESS_HOSTTENSOR_H
#define MLA_HARNESS_HOSTTENSOR_H

#include "mla/Runtime/Descriptor.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mla::harness {

using runtime::Status;

/// A strided tensor that owns its memory. The padding that strides leave
/// between rows belongs to the storage.
struct HostTensor {
  mlaDType dtype = MLA_F32;
  std::vector<int64_t> shape;
  /// In elements, 0 or more.
  std::vector<int64_t> strides;
  std::vector<std::byte> storage;

  HostTensor() = default;
  /// A tensor of zeros without gaps, but for `pad` elements between its rows.
  /// `order` lists the dimensions from the slowest to the fastest in memory,
  /// which is a row; empty: the order of the shape.
  HostTensor(mlaDType dtype, std::vector<int64_t> shape, int64_t pad = 0,
             const std::vector<int> &order = {});

  /// Bytes that the storage of such a tensor has; nothing if that is beyond 64
  /// bits.
  static std::optional<int64_t>
  storageBytes(mlaDType dtype, const std::vector<int64_t> &shape, int64_t pad,
               const std::vector<int> &order = {});

  int rank() const { return static_cast<int>(shape.size()); }
  /// Elements by the shape, without padding.
  int64_t elements() const;
  /// Elements of the storage, padding included.
  int64_t storageElements() const {
    return static_cast<int64_t>(storage.size()) / runtime::itemSize(dtype);
  }
  /// Whether the elements lie row-major without gaps.
  bool isContiguous() const;

  /// Offset in the storage, in elements, of the element with row-major index
  /// `linear`.
  int64_t offsetOf(int64_t linear) const;

  /// The storage as items: uint16_t for bf16 and f16.
  template <typename T> T *data() {
    return reinterpret_cast<T *>(storage.data());
  }
  template <typename T> const T *data() const {
    return reinterpret_cast<const T *>(storage.data());
  }

  /// The element at storage offset `offset` as a double; int64 above 2^53 lose
  /// digits.
  double get(int64_t offset) const;
  /// Reads `count` elements, the first at `offset`, `stride` apart.
  void read(int64_t offset, int64_t stride, int64_t count, double *to) const;
  /// Rounds `value` to the type (nearest even; integers truncate).
  void set(int64_t offset, double value);

  /// Fills the whole storage, padding included: NaN (all bits one) for
  /// floating-point types, the least value for integers.
  void fillWithPoison();
};

/// One argument of a kernel with its value on the host.
struct HostArgument {
  std::string name;
  bool isTensor = true;
  mlaAccess access = MLA_READ;
  HostTensor tensor;
  /// An optional tensor that the launch leaves out; all its sizes are 0.
  bool leftOut = false;
  /// The type and value of a scalar; `integer` for integer types.
  mlaDType scalarType = MLA_F32;
  double number = 0;
  int64_t integer = 0;
};

/// Values of run-time sizes by name.
using Sizes = std::map<std::string, int64_t>;

/// The largest of them: kernels count in 32 bits.
inline constexpr int64_t kMaxSize = INT32_MAX;

/// The argument of a name, or null.
HostArgument *findArgument(std::vector<HostArgument> &arguments,
                           const std::string &name);
const HostArgument *findArgument(const std::vector<HostArgument> &arguments,
                                 const std::string &name);

} // namespace mla::harness

#endif // MLA_HARNESS_HOSTTENSOR_H
