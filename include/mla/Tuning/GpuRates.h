//===- GpuRates.h - peak rates of a GPU -------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TUNING_GPURATES_H
#define MLA_TUNING_GPURATES_H

#include "mla/Support/Target.h"
#include <cstdint>
#include <string_view>

namespace mla {

/// The rates with which a kernel is compared. Nominal rates are from the data
/// sheet. Measured rates are the best that microbenchmarks reach on an H200.
struct GpuRates {
  /// The architecture: shared memory, registers, instructions.
  const TargetSpec *target = &kDefaultTarget;
  const char *name = "H200";
  int64_t sms = findGpu(kDefaultTarget, "H200")->sms;
  /// The nominal clock, which converts cycles to seconds.
  double clockGHz = 1.83;

  /// Dense bf16 wgmma: 132 SMs x 4,096 FLOP x 1.83 GHz = 989 TFLOP/s.
  double tensorFlopsPerCycle = 4096;
  /// cuBLAS, 8192^3, random data, back to back at the 700 W limit; measured.
  double measuredTensorFlops = 779e12;

  /// exp2, log2, reciprocal: 16 results per cycle and SM (4 per partition).
  double specialPerCycle = 16;
  /// Shared memory: 32 banks of 4 bytes per cycle and SM, shared by MMAs,
  /// copies, loads and stores.
  double sharedBytesPerCycle = 128;

  double hbmBytesPerSecond = 4.8e12;
  /// All SMs read 8 GiB; measured.
  double measuredHbmBytesPerSecond = 4.597e12;
  /// A kernel that only gathers rows of 1,152 bytes by cp.async, each row read
  /// by two CTAs, from 8,192 rows, which fit L2; measured. From 131,072 rows:
  /// 10.6e12.
  double measuredL2BytesPerSecond = 12.6e12;

  double tensorFlopsPerSecond() const {
    return tensorFlopsPerCycle * static_cast<double>(sms) * clockGHz * 1e9;
  }
  /// Converts a rate of the whole GPU to bytes per cycle and SM.
  double bytesPerCycle(double bytesPerSecond) const {
    return bytesPerSecond / (static_cast<double>(sms) * clockGHz * 1e9);
  }
};

/// The machine with the driver's device name `device`; null if it has not been
/// measured. "NVIDIA H200 NVL" is a different machine with a lower power limit.
inline const GpuRates *findGpuRates(std::string_view device) {
  static constexpr GpuRates kH200;
  return device == "NVIDIA H200" ? &kH200 : nullptr;
}

} // namespace mla

#endif // MLA_TUNING_GPURATES_H
