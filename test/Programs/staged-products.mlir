// REQUIRES: jit
// Roles that stage tiles in shared memory for themselves: P, of which "low" and "high"
// compute parts and read the whole, transposed and as operand B; and Q', which "low"
// computes and multiplies by itself.
//
// The simulator has to agree with the interpreter, which has no rings.
// RUN: rm -rf %t && mkdir %t
// RUN: mla-jit run %s --device=interpreter --sizes tiles=2,rows=330 \
// RUN:   --output %t/0
// RUN: mla-jit run %s --device=sim --seeds=4 --sizes tiles=2,rows=330 \
// RUN:   --check --expect out=%t/0/out.npy --expect square=%t/0/square.npy
// RUN: mla-jit run %s --device=interpreter --sizes tiles=1,rows=64 \
// RUN:   --output %t/1
// RUN: mla-jit run %s --device=sim --seeds=4 --sizes tiles=1,rows=64 \
// RUN:   --check --expect out=%t/1/out.npy --expect square=%t/1/square.npy
// RUN: mla-opt %s --mla-kernel-pipeline | FileCheck %s
// CHECK: llvm.func @staged_products

#schedule = #mla.schedule<"staged",
  roles = [
    <"low", warps = 4, registers = 216>,
    <"high", warps = 4, registers = 216>,
    <"producer", warps = 4, registers = 56>],
  table = [
    <"q" in ["producer"]>, <"k" in ["producer"]>,
    <"s" in ["low", "high"], split = 0, order = 1>,
    <"p" in ["low", "high"], split = 0, order = 2>,
    <"o" in ["low", "high"], split = 1, order = 3>,
    <"out" in ["low", "high"], split = 1>,
    <"g" in ["low"], order = 4>,
    <"gb" in ["low"], order = 5>,
    <"h" in ["low"], order = 6>,
    <"square" in ["low"]>],
  rings = [<"k", depth = 2>]>

func.func @staged_products(
    %q: memref<?x128x64xbf16> {mla.name = "q", mla.dims = ["tiles", "", ""]},
    %k: memref<?x64xbf16> {mla.name = "k", mla.dims = ["rows", ""]},
    %out: memref<?x64x128xf32> {mla.name = "out", mla.dims = ["tiles", "", ""]},
    %square: memref<?x64x64xf32> {mla.name = "square", mla.dims = ["tiles", "", ""]})
    attributes {mla.operator = "staged_products", mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %tiles = memref.dim %q, %c0 : memref<?x128x64xbf16>
  %rows = memref.dim %k, %c0 : memref<?x64xbf16>
  scf.forall (%i) in (%tiles) {
    %qt = tile.load %q[%i, %c0, %c0] {tile.label = "q"} : memref<?x128x64xbf16> -> tensor<128x64xbf16>
    %o0 = arith.constant dense<0.0> : tensor<64x128xf32>
    %h0 = arith.constant dense<0.0> : tensor<64x64xf32>
    %r:2 = scf.for %t = %c0 to %rows step %c64 iter_args(%o = %o0, %h = %h0) -> (tensor<64x128xf32>, tensor<64x64xf32>) {
      %kt = tile.load %k[%t, %c0] {tile.label = "k"} : memref<?x64xbf16> -> tensor<64x64xbf16>
      %s = tile.dot %qt, %kt transpose_b {tile.label = "s"} : tensor<128x64xbf16>, tensor<64x64xbf16> -> tensor<128x64xf32>
      %p = arith.truncf %s {tile.label = "p"} : tensor<128x64xf32> to tensor<128x64xbf16>
      %o1 = tile.dot %kt, %p acc %o : tensor<64x128xf32> transpose_b {tile.label = "o"} : tensor<64x64xbf16>, tensor<128x64xbf16> -> tensor<64x128xf32>
      %g = tile.dot %kt, %kt transpose_b {tile.label = "g"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      %gb = arith.truncf %g {tile.label = "gb"} : tensor<64x64xf32> to tensor<64x64xbf16>
      %h1 = tile.dot %gb, %gb acc %h : tensor<64x64xf32> transpose_a {tile.label = "h"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      scf.yield %o1, %h1 : tensor<64x128xf32>, tensor<64x64xf32>
    }
    tile.store %r#0, %out[%i, %c0, %c0] {tile.label = "out"} : tensor<64x128xf32>, memref<?x64x128xf32>
    tile.store %r#1, %square[%i, %c0, %c0] {tile.label = "square"} : tensor<64x64xf32>, memref<?x64x64xf32>
  }
  return
}
