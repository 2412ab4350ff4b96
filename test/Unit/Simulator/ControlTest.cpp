//===- ControlTest.cpp - loops, conditions, persistent kernels ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

using namespace mla;
using namespace mla::sim;

namespace {
class ControlTest : public SimulatorTest {
protected:
  /// Two CTAs share the items; for each item, "load" copies as many vectors as
  /// N says, and "sum" adds them up. Slots and phases continue across items.
  static Case makePersistent() {
    Case test;
    test.parameters = "%X: memref<?x64xf32>, %N: memref<?xi32>, "
                      "%out: memref<?x64xf32>";
    test.grid = "(%cta) in (2)";
    test.before = "%items = memref.dim %N, %c0 : memref<?xi32>\n";
    test.body = R"(
      %v = cta.ring "v" at 0 : !cta.ring<3x64xf32, #dense>
      %full = cta.mbarrier "v.full" full(%v : !cta.ring<3x64xf32, #dense>) count 1 bytes 256 at 768 : !cta.mbarrier<3>
      %free = cta.mbarrier "v.empty" empty(%v : !cta.ring<3x64xf32, #dense>) count 4 at 792 : !cta.mbarrier<3>
      cta.mbarrier_init %full : !cta.mbarrier<3>
      cta.mbarrier_init %free : !cta.mbarrier<3>
      cta.mbarrier_init_fence
      cta.sync
      cta.role "load" warps 1 registers 24 {
        %end = scf.for %item = %cta to %items step %c2 iter_args(%n = %i0) -> i32 {
          %some = memref.load %N[%item] : memref<?xi32>
          %m = arith.index_cast %some : i32 to index
          %done = scf.for %j = %c0 to %m step %c1 iter_args(%count = %n) -> i32 {
            %index = arith.remui %count, %i3 : i32
            %round = arith.divui %count, %i3 : i32
            %other = arith.addi %round, %i1 : i32
            %parity = arith.andi %other, %i1 : i32
            cta.mbarrier_wait %free[%index] parity %parity : !cta.mbarrier<3>
            %s = cta.slot %v[%index] : !cta.ring<3x64xf32, #dense>
            cta.arrive_expect %full[%index] bytes 256 : !cta.mbarrier<3>
            cta.bulk_load %X[%j, %c0] to %s signals %full[%index] : !cta.mbarrier<3> : memref<?x64xf32>, !vec
            %more = arith.addi %count, %i1 : i32
            scf.yield %more : i32
          }
          scf.yield %done : i32
        }
      }
      cta.role "sum" warps 4 registers 216 {
        %zero = arith.constant dense<0.0> : !row
        %end = scf.for %item = %cta to %items step %c2 iter_args(%n = %i0) -> i32 {
          %some = memref.load %N[%item] : memref<?xi32>
          %m = arith.index_cast %some : i32 to index
          %done:2 = scf.for %j = %c0 to %m step %c1 iter_args(%count = %n, %sum = %zero) -> (i32, !row) {
            %index = arith.remui %count, %i3 : i32
            %round = arith.divui %count, %i3 : i32
            %parity = arith.andi %round, %i1 : i32
            cta.mbarrier_wait %full[%index] parity %parity : !cta.mbarrier<3>
            %s = cta.slot %v[%index] : !cta.ring<3x64xf32, #dense>
            %x = cta.load_shared %s : !vec -> !row
            cta.arrive %free[%index] : !cta.mbarrier<3>
            %new = arith.addf %sum, %x : !row
            %more = arith.addi %count, %i1 : i32
            scf.yield %more, %new : i32, !row
          }
          tile.store %done#1, %out[%item, %c0] : !row, memref<?x64xf32>
          scf.yield %done#0 : i32
        }
      }
    )";
    Doubles x = makeValues(8 * 64), counts = {5, 0, 1, 8, 0, 3, 4};
    test.arrays = {interp::f32({8, 64}, x), interp::i32({7}, counts),
                   interp::out({7, 64})};
    for (double count : counts)
      for (size_t c = 0; c < 64; ++c) {
        double sum = 0;
        for (size_t r = 0; r < static_cast<size_t>(count); ++r)
          sum += x[r * 64 + c];
        test.results[2].push_back(sum);
      }
    return test;
  }

  /// A program of one role that stores what `body` leaves in %r, an i32.
  static Case makeScalar(const std::string &body, double result) {
    Case test;
    test.parameters = "%x: memref<1xi32>, %out: memref<64xf32>";
    test.body = "cta.role \"one\" warps 1 registers 24 {\n" + body + R"(
      %f = arith.sitofp %r : i32 to f32
      %t = tensor.splat %f : !row
      tile.store %t, %out[%c0] : !row, memref<64xf32>
    })";
    test.arrays = {interp::i32({1}, {7}), interp::out({64})};
    test.results[1] = Doubles(64, result);
    return test;
  }
};
} // namespace

