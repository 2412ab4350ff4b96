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

/// What makes a cubin of PTX.
struct Assembler {
  /// MLA_ASSEMBLER_PTXAS or MLA_ASSEMBLER_DRIVER.
  mlaAssembler kind = MLA_ASSEMBLER_PTXAS;
  /// The program; "" for the driver.
  std::string path;
  /// Which one it is: with equal text, equal PTX becomes an equal cubin.
  std::string version;
};

/// Finds what `wanted` asks for; findPtxas() says how `ptxas` is meant. A ptxas
/// that is not there is made up for by the driver only where neither argument
/// asks for one. Errors: MLA_NOT_FOUND; MLA_COMPILE_ERROR for a ptxas that does
/// not tell its version; those of runtime::Driver::get.
runtime::Status findAssembler(mlaAssembler wanted,
                              const std::optional<std::string> &ptxas,
                              unsigned timeoutSeconds, Assembler &out);

/// Makes a cubin of `ptx` with the linker in the CUDA driver, in the primary
/// context of the first device that is a `chip`. The report lacks what the
/// driver does not tell; where it tells of the kernel, the limits of ptxas
/// hold too.
runtime::Status linkWithDriver(llvm::StringRef ptx, llvm::StringRef chip,
                               CubinResult &out);

} // namespace mla

#endif // MLA_JIT_ASSEMBLER_H
