//===- SlotState.h - the state of ring slots in a role ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TRANSFORMS_SLOTSTATE_H
#define MLA_LIB_TRANSFORMS_SLOTSTATE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include <cstdint>
#include <map>
#include <set>
#include <tuple>

namespace mla::slots {

/// An unknown number, `symbol`, plus `offset`. Symbol 0 is the number 0. Counts
/// of one state can be compared if their symbols are equal.
struct Count {
  unsigned symbol = 0;
  int64_t offset = 0;

  bool operator==(Count other) const {
    return symbol == other.symbol && offset == other.offset;
  }
  bool operator!=(Count other) const { return !(*this == other); }
  bool operator<(Count other) const {
    return std::pair(symbol, offset) < std::pair(other.symbol, other.offset);
  }
  Count operator+(int64_t n) const { return {symbol, offset + n}; }
};
/// The symbol of a count about which nothing is known.
inline constexpr unsigned kUnknown = ~0u;

inline int64_t modulo(int64_t a, int64_t b) { return ((a % b) + b) % b; }

/// The events that are counted per ring. A role publishes a slot once for each
/// ArrivalKind by which it fills it.
enum Event {
  Awaited,
  Released,
  Acquired,
  PublishedByWarps,
  PublishedCopies,
  PublishedBytes
};
inline constexpr unsigned kEvents = 6;

/// Slot `count` mod depth of ring number `ring`.
struct Slot {
  unsigned ring;
  Count count;

  bool operator<(const Slot &other) const {
    return std::pair(ring, count) < std::pair(other.ring, other.count);
  }
  bool operator==(const Slot &other) const {
    return ring == other.ring && count == other.count;
  }
};
using Slots = std::set<Slot>;

/// The state at one point of a role.
struct State {
  /// kEvents counts per ring.
  llvm::SmallVector<Count> counts;
  Count &count(unsigned ring, Event event) {
    return counts[kEvents * ring + event];
  }
  /// Known values of arguments and results of loops and branches, by number
  /// (see RoleRings): a count or a slot number.
  std::map<unsigned, Count> values;
  /// Slots read by MMAs in flight: of committed groups, youngest first, and of
  /// MMAs that are not committed yet.
  llvm::SmallVector<Slots> groups;
  Slots open;
  /// Slots that surely have unpublished stores, or gathers; slots of aliasing
  /// rings that may have either.
  Slots stored, gathered, written;

  bool operator==(const State &other) const {
    return std::tie(counts, values, groups, open, stored, gathered, written) ==
           std::tie(other.counts, other.values, other.groups, other.open,
                    other.stored, other.gathered, other.written);
  }
};

/// The state where two paths join: the union of slots that may be in flight or
/// written, and the intersection of slots that surely are stored. Counts and
/// values whose difference is the same in `a` and `b` share a symbol, numbered
/// by the first of them, so that equivalent states are equal.
State join(const State &a, const State &b, llvm::ArrayRef<int64_t> depths);

} // namespace mla::slots

#endif // MLA_LIB_TRANSFORMS_SLOTSTATE_H
