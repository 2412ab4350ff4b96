//===- Launch.h - from arguments to a launch, without a driver --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The part of a launch that is arithmetic: checking the caller's arguments and
// workspace, binding the run-time sizes, the grids, the parameter bytes and the
// inputs of cuTensorMapEncodeTiled. It touches no driver, so it is tested
// without one.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_LAUNCH_H
#define MLA_RUNTIME_LAUNCH_H

#include "mla/Runtime/Descriptor.h"

#include <cstddef>

namespace mla::runtime {

/// Most dimensions of a tensor map.
inline constexpr int kMaxTensorMapRank = 5;
/// Bytes of a CUtensorMap, and the alignment that we give it. The driver asks
/// for 64; CUDA 13's own declaration has 128.
inline constexpr int kTensorMapBytes = 128;
inline constexpr int kTensorMapAlignment = 128;

/// The arguments of cuTensorMapEncodeTiled, innermost dimension first. Not
/// initialised: a launch reserves space for many and uses few.
struct TensorMapParameters {
  uint32_t dataType;
  uint32_t rank;
  uint64_t address;
  uint64_t sizes[kMaxTensorMapRank];
  /// In bytes; entry i is the stride of dimension i + 1.
  uint64_t strides[kMaxTensorMapRank];
  uint32_t box[kMaxTensorMapRank];
  uint32_t elementStrides[kMaxTensorMapRank];
  uint32_t swizzle;
};

/// State shared by the kernels of a launch. Its size is fixed, so that it can
/// be on the stack; entries that the descriptor does not use are not set.
struct LaunchBinding {
  LaunchBinding() = default;
  LaunchBinding(const LaunchBinding &) = delete;
  LaunchBinding &operator=(const LaunchBinding &) = delete;

  /// The values of descriptor.sizeNames.
  int64_t sizes[kMaxSizes];
  /// SMs of the device.
  int64_t sms = kDefaultSms;
  /// Bytes from each argument's address to the end of its last element; 0 for
  /// an empty tensor and for a scalar.
  uint64_t extents[kMaxArguments];
  /// The workspaces; `data` is the offset from the caller's address until
  /// placeWorkspaces.
  mlaTensor workspaces[kMaxWorkspaces];
  uint64_t workspaceBytes = 0;
};

/// The checked launch of one kernel. Its size is fixed as well.
struct LaunchPlan {
  LaunchPlan() = default;
  LaunchPlan(const LaunchPlan &) = delete;
  LaunchPlan &operator=(const LaunchPlan &) = delete;

  int parameterCount = 0;
  /// What cuLaunchKernel takes as `kernelParams`: points into `storage`.
  void *parameters[kMaxParameters];
  /// Parameter values, each aligned to its size (tensor maps to 128).
  alignas(kTensorMapAlignment) std::byte storage[kMaxParameterBytes];
  int storageBytes = 0;

  /// Tensor maps to be encoded into parameter `parameter`.
  struct PendingTensorMap {
    int map = 0;
    int parameter = 0;
  };
  int tensorMapCount = 0;
  PendingTensorMap tensorMaps[kMaxTensorMaps];
};

/// Bytes and alignment of a kernel parameter.
int64_t parameterSize(const KernelDescriptor &descriptor,
                      const ParameterDescriptor &parameter);

/// Whether a kernel of `phase` takes the address of this tensor, an argument or
/// a workspace.
bool usesMemory(const KernelDescriptor &descriptor, int tensor, int32_t phase);

/// Checks `count` arguments against the descriptor and binds the run-time
/// sizes. A tensor whose memory no kernel of `phase` uses may have a null
/// address. Errors (MLA_INVALID_ARGUMENT) name the argument, what was expected
/// and what came.
Status checkArguments(const KernelDescriptor &descriptor,
                      const mlaArgument *arguments, int32_t count,
                      LaunchBinding &binding, int32_t phase = MLA_PHASE_ALL);

/// The part of checkArguments that compares arguments: checks that no tensor
/// that the kernels write shares memory with another argument. `extents` has
/// the bytes from each tensor's address to the end of its last element; 0 for
/// an empty tensor and for a scalar.
Status checkOverlap(const KernelDescriptor &descriptor,
                    const mlaArgument *arguments, const uint64_t *extents);

/// Whether all outputs are empty, so that there is nothing to launch, even if a
/// persistent grid would have CTAs.
bool writesNothing(const KernelDescriptor &descriptor,
                   const mlaArgument *arguments);

/// Computes shape, strides and offset of each workspace, and the bytes of all
/// together. Errors name the workspace.
Status layOutWorkspaces(const KernelDescriptor &descriptor,
                        LaunchBinding &binding);

/// Places the workspaces at the caller's memory, unless no kernel of `phase`
/// uses one and the address is null. Errors: a null or misaligned address, too
/// few bytes, memory shared with an argument.
Status placeWorkspaces(const KernelDescriptor &descriptor,
                       const mlaArgument *arguments, uint64_t address,
                       uint64_t bytes, LaunchBinding &binding,
                       int32_t phase = MLA_PHASE_ALL);

/// The tensor with this number: arguments first, then workspaces.
inline const mlaTensor &tensorAt(const KernelDescriptor &descriptor,
                                 const mlaArgument *arguments,
                                 const LaunchBinding &binding, int tensor) {
  int count = static_cast<int>(descriptor.arguments.size());
  return tensor < count ? arguments[tensor].value.tensor
                        : binding.workspaces[tensor - count];
}

/// CTAs of a kernel; 0: there is nothing to launch. Errors name the kernel.
Status computeGrid(const EntryDescriptor &entry, const LaunchBinding &binding,
                   int64_t &grid);

/// The arguments of cuTensorMapEncodeTiled for `map` of `tensor`, which passed
/// the checks above. Errors: a size of 0, or a size, stride or address that a
/// tensor map cannot express.
Status computeTensorMap(const KernelDescriptor &descriptor,
                        const TensorMapDescriptor &map, const mlaTensor &tensor,
                        TensorMapParameters &out);

/// Fills `plan` except for the encoded tensor maps.
void planLaunch(const KernelDescriptor &descriptor,
                const EntryDescriptor &entry, const mlaArgument *arguments,
                const LaunchBinding &binding, LaunchPlan &plan);

} // namespace mla::runtime

#endif // MLA_RUNTIME_LAUNCH_H
