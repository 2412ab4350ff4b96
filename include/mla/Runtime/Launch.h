//===- Launch.h - from arguments to a launch, without a driver --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The part of a launch that is arithmetic: checking the caller's arguments,
// binding the run-time sizes, the grid, the parameter bytes and the inputs of
// cuTensorMapEncodeTiled. It touches no driver, so it is tested without one.
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

/// The arguments of cuTensorMapEncodeTiled, innermost dimension first.
struct TensorMapParameters {
  uint32_t dataType = 0;
  uint32_t rank = 0;
  uint64_t address = 0;
  uint64_t sizes[kMaxTensorMapRank] = {};
  /// In bytes; entry i is the stride of dimension i + 1.
  uint64_t strides[kMaxTensorMapRank] = {};
  uint32_t box[kMaxTensorMapRank] = {};
  uint32_t elementStrides[kMaxTensorMapRank] = {};
  uint32_t swizzle = 0;
};

/// A checked launch. Of fixed size, so that it can live on the stack.
struct LaunchPlan {
  LaunchPlan() = default;
  LaunchPlan(const LaunchPlan &) = delete;
  LaunchPlan &operator=(const LaunchPlan &) = delete;

  /// CTAs; 0: there is nothing to launch.
  int64_t grid = 0;
  int parameterCount = 0;
  /// What cuLaunchKernel takes as `kernelParams`: points into `storage`.
  void *parameters[kMaxParameters];
  /// Parameter values, each aligned to its size (tensor maps to 128).
  alignas(kTensorMapAlignment) std::byte storage[kMaxParameterBytes];
  int storageBytes = 0;

  /// Maps still to be encoded into the place of parameter `parameter`.
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

/// Checks `count` arguments against the descriptor and binds the run-time
/// sizes: `sizes[i]` becomes the value of descriptor.sizeNames[i] (kMaxSizes
/// entries). Errors (MLA_INVALID_ARGUMENT) name the argument, what was
/// expected and what came.
Status checkArguments(const KernelDescriptor &descriptor,
                      const mlaArgument *arguments, int32_t count,
                      int64_t *sizes);

/// The part of checkArguments that looks at pairs: that no tensor that the
/// kernel writes shares memory with another argument. `extents` has the bytes
/// from each tensor's address to behind its last element; 0 for an empty tensor
/// and for a scalar.
Status checkOverlap(const KernelDescriptor &descriptor,
                    const mlaArgument *arguments, const uint64_t *extents);

/// What cuTensorMapEncodeTiled is to be given for `map`, of arguments that
/// passed checkArguments. Errors: a size of 0, a size, stride or address that
/// a tensor map cannot express.
Status computeTensorMap(const KernelDescriptor &descriptor,
                        const TensorMapDescriptor &map,
                        const mlaArgument *arguments, TensorMapParameters &out);

/// Checks the arguments and fills `plan`, all but the encoded tensor maps.
Status planLaunch(const KernelDescriptor &descriptor,
                  const mlaArgument *arguments, int32_t count,
                  LaunchPlan &plan);

} // namespace mla::runtime

#endif // MLA_RUNTIME_LAUNCH_H
