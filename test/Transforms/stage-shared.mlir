// mla-stage-shared: every ring gets an offset and a layout, TMA copies get tensor
// maps.
// RUN: %mla-opt %s --mla-stage-shared | FileCheck %s

// Tiles that MMAs or TMA access come first, swizzled and aligned; dense vectors
// follow. Barriers are not included yet.
// CHECK-LABEL: func @plan
// CHECK-SAME:    cta.shared_bytes = 164176
// CHECK:           cta.ring "stats" at 163840 : !cta.ring<1x72xf32, #cta.shared_layout<swizzle = 0, rows = 72>>
// CHECK:           cta.ring "q" at 0 : !cta.ring<1x64x128xbf16, #cta.shared_layout<swizzle = 128, rows = 64>>
// CHECK:           cta.ring "k" at 16384 : !cta.ring<2x64x576xbf16, #cta.shared_layout<swizzle = 128, rows = 64>>
// CHECK:           cta.ring "valid" at 164128 : !cta.ring<2x72xi1, #cta.shared_layout<swizzle = 0, rows = 72>>
// CHECK:           cta.ring "bits" at 164160 : !cta.ring<1x24xi1, #cta.shared_layout<swizzle = 0, rows = 24>>
func.func @plan() {
  scf.forall (%i) in (8) {
    %stats = cta.ring "stats" : !cta.ring<1x72xf32>
    %q = cta.ring "q" : !cta.ring<1x64x128xbf16>
    %k = cta.ring "k" : !cta.ring<2x64x576xbf16>
    %valid = cta.ring "valid" : !cta.ring<2x72xi1>
    %bits = cta.ring "bits" : !cta.ring<1x24xi1>
  }
  return
}

// Slots and views have the layout of the whole tile.
// CHECK-LABEL: func @slots
// CHECK:         %[[W:.*]] = cta.acquire %{{.*}} : !cta.ring<2x64x576xbf16, #cta.shared_layout<swizzle = 128, rows = 64>>
// CHECK:         %[[S:.*]] = cta.await %{{.*}} : !cta.ring<2x64x576xbf16, #cta.shared_layout<swizzle = 128, rows = 64>>
// CHECK:         %[[V:.*]] = cta.view %[[S]] [0, 64] : !cta.buffer<64x576xbf16, #cta.shared_layout<swizzle = 128, rows = 64>> -> !cta.buffer<64x512xbf16, #cta.shared_layout<swizzle = 128, rows = 64>>
// CHECK:         %[[H:.*]] = cta.view %[[V]] [0, 256] : {{.*}} -> !cta.buffer<64x256xbf16, #cta.shared_layout<swizzle = 128, rows = 64>>
// CHECK:         cta.mma_async %{{.*}}, %[[H]]
func.func @slots(%p: tensor<64x64xbf16, #cta.layout<a_operand>>, %t: tensor<64x576xbf16>) {
  scf.forall (%i) in (8) {
    %k = cta.ring "k" : !cta.ring<2x64x576xbf16>
    cta.role "load" warps 4 registers 40 {
      %w = cta.acquire %k : !cta.ring<2x64x576xbf16>
      cta.store_shared %t to %w : tensor<64x576xbf16>, !cta.buffer<64x576xbf16>
    }
    cta.role "math" warps 4 registers 240 {
      %s = cta.await %k : !cta.ring<2x64x576xbf16>
      %v = cta.view %s [0, 64] : !cta.buffer<64x576xbf16> -> !cta.buffer<64x512xbf16>
      %h = cta.view %v [0, 256] : !cta.buffer<64x512xbf16> -> !cta.buffer<64x256xbf16>
      %x = cta.mma_async %p, %h
          : tensor<64x64xbf16, #cta.layout<a_operand>>, !cta.buffer<64x256xbf16>
          -> !cta.in_flight<tensor<64x256xf32, #cta.layout<acc>>>
    }
  }
  return
}

