// mla-materialize-barriers: every ring slot gets a full and an empty mbarrier.
// Acquire and await become waits whose slot and parity are computed from a count,
// fills become arrivals, and releases follow the last reader.
// RUN: %mla-opt %s --mla-materialize-barriers -allow-unregistered-dialect -split-input-file | FileCheck %s

#swizzled = #cta.shared_layout<swizzle = 128, rows = 64>
#dense = #cta.shared_layout<swizzle = 0, rows = 64>
!q = !cta.ring<1x64x64xbf16, #swizzled>
!k = !cta.ring<2x64x64xbf16, #swizzled>
!v = !cta.ring<1x64xf32, #dense>
!slot = !cta.buffer<64x64xbf16, #swizzled>
!vector = !cta.buffer<64xf32, #dense>

// Arrivals per phase: one for TMA copies, one per thread for gathers, one per warp
// for stores; one per warp of each reading role. Barriers have 8 bytes and follow
// the tiles.
// CHECK-LABEL: func @counts
// CHECK-SAME:    cta.shared_bytes = 24896
// CHECK:         %[[Q:.*]] = cta.ring "q"
// CHECK-NEXT:    %[[K:.*]] = cta.ring "k"
// CHECK-NEXT:    %[[V:.*]] = cta.ring "v"
// CHECK-NEXT:    %[[QF:.*]] = cta.mbarrier "q.full" full(%[[Q]] : {{.*}}) count 1 bytes 8192 at 24832 : !cta.mbarrier<1>
// CHECK-NEXT:    %[[QE:.*]] = cta.mbarrier "q.empty" empty(%[[Q]] : {{.*}}) count 4 at 24840 : !cta.mbarrier<1>
// CHECK-NEXT:    %[[KF:.*]] = cta.mbarrier "k.full" full(%[[K]] : {{.*}}) count 128 at 24848 : !cta.mbarrier<2>
// CHECK-NEXT:    %[[KE:.*]] = cta.mbarrier "k.empty" empty(%[[K]] : {{.*}}) count 6 at 24864 : !cta.mbarrier<2>
// CHECK-NEXT:    %[[VF:.*]] = cta.mbarrier "v.full" full(%[[V]] : {{.*}}) count 4 at 24880 : !cta.mbarrier<1>
// CHECK-NEXT:    %[[VE:.*]] = cta.mbarrier "v.empty" empty(%[[V]] : {{.*}}) count 2 at 24888 : !cta.mbarrier<1>
// CHECK-COUNT-6: cta.mbarrier_init %
// CHECK-NEXT:    cta.mbarrier_init_fence
// CHECK-NEXT:    cta.sync
// CHECK:         cta.role "load"
// TMA copy: the role arrives with the expected bytes first.
// CHECK:           cta.mbarrier_wait %[[QE]][%[[QI:.*]]] parity
// CHECK-NEXT:      %[[QS:.*]] = cta.slot %[[Q]][%[[QI]]]
// CHECK-NEXT:      cta.arrive_expect %[[QF]][%[[QI]]] bytes 8192
// CHECK-NEXT:      cta.copy_async {{.*}} to %[[QS]] signals %[[QF]][%[[QI]]]
// Gather: each thread arrives when its copies have completed.
// CHECK:           cta.mbarrier_wait %[[KE]][%[[KI:.*]]] parity
// CHECK-NEXT:      %[[KS:.*]] = cta.slot %[[K]][%[[KI]]]
// CHECK-NEXT:      cta.gather_async {{.*}} to %[[KS]]
// CHECK-NEXT:      cta.arrive_copies %[[KF]][%[[KI]]]
// Store: each warp arrives after it.
// CHECK:           cta.mbarrier_wait %[[VE]][%[[VI:.*]]] parity
// CHECK-NEXT:      %[[VS:.*]] = cta.slot %[[V]][%[[VI]]]
// CHECK-NEXT:      cta.store_shared %{{.*}} to %[[VS]]
// CHECK-NEXT:      cta.arrive %[[VF]][%[[VI]]]
// CHECK:         cta.role "math"
// CHECK:           cta.mbarrier_wait %[[QF]]
// CHECK:           cta.mbarrier_wait %[[KF]]
// CHECK:           cta.mma_wait
// CHECK-DAG:       cta.arrive %[[QE]]
// CHECK-DAG:       cta.arrive %[[KE]]
// CHECK:         cta.role "small"
// CHECK:           cta.mbarrier_wait %[[KF]]
// CHECK:           cta.load_shared
// CHECK:           cta.arrive %[[KE]]
// CHECK:           cta.mbarrier_wait %[[VF]]
// CHECK:           cta.load_shared
// CHECK:           cta.arrive %[[VE]]
func.func @counts(%m: memref<?x64xbf16>, %rows: tensor<64xi32, #cta.layout<gather>>,
                  %x: tensor<64xf32>) attributes {cta.shared_bytes = 24832 : i64} {
  %c0 = arith.constant 0 : index
  scf.forall (%t) in (8) {
    %q = cta.ring "q" at 0 : !q
    %k = cta.ring "k" at 8192 : !k
    %v = cta.ring "v" at 24576 : !v
    cta.role "load" warps 4 registers 40 {
      %qs = cta.acquire %q : !q
      cta.copy_async %m[%t, %c0] to %qs : memref<?x64xbf16>, !slot
      %ks = cta.acquire %k : !k
      cta.gather_async %m[%rows][%c0] to %ks
          : memref<?x64xbf16>, tensor<64xi32, #cta.layout<gather>>, !slot
      %vs = cta.acquire %v : !v
      cta.store_shared %x to %vs : tensor<64xf32>, !vector
    }
    cta.role "math" warps 4 registers 216 {
      %qs = cta.await %q : !q
      %ks = cta.await %k : !k
      %s = cta.mma_async %qs, %ks transpose_b : !slot, !slot
          -> !cta.in_flight<tensor<64x64xf32>>
      %r = cta.mma_wait %s : !cta.in_flight<tensor<64x64xf32>>
    }
    cta.role "small" warps 2 registers 40 {
      %ks = cta.await %k : !k
      %y = cta.load_shared %ks : !slot -> tensor<64x64xbf16>
      %vs = cta.await %v : !v
      %z = cta.load_shared %vs : !vector -> tensor<64xf32>
    }
  }
  return
}

