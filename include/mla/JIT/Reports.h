//===- Reports.h - JSON about machine code and the machine ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_JIT_REPORTS_H
#define MLA_JIT_REPORTS_H

#include "mla/JIT/Compiler.h"
#include "llvm/Support/JSON.h"

namespace mla {

/// Adds what nvdisasm says of the kernel's machine code to what summarize()
/// returned: instructions, and those of each loop. Without nvdisasm the reason,
/// as "missingSass".
void addMachineCode(const CompiledKernel &kernel, llvm::json::Object &report);

/// What there is to compile with and to run on: objects "ptxas", "assembler"
/// (the one that makes cubins here), "driver" and "cache", and the text
/// "version". An object of what is not there holds the reason as "missing".
llvm::json::Object describeEnvironment();

} // namespace mla

#endif // MLA_JIT_REPORTS_H
