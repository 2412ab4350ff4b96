//===- TimelineTest.cpp - tracks, spans and loops of a trace --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "FakeTrace.h"
#include "llvm/ADT/STLExtras.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace mla;
using namespace mla::explain;

namespace {
struct TimelineTest : testing::Test {
  TimelineTest() {
    kernel = *readKernel(subject.func);
    timeline = buildTimeline(kernel, subject.trace);
  }

  const Allocation &getAllocation(llvm::StringRef name) {
    return *llvm::find_if(kernel.allocations,
                          [&](const Allocation &r) { return r.name == name; });
  }

  Subject subject;
  Kernel kernel;
  Timeline timeline;
};
} // namespace

TEST_F(TimelineTest, TracksFollowTheRoles) {
  std::vector<std::string> names;
  for (const Track &track : timeline.tracks)
    names.push_back(track.role + " " +
                    std::to_string(static_cast<int>(track.kind)));
  EXPECT_EQ(names,
            (std::vector<std::string>{"softmax 0", "softmax 1", "output 0",
                                      "output 1", "producer 0", "producer 2"}));
}

TEST_F(TimelineTest, SpansCoverTheEvents) {
  double events = 0, spans = 0;
  for (const sim::TraceEvent &event : subject.trace.events)
    events += event.end - event.begin;
  for (const Span &span : timeline.spans)
    spans += span.end - span.begin;
  EXPECT_DOUBLE_EQ(events, spans);
  EXPECT_LT(timeline.spans.size(), subject.trace.events.size());
}

TEST_F(TimelineTest, StepsAddUpToATrip) {
  ASSERT_EQ(timeline.loops.size(), 3u);
  for (const RoleLoop &loop : timeline.loops) {
    EXPECT_EQ(loop.trips.size(), 10u);
    double cycles = 0;
    for (const Step &step : loop.steps)
      cycles += step.cycles;
    EXPECT_NEAR(cycles, loop.period, 1e-6);
    EXPECT_GT(loop.waiting(), 0);
  }
}

TEST_F(TimelineTest, WaitsSayWhatEndsThem) {
  std::vector<std::string> reasons;
  for (const Step &step : timeline.loops.front().steps)
    if (step.category == Category::Wait)
      reasons.push_back(step.reason);
  EXPECT_EQ(reasons, (std::vector<std::string>{
                         "producer fills valid",
                         "output releases softmax.rescale", "output releases p",
                         "producer fills k", "p·k is done", "q·kᵀ is done"}));
}

TEST_F(TimelineTest, TheWindowIsSomeTripsOfTheMiddle) {
  const RoleLoop &loop = timeline.loops.front();
  EXPECT_DOUBLE_EQ(timeline.steadyBegin, loop.trips[4].begin);
  EXPECT_DOUBLE_EQ(timeline.steadyEnd, loop.trips[7].begin);
  double busy = timeline.getBusyShare(Track::Kind::MMAs, timeline.steadyBegin,
                                      timeline.steadyEnd);
  EXPECT_GT(busy, 0);
  EXPECT_LE(busy, 1);
}

TEST_F(TimelineTest, LivesOfSlots) {
  std::vector<std::vector<Life>> lives =
      findLives(kernel, subject.trace, getAllocation("k"));
  ASSERT_EQ(lives.size(), 2u);
  EXPECT_TRUE(
      findLives(kernel, subject.trace, getAllocation("k.full")).empty());
  ASSERT_FALSE(lives[0].empty());
  const Life &life = lives[0].front();
  EXPECT_EQ(life.use, 0);
  EXPECT_TRUE(isa<cta::GatherAsyncOp>(life.fill.op));
  // For as long as the copy is in flight.
  EXPECT_DOUBLE_EQ(life.fill.end - life.fill.begin, 700);
  EXPECT_GE(life.lastRead(), life.fill.end);
}
