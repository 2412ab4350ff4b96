//===- Target.h - limits and features of GPU architectures ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The table of targets, with every limit that passes, verifiers, the simulator,
// the runtime and the cost model check. Measured rates are in
// Tuning/GpuRates.h. Plain C++17, because the runtime uses it.
//
// Sources: CUDA C++ Programming Guide, "Technical Specifications per Compute
// Capability", and the PTX ISA.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_SUPPORT_TARGET_H
#define MLA_SUPPORT_TARGET_H

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

namespace mla {

/// Features that not every target has.
enum class TargetFeature : unsigned {
  Wgmma,
  TMA,
  SetMaxNReg,
  MBarrier,
  CpAsync,
  Clusters,
  GridDepControl,
};

/// The PTX name of the instruction, or the common name of a group of
/// instructions.
constexpr std::string_view getName(TargetFeature feature) {
  constexpr std::string_view kNames[] = {
      "wgmma",    "TMA",      "setmaxnreg",    "mbarrier",
      "cp.async", "clusters", "griddepcontrol"};
  return kNames[static_cast<unsigned>(feature)];
}

/// A GPU of a target: the first word after "NVIDIA" of the driver's device
/// name, and the number of SMs (of the SXM variant if there are several).
struct TargetGpu {
  std::string_view name;
  int sms = 0;
};

struct TargetSpec {
  /// The architecture's name in LLVM and ptxas.
  std::string_view name;
  /// The PTX version as an LLVM subtarget feature. PTX 8.8 requires ptxas of
  /// CUDA 12.9 or later.
  std::string_view ptxFeature;
  int computeMajor = 0, computeMinor = 0;
  /// Architecture-specific target (suffix "a"): code does not run on later
  /// compute capabilities of the same major number.
  bool exactCompute = false;

  /// Shared memory in bytes: per SM, the maximum per CTA, and the part that the
  /// system reserves per CTA.
  int64_t sharedBytesPerSM = 0, sharedBytesPerCTA = 0, reservedSharedBytes = 0;

  int64_t registersPerSM = 65536, registersPerThread = 255;
  /// Allocation granularity of registers per thread.
  int64_t registerUnit = 8;
  /// Partitions of an SM, each with an equal share of the registers. Warps are
  /// assigned to them round-robin.
  int64_t partitions = 4;
  /// The operands of setmaxnreg: minimum, maximum and granularity.
  int64_t minSetRegisters = 24, maxSetRegisters = 240, setRegistersStep = 8;

  int64_t warpsPerCTA = 32, warpsPerSM = 64, ctasPerSM = 32;
  /// Named barriers per CTA (bar.sync), including barrier 0.
  int64_t namedBarriers = 16;
  /// The maximum number of CTAs per cluster, portable and non-portable.
  int64_t portableCluster = 1, maxCluster = 1;
  int64_t maxGridX = 2147483647, maxGridY = 65535, maxGridZ = 65535;

  /// Bit set of TargetFeature.
  unsigned features = 0;
  const TargetGpu *gpus = nullptr;
  size_t numGpus = 0;

  constexpr bool has(TargetFeature feature) const {
    return features >> static_cast<unsigned>(feature) & 1;
  }
  constexpr int64_t threadsPerCTA() const { return 32 * warpsPerCTA; }
};

namespace targets {

template <typename... Features> constexpr unsigned bits(Features... features) {
  return ((1u << static_cast<unsigned>(features)) | ...);
}

inline constexpr TargetGpu kGpusOfSm80[] = {{"A100-SXM4-40GB", 108},
                                            {"A100-SXM4-80GB", 108}};
inline constexpr TargetGpu kGpusOfSm90a[] = {{"H100", 132},  {"H200", 132},
                                             {"H800", 132},  {"H20", 78},
                                             {"H20-3e", 78}, {"GH200", 132}};

constexpr TargetSpec makeSm80() {
  TargetSpec spec;
  spec.name = "sm_80";
  spec.ptxFeature = "+ptx88";
  spec.computeMajor = 8;
  spec.sharedBytesPerSM = 164 * 1024;
  spec.sharedBytesPerCTA = 163 * 1024;
  spec.reservedSharedBytes = 1024;
  spec.features = bits(TargetFeature::MBarrier, TargetFeature::CpAsync);
  spec.gpus = kGpusOfSm80;
  spec.numGpus = std::size(kGpusOfSm80);
  return spec;
}

constexpr TargetSpec makeSm90a() {
  TargetSpec spec;
  spec.name = "sm_90a";
  spec.ptxFeature = "+ptx88";
  spec.computeMajor = 9;
  spec.exactCompute = true;
  spec.sharedBytesPerSM = 228 * 1024;
  spec.sharedBytesPerCTA = 227 * 1024;
  spec.reservedSharedBytes = 1024;
  spec.portableCluster = 8;
  spec.maxCluster = 16;
  spec.features =
      bits(TargetFeature::Wgmma, TargetFeature::TMA, TargetFeature::SetMaxNReg,
           TargetFeature::MBarrier, TargetFeature::CpAsync,
           TargetFeature::Clusters, TargetFeature::GridDepControl);
  spec.gpus = kGpusOfSm90a;
  spec.numGpus = std::size(kGpusOfSm90a);
  return spec;
}

} // namespace targets

/// The table of targets. No built-in schedule supports sm_80; passes report the
/// missing instruction.
inline constexpr TargetSpec kTargets[] = {targets::makeSm80(),
                                          targets::makeSm90a()};

/// The target named `name`, or null.
constexpr const TargetSpec *findTarget(std::string_view name) {
  for (const TargetSpec &spec : kTargets)
    if (spec.name == name)
      return &spec;
  return nullptr;
}

/// The GPU of `target` named `name`, or null.
constexpr const TargetGpu *findGpu(const TargetSpec &target,
                                   std::string_view name) {
  for (size_t i = 0; i < target.numGpus; ++i)
    if (target.gpus[i].name == name)
      return &target.gpus[i];
  return nullptr;
}

/// The target of a program without the attribute `mla.target`.
inline constexpr const TargetSpec &kDefaultTarget = *findTarget("sm_90a");

/// The number of SMs if there is no device: that of an H100 or H200 (SXM).
inline constexpr int64_t kDefaultSms = kDefaultTarget.gpus[0].sms;

/// The largest value of a limit over all targets, for verifiers of types,
/// attributes and ops, which do not depend on the target.
constexpr int64_t getLargest(int64_t TargetSpec::*limit) {
  int64_t largest = 0;
  for (const TargetSpec &spec : kTargets)
    largest = spec.*limit > largest ? spec.*limit : largest;
  return largest;
}

/// "sm_80, sm_90a".
inline std::string listTargets() {
  std::string text;
  for (const TargetSpec &spec : kTargets) {
    text += text.empty() ? "" : ", ";
    text += spec.name;
  }
  return text;
}

/// "unknown target 'sm_1', expected one of sm_80, sm_90a".
inline std::string describeUnknownTarget(std::string_view name) {
  return "unknown target '" + std::string(name) + "', expected one of " +
         listTargets();
}

} // namespace mla

#endif // MLA_SUPPORT_TARGET_H
