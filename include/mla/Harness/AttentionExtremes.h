//===- AttentionExtremes.h - extreme inputs of attention --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_HARNESS_ATTENTIONEXTREMES_H
#define MLA_HARNESS_ATTENTIONEXTREMES_H

#include "mla/Harness/OperatorHost.h"

namespace mla::harness {

/// The names of the arguments that may have extremes.
struct AttentionNames {
  /// [..., heads, d_qk]
  const char *q;
  /// [..., d_qk]
  const char *kv;
  /// [heads]; null if the operator has none.
  const char *sink;
};

/// The extremes of attention: NaN in q, kv and the sink, and scores that are
/// huge or overflow.
std::vector<Extreme> attentionExtremes(const AttentionNames &names);

/// Places the extremes that the options request into generated arguments.
/// `isRead` flags the rows of kv, in row-major order, that a query attends to.
/// Fails if the argument for an extreme is missing or read from a file.
Status placeAttentionExtremes(const AttentionNames &names,
                              const InputOptions &options,
                              const std::vector<char> &isRead,
                              std::vector<HostArgument> &arguments);

/// Fills `attn_sink` [heads] with normals; with poison two of at least three
/// heads have +inf and -inf.
void fillAttentionSink(HostTensor &sink, const InputOptions &options);

} // namespace mla::harness

#endif // MLA_HARNESS_ATTENTIONEXTREMES_H
