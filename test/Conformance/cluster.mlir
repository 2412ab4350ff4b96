// Clusters of two CTAs, each of which reads the row that the other has written:
// the number in the cluster, and its barrier.
//
// The CTA of rank 0 is late, by a walk along a chain that leads back to 0. Without
// the barrier the other one reads what nobody has written.
//
// Anchored by: the order of the rows.

!row = tensor<64xf32, #cta.layout<row>>

func.func @cluster(%x: memref<?x64xf32> {mla.name = "x", mla.dims = ["ctas", ""]},
                   %chain: memref<64xi32> {mla.name = "chain"},
                   %own: memref<?x64xf32> {mla.name = "own", mla.dims = ["ctas", ""]},
                   %out: memref<?x64xf32> {mla.name = "out", mla.dims = ["ctas", ""]})
    attributes {cta.cluster = array<i64: 2>, cta.shared_bytes = 0 : i64} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c512 = arith.constant 512 : index
  %i0 = arith.constant 0 : i32
  %n = memref.dim %x, %c0 : memref<?x64xf32>
  scf.forall (%i) in (%n) {
    cta.role "one" warps 4 registers 160 {
      %rank = cta.cluster_rank
      %row = tile.load %x[%i, %c0] : memref<?x64xf32> -> !row
      %first = arith.cmpi eq, %rank, %i0 : i32
      %steps = arith.select %first, %c512, %c0 : index
        %at = scf.for %s = %c0 to %steps step %c1 iter_args(%j = %c0) -> index {
          %next = memref.load %chain[%j] : memref<64xi32>
          %k = arith.index_cast %next : i32 to index
          scf.yield %k : index
        }
        %zero = arith.index_cast %at : index to i32
        %f = arith.sitofp %zero : i32 to f32
      %late = tensor.splat %f : !row
      %y = arith.addf %row, %late : !row
      tile.store %y, %own[%i, %c0] : !row, memref<?x64xf32>
      cta.cluster_arrive
      cta.cluster_wait
      %me = arith.index_cast %rank : i32 to index
      %begin = arith.subi %i, %me : index
      %other = arith.subi %c1, %me : index
      %peer = arith.addi %begin, %other : index
      %z = tile.load %own[%peer, %c0] : memref<?x64xf32> -> !row
      tile.store %z, %out[%i, %c0] : !row, memref<?x64xf32>
    }
  }
  return
}
