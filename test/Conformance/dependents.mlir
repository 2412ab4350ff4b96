// Two kernels, the second launched before the first is done: programmatic dependent
// launch.
//
// The first kernel lets the second start, and is late, by a walk along a chain that
// leads back to 0. Without its wait the second reads what nobody has written.
//
// Anchored by: the order of the kernels.

!row = tensor<64xf32, #cta.layout<row>>

func.func @first(%x: memref<?x64xf32> {mla.name = "x", mla.dims = ["rows", ""]},
                 %chain: memref<64xi32> {mla.name = "chain"},
                 %partial: memref<?x64xf32> {mla.name = "partial", mla.workspace, mla.dims = ["rows", ""]})
    attributes {cta.shared_bytes = 0 : i64} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c512 = arith.constant 512 : index
  %n = memref.dim %x, %c0 : memref<?x64xf32>
  scf.forall (%i) in (%n) {
    cta.role "one" warps 4 registers 160 {
      cta.launch_dependents
      %row = tile.load %x[%i, %c0] : memref<?x64xf32> -> !row
        %at = scf.for %s = %c0 to %c512 step %c1 iter_args(%j = %c0) -> index {
          %next = memref.load %chain[%j] : memref<64xi32>
          %k = arith.index_cast %next : i32 to index
          scf.yield %k : index
        }
        %zero = arith.index_cast %at : index to i32
        %f = arith.sitofp %zero : i32 to f32
      %late = tensor.splat %f : !row
      %y = arith.addf %row, %late : !row
      tile.store %y, %partial[%i, %c0] : !row, memref<?x64xf32>
    }
  }
  return
}

func.func @second(%partial: memref<?x64xf32> {mla.name = "partial", mla.workspace, mla.dims = ["rows", ""]},
                  %out: memref<?x64xf32> {mla.name = "out", mla.dims = ["rows", ""]})
    attributes {cta.shared_bytes = 0 : i64} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = memref.dim %out, %c0 : memref<?x64xf32>
  %last = arith.subi %n, %c1 : index
  scf.forall (%i) in (%n) {
    cta.launch_wait
    cta.role "one" warps 4 registers 160 {
      %from = arith.subi %last, %i : index
      %y = tile.load %partial[%from, %c0] : memref<?x64xf32> -> !row
      %two = arith.addf %y, %y : !row
      tile.store %two, %out[%i, %c0] : !row, memref<?x64xf32>
    }
  }
  return
}
