//===- Interrupt.h - what a signal that ends mla-jit leaves behind --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TOOLS_MLA_JIT_INTERRUPT_H
#define MLA_TOOLS_MLA_JIT_INTERRUPT_H

namespace mla {

/// From now on a signal that ends the process (SIGINT, SIGTERM, SIGHUP,
/// SIGQUIT) ends the ptxas and nvdisasm that it runs, too. To be called after
/// llvm::InitLLVM, whose handlers still get the signal.
void killProgramsOnInterrupt();

} // namespace mla

#endif // MLA_TOOLS_MLA_JIT_INTERRUPT_H
