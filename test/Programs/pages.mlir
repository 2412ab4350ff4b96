// REQUIRES: jit
// Tiles with several fills: K from two pages of 32 rows, copied by TMA; V from two
// gathered pages.
//
// The simulator has to agree with the interpreter, which has no rings.
// RUN: rm -rf %t && mkdir %t
// RUN: mla-jit run %s --device=interpreter --sizes tiles=2,rows=330 \
// RUN:   --output %t/0
// RUN: mla-jit run %s --device=sim --seeds=4 --sizes tiles=2,rows=330 \
// RUN:   --check --expect out=%t/0/out.npy
// RUN: mla-jit run %s --device=interpreter --sizes tiles=1,rows=1 \
// RUN:   --output %t/1
// RUN: mla-jit run %s --device=sim --seeds=4 --sizes tiles=1,rows=1 \
// RUN:   --check --expect out=%t/1/out.npy
// RUN: mla-opt %s --mla-cta-pipeline | FileCheck %s
// One arrival expects all bytes of a slot; each thread arrives once for its copies.
// CHECK: cta.mbarrier "k.full" full({{.*}}) count 1 bytes 8192
// CHECK: cta.mbarrier "v.full" full({{.*}}) count 128 at
// CHECK: cta.role "producer"
// CHECK: cta.arrive_expect {{.*}} bytes 8192
// CHECK-COUNT-2: cta.copy_async
// CHECK-COUNT-2: cta.gather_async
// CHECK-NEXT: cta.arrive_copies
// RUN: mla-opt %s --mla-kernel-pipeline | FileCheck %s --check-prefix=PTX
// PTX: llvm.func @pages

#schedule = #mla.schedule<"pages",
  roles = [
    <"math", warps = 4, registers = 216>,
    <"producer", warps = 4, registers = 56>],
  table = [
    <"q" in ["producer"]>, <"k" in ["producer"]>, <"v" in ["producer"], order = 1>,
    <"s" in ["math"], order = 1>,
    <"p" in ["math"], order = 2>,
    <"o" in ["math"], order = 3>,
    <"out" in ["math"]>],
  rings = [<"k", depth = 2>, <"v", depth = 2>]>

func.func @pages(
    %q: memref<?x64x64xbf16> {mla.name = "q", mla.dims = ["tiles", "", ""]},
    %k: memref<?x64xbf16> {mla.name = "k", mla.dims = ["rows", ""]},
    %v: memref<?x64xbf16> {mla.name = "v", mla.dims = ["rows", ""]},
    %out: memref<?x64x64xf32> {mla.name = "out", mla.dims = ["tiles", "", ""]})
    attributes {mla.operator = "pages", mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %c64 = arith.constant 64 : index
  %tiles = memref.dim %q, %c0 : memref<?x64x64xbf16>
  %rows = memref.dim %k, %c0 : memref<?x64xbf16>
  scf.forall (%i) in (%tiles) {
    %qt = tile.load %q[%i, %c0, %c0] {tile.label = "q"} : memref<?x64x64xbf16> -> tensor<64x64xbf16>
    %o0 = arith.constant dense<0.0> : tensor<64x64xf32>
    %r = scf.for %t = %c0 to %rows step %c64 iter_args(%o = %o0) -> tensor<64x64xf32> {
      // The pages in the other order.
      %t1 = arith.addi %t, %c32 : index
      %k0 = tile.load %k[%t1, %c0] : memref<?x64xbf16> -> tensor<32x64xbf16>
      %k1 = tile.load %k[%t, %c0] : memref<?x64xbf16> -> tensor<32x64xbf16>
      %kt = tile.concat %k0, %k1 dim 0 {tile.label = "k"} : tensor<32x64xbf16>, tensor<32x64xbf16> -> tensor<64x64xbf16>
      %at = arith.index_cast %t : index to i32
      %at1 = arith.index_cast %t1 : index to i32
      %key = tile.iota : tensor<32xi32>
      %start = tensor.splat %at : tensor<32xi32>
      %start1 = tensor.splat %at1 : tensor<32xi32>
      %r0 = arith.addi %key, %start : tensor<32xi32>
      %r1 = arith.addi %key, %start1 : tensor<32xi32>
      %v0 = tile.gather %v[%r1][%c0] : memref<?x64xbf16>, tensor<32xi32> -> tensor<32x64xbf16>
      %v1 = tile.gather %v[%r0][%c0] : memref<?x64xbf16>, tensor<32xi32> -> tensor<32x64xbf16>
      %vt = tile.concat %v0, %v1 dim 0 {tile.label = "v"} : tensor<32x64xbf16>, tensor<32x64xbf16> -> tensor<64x64xbf16>
      %s = tile.dot %qt, %kt transpose_b {tile.label = "s"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      %p = arith.truncf %s {tile.label = "p"} : tensor<64x64xf32> to tensor<64x64xbf16>
      %o1 = tile.dot %p, %vt acc %o : tensor<64x64xf32> {tile.label = "o"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      scf.yield %o1 : tensor<64x64xf32>
    }
    tile.store %r, %out[%i, %c0, %c0] {tile.label = "out"} : tensor<64x64xf32>, memref<?x64x64xf32>
  }
  return
}
