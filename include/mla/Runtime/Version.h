//===- Version.h - the project's version ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_VERSION_H
#define MLA_RUNTIME_VERSION_H

namespace mla::runtime {

/// The version that the build gives the project, as in "0.1.0".
const char *getProjectVersion();
/// Name and version, as in "mla 0.1.0": the `compiler` of a package.
const char *getProjectName();

} // namespace mla::runtime

#endif // MLA_RUNTIME_VERSION_H
