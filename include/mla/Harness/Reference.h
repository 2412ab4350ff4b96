//===- Reference.h - what an operator computes, in double -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_HARNESS_REFERENCE_H
#define MLA_HARNESS_REFERENCE_H

#include "mla/Harness/HostTensor.h"

#include <functional>

namespace mla::harness {

/// How close an output must be.
struct Tolerance {
  double absolute = 0;
  double relative = 0;
  /// Bound on 1 - 2 sum(ab) / sum(a^2 + b^2); 0: not tested.
  double cosine = 0;
};

/// What one output should hold: row-major, without padding.
struct ExpectedOutput {
  std::string name;
  std::vector<double> values;
  Tolerance tolerance;
};

/// Computes the expected outputs from the arguments' inputs. Outputs that the
/// arguments do not have are left out.
using Reference = std::function<Status(const std::vector<HostArgument> &,
                                       std::vector<ExpectedOutput> &)>;

/// The reference of an operator with these options, or an empty function. An
/// option that it does not know is an error of the call.
Reference findReference(const std::string &operatorName,
                        const runtime::OperatorOptions &options = {});

/// sparse_prefill to the letter of semantics. Reads the arguments q, kv,
/// indices, scale and, where they are given, topk_length and attn_sink; expects
/// out, max_logits and lse. Invalid entries are never dereferenced. The
/// column count d_v is that of `out`. Options: `lse_base` e or 2, `empty_lse`
/// +inf or -inf.
Status sparsePrefillReference(const std::vector<HostArgument> &arguments,
                              std::vector<ExpectedOutput> &expected,
                              const runtime::OperatorOptions &options = {});

/// Plain attention in double precision: out = softmax(scale q k^T) v for
/// q [heads, s_q, d], k [heads, s_kv, d], v [heads, s_kv, d_v], and lse
/// [heads, s_q] if the kernel has that output. With `softCap` the scores are
/// tanh(scale q k^T).
Status denseAttentionReference(const std::vector<HostArgument> &arguments,
                               bool softCap,
                               std::vector<ExpectedOutput> &expected);

/// Floating-point operations that the operator's arguments call for, counted
/// as everyone counts them: 2 * s_q * h_q * topk * (d_qk + d_v) for
/// sparse_prefill, 2 * heads * s_q * s_kv * (d + d_v) for dense_attention, with
/// a soft cap or without; 0 where there is no formula.
double countFlops(const std::string &operatorName,
                  const std::vector<HostArgument> &arguments);

/// Bytes that the operator has to move for these arguments: each argument once,
/// but of sparse_prefill's kv the row of each valid index, as often as indices
/// name it. Rows that queries share come from a cache, so that this is no
/// figure of the memory's. 0 where there is no formula.
double countBytes(const std::string &operatorName,
                  const std::vector<HostArgument> &arguments);

} // namespace mla::harness

#endif // MLA_HARNESS_REFERENCE_H
