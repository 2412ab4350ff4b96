//===- Version.h - which compiler this is -----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_JIT_VERSION_H
#define MLA_JIT_VERSION_H

#include <string>

namespace mla {

/// "mla 0.1.0+0123456789ab, LLVM 22.1.0": the project's version, the digest of
/// the compiler's sources, and the LLVM that is linked. Two compilers with one
/// text make the same PTX of the same IR.
const std::string &versionText();

} // namespace mla

#endif // MLA_JIT_VERSION_H