// -----

#dense = #cta.shared_layout<swizzle = 0, rows = 64>
!v = !cta.ring<3x64xf32, #dense>
!vector = !cta.buffer<64xf32, #dense>

// slot = count mod depth, parity = count / depth mod 2, one phase earlier for the
// writer. The loop carries the count, which continues after it.
// CHECK-LABEL: func @slot_and_parity
// CHECK:         cta.role "write"
// CHECK:           %[[ZERO:.*]] = arith.constant 0 : i32
// CHECK:           %[[END:.*]] = scf.for {{.*}} iter_args(%[[N:.*]] = %[[ZERO]]) -> (i32)
// CHECK-DAG:         %[[I:.*]] = arith.remui %[[N]], %{{.*}} : i32
// CHECK-DAG:         %[[ROUND:.*]] = arith.divui %[[N]], %{{.*}} : i32
// CHECK-DAG:         %[[BEFORE:.*]] = arith.addi %[[ROUND]], %{{.*}} : i32
// CHECK-DAG:         %[[P:.*]] = arith.andi %[[BEFORE]], %{{.*}} : i32
// CHECK:             cta.mbarrier_wait %{{.*}}[%[[I]]] parity %[[P]]
// CHECK:             %[[NEXT:.*]] = arith.addi %[[N]], %{{.*}} : i32
// CHECK:             scf.yield %[[NEXT]] : i32
// CHECK:           arith.remui %[[END]]
// Waits and releases of a slot advance together: one count.
// CHECK:         cta.role "read"
// CHECK:           scf.for {{.*}} iter_args(%[[W:.*]] = %{{.*}}) -> (i32)
// CHECK-DAG:         %[[I:.*]] = arith.remui %[[W]], %{{.*}} : i32
// CHECK-DAG:         %[[ROUND:.*]] = arith.divui %[[W]], %{{.*}} : i32
// CHECK-DAG:         %[[P:.*]] = arith.andi %[[ROUND]], %{{.*}} : i32
// CHECK:             cta.mbarrier_wait %{{.*}}[%[[I]]] parity %[[P]]
// CHECK:             cta.load_shared
// CHECK:             %[[RI:.*]] = arith.remui %[[W]], %{{.*}} : i32
// CHECK:             cta.arrive %{{.*}}[%[[RI]]]
func.func @slot_and_parity(%x: tensor<64xf32>, %lb: index, %ub: index)
    attributes {cta.shared_bytes = 768 : i64} {
  scf.forall (%t) in (8) {
    %v = cta.ring "v" at 0 : !v
    cta.role "write" warps 4 registers 40 {
      scf.for %i = %lb to %ub step %ub {
        %s = cta.acquire %v : !v
        cta.store_shared %x to %s : tensor<64xf32>, !vector
      }
      %s = cta.acquire %v : !v
      cta.store_shared %x to %s : tensor<64xf32>, !vector
    }
    cta.role "read" warps 4 registers 40 {
      scf.for %i = %lb to %ub step %ub {
        %s = cta.await %v : !v
        %y = cta.load_shared %s : !vector -> tensor<64xf32>
      }
      %s = cta.await %v : !v
      %y = cta.load_shared %s : !vector -> tensor<64xf32>
    }
  }
  return
}

