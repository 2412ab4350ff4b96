//===- AttentionExtremes.h - extreme values of attention --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_HARNESS_ATTENTIONEXTREMES_H
#define MLA_HARNESS_ATTENTIONEXTREMES_H

#include "mla/Harness/OperatorHost.h"

namespace mla::harness {

/// The arguments that hold extremes, by name.
struct AttentionNames {
  /// [..., heads, d_qk]
  const char *q;
  /// [..., d_qk]
  const char *kv;
  /// [heads]; null if the operator has none.
  const char *sink;
};

/// NaN in q, kv and the sink, and scores that are huge or overflow.
std::vector<Extreme> attentionExtremes(const AttentionNames &names);

/// Places those of the options into the generated arguments. `isRead` says
/// which rows of kv, counted row-major, a query reads. Errors: an argument that
/// is to hold one is missing, or from a file.
Status placeAttentionExtremes(const AttentionNames &names,
                              const InputOptions &options,
                              const std::vector<char> &isRead,
                              std::vector<HostArgument> &arguments);

} // namespace mla::harness

#endif // MLA_HARNESS_ATTENTIONEXTREMES_H
