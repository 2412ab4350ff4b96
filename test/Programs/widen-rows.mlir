// Rows of e4m3, gathered by index through a ring of one-byte elements and converted to
// bf16. An index out of bounds gives zeros. Simulator/e4m3.test checks the values.
//
// RUN: mla-opt %s --mla-kernel-pipeline | FileCheck %s
// CHECK-LABEL: llvm.func @widen_rows
// CHECK: cvt.rn.f16x2.e4m3x2

#schedule = #mla.schedule<"widen-rows", roles = [<"load", warps = 4, registers = 64>, <"math", warps = 4, registers = 168>],
  table = [<"k" in ["load"]>, <"indices" in ["load"]>, <"x" in ["math"]>, <"out" in ["math"]>],
  rings = [<"k", depth = 1>]>
func.func @widen_rows(%kv: memref<?x128xf8E4M3FN> {mla.name = "kv", mla.dims = ["s_kv", ""]}, %indices: memref<?xi32> {mla.name = "indices", mla.dims = ["topk"]}, %out: memref<?x128xbf16> {mla.name = "out", mla.dims = ["topk", ""]})
    attributes {mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %n = memref.dim %indices, %c0 : memref<?xi32>
  %tiles = arith.ceildivui %n, %c64 : index
  scf.forall (%t) in (%tiles) {
    %i = arith.muli %t, %c64 : index
    %rows = tile.load %indices[%i] pad -1 : i32 {tile.label = "indices"} : memref<?xi32> -> tensor<64xi32>
    %k = tile.gather %kv[%rows] [%c0] {tile.label = "k"} : memref<?x128xf8E4M3FN>, tensor<64xi32> -> tensor<64x128xf8E4M3FN>
    %x = arith.extf %k {tile.label = "x"} : tensor<64x128xf8E4M3FN> to tensor<64x128xbf16>
    tile.store %x, %out[%i, %c0] {tile.label = "out"} : tensor<64x128xbf16>, memref<?x128xbf16>
  }
  return
}