TEST_F(ControlTest, PersistentLoops) {
  Case test = makePersistent();
  expectRight(test);
  // A phase that restarts with every item.
  expectWrong(test.with("iter_args(%count = %n, %sum = %zero)",
                        "iter_args(%count = %i0, %sum = %zero)"),
              {{"deadlock", "without knowing that their last write is done",
                "which nothing has written", "while they may still be read",
                "counts on mbarrier"}});
  // One role makes a trip less.
  expectWrong(
      test.with("%done = scf.for %j = %c0 to", "%done = scf.for %j = %c1 to"),
      {{"deadlock", "without knowing that their last write is done",
        "which nothing has written"}});
  // A message names the iterations of all loops around the op.
  expectWrong(test.with("arith.addf %sum, %x : !row",
                        "arith.addf %sum, %x : !row\n"
                        "%bad = memref.load %N[%c64] : memref<?xi32>"),
              {{"expected an index in [0, 7) in dimension 0, got 64 (role "
                "\"sum\" of CTA [0], iteration [0, 0])"},
               "memref.load",
               "sum"});
}

TEST_F(ControlTest, EveryCtaIsNamedByItsPlace) {
  Case test = makePersistent();
  test.grid = "(%x, %cta) = (2, 0) to (4, 4) step (2, 2)";
  test.results.clear();
  test.body = "cta.role \"one\" warps 1 registers 24 {\n"
              "  %last = arith.cmpi eq, %cta, %c2 : index\n"
              "  scf.if %last {\n"
              "    %bad = memref.load %N[%c64] : memref<?xi32>\n"
              "  }\n"
              "}";
  expectWrong(test, {{"of CTA [2, 2]"}, "memref.load", "one"});
}

TEST_F(ControlTest, Conditions) {
  const std::string body = R"(
    %v = memref.load %x[%c0] : memref<1xi32>
    %big = arith.cmpi sgt, %v, %i3 : i32
    %r = scf.if %big -> i32 {
      %two = arith.addi %v, %v : i32
      scf.yield %two : i32
    } else {
      scf.yield %i0 : i32
    }
  )";
  expectRight(makeScalar(body, 14));
  Case test = makeScalar(body, 0);
  test.arrays[0] = interp::i32({1}, {3});
  expectRight(test);
}

TEST_F(ControlTest, WhileLoops) {
  // Collatz steps from 7 to 1, with a loop inside.
  const std::string body = R"(
    %v = memref.load %x[%c0] : memref<1xi32>
    %w:2 = scf.while (%a = %v, %n = %i0) : (i32, i32) -> (i32, i32) {
      %go = arith.cmpi sgt, %a, %i1 : i32
      scf.condition(%go) %a, %n : i32, i32
    } do {
    ^bb0(%a: i32, %n: i32):
      %odd = arith.andi %a, %i1 : i32
      %isodd = arith.cmpi eq, %odd, %i1 : i32
      %next = scf.if %isodd -> i32 {
        %triple = arith.muli %a, %i3 : i32
        %up = arith.addi %triple, %i1 : i32
        scf.yield %up : i32
      } else {
        %half = arith.divui %a, %i2 : i32
        scf.yield %half : i32
      }
      %more = scf.for %j = %c0 to %c1 step %c1 iter_args(%m = %n) -> i32 {
        %m1 = arith.addi %m, %i1 : i32
        scf.yield %m1 : i32
      }
      scf.yield %next, %more : i32, i32
    }
    %r = arith.addi %w#1, %i0 : i32
  )";
  expectRight(makeScalar(body, 16));
  Case none = makeScalar(body, 0);
  none.arrays[0] = interp::i32({1}, {1});
  expectRight(none);
}

TEST_F(ControlTest, LoopsWithoutTrips) {
  const std::string body = R"(
    %r = scf.for %i = %c3 to %c1 step %c2 iter_args(%n = %i3) -> i32 {
      scf.yield %i0 : i32
    }
  )";
  expectRight(makeScalar(body, 3));
  Case test = makeScalar(body, 3);
  expectWrong(test.with("step %c2", "step %c0"),
              {{"expected a positive step, got 0"}, "scf.for", "one"});
}

TEST_F(ControlTest, StepLimit) {
  // Loops that never end, with and without anything in them.
  Case busy = makeScalar(R"(
    %r = scf.while (%a = %i0) : (i32) -> i32 {
      %go = arith.cmpi eq, %i0, %i0 : i32
      scf.condition(%go) %a : i32
    } do {
    ^bb0(%a: i32):
      %b = arith.addi %a, %i1 : i32
      scf.yield %b : i32
    }
  )",
                         0);
  expectWrong(busy,
              {{"step limit of 20000 exceeded (role \"one\" of CTA [0]"}});
  Case idle = makeScalar(R"(
    %true = arith.constant true
    scf.while : () -> () {
      scf.condition(%true)
    } do {
      scf.yield
    }
    %r = arith.addi %i0, %i0 : i32
  )",
                         0);
  expectWrong(idle, {{"step limit of 20000 exceeded"}, "scf.while", "one"});
  Case loop = makeScalar(R"(
    %many = arith.constant 1000000000000 : index
    scf.for %i = %c0 to %many step %c1 {
    }
    %r = arith.addi %i0, %i0 : i32
  )",
                         0);
  expectWrong(loop, {{"step limit of 20000 exceeded"}, "scf.for", "one"});
}
