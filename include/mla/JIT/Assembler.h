//===- Assembler.h - ptxas, or the driver's linker --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_JIT_ASSEMBLER_H
#define MLA_JIT_ASSEMBLER_H

#include "mla/JIT/JIT.h"
#include "mla/Runtime/Status.h"
#include "mla/Target/Ptxas.h"
#include <optional>
#include <string>

namespace mla {

/// The program or driver that assembles PTX.
struct Assembler {
  /// MLA_ASSEMBLER_PTXAS or MLA_ASSEMBLER_DRIVER.
  mlaAssembler kind = MLA_ASSEMBLER_PTXAS;
  /// The program; "" for the driver.
  std::string path;
  /// Its version. With equal text, equal PTX gives an equal cubin.
  std::string version;
  /// Why it is not the expected one, or may not work; "" if there is no such
  /// reason.
  std::string warning;
};

/// Finds the assembler that `wanted` asks for; see findPtxas() for `ptxas`.
///
/// A ptxas that was requested (isPtxasRequested) is the one, with a warning
/// where its cubins may not load. Otherwise it is the first ptxas that suits:
/// it reads our PTX, and the driver of this machine, if there is one, loads its
/// cubins. A driver loads cubins of any toolkit of its own major version
/// ("minor version compatibility") and of older ones. Where no ptxas suits, it
/// is the driver's linker if `wanted` permits it, else the first ptxas with a
/// warning.
///
/// Errors: MLA_NOT_FOUND; MLA_COMPILE_ERROR for a ptxas that does not tell its
/// version; those of runtime::Driver::get.
runtime::Status findAssembler(mlaAssembler wanted,
                              const std::optional<std::string> &ptxas,
                              unsigned timeoutSeconds, Assembler &out);

/// Makes a cubin of `ptx` with the linker in the CUDA driver, in the primary
/// context of the first device that is a `chip`. The report has only what
/// the driver reports; what it reports about the kernel is checked against the
/// same limits as the output of ptxas.
runtime::Status linkWithDriver(llvm::StringRef ptx, llvm::StringRef chip,
                               CubinResult &out);

} // namespace mla

#endif // MLA_JIT_ASSEMBLER_H
