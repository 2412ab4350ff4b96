//===- LaunchArguments.cpp - checks of a launch's arguments ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Runtime/Float.h"
#include "mla/Runtime/Launch.h"

#include <algorithm>
#include <limits>

namespace mla::runtime {

namespace {

/// An error about an argument. Called on failures only: a launch that succeeds
/// builds no string.
Status fault(const ArgumentDescriptor &argument, const std::string &text) {
  return invalidArgument("argument '" + argument.name + "': " + text);
}

std::string inDim(int dim) { return " in dim " + std::to_string(dim); }

std::string nameOfDType(int32_t dtype) {
  if (dtype < MLA_BF16 || dtype > MLA_E4M3)
    return "dtype " + std::to_string(dtype);
  return dtypeName(static_cast<mlaDType>(dtype));
}

std::string hex(uint64_t value) {
  char text[19];
  std::snprintf(text, sizeof(text), "0x%llx",
                static_cast<unsigned long long>(value));
  return text;
}

Status checkScalar(const ArgumentDescriptor &expected,
                   const mlaArgument &argument) {
  if (isFloat(expected.dtype)) {
    if (argument.kind != MLA_FLOAT)
      return fault(
          expected,
          std::string("expected a floating-point scalar (") +
              dtypeName(expected.dtype) + "), got " +
              (argument.kind == MLA_TENSOR ? "a tensor" : "an integer scalar"));
    double value = argument.value.f64;
    if (expected.positive && !(value > 0))
      return fault(expected,
                   "expected a value above 0, got " + std::to_string(value));
    if (expected.dtype != MLA_F64 && std::isfinite(value) &&
        std::isinf(static_cast<float>(value)))
      return fault(expected, std::string("expected a value that ") +
                                 dtypeName(expected.dtype) + " holds, got " +
                                 std::to_string(value));
    return Status();
  }
  if (argument.kind != MLA_INTEGER)
    return fault(expected,
                 std::string("expected an integer scalar (") +
                     dtypeName(expected.dtype) + "), got " +
                     (argument.kind == MLA_TENSOR ? "a tensor"
                                                  : "a floating-point scalar"));
  int64_t limit = expected.dtype == MLA_I8    ? INT8_MAX
                  : expected.dtype == MLA_I32 ? INT32_MAX
                                              : INT64_MAX;
  if (argument.value.i64 > limit || argument.value.i64 < -limit - 1)
    return fault(expected, std::string("expected a value that ") +
                               dtypeName(expected.dtype) + " holds, got " +
                               std::to_string(argument.value.i64));
  return Status();
}

/// Checks rank, type, and that kernels can count the sizes.
Status checkForm(const ArgumentDescriptor &expected,
                 const mlaArgument &argument) {
  if (argument.kind != MLA_TENSOR)
    return fault(expected, "expected a tensor, got a scalar");
  const mlaTensor &tensor = argument.value.tensor;
  if (tensor.dtype != expected.dtype)
    return fault(expected, std::string("expected ") +
                               dtypeName(expected.dtype) + ", got " +
                               nameOfDType(tensor.dtype));
  int rank = static_cast<int>(expected.shape.size());
  if (tensor.rank != rank)
    return fault(expected, "expected rank " + std::to_string(rank) + ", got " +
                               std::to_string(tensor.rank));
  for (int dim = 0; dim < rank; ++dim)
    if (tensor.shape[dim] < 0 || tensor.shape[dim] > kMaxDimension)
      return fault(expected, "expected a size of 0 to " +
                                 std::to_string(kMaxDimension) + inDim(dim) +
                                 ", got " + std::to_string(tensor.shape[dim]));
  return Status();
}

/// The first argument with a size of this name, which bound the value.
const ArgumentDescriptor &binderOf(const KernelDescriptor &descriptor,
                                   int symbol) {
  for (const ArgumentDescriptor &argument : descriptor.arguments)
    for (const Size &size : argument.shape)
      if (size.symbol == symbol)
        return argument;
  return descriptor.arguments.front();
}

Status checkSizes(const KernelDescriptor &descriptor,
                  const ArgumentDescriptor &expected, const mlaTensor &tensor,
                  int64_t *sizes) {
  for (int dim = 0; dim < tensor.rank; ++dim) {
    const Size &size = expected.shape[dim];
    int64_t got = tensor.shape[dim];
    if (size.isFixed()) {
      if (got != size.fixed)
        return fault(expected, "expected size " + std::to_string(size.fixed) +
                                   inDim(dim) + ", got " + std::to_string(got));
      continue;
    }
    int64_t &bound = sizes[size.symbol];
    if (bound < 0) {
      SizeLimits limits = descriptor.limitsOf(size.symbol);
      if (got < limits.smallest || got > limits.largest)
        return fault(expected, "expected size " +
                                   descriptor.sizeNames[size.symbol] + " of " +
                                   std::to_string(limits.smallest) + " to " +
                                   std::to_string(limits.largest) + inDim(dim) +
                                   ", got " + std::to_string(got));
      bound = got;
    }
    if (got != bound)
      return fault(expected,
                   "expected size " + descriptor.sizeNames[size.symbol] +
                       " = " + std::to_string(bound) + inDim(dim) +
                       " (as in '" + binderOf(descriptor, size.symbol).name +
                       "'), got " + std::to_string(got));
  }
  return Status();
}

/// Whether the launch leaves the argument out. Its other fields are then
/// ignored.
bool isLeftOut(const ArgumentDescriptor &expected,
               const mlaArgument &argument) {
  return expected.optional && argument.kind == MLA_TENSOR &&
         argument.value.tensor.data == 0;
}

bool isEmpty(const mlaTensor &tensor) {
  return std::find(tensor.shape, tensor.shape + tensor.rank, 0) !=
         tensor.shape + tensor.rank;
}

/// Strides of dimensions of size 1 are not checked: frameworks leave arbitrary
/// values there.
Status checkStrides(const ArgumentDescriptor &expected,
                    const mlaTensor &tensor) {
  int64_t bytes = itemSize(expected.dtype);
  // Elements by which the stride must be divisible for the alignment.
  int64_t multiple = std::max<int64_t>(1, expected.alignment / bytes);
  for (int dim = 0; dim < tensor.rank; ++dim) {
    if (tensor.shape[dim] <= 1)
      continue;
    int64_t got = tensor.strides[dim];
    if (std::optional<int64_t> fixed = expected.strides[dim]) {
      if (got != *fixed)
        return fault(expected, "expected stride " + std::to_string(*fixed) +
                                   inDim(dim) + ", got " + std::to_string(got));
      continue;
    }
    if (got < 0)
      return fault(expected, "expected a stride of 0 or more" + inDim(dim) +
                                 ", got " + std::to_string(got));
    if (got % multiple != 0)
      return fault(expected,
                   "expected stride multiple of " + std::to_string(multiple) +
                       " elements (" + std::to_string(expected.alignment) +
                       " bytes)" + inDim(dim) + ", got " + std::to_string(got));
  }
  return Status();
}

/// Checks that byte offsets fit an int64, and that the elements of a written
/// tensor do not overlap. `extentBytes` is as for checkOverlap.
Status checkExtent(const ArgumentDescriptor &expected, const mlaTensor &tensor,
                   uint64_t &extentBytes) {
  struct Axis {
    int64_t stride, size;
    int dim;
  };
  Axis axes[kMaxRank];
  int count = 0;
  // Insertion sort by stride: there are at most eight.
  for (int dim = 0; dim < tensor.rank; ++dim) {
    if (tensor.shape[dim] <= 1)
      continue;
    int place = count++;
    for (; place > 0 && axes[place - 1].stride > tensor.strides[dim]; --place)
      axes[place] = axes[place - 1];
    axes[place] = {tensor.strides[dim], tensor.shape[dim], dim};
  }
  int64_t extent = 1;
  for (int i = 0; i < count; ++i) {
    if (expected.access != MLA_READ && axes[i].stride < extent)
      return fault(expected, "expected a written tensor whose elements do not "
                             "overlap, got stride " +
                                 std::to_string(axes[i].stride) +
                                 inDim(axes[i].dim));
    int64_t span;
    if (__builtin_mul_overflow(axes[i].stride, axes[i].size - 1, &span) ||
        __builtin_add_overflow(extent, span, &extent))
      return fault(expected, "size and strides exceed the address space");
  }
  int64_t bytes;
  if (__builtin_mul_overflow(extent, itemSize(expected.dtype), &bytes) ||
      static_cast<uint64_t>(bytes) >
          std::numeric_limits<uint64_t>::max() - tensor.data)
    return fault(expected, "size and strides exceed the address space");
  extentBytes = static_cast<uint64_t>(bytes);
  return Status();
}

Status checkTensor(const KernelDescriptor &descriptor,
                   const ArgumentDescriptor &expected,
                   const mlaArgument &argument, LaunchBinding &binding,
                   int index, int32_t phase) {
  if (isLeftOut(expected, argument))
    return Status();
  MLA_RETURN_IF_ERROR(checkForm(expected, argument));
  const mlaTensor &tensor = argument.value.tensor;
  MLA_RETURN_IF_ERROR(checkSizes(descriptor, expected, tensor, binding.sizes));
  // Frameworks give empty tensors a null pointer and any strides.
  if (isEmpty(tensor))
    return Status();
  if (tensor.data == 0)
    return usesMemory(descriptor, index, phase)
               ? fault(expected, "expected a device address, got null")
               : Status();
  uint64_t alignment = static_cast<uint64_t>(
      std::max(expected.alignment, itemSize(expected.dtype)));
  if (tensor.data % alignment != 0)
    return fault(expected, "expected an address aligned to " +
                               std::to_string(alignment) + " bytes, got " +
                               hex(tensor.data));
  MLA_RETURN_IF_ERROR(checkStrides(expected, tensor));
  return checkExtent(expected, tensor, binding.extents[index]);
}

} // namespace

bool usesMemory(const KernelDescriptor &descriptor, int tensor, int32_t phase) {
  using Kind = ParameterDescriptor::Kind;
  for (const EntryDescriptor &entry : descriptor.kernels) {
    if (phase != MLA_PHASE_ALL && phase != entry.phase)
      continue;
    for (const ParameterDescriptor &parameter : entry.parameters)
      if (parameter.kind == Kind::TensorMap
              ? entry.tensorMaps[parameter.index].tensor == tensor
              : parameter.kind == Kind::Pointer && parameter.index == tensor)
        return true;
  }
  return false;
}

Status checkArguments(const KernelDescriptor &descriptor,
                      const mlaArgument *arguments, int32_t count,
                      LaunchBinding &binding, int32_t phase) {
  if (count != static_cast<int32_t>(descriptor.arguments.size()))
    return invalidArgument("kernel '" + descriptor.name() + "': expected " +
                           std::to_string(descriptor.arguments.size()) +
                           " arguments, got " + std::to_string(count));
  if (count > 0 && !arguments)
    return invalidArgument("expected arguments, got a null pointer");
  std::fill_n(binding.sizes, descriptor.sizeNames.size(), -1);
  for (int32_t i = 0; i < count; ++i) {
    const ArgumentDescriptor &expected = descriptor.arguments[i];
    if (arguments[i].kind < MLA_TENSOR || arguments[i].kind > MLA_INTEGER)
      return fault(expected, "expected an argument kind of 0 to 2, got " +
                                 std::to_string(arguments[i].kind));
    if (arguments[i].reserved != 0)
      return fault(expected, "expected 0 in 'reserved', got " +
                                 std::to_string(arguments[i].reserved));
    binding.extents[i] = 0;
    MLA_RETURN_IF_ERROR(
        expected.isTensor
            ? checkTensor(descriptor, expected, arguments[i], binding, i, phase)
            : checkScalar(expected, arguments[i]));
  }
  return checkOverlap(descriptor, arguments, binding.extents);
}

bool writesNothing(const KernelDescriptor &descriptor,
                   const mlaArgument *arguments) {
  bool writes = false;
  for (size_t i = 0; i < descriptor.arguments.size(); ++i) {
    const ArgumentDescriptor &argument = descriptor.arguments[i];
    if (!argument.isTensor || argument.access == MLA_READ)
      continue;
    if (!isLeftOut(argument, arguments[i]) &&
        !isEmpty(arguments[i].value.tensor))
      return false;
    writes = true;
  }
  return writes;
}

} // namespace mla::runtime
