//===- GpuRates.h - what an H200 can do at most -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TUNING_GPURATES_H
#define MLA_TUNING_GPURATES_H

#include "mla/Support/Target.h"
#include <cstdint>
#include <string_view>

namespace mla {

/// The rates that a kernel is held against. "Nominal" is the data sheet;
/// "measured" was measured on an H200 and is what a kernel can hope for.
struct GpuRates {
  /// Shared memory, registers, instructions: the architecture's.
  const TargetSpec *target = &kDefaultTarget;
  const char *name = "H200";
  int64_t sms = findGpu(kDefaultTarget, "H200")->sms;
  /// The clock of the data sheet's figures; cycles become seconds with it.
  double clockGHz = 1.83;

  /// Dense bf16 wgmma: 132 SMs x 4,096 FLOP x 1.83 GHz = 989 TFLOP/s.
  double tensorFlopsPerCycle = 4096;
  /// cuBLAS, 8192^3, random data, back to back at the 700 W cap; measured.
  double measuredTensorFlops = 779e12;

  /// exp2, log2, reciprocal: 16 results per clock and SM (four a quadrant).
  double specialPerCycle = 16;
  /// 32 banks of 4 bytes per clock and SM: what products, copies, loads and
  /// stores share.
  double sharedBytesPerCycle = 128;

  double hbmBytesPerSecond = 4.8e12;
  /// A read of 8 GiB by all SMs; measured.
  double measuredHbmBytesPerSecond = 4.597e12;
  /// Rows of 1,152 bytes gathered by cp.async and nothing else, each row read
  /// by two CTAs, out of 8,192 rows that the L2 holds; measured. Out of 131,072
  /// rows it is 10.6e12.
  double measuredL2BytesPerSecond = 12.6e12;

  double tensorFlopsPerSecond() const {
    return tensorFlopsPerCycle * static_cast<double>(sms) * clockGHz * 1e9;
  }
  /// Bytes per clock and SM of a rate that all SMs share.
  double bytesPerCycle(double bytesPerSecond) const {
    return bytesPerSecond / (static_cast<double>(sms) * clockGHz * 1e9);
  }
};

/// The machine that a driver calls `device`; null if nothing was measured on
/// it. "NVIDIA H200 NVL" is another one: it has less power.
inline const GpuRates *findGpuRates(std::string_view device) {
  static constexpr GpuRates kH200;
  return device == "NVIDIA H200" ? &kH200 : nullptr;
}

} // namespace mla

#endif // MLA_TUNING_GPURATES_H
