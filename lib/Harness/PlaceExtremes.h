//===- PlaceExtremes.h - extreme values among the inputs --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_HARNESS_PLACEEXTREMES_H
#define MLA_LIB_HARNESS_PLACEEXTREMES_H

#include "mla/Harness/Inputs.h"

namespace mla::harness {

/// Places options.extremes into the generated arguments of sparse_prefill.
/// `named` says which rows of kv a valid entry names, [token][kv head].
/// Errors: an argument that is to hold one is missing, or from a file.
Status placeExtremes(const InputOptions &options,
                     const std::vector<char> &named,
                     std::vector<HostArgument> &arguments);

} // namespace mla::harness

#endif // MLA_LIB_HARNESS_PLACEEXTREMES_H
