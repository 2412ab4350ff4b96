//===- NamedBarrierTest.cpp - threads that meet at barriers ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

using namespace mla;
using namespace mla::sim;

namespace {
class NamedBarrierTest : public SimulatorTest {
protected:
  /// Two roles take turns at one buffer: "from" stores a row of X and arrives
  /// at `full`; "to" syncs there, loads the row and arrives at `empty`.
  static Case makeTurns() {
    Case test;
    test.parameters = "%X: memref<3x64xf32>, %out: memref<3x64xf32>";
    test.body = R"(
      %v = cta.buffer "v" at 0 : !vec
      %full = cta.named_barrier "full" id 1 threads 192
      %empty = cta.named_barrier "empty" id 2 threads 192
      cta.role "from" warps 4 registers 216 {
        scf.for %i = %c0 to %c3 step %c1 {
          %x = tile.load %X[%i, %c0] : memref<3x64xf32> -> !row
          cta.named_sync %empty
          cta.store_shared %x to %v : !row, !vec
          cta.named_arrive %full
        }
      }
      cta.role "to" warps 2 registers 216 {
        cta.named_arrive %empty
        scf.for %i = %c0 to %c3 step %c1 {
          cta.named_sync %full
          %y = cta.load_shared %v : !vec -> !col
          %more = arith.cmpi ult, %i, %c2 : index
          scf.if %more {
            cta.named_arrive %empty
          }
          tile.store %y, %out[%i, %c0] : !col, memref<3x64xf32>
        }
      }
    )";
    test.arrays = {interp::f32({3, 64}, makeValues(192)), interp::out({3, 64})};
    test.results[1] = makeValues(192);
    return test;
  }
};
} // namespace

TEST_F(NamedBarrierTest, NamedBarriers) {
  Case test = makeTurns();
  expectRight(test);
  expectWrong(test.without("cta.named_sync %full"),
              {{"without knowing that their last write is done",
                "which nothing has written"},
               "cta.load_shared",
               "to"});
  expectWrong(test.without("cta.named_sync %empty"),
              {{"while they may still be read",
                "again before the others have met there",
                "without knowing that the last meeting there is over"}});
  // An arrival carries what the role did before it, not what it does after.
  Case late =
      test.without("cta.named_arrive %full")
          .with("cta.store_shared", "cta.named_arrive %full\ncta.store_shared");
  expectWrong(late,
              {{"without knowing that their last write is done",
                "which nothing has written", "while they may still be read"}});
}

TEST_F(NamedBarrierTest, NamedBarrierCounts) {
  Case test = makeTurns();
  expectWrong(
      test.with("\"full\" id 1 threads 192", "\"full\" id 1 threads 160"),
      {{"is one too many at barrier 1: 192 threads meet where 160 are "
        "expected"}});
  expectWrong(
      test.with("\"full\" id 1 threads 192", "\"full\" id 1 threads 224"),
      {{"arrives at barrier 1 again before the others have met there",
        "deadlock"}});
  expectWrong(
      test.with("threads 192\n      %empty = cta.named_barrier \"empty\" "
                "id 2",
                "threads 192\n      %empty = cta.named_barrier \"empty\" "
                "id 1"),
      {{"arrives at barrier 1 again before",
        "without knowing that the last meeting there is over",
        "is one too many at"}});
  // Two declarations of one barrier have to agree.
  Case two = makeTurns();
  two = two.with("cta.role \"to\"",
                 "%other = cta.named_barrier \"full\" id 1 threads 256\n"
                 "cta.role \"to\"")
            .with("cta.named_sync %full", "cta.named_sync %other");
  expectWrong(two,
              {{"expects 256 threads at barrier 1, where others expect 192",
                "expects 192 threads at barrier 1, where others expect "
                "256"}});
  // Nobody arrives: the deadlock says how many are missing.
  expectWrong(
      makeTurns().with("cta.named_arrive %empty\n        scf.for", "scf.for"),
      {{"deadlock"},
       "cta.named_sync",
       "",
       "waits for barrier 2, where 128 of 192 threads have arrived"});
}

TEST_F(NamedBarrierTest, MeetingsInformOnlyThoseThere) {
  // "a" and "b" meet, then "c" and "d" at the same barrier, which does not
  // order what "a" stored before what "d" loads.
  Case test = makePassing(R"(
    %v = cta.buffer "v" at 0 : !vec
    %b1 = cta.named_barrier "x" id 1 threads 64
    %b2 = cta.named_barrier "turn" id 2 threads 64
    cta.role "a" warps 1 registers 24 {
      %x = tile.load %X[%c0] : memref<64xf32> -> !row
      cta.store_shared %x to %v : !row, !vec
      cta.named_sync %b1
    }
    cta.role "b" warps 1 registers 24 {
      cta.named_sync %b1
      cta.named_arrive %b2
    }
    cta.role "c" warps 1 registers 24 {
      cta.named_sync %b2
      cta.named_sync %b1
    }
    cta.role "d" warps 1 registers 24 {
      // meets
      %y = cta.load_shared %v : !vec -> !col
      tile.store %y, %out[%c0] : !col, memref<64xf32>
    }
  )");
  // "c" knows of the first meeting from "b", which was there.
  expectRight(test.with("// meets",
                        "%one = cta.named_barrier \"x\" id 3 threads "
                        "64\ncta.named_sync %one")
                  .with("cta.named_sync %b2\n      cta.named_sync %b1",
                        "cta.named_sync %b2\n%one = cta.named_barrier \"x\" id "
                        "3 threads 64\ncta.named_sync %one"));
  // Without the arrival of "b", it depends on timing who meets whom.
  Case deaf = test.without("cta.named_arrive %b2")
                  .without("cta.named_sync %b2\n")
                  .with("// meets", "cta.named_sync %b1");
  expectWrong(deaf, {{"without knowing that the last meeting there is over",
                      "which nothing has written"}});
}

TEST_F(NamedBarrierTest, SyncOfAll) {
  Case test = makePassing(R"(
    %v = cta.buffer "v" at 0 : !vec
    cta.role "a" warps 1 registers 24 {
      %x = tile.load %X[%c0] : memref<64xf32> -> !row
      cta.store_shared %x to %v : !row, !vec
      cta.sync
    }
    cta.role "b" warps 2 registers 24 {
      cta.sync
      %y = cta.load_shared %v : !vec -> !col
      tile.store %y, %out[%c0] : !col, memref<64xf32>
    }
  )");
  expectRight(test);
  expectWrong(test.with("!vec\n      cta.sync", "!vec"),
              {{"deadlock"},
               "cta.sync",
               "",
               "role \"b\" of CTA [0] waits for barrier 0, where 64 of 96 "
               "threads have arrived"});
}
