// Fragments with direct layouts: one predicated access for each vector of a thread,
// as wide as the memref's rows allow.
//
// RUN: %mla-opt %s --convert-mla-to-nvvm -split-input-file | FileCheck %s

// Rows may lie outside the memref and are padded; columns lie inside. A single role's
// registers are set at launch.
// CHECK:         mla.launch = "{{.*}}\22alignment\22:16}{{.*}}\22alignment\22:8}
// CHECK-LABEL: llvm.func @wide
// CHECK-SAME:    nvvm.maxnreg = 48 : i32
// CHECK-NOT:     nvvm.setmaxregister
// CHECK:         llvm.inline_asm {{.*}}"mov.b32 $0, 1065353216; mov.b32 $1, 1065353216; mov.b32 $2, 1065353216; mov.b32 $3, 1065353216; @$5 ld.global.nc.L1::no_allocate.v4.b32 {$0, $1, $2, $3}, [$4];", "=r,=r,=r,=r,l,b"
// CHECK:         llvm.inline_asm {{.*}}ld.global.nc.L1::no_allocate.v4.b32
// CHECK-NOT:     ld.global
// CHECK:         arith.truncf %{{.*}} : vector<8xf32> to vector<8xbf16>
// CHECK:         llvm.store %{{.*}} {alignment = 8 : i64} : vector<4xbf16>, !llvm.ptr<1>
// CHECK:         llvm.store %{{.*}} {alignment = 8 : i64} : vector<4xbf16>, !llvm.ptr<1>
#wide = #cta.direct<threads = [4, 32], strides = [32, 1], vector = 4>
func.func @wide(%x: memref<?x512xf32>, %out: memref<?x512xbf16>) attributes {cta.verified} {
  %c128 = arith.constant 128 : index
  scf.forall (%i, %j) in (8, 4) {
    %column = arith.muli %j, %c128 : index
    cta.role "all" warps 4 registers 48 {
      %t = tile.load %x[%i, %column] pad 1.0 : f32 : memref<?x512xf32> -> tensor<8x128xf32, #wide>
      %b = arith.truncf %t : tensor<8x128xf32, #wide> to tensor<8x128xbf16, #wide>
      tile.store %b, %out[%i, %column] : tensor<8x128xbf16, #wide>, memref<?x512xbf16>
    }
  }
  return
}

// -----

// Columns of which some may lie outside are accessed one by one: here the last
// block starts at 384 of 500. What the kernel writes is not read through the
// read-only path.
// CHECK-LABEL: llvm.func @narrow
// CHECK-COUNT-4: "mov.b32 $0, 0; @$2 ld.global.L1::no_allocate.b32 $0, [$1];", "=r,l,b,~{memory}"
// CHECK-NOT:     ld.global
// CHECK-COUNT-4: llvm.store %{{.*}} {alignment = 4 : i64} : f32, !llvm.ptr<1>
#wide = #cta.direct<threads = [4, 32], strides = [32, 1], vector = 4>
func.func @narrow(%x: memref<?x500xf32>) attributes {cta.verified} {
  %c128 = arith.constant 128 : index
  scf.forall (%i, %j) in (8, 4) {
    %column = arith.muli %j, %c128 : index
    cta.role "all" warps 4 registers 48 {
      %t = tile.load %x[%i, %column] : memref<?x500xf32> -> tensor<4x128xf32, #wide>
      tile.store %t, %x[%i, %column] : tensor<4x128xf32, #wide>, memref<?x500xf32>
    }
  }
  return
}

// -----

// A start that is no multiple of 16 bytes: accesses of 8. Of the threads that hold
// an element the first one stores it.
// CHECK-LABEL: llvm.func @half
// CHECK-COUNT-2: "ld.global.nc.v2.b32 {$0, $1}, [$2];", "=r,=r,l"
// CHECK-NOT:     ld.global
// CHECK:         %[[OTHERS:.*]] = llvm.and %{{.*}}, %{{.*}} : i32
// CHECK:         %[[FIRST:.*]] = llvm.icmp "eq" %[[OTHERS]]
// CHECK:         scf.if %[[FIRST]] {
// CHECK-COUNT-2:   llvm.store %{{.*}} {alignment = 8 : i64} : vector<2xf32>, !llvm.ptr<1>
#half = #cta.direct<threads = [16], strides = [1], vector = 4>
func.func @half(%x: memref<128xf32>, %out: memref<128xf32>) attributes {cta.verified} {
  %c2 = arith.constant 2 : index
  scf.forall (%i) in (8) {
    cta.role "all" warps 4 registers 48 {
      %t = tile.load %x[%c2] : memref<128xf32> -> tensor<64xf32, #half>
      tile.store %t, %out[%c2] : tensor<64xf32, #half>, memref<128xf32>
    }
  }
  return
}

