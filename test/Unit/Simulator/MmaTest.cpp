//===- MmaTest.cpp - what MMAs in flight forbid ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

using namespace mla;
using namespace mla::sim;

namespace {
class MmaTest : public SimulatorTest {
protected:
  /// One role stores X to shared memory and computes Z + 2 X X + 2 X X, A from
  /// registers, as a chain of two MMAs.
  static Case makeChain() {
    Case test;
    test.parameters = "%X: memref<64x64xbf16>, %Z: memref<64x64xf32>, "
                      "%out: memref<64x64xf32>";
    test.body = R"(
      %b = cta.buffer "b" at 0 : !tile
      %bar = cta.named_barrier "bar" id 1 threads 128
      cta.role "math" warps 4 registers 216 {
        %x = tile.load %X[%c0, %c0] : memref<64x64xbf16> -> !bf
        %z = tile.load %Z[%c0, %c0] : memref<64x64xf32> -> !acc
        cta.store_shared %x to %b : !bf, !tile
        cta.fence_async
        cta.named_sync %bar
        %d = cta.descriptor %b : !tile -> !mn
        %y = arith.addf %x, %x : !bf
        %a = cta.convert_layout %y : !bf -> !a
        cta.mma_fence
        %f0 = cta.mma_async %a, %d acc %z : !acc : !a, !mn -> !flight
        cta.mma_commit
        %f1 = cta.mma_async %a, %d acc %f0 : !flight : !a, !mn -> !flight
        cta.mma_commit
        // in flight
        %r = cta.mma_wait %f1 pending 0 : !flight
        // over
        tile.store %r, %out[%c0, %c0] : !acc, memref<64x64xf32>
      }
    )";
    Doubles x = makeValues(64 * 64, 5), z = makeValues(64 * 64, 6);
    test.arrays = {bf16({64, 64}, x), interp::f32({64, 64}, z),
                   interp::out({64, 64})};
    Doubles &out = test.results[2] = multiply(x, x, 64, 64, 64);
    for (size_t n = 0; n < out.size(); ++n)
      out[n] = 4 * out[n] + z[n];
    return test;
  }
};
} // namespace

TEST_F(MmaTest, Right) {
  Case test = makeChain();
  expectRight(test);
  // Another layout of the same registers is no access to them.
  Case renamed =
      test.without("%a = cta.convert_layout %y : !bf -> !a")
          .with("cta.mma_fence", "cta.mma_fence\n"
                                 "%a = cta.convert_layout %y : !bf -> !a");
  expectRight(renamed);
  // A may be read again once the last MMA that reads it is done.
  expectRight(test.with("// over", "%t = arith.addf %y, %y : !bf"));
  // Other tiles have registers of their own.
  expectRight(test.with("// in flight", "%t = arith.addf %x, %x : !bf"));
}

TEST_F(MmaTest, StoresReachTheAsyncProxyThroughAFence) {
  Case test = makeChain();
  const Blame unfenced = {
      {"through the async proxy without cta.fence_async since they were "
       "written"},
      "cta.mma_async",
      "math",
      "cta.store_shared"};
  expectWrong(test.without("cta.fence_async"), unfenced);
  // A fence before the store, and a store after the fence.
  expectWrong(
      test.without("cta.fence_async")
          .with("cta.store_shared", "cta.fence_async\ncta.store_shared"),
      unfenced);
  expectWrong(test.with("cta.fence_async",
                        "cta.fence_async\n"
                        "cta.store_shared %x to %b : !bf, !tile"),
              unfenced);
  // Each reader may fence for itself, once it knows of the stores.
  expectRight(
      test.without("cta.fence_async")
          .with("cta.named_sync %bar", "cta.named_sync %bar\ncta.fence_async"));
}

TEST_F(MmaTest, WarpsReadWhatOtherWarpsStored) {
  expectWrong(makeChain().without("cta.named_sync %bar"),
              {{"without knowing that their last write is done"},
               "cta.mma_async",
               "math",
               "cta.store_shared"});
}

TEST_F(MmaTest, OperandsAreOverwrittenInFlight) {
  Case test = makeChain();
  const Blame still = {{"writes bytes [0, ", "while they may still be read"},
                       "cta.store_shared",
                       "math",
                       "cta.mma_async"};
  llvm::StringRef store = "cta.store_shared %x to %b : !bf, !tile";
  expectWrong(test.with("// in flight", store), still);
  expectRight(test.with("// over", store));
}

TEST_F(MmaTest, RegistersWrittenAfterTheFence) {
  Case test = makeChain();
  // A.
  llvm::StringRef a = "%y = arith.addf %x, %x : !bf\n"
                      "        %a = cta.convert_layout %y : !bf -> !a";
  expectWrong(
      test.without(a).with("cta.mma_fence", ("cta.mma_fence\n" + a).str()),
      {{"reads registers that were written after the last "
        "cta.mma_fence"},
       "cta.mma_async",
       "math"});
  // The accumulator.
  expectWrong(
      test.with("cta.mma_fence", "cta.mma_fence\n%w = arith.negf %z : !acc")
          .with("acc %z", "acc %w"),
      {{"adds to registers that were written after the last "
        "cta.mma_fence"},
       "cta.mma_async",
       "math"});
  // Any registers that a new accumulator may take over.
  Case fresh = test.with("acc %z : !acc ", "");
  expectWrong(
      fresh.with("cta.mma_fence", "cta.mma_fence\n%w = arith.negf %z : !acc"),
      {{"writes an accumulator without cta.mma_fence since registers "
        "were last used"},
       "cta.mma_async",
       "math"});
  expectWrong(test.without("cta.mma_fence"),
              {{"reads registers that were written after"}, "cta.mma_async"});
  // An MMA's result has to be fenced only if something else touched it.
  std::string again = "%f2 = cta.mma_async %a, %d acc %r : !acc : !a, !mn -> "
                      "!flight\ncta.mma_commit\n"
                      "%r2 = cta.mma_wait %f2 pending 0 : !flight\n";
  test.results.clear();
  expectRight(test.with("// over", again));
  expectWrong(
      test.with("// over", "%t = arith.negf %r : !acc\n" + again),
      {{"writes an accumulator without cta.mma_fence"}, "cta.mma_async"});
}

