//===- Case.h - a case that FlashMLA's kernels compute ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_BENCH_PEERS_FLASHMLA_CASE_H
#define MLA_BENCH_PEERS_FLASHMLA_CASE_H

#include "mla/Harness/Peer.h"

#include <memory>

/// Checked arguments in FlashMLA's form, and the memory that its kernels need.
struct mlaPeerCase {
  virtual ~mlaPeerCase() = default;
  virtual void launch(int32_t phase, mlaStream stream) = 0;
};

namespace flashmla_peer {

/// Prepare a case of `sparse_prefill` or `decode`. Throw Unsupported for
/// arguments that FlashMLA has no kernel for.
std::unique_ptr<mlaPeerCase>
prepareSparsePrefill(const mlaPeerArguments &arguments);
std::unique_ptr<mlaPeerCase> prepareDecode(const mlaPeerArguments &arguments);

} // namespace flashmla_peer

#endif // MLA_BENCH_PEERS_FLASHMLA_CASE_H