// -----

// Reductions: over a thread's own elements, then over lanes. The partial result of
// each warp goes through shared memory, 16 bytes per thread.
// CHECK-LABEL: llvm.func @reduce
// CHECK:         arith.addf
// CHECK:         %[[C16:.*]] = llvm.mlir.constant(16 : i32) : i32
// CHECK:         nvvm.shfl.sync {{ ?}}bfly %{{.*}}, %{{.*}}, %[[C16]]
// CHECK-COUNT-3: nvvm.shfl.sync
// CHECK-NOT:     nvvm.shfl.sync
// CHECK:         llvm.store %{{.*}} {alignment = 16 : i64} : vector<4xf32>, !llvm.ptr<3>
// CHECK-COUNT-4: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<3> -> vector<4xf32>
// CHECK-NOT:     nvvm.shfl.sync bfly
#x = #cta.direct<threads = [8, 16], strides = [16, 1], vector = 4>
#parts = #cta.direct<threads = [4, 16], strides = [32, 1], vector = 4>
#all = #cta.direct<threads = [1, 16], strides = [1, 1], vector = 4>
#sum = #cta.direct<threads = [16], strides = [1], vector = 4>
func.func @reduce(%x: memref<16x64xf32>, %out: memref<64xf32>) attributes {cta.verified, cta.shared_bytes = 1024} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0 : i32
  scf.forall (%i) in (8) {
    %ring = cta.ring "r" at 0 : !cta.ring<1x4x64xf32, #cta.shared_layout<swizzle = 0, rows = 4>>
    cta.role "all" warps 4 registers 48 {
      %t = tile.load %x[%c0, %c0] : memref<16x64xf32> -> tensor<16x64xf32, #x>
      %p = cta.reduce_warp sum %t dim 0 : tensor<16x64xf32, #x> -> tensor<4x64xf32, #parts>
      %slot = cta.slot %ring[%zero] : !cta.ring<1x4x64xf32, #cta.shared_layout<swizzle = 0, rows = 4>>
      cta.store_shared %p to %slot : tensor<4x64xf32, #parts>, !cta.buffer<4x64xf32, #cta.shared_layout<swizzle = 0, rows = 4>>
      %a = cta.load_shared %slot : !cta.buffer<4x64xf32, #cta.shared_layout<swizzle = 0, rows = 4>> -> tensor<4x64xf32, #all>
      %s = tile.reduce sum %a dim 0 : tensor<4x64xf32, #all> -> tensor<64xf32, #sum>
      tile.store %s, %out[%c0] : tensor<64xf32, #sum>, memref<64xf32>
    }
  }
  return
}

// -----

// Elements by index.
// CHECK-LABEL: llvm.func @gather
// CHECK:         %[[IN:.*]] = llvm.icmp "ult" %{{.*}}, %arg1
// CHECK:         "mov.b32 $0, 0; @$2 ld.global.nc.b32 $0, [$1];", "=r,l,b"
#v = #cta.direct<threads = [32], strides = [1], vector = 1>
func.func @gather(%table: memref<?x8xi32>, %i: memref<32xi32>, %out: memref<32xi32>) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%b) in (8) {
    cta.role "all" warps 1 registers 48 {
      %r = tile.load %i[%c0] : memref<32xi32> -> tensor<32xi32, #v>
      %g = tile.gather %table[%r][%b] : memref<?x8xi32>, tensor<32xi32, #v> -> tensor<32xi32, #v>
      tile.store %g, %out[%c0] : tensor<32xi32, #v>, memref<32xi32>
    }
  }
  return
}

// -----

// Along the second dimension: the index is compared with its size.
// CHECK-LABEL: llvm.func @gather_along
// CHECK:         %[[SIZE:.*]] = llvm.mlir.constant(8 : i64)
// CHECK:         %[[IN:.*]] = llvm.icmp "ult" %{{.*}}, %[[SIZE]]
// CHECK:         "mov.b32 $0, 0; @$2 ld.global.nc.b32 $0, [$1];", "=r,l,b"
#v = #cta.direct<threads = [32], strides = [1], vector = 1>
func.func @gather_along(%table: memref<?x8xi32>, %i: memref<32xi32>, %out: memref<32xi32>) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%b) in (8) {
    cta.role "all" warps 1 registers 48 {
      %r = tile.load %i[%c0] : memref<32xi32> -> tensor<32xi32, #v>
      %g = tile.gather %table[%r][%b] dim 1 : memref<?x8xi32>, tensor<32xi32, #v> -> tensor<32xi32, #v>
      tile.store %g, %out[%c0] : tensor<32xi32, #v>, memref<32xi32>
    }
  }
  return
}
