// REQUIRES: jit
// An output that two kernels write, each a part of its rows. The simulator checks after
// the last kernel that every element was written: of an odd number of rows the last one
// is not.
//
// RUN: mla-jit run %s --device=sim --seeds=4 --sizes n=6
// RUN: not mla-jit run %s --device=sim --sizes n=5 2>&1 | FileCheck %s
// CHECK: error: {{.*}}output 'y': no kernel writes element 256, counted in row-major order

#s = #mla.schedule<"s", roles = [<"all", warps = 4, registers = 64>],
  table = [<"y" in ["all"]>]>
func.func @even(%x: memref<?x64xf32> {mla.name = "x", mla.dims = ["n", ""]},
                %y: memref<?x64xf32> {mla.name = "y", mla.dims = ["n", ""]})
    attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %n = memref.dim %x, %c0 : memref<?x64xf32>
  %half = arith.divui %n, %c2 : index
  scf.forall (%i) in (%half) {
    %row = arith.muli %i, %c2 : index
    %v = tile.load %x[%row, %c0] {tile.label = "y"} : memref<?x64xf32> -> tensor<64xf32>
    tile.store %v, %y[%row, %c0] {tile.label = "y"} : tensor<64xf32>, memref<?x64xf32>
  }
  return
}

func.func @odd(%x: memref<?x64xf32> {mla.name = "x", mla.dims = ["n", ""]},
               %y: memref<?x64xf32> {mla.name = "y", mla.dims = ["n", ""]})
    attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %n = memref.dim %x, %c0 : memref<?x64xf32>
  %half = arith.divui %n, %c2 : index
  scf.forall (%i) in (%half) {
    %even = arith.muli %i, %c2 : index
    %row = arith.addi %even, %c1 : index
    %v = tile.load %x[%row, %c0] {tile.label = "y"} : memref<?x64xf32> -> tensor<64xf32>
    tile.store %v, %y[%row, %c0] {tile.label = "y"} : tensor<64xf32>, memref<?x64xf32>
  }
  return
}
