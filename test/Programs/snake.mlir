// REQUIRES: jit
// Output tiles that are dealt to the CTAs in a snake: the simulator, with 132 CTAs, refuses
// a program in which two of them write a tile, or none does. The turns: less than one,
// a whole one, two and a part, three and a part, in which the last ones have no tile.
//
// RUN: mla-jit run %s --device=sim --seeds=1 --sizes rows=1 --sizes rows=131 \
// RUN:   --sizes rows=132 --sizes rows=133 --sizes rows=263 --sizes rows=264 \
// RUN:   --sizes rows=300 --sizes rows=500 --sizes rows=528

#schedule = #mla.schedule<"s" after ["persist"], roles = [<"r", warps = 4, registers = 128>],
  table = [<"out" in ["r"]>]>

func.func @snake(
    %in: memref<?x64xf32, strided<[?, 1]>> {mla.name = "in", mla.dims = ["rows", ""]},
    %out: memref<?x64xf32, strided<[?, 1]>> {mla.name = "out", mla.dims = ["rows", ""]})
    attributes {mla.operator = "snake", mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %rows = memref.dim %in, %c0 : memref<?x64xf32, strided<[?, 1]>>
  scf.forall (%row) in (%rows) {
    %v = tile.load %in[%row, %c0] {tile.label = "out"} : memref<?x64xf32, strided<[?, 1]>> -> tensor<64xf32>
    tile.store %v, %out[%row, %c0] {tile.label = "out"} : tensor<64xf32>, memref<?x64xf32, strided<[?, 1]>>
  } {tile.longest_first}
  return
}
