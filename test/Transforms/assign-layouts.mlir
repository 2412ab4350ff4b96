// mla-assign-layouts: MMAs determine the accumulator layout, and gathers that of
// their indices; both propagate to related fragments.
// RUN: %mla-opt %s --mla-assign-layouts | FileCheck %s

!k = !cta.ring<2x64x64xbf16>
!slot = !cta.buffer<64x64xbf16>

// CHECK-LABEL: func @products
func.func @products(%n: index, %scale: f32, %out: memref<?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.forall (%i) in (8) {
    %k = cta.ring "k" : !k
    %valid = cta.ring "valid" : !cta.ring<2x64xi1>
    cta.role "math" warps 4 registers 240 {
      // A constant with uses in two layouts is cloned.
      // CHECK-DAG: arith.constant dense<0.0{{.*}}> : tensor<64x64xf32, #cta.layout<acc>>
      // CHECK-DAG: arith.constant dense<1.0{{.*}}> : tensor<64xf32, #cta.layout<row>>
      // CHECK-DAG: %[[YES_R:.*]] = arith.constant dense<true> : tensor<64xi1, #cta.layout<row>>
      // CHECK-DAG: %[[YES_C:.*]] = arith.constant dense<true> : tensor<64xi1, #cta.layout<column>>
      %yes = arith.constant dense<true> : tensor<64xi1>
      %zero = arith.constant dense<0.0> : tensor<64x64xf32>
      %one = arith.constant dense<1.0> : tensor<64xf32>
      // CHECK: scf.for {{.*}} iter_args(%[[O:.*]] = %{{.*}}, %{{.*}} = %{{.*}}) -> (tensor<64x64xf32, #cta.layout<acc>>, tensor<64xf32, #cta.layout<row>>)
      %r:2 = scf.for %j = %c0 to %n step %c1 iter_args(%o = %zero, %l = %one)
          -> (tensor<64x64xf32>, tensor<64xf32>) {
        %slot = cta.await %k : !k
        // CHECK: %[[X:.*]] = cta.mma_async {{.*}} -> !cta.in_flight<tensor<64x64xf32, #cta.layout<acc>>>
        %x = cta.mma_async %slot, %slot transpose_b
            : !slot, !slot -> !cta.in_flight<tensor<64x64xf32>>
        // CHECK: %[[S:.*]] = cta.mma_wait %[[X]] {{.*}}: !cta.in_flight<tensor<64x64xf32, #cta.layout<acc>>>
        %s = cta.mma_wait %x : !cta.in_flight<tensor<64x64xf32>>
        // A vector along the columns of an accumulator.
        // CHECK: cta.load_shared {{.*}} -> tensor<64xi1, #cta.layout<column>>
        // CHECK: arith.andi %{{.*}}, %[[YES_C]] : tensor<64xi1, #cta.layout<column>>
        // CHECK: tile.broadcast {{.*}} dim 0 : tensor<64xi1, #cta.layout<column>> -> tensor<64x64xi1, #cta.layout<acc>>
        %vs = cta.await %valid : !cta.ring<2x64xi1>
        %v = cta.load_shared %vs : !cta.buffer<64xi1> -> tensor<64xi1>
        %w = arith.andi %v, %yes : tensor<64xi1>
        %mask = tile.broadcast %w dim 0 : tensor<64xi1> -> tensor<64x64xi1>
        // CHECK: arith.select {{.*}} : tensor<64x64xi1, #cta.layout<acc>>, tensor<64x64xf32, #cta.layout<acc>>
        %m = arith.select %mask, %s, %zero : tensor<64x64xi1>, tensor<64x64xf32>
        // CHECK: tile.reduce {{.*}} : tensor<64x64xf32, #cta.layout<acc>> -> tensor<64xf32, #cta.layout<row>>
        %sum = tile.reduce sum %m dim 1 : tensor<64x64xf32> -> tensor<64xf32>
        // CHECK: arith.select %[[YES_R]], %{{.*}}, %{{.*}} : tensor<64xi1, #cta.layout<row>>, tensor<64xf32, #cta.layout<row>>
        %l0 = arith.select %yes, %l, %one : tensor<64xi1>, tensor<64xf32>
        %l1 = arith.addf %l0, %sum : tensor<64xf32>
        // CHECK: tensor.splat %{{.*}} : tensor<64xf32, #cta.layout<row>>
        %f = tensor.splat %scale : tensor<64xf32>
        %l2 = arith.mulf %l1, %f : tensor<64xf32>
        // CHECK: %[[P:.*]] = arith.truncf {{.*}} to tensor<64x64xbf16, #cta.layout<acc>>
        %p = arith.truncf %m : tensor<64x64xf32> to tensor<64x64xbf16>
        // The register operand A is converted, with the stage and order of the MMA.
        // CHECK: %[[PA:.*]] = cta.convert_layout %[[P]] {cta.order = 2 : i64, cta.stage = 1 : i64} : tensor<64x64xbf16, #cta.layout<acc>> -> tensor<64x64xbf16, #cta.layout<a_operand>>
        // CHECK: cta.mma_async %[[PA]], %{{.*}} acc %[[O]] : tensor<64x64xf32, #cta.layout<acc>>
        %y = cta.mma_async %p, %slot acc %o : tensor<64x64xf32>
            {cta.order = 2 : i64, cta.stage = 1 : i64}
            : tensor<64x64xbf16>, !slot -> !cta.in_flight<tensor<64x64xf32>>
        %o1 = cta.mma_wait %y : !cta.in_flight<tensor<64x64xf32>>
        scf.yield %o1, %l2 : tensor<64x64xf32>, tensor<64xf32>
      }
      // CHECK: %[[INV:.*]] = arith.divf %{{.*}}, %{{.*}} : tensor<64xf32, #cta.layout<row>>
      %inv = arith.divf %one, %r#1 : tensor<64xf32>
      // CHECK: tile.broadcast %[[INV]] dim 1 : tensor<64xf32, #cta.layout<row>> -> tensor<64x64xf32, #cta.layout<acc>>
      %invs = tile.broadcast %inv dim 1 : tensor<64xf32> -> tensor<64x64xf32>
      %result = arith.mulf %r#0, %invs : tensor<64x64xf32>
      // CHECK: tile.store {{.*}} : tensor<64xf32, #cta.layout<row>>
      tile.store %inv, %out[%i] : tensor<64xf32>, memref<?xf32>
    }
  }
  return
}

