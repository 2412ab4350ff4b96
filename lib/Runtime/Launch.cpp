//===- Launch.cpp - from checked arguments to a launch --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Runtime/Launch.h"
#include "mla/Runtime/Float.h"

#include <limits>

namespace mla::runtime {

Status computeGrid(const EntryDescriptor &entry, const LaunchBinding &binding,
                   int64_t &grid) {
  Status status = entry.grid.evaluate(binding.sizes, binding.sms, grid);
  if (!status.ok())
    return status.within("kernel '" + entry.symbol + "': grid");
  if (grid > std::numeric_limits<int32_t>::max())
    return invalidArgument("kernel '" + entry.symbol +
                           "': grid: expected fewer than 2^31 CTAs, got " +
                           std::to_string(grid));
  if (grid % entry.cluster != 0)
    return invalidArgument("kernel '" + entry.symbol +
                           "': grid: expected a multiple of the cluster's " +
                           std::to_string(entry.cluster) + " CTAs, got " +
                           std::to_string(grid));
  return Status();
}

namespace {

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

} // namespace

void planLaunch(const KernelDescriptor &descriptor,
                const EntryDescriptor &entry, const mlaArgument *arguments,
                const LaunchBinding &binding, LaunchPlan &plan) {
  using Kind = ParameterDescriptor::Kind;
  plan.parameterCount = plan.tensorMapCount = 0;
  int64_t offset = 0;
  for (const ParameterDescriptor &parameter : entry.parameters) {
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
    if (parameter.kind == Kind::Scalar) {
      storeScalar(descriptor.arguments[parameter.index].dtype,
                  arguments[parameter.index], place);
      continue;
    }
    const mlaTensor &tensor =
        tensorAt(descriptor, arguments, binding, parameter.index);
    bool isLeftOut = !descriptor.workspace(parameter.index) &&
                     descriptor.arguments[parameter.index].optional &&
                     tensor.data == 0;
    if (isLeftOut)
      store(place, int64_t(0));
    else if (parameter.kind == Kind::Pointer)
      store(place, tensor.data);
    else if (parameter.kind == Kind::Size)
      store(place, tensor.shape[parameter.dim]);
    else
      store(place, tensor.strides[parameter.dim]);
  }
  plan.storageBytes = static_cast<int>(offset);
}

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

} // namespace mla::runtime
