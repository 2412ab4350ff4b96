// mla-elide-barriers: an empty barrier is removed where another ring's barrier
// implies it.
// RUN: %mla-opt %s --mla-materialize-barriers --mla-elide-barriers --canonicalize --cse -split-input-file | FileCheck %s
// The verifier accepts such rings.
// RUN: %mla-opt %s --mla-materialize-barriers --mla-elide-barriers --canonicalize --cse --mla-verify-async -split-input-file | FileCheck %s --check-prefix=VERIFIED
// VERIFIED-COUNT-5: cta.verified
// The pass is idempotent.
// RUN: %mla-opt %s --mla-materialize-barriers --mla-elide-barriers --mla-elide-barriers --canonicalize --cse -split-input-file | FileCheck %s

#dense = #cta.shared_layout<swizzle = 0, rows = 64>
!v = !cta.ring<1x64xf32, #dense>
!vector = !cta.buffer<64xf32, #dense>

// Two roles exchange tiles: round n of "ask" is read before round n of "answer" is
// filled, and "ask" is refilled after "answer" is awaited; round n of "answer" is
// read before round n + 1 of "ask" is filled.
// CHECK-LABEL: func @ping_pong
// CHECK:         %[[ASK:.*]] = cta.ring "ask" at 0
// CHECK-NEXT:    %[[ANSWER:.*]] = cta.ring "answer" at 256
// CHECK-NEXT:    cta.mbarrier "ask.full" full(%[[ASK]] : {{.*}}) empty(%[[ANSWER]] : {{.*}}) distance [1] count 4
// CHECK-NEXT:    cta.mbarrier "answer.full" full(%[[ANSWER]] : {{.*}}) empty(%[[ASK]] : {{.*}}) distance [0] count 4
// CHECK-NOT:     cta.mbarrier "
// CHECK:         cta.role "left"
// CHECK:           scf.for
// CHECK-NEXT:        cta.slot
// CHECK-NEXT:        cta.store_shared
// CHECK-NEXT:        cta.arrive
// CHECK:             cta.mbarrier_wait
// CHECK-NEXT:        cta.slot
// CHECK-NEXT:        cta.load_shared
// CHECK-NOT:         cta.arrive
// CHECK:         cta.role "right"
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

// -----

#dense = #cta.shared_layout<swizzle = 0, rows = 64>
!v = !cta.ring<1x64xf32, #dense>
!vector = !cta.buffer<64xf32, #dense>

// "answer" is filled before "ask" is read, so it implies nothing.
// CHECK-LABEL: func @early_answer
// CHECK:         cta.mbarrier "ask.empty" empty(
func.func @early_answer(%x: tensor<64xf32, #cta.layout<row>>, %lb: index, %ub: index, %m: memref<64xf32>)
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
        %s = cta.acquire %b : !v
        cta.store_shared %x to %s : tensor<64xf32, #cta.layout<row>>, !vector
        %r = cta.await %a : !v
        %y = cta.load_shared %r : !vector -> tensor<64xf32, #cta.layout<row>>
        tile.store %y, %m[%c0] : tensor<64xf32, #cta.layout<row>>, memref<64xf32>
      }
    }
  }
  return
}

// -----

#dense = #cta.shared_layout<swizzle = 0, rows = 64>
!v = !cta.ring<1x64xf32, #dense>
!vector = !cta.buffer<64xf32, #dense>

// "answer" is awaited on one path only.
// CHECK-LABEL: func @sometimes
// CHECK:         cta.mbarrier "ask.empty" empty(
func.func @sometimes(%x: tensor<64xf32, #cta.layout<row>>, %lb: index, %ub: index, %c: i1, %m: memref<64xf32>)
    attributes {cta.shared_bytes = 512 : i64} {
  %c0 = arith.constant 0 : index
  scf.forall (%t) in (8) {
    %a = cta.ring "ask" at 0 : !v
    %b = cta.ring "answer" at 256 : !v
    cta.role "left" warps 4 registers 128 {
      scf.for %i = %lb to %ub step %ub {
        %s = cta.acquire %a : !v
        cta.store_shared %x to %s : tensor<64xf32, #cta.layout<row>>, !vector
        scf.if %c {
          %r = cta.await %b : !v
          %y = cta.load_shared %r : !vector -> tensor<64xf32, #cta.layout<row>>
          tile.store %y, %m[%c0] : tensor<64xf32, #cta.layout<row>>, memref<64xf32>
        }
      }
    }
    cta.role "right" warps 4 registers 128 {
      scf.for %i = %lb to %ub step %ub {
        %r = cta.await %a : !v
        %y = cta.load_shared %r : !vector -> tensor<64xf32, #cta.layout<row>>
        scf.if %c {
          %s = cta.acquire %b : !v
          cta.store_shared %y to %s : tensor<64xf32, #cta.layout<row>>, !vector
        }
      }
    }
  }
  return
}

// -----

#dense = #cta.shared_layout<swizzle = 0, rows = 64>
!v = !cta.ring<1x64xf32, #dense>
!vector = !cta.buffer<64xf32, #dense>

// Another role, which fills no ring, reads "ask" too.
// CHECK-LABEL: func @two_readers
// CHECK:         cta.mbarrier "ask.empty" empty(%{{.*}}) count 8
func.func @two_readers(%x: tensor<64xf32, #cta.layout<row>>, %lb: index, %ub: index, %m: memref<64xf32>)
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
    cta.role "other" warps 4 registers 128 {
      scf.for %i = %lb to %ub step %ub {
        %r = cta.await %a : !v
        %y = cta.load_shared %r : !vector -> tensor<64xf32, #cta.layout<row>>
        tile.store %y, %m[%c0] : tensor<64xf32, #cta.layout<row>>, memref<64xf32>
      }
    }
  }
  return
}

// -----

#dense = #cta.shared_layout<swizzle = 0, rows = 64>
!v = !cta.ring<1x64xf32, #dense>
!vector = !cta.buffer<64xf32, #dense>

// Two rings with the same name, distinguished by their barriers.
// CHECK-LABEL: func @one_name
// CHECK:         %[[ASK:.*]] = cta.ring "ask" at 0
// CHECK-NEXT:    %[[ANSWER:.*]] = cta.ring "answer" at 256
// CHECK-NEXT:    %[[OTHER:.*]] = cta.ring "ask" at 512
// CHECK-NEXT:    cta.mbarrier "ask.full" full(%[[ASK]] : {{.*}}) empty(%[[ANSWER]] : {{.*}}) distance [1] count 4 at 768
// CHECK-NEXT:    cta.mbarrier "answer.full" full(%[[ANSWER]] : {{.*}}) empty(%[[ASK]], %[[OTHER]] : {{.*}}) distance [0, 1] count 4 at 776
// CHECK-NEXT:    cta.mbarrier "ask.full" full(%[[OTHER]] : {{.*}}) count 4 at 784
// CHECK-NOT:     cta.mbarrier "
func.func @one_name(%x: tensor<64xf32, #cta.layout<row>>, %lb: index, %ub: index, %m: memref<64xf32>)
    attributes {cta.shared_bytes = 768 : i64} {
  %c0 = arith.constant 0 : index
  scf.forall (%t) in (8) {
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
