//===- Target.h - what each GPU architecture has ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The table of targets: every limit that a pass, a verifier, the simulator, the
// runtime or the cost model holds a program against. Rates are not here: they
// are measured (Tuning/Machine.h). Plain C++17, since the runtime reads it too.
//
// The numbers are those of the CUDA C++ Programming Guide, "Technical
// Specifications per Compute Capability", and of the PTX ISA.
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

/// Instructions that not every target has.
enum class TargetFeature : unsigned {
  Wgmma,
  TMA,
  SetMaxNReg,
  MBarrier,
  CpAsync,
  Clusters,
  GridDepControl,
};

/// The name in PTX, or the usual one where there are several instructions.
constexpr std::string_view getName(TargetFeature feature) {
  constexpr std::string_view kNames[] = {
      "wgmma",    "TMA",      "setmaxnreg",    "mbarrier",
      "cp.async", "clusters", "griddepcontrol"};
  return kNames[static_cast<unsigned>(feature)];
}

/// A GPU of a target: the first word of a driver's name for it without
/// "NVIDIA", and its SMs (those of the SXM form where there are several).
struct TargetGpu {
  std::string_view name;
  int sms = 0;
};

struct TargetSpec {
  /// As LLVM and ptxas call the architecture.
  std::string_view name;
  /// The PTX version as an LLVM subtarget feature. It decides which ptxas can
  /// read the result: 8.8 needs the one of CUDA 12.9.
  std::string_view ptxFeature;
  int computeMajor = 0, computeMinor = 0;
  /// Code runs on that compute capability only (the "a" of the name), not on
  /// later ones of the same major number.
  bool exactCompute = false;

  /// Shared memory in bytes: an SM's, what one CTA can have of it, and what the
  /// system keeps of it for each CTA.
  int64_t sharedBytesPerSM = 0, sharedBytesPerCTA = 0, reservedSharedBytes = 0;

  int64_t registersPerSM = 65536, registersPerThread = 255;
  /// A thread's registers are allocated in multiples of this.
  int64_t registerUnit = 8;
  /// Parts of an SM, each with its share of the registers; the warps of a CTA
  /// are dealt out to them in turn.
  int64_t partitions = 4;
  /// What setmaxnreg can ask for.
  int64_t minSetRegisters = 24, maxSetRegisters = 240, setRegistersStep = 8;

  int64_t warpsPerCTA = 32, warpsPerSM = 64, ctasPerSM = 32;
  /// The barriers of a CTA (bar.sync), with barrier 0.
  int64_t namedBarriers = 16;
  /// CTAs of a cluster: on every GPU, and with leave to be non-portable.
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

/// The table. No schedule that ships runs on sm_80: the passes say which
/// instruction is missing.
inline constexpr TargetSpec kTargets[] = {targets::makeSm80(),
                                          targets::makeSm90a()};

/// Null for an unknown name.
constexpr const TargetSpec *findTarget(std::string_view name) {
  for (const TargetSpec &spec : kTargets)
    if (spec.name == name)
      return &spec;
  return nullptr;
}

/// Null for a GPU that the target does not list.
constexpr const TargetGpu *findGpu(const TargetSpec &target,
                                   std::string_view name) {
  for (size_t i = 0; i < target.numGpus; ++i)
    if (target.gpus[i].name == name)
      return &target.gpus[i];
  return nullptr;
}

/// The target of a program that names none.
inline constexpr const TargetSpec &kDefaultTarget = *findTarget("sm_90a");

/// The number of SMs where there is no device to ask: an H100's or H200's.
inline constexpr int64_t kDefaultSms = kDefaultTarget.gpus[0].sms;

/// The largest value of a limit on any target: for the verifiers of types,
/// attributes and ops, which know no target.
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
