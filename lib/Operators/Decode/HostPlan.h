//===- HostPlan.h - the reference of the plan -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_OPERATORS_DECODE_HOSTPLAN_H
#define MLA_LIB_OPERATORS_DECODE_HOSTPLAN_H

#include "Plan.h"
#include <array>
#include <cstdint>
#include <vector>

namespace mla {

/// What a plan is made of.
struct HostPlanInput {
  std::vector<int32_t> lengths; ///< cache_seqlens
  int64_t maxTokens = 0;        ///< max_pages * page_size
  int64_t ctas = 1;             ///< rows of the plan
  int64_t tiles = 1;            ///< CTAs per part
  int64_t overhead = 2, slack = 2, slackDivisor = 0;
  bool isBatchInvariant = false;
};

/// The tokens of one request in one part.
struct HostPiece {
  int64_t request, part;
  /// Tokens [begin, end) for the lengths that the plan was made of.
  int64_t begin, end;
  /// The slot of the partial results, -1 if the piece is all of the request.
  int64_t slot;
};

struct HostPlan {
  std::vector<std::array<int32_t, kPlanWords>> rows; ///< [ctas]
  /// Units and gaps of a part; 0 with isBatchInvariant.
  int64_t width = 0;

  /// The pieces, by part and then by request, as the attention kernel works on
  /// them for the lengths of `input`.
  std::vector<HostPiece> getPieces(const HostPlanInput &input) const;
};

/// Computes the output `plan` of the operator.
HostPlan makeHostPlan(const HostPlanInput &input);

} // namespace mla

#endif // MLA_LIB_OPERATORS_DECODE_HOSTPLAN_H
