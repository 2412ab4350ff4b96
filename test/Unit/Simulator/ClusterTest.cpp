//===- ClusterTest.cpp - CTAs that reach for each other -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

using namespace mla;
using namespace mla::sim;

namespace {
class ClusterTest : public SimulatorTest {
protected:
  /// Four CTAs in clusters of two. Each sends a vector to its peer, which
  /// `send` says how, and writes what it received.
  static Case makeSwap(const std::string &send) {
    Case test;
    test.parameters = "%X: memref<4x64xf32>, %out: memref<4x64xf32>";
    test.grid = "(%cta) in (4)";
    test.attributes = "cta.verified, cta.cluster = array<i64: 2>";
    test.body = R"(
      %v = cta.buffer "v" at 0 : !vec
      %w = cta.buffer "w" at 256 : !vec
      %full = cta.mbarrier "full" count 1 at 512 : !b1
      %bar = cta.named_barrier "bar" id 1 threads 128
      cta.mbarrier_init %full : !b1
      cta.mbarrier_init_fence
      cta.cluster_arrive // begin
      cta.cluster_wait // begin
      %rank = cta.cluster_rank
      %other = arith.xori %rank, %i1 : i32
      %farw = cta.map_peer %w cta %other : !vec
      %farfull = cta.map_peer %full cta %other : !b1
      cta.role "one" warps 4 registers 216 {
        %x = tile.load %X[%cta, %c0] : memref<4x64xf32> -> !row
        cta.store_shared %x to %v : !row, !vec
        cta.fence_async
        cta.named_sync %bar
        cta.elect {
          cta.arrive_expect %full[%i0] bytes 256 : !b1
        }
)" + send + R"(
        cta.mbarrier_wait_cluster %full[%i0] parity %i0 : !b1
        %y = cta.load_shared %w : !vec -> !col
        tile.store %y, %out[%cta, %c0] : !col, memref<4x64xf32>
      }
      cta.cluster_arrive // end
      cta.cluster_wait // end
    )";
    Doubles x = makeValues(4 * 64);
    test.arrays = {interp::f32({4, 64}, x), interp::out({4, 64})};
    for (size_t n = 0; n < 256; ++n)
      test.results[1].push_back(x[(n / 64 ^ 1) * 64 + n % 64]);
    return test;
  }
  static Case makeCopy() {
    return makeSwap("cta.elect { cta.peer_copy %v to %farw signals "
                    "%farfull[%i0] : !vec, !cta.peer<!vec>, !cta.peer<!b1> }");
  }
  static Case makeStore() {
    return makeSwap("cta.peer_store %x to %farw signals %farfull[%i0] : !row, "
                    "!cta.peer<!vec>, !cta.peer<!b1>");
  }

  /// Both CTAs send three vectors, and let the peer know when they have read.
  static Case makeRing() {
    Case test;
    test.parameters = "%X: memref<2x3x64xf32>, %out: memref<2x3x64xf32>";
    test.grid = "(%cta) in (2)";
    test.attributes = "cta.verified, cta.cluster = array<i64: 2>";
    test.body = R"(
      %w = cta.buffer "w" at 0 : !vec
      %full = cta.mbarrier "full" count 1 at 512 : !b1
      %free = cta.mbarrier "free" count 4 at 520 : !b1
      cta.mbarrier_init %full : !b1
      cta.mbarrier_init %free : !b1
      cta.mbarrier_init_fence
      cta.cluster_arrive relaxed
      cta.cluster_wait // begin
      %rank = cta.cluster_rank
      %other = arith.xori %rank, %i1 : i32
      %farw = cta.map_peer %w cta %other : !vec
      %farfull = cta.map_peer %full cta %other : !b1
      %farfree = cta.map_peer %free cta %other : !b1
      cta.role "send" warps 4 registers 216 {
        scf.for %i = %c0 to %c3 step %c1 {
          %n = arith.index_cast %i : index to i32
          %next = arith.addi %n, %i1 : i32
          %parity = arith.andi %next, %i1 : i32
          %x = tile.load %X[%cta, %i, %c0] : memref<2x3x64xf32> -> !row
          cta.mbarrier_wait_cluster %free[%i0] parity %parity : !b1
          cta.peer_store %x to %farw signals %farfull[%i0] : !row, !cta.peer<!vec>, !cta.peer<!b1>
        }
      }
      cta.role "receive" warps 4 registers 216 {
        scf.for %i = %c0 to %c3 step %c1 {
          %n = arith.index_cast %i : index to i32
          %parity = arith.andi %n, %i1 : i32
          cta.elect {
            cta.arrive_expect %full[%i0] bytes 256 : !b1
          }
          cta.mbarrier_wait_cluster %full[%i0] parity %parity : !b1
          %y = cta.load_shared %w : !vec -> !col
          cta.peer_arrive %farfree[%i0] : !cta.peer<!b1>
          tile.store %y, %out[%cta, %i, %c0] : !col, memref<2x3x64xf32>
        }
      }
      cta.cluster_arrive // end
      cta.cluster_wait // end
    )";
    Doubles x = makeValues(2 * 192);
    test.arrays = {interp::f32({2, 3, 64}, x), interp::out({2, 3, 64})};
    test.results[1].assign(x.begin() + 192, x.end());
    test.results[1].insert(test.results[1].end(), x.begin(), x.begin() + 192);
    return test;
  }
};
} // namespace