// CHECK-LABEL: func @gather
func.func @gather(%kv: memref<?x64xbf16>, %indices: memref<?xi32>, %limit: i32) {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    %k = cta.ring "k" : !k
    %valid = cta.ring "valid" : !cta.ring<2x64xi1>
    cta.role "load" warps 4 registers 40 {
      // CHECK: tile.load {{.*}} -> tensor<64xi32, #cta.layout<gather>>
      %rows = tile.load %indices[%i] pad -1 : i32 : memref<?xi32> -> tensor<64xi32>
      %slot = cta.acquire %k : !k
      // CHECK: cta.gather_async {{.*}} tensor<64xi32, #cta.layout<gather>>
      cta.gather_async %kv[%rows][%c0] to %slot : memref<?x64xbf16>, tensor<64xi32>, !slot
      // CHECK: tensor.splat %{{.*}} : tensor<64xi32, #cta.layout<gather>>
      %end = tensor.splat %limit : tensor<64xi32>
      %in = arith.cmpi ult, %rows, %end : tensor<64xi32>
      // CHECK: cta.store_shared {{.*}} : tensor<64xi1, #cta.layout<gather>>
      %vs = cta.acquire %valid : !cta.ring<2x64xi1>
      cta.store_shared %in to %vs : tensor<64xi1>, !cta.buffer<64xi1>
    }
  }
  return
}

// The transpose of an accumulator is the same registers with another layout.
// CHECK-LABEL: func @transposed
// CHECK:         %[[X:.*]] = arith.truncf {{.*}} : tensor<64x16xf32, #cta.layout<acc>> to tensor<64x16xbf16, #cta.layout<acc>>
// CHECK:         tile.transpose %[[X]] : tensor<64x16xbf16, #cta.layout<acc>> -> tensor<16x64xbf16, #cta.layout<acc_transposed>>
func.func @transposed(%out: memref<16x64xbf16>) {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    cta.role "math" warps 4 registers 128 {
      %a = arith.constant dense<1.0> : tensor<64x16xf32>
      %x = arith.truncf %a : tensor<64x16xf32> to tensor<64x16xbf16>
      %t = tile.transpose %x : tensor<64x16xbf16> -> tensor<16x64xbf16>
      tile.store %t, %out[%c0, %c0] : tensor<16x64xbf16>, memref<16x64xbf16>
    }
  }
  return
}

