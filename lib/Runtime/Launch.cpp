//===- Launch.cpp - from arguments to a launch, without a driver ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Runtime/Launch.h"
#include "mla/Runtime/Float.h"

#include <algorithm>
#include <limits>

namespace mla::runtime {

namespace {

/// "argument 'q': " and the rest. Called on failures only, so that a launch
/// that succeeds builds no string.
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

/// The tensor's own form: rank, type, sizes that kernels can count.
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

/// The first argument that has a size with this name: it bound the value.
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
    if (bound < 0)
      bound = got;
    if (got != bound)
      return fault(expected,
                   "expected size " + descriptor.sizeNames[size.symbol] +
                       " = " + std::to_string(bound) + inDim(dim) +
                       " (as in '" + binderOf(descriptor, size.symbol).name +
                       "'), got " + std::to_string(got));
  }
  return Status();
}

/// Whether the launch leaves the argument out. Nothing else of it counts then.
bool isLeftOut(const ArgumentDescriptor &expected,
               const mlaArgument &argument) {
  return expected.optional && argument.kind == MLA_TENSOR &&
         argument.value.tensor.data == 0;
}

bool isEmpty(const mlaTensor &tensor) {
  return std::find(tensor.shape, tensor.shape + tensor.rank, 0) !=
         tensor.shape + tensor.rank;
}

/// Strides of dimensions of size 1 say nothing, and frameworks leave anything
/// there: they are not looked at.
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

/// That byte offsets fit an int64, and that a written tensor's elements do not
/// overlap: two CTAs would write one place. `extentBytes` is as for
/// checkOverlap.
Status checkExtent(const ArgumentDescriptor &expected, const mlaTensor &tensor,
                   uint64_t &extentBytes) {
  struct Axis {
    int64_t stride, size;
    int dim;
  };
  Axis axes[kMaxRank];
  int count = 0;
  // Sorted by stride as they come: there are at most eight.
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
                   const mlaArgument &argument, int64_t *sizes,
                   uint64_t &extentBytes) {
  if (isLeftOut(expected, argument))
    return Status();
  MLA_RETURN_IF_ERROR(checkForm(expected, argument));
  const mlaTensor &tensor = argument.value.tensor;
  MLA_RETURN_IF_ERROR(checkSizes(descriptor, expected, tensor, sizes));
  // Frameworks give empty tensors a null pointer and any strides.
  if (isEmpty(tensor))
    return Status();
  if (tensor.data == 0)
    return fault(expected, "expected a device address, got null");
  uint64_t alignment = static_cast<uint64_t>(
      std::max(expected.alignment, itemSize(expected.dtype)));
  if (tensor.data % alignment != 0)
    return fault(expected, "expected an address aligned to " +
                               std::to_string(alignment) + " bytes, got " +
                               hex(tensor.data));
  MLA_RETURN_IF_ERROR(checkStrides(expected, tensor));
  return checkExtent(expected, tensor, extentBytes);
}

/// Whether all that the kernel writes is empty. A persistent grid has CTAs even
/// then.
bool writesNothing(const KernelDescriptor &descriptor,
                   const mlaArgument *arguments) {
  bool writes = false;
  for (size_t i = 0; i < descriptor.arguments.size(); ++i) {
    const ArgumentDescriptor &argument = descriptor.arguments[i];
    if (!argument.isTensor || argument.access == MLA_READ)
      continue;
    if (!isEmpty(arguments[i].value.tensor))
      return false;
    writes = true;
  }
  return writes;
}

/// The grid: the product of its factors, 0 if any is 0 or there is nothing to
/// write.
Status computeGrid(const KernelDescriptor &descriptor,
                   const mlaArgument *arguments, int64_t &grid) {
  bool overflow = false;
  grid = writesNothing(descriptor, arguments) ? 0 : 1;
  if (grid == 0)
    return Status();
  for (const GridFactor &factor : descriptor.grid) {
    int64_t count = factor.constant;
    if (!factor.isConstant) {
      int64_t size = arguments[factor.argument].value.tensor.shape[factor.dim];
      count = size / factor.divide + (size % factor.divide != 0);
    }
    // A later factor of 0 makes it 0 after all, so go on to the end.
    if (count == 0) {
      grid = 0;
      return Status();
    }
    overflow |= __builtin_mul_overflow(grid, count, &grid);
  }
  if (overflow || grid > std::numeric_limits<int32_t>::max())
    return invalidArgument(
        "grid: expected fewer than 2^31 CTAs, got " +
        (overflow ? "more than 2^63" : std::to_string(grid)));
  if (grid % descriptor.cluster != 0)
    return invalidArgument("grid: expected a multiple of the cluster's " +
                           std::to_string(descriptor.cluster) + " CTAs, got " +
                           std::to_string(grid));
  return Status();
}