// -----

#dense = #cta.shared_layout<swizzle = 0, rows = 64>
!v = !cta.ring<2x64xf32, #dense>
!vector = !cta.buffer<64xf32, #dense>

// A branch that reads nothing does not change the count.
// CHECK-LABEL: func @branch
// CHECK:         cta.role "read"
// CHECK:           scf.if %{{.*}} -> (i32) {
// CHECK:             cta.mbarrier_wait
// CHECK:           } else {
// CHECK-NEXT:        scf.yield %{{.*}} : i32
// CHECK:           }
func.func @branch(%x: tensor<64xf32>, %cond: i1) attributes {cta.shared_bytes = 512 : i64} {
  scf.forall (%t) in (8) {
    %v = cta.ring "v" at 0 : !v
    cta.role "write" warps 4 registers 40 {
      scf.if %cond {
        %s = cta.acquire %v : !v
        cta.store_shared %x to %s : tensor<64xf32>, !vector
      }
    }
    cta.role "read" warps 4 registers 40 {
      scf.if %cond {
        %s = cta.await %v : !v
        %y = cta.load_shared %s : !vector -> tensor<64xf32>
      }
    }
  }
  return
}

// -----

#swizzled = #cta.shared_layout<swizzle = 128, rows = 64>
!k = !cta.ring<2x64x64xbf16, #swizzled>
!slot = !cta.buffer<64x64xbf16, #swizzled>
!flight = !cta.in_flight<tensor<64x64xf32>>

// The last reader of a slot is the MMA whose wait comes last: here the second, which
// reads through a view, although the first was issued later.
// CHECK-LABEL: func @last_reader
// CHECK:         cta.role "math"
// CHECK:           %[[A:.*]] = cta.mma_async
// CHECK:           %[[B:.*]] = cta.mma_async
// CHECK:           cta.mma_wait %[[A]]
// CHECK-NOT:       cta.arrive
// CHECK:           cta.mma_wait %[[B]]
// CHECK:           cta.arrive
// CHECK-NOT:       cta.arrive
// CHECK:         return
func.func @last_reader(%m: memref<?x64xbf16>, %p: tensor<64x64xbf16>)
    attributes {cta.shared_bytes = 16384 : i64} {
  %c0 = arith.constant 0 : index
  scf.forall (%t) in (8) {
    %k = cta.ring "k" at 0 : !k
    cta.role "load" warps 4 registers 40 {
      %s = cta.acquire %k : !k
      cta.copy_async %m[%t, %c0] to %s : memref<?x64xbf16>, !slot
    }
    cta.role "math" warps 4 registers 216 {
      %s = cta.await %k : !k
      %a = cta.mma_async %s, %s transpose_b : !slot, !slot -> !flight
      %h = cta.view %s [0, 0] : !slot -> !slot
      %b = cta.mma_async %p, %h : tensor<64x64xbf16>, !slot -> !flight
      %0 = cta.mma_wait %a : !flight
      %1 = cta.mma_wait %b : !flight
    }
  }
  return
}

// -----

#swizzled = #cta.shared_layout<swizzle = 128, rows = 64>
!k = !cta.ring<2x64x64xbf16, #swizzled>
!slot = !cta.buffer<64x64xbf16, #swizzled>
!flight = !cta.in_flight<tensor<64x64xf32>>