// A role without MMAs: accesses of 16 bytes, consecutive threads along a row.
// Reductions and broadcasts drop a dimension of the layout. The schedule's
// attributes override the choice. A scalar has no dimensions, and its broadcast is
// cloned for each use.
// CHECK-LABEL: func @direct
// CHECK:         %[[X:.*]] = tile.load %{{.*}}[%{{.*}}, %{{.*}}] : memref<?x64xf32> -> tensor<32x64xf32, #cta.direct<threads = [8, 16], strides = [16, 1], vector = 4>>
// CHECK:         tile.load %{{.*}} -> tensor<32xf32, #cta.direct<threads = [8], strides = [16], vector = 1>>
// CHECK:         tile.load %{{.*}} -> tensor<256xf32, #cta.direct<threads = [32], strides = [1], vector = 1>>
// CHECK:         tile.reduce{{.*}} -> tensor<f32, #cta.direct<threads = [], strides = [], vector = 1>>
// CHECK:         tile.broadcast {{.*}} -> tensor<256xf32, #cta.direct<threads = [32], strides = [1], vector = 1>>
// CHECK:         tile.broadcast {{.*}} : tensor<32xf32, {{.*}}> -> tensor<32x64xf32, #cta.direct<threads = [8, 16], strides = [16, 1], vector = 4>>
// CHECK:         tile.reduce{{.*}} dim 0 {{.*}} -> tensor<64xf32, #cta.direct<threads = [16], strides = [1], vector = 4>>
// CHECK:         tile.store {{.*}} : tensor<64xbf16, #cta.direct<threads = [16], strides = [1], vector = 4>>
func.func @direct(%x: memref<?x64xf32>, %v: memref<?xf32>, %out: memref<?x64xbf16>) {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    cta.role "all" warps 4 registers 64 {
      %t = tile.load %x[%i, %c0] : memref<?x64xf32> -> tensor<32x64xf32>
      %w = tile.load %v[%i] : memref<?xf32> -> tensor<32xf32>
      %u = tile.load %v[%i] {cta.threads = 32} : memref<?xf32> -> tensor<256xf32>
      %m = tile.reduce max %u dim 0 : tensor<256xf32> -> tensor<f32>
      %ms = tile.broadcast %m dim 0 : tensor<f32> -> tensor<256xf32>
      %d = arith.subf %u, %ms : tensor<256xf32>
      tile.store %d, %v[%c0] : tensor<256xf32>, memref<?xf32>
      %ws = tile.broadcast %w dim 1 : tensor<32xf32> -> tensor<32x64xf32>
      %p = arith.mulf %t, %ws : tensor<32x64xf32>
      %s = tile.reduce sum %p dim 0 : tensor<32x64xf32> -> tensor<64xf32>
      %b = arith.truncf %s : tensor<64xf32> to tensor<64xbf16>
      tile.store %b, %out[%i, %c0] dims [1] : tensor<64xbf16>, memref<?x64xbf16>
    }
  }
  return
}

// Elements that are not contiguous in memory, or in rows of dynamic length, are
// accessed one by one. A role of 3 warps has 64 threads for layouts, a power of two.
// CHECK-LABEL: func @direct_scalar
// CHECK:         tile.load {{.*}} dims [0, 1] {{.*}} -> tensor<16x8xf32, #cta.direct<threads = [8, 8], strides = [8, 1], vector = 1>>
// CHECK:         tile.load {{.*}} -> tensor<4x64xbf16, #cta.direct<threads = [1, 64], strides = [64, 1], vector = 1>>
// CHECK:         tile.iota : tensor<128xi32, #cta.direct<threads = [32], strides = [1], vector = 4>>
func.func @direct_scalar(%x: memref<?x?x64xf32>, %y: memref<?x?xbf16>, %z: memref<?xi32>) {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    cta.role "all" warps 3 registers 64 {
      %t = tile.load %x[%i, %c0, %c0] dims [0, 1] : memref<?x?x64xf32> -> tensor<16x8xf32>
      tile.store %t, %x[%i, %c0, %c0] dims [0, 1] : tensor<16x8xf32>, memref<?x?x64xf32>
      %u = tile.load %y[%i, %c0] : memref<?x?xbf16> -> tensor<4x64xbf16>
      tile.store %u, %y[%i, %c0] : tensor<4x64xbf16>, memref<?x?xbf16>
      %n = tile.iota : tensor<128xi32>
      tile.store %n, %z[%c0] : tensor<128xi32>, memref<?xi32>
    }
  }
  return
}

