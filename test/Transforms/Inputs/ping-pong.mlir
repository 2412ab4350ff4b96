// Two roles that exchange tiles through two rings.
#dense = #cta.shared_layout<swizzle = 0, rows = 64>
!v = !cta.ring<1x64xf32, #dense>
!vector = !cta.buffer<64xf32, #dense>

func.func @ping_pong(%x: tensor<64xf32, #cta.layout<row>>, %lb: index, %ub: index, %m: memref<64xf32>)
    attributes {cta.shared_bytes = 512 : i64} {
  %c0 = arith.constant 0 : index
  scf.forall (%t) in (8) {
    %a = cta.ring "ask" at 0 : !v
    %b = cta.ring "answer" at 256 : !v
    cta.role "left" warps 4 registers 128 {
      scf.for %i = %lb to %ub step %ub {
        %s = cta.acquire %a : !v
        cta.store_shared %x to %s : tensor<64xf32, #cta.layout<row>>, !vector
        %r = cta.await %b : !v
        %y = cta.load_shared %r : !vector -> tensor<64xf32, #cta.layout<row>>
        tile.store %y, %m[%c0] : tensor<64xf32, #cta.layout<row>>, memref<64xf32>
      }
    }
    cta.role "right" warps 4 registers 128 {
      scf.for %i = %lb to %ub step %ub {
        %r = cta.await %a : !v
        %y = cta.load_shared %r : !vector -> tensor<64xf32, #cta.layout<row>>
        %s = cta.acquire %b : !v
        cta.store_shared %y to %s : tensor<64xf32, #cta.layout<row>>, !vector
      }
    }
  }
  return
}
