//===- HostPlan.cpp - the reference of the plan -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "HostPlan.h"
#include <algorithm>

using namespace mla;

static int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

static int64_t getParts(const HostPlanInput &input) {
  return std::max<int64_t>(1, input.ctas / input.tiles);
}

/// Tokens of a request: lengths are clamped to the size of the cache.
static int64_t getTokens(const HostPlanInput &input, int64_t request) {
  return std::clamp<int64_t>(input.lengths[request], 0, input.maxTokens);
}

/// Units of each request, at least one.
static std::vector<int64_t> getUnits(const HostPlanInput &input) {
  auto b = static_cast<int64_t>(input.lengths.size());
  std::vector<int64_t> units;
  units.reserve(b);
  for (int64_t r = 0; r < b; ++r)
    units.push_back(
        std::max<int64_t>(1, std::min(ceilDiv(getTokens(input, r), kPlanUnit),
                                      kMaxPlanUnits / b)));
  return units;
}

namespace {
/// The positions per part, and the gap after each request.
struct Division {
  int64_t width, gap;
};
} // namespace

static Division divide(const HostPlanInput &input,
                       const std::vector<int64_t> &units) {
  int64_t parts = getParts(input), sum = 0, longest = 0;
  auto b = static_cast<int64_t>(units.size());
  for (int64_t u : units) {
    sum += u;
    longest = std::max(longest, u);
  }
  int64_t even = ceilDiv(sum + b * input.overhead, parts);
  int64_t slack = input.slack;
  if (input.slackDivisor)
    slack = std::max(slack, even / input.slackDivisor);
  int64_t item = longest + input.overhead;
  if (item <= even) {
    int64_t width = ceilDiv(even, item) * item;
    return {width - even <= slack ? width : even, input.overhead};
  }
  int64_t pieces = std::max<int64_t>(1, longest / even);
  int64_t width = ceilDiv(longest, pieces), gap = width * pieces - longest;
  if (width - even <= slack && sum + b * gap <= parts * width)
    return {width, gap};
  return {even, input.overhead};
}

/// A request's range of positions, without the gap.
namespace {
struct Range {
  int64_t begin, end;
};
} // namespace

static void fillRow(std::array<int32_t, kPlanWords> &row, int64_t part,
                    int64_t width, const std::vector<Range> &ranges) {
  int64_t begin = part * width, end = begin + width;
  int64_t first = 0, last = 0;
  for (const Range &range : ranges) {
    first += range.end <= begin;
    last += range.begin < end;
  }
  row = {};
  auto set = [&](PlanWord word, int64_t value) {
    row[word] = static_cast<int32_t>(value);
  };
  set(kPlanFirstRequest, first);
  set(kPlanEndRequest, last);
  set(kPlanEndToken, kPlanToEnd);
  if (first == last)
    return;
  const Range &cut = ranges[first], &open = ranges[last - 1];
  if (open.end > end)
    set(kPlanEndToken, (end - open.begin) * kPlanUnit);
  if (cut.begin >= begin)
    return;
  int64_t firstPart = cut.begin / width, lastPart = (cut.end - 1) / width;
  set(kPlanFirstToken, (begin - cut.begin) * kPlanUnit);
  set(kPlanMergePieces, lastPart - firstPart + 1);
  set(kPlanMergeIndex, part - firstPart);
}

static void planInvariant(const HostPlanInput &input,
                          const std::vector<int64_t> &units, HostPlan &plan) {
  int64_t parts = getParts(input);
  auto b = static_cast<int64_t>(units.size());
  int64_t share = std::max<int64_t>(1, parts / b), group = ceilDiv(b, parts);
  for (int64_t part = 0; part < parts; ++part) {
    int64_t request = part / share * group, number = part % share;
    if (request >= b)
      continue;
    fillRow(plan.rows[part], number, ceilDiv(units[request], share),
            {{0, units[request]}});
    auto &row = plan.rows[part];
    bool isEmpty = row[kPlanFirstRequest] == row[kPlanEndRequest];
    row[kPlanFirstRequest] = static_cast<int32_t>(request);
    row[kPlanEndRequest] =
        static_cast<int32_t>(isEmpty ? request : std::min(b, request + group));
  }
}

HostPlan mla::makeHostPlan(const HostPlanInput &input) {
  HostPlan plan;
  plan.rows.resize(input.ctas);
  std::vector<int64_t> units = getUnits(input);
  if (units.empty())
    return plan;
  if (input.isBatchInvariant) {
    planInvariant(input, units, plan);
    return plan;
  }
  Division division = divide(input, units);
  plan.width = division.width;
  std::vector<Range> ranges;
  int64_t position = 0;
  for (int64_t length : units) {
    ranges.push_back({position, position + length});
    position += length + division.gap;
  }
  for (int64_t part = 0; part < getParts(input); ++part)
    fillRow(plan.rows[part], part, division.width, ranges);
  return plan;
}

std::vector<HostPiece> HostPlan::getPieces(const HostPlanInput &input) const {
  std::vector<HostPiece> pieces;
  for (int64_t part = 0, all = getParts(input); part < all; ++part) {
    const auto &row = rows[part];
    for (int64_t r = row[kPlanFirstRequest]; r < row[kPlanEndRequest]; ++r) {
      int64_t tokens = getTokens(input, r);
      int64_t begin = r == row[kPlanFirstRequest] ? row[kPlanFirstToken] : 0;
      bool isFirst = begin == 0;
      bool isLast =
          r != row[kPlanEndRequest] - 1 || row[kPlanEndToken] == kPlanToEnd;
      int64_t end =
          isLast ? tokens : std::min<int64_t>(row[kPlanEndToken], tokens);
      int64_t slot = isFirst && isLast ? -1 : 2 * part + isFirst;
      pieces.push_back({r, part, begin, end, slot});
    }
  }
  return pieces;
}