template <typename T> void store(std::byte *place, T value) {
  std::memcpy(place, &value, sizeof(value));
}

void storeScalar(mlaDType dtype, const mlaArgument &argument,
                 std::byte *place) {
  switch (dtype) {
  case MLA_BF16:
    return store(place, doubleToBf16(argument.value.f64));
  case MLA_F16:
    return store(place, doubleToF16(argument.value.f64));
  case MLA_F32:
    return store(place, static_cast<float>(argument.value.f64));
  case MLA_F64:
    return store(place, argument.value.f64);
  case MLA_I8:
    return store(place, static_cast<int8_t>(argument.value.i64));
  case MLA_I32:
    return store(place, static_cast<int32_t>(argument.value.i64));
  case MLA_I64:
    return store(place, argument.value.i64);
  case MLA_E4M3:
    return store(place, doubleToE4m3(argument.value.f64));
  }
}

/// Puts each parameter's value into the plan's storage.
void layOutParameters(const KernelDescriptor &descriptor,
                      const mlaArgument *arguments, LaunchPlan &plan) {
  using Kind = ParameterDescriptor::Kind;
  int64_t offset = 0;
  for (const ParameterDescriptor &parameter : descriptor.parameters) {
    int64_t size = parameterSize(descriptor, parameter);
    int64_t alignment =
        parameter.kind == Kind::TensorMap ? kTensorMapAlignment : size;
    offset = (offset + alignment - 1) / alignment * alignment;
    std::byte *place = plan.storage + offset;
    offset += size;
    int number = plan.parameterCount++;
    plan.parameters[number] = place;
    if (parameter.kind == Kind::TensorMap) {
      plan.tensorMaps[plan.tensorMapCount++] = {parameter.index, number};
      continue;
    }
    const mlaArgument &argument = arguments[parameter.index];
    if (isLeftOut(descriptor.arguments[parameter.index], argument))
      store(place, int64_t(0));
    else if (parameter.kind == Kind::Pointer)
      store(place, argument.value.tensor.data);
    else if (parameter.kind == Kind::Size)
      store(place, argument.value.tensor.shape[parameter.dim]);
    else if (parameter.kind == Kind::Stride)
      store(place, argument.value.tensor.strides[parameter.dim]);
    else
      storeScalar(descriptor.arguments[parameter.index].dtype, argument, place);
  }
  plan.storageBytes = static_cast<int>(offset);
}

} // namespace

int64_t parameterSize(const KernelDescriptor &descriptor,
                      const ParameterDescriptor &parameter) {
  switch (parameter.kind) {
  case ParameterDescriptor::Kind::TensorMap:
    return kTensorMapBytes;
  case ParameterDescriptor::Kind::Scalar:
    return itemSize(descriptor.arguments[parameter.index].dtype);
  default:
    return 8;
  }
}

Status checkArguments(const KernelDescriptor &descriptor,
                      const mlaArgument *arguments, int32_t count,
                      int64_t *sizes) {
  if (count != static_cast<int32_t>(descriptor.arguments.size()))
    return invalidArgument("kernel '" + descriptor.kernel + "': expected " +
                           std::to_string(descriptor.arguments.size()) +
                           " arguments, got " + std::to_string(count));
  if (count > 0 && !arguments)
    return invalidArgument("expected arguments, got a null pointer");
  std::fill(sizes, sizes + kMaxSizes, -1);
  uint64_t extents[kMaxArguments];
  for (int32_t i = 0; i < count; ++i) {
    const ArgumentDescriptor &expected = descriptor.arguments[i];
    if (arguments[i].kind < MLA_TENSOR || arguments[i].kind > MLA_INTEGER)
      return fault(expected, "expected an argument kind of 0 to 2, got " +
                                 std::to_string(arguments[i].kind));
    if (arguments[i].reserved != 0)
      return fault(expected, "expected 0 in 'reserved', got " +
                                 std::to_string(arguments[i].reserved));
    extents[i] = 0;
    MLA_RETURN_IF_ERROR(
        expected.isTensor
            ? checkTensor(descriptor, expected, arguments[i], sizes, extents[i])
            : checkScalar(expected, arguments[i]));
  }
  return checkOverlap(descriptor, arguments, extents);
}

Status planLaunch(const KernelDescriptor &descriptor,
                  const mlaArgument *arguments, int32_t count,
                  LaunchPlan &plan) {
  plan.parameterCount = plan.tensorMapCount = plan.storageBytes = 0;
  int64_t sizes[kMaxSizes];
  MLA_RETURN_IF_ERROR(checkArguments(descriptor, arguments, count, sizes));
  MLA_RETURN_IF_ERROR(computeGrid(descriptor, arguments, plan.grid));
  layOutParameters(descriptor, arguments, plan);
  return Status();
}

} // namespace mla::runtime
