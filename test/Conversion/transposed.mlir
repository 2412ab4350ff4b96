// Columns of an accumulator: reduced over the lanes that share them, stored by the
// first lane that holds them, and transposed by stmatrix and movmatrix.
//
// RUN: %mla-opt %s --convert-mla-to-nvvm -split-input-file | FileCheck %s

!rows = tensor<64x16xf32, #cta.layout<acc>>
!columns = tensor<16xf32, #cta.layout<column>>
!parts = tensor<64xf32, #cta.layout<warp_column>>
!turned = tensor<16x64xbf16, #cta.layout<acc_transposed>>

// Four columns per thread; lanes 4, 8 and 16 apart have the same ones.
// CHECK-LABEL: llvm.func @reduce
// CHECK-COUNT-12: nvvm.shfl.sync {{ ?}}bfly
// CHECK-NOT:     nvvm.shfl.sync
// The first four lanes of each warp store what it has.
// CHECK:         %[[LANE:.*]] = llvm.and
// CHECK:         llvm.lshr %[[LANE]]
// CHECK:         scf.if
// CHECK-COUNT-4:   llvm.store %{{.*}} : f32, !llvm.ptr<3>
// Part 2 begins at byte 128.
// CHECK:         llvm.getelementptr %{{.*}}[128] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
// CHECK-COUNT-2: llvm.load %{{.*}} : !llvm.ptr<3> -> vector<2xf32>
// Of all threads the first four store a vector by column.
// CHECK-COUNT-4: llvm.store %{{.*}} : f32, !llvm.ptr<1>
// CHECK-NOT:     llvm.store
func.func @reduce(%in: memref<?xf32>, %out: memref<16xf32>) attributes {cta.verified, cta.shared_bytes = 256 : i64} {
  %c0 = arith.constant 0 : index
  %i0 = arith.constant 0 : i32
  scf.forall (%i) in (2) {
    %ring = cta.ring "r" at 0 : !cta.ring<1x64xf32, #cta.shared_layout<swizzle = 0, rows = 64>>
    cta.role "all" warps 4 registers 168 {
      %v = memref.load %in[%c0] : memref<?xf32>
      %x = tensor.splat %v : !rows
      %m = cta.reduce_warp max %x : !rows -> !parts
      %slot = cta.slot %ring[%i0] : !cta.ring<1x64xf32, #cta.shared_layout<swizzle = 0, rows = 64>>
      cta.store_shared %m to %slot : !parts, !cta.buffer<64xf32, #cta.shared_layout<swizzle = 0, rows = 64>>
      %part = cta.view %slot [32] : !cta.buffer<64xf32, #cta.shared_layout<swizzle = 0, rows = 64>> -> !cta.buffer<16xf32, #cta.shared_layout<swizzle = 0, rows = 64>>
      %c = cta.load_shared %part : !cta.buffer<16xf32, #cta.shared_layout<swizzle = 0, rows = 64>> -> !columns
      tile.store %c, %out[%c0] : !columns, memref<16xf32>
    }
  }
  return
}

// -----

!rows = tensor<64x24xf32, #cta.layout<acc>>
!brows = tensor<64x24xbf16, #cta.layout<acc>>
!turned = tensor<24x64xbf16, #cta.layout<acc_transposed>>

// Three groups of 8 columns: two leave by one stmatrix of four matrices, the third,
// 2048 bytes on, by one of two.
// CHECK-LABEL: llvm.func @store_shared
// CHECK:         nvvm.stmatrix %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} {{{.*}}layout = #nvvm.mma_layout<col>
// CHECK:         llvm.getelementptr %{{.*}}[2048]
// CHECK:         nvvm.stmatrix %{{[^,]*}}, %{{[^,]*}}, %{{[^,]*}} {{{.*}}layout = #nvvm.mma_layout<col>
// To memory: 8x8 matrices are turned, neighbours trade, rows of heads are checked.
// CHECK-COUNT-2: movmatrix.sync.aligned.m8n8.trans.b16
// CHECK:         nvvm.shfl.sync {{ ?}}bfly
// CHECK:         scf.if
// CHECK-NEXT:      llvm.store %{{.*}} : vector<2xi32>
// CHECK-COUNT-2: movmatrix
// CHECK:         scf.if
// CHECK-NEXT:      llvm.store %{{.*}} : vector<2xi32>
// CHECK-COUNT-2: movmatrix
// CHECK:         scf.if
// CHECK-NEXT:      llvm.store %{{.*}} : vector<2xi32>
// CHECK-NOT:     llvm.store
func.func @store_shared(%in: memref<?xf32>, %out: memref<?x64xbf16>) attributes {cta.verified, cta.shared_bytes = 3072 : i64} {
  %c0 = arith.constant 0 : index
  %i0 = arith.constant 0 : i32
  scf.forall (%i) in (2) {
    %ring = cta.ring "p" at 0 : !cta.ring<1x24x64xbf16, #cta.shared_layout<swizzle = 128, rows = 24>>
    cta.role "all" warps 4 registers 168 {
      %v = memref.load %in[%c0] : memref<?xf32>
      %f = tensor.splat %v : !rows
      %x = arith.truncf %f : !rows to !brows
      %t = tile.transpose %x : !brows -> !turned
      %slot = cta.slot %ring[%i0] : !cta.ring<1x24x64xbf16, #cta.shared_layout<swizzle = 128, rows = 24>>
      cta.store_shared %t to %slot : !turned, !cta.buffer<24x64xbf16, #cta.shared_layout<swizzle = 128, rows = 24>>
      tile.store %t, %out[%c0, %c0] : !turned, memref<?x64xbf16>
    }
  }
  return
}

// -----

!rows = tensor<64x16xf32, #cta.layout<acc>>
!turned = tensor<16x64xf32, #cta.layout<acc_transposed>>

// f32 needs no exchange: a thread stores two columns, 8 apart, of each of four rows,
// each row checked once.
// CHECK-LABEL: llvm.func @store_f32
// CHECK-NOT:     movmatrix
// CHECK-NOT:     nvvm.shfl.sync {{ ?}}bfly
// CHECK:         scf.if
// CHECK:           llvm.extractelement
// CHECK-NOT:     scf.if
// CHECK:           llvm.getelementptr %{{.*}}[32]
// CHECK-NEXT:      llvm.store %{{.*}} : f32, !llvm.ptr<1>
// CHECK-COUNT-3: scf.if
// CHECK-NOT:     scf.if
func.func @store_f32(%in: memref<?xf32>, %out: memref<?x64xf32>) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
      %v = memref.load %in[%c0] : memref<?xf32>
      %x = tensor.splat %v : !rows
      %t = tile.transpose %x : !rows -> !turned
      tile.store %t, %out[%c0, %c0] : !turned, memref<?x64xf32>
    }
  }
  return
}
