// mla-assign-layouts: products fix the accumulator's layout, everything tied to
// it follows; gathers fix the layout of their indices.
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
      // A constant with uses of two layouts is two constants.
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
        // The register operand, under its own layout, at the product's place.
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

// The transpose of an accumulator is its registers under another name.
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
