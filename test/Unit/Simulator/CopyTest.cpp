//===- CopyTest.cpp - a ring filled by TMA, read by MMAs ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

using namespace mla;
using namespace mla::sim;

namespace {
class CopyTest : public SimulatorTest {
protected:
  /// The sum of the MMAs is expected in %out.
  static Case makePipeline(int64_t rows = 300) {
    Doubles a = makeValues(rows * 64);
    Case test = makeCopyPipeline(bf16({rows, 64}, a));
    a.resize((rows + 63) / 64 * 64 * 64);
    Doubles &sum = test.results[1];
    sum.resize(64 * 64);
    for (size_t block = 0; block < a.size(); block += 64 * 64) {
      Doubles part(a.begin() + block, a.begin() + block + 64 * 64);
      Doubles product = multiply(part, part, 64, 64, 64, false, true);
      for (size_t n = 0; n < sum.size(); ++n)
        sum[n] += product[n];
    }
    return test;
  }
};
} // namespace

TEST_F(CopyTest, Right) {
  expectRight(makePipeline());
  // Without trips the accumulator is unchanged.
  expectRight(makePipeline(0));
  expectRight(makePipeline(1));
}

TEST_F(CopyTest, SlotIsReadBeforeArrival) {
  expectWrong(makePipeline().without(
                  "cta.mbarrier_wait %full[%index] parity %parity : !b2"),
              {kNotThere, "cta.mma_async", "math"});
  // Where something has arrived by then, the wrong parity waits forever.
  std::vector<std::string> messages = kNotThere;
  messages.push_back("deadlock");
  expectWrong(
      makePipeline().with("arith.andi %round, %i1", "arith.andi %other, %i1"),
      {messages});
}

TEST_F(CopyTest, SlotIsOverwritten) {
  // The producer has not acquired it: neither the phase nor the slot is free.
  Case test = makePipeline().without(
      "cta.mbarrier_wait %free[%index] parity %parity : !b2");
  expectWrong(test, {{"counts on mbarrier \"k.full\"[0] without knowing that "
                      "its phase 0 is over",
                      "arrives 1 times on mbarrier \"k.full\"[0], whose phase "
                      "0 expects 0 more"},
                     "cta.arrive_expect",
                     "load"});
  // The copy itself, counted on an mbarrier of its own.
  test = makePipeline(192);
  test.attributes = "cta.verified, cta.shared_bytes = 16512 : i64";
  test = test.without("cta.mbarrier_wait %free[%index] parity %parity : !b2")
             .with("count 1 bytes 8192 at 16384 : !b2",
                   "count 1 bytes 8192 at 16448 : !cta.mbarrier<3>");
  for (const char *op : {"cta.mbarrier_init %full : !b2",
                         "cta.arrive_expect %full[%index] bytes 8192 : !b2",
                         "cta.mbarrier_wait %full[%index] parity %parity : !b2",
                         "signals %full[%index] : !b2"}) {
    std::string wide = op;
    wide = replace(wide, "!b2", "!cta.mbarrier<3>");
    if (wide.find("[%index]") != std::string::npos)
      wide = replace(wide, "[%index]", "[%count]");
    if (wide.find("%parity") != std::string::npos)
      wide = replace(wide, "%parity", "%i0");
    test = test.with(op, wide);
  }
  expectWrong(test,
              {{"without knowing that their last write is done"},
               "cta.copy_async",
               "load",
               "cta.copy_async (role \"load\" of CTA [0], iteration [0])"});
}

TEST_F(CopyTest, SlotIsReleasedBeforeTheMmaIsOver) {
  Case test = makePipeline();
  test = test.without("cta.arrive %free[%index] : !b2")
             .with("cta.mma_commit",
                   "cta.mma_commit\ncta.arrive %free[%index] : !b2");
  expectWrong(test,
              {{"while they may still be read"},
               "cta.copy_async",
               "load",
               "cta.mma_async (role \"math\" of CTA [0], iteration [0])"});
  EXPECT_NE(errors.front().find("iteration [2]"), std::string::npos)
      << errors.front();
}

TEST_F(CopyTest, ParityOfTheFirstRound) {
  Case test =
      makePipeline().with("arith.andi %next, %i1", "arith.andi %round, %i1");
  expectWrong(test,
              {{"deadlock: nothing can go on"},
               "cta.mbarrier_wait",
               "",
               "role \"load\" of CTA [0], iteration [0] waits for parity "
               "0 of mbarrier \"k.empty\"[0], whose phase 0 still expects "
               "4 arrivals and 0 bytes"});
  EXPECT_NE(
      llvm::join(notes, "\n")
          .find(
              "role \"math\" of CTA [0], iteration [0] waits for parity 0 of "
              "mbarrier \"k.full\"[0], whose phase 0 still expects 1 arrivals"),
      std::string::npos)
      << llvm::join(notes, "\n");
}

