//===- ShadowTest.cpp - clocks, and who touched which bytes ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Shadow.h"
#include "gtest/gtest.h"
#include <random>

using namespace mla::sim;

namespace {
/// What an agent knows, and how it accesses memory.
struct Actor {
  explicit Actor(Agent agent) : agent(agent) { tick(); }

  void tick() { knows.now.raise({agent, ++time}); }
  /// Joins what `other` knows; `other` enters its next moment.
  void hear(Actor &other) {
    knows.join(other.knows);
    other.tick();
  }
  void fence() {
    knows.fenced.join(knows.now);
    tick();
  }
  Access access(FenceNeed needsFence = FenceNeed::Nobody) const {
    return {{agent, time}, /*event=*/agent * 100 + time, needsFence, cta};
  }
  Viewer view(Proxy proxy) const {
    return {knows.now, knows.fenced, proxy, cta};
  }
  std::optional<Conflict> read(Shadow &shadow, int64_t begin, int64_t end,
                               Proxy proxy = Proxy::Generic) const {
    return shadow.read({begin, end}, view(proxy), access());
  }
  std::optional<Conflict> write(Shadow &shadow, int64_t begin, int64_t end,
                                Proxy proxy = Proxy::Generic) const {
    return shadow.write(
        {begin, end}, view(proxy),
        access(proxy == Proxy::Generic ? FenceNeed::All : FenceNeed::Nobody));
  }

  Agent agent;
  Time time = 0;
  unsigned cta = 0;
  Knowledge knows;
};

void expectConflict(const std::optional<Conflict> &conflict,
                    Conflict::Kind kind, EventId other, int64_t begin,
                    int64_t end) {
  ASSERT_TRUE(conflict);
  EXPECT_EQ(conflict->kind, kind);
  EXPECT_EQ(conflict->other, other);
  EXPECT_EQ(conflict->bytes.begin, begin);
  EXPECT_EQ(conflict->bytes.end, end);
}
} // namespace

TEST(Clock, KnowsJoinsAndForgets) {
  Clock a, b;
  EXPECT_TRUE(a.knows({5, 0}));
  EXPECT_FALSE(a.knows({5, 1}));
  a.raise({5, 3});
  a.raise({5, 2});
  EXPECT_EQ(a.get(5), 3u);
  EXPECT_TRUE(a.knows({5, 3}));
  EXPECT_FALSE(a.knows({5, 4}));
  EXPECT_TRUE(a.knows(b));
  EXPECT_FALSE(b.knows(a));
  b.raise({70, 1});
  b.raise({2, 9});
  a.join(b);
  EXPECT_EQ(a.get(70), 1u);
  EXPECT_EQ(a.get(2), 9u);
  EXPECT_EQ(a.get(5), 3u);
  EXPECT_TRUE(a.knows(b));
  // A shorter clock knows nothing of the agents beyond its end.
  Clock c;
  c.raise({2, 4});
  a.meet(c);
  EXPECT_EQ(a.get(2), 4u);
  EXPECT_EQ(a.get(5), 0u);
  EXPECT_EQ(a.get(70), 0u);
}

TEST(Knowledge, OrderIsNotVisibility) {
  Knowledge a, b;
  b.now.raise({1, 2});
  b.order.raise({3, 1});
  a.follow(b);
  EXPECT_FALSE(a.now.knows({1, 2}));
  Clock both;
  both.raise({1, 2});
  both.raise({3, 1});
  EXPECT_TRUE(a.isAfter(both));
  both.raise({4, 1});
  EXPECT_FALSE(a.isAfter(both));
  // `now` and `order` count together.
  a.now.raise({4, 1});
  EXPECT_TRUE(a.isAfter(both));
}

TEST(Shadow, ReadAfterWrite) {
  Shadow shadow(/*contentsDefined=*/false);
  Actor a(1), b(2);
  expectConflict(a.read(shadow, 8, 16), Conflict::NeverWritten, kNoEvent, 8,
                 16);
  EXPECT_FALSE(a.write(shadow, 8, 16));
  EXPECT_FALSE(a.read(shadow, 8, 16));
  expectConflict(b.read(shadow, 8, 12), Conflict::Unordered, 101, 8, 12);
  b.hear(a);
  EXPECT_FALSE(b.read(shadow, 8, 16));
  // A later write is not known.
  EXPECT_TRUE(a.write(shadow, 12, 16));
  a.hear(b);
  EXPECT_FALSE(a.write(shadow, 12, 16));
  EXPECT_FALSE(b.read(shadow, 8, 12));
  expectConflict(b.read(shadow, 8, 16), Conflict::Unordered, 102, 12, 16);
}

