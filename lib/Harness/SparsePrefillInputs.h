//===- SparsePrefillInputs.h - the arguments of sparse_prefill --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_HARNESS_SPARSEPREFILLINPUTS_H
#define MLA_LIB_HARNESS_SPARSEPREFILLINPUTS_H

#include "mla/Harness/Inputs.h"

namespace mla::harness {

/// Fills the tensors that files do not give. Indices and lengths come first,
/// since the poison of kv depends on them.
Status fillSparsePrefill(const InputOptions &options,
                         std::vector<HostArgument> &arguments);

} // namespace mla::harness

#endif // MLA_LIB_HARNESS_SPARSEPREFILLINPUTS_H