TEST_F(CopyTest, Arrivals) {
  Case test = makePipeline();
  expectWrong(
      test.with("empty(%k : !ring) count 4", "empty(%k : !ring) count 3"),
      {{"arrives 4 times on mbarrier \"k.empty\"[0], whose phase 0 "
        "expects 3 more"},
       "cta.arrive",
       "math"});
  expectWrong(
      test.with("empty(%k : !ring) count 4", "empty(%k : !ring) count 5"),
      {{"deadlock"}, "", "", "still expects 1 arrivals and 0 bytes"});
  expectWrong(test.with("count 1 bytes", "count 2 bytes"),
              {{"deadlock"}, "", "", "still expects 1 arrivals and 0 bytes"});
}

TEST_F(CopyTest, ExpectedBytes) {
  Case test = makePipeline();
  expectWrong(test.with("] bytes 8192", "] bytes 4096"),
              {{"brings 4096 bytes more to mbarrier \"k.full\"["},
               "cta.copy_async",
               "load"});
  expectWrong(
      test.with("] bytes 8192", "] bytes 12288"),
      {{"deadlock"}, "", "", "still expects 0 arrivals and 4096 bytes"});
}

TEST_F(CopyTest, Counts) {
  Case test = makePipeline();
  for (const char *count : {"0", "-1", "1048576"})
    expectWrong(
        test.with("empty(%k : !ring) count 4",
                  std::string("empty(%k : !ring) count ") + count),
        {{std::string("expected a count in [1, 1048575], got ") + count},
         "cta.mbarrier_init"});
  for (const char *bytes : {"-1", "1048576"})
    expectWrong(test.with("] bytes 8192", std::string("] bytes ") + bytes),
                {{std::string("expected bytes in [0, 1048575], got ") + bytes},
                 "cta.arrive_expect"});
}

TEST_F(CopyTest, BytesOfHalfThePhase) {
  // Two copies, the bytes of one: when the first has landed, the phase may be
  // over; then no phase expects the bytes of the second.
  Case test =
      makePipeline().with("cta.copy_async", R"(%other = cta.slot %k[%i1] : !ring
        cta.copy_async %A[%at, %c0] to %other map %map signals %full[%index] : !b2 : memref<?x64xbf16>, !tile
        cta.copy_async)");
  expectWrong(test, {{"more bytes are to come than it expects",
                      "counts on mbarrier \"k.full\"[0] without knowing that "
                      "its phase 0 is over",
                      "brings 8192 bytes more",
                      "without knowing that their last write is done"}});
}

TEST_F(CopyTest, Initialisation) {
  Case test = makePipeline();
  const std::vector<std::string> unknown = {
      "uses mbarrier \"k.full\"[0] without knowing that it is initialised",
      "uses mbarrier \"k.empty\"[0] without knowing that it is initialised"};
  expectWrong(test.without("cta.mbarrier_init %full : !b2"), {unknown});
  expectWrong(test.without("cta.mbarrier_init %free : !b2"), {unknown});
  // Warp 0 initialises, and is "load"; the others do not know.
  expectWrong(test.without("cta.sync"), {unknown, "", "math"});
  expectWrong(test.without("cta.mbarrier_init_fence"),
              {{"signals mbarrier \"k.full\"[0] without "
                "cta.mbarrier_init_fence after its initialisation"},
               "cta.copy_async",
               "load"});
  expectWrong(
      test.with("cta.mbarrier_init_fence",
                "cta.mbarrier_init_fence\ncta.mbarrier_init %full : !b2"),
      {{"initialises mbarrier \"k.full\"[0] twice"},
       "cta.mbarrier_init",
       "all"});
  // A fence before the initialisation covers nothing.
  expectWrong(
      test.without("cta.mbarrier_init_fence")
          .with("cta.mbarrier_init %full : !b2",
                "cta.mbarrier_init_fence\ncta.mbarrier_init %full : !b2"),
      {{"without cta.mbarrier_init_fence"}, "cta.copy_async"});
}

TEST_F(CopyTest, FenceBehindTheBarrier) {
  // "load" is not the warp that fences: it has to be ordered after it.
  Case test = makePipeline();
  size_t load = test.body.find("cta.role \"load\""),
         math = test.body.find("cta.role \"math\"");
  std::string loadText = test.body.substr(load, math - load);
  test.body.erase(load, math - load);
  test.body += loadText;
  expectRight(test);
  expectWrong(test.without("cta.mbarrier_init_fence")
                  .with("cta.sync", "cta.sync\ncta.mbarrier_init_fence"),
              {{"without cta.mbarrier_init_fence"}, "cta.copy_async", "load"});
}

