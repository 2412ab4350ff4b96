//===- Host.h - the backward of prefill in the harness ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_OPERATORS_PREFILLBACKWARD_HOST_H
#define MLA_LIB_OPERATORS_PREFILLBACKWARD_HOST_H

#include "../Prefill/Host.h"

namespace mla::harness {

/// The arguments of the backward by name.
struct BackwardView {
  PrefillView forward;
  const HostTensor *dout = nullptr;
  const HostTensor *lse = nullptr;
  const HostTensor *dlse = nullptr; ///< or null
  /// Natural logarithms per unit of lse: ln 2 in base 2.
  double natPerLse = 1;

  /// Errors name the argument that is missing or has the wrong shape.
  static Status create(const std::vector<HostArgument> &arguments,
                       const runtime::OperatorOptions &options,
                       BackwardView &view);

  /// The first query of the sequence that attends to the key.
  int64_t firstQuery(const PrefillSequence &sequence, int64_t key) const {
    if (!forward.isCausal)
      return 0;
    return std::max<int64_t>(0, key + sequence.queries - sequence.keys);
  }
};

/// Fills the tensors that are not read from files, q, k, v and cu_seqlens as
/// those of prefill. out and lse have the sizes that a forward would give:
/// lse is the expected one of normal scores.
Status fillBackward(const runtime::KernelDescriptor &kernel,
                    const InputOptions &options,
                    std::vector<HostArgument> &arguments);

/// The extreme values that inputs of this operator may contain.
std::vector<Extreme> backwardExtremes();

/// The reference, in double precision, of the given out and lse. Results of
/// rows of no sequence are NaN, as outputs are before a run.
Status backwardReference(const runtime::KernelDescriptor &kernel,
                         const std::vector<HostArgument> &arguments,
                         std::vector<ExpectedOutput> &expected);

} // namespace mla::harness

#endif // MLA_LIB_OPERATORS_PREFILLBACKWARD_HOST_H