// An MMA that is awaited in the next iteration holds its slot until then: the
// release follows the wait of the carried MMA in the loop, and the wait after the
// loop. Releases are one behind the waits, and share their count.
// CHECK-LABEL: func @later_iteration
// CHECK:         cta.role "math"
// CHECK:           cta.mbarrier_wait
// CHECK:           %[[O0:.*]] = cta.mma_async
// CHECK-NOT:       cta.arrive
// CHECK:           %[[R:.*]]:2 = scf.for {{.*}} iter_args(%[[O:.*]] = %[[O0]], %[[C:.*]] = %{{.*}}) -> (!cta.in_flight<{{.*}}>, i32)
// CHECK:             %[[W:.*]] = arith.addi %[[C]], %{{.*}} : i32
// CHECK:             %[[WI:.*]] = arith.remui %[[W]]
// CHECK:             cta.mbarrier_wait %{{.*}}[%[[WI]]]
// CHECK:             %[[S:.*]] = cta.mma_async {{.*}} transpose_b
// CHECK:             cta.mma_wait %[[O]]
// CHECK:             %[[FI:.*]] = arith.remui %[[C]]
// CHECK:             cta.arrive %{{.*}}[%[[FI]]]
// CHECK:             cta.mma_wait %[[S]]
// CHECK-NOT:         cta.arrive
// CHECK:             scf.yield
// CHECK:           cta.mma_wait %[[R]]#0
// CHECK:           %[[LI:.*]] = arith.remui %[[R]]#1
// CHECK:           cta.arrive %{{.*}}[%[[LI]]]
// CHECK-NOT:       cta.arrive
// CHECK:         return
func.func @later_iteration(%m: memref<?x64xbf16>, %p: tensor<64x64xbf16>, %lb: index, %ub: index)
    attributes {cta.shared_bytes = 16384 : i64} {
  %c0 = arith.constant 0 : index
  scf.forall (%t) in (8) {
    %k = cta.ring "k" at 0 : !k
    cta.role "load" warps 4 registers 40 {
      scf.for %i = %lb to %ub step %ub {
        %s = cta.acquire %k : !k
        cta.copy_async %m[%t, %c0] to %s : memref<?x64xbf16>, !slot
      }
    }
    cta.role "math" warps 4 registers 216 {
      %k0 = cta.await %k : !k
      %first = cta.mma_async %p, %k0 : tensor<64x64xbf16>, !slot -> !flight
      %last = scf.for %i = %lb to %ub step %ub iter_args(%o = %first) -> !flight {
        %s = cta.await %k : !k
        %a = cta.mma_async %s, %s transpose_b : !slot, !slot -> !flight
        %0 = cta.mma_wait %o : !flight
        %1 = cta.mma_wait %a : !flight
        %b = cta.mma_async %p, %s acc %0 : tensor<64x64xf32> : tensor<64x64xbf16>, !slot -> !flight
        scf.yield %b : !flight
      }
      %2 = cta.mma_wait %last : !flight
    }
  }
  return
}

// -----

#swizzled = #cta.shared_layout<swizzle = 128, rows = 64>
!k = !cta.ring<2x64x64xbf16, #swizzled>
!slot = !cta.buffer<64x64xbf16, #swizzled>
!flight = !cta.in_flight<tensor<64x64xf32>>

