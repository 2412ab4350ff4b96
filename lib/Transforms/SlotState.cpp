//===- SlotState.cpp - the state of ring slots in a role --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "SlotState.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace mla::slots;

namespace {
/// Gives counts of two states a common symbol if their difference is the same
/// in both.
class Merger {
public:
  /// `number` identifies the count or value.
  Count merge(unsigned number, Count a, Count b) {
    if (a == b && a.symbol == 0)
      return a;
    auto key = std::tuple(a.symbol, b.symbol, a.offset - b.offset);
    return {symbols.try_emplace(key, number + 1).first->second, a.offset};
  }

private:
  std::map<std::tuple<unsigned, unsigned, int64_t>, unsigned> symbols;
};

/// Expresses slots of one state by the counts of another.
class Rebase {
public:
  Rebase(ArrayRef<Count> from, ArrayRef<Count> to, ArrayRef<int64_t> depths)
      : from(from), to(to), depths(depths) {}

  Slots operator()(const Slots &slots) const {
    Slots result;
    for (const Slot &slot : slots)
      result.insert(rebase(slot));
    return result;
  }

private:
  /// Identifies the slot by its distance from the last one awaited or acquired.
  Slot rebase(Slot slot) const {
    for (Event event : {Awaited, Acquired}) {
      unsigned i = kEvents * slot.ring + event;
      if (slot.count.symbol != from[i].symbol || from[i] == Count())
        continue;
      int64_t before =
          modulo(from[i].offset - 1 - slot.count.offset, depths[slot.ring]);
      return {slot.ring, to[i] + (-1 - before)};
    }
    return {slot.ring, {kUnknown, 0}};
  }

  ArrayRef<Count> from, to;
  ArrayRef<int64_t> depths;
};
} // namespace

State mla::slots::join(const State &a, const State &b,
                       ArrayRef<int64_t> depths) {
  State joined;
  Merger merger;
  for (auto [i, counts] : llvm::enumerate(llvm::zip(a.counts, b.counts)))
    joined.counts.push_back(
        merger.merge(i, std::get<0>(counts), std::get<1>(counts)));
  for (auto [number, count] : a.values)
    if (auto it = b.values.find(number); it != b.values.end())
      joined.values[number] =
          merger.merge(a.counts.size() + number, count, it->second);
  joined.groups.resize(std::max(a.groups.size(), b.groups.size()));
  for (const State *each : {&a, &b}) {
    Rebase rebase(each->counts, joined.counts, depths);
    for (auto [i, reads] : llvm::enumerate(each->groups))
      joined.groups[i].merge(rebase(reads));
    joined.open.merge(rebase(each->open));
    joined.written.merge(rebase(each->written));
  }
  auto meet = [&](Slots State::*slots) {
    Slots other = Rebase(b.counts, joined.counts, depths)(b.*slots);
    for (const Slot &slot : Rebase(a.counts, joined.counts, depths)(a.*slots))
      if (other.count(slot))
        (joined.*slots).insert(slot);
  };
  meet(&State::stored);
  meet(&State::gathered);
  return joined;
}
