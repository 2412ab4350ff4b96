//===- SlotState.cpp - what a role knows about its rings --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "SlotState.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace mla::slots;

/// The slot as it stands to the role's counts, which go from `from` to `to`.
static Slot rebase(Slot slot, ArrayRef<Count> from, ArrayRef<Count> to) {
  for (Event event : {Awaited, Acquired}) {
    unsigned i = kEvents * slot.ring + event;
    if (slot.count.symbol == from[i].symbol && from[i] != Count())
      return {slot.ring, to[i] + (slot.count.offset - from[i].offset)};
  }
  return {slot.ring, {kUnknown, 0}};
}

static Slots rebase(const Slots &slots, ArrayRef<Count> from,
                    ArrayRef<Count> to) {
  Slots result;
  for (const Slot &slot : slots)
    result.insert(rebase(slot, from, to));
  return result;
}

State mla::slots::join(const State &a, const State &b, ArrayRef<Count> to) {
  State joined;
  joined.counts.assign(to.begin(), to.end());
  joined.groups.resize(std::max(a.groups.size(), b.groups.size()));
  for (const State *each : {&a, &b}) {
    for (auto [i, reads] : llvm::enumerate(each->groups))
      joined.groups[i].merge(rebase(reads, each->counts, to));
    joined.open.merge(rebase(each->open, each->counts, to));
    joined.written.merge(rebase(each->written, each->counts, to));
  }
  auto meet = [&](Slots State::*slots) {
    Slots other = rebase(b.*slots, b.counts, to);
    for (const Slot &slot : rebase(a.*slots, a.counts, to))
      if (other.count(slot))
        (joined.*slots).insert(slot);
  };
  meet(&State::stored);
  meet(&State::gathered);
  return joined;
}
