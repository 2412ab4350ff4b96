// REQUIRES: jit
// Output tiles of which the first CTAs get two each, the others one: the simulator, with
// 132 SMs, refuses a program in which two CTAs write a tile, or none does. No chunks up to
// 1,057 tiles.
//
// RUN: mla-jit run %s --device=sim --seeds=1 --sizes rows=1 --sizes rows=133 \
// RUN:   --sizes rows=1056 --sizes rows=1057 --sizes rows=1058 --sizes rows=1059 \
// RUN:   --sizes rows=1060 --sizes rows=1061 --sizes rows=1300

#schedule = #mla.schedule<"s" after ["persist"], roles = [<"r", warps = 4, registers = 128>],
  table = [<"out" in ["r"]>]>

func.func @chunks(
    %in: memref<?x64xf32, strided<[?, 1]>> {mla.name = "in", mla.dims = ["rows", ""]},
    %out: memref<?x64xf32, strided<[?, 1]>> {mla.name = "out", mla.dims = ["rows", ""]})
    attributes {mla.operator = "chunks", mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %rows = memref.dim %in, %c0 : memref<?x64xf32, strided<[?, 1]>>
  scf.forall (%row) in (%rows) {
    %v = tile.load %in[%row, %c0] {tile.label = "out"} : memref<?x64xf32, strided<[?, 1]>> -> tensor<64xf32>
    tile.store %v, %out[%row, %c0] {tile.label = "out"} : tensor<64xf32>, memref<?x64xf32, strided<[?, 1]>>
  } {tile.longest_first}
  return
}
