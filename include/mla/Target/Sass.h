//===- Sass.h - statistics of a kernel's machine code -----------*- C++ -*-===//
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

/// Instruction counts of one loop, predicated ones included. Counted are those
/// between the loop's first instruction and its last backward branch.
struct SassLoop {
  unsigned instructions = 0;
  /// wgmma instructions, and asynchronous copies into shared memory.
  unsigned hgmma = 0, ldgsts = 0;
  /// Moves into registers (MOV, and IMAD.MOV on another pipe), and into uniform
  /// registers (UMOV).
  unsigned moves = 0, uniformMoves = 0;
  /// Copies from registers to uniform registers (R2UR), from which wgmma reads
  /// descriptors.
  unsigned r2ur = 0;
  unsigned fmul = 0, ffma = 0, mufu = 0;
  /// Branches, including that of the loop.
  unsigned branches = 0;
  /// First tries of waits for an mbarrier.
  unsigned waits = 0;
  /// Instructions of the loop outside this range, where ptxas places rarely
  /// executed code: the retries of waits. Not in the counts above.
  unsigned outOfLine = 0;
};

struct SassReport {
  /// Without the padding after the code.
  unsigned instructions = 0;
  /// The main loops, in order of address: innermost loops with wgmma or copies.
  std::vector<SassLoop> loops;
};

/// Parses the output of `nvdisasm -c` for a kernel. Fails if it has no
/// instruction.
llvm::Expected<SassReport> parseSass(llvm::StringRef text);

/// Returns the path of nvdisasm, looked for as findPtxas() does without an
/// option; the environment variable is MLA_NVDISASM.
llvm::Expected<std::string> findNvdisasm();

/// Disassembles `cubin` with findNvdisasm() and parses the output. Fails if
/// there is none, or if it fails or takes longer than `timeoutSeconds` (0: no
/// limit; it is killed). Temporary files are in the system's folder and removed
/// before this returns. Thread-safe.
llvm::Expected<SassReport> disassembleCubin(llvm::StringRef cubin,
                                            unsigned timeoutSeconds = 60);

/// {"instructions": 803, "hgmma": 44, ...}
llvm::json::Value toJSON(const SassLoop &loop);

} // namespace mla

#endif // MLA_TARGET_SASS_H