// A slot that is carried to the next iteration is released there, after its reader,
// and after the loop.
// CHECK-LABEL: func @carried_slot
// CHECK:         cta.role "math"
// CHECK:           cta.mbarrier_wait
// CHECK:           %[[S0:.*]] = cta.slot
// CHECK-NOT:       cta.arrive
// CHECK:           %[[R:.*]]:2 = scf.for {{.*}} iter_args(%[[S:.*]] = %[[S0]],
// CHECK:             %[[A:.*]] = cta.mma_async %{{.*}}, %[[S]]
// CHECK:             cta.mbarrier_wait
// CHECK:             cta.mma_wait %[[A]]
// CHECK:             cta.arrive
// CHECK-NOT:         cta.arrive
// CHECK:             scf.yield
// CHECK:           %[[B:.*]] = cta.mma_async %{{.*}}, %[[R]]#0
// CHECK:           cta.mma_wait %[[B]]
// CHECK:           cta.arrive
// CHECK-NOT:       cta.arrive
// CHECK:         return
func.func @carried_slot(%m: memref<?x64xbf16>, %p: tensor<64x64xbf16>, %lb: index, %ub: index)
    attributes {cta.shared_bytes = 16384 : i64} {
  %c0 = arith.constant 0 : index
  scf.forall (%t) in (8) {
    %k = cta.ring "k" at 0 : !k
    cta.role "load" warps 4 registers 40 {
      scf.for %i = %lb to %ub step %ub {
        %s = cta.acquire %k : !k
        cta.copy_async %m[%t, %c0] to %s : memref<?x64xbf16>, !slot
      }
    }
    cta.role "math" warps 4 registers 216 {
      %k0 = cta.await %k : !k
      %last = scf.for %i = %lb to %ub step %ub iter_args(%s = %k0) -> !slot {
        %a = cta.mma_async %p, %s : tensor<64x64xbf16>, !slot -> !flight
        %next = cta.await %k : !k
        %0 = cta.mma_wait %a : !flight
        scf.yield %next : !slot
      }
      %b = cta.mma_async %p, %last : tensor<64x64xbf16>, !slot -> !flight
      %1 = cta.mma_wait %b : !flight
    }
  }
  return
}

// -----

#swizzled = #cta.shared_layout<swizzle = 128, rows = 64>
!k = !cta.ring<1x64x128xbf16, #swizzled>
!p = !cta.ring<1x64x64xbf16, #swizzled>
!kslot = !cta.buffer<64x128xbf16, #swizzled>
!slot = !cta.buffer<64x64xbf16, #swizzled>
!flight = !cta.in_flight<tensor<64x64xf32>>

// A ring that aliases another has only a full mbarrier. Its writer waits only for
// the slot of the ring below, and its reader arrives only for that slot.
// CHECK-LABEL: func @over
// CHECK-SAME:    cta.shared_bytes = 16408
// CHECK:         %[[K:.*]] = cta.ring "k" at 0
// CHECK-NEXT:    %[[P:.*]] = cta.ring "p" at 8192 aliases(%[[K]] : {{.*}})
// CHECK-NEXT:    %[[KF:.*]] = cta.mbarrier "k.full" full(%[[K]] : {{.*}}) count 1 bytes 16384 at 16384 : !cta.mbarrier<1>
// CHECK-NEXT:    %[[KE:.*]] = cta.mbarrier "k.empty" empty(%[[K]] : {{.*}}) count 8 at 16392 : !cta.mbarrier<1>
// CHECK-NEXT:    %[[PF:.*]] = cta.mbarrier "p.full" full(%[[P]] : {{.*}}) count 4 at 16400 : !cta.mbarrier<1>
// CHECK-NOT:     cta.mbarrier "
// CHECK:         cta.mbarrier_init %[[KF]]
// CHECK-NEXT:    cta.mbarrier_init %[[KE]]
// CHECK-NEXT:    cta.mbarrier_init %[[PF]]
// CHECK-NEXT:    cta.mbarrier_init_fence
// CHECK:         cta.role "math"
// CHECK:           cta.mbarrier_wait %[[KF]]
// CHECK:           cta.mma_wait
// CHECK-NOT:       cta.mbarrier_wait
// CHECK:           cta.arrive %[[KE]]
// CHECK-NOT:       cta.mbarrier_wait
// CHECK:           %[[S:.*]] = cta.slot %[[P]][%[[I:.*]]]
// CHECK-NEXT:      cta.store_shared %{{.*}} to %[[S]]
// CHECK-NEXT:      cta.arrive %[[PF]][%[[I]]]
// CHECK-NOT:       cta.arrive
// CHECK-NOT:       cta.mbarrier_wait
// CHECK:         cta.role "out"
// CHECK:           cta.mbarrier_wait %[[PF]]
// CHECK-NEXT:      cta.slot %[[P]]
// CHECK:           cta.mma_wait
// CHECK-NOT:       cta.arrive
// CHECK:           cta.arrive %[[KE]]
// CHECK-NOT:       cta.arrive
// CHECK-NOT:       cta.release
// CHECK:         return
func.func @over(%m: memref<?x128xbf16>, %x: tensor<64x64xbf16>, %n: index)
    attributes {cta.shared_bytes = 16384 : i64} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.forall (%t) in (8) {
    %k = cta.ring "k" at 0 : !k
    %p = cta.ring "p" at 8192 aliases(%k : !k) : !p
    cta.role "load" warps 1 registers 24 {
      scf.for %i = %c0 to %n step %c1 {
        %s = cta.acquire %k : !k
        cta.copy_async %m[%i, %c0] to %s : memref<?x128xbf16>, !kslot
      }
    }
    cta.role "math" warps 4 registers 216 {
      scf.for %i = %c0 to %n step %c1 {
        %s = cta.await %k : !k
        %a = cta.mma_async %s, %s transpose_b : !kslot, !kslot -> !flight
        %0 = cta.mma_wait %a : !flight
        %u = cta.acquire %p : !p
        cta.store_shared %x to %u : tensor<64x64xbf16>, !slot
      }
    }
    cta.role "out" warps 4 registers 216 {
      scf.for %i = %c0 to %n step %c1 {
        %u = cta.await %p : !p
        %s = cta.await %k : !k
        %l = cta.view %s [0, 0] : !kslot -> !slot
        %a = cta.mma_async %u, %l : !slot, !slot -> !flight
        %0 = cta.mma_wait %a : !flight
      }
    }
  }
  return
}

