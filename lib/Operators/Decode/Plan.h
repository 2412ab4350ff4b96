//===- Plan.h - the layout of a plan ----------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Requests lie one behind the other on a line of positions, in units of 64
// tokens and with a gap after each request that stands for its fixed costs.
// Part p of the plan is a range of positions.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_OPERATORS_DECODE_PLAN_H
#define MLA_LIB_OPERATORS_DECODE_PLAN_H

#include <cstdint>

namespace mla {

/// Tokens per unit. Pieces of a request begin at multiples of it.
inline constexpr int64_t kPlanUnit = 64;

/// The elements of a row of `plan`; those not listed are 0.
enum PlanWord : int64_t {
  /// The requests of the part: [first, end).
  kPlanFirstRequest = 0,
  kPlanEndRequest = 1,
  /// The first token of the first request in the part, 0 if it begins there.
  kPlanFirstToken = 2,
  /// The end of the last request's tokens in the part; kPlanToEnd if no later
  /// part has tokens of it.
  kPlanEndToken = 3,
  /// If the first request begins in an earlier part: the number of parts that
  /// have tokens of it, and the number of this part among them, from 0. So each
  /// part but the first of a cut request knows its share of the merge.
  /// Otherwise
  /// both are 0.
  kPlanMergePieces = 4,
  kPlanMergeIndex = 5,
  kPlanWords = 8
};
inline constexpr int32_t kPlanToEnd = 0x7fffffff;

/// PlanOptions::slackDivisor for a number of CTAs per part. With one or two,
/// the memory limits the speed: on an H200, 132 CTAs that cut 128 requests take
/// as long as 128 CTAs that do not, and the merge comes on top.
constexpr int64_t getSlackDivisor(int64_t tiles) { return tiles <= 2 ? 32 : 0; }

/// PlanOptions::overhead for a number of CTAs per part. Measured with 128
/// lengths in 1 to 4,096 on an H200: with one CTA 2 is best, with two 5 is 9 %
/// faster than 2.
constexpr int64_t getOverhead(int64_t tiles) { return tiles == 1 ? 2 : 5; }

/// The most requests and rows of `plan`: positions are numbers of 32 bits.
inline constexpr int64_t kMaxPlanSize = int64_t(1) << 24;
/// The sum of the requests' units in a plan, which shortens longer requests.
inline constexpr int64_t kMaxPlanUnits = int64_t(1) << 29;

} // namespace mla

#endif // MLA_LIB_OPERATORS_DECODE_PLAN_H
