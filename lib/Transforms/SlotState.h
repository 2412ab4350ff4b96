//===- SlotState.h - what a role knows about its rings ----------*- C++ -*-===//
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

/// What a role counts for each ring. It publishes a slot in as many ways as it
/// fills it: see ArrivalKind.
enum Event {
  Awaited,
  Released,
  Acquired,
  PublishedByWarps,
  PublishedCopies,
  PublishedBytes
};
inline constexpr unsigned kEvents = 6;

/// Slot number `count` mod depth of ring number `ring`.
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

/// What holds at one point of the role.
struct State {
  /// kEvents for each ring.
  llvm::SmallVector<Count> counts;
  /// What arguments and results of loops and conditions stand for, by number: a
  /// count, or the number of a slot.
  std::map<unsigned, Count> values;
  /// Slots that products in flight read: those of committed groups, the
  /// youngest first, and those not committed yet.
  llvm::SmallVector<Slots> groups;
  Slots open;
  /// Slots with stores and with gathers that are not published yet; slots of
  /// rings over others that may have some.
  Slots stored, gathered, written;

  bool operator==(const State &other) const {
    return std::tie(counts, values, groups, open, stored, gathered, written) ==
           std::tie(other.counts, other.values, other.groups, other.open,
                    other.stored, other.gathered, other.written);
  }
};

/// What may be in flight or written in `a` or in `b`, what is stored in both.
/// Counts and values that are the same number apart in both share a symbol,
/// which is named after the first of them: states that know the same are equal.
State join(const State &a, const State &b, llvm::ArrayRef<int64_t> depths);

} // namespace mla::slots

#endif // MLA_LIB_TRANSFORMS_SLOTSTATE_H
