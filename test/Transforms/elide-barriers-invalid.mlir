// Two rings of one name have the same barriers: --mla-elide-barriers takes them
// away once, and --mla-verify-async refuses such a program.
// RUN: %mla-opt %s --mla-materialize-barriers --mla-elide-barriers --mla-verify-async -verify-diagnostics

#dense = #cta.shared_layout<swizzle = 0, rows = 64>
!v = !cta.ring<1x64xf32, #dense>
!vector = !cta.buffer<64xf32, #dense>

func.func @one_name(%x: tensor<64xf32, #cta.layout<row>>, %lb: index, %ub: index, %m: memref<64xf32>)
    attributes {cta.shared_bytes = 768 : i64} {
  %c0 = arith.constant 0 : index
  scf.forall (%t) in (8) {
    // expected-error @below {{frees nothing: the place is free when answer is full}}
    %a = cta.ring "ask" at 0 : !v
    %b = cta.ring "answer" at 256 : !v
    %c = cta.ring "ask" at 512 : !v
    cta.role "left" warps 4 registers 128 {
      scf.for %i = %lb to %ub step %ub {
        %s = cta.acquire %a : !v
        cta.store_shared %x to %s : tensor<64xf32, #cta.layout<row>>, !vector
        %r = cta.await %b : !v
        %y = cta.load_shared %r : !vector -> tensor<64xf32, #cta.layout<row>>
        tile.store %y, %m[%c0] : tensor<64xf32, #cta.layout<row>>, memref<64xf32>
        %s2 = cta.acquire %c : !v
        cta.store_shared %x to %s2 : tensor<64xf32, #cta.layout<row>>, !vector
      }
    }
    cta.role "right" warps 4 registers 128 {
      scf.for %i = %lb to %ub step %ub {
        %r = cta.await %a : !v
        %y = cta.load_shared %r : !vector -> tensor<64xf32, #cta.layout<row>>
        %s = cta.acquire %b : !v
        cta.store_shared %y to %s : tensor<64xf32, #cta.layout<row>>, !vector
        %r2 = cta.await %c : !v
        %y2 = cta.load_shared %r2 : !vector -> tensor<64xf32, #cta.layout<row>>
        tile.store %y2, %m[%c0] : tensor<64xf32, #cta.layout<row>>, memref<64xf32>
      }
    }
  }
  return
}
