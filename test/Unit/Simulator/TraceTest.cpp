//===- TraceTest.cpp - the cost model's timing, and traces ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "CycleModel.h"
#include "TestSupport.h"

using namespace mla;
using namespace mla::sim;

namespace {
class TraceTest : public SimulatorTest {
protected:
  /// Each of two CTAs copies and multiplies four blocks.
  static Case makePipeline() {
    Case test = makeCopyPipeline(bf16({256, 64}, makeValues(256 * 64)))
                    .with("%out[%c0, %c0] : !acc, memref<64x64xf32>",
                          "%out[%cta, %c0, %c0] : !acc, memref<2x64x64xf32>");
    test.parameters = "%A: memref<?x64xbf16>, %out: memref<2x64x64xf32>";
    test.attributes = "cta.verified";
    test.grid = "(%cta) in (2)";
    test.arrays[1] = interp::out({2, 64, 64});
    return test;
  }

  Trace trace(const Case &test, Timing timing, uint64_t seed = 0) {
    Trace result;
    Options options;
    options.timing = timing;
    options.seed = seed;
    options.trace = &result;
    if (!parse(test))
      return result;
    std::vector<Array> arrays = test.arrays;
    EXPECT_TRUE(simulate(arrays, test.scalars, options))
        << llvm::join(errors, "\n");
    return result;
  }

  static size_t count(const Trace &trace, TraceKind kind, const char *op) {
    return llvm::count_if(trace.events, [&](const TraceEvent &event) {
      return event.kind == kind && event.op->getName().getStringRef() == op;
    });
  }
};

void expectTracks(const Trace &trace) {
  std::vector<double> ends(trace.tracks.size(), 0);
  double last = 0;
  for (const TraceEvent &event : trace.events) {
    ASSERT_LT(event.track, trace.tracks.size());
    EXPECT_LT(event.begin, event.end);
    EXPECT_GE(event.begin, ends[event.track])
        << trace.tracks[event.track] << ": "
        << event.op->getName().getStringRef().str();
    ends[event.track] = event.end;
    last = std::max(last, event.end);
  }
  EXPECT_EQ(trace.end, last);
  EXPECT_GT(trace.end, 0);
}
} // namespace

TEST_F(TraceTest, Modelled) {
  Trace result = trace(makePipeline(), Timing::Modelled);
  expectTracks(result);
  EXPECT_EQ(std::set<std::string>(result.tracks.begin(), result.tracks.end()),
            (std::set<std::string>{"all", "load", "load copies", "math",
                                   "math products"}));
  EXPECT_EQ(count(result, TraceKind::Copy, "cta.copy_async"), 4u);
  EXPECT_EQ(count(result, TraceKind::Mma, "cta.mma_async"), 4u);
  // The tile store is one op of the first CTA; the others are not traced.
  EXPECT_EQ(count(result, TraceKind::Compute, "tile.store"), 1u);
  // "math" waits for the first copy, and "load" for a free slot.
  EXPECT_GT(count(result, TraceKind::Wait, "cta.mbarrier_wait"), 1u);
  EXPECT_EQ(count(result, TraceKind::Wait, "cta.mma_wait"), 4u);
  for (const TraceEvent &event : result.events)
    if (event.kind == TraceKind::Copy)
      EXPECT_EQ(event.iteration.size(), 1u);
}

TEST_F(TraceTest, ModelledTimes) {
  // A copy takes as long as its bytes, an MMA as long as its multiply-adds.
  Trace result = trace(makePipeline(), Timing::Modelled);
  CycleModel costs;
  double firstCopy = 0;
  for (const TraceEvent &event : result.events) {
    if (event.kind == TraceKind::Copy) {
      EXPECT_DOUBLE_EQ(event.end - event.begin, 8192 / costs.copyBytes);
      firstCopy = firstCopy ? firstCopy : event.end;
    }
    if (event.kind == TraceKind::Mma) {
      EXPECT_DOUBLE_EQ(event.end - event.begin,
                       64. * 64 * 64 / costs.multiplyAdds);
      EXPECT_GE(event.begin, firstCopy);
    }
  }
  EXPECT_GE(firstCopy, costs.copyLatency + 8192 / costs.copyBytes);
}

TEST_F(TraceTest, ModelledIsDeterministic) {
  Case test = makePipeline();
  Trace first = trace(test, Timing::Modelled, 1);
  std::vector<std::string> names;
  for (const TraceEvent &event : first.events)
    names.push_back(event.op->getName().getStringRef().str());
  Trace second = trace(test, Timing::Modelled, 2);
  EXPECT_EQ(first.tracks, second.tracks);
  EXPECT_EQ(first.end, second.end);
  ASSERT_EQ(first.events.size(), second.events.size());
  for (size_t n = 0; n < first.events.size(); ++n) {
    EXPECT_EQ(first.events[n].begin, second.events[n].begin);
    EXPECT_EQ(first.events[n].end, second.events[n].end);
    EXPECT_EQ(names[n], second.events[n].op->getName().getStringRef());
  }
}

TEST_F(TraceTest, OtherTimings) {
  for (const Options &options : getTimings()) {
    SCOPED_TRACE(describe(options));
    expectTracks(trace(makePipeline(), options.timing, options.seed));
  }
}

TEST_F(TraceTest, Accesses) {
  Trace result = trace(makePipeline(), Timing::Modelled);
  int64_t written = 0, read = 0;
  for (const TraceAccess &access : result.accesses) {
    EXPECT_EQ(access.cta, 0u);
    EXPECT_GE(access.beginByte, 0);
    EXPECT_LE(access.endByte, 16384);
    EXPECT_LE(access.time, result.end);
    (access.write ? written : read) += access.endByte - access.beginByte;
  }
  EXPECT_EQ(written, 4 * 8192);
  // Both operands.
  EXPECT_EQ(read, 2 * 4 * 8192);
}

TEST_F(TraceTest, Clusters) {
  // The second CTA of the first cluster has tracks of its own.
  Case test = makePipeline();
  test.attributes = "cta.verified, cta.cluster = array<i64: 2>";
  Trace result = trace(test, Timing::Modelled);
  expectTracks(result);
  EXPECT_EQ(llvm::count(result.tracks, "cta 1: math products"), 1);
  EXPECT_EQ(count(result, TraceKind::Mma, "cta.mma_async"), 8u);
}

TEST_F(TraceTest, CostsOfOps) {
  ASSERT_TRUE(parse(makePipeline()));
  CycleModel costs;
  module->walk([&](mlir::Operation *op) {
    EXPECT_GE(costs.getIssue(op), 0) << op->getName().getStringRef().str();
    if (llvm::isa<cta::CopyAsyncOp>(op)) {
      EXPECT_EQ(costs.getLatency(op), costs.copyLatency);
      EXPECT_EQ(costs.getDuration(op), 8192 / costs.copyBytes);
    } else if (llvm::isa<cta::MmaAsyncOp>(op)) {
      EXPECT_EQ(costs.getLatency(op), costs.mmaLatency);
    } else if (llvm::isa<cta::SlotOp, cta::DescriptorOp>(op)) {
      EXPECT_EQ(costs.getIssue(op), 0);
    }
  });
}