// Matrices that are computed of vectors. A vector that is broadcast along rows and
// along columns is computed once in each layout, loads included.
// CHECK-LABEL: func @computed
// CHECK:         tile.load {{.*}} -> tensor<128xi32, [[COLUMN:#cta.direct<threads = \[32\], strides = \[1\], vector = 4>]]>
// CHECK:         %[[X:.*]] = arith.maxsi {{.*}} : tensor<128xi32, [[COLUMN]]>
// CHECK:         tile.broadcast %[[X]] dim 0 : tensor<128xi32, #cta.direct<threads = [32], strides = [1], vector = 4>> -> tensor<128x128xi32, #cta.direct<threads = [4, 32], strides = [32, 1], vector = 4>>
// CHECK:         tile.load {{.*}} -> tensor<128xi32, [[ROW:#cta.direct<threads = \[4\], strides = \[32\], vector = 1>]]>
// CHECK:         %[[Y:.*]] = arith.maxsi {{.*}} : tensor<128xi32, [[ROW]]>
// CHECK:         tile.broadcast %[[Y]] dim 1 : tensor<128xi32, #cta.direct<threads = [4], strides = [32], vector = 1>> -> tensor<128x128xi32, #cta.direct<threads = [4, 32], strides = [32, 1], vector = 4>>
func.func @computed(%x: memref<?xi32>, %out: memref<?xi32>) {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    cta.role "all" warps 4 registers 64 {
      %zero = arith.constant dense<0> : tensor<128xi32>
      %v = tile.load %x[%i] : memref<?xi32> -> tensor<128xi32>
      %u = arith.maxsi %v, %zero : tensor<128xi32>
      %columns = tile.broadcast %u dim 0 : tensor<128xi32> -> tensor<128x128xi32>
      %rows = tile.broadcast %u dim 1 : tensor<128xi32> -> tensor<128x128xi32>
      %m = arith.muli %columns, %rows : tensor<128x128xi32>
      %s = tile.reduce max %m dim 1 : tensor<128x128xi32> -> tensor<128xi32>
      tile.store %s, %out[%c0] : tensor<128xi32>, memref<?xi32>
    }
  }
  return
}

// A result of a branch has the layout of both sides. A reduction along the rows of
// an accumulator has the column layout.
// CHECK-LABEL: func @branch
// CHECK:         scf.if %{{.*}} -> (tensor<64x64xf32, #cta.layout<acc>>)
// CHECK:         tile.reduce{{.*}} dim 0 : tensor<64x64xf32, #cta.layout<acc>> -> tensor<64xf32, #cta.layout<column>>
func.func @branch(%yes: i1, %out: memref<?xf32>) {
  scf.forall (%i) in (8) {
    %k = cta.ring "k" : !k
    cta.role "math" warps 4 registers 240 {
      %slot = cta.await %k : !k
      %x = cta.mma_async %slot, %slot transpose_b : !slot, !slot -> !cta.in_flight<tensor<64x64xf32>>
      %s = cta.mma_wait %x : !cta.in_flight<tensor<64x64xf32>>
      %m = scf.if %yes -> (tensor<64x64xf32>) {
        %zero = arith.constant dense<0.0> : tensor<64x64xf32>
        %y = arith.maximumf %s, %zero : tensor<64x64xf32>
        scf.yield %y : tensor<64x64xf32>
      } else {
        scf.yield %s : tensor<64x64xf32>
      }
      %r = tile.reduce max %m dim 0 : tensor<64x64xf32> -> tensor<64xf32>
      tile.store %r, %out[%i] : tensor<64xf32>, memref<?xf32>
    }
  }
  return
}
