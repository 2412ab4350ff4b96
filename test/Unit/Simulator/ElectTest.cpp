//===- ElectTest.cpp - what one lane of a role does -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

using namespace mla;
using namespace mla::sim;

namespace {
class ElectTest : public SimulatorTest {};
} // namespace

TEST_F(ElectTest, Elect) {
  // A role of several warps copies for itself.
  Case test = makePassing(R"(
    %v = cta.buffer "v" at 0 : !vec
    %full = cta.mbarrier "full" count 1 at 256 : !b1
    cta.mbarrier_init %full : !b1
    cta.mbarrier_init_fence
    cta.sync
    cta.role "one" warps 4 registers 216 {
      cta.elect warp 2 {
        cta.arrive_expect %full[%i0] bytes 256 : !b1
        cta.bulk_load %X[%c0] to %v signals %full[%i0] : !b1 : memref<64xf32>, !vec
      }
      cta.mbarrier_wait %full[%i0] parity %i0 : !b1
      %y = cta.load_shared %v : !vec -> !col
      tile.store %y, %out[%c0] : !col, memref<64xf32>
    }
  )");
  expectRight(test);
  // Only the warp that waits knows.
  expectWrong(test.with("cta.mbarrier_wait %full[%i0] parity %i0 : !b1",
                        "cta.elect { cta.mbarrier_wait %full[%i0] parity %i0 : "
                        "!b1 }"),
              {{"without knowing that their last write is done"},
               "cta.load_shared",
               "one",
               "cta.bulk_load"});
  // One lane arrives once, a role of four warps four times.
  expectWrong(test.with("bytes 256 : !b1",
                        "bytes 256 : !b1\ncta.arrive %full[%i1] : !b1"),
              {{"expected an index in [0, 1) of mbarrier \"full\", got 1"}});
  expectRight(test.with("count 1 at", "count 5 at")
                  .with("cta.elect warp 2 {",
                        "cta.arrive %full[%i0] : !b1\ncta.elect warp 2 {"));
  expectRight(test.with("count 1 at", "count 2 at")
                  .with("cta.elect warp 2 {",
                        "cta.elect { cta.arrive %full[%i0] : !b1 }\n"
                        "cta.elect warp 2 {"));
  // The other warps do not know of its copy.
  expectWrong(
      test.without("cta.mbarrier_wait %full[%i0] parity %i0 : !b1"),
      {{"without knowing that their last write is done"}, "cta.load_shared"});
}