TEST_F(ClusterTest, PeerCopy) {
  Case test = makeCopy();
  expectRight(test);
  // Bytes that have arrived are there whatever the scope of the wait.
  expectRight(test.with("mbarrier_wait_cluster", "mbarrier_wait"));
  expectWrong(test.without("cta.fence_async"),
              {{"without cta.fence_async since"}, "cta.peer_copy", "one"});
  expectWrong(
      test.without("cta.mbarrier_wait_cluster %full[%i0] parity %i0 : !b1"),
      {{"without knowing that their last write is done",
        "which nothing has written"},
       "cta.load_shared"});
  expectWrong(test.with("bytes 256", "bytes 128"),
              {{"brings 128 bytes more to mbarrier \"full\"[0]"}});
  expectWrong(test.with("\"w\" at 256", "\"w\" at 248"),
              {{"expected a place in shared memory that is a multiple of 16 "
                "bytes, got byte 248"}});
}

TEST_F(ClusterTest, PeerStore) {
  Case test = makeStore();
  expectRight(test);
  expectWrong(test.with("bytes 256", "bytes 512"),
              {{"deadlock"}, "", "", "still expects 0 arrivals and 256 bytes"});
  // Stores of the generic proxy, wherever they come from.
  Case product =
      test.with("%y = cta.load_shared",
                "cta.elect {\ncta.bulk_store %w to %more[%cta, %c0] : !vec, "
                "memref<4x64xf32>\ncta.bulk_commit\ncta.bulk_wait 0\n}\n"
                "%y = cta.load_shared");
  product.parameters += ", %more: memref<4x64xf32>";
  product.arrays.push_back(interp::out({4, 64}));
  product.results[2] = product.results[1];
  expectWrong(product, {{"without cta.fence_async since"},
                        "cta.bulk_store",
                        "one",
                        "cta.peer_store"});
  expectRight(product.with("cta.elect {\ncta.bulk_store",
                           "cta.fence_async\ncta.elect {\ncta.bulk_store"));
}

TEST_F(ClusterTest, BarrierOfTheCluster) {
  Case test = makeCopy();
  const Blame unknown = {
      {"uses mbarrier \"full\"[0] without knowing that it is "
       "initialised",
       "uses an mbarrier that is not declared yet"}};
  // A barrier of the CTA alone is not enough.
  expectWrong(test.with("cta.cluster_arrive // begin", "cta.sync")
                  .without("cta.cluster_wait // begin"),
              unknown);
  // A relaxed arrival makes known that mbarriers are initialised, if fenced.
  Case relaxed =
      test.with("cta.cluster_arrive // begin", "cta.cluster_arrive relaxed");
  expectRight(relaxed);
  expectWrong(relaxed.without("cta.mbarrier_init_fence"), unknown);
  expectWrong(test.without("cta.mbarrier_init_fence"),
              {{"uses mbarrier \"full\"[0] of a peer without "
                "cta.mbarrier_init_fence after its initialisation"},
               "cta.peer_copy"});
  // In pairs.
  expectWrong(test.without("cta.cluster_wait // begin"),
              {{"arrives at the cluster's barrier twice without "
                "cta.cluster_wait between",
                "without knowing that it is initialised",
                "uses an mbarrier that is not declared yet"}});
  expectWrong(test.without("cta.cluster_arrive // begin"),
              {{"waits for the cluster without cta.cluster_arrive before it"},
               "cta.cluster_wait"});
  Case lonely =
      test.with("cta.cluster_arrive // end\n      cta.cluster_wait // "
                "end",
                "%first = arith.cmpi eq, %rank, %i0 : i32\n"
                "scf.if %first {\ncta.cluster_arrive\n"
                "cta.cluster_wait\n}");
  expectWrong(lonely,
              {{"deadlock", "a CTA may end while a peer reaches for its shared "
                            "memory"}});
}

TEST_F(ClusterTest, LeavesTooEarly) {
  const Blame blame = {{"a CTA may end while a peer reaches for its shared "
                        "memory; expected a cluster barrier between",
                        "of a CTA that has ended"}};
  auto leave = [](const Case &test) {
    return test.without("cta.cluster_arrive // end")
        .without("cta.cluster_wait // end");
  };
  // The engine may still read the sender's tile; the peer may still arrive.
  expectWrong(leave(makeCopy()), blame);
  expectWrong(leave(makeRing()), blame);
  // Where each waits for all that the other sends, there is nothing left.
  expectRight(leave(makeStore()));
}