TEST(Shadow, AdjacentRangesDoNotTouch) {
  Shadow shadow(false);
  Actor a(1), b(2);
  EXPECT_FALSE(a.write(shadow, 0, 64));
  EXPECT_FALSE(b.write(shadow, 64, 128));
  EXPECT_FALSE(b.read(shadow, 64, 128));
  EXPECT_FALSE(a.read(shadow, 0, 64));
  expectConflict(a.read(shadow, 63, 65), Conflict::Unordered, 201, 64, 65);
  expectConflict(b.read(shadow, 0, 1), Conflict::Unordered, 101, 0, 1);
  // An empty range has no bytes.
  EXPECT_FALSE(b.read(shadow, 10, 10));
  EXPECT_FALSE(b.write(shadow, 10, 10));
  expectConflict(b.read(shadow, 128, 130), Conflict::NeverWritten, kNoEvent,
                 128, 130);
}

TEST(Shadow, WriteOverGapsAndParts) {
  Shadow shadow(false);
  Actor a(1), b(2);
  EXPECT_FALSE(a.write(shadow, 10, 20));
  EXPECT_FALSE(a.write(shadow, 30, 40));
  expectConflict(b.write(shadow, 0, 100), Conflict::Unordered, 101, 10, 20);
  b.hear(a);
  EXPECT_FALSE(b.write(shadow, 15, 35));
  expectConflict(a.read(shadow, 10, 40), Conflict::Unordered, 201, 15, 35);
  EXPECT_FALSE(a.read(shadow, 10, 15));
  EXPECT_FALSE(a.read(shadow, 35, 40));
}

TEST(Shadow, EveryReaderCounts) {
  Shadow shadow(true);
  Actor a(1), b(2), c(3), writer(4);
  EXPECT_FALSE(a.read(shadow, 0, 100));
  EXPECT_FALSE(b.read(shadow, 20, 60));
  EXPECT_FALSE(c.read(shadow, 40, 80));
  expectConflict(writer.write(shadow, 0, 10), Conflict::StillRead, 101, 0, 10);
  writer.hear(a);
  EXPECT_FALSE(writer.write(shadow, 0, 20));
  expectConflict(writer.write(shadow, 0, 100), Conflict::StillRead, 201, 20,
                 40);
  writer.hear(b);
  expectConflict(writer.write(shadow, 20, 100), Conflict::StillRead, 301, 40,
                 60);
  writer.hear(c);
  // A read since then counts anew, in its part.
  EXPECT_FALSE(b.read(shadow, 50, 60));
  expectConflict(writer.write(shadow, 20, 100), Conflict::StillRead, 202, 50,
                 60);
  writer.hear(b);
  EXPECT_FALSE(writer.write(shadow, 0, 100));
}

TEST(Shadow, FencesAndProxies) {
  Shadow shadow(false);
  Actor a(1), b(2);
  EXPECT_FALSE(a.write(shadow, 0, 8));
  expectConflict(a.read(shadow, 0, 8, Proxy::Async), Conflict::Unfenced, 101, 0,
                 8);
  expectConflict(a.write(shadow, 0, 8, Proxy::Async), Conflict::Unfenced, 101,
                 0, 8);
  a.fence();
  EXPECT_FALSE(a.read(shadow, 0, 8, Proxy::Async));
  // A store after the fence.
  EXPECT_FALSE(a.write(shadow, 4, 8));
  EXPECT_FALSE(a.read(shadow, 0, 4, Proxy::Async));
  expectConflict(a.read(shadow, 0, 8, Proxy::Async), Conflict::Unfenced, 102, 4,
                 8);
  // An agent that knows of the store, and of no fence, needs a fence of its
  // own.
  b.hear(a);
  expectConflict(b.read(shadow, 4, 8, Proxy::Async), Conflict::Unfenced, 102, 4,
                 8);
  EXPECT_FALSE(b.read(shadow, 4, 8));
  b.fence();
  EXPECT_FALSE(b.read(shadow, 4, 8, Proxy::Async));
  // What the async proxy wrote needs no fence.
  a.hear(b);
  EXPECT_FALSE(a.write(shadow, 0, 8, Proxy::Async));
  EXPECT_FALSE(a.read(shadow, 0, 8));
  EXPECT_FALSE(a.read(shadow, 0, 8, Proxy::Async));
}