// -----

#dense = #cta.shared_layout<swizzle = 0, rows = 64>
!v = !cta.ring<2x64xf32, #dense>
!vector = !cta.buffer<64xf32, #dense>

// Counts that advance together are carried as one, even if one is a round ahead. A
// ring that is used only in the inner loop has a count of its own.
// CHECK-LABEL: func @together
// CHECK:         cta.role "read"
// CHECK:           scf.for {{.*}} iter_args(%[[A:.*]] = %{{.*}}, %[[B:.*]] = %{{.*}}) -> (i32, i32)
// CHECK:             scf.for {{.*}} iter_args(%[[C:.*]] = %[[B]]) -> (i32)
// CHECK:               arith.remui %[[C]]
func.func @together(%x: tensor<64xf32>, %lb: index, %ub: index)
    attributes {cta.shared_bytes = 1536 : i64} {
  scf.forall (%t) in (8) {
    %a = cta.ring "a" at 0 : !v
    %b = cta.ring "b" at 512 : !v
    %c = cta.ring "c" at 1024 : !v
    cta.role "write" warps 4 registers 40 {
      %s0 = cta.acquire %b : !v
      cta.store_shared %x to %s0 : tensor<64xf32>, !vector
      scf.for %i = %lb to %ub step %ub {
        %s = cta.acquire %a : !v
        cta.store_shared %x to %s : tensor<64xf32>, !vector
        %s1 = cta.acquire %b : !v
        cta.store_shared %x to %s1 : tensor<64xf32>, !vector
        scf.for %j = %lb to %ub step %ub {
          %s2 = cta.acquire %c : !v
          cta.store_shared %x to %s2 : tensor<64xf32>, !vector
        }
      }
    }
    cta.role "read" warps 4 registers 40 {
      %s0 = cta.await %b : !v
      %y0 = cta.load_shared %s0 : !vector -> tensor<64xf32>
      scf.for %i = %lb to %ub step %ub {
        %s = cta.await %a : !v
        %y = cta.load_shared %s : !vector -> tensor<64xf32>
        %s1 = cta.await %b : !v
        %y1 = cta.load_shared %s1 : !vector -> tensor<64xf32>
        scf.for %j = %lb to %ub step %ub {
          %s2 = cta.await %c : !v
          %y2 = cta.load_shared %s2 : !vector -> tensor<64xf32>
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

// If the last reader is in a branch, the slot is released there, and at the
// beginning of the other branch.
// CHECK-LABEL: func @in_branches
// CHECK:         cta.role "read"
// CHECK:           cta.mbarrier_wait
// CHECK:           scf.if
// CHECK:             cta.load_shared
// CHECK:             cta.arrive
// CHECK:             "test.work"
// CHECK:           } else {
// CHECK:             cta.arrive
// CHECK:             "test.work"
// CHECK:           }
// CHECK-NOT:       cta.arrive
// CHECK:         return
func.func @in_branches(%x: tensor<64xf32>, %cond: i1) attributes {cta.shared_bytes = 256 : i64} {
  scf.forall (%t) in (8) {
    %v = cta.ring "v" at 0 : !v
    cta.role "write" warps 4 registers 40 {
      %s = cta.acquire %v : !v
      cta.store_shared %x to %s : tensor<64xf32>, !vector
    }
    cta.role "read" warps 4 registers 40 {
      %s = cta.await %v : !v
      scf.if %cond {
        %y = cta.load_shared %s : !vector -> tensor<64xf32>
        "test.work"() : () -> ()
      } else {
        "test.work"() : () -> ()
      }
    }
  }
  return
}

// -----

#swizzled = #cta.shared_layout<swizzle = 128, rows = 64>
!k = !cta.ring<1x64x64xbf16, #swizzled>
!slot = !cta.buffer<64x64xbf16, #swizzled>
!quarter = !cta.buffer<16x64xbf16, #swizzled>
!half = !cta.buffer<32x64xbf16, #swizzled>

// A slot with four fills of three kinds from two roles. Its full mbarrier declares
// one arrival and the bytes of two TMA copies, one arrival per thread for the
// gather, and one per warp for the store. A role arrives with all expected bytes
// before its first copy.
// CHECK-LABEL: func @fills
// CHECK:         %[[K:.*]] = cta.ring "k"
// CHECK-NEXT:    %[[F:.*]] = cta.mbarrier "k.full" full(%[[K]] : {{.*}}) count 133 bytes 4096 at 8192
// CHECK-NEXT:    %[[E:.*]] = cta.mbarrier "k.empty" empty(%[[K]] : {{.*}}) count 4 at 8200
// CHECK:         cta.role "load"
// CHECK:           cta.mbarrier_wait %[[E]]
// CHECK:           cta.arrive_expect %[[F]][%{{.*}}] bytes 4096
// CHECK-NEXT:      cta.copy_async {{.*}} signals %[[F]]
// CHECK-NEXT:      cta.copy_async {{.*}} signals %[[F]]
// CHECK-NOT:       cta.arrive
// CHECK:         cta.role "math"
// CHECK:           cta.mbarrier_wait %[[E]]
// CHECK:           cta.store_shared
// CHECK-NEXT:      cta.arrive %[[F]]
// CHECK-NEXT:      cta.gather_async
// CHECK-NEXT:      cta.arrive_copies %[[F]]
// CHECK:           cta.mbarrier_wait %[[F]]
// CHECK-NEXT:      cta.slot
// CHECK:           cta.mma_wait
// CHECK:           cta.arrive %[[E]]
func.func @fills(%m: memref<?x64xbf16>, %x: tensor<16x64xbf16>, %rows: tensor<16xi32>, %n: index)
    attributes {cta.shared_bytes = 8192 : i64} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.forall (%t) in (8) {
    %k = cta.ring "k" at 0 : !k
    cta.role "load" warps 1 registers 24 {
      scf.for %i = %c0 to %n step %c1 {
        %s = cta.acquire %k : !k
        %s0 = cta.view %s [0, 0] : !slot -> !half
        %s00 = cta.view %s0 [0, 0] : !half -> !quarter
        %s01 = cta.view %s0 [16, 0] : !half -> !quarter
        cta.copy_async %m[%i, %c0] to %s00 : memref<?x64xbf16>, !quarter
        cta.copy_async %m[%i, %c0] to %s01 : memref<?x64xbf16>, !quarter
      }
    }
    cta.role "math" warps 4 registers 216 {
      scf.for %i = %c0 to %n step %c1 {
        %s = cta.acquire %k : !k
        %s2 = cta.view %s [32, 0] : !slot -> !quarter
        %s3 = cta.view %s [48, 0] : !slot -> !quarter
        cta.store_shared %x to %s2 : tensor<16x64xbf16>, !quarter
        cta.gather_async %m[%rows][%c0] to %s3 : memref<?x64xbf16>, tensor<16xi32>, !quarter
        %r = cta.await %k : !k
        %a = cta.mma_async %r, %r transpose_b : !slot, !slot -> !cta.in_flight<tensor<64x64xf32>>
        %0 = cta.mma_wait %a : !cta.in_flight<tensor<64x64xf32>>
      }
    }
  }
  return
}
