//===- Clock.h - vector clocks ----------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Happens-before in vector clocks (FastTrack, Flanagan and Freund, PLDI 2009).
// The agents are the warps and whatever else touches memory on its own: MMA
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

/// The moments of all agents that one agent knows of.
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

  /// Keeps what `other` knows too.
  void meet(const Clock &other) {
    for (Agent agent = 0; agent < times.size(); ++agent)
      times[agent] = std::min(times[agent], other.get(agent));
  }

private:
  llvm::SmallVector<Time, 32> times;
};

/// What is visible to an agent.
struct Knowledge {
  Clock now;
  /// The part of it that proxy fences have made visible to the async proxy, in
  /// shared and in global memory.
  Clock fenced, fencedGlobal;
  /// What happened before without being visible: a copy ends after all that its
  /// issuer knew, and makes none of that visible.
  Clock order;

  /// Whether an op of this agent comes after all of `moments`.
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
    fencedGlobal.join(other.fencedGlobal);
    order.join(other.order);
  }
  /// Orders this after what `other` knows, without making that visible.
  void follow(const Knowledge &other) {
    order.join(other.now);
    order.join(other.order);
  }
  void meet(const Knowledge &other) {
    now.meet(other.now);
    fenced.meet(other.fenced);
    fencedGlobal.meet(other.fencedGlobal);
    order.meet(other.order);
  }
};

} // namespace mla::sim

#endif // MLA_LIB_SIMULATOR_CLOCK_H
