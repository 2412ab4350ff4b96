//===- Shadow.h - who touched which bytes -----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_SIMULATOR_SHADOW_H
#define MLA_LIB_SIMULATOR_SHADOW_H

#include "Clock.h"
#include <map>
#include <optional>

namespace mla::sim {

/// Index of an Event (Machine.h); kNoEvent for none.
using EventId = uint32_t;
inline constexpr EventId kNoEvent = UINT32_MAX;

struct ByteRange {
  int64_t begin, end;
};

/// How an op touches memory. cp.async writes count as generic, but need no
/// proxy fence once they have arrived, as in every kernel that feeds wgmma with
/// them.
enum class Proxy { Generic, Async };

/// Who needs a proxy fence between a write and an access through the async
/// proxy: nobody, the copies of other CTAs, or all.
enum class FenceNeed { Nobody, OtherCtas, All };

/// One recorded access.
struct Access {
  Epoch epoch;
  EventId event = kNoEvent;
  FenceNeed needsFence = FenceNeed::Nobody;
  unsigned cta = 0;
};

/// What is visible to the agent that makes an access, and what of that to the
/// async proxy.
struct Viewer {
  const Clock &now, &fenced;
  Proxy proxy;
  unsigned cta = 0;
};

struct Conflict {
  enum Kind { NeverWritten, Unordered, Unfenced, StillRead, Reserved } kind;
  EventId other;
  ByteRange bytes;
};

/// The state of a range of addresses, byte by byte, in segments of one history.
class Shadow {
public:
  explicit Shadow(bool contentsDefined) : contentsDefined(contentsDefined) {}

  /// Checks and records a read or a write of `range`.
  std::optional<Conflict> read(ByteRange range, const Viewer &viewer,
                               const Access &access);
  std::optional<Conflict> write(ByteRange range, const Viewer &viewer,
                                const Access &access);
  /// No access may touch `range` from now on: it holds an mbarrier. A conflict
  /// if it holds one already.
  std::optional<Conflict> reserve(ByteRange range, EventId event);
  /// Calls `visit` for each written range, with the write.
  template <typename Visitor> void forEachWritten(Visitor visit) const {
    for (const auto &[begin, segment] : segments)
      if (segment.written)
        visit(ByteRange{begin, segment.end}, segment.write);
  }

private:
  struct Segment {
    int64_t end;
    bool written = false;
    bool reserved = false;
    Access write;
    llvm::SmallVector<Access, 2> reads;
  };
  using Map = std::map<int64_t, Segment>;

  /// Makes `range` consist of whole segments; returns the first.
  Map::iterator isolate(ByteRange range);
  /// Splits the segment that holds `at`, if there is one.
  void split(int64_t at);
  static std::optional<Conflict::Kind> judgeWrite(const Segment &segment,
                                                  const Viewer &viewer);

  bool contentsDefined;
  Map segments;
};

} // namespace mla::sim

#endif // MLA_LIB_SIMULATOR_SHADOW_H
