//===- TensorMap.cpp - parameters of cuTensorMapEncodeTiled ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Runtime/Launch.h"
#include <algorithm>

namespace mla::runtime {

namespace {

/// CUtensorMapDataType. Elements of 8 bits are copied as unsigned bytes: there
/// is no signed type, and the copy does not interpret values.
uint32_t tensorMapDataType(mlaDType dtype) {
  switch (dtype) {
  case MLA_I8:
  case MLA_E4M3:
    return 0;
  case MLA_I32:
    return 3;
  case MLA_I64:
    return 5;
  case MLA_F16:
    return 6;
  case MLA_F32:
    return 7;
  case MLA_F64:
    return 8;
  case MLA_BF16:
    return 9;
  }
  return 0;
}

/// CUtensorMapSwizzle, from the swizzle's width in bytes.
uint32_t tensorMapSwizzle(int bytes) {
  return bytes == 128 ? 3 : bytes == 64 ? 2 : bytes == 32 ? 1 : 0;
}

/// Limits of cuTensorMapEncodeTiled.
constexpr uint64_t kMaxSize = uint64_t(1) << 32;
constexpr uint64_t kMaxStrideBytes = uint64_t(1) << 40;
constexpr uint64_t kAlignment = 16;

Status fault(const KernelDescriptor &descriptor, int tensor,
             const std::string &text) {
  return invalidArgument(
      std::string(descriptor.workspace(tensor) ? "workspace" : "argument") +
      " '" + descriptor.tensorName(tensor) + "': for its tensor map expected " +
      text);
}

} // namespace

Status computeTensorMap(const KernelDescriptor &descriptor,
                        const TensorMapDescriptor &map, const mlaTensor &tensor,
                        TensorMapParameters &out) {
  mlaDType dtype = descriptor.tensorType(map.tensor);
  uint64_t bytes = static_cast<uint64_t>(itemSize(dtype));
  out = TensorMapParameters();
  out.dataType = tensorMapDataType(dtype);
  out.rank = static_cast<uint32_t>(tensor.rank);
  // No box of an empty tensor is copied, so a map of any one element serves.
  bool isEmpty = map.mayBeEmpty &&
                 std::find(tensor.shape, tensor.shape + tensor.rank, 0) !=
                     tensor.shape + tensor.rank;
  out.address = isEmpty ? kAlignment : tensor.data;
  out.swizzle = tensorMapSwizzle(map.swizzle);
  if (out.address % kAlignment != 0)
    return fault(descriptor, map.tensor, "an address aligned to 16 bytes");
  // A tensor map lists dimensions innermost first, and no stride for the
  // innermost one, which is contiguous. The stride of a dimension of size 1 is
  // never used and may have any value, so that of a contiguous tensor, rounded
  // up to the alignment, replaces it.
  uint64_t contiguous = bytes;
  for (uint32_t i = 0; i < out.rank; ++i) {
    int dim = tensor.rank - 1 - static_cast<int>(i);
    uint64_t size = isEmpty ? 1 : static_cast<uint64_t>(tensor.shape[dim]);
    if (size < 1 || size > kMaxSize)
      return fault(descriptor, map.tensor,
                   "a size of 1 to 2^32 in dim " + std::to_string(dim) +
                       ", got " + std::to_string(size));
    uint64_t stride =
        size == 1 ? (contiguous + kAlignment - 1) / kAlignment * kAlignment
                  : static_cast<uint64_t>(tensor.strides[dim]) * bytes;
    if (i > 0 && (stride % kAlignment != 0 || stride >= kMaxStrideBytes))
      return fault(descriptor, map.tensor,
                   "a stride that is a multiple of 16 bytes below "
                   "2^40 in dim " +
                       std::to_string(dim) + ", got " + std::to_string(stride) +
                       " bytes");
    out.sizes[i] = size;
    out.box[i] = static_cast<uint32_t>(map.box[dim]);
    out.elementStrides[i] = 1;
    if (i > 0)
      out.strides[i - 1] = stride;
    contiguous = i == 0 ? size * bytes : stride * size;
  }
  return Status();
}

} // namespace mla::runtime
