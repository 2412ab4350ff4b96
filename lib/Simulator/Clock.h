//===- Clock.h - vector clocks ----------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Happens-before, as FastTrack keeps it (Flanagan and Freund, PLDI 2009). The
// agents are the warps and whatever else touches memory on its own: product
// queues, copy queues, and mbarriers on behalf of the copies that they count.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_SIMULATOR_CLOCK_H
#define MLA_LIB_SIMULATOR_CLOCK_H

#include "llvm/ADT/SmallVector.h"
#include <cstdint>

namespace mla::sim {

using Agent = uint32_t;
using Time = uint32_t;

/// A moment of one agent. Time 0 is before everything.
struct Epoch {
  Agent agent = 0;
  Time time = 0;
};

/// What has happened, as far as one agent knows.
class Clock {
public:
  Time get(Agent agent) const {
    return agent < times.size() ? times[agent] : 0;
  }
  bool knows(Epoch epoch) const { return epoch.time <= get(epoch.agent); }

  bool knows(const Clock &other) const {
    for (Agent agent = 0; agent < other.times.size(); ++agent)
      if (other.times[agent] > get(agent))
        return false;
    return true;
  }

  void raise(Epoch to) {
    if (to.agent >= times.size())
      times.resize(to.agent + 1);
    times[to.agent] = std::max(times[to.agent], to.time);
  }
  void join(const Clock &other) {
    if (other.times.size() > times.size())
      times.resize(other.times.size());
    for (size_t i = 0; i < other.times.size(); ++i)
      times[i] = std::max(times[i], other.times[i]);
  }

  /// Forgets what `other` does not know.
  void meet(const Clock &other) {
    for (Agent agent = 0; agent < times.size(); ++agent)
      times[agent] = std::min(times[agent], other.get(agent));
  }

private:
  llvm::SmallVector<Time, 32> times;
};

/// What an agent knows to have happened, and of that, what a proxy fence has
/// made visible to the async proxy; and what happened before without becoming
/// visible: the end of a copy comes after all that its issuer knew, and tells
/// nobody of it.
struct Knowledge {
  Clock now, fenced, order;

  /// Whether what comes now comes after all of `moments`.
  bool isAfter(const Clock &moments) const {
    if (now.knows(moments))
      return true;
    Clock all = now;
    all.join(order);
    return all.knows(moments);
  }

  void join(const Knowledge &other) {
    now.join(other.now);
    fenced.join(other.fenced);
    order.join(other.order);
  }
  /// Learns that what `other` knows has happened.
  void follow(const Knowledge &other) {
    order.join(other.now);
    order.join(other.order);
  }
  void meet(const Knowledge &other) {
    now.meet(other.now);
    fenced.meet(other.fenced);
    order.meet(other.order);
  }
};

} // namespace mla::sim

#endif // MLA_LIB_SIMULATOR_CLOCK_H