TEST_F(MmaTest, RegistersTouchedInFlight) {
  Case test = makeChain();
  for (const char *op : {"%t = arith.addf %y, %y : !bf",
                         "cta.store_shared %y to %b : !bf, !tile"})
    expectWrong(test.with("// in flight", op),
                {{"touches registers that an MMA in flight reads"},
                 "",
                 "math",
                 "cta.mma_async"});
  const Blame accumulator = {
      {"touches an accumulator that an MMA in flight writes"},
      "arith.negf",
      "math",
      "cta.mma_async"};
  expectWrong(test.with("// in flight", "%t = arith.negf %z : !acc"),
              accumulator);
  expectRight(test.with("// over", "%t = arith.negf %z : !acc"));
  // Nor may its result be read while the chain goes on.
  Case on = test.with("%f1 = cta.mma_async",
                      "%r0 = cta.mma_wait %f0 pending 0 : !flight\n"
                      "%f1 = cta.mma_async")
                .with("// in flight", "%t = arith.negf %r0 : !acc");
  expectWrong(on, accumulator);
}

TEST_F(MmaTest, Chains) {
  Case test = makeChain();
  expectWrong(
      test.with("cta.mma_wait %f1 pending 0", "cta.mma_wait %f0 pending 1"),
      {{"reads an accumulator that a younger MMA writes"},
       "cta.mma_wait",
       "math",
       "cta.mma_async"});
  expectWrong(test.with("// in flight",
                        "%f2 = cta.mma_async %a, %d acc %f0 : !flight : !a, "
                        "!mn -> !flight"),
              {{"continues an MMA that another one has continued"},
               "cta.mma_async",
               "math",
               "cta.mma_async"});
  expectWrong(
      test.with("cta.mma_wait %f1 pending 0", "cta.mma_wait %f1 pending 1"),
      {{"covers nothing: 1 groups may be pending, but only 0 are "
        "younger"},
       "cta.mma_wait"});
  // One wait covers both where they are one group.
  size_t commit = test.body.find("cta.mma_commit");
  Case together = test;
  together.body.erase(commit, std::string("cta.mma_commit").size());
  expectRight(together);
}

TEST_F(MmaTest, EndsInFlight) {
  Case test = makeChain().with("%r = cta.mma_wait %f1 pending 0 : !flight", "");
  expectWrong(
      test.with("tile.store %r", "tile.store %x0")
          .with("cta.mma_fence", "%x0 = arith.negf %z : !acc\ncta.mma_fence"),
      {{"ends with an MMA in flight"}, "cta.role", "math", "cta.mma_async"});
}

TEST_F(MmaTest, FirstMmaNeedsAFence) {
  // Only constants have been in registers before.
  Case test;
  test.parameters = "%out: memref<64x64xf32>";
  test.body = R"(
    %b = cta.buffer "b" at 0 : !tile
    %bar = cta.named_barrier "bar" id 1 threads 128
    cta.role "math" warps 4 registers 216 {
      %x = arith.constant dense<2.0> : !bf
      cta.store_shared %x to %b : !bf, !tile
      cta.fence_async
      cta.named_sync %bar
      %d = cta.descriptor %b : !tile -> !mn
      cta.mma_fence
      %f = cta.mma_async %d, %d : !mn, !mn -> !flight
      cta.mma_commit
      %r = cta.mma_wait %f pending 0 : !flight
      tile.store %r, %out[%c0, %c0] : !acc, memref<64x64xf32>
    }
  )";
  test.arrays = {interp::out({64, 64})};
  test.results[0] = Doubles(64 * 64, 256);
  expectRight(test);
  expectWrong(test.without("cta.mma_fence"),
              {{"writes an accumulator without cta.mma_fence"},
               "cta.mma_async",
               "math"});
}

TEST_F(MmaTest, NeedsAWarpgroup) {
  Case test = makeChain();
  for (const char *warps : {"8", "2", "1"})
    expectWrong(test.with("warps 4", std::string("warps ") + warps)
                    .with("threads 128",
                          "threads " + std::to_string(32 * std::stoi(warps))),
                {{std::string("expected a role of one warpgroup, got ") +
                  warps + " warps"},
                 "cta.mma_async"});
  expectWrong(test.with("%f0 = cta.mma_async %a, %d acc %z : !acc : !a, !mn",
                        "%f0 = cta.mma_async %a, %b acc %z : !acc : !a, !tile"),
              {{"expected a descriptor operand; run --mla-wgmma-descriptors "
                "first"}});
}