// So do loop-carried slots.
// CHECK-LABEL: func @carried_slot
// CHECK:         scf.for {{.*}} -> (!cta.buffer<64x64xbf16, #cta.shared_layout<swizzle = 128, rows = 64>>)
func.func @carried_slot(%n: index) {
  scf.forall (%i) in (8) {
    %k = cta.ring "k" : !cta.ring<2x64x64xbf16>
    cta.role "math" warps 4 registers 240 {
      %s = cta.await %k : !cta.ring<2x64x64xbf16>
      %r = scf.for %j = %n to %n step %n iter_args(%old = %s) -> !cta.buffer<64x64xbf16> {
        %next = cta.await %k : !cta.ring<2x64x64xbf16>
        scf.yield %next : !cta.buffer<64x64xbf16>
      }
    }
  }
  return
}

// A box is one swizzled block: 64 columns, the rows of the tile, 1 in other
// dimensions.
// CHECK-LABEL: func @tensor_map
// CHECK-SAME:    %[[Q:[^:]*]]: memref<?x128x576xbf16>
// CHECK-NEXT:    %[[MAP:.*]] = cta.tensor_map %[[Q]] box [1, 64, 64] swizzle 128 : memref<?x128x576xbf16>
// CHECK:         cta.copy_async %[[Q]][{{.*}}] to %{{.*}} map %[[MAP]] :
func.func @tensor_map(%q: memref<?x128x576xbf16>) {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    %r = cta.ring "q" : !cta.ring<1x64x576xbf16>
    cta.role "load" warps 4 registers 40 {
      %s = cta.acquire %r : !cta.ring<1x64x576xbf16>
      cta.copy_async %q[%i, %c0, %c0] to %s : memref<?x128x576xbf16>, !cta.buffer<64x576xbf16>
    }
  }
  return
}

// CHECK-LABEL: func @nothing() {
// CHECK-NEXT:    return
func.func @nothing() { return }

// Roles without rings need no shared memory, and get the attribute too. An existing
// attribute is kept.
// CHECK-LABEL: func @no_rings
// CHECK-SAME:    cta.shared_bytes = 0
func.func @no_rings() {
  scf.forall (%i) in (8) {
    cta.role "math" warps 4 registers 40 {
    }
  }
  return
}

// CHECK-LABEL: func @planned
// CHECK-SAME:    cta.shared_bytes = 4096
// CHECK:         cta.ring "q" at 1024 : !cta.ring<1x8x64xbf16, #cta.shared_layout<swizzle = 128, rows = 8>>
func.func @planned() attributes {cta.shared_bytes = 4096 : i64} {
  scf.forall (%i) in (8) {
    %r = cta.ring "q" at 1024 : !cta.ring<1x8x64xbf16, #cta.shared_layout<swizzle = 128, rows = 8>>
    cta.role "math" warps 4 registers 40 {
    }
  }
  return
}

// Rings that may alias others get memory of their own if everything fits, to the
// last byte: 232368 of slots and 80 of barriers.
#aliases = #mla.schedule<"aliases", roles = [<"r", warps = 4, registers = 128>],
  table = [<"x" in ["r"]>],
  rings = [<"p", depth = 1, aliases = "k", byte = 32768>,
           <"f", depth = 1, aliases = "k", byte = 40976>]>
// CHECK-LABEL: func @room
// CHECK-SAME:    cta.shared_bytes = 232368
// CHECK:         cta.ring "p" at 0 : !cta.ring<1x64x64xbf16
// CHECK:         cta.ring "f" at 229376 : !cta.ring<1x732xf32
// CHECK:         cta.ring "q" at 8192 : !cta.ring<1x64x704xbf16
// CHECK:         cta.ring "k" at 98304 : !cta.ring<1x64x1024xbf16
// CHECK:         cta.ring "v" at 232304 : !cta.ring<1x512xi1
func.func @room() attributes {mla.schedule = #aliases} {
  scf.forall (%i) in (8) {
    %p = cta.ring "p" : !cta.ring<1x64x64xbf16>
    %f = cta.ring "f" : !cta.ring<1x732xf32>
    %q = cta.ring "q" : !cta.ring<1x64x704xbf16>
    %k = cta.ring "k" : !cta.ring<1x64x1024xbf16>
    %v = cta.ring "v" : !cta.ring<1x512xi1>
  }
  return
}