TEST_F(ClusterTest, PeersOrderMemoryWithScope) {
  Case test = makeRing();
  expectRight(test);
  // The arrival came from the peer: a wait of the CTA's scope sees that it has
  // come, not what came before it.
  expectWrong(test.with("cta.mbarrier_wait_cluster %free", "cta.mbarrier_wait "
                                                           "%free"),
              {{"while they may still be read",
                "without knowing that their last write is done"},
               "cta.peer_store",
               "send"});
  expectWrong(
      test.without("cta.mbarrier_wait_cluster %free[%i0] parity %parity : !b1"),
      {{"counts on mbarrier \"full\"[0] without knowing that its phase 0 is "
        "over",
        "without knowing that their last write is done",
        "while they may still be read"},
       "cta.peer_store",
       "send"});
  expectWrong(test.with("\"free\" count 4", "\"free\" count 8"),
              {{"deadlock"}, "", "", "of CTA [1]"});
  expectWrong(test.with("%farfree[%i0]", "%farfree[%i1]"),
              {{"expected an index in [0, 1) of mbarrier \"free\", got 1"},
               "cta.peer_arrive"});
}

TEST_F(ClusterTest, Multicast) {
  // The CTA of rank 0 copies for both; each expects its bytes.
  Case test;
  test.parameters = "%A: memref<64x64xbf16>, %out: memref<2x64x64xbf16>";
  test.grid = "(%cta) in (2)";
  test.attributes = "cta.verified, cta.cluster = array<i64: 2>";
  test.before = "%map = cta.tensor_map %A box [64, 64] swizzle 128 : "
                "memref<64x64xbf16>\n";
  test.body = R"(
    %t = cta.buffer "t" at 0 : !tile
    %full = cta.mbarrier "full" count 1 at 8192 : !b1
    cta.mbarrier_init %full : !b1
    cta.mbarrier_init_fence
    cta.cluster_arrive
    cta.cluster_wait
    %rank = cta.cluster_rank
    cta.role "one" warps 4 registers 216 {
      cta.elect {
        cta.arrive_expect %full[%i0] bytes 8192 : !b1
        %first = arith.cmpi eq, %rank, %i0 : i32
        scf.if %first {
          cta.copy_multicast %A[%c0, %c0] to %t ctas 3 map %map signals %full[%i0] : !b1 : memref<64x64xbf16>, !tile
        }
      }
      cta.mbarrier_wait %full[%i0] parity %i0 : !b1
      %x = cta.load_shared %t : !tile -> !bf
      tile.store %x, %out[%cta, %c0, %c0] : !bf, memref<2x64x64xbf16>
    }
    cta.cluster_arrive // end
    cta.cluster_wait // end
  )";
  Doubles a = makeValues(64 * 64);
  test.arrays = {bf16({64, 64}, a),
                 bf16({2, 64, 64}, Doubles(2 * 64 * 64, interp::kNaN))};
  test.results[1] = a;
  llvm::append_range(test.results[1], a);
  expectRight(test);
  expectWrong(test.with("ctas 3", "ctas 1"),
              {{"deadlock"}, "", "", "of CTA [1] waits for"});
  expectWrong(test.with("ctas 3", "ctas 7"),
              {{"expected CTAs of a cluster of 2, got the mask 7"},
               "cta.copy_multicast"});
  // Only rank 0 expects.
  expectWrong(test.without("cta.arrive_expect %full[%i0] bytes 8192 : !b1")
                  .with("cta.copy_multicast",
                        "cta.arrive_expect %full[%i0] bytes 8192 : !b1\n"
                        "cta.copy_multicast"),
              {{"deadlock"}, "", "", "of CTA [1] waits for"});
  // Each waits for its own bytes; who reaches for whom is known then.
  expectRight(test.without("cta.cluster_arrive // end")
                  .without("cta.cluster_wait // end"));
}

TEST_F(ClusterTest, Ranks) {
  Case test = makeCopy();
  expectWrong(test.with("arith.xori %rank, %i1", "arith.addi %rank, %i1"),
              {{"expected a rank in [0, 2), got 2"}, "cta.map_peer", "all"});
  // A peer may be oneself.
  Case self = test.with("arith.xori %rank, %i1", "arith.ori %rank, %i0");
  self.results[1] = self.arrays[0].values();
  expectRight(self);
}

TEST_F(ClusterTest, Grids) {
  Case test = makeCopy();
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
  test = makeCopy();
  test.grid = "(%row, %column) in (2, 2)";
  test.attributes = "cta.verified, cta.cluster = array<i64: 1, 2>";
  test.body = "%twice = arith.muli %row, %c2 : index\n"
              "%cta = arith.addi %twice, %column : index\n" +
              test.body;
  expectRight(test);
  // And along the first: now CTAs 0 and 2 are peers.
  test.attributes = "cta.verified, cta.cluster = array<i64: 2, 1>";
  Doubles x = test.arrays[0].values();
  for (size_t n = 0; n < 256; ++n)
    test.results[1][n] = x[(n / 64 ^ 2) * 64 + n % 64];
  expectRight(test);
}
