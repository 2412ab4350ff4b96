//===- Sass.h - What a kernel's machine code looks like ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_TARGET_SASS_H
#define MLA_TARGET_SASS_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"
#include <string>
#include <vector>

namespace mla {

/// The instructions of one loop, guarded ones included. What is counted lies
/// between the loop's first instruction and its last branch back.
struct SassLoop {
  unsigned instructions = 0;
  /// Products of warpgroups, and asynchronous copies into shared memory.
  unsigned hgmma = 0, ldgsts = 0;
  /// Moves into registers (MOV, and IMAD.MOV, which does the same on another
  /// pipe), and into uniform registers (UMOV).
  unsigned moves = 0, uniformMoves = 0;
  /// Values taken from registers into uniform ones (R2UR), which products'
  /// descriptors are read from.
  unsigned r2ur = 0;
  unsigned fmul = 0, ffma = 0, mufu = 0;
  /// Branches, that of the loop included.
  unsigned branches = 0;
  /// Waits for an mbarrier, tried once here.
  unsigned waits = 0;
  /// Instructions of the loop that lie elsewhere, where ptxas puts what is
  /// rarely run: the further tries of waits. In none of the counts above.
  unsigned outOfLine = 0;
};

struct SassReport {
  /// Without the padding behind the code.
  unsigned instructions = 0;
  /// The steady loops, in order of address: those with products or copies that
  /// have no other such loop inside.
  std::vector<SassLoop> loops;
};

/// Reads what `nvdisasm -c` prints of a kernel. Fails where there is no
/// instruction in it.
llvm::Expected<SassReport> parseSass(llvm::StringRef text);

/// Returns the path of nvdisasm, looked for as findPtxas() does without an
/// option; the environment variable is MLA_NVDISASM.
llvm::Expected<std::string> findNvdisasm();

/// Disassembles `cubin` with findNvdisasm() and reads what it prints. Fails
/// where there is none, and when it fails or takes longer than `timeoutSeconds`
/// (0: no limit; it is killed). Temporary files lie in the system's folder for
/// them and are gone when this returns. Thread-safe.
llvm::Expected<SassReport> disassembleCubin(llvm::StringRef cubin,
                                            unsigned timeoutSeconds = 60);

/// {"instructions": 803, "hgmma": 44, ...}
llvm::json::Value toJSON(const SassLoop &loop);

} // namespace mla

#endif // MLA_TARGET_SASS_H
