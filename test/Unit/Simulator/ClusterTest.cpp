//===- ClusterTest.cpp - the barrier of a cluster, ranks ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

using namespace mla;
using namespace mla::sim;

namespace {
class ClusterTest : public SimulatorTest {
protected:
  /// Four CTAs in clusters of two. Each writes a row of X to the row of the CTA
  /// with the other rank.
  static Case makeSwap() {
    Case test;
    test.parameters = "%X: memref<4x64xf32>, %out: memref<4x64xf32>";
    test.grid = "(%cta) in (4)";
    test.attributes = "cta.verified, cta.cluster = array<i64: 2>";
    test.body = R"(
      %rank = cta.cluster_rank
      cta.role "one" warps 4 registers 216 {
        %me = arith.index_cast %rank : i32 to index
        %first = arith.subi %cta, %me : index
        %flipped = arith.subi %c1, %me : index
        %row = arith.addi %first, %flipped : index
        %x = tile.load %X[%cta, %c0] : memref<4x64xf32> -> !row
        cta.cluster_arrive
        cta.cluster_wait
        tile.store %x, %out[%row, %c0] : !row, memref<4x64xf32>
      }
    )";
    Doubles x = makeValues(4 * 64);
    test.arrays = {interp::f32({4, 64}, x), interp::out({4, 64})};
    for (size_t n = 0; n < 256; ++n)
      test.results[1].push_back(x[(n / 64 ^ 1) * 64 + n % 64]);
    return test;
  }

  /// Rank 0 writes a row, which rank 1 reads behind the cluster's barrier.
  static Case makeHandOver() {
    Case test;
    test.parameters = "%out: memref<64xf32>, %copy: memref<64xf32>";
    test.grid = "(%cta) in (2)";
    test.attributes = "cta.verified, cta.cluster = array<i64: 2>";
    test.body = R"(
      %rank = cta.cluster_rank
      cta.role "one" warps 1 registers 216 {
        %first = arith.cmpi eq, %rank, %i0 : i32
        scf.if %first {
          %x = arith.constant dense<3.0> : !row
          tile.store %x, %out[%c0] : !row, memref<64xf32>
        }
        cta.cluster_arrive
        cta.cluster_wait
        %second = arith.cmpi eq, %rank, %i1 : i32
        scf.if %second {
          %y = tile.load %out[%c0] : memref<64xf32> -> !row
          tile.store %y, %copy[%c0] : !row, memref<64xf32>
        }
      }
    )";
    test.arrays = {interp::out({64}), interp::out({64})};
    test.results[0] = test.results[1] = Doubles(64, 3);
    return test;
  }
};
} // namespace

TEST_F(ClusterTest, Ranks) {
  expectRight(makeSwap());
  // Without clusters each CTA has rank 0: two write one row, none the other.
  Case alone = makeSwap();
  alone.attributes = "cta.verified";
  expectWrong(alone, {{"leaves argument 1 unwritten",
                       "expected an index in [0, 4) in dimension 0"}});
}

TEST_F(ClusterTest, OrdersMemory) {
  Case test = makeHandOver();
  expectRight(test);
  const Blame race = {{"of a memref without knowing that their last write is "
                       "done",
                       "of a memref while they may still be read"}};
  expectWrong(test.with("cta.cluster_arrive", "cta.cluster_arrive relaxed"),
              race);
  // A barrier of the CTA alone is not enough.
  expectWrong(
      test.with("cta.cluster_arrive", "cta.sync").without("cta.cluster_wait"),
      race);
}

TEST_F(ClusterTest, InPairs) {
  Case test = makeHandOver();
  expectWrong(test.with("cta.cluster_wait", "cta.cluster_arrive"),
              {{"arrives at the cluster's barrier twice without "
                "cta.cluster_wait between"},
               "cta.cluster_arrive"});
  expectWrong(test.without("cta.cluster_arrive"),
              {{"waits for the cluster without cta.cluster_arrive before it"},
               "cta.cluster_wait"});
  Case lonely =
      test.with("cta.cluster_arrive", "scf.if %first {\ncta.cluster_arrive")
          .with("cta.cluster_wait", "cta.cluster_wait\n}");
  expectWrong(lonely, {{"deadlock",
                        "of a memref without knowing that their last write is "
                        "done",
                        "of a memref while they may still be read"}});
}

TEST_F(ClusterTest, Grids) {
  Case test = makeSwap();
  test.grid = "(%cta) in (3)";
  expectWrong(test, {{"expected a multiple of 2 CTAs, the cluster's size, in "
                      "dimension 0, got 3"},
                     "scf.forall"});
  test.attributes = "cta.verified, cta.cluster = array<i64: 0>";
  expectWrong(test, {{"expected a multiple of 0 CTAs"}, "scf.forall"});
  test.grid = "(%cta) in (4)";
  test.attributes = "cta.verified, cta.cluster = array<i64: 2, 2>";
  expectWrong(test, {{"expected a cluster of at most 1 dimensions, got 2"},
                     "scf.forall"});
  // A cluster along the second dimension.
  test = makeSwap();
  test.grid = "(%row0, %column) in (2, 2)";
  test.attributes = "cta.verified, cta.cluster = array<i64: 1, 2>";
  test.body = "%twice = arith.muli %row0, %c2 : index\n"
              "%cta = arith.addi %twice, %column : index\n" +
              test.body;
  expectRight(test);
  // Along the first, CTAs 0 and 2 are a cluster.
  test.attributes = "cta.verified, cta.cluster = array<i64: 2, 1>";
  test = test.with("arith.subi %cta, %me", "arith.addi %column, %c0")
             .with("arith.subi %c1, %me : index",
                   "arith.subi %c1, %me : index\n"
                   "%two = arith.muli %flipped, %c2 : index")
             .with("%first, %flipped", "%first, %two");
  Doubles x = test.arrays[0].values();
  for (size_t n = 0; n < 256; ++n)
    test.results[1][n] = x[(n / 64 ^ 2) * 64 + n % 64];
  expectRight(test);
}
