// A slot with four fills, of three kinds, from two roles, one of which reads it too:
// the input of verify-async-fills.mlir.

#swizzled = #cta.shared_layout<swizzle = 128, rows = 64>
!k = !cta.ring<2x64x64xbf16, #swizzled>
!slot = !cta.buffer<64x64xbf16, #swizzled>
!quarter = !cta.buffer<16x64xbf16, #swizzled>
!acc = tensor<64x64xf32, #cta.layout<acc>>
!x = tensor<16x64xbf16, #cta.layout<acc>>
!rows = tensor<16xi32, #cta.layout<gather>>

func.func @fills(%m: memref<?x64xbf16>, %x: !x, %rows: !rows, %n: index)
    attributes {cta.shared_bytes = 16384 : i64} {
  %map = cta.tensor_map %m box [16, 64] swizzle 128 : memref<?x64xbf16>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.forall (%t) in (8) {
    %k = cta.ring "k" at 0 : !k
    cta.role "load" warps 1 registers 24 {
      scf.for %i = %c0 to %n step %c1 {
        %s = cta.acquire %k : !k
        %s0 = cta.view %s [0, 0] : !slot -> !quarter
        %s1 = cta.view %s [16, 0] : !slot -> !quarter
        cta.copy_async %m[%i, %c0] to %s0 map %map : memref<?x64xbf16>, !quarter
        cta.copy_async %m[%i, %c0] to %s1 map %map : memref<?x64xbf16>, !quarter
      }
    }
    cta.role "math" warps 4 registers 216 {
      scf.for %i = %c0 to %n step %c1 {
        %s = cta.acquire %k : !k
        %s2 = cta.view %s [32, 0] : !slot -> !quarter
        %s3 = cta.view %s [48, 0] : !slot -> !quarter
        cta.store_shared %x to %s2 : !x, !quarter
        cta.gather_async %m[%rows][%c0] to %s3 : memref<?x64xbf16>, !rows, !quarter
        %r = cta.await %k : !k
        %a = cta.mma_async %r, %r transpose_b : !slot, !slot -> !cta.in_flight<!acc>
        %0 = cta.mma_wait %a : !cta.in_flight<!acc>
      }
    }
  }
  return
}