TEST_F(CopyTest, WaitsForMmas) {
  Case test = makePipeline();
  expectWrong(test.with("%f pending 0", "%f pending 1"),
              {{"covers nothing: 1 groups may be pending, but only 0 are "
                "younger than the one awaited"},
               "cta.mma_wait",
               "math",
               "cta.mma_async"});
  expectWrong(test.without("cta.mma_commit"),
              {{"waits for an MMA that is not committed"},
               "cta.mma_wait",
               "math",
               "cta.mma_async"});
  expectWrong(test.with("%f pending 0", "%f"),
              {{"expected a pending count; run --mla-insert-mma-sync first"}});
}

TEST_F(CopyTest, Places) {
  Case test = makePipeline();
  expectWrong(
      test.with("cta.slot %k[%index] : !ring\n          cta.arrive_expect",
                "cta.slot %k[%count] : !ring\n          cta.arrive_expect"),
      {{"expected a slot in [0, 2), got 2"}, "cta.slot", "load"});
  Case beyond = test.with("\"k\" at 0", "\"k\" at 1024")
                    .with("bytes 8192 at 16384", "bytes 8192 at 0")
                    .with("count 4 at 16400", "count 4 at 16");
  beyond.attributes = "cta.verified, cta.shared_bytes = 17000 : i64";
  expectWrong(beyond, {{"reaches byte 17408 of 17000 of shared memory"}});
  beyond.attributes = "cta.verified, cta.shared_bytes = 17408 : i64";
  expectRight(beyond);
  expectWrong(
      test.with("\"k\" at 0", "\"k\" at 512"),
      {{"expected a tile that starts at a multiple of 1024 bytes, where "
        "its swizzle repeats, got byte 512"},
       "cta.copy_async"});
}

TEST_F(CopyTest, MBarrierUnderATile) {
  Case test = makePipeline();
  expectWrong(test.with("bytes 8192 at 16384", "bytes 8192 at 16376"),
              {{"of shared memory, which hold an mbarrier"},
               "",
               "",
               "cta.mbarrier_init (role \"all\" of CTA [0])"});
  expectWrong(
      test.with("count 4 at 16400", "count 4 at 16392"),
      {{"initialises mbarrier \"k.empty\"[0] where another mbarrier lies"},
       "cta.mbarrier_init",
       "all",
       "cta.mbarrier_init"});
  for (const char *place : {"16396", "16440"})
    expectWrong(
        test.with("count 4 at 16400", std::string("count 4 at ") + place),
        {{"expected 8-byte places in the 16448 bytes of shared memory, "
          "got byte " +
          std::string(place)},
         "cta.mbarrier_init"});
}

TEST_F(CopyTest, TensorMaps) {
  Case test = makePipeline();
  expectWrong(test.with("swizzle 128 :", "swizzle 64 :"),
              {{"expected a tensor map with the tile's swizzle of 128 bytes, "
                "got 64"},
               "cta.copy_async",
               "load"});
  expectWrong(
      test.with("box [64, 64]", "box [32, 64]"),
      {{"expected a tensor map whose box fits the tile"}, "cta.copy_async"});
  expectWrong(test.without("map %map "), {{"expected a tensor map"}});
  expectWrong(test.without("signals %full[%index] : !b2 "),
              {{"expected a barrier; run --mla-materialize-barriers first"}});
}

TEST_F(CopyTest, IndicesOfBarriers) {
  Case test = makePipeline();
  expectWrong(test.with("cta.arrive %free[%index]", "cta.arrive %free[%i2]"),
              {{"expected an index in [0, 2) of mbarrier \"k.empty\", got 2"},
               "cta.arrive"});
  expectWrong(
      test.with("%full[%index] parity %parity", "%full[%index] parity %i2"),
      {{"expected parity 0 or 1, got 2"}, "cta.mbarrier_wait"});
}

TEST_F(CopyTest, NobodyWaitsForACopy) {
  Case test = makePipeline(64);
  size_t math = test.body.find("cta.role \"math\"");
  test.body.erase(math);
  test.body += R"(cta.role "math" warps 4 registers 216 {
    %zero = arith.constant dense<0.0> : !acc
    tile.store %zero, %out[%c0, %c0] : !acc, memref<64x64xf32>
  })";
  expectWrong(test, {{"counts a copy that may be in flight when the CTA ends: "
                      "nobody waits for it"},
                     "cta.mbarrier",
                     "",
                     "cta.copy_async"});
}