// With one element more, they alias "k" at the given offset. "k" is declared after
// "q", and moves in front of it.
// CHECK-LABEL: func @no_room
// CHECK-SAME:    cta.shared_bytes = 221248
// CHECK:         %[[K:.*]] = cta.ring "k" at 90112 : !cta.ring<1x64x1024xbf16
// CHECK-NEXT:    cta.ring "p" at 122880 aliases(%[[K]] : {{.*}}) : !cta.ring<1x64x64xbf16, #cta.shared_layout<swizzle = 128, rows = 64>>
// CHECK:         cta.ring "f" at 131088 aliases(%[[K]] : {{.*}}) : !cta.ring<1x733xf32, #cta.shared_layout<swizzle = 0, rows = 733>>
// CHECK:         cta.ring "q" at 0 : !cta.ring<1x64x704xbf16
// CHECK:         cta.ring "v" at 221184 : !cta.ring<1x512xi1
func.func @no_room() attributes {mla.schedule = #aliases} {
  scf.forall (%i) in (8) {
    %p = cta.ring "p" : !cta.ring<1x64x64xbf16>
    %f = cta.ring "f" : !cta.ring<1x733xf32>
    %q = cta.ring "q" : !cta.ring<1x64x704xbf16>
    %k = cta.ring "k" : !cta.ring<1x64x1024xbf16>
    %v = cta.ring "v" : !cta.ring<1x512xi1>
  }
  return
}

#deep = #mla.schedule<"deep", roles = [<"r", warps = 4, registers = 128>],
  table = [<"x" in ["r"]>],
  rings = [<"v", depth = 1 to 4>, <"k", depth = 2 to 4>, <"p", depth = 1 to 2>, <"q", depth = 1>]>

// Remaining memory goes to rings that may be deeper, in the order of their rows: v
// up to its maximum, then one slot of k (a second one would not fit), then p.
// CHECK-LABEL: func @deep
// CHECK:         cta.ring "q" at 0 : !cta.ring<1x
// CHECK:         cta.ring "p" at 8192 : !cta.ring<2x64x64x
// CHECK:         cta.ring "k" at 24576 : !cta.ring<3x64x448x
// CHECK:         cta.ring "v" at {{[0-9]+}} : !cta.ring<4x64xf32
func.func @deep() attributes {mla.schedule = #deep} {
  scf.forall (%i) in (8) {
    %q = cta.ring "q" : !cta.ring<1x64x64xbf16>
    %p = cta.ring "p" : !cta.ring<1x64x64xbf16>
    %k = cta.ring "k" : !cta.ring<2x64x448xbf16>
    %v = cta.ring "v" : !cta.ring<1x64xf32>
  }
  return
}

// A swizzled block is 128 bytes wide: 128 columns of 1-byte elements.
// CHECK-LABEL: func @bytes
// CHECK:         %[[MAP:.*]] = cta.tensor_map %{{.*}} box [64, 128] swizzle 128 : memref<?x256xf8E4M3FN>
// CHECK:         cta.ring "k" at 0 : !cta.ring<1x64x256xf8E4M3FN, #cta.shared_layout<swizzle = 128, rows = 64>>
// CHECK:         cta.copy_async %{{.*}} map %[[MAP]]
func.func @bytes(%kv: memref<?x256xf8E4M3FN>) {
  scf.forall (%i) in (8) {
    %k = cta.ring "k" : !cta.ring<1x64x256xf8E4M3FN>
    cta.role "load" warps 1 registers 40 {
      %c0 = arith.constant 0 : index
      %s = cta.acquire %k : !cta.ring<1x64x256xf8E4M3FN>
      cta.copy_async %kv[%i, %c0] to %s : memref<?x256xf8E4M3FN>, !cta.buffer<64x256xf8E4M3FN>
    }
  }
  return
}
