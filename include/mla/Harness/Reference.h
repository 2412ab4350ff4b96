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
  /// Absolute tolerances where they differ within the output: one for each of
  /// as many runs of consecutive elements of the same length. Empty:
  /// `tolerance.absolute` holds everywhere.
  std::vector<double> absolute = {};

  double absoluteAt(size_t element) const {
    return absolute.empty()
               ? tolerance.absolute
               : absolute[element * absolute.size() / values.size()];
  }
};

/// Computes the expected outputs from the arguments' inputs. Outputs that the
/// arguments do not have are left out.
using Reference = std::function<Status(const std::vector<HostArgument> &,
                                       std::vector<ExpectedOutput> &)>;

/// The reference of a kernel's operator, or an empty function. It takes scalar
/// operands from the arguments or, where they are compiled into the kernel,
/// from the descriptor's constants. An option of the operator that it does not
/// know is an error of the call.
Reference findReference(const runtime::KernelDescriptor &descriptor);

/// Scalars that are compiled into a kernel, as its descriptor has them.
using Constants = std::vector<runtime::ConstantDescriptor>;

/// sparse_prefill to the letter of semantics. Reads the arguments q, kv,
/// indices and, where they are given, topk_length and attn_sink, and the
/// argument or constant scale; expects out, max_logits and lse. Invalid entries
/// are never dereferenced. The column count d_v is that of `out`. Options:
/// `lse_base` e or 2, `empty_lse` +inf or -inf.
///
/// A NaN in q or in a valid entry's kv makes NaN all that it belongs to. Scores
/// that fp32 holds count, however low. One that overflows fp32 to -inf weighs
/// nothing: in a row that has no others, max_logits and lse are -inf, and out
/// is the sink's 0, or NaN without a sink. One that overflows to +inf makes
/// max_logits +inf, and lse and out NaN.
Status sparsePrefillReference(const std::vector<HostArgument> &arguments,
                              std::vector<ExpectedOutput> &expected,
                              const Constants &constants = {},
                              const runtime::OperatorOptions &options = {});

/// Plain attention in double precision: out = softmax(scale q k^T) v for
/// q [heads, s_q, d], k [heads, s_kv, d], v [heads, s_kv, d_v], and lse
/// [heads, s_q] if the kernel has that output. With `softCap` the scores are
/// tanh(scale q k^T).
Status denseAttentionReference(const std::vector<HostArgument> &arguments,
                               bool softCap,
                               std::vector<ExpectedOutput> &expected,
                               const Constants &constants = {});

/// The value of the operand `scale`, which is an argument or a constant.
Status findScale(const std::vector<HostArgument> &arguments,
                 const Constants &constants, double &out);

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