TEST(Shadow, Reserved) {
  Shadow shadow(false);
  Actor a(1);
  EXPECT_FALSE(a.write(shadow, 0, 8));
  EXPECT_FALSE(shadow.reserve({8, 24}, 7));
  expectConflict(a.write(shadow, 0, 12), Conflict::Reserved, 7, 8, 12);
  expectConflict(a.read(shadow, 16, 32), Conflict::Reserved, 7, 16, 24);
  EXPECT_FALSE(a.write(shadow, 24, 32));
  expectConflict(shadow.reserve({16, 32}, 9), Conflict::Reserved, 7, 16, 24);
}

TEST(Shadow, WrittenRanges) {
  Shadow shadow(true);
  Actor a(1);
  EXPECT_FALSE(a.read(shadow, 0, 100));
  EXPECT_FALSE(a.write(shadow, 10, 20));
  EXPECT_FALSE(a.write(shadow, 15, 30));
  std::vector<std::pair<int64_t, int64_t>> ranges;
  shadow.forEachWritten([&](ByteRange range, const Access &write) {
    EXPECT_EQ(write.event, 101u);
    ranges.push_back({range.begin, range.end});
  });
  EXPECT_EQ(ranges,
            (std::vector<std::pair<int64_t, int64_t>>{{10, 15}, {15, 30}}));
}

// Against a shadow of single bytes.
TEST(Shadow, AgreesWithBytes) {
  constexpr int64_t kBytes = 48;
  struct Byte {
    bool written = false;
    Access write;
    std::vector<Access> reads;
  };
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    Shadow shadow(false);
    std::vector<Byte> bytes(kBytes);
    std::vector<Actor> actors;
    for (Agent agent = 0; agent < 4; ++agent)
      actors.emplace_back(agent);
    for (int step = 0; step < 60; ++step) {
      Actor &actor = actors[random() % 4];
      int64_t begin = random() % kBytes,
              end = begin + 1 + random() % (kBytes - begin);
      bool writes = random() % 2;
      switch (random() % 4) {
      case 0:
        actor.hear(actors[random() % 4]);
        continue;
      case 1:
        actor.fence();
        continue;
      default:
        break;
      }
      Proxy proxy = random() % 3 ? Proxy::Generic : Proxy::Async;
      bool wrong = false;
      for (int64_t n = begin; n < end; ++n) {
        const Byte &byte = bytes[n];
        bool unknown = byte.written && !actor.knows.now.knows(byte.write.epoch);
        bool unfenced = byte.written && proxy == Proxy::Async &&
                        byte.write.needsFence == FenceNeed::All &&
                        !actor.knows.fenced.knows(byte.write.epoch);
        wrong |= unknown || unfenced || (!writes && !byte.written);
        for (const Access &read : byte.reads)
          wrong |= writes && !actor.knows.now.knows(read.epoch);
      }
      // Only accesses that are right: after a conflict a run is over.
      if (wrong) {
        Shadow copy = shadow;
        EXPECT_TRUE(writes ? actor.write(copy, begin, end, proxy)
                           : actor.read(copy, begin, end, proxy));
        continue;
      }
      ASSERT_FALSE(writes ? actor.write(shadow, begin, end, proxy)
                          : actor.read(shadow, begin, end, proxy));
      for (int64_t n = begin; n < end; ++n) {
        if (writes)
          bytes[n] = {true,
                      actor.access(proxy == Proxy::Generic ? FenceNeed::All
                                                           : FenceNeed::Nobody),
                      {}};
        else
          bytes[n].reads.push_back(actor.access());
      }
    }
  }
}

TEST(Shadow, AsyncWritesNeedAFenceForOtherCtas) {
  Shadow shadow(true);
  Actor a(1), b(2);
  b.cta = 1;
  EXPECT_FALSE(shadow.write({0, 8}, a.view(Proxy::Async),
                            a.access(FenceNeed::OtherCtas)));
  EXPECT_FALSE(a.read(shadow, 0, 8, Proxy::Async));
  b.hear(a);
  EXPECT_FALSE(b.read(shadow, 0, 8));
  expectConflict(b.read(shadow, 0, 8, Proxy::Async), Conflict::Unfenced, 101, 0,
                 8);
  b.fence();
  EXPECT_FALSE(b.read(shadow, 0, 8, Proxy::Async));
}
