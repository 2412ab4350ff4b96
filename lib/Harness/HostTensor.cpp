//===- HostTensor.cpp - strided tensors on the host -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Harness/HostTensor.h"

#include "mla/Runtime/Float.h"

#include <algorithm>
#include <limits>

using namespace mla::runtime;

namespace mla::harness {

HostTensor::HostTensor(mlaDType dtype, std::vector<int64_t> shapeOfTensor,
                       int64_t pad, const std::vector<int> &order)
    : dtype(dtype), shape(std::move(shapeOfTensor)), strides(shape.size()) {
  int64_t stride = 1;
  for (int place = rank() - 1; place >= 0; --place) {
    int dim = order.empty() ? place : order[place];
    strides[dim] = stride;
    stride *= shape[dim];
    // Only the fastest dimension is a row; the others count padded rows.
    if (place == rank() - 1 && rank() > 1)
      stride += pad;
  }
  if (elements() > 0)
    storage.resize(stride * itemSize(dtype));
}

std::optional<int64_t>
HostTensor::storageBytes(mlaDType dtype, const std::vector<int64_t> &shape,
                         int64_t pad, const std::vector<int> &order) {
  int row = order.empty() ? static_cast<int>(shape.size()) - 1 : order.back();
  int64_t bytes = itemSize(dtype);
  bool overflows = false;
  for (size_t dim = 0; dim < shape.size(); ++dim) {
    bool isRow = static_cast<int>(dim) == row && shape.size() > 1;
    int64_t size = shape[dim];
    // Strides count the other dimensions, also of a tensor without elements.
    overflows |= isRow && __builtin_add_overflow(size, pad, &size);
    overflows |=
        __builtin_mul_overflow(bytes, std::max<int64_t>(1, size), &bytes);
  }
  return overflows ? std::nullopt : std::optional(bytes);
}

int64_t HostTensor::elements() const {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

bool HostTensor::isContiguous() const {
  int64_t stride = 1;
  for (int dim = rank() - 1; dim >= 0; --dim) {
    if (shape[dim] > 1 && strides[dim] != stride)
      return false;
    stride *= shape[dim];
  }
  return true;
}

int64_t HostTensor::offsetOf(int64_t linear) const {
  int64_t offset = 0;
  for (int dim = rank() - 1; dim >= 0; --dim) {
    offset += linear % shape[dim] * strides[dim];
    linear /= shape[dim];
  }
  return offset;
}

double HostTensor::get(int64_t offset) const {
  switch (dtype) {
  case MLA_BF16:
    return bf16ToFloat(data<uint16_t>()[offset]);
  case MLA_F16:
    return f16ToFloat(data<uint16_t>()[offset]);
  case MLA_F32:
    return data<float>()[offset];
  case MLA_F64:
    return data<double>()[offset];
  case MLA_I8:
    return data<int8_t>()[offset];
  case MLA_I32:
    return data<int32_t>()[offset];
  case MLA_I64:
    return static_cast<double>(data<int64_t>()[offset]);
  case MLA_E4M3:
    return e4m3ToFloat(data<uint8_t>()[offset]);
  }
  return 0;
}

void HostTensor::read(int64_t offset, int64_t stride, int64_t count,
                      double *to) const {
  // Fast paths, without a switch for each element, for the types of large
  // inputs.
  if (dtype == MLA_BF16) {
    const uint16_t *from = data<uint16_t>() + offset;
    for (int64_t i = 0; i < count; ++i)
      to[i] = bf16ToFloat(from[i * stride]);
  } else if (dtype == MLA_F16) {
    const uint16_t *from = data<uint16_t>() + offset;
    for (int64_t i = 0; i < count; ++i)
      to[i] = f16ToFloat(from[i * stride]);
  } else if (dtype == MLA_F32) {
    const float *from = data<float>() + offset;
    for (int64_t i = 0; i < count; ++i)
      to[i] = from[i * stride];
  } else {
    for (int64_t i = 0; i < count; ++i)
      to[i] = get(offset + i * stride);
  }
}

void HostTensor::set(int64_t offset, double value) {
  switch (dtype) {
  case MLA_BF16:
    data<uint16_t>()[offset] = doubleToBf16(value);
    return;
  case MLA_F16:
    data<uint16_t>()[offset] = doubleToF16(value);
    return;
  case MLA_F32:
    data<float>()[offset] = static_cast<float>(value);
    return;
  case MLA_F64:
    data<double>()[offset] = value;
    return;
  case MLA_I8:
    data<int8_t>()[offset] = static_cast<int8_t>(value);
    return;
  case MLA_I32:
    data<int32_t>()[offset] = static_cast<int32_t>(value);
    return;
  case MLA_I64:
    data<int64_t>()[offset] = static_cast<int64_t>(value);
    return;
  case MLA_E4M3:
    data<uint8_t>()[offset] = doubleToE4m3(value);
    return;
  }
}

void HostTensor::fillWithPoison() {
  auto fill = [&](auto value) {
    auto *begin = data<decltype(value)>();
    std::fill(begin, begin + storageElements(), value);
  };
  switch (dtype) {
  case MLA_I8:
    return fill(std::numeric_limits<int8_t>::min());
  case MLA_I32:
    return fill(std::numeric_limits<int32_t>::min());
  case MLA_I64:
    return fill(std::numeric_limits<int64_t>::min());
  default:
    std::fill(storage.begin(), storage.end(), std::byte(0xff));
  }
}

const HostArgument *findArgument(const std::vector<HostArgument> &arguments,
                                 const std::string &name) {
  for (const HostArgument &argument : arguments)
    if (argument.name == name)
      return &argument;
  return nullptr;
}

HostArgument *findArgument(std::vector<HostArgument> &arguments,
                           const std::string &name) {
  const std::vector<HostArgument> &constArguments = arguments;
  return const_cast<HostArgument *>(findArgument(constArguments, name));
}

} // namespace mla::harness
