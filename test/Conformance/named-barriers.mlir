// Two roles take turns at one buffer: named barriers, by sync and by arrival.
//
// Each is late once in every turn: it walks along the chain, which takes about
// 10 microseconds and leads back to 0, before it stores, or before it loads. So a
// role that does not wait finds the row before, or the next one.
//
// Anchored by: the order of the rows.

#dense = #cta.shared_layout<swizzle = 0, rows = 64>
!vec = !cta.buffer<64xf32, #dense>
!row = tensor<64xf32, #cta.layout<row>>
!col = tensor<64xf32, #cta.layout<column>>

func.func @named_barriers(%x: memref<?x64xf32> {mla.name = "x", mla.dims = ["rows", ""]},
                          %chain: memref<64xi32> {mla.name = "chain"},
                          %out: memref<?x64xf32> {mla.name = "out", mla.dims = ["rows", ""]})
    attributes {cta.shared_bytes = 256 : i64} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c512 = arith.constant 512 : index
  %n = memref.dim %x, %c0 : memref<?x64xf32>
  %last = arith.subi %n, %c1 : index
  scf.forall (%i) in (1) {
    %v = cta.buffer "v" at 0 : !vec
    %full = cta.named_barrier "full" id 1 threads 192
    %empty = cta.named_barrier "empty" id 15 threads 192
    cta.role "from" warps 4 registers 160 {
      scf.for %t = %c0 to %n step %c1 {
        %row = tile.load %x[%t, %c0] : memref<?x64xf32> -> !row
        cta.named_sync %empty
        %at = scf.for %s = %c0 to %c512 step %c1 iter_args(%j = %c0) -> index {
          %next = memref.load %chain[%j] : memref<64xi32>
          %k = arith.index_cast %next : i32 to index
          scf.yield %k : index
        }
        %zero = arith.index_cast %at : index to i32
        %f = arith.sitofp %zero : i32 to f32
        %late = tensor.splat %f : !row
        %y = arith.addf %row, %late : !row
        cta.store_shared %y to %v : !row, !vec
        cta.named_arrive %full
      }
    }
    cta.role "to" warps 2 registers 160 {
      cta.named_arrive %empty
      scf.for %t = %c0 to %n step %c1 {
        cta.named_sync %full
        %at = scf.for %s = %c0 to %c512 step %c1 iter_args(%j = %c0) -> index {
          %next = memref.load %chain[%j] : memref<64xi32>
          %k = arith.index_cast %next : i32 to index
          scf.yield %k : index
        }
        %zero = arith.index_cast %at : index to i32
        %f = arith.sitofp %zero : i32 to f32
        %late = tensor.splat %f : !col
        %y = cta.load_shared %v : !vec -> !col
        %more = arith.cmpi ult, %t, %last : index
        scf.if %more {
          cta.named_arrive %empty
        }
        %z = arith.addf %y, %late : !col
        tile.store %z, %out[%t, %c0] : !col, memref<?x64xf32>
      }
    }
  }
  return
}
