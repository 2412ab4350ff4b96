//===- Ptxas.h - PTX to cubin with NVIDIA's assembler -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_TARGET_PTXAS_H
#define MLA_TARGET_PTXAS_H

#include "mla/Support/Target.h"
#include "mla/Target/PtxasReport.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace mla {

struct TargetOptions;

/// Returns the path of ptxas. Looked for, in this order:
///   1. `fromOption`: a path, or a program name to look up on PATH;
///   2. the environment variable MLA_PTXAS, likewise;
///   3. CUDA_HOME/bin, then CUDA_PATH/bin;
///   4. PATH;
///   5. the wheel `nvidia-cuda-nvcc` beside the python3 on PATH (only folders
///      are looked at; Python is not run).
/// The first two are orders: if they name no executable file, that is the
/// error. Otherwise the error says where it looked and where to get a ptxas.
llvm::Expected<std::string>
findPtxas(const std::optional<std::string> &fromOption = std::nullopt);

/// Whether `fromOption` or MLA_PTXAS asks for a ptxas, so that it is an error,
/// and no reason to do without, if there is none.
bool isPtxasRequested(const std::optional<std::string> &fromOption);

/// Calls `visit` with each ptxas of the places 3 to 5 until it returns true.
void visitPtxas(llvm::function_ref<bool(llvm::StringRef path)> visit);

/// The version of a CUDA toolkit.
struct CudaVersion {
  unsigned major = 0;
  unsigned minor = 0;

  bool operator<(const CudaVersion &other) const {
    return std::tie(major, minor) < std::tie(other.major, other.minor);
  }
};

/// The oldest ptxas that reads the PTX which emitPTX writes with `options`.
CudaVersion oldestPtxas(const TargetOptions &options);

/// Asks the ptxas at `path` for its version; the answer is kept until the file
/// changes. Fails when it does not run, prints no version, or does not end
/// within `timeoutSeconds`, of which it gets at most 10.
llvm::Expected<CudaVersion> ptxasVersion(llvm::StringRef path,
                                         unsigned timeoutSeconds = 120);

/// Likewise, to the last digit: "release 13.0, V13.0.88".
llvm::Expected<std::string> ptxasVersionText(llvm::StringRef path,
                                             unsigned timeoutSeconds = 120);

struct PtxasOptions {
  /// The executable; findPtxas() decides when empty.
  std::string path;
  std::string chip{kDefaultTarget.name};
  /// ptxas -O level, 0 to 3.
  unsigned optLevel = 3;
  /// Wall-clock limit of each run of ptxas in seconds; 0 for none.
  unsigned timeoutSeconds = 120;
  /// Further arguments, put before the input file.
  std::vector<std::string> extraArgs;
  /// The gate: a kernel over these limits is an error. With std::nullopt every
  /// cubin that ptxas writes is returned, and the caller reads the report.
  std::optional<ReportLimits> limits = ReportLimits();
};

struct CubinResult {
  /// The bytes of the cubin (an ELF file).
  std::string cubin;
  PtxasReport report;
  /// Everything ptxas printed.
  std::string log;
};

/// Assembles `ptx`. The error distinguishes: ptxas not found, not executable,
/// older than 12.3 or than the PTX version needs, failed (with its first error
/// lines), over its time (it is killed), no or no usable cubin written, and a
/// kernel over the limits. Both ends are files in memory (/proc/self/fd/N to
/// ptxas), so that a process that is killed leaves nothing behind; messages
/// call the input kernel.ptx. Thread-safe.
llvm::Expected<CubinResult> assembleCubin(llvm::StringRef ptx,
                                          const PtxasOptions &options);

/// Kills every ptxas and nvdisasm that is running, and the programs that those
/// started. May be called in a signal handler: they are in process groups of
/// their own, which the signals of a terminal do not reach.
void killRunningPrograms();

} // namespace mla

#endif // MLA_TARGET_PTXAS_H
