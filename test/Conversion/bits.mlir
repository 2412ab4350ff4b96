// Vectors of i1: bits in shared memory, words in the registers of threads that read
// them by column, and a mask that costs one test where nothing is masked.
//
// RUN: %mla-opt %s --convert-mla-to-nvvm --cse -split-input-file | FileCheck %s

!words = tensor<64xi1, #cta.layout<column>>
!scores = tensor<64x64xf32, #cta.layout<acc>>
#bits = #cta.shared_layout<swizzle = 0, rows = 64>

// One load of two words. A warp-uniform branch skips the tests; there is one test per
// column, not one per element.
// CHECK-LABEL: llvm.func @mask
// CHECK:         %[[WORDS:.*]] = llvm.load %{{.*}} {alignment = 8 : i64} : !llvm.ptr<3> -> vector<2xi32>
// CHECK:         %[[W0:.*]] = llvm.extractelement %[[WORDS]]
// CHECK:         %[[W1:.*]] = llvm.extractelement %[[WORDS]]
// CHECK:         %[[BOTH:.*]] = llvm.and %[[W0]], %[[W1]]
// CHECK:         %[[MINE:.*]] = llvm.icmp "eq" %[[BOTH]], %{{.*}} : i32
// CHECK:         %[[ALL:.*]] = nvvm.vote.sync all %{{.*}}, %[[MINE]] -> i1
// CHECK:         %[[MASKED:.*]] = scf.if %[[ALL]] -> (vector<32xf32>) {
// CHECK-NEXT:      scf.yield %[[SCORES:.*]] : vector<32xf32>
// CHECK-NEXT:    } else {
// CHECK:           llvm.lshr
// CHECK-COUNT-8:   llvm.icmp "ne"
// CHECK:           llvm.lshr
// CHECK-COUNT-8:   llvm.icmp "ne"
// CHECK-NOT:       llvm.icmp
// CHECK-COUNT-32:  llvm.select
// CHECK-NOT:       llvm.select
// CHECK:           scf.yield
// CHECK-NEXT:    }
// CHECK:         llvm.return
func.func @mask(%in: memref<?xf32>, %out: memref<64x64xf32>) attributes {cta.verified, cta.shared_bytes = 16 : i64} {
  %c0 = arith.constant 0 : index
  %i0 = arith.constant 0 : i32
  scf.forall (%i) in (2) {
    %ring = cta.ring "v" at 0 : !cta.ring<2x64xi1, #bits>
    cta.role "all" warps 4 registers 168 {
      %v = memref.load %in[%c0] : memref<?xf32>
      %x = tensor.splat %v : !scores
      %none = arith.constant dense<0xFF800000> : !scores
      %slot = cta.slot %ring[%i0] : !cta.ring<2x64xi1, #bits>
      %words = cta.load_shared %slot : !cta.buffer<64xi1, #bits> -> !words
      %bits = tile.broadcast %words dim 0 : !words -> tensor<64x64xi1, #cta.layout<acc>>
      %y = arith.select %bits, %x, %none : tensor<64x64xi1, #cta.layout<acc>>, !scores
      tile.store %y, %out[%c0, %c0] : !scores, memref<64x64xf32>
    }
  }
  return
}

// -----

!rows = tensor<64xi1, #cta.layout<gather>>
#bits = #cta.shared_layout<swizzle = 0, rows = 64>

// A warp holds 16 consecutive rows: two ballots, two bytes, one lane.
// CHECK-LABEL: llvm.func @send
// CHECK:         %[[VOTE:.*]] = llvm.select
// CHECK:         %[[BALLOT:.*]] = nvvm.vote.sync ballot %{{.*}}, %[[VOTE]] -> i32
// CHECK:         %[[PLACES:.*]] = llvm.mlir.constant(-2008800751 : i32) : i32
// CHECK:         llvm.and %[[BALLOT]], %[[PLACES]]
// CHECK:         nvvm.vote.sync ballot
// CHECK-NOT:     nvvm.vote.sync
// CHECK:         scf.if
// CHECK-COUNT-2:   llvm.store %{{.*}} : i8, !llvm.ptr<3>
// CHECK-NOT:       llvm.store
// CHECK:         }
func.func @send(%in: memref<?xi32>) attributes {cta.verified, cta.shared_bytes = 16 : i64} {
  %c0 = arith.constant 0 : index
  %i0 = arith.constant 0 : i32
  scf.forall (%i) in (2) {
    %ring = cta.ring "v" at 0 : !cta.ring<1x64xi1, #bits>
    cta.role "all" warps 4 registers 168 {
      %x = tile.load %in[%c0] : memref<?xi32> -> tensor<64xi32, #cta.layout<gather>>
      %zero = arith.constant dense<0> : tensor<64xi32, #cta.layout<gather>>
      %go = arith.cmpi sgt, %x, %zero : tensor<64xi32, #cta.layout<gather>>
      %slot = cta.slot %ring[%i0] : !cta.ring<1x64xi1, #bits>
      cta.store_shared %go to %slot : !rows, !cta.buffer<64xi1, #bits>
    }
  }
  return
}

// -----

!columns = tensor<72xi32, #cta.layout<column>>
!words = tensor<72xi1, #cta.layout<column>>

// Bits that a thread computes for its own columns become words too.
// CHECK-LABEL: llvm.func @computed
// CHECK:         arith.cmpi slt, %{{.*}} : vector<18xi32>
// CHECK:         llvm.insertelement %{{.*}} : vector<3xi32>
// CHECK:         nvvm.vote.sync all
func.func @computed(%in: memref<?xi32>, %out: memref<64x72xf32>) attributes {cta.verified, cta.shared_bytes = 0 : i64} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
      %v = memref.load %in[%c0] : memref<?xi32>
      %n = tensor.splat %v : !columns
      %number = tile.iota : !columns
      %inside = arith.cmpi slt, %number, %n : !columns
      %bits = tile.broadcast %inside dim 0 : !words -> tensor<64x72xi1, #cta.layout<acc>>
      %one = arith.constant dense<1.0> : tensor<64x72xf32, #cta.layout<acc>>
      %zero = arith.constant dense<0.0> : tensor<64x72xf32, #cta.layout<acc>>
      %y = arith.select %bits, %one, %zero : tensor<64x72xi1, #cta.layout<acc>>, tensor<64x72xf32, #cta.layout<acc>>
      tile.store %y, %out[%c0, %c0] : tensor<64x72xf32, #cta.layout<acc>>, memref<64x72xf32>
    }
  }
  return
}
