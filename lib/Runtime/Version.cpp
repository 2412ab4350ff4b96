//===- Version.cpp - the project's version --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Runtime/Version.h"

const char *mla::runtime::getProjectVersion() { return MLA_VERSION; }
const char *mla::runtime::getProjectName() { return "mla " MLA_VERSION; }
