//===- Cases.h - the operators that FlashMLA computes -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_BENCH_PEERS_FLASHMLA_CASES_H
#define MLA_BENCH_PEERS_FLASHMLA_CASES_H

#include "../Case.h"

#include <memory>

namespace flashmla_peer {

using namespace mla_peer;

/// Prepare a case of `sparse_prefill` or `decode`. Throw Unsupported for
/// arguments that FlashMLA has no kernel for.
std::unique_ptr<mlaPeerCase>
prepareSparsePrefill(const mlaPeerArguments &arguments);
std::unique_ptr<mlaPeerCase> prepareDecode(const mlaPeerArguments &arguments);

} // namespace flashmla_peer

#endif // MLA_BENCH_PEERS_FLASHMLA_CASES_H
