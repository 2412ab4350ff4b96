// Elements of one byte: registers hold their bits, pairs become f16 by one instruction,
// gathers and TMA copies move blocks of 128 bytes.
//
// RUN: mla-opt %s --convert-mla-to-nvvm -split-input-file | FileCheck %s

// CHECK-LABEL: llvm.func @vector
// CHECK:         %[[LOAD:.*]] = llvm.load %{{.*}} : !llvm.ptr<1> -> i8
// CHECK:         %[[PAIR:.*]] = llvm.bitcast %{{.*}} : vector<2xi8> to i16
// CHECK:         %[[F16:.*]] = llvm.inline_asm {{.*}}"cvt.rn.f16x2.e4m3x2 $0, $1;", "=r,h" %[[PAIR]] : (i16) -> i32
// CHECK:         llvm.bitcast %[[F16]] : i32 to vector<2xf16>
// CHECK:         llvm.fpext %{{.*}} : f16 to f32
// CHECK-NOT:     f8E4M3FN
// CHECK:         llvm.return
func.func @vector(%in: memref<?xf8E4M3FN>, %out: memref<?xf32>) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
      %c0 = arith.constant 0 : index
      %x = tile.load %in[%c0] pad 1.5 : f8E4M3FN : memref<?xf8E4M3FN> -> tensor<64xf8E4M3FN, #cta.layout<row>>
      %y = arith.extf %x : tensor<64xf8E4M3FN, #cta.layout<row>> to tensor<64xf32, #cta.layout<row>>
      tile.store %y, %out[%c0] : tensor<64xf32, #cta.layout<row>>, memref<?xf32>
    }
  }
  return
}

// -----

#swizzled = #cta.shared_layout<swizzle = 128, rows = 64>

// Two blocks of 128 columns, of 64 rows, of which a thread copies 16 bytes of 4.
// CHECK-LABEL: llvm.func @gather
// CHECK-COUNT-8: cp.async.cg.shared.global [$0+{{[0-9]+}}], [$1+{{0|128}}], 16, $2;
// CHECK-NOT:     cp.async
func.func @gather(%kv: memref<?x256xf8E4M3FN>, %indices: memref<64xi32>) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    %r = cta.ring "k" at 0 : !cta.ring<1x64x256xf8E4M3FN, #swizzled>
    cta.role "all" warps 4 registers 168 {
      %c0 = arith.constant 0 : index
      %i0 = arith.constant 0 : i32
      %rows = tile.load %indices[%c0] : memref<64xi32> -> tensor<64xi32, #cta.layout<gather>>
      %s = cta.slot %r[%i0] : !cta.ring<1x64x256xf8E4M3FN, #swizzled>
      cta.gather_async %kv[%rows] [%c0] to %s : memref<?x256xf8E4M3FN>, tensor<64xi32, #cta.layout<gather>>, !cta.buffer<64x256xf8E4M3FN, #swizzled>
    }
  }
  return
}

// -----

#swizzled = #cta.shared_layout<swizzle = 128, rows = 64>

// CHECK-LABEL: llvm.func @copy
// CHECK-COUNT-2: cp.async.bulk.tensor.2d
// CHECK-NOT:     cp.async.bulk.tensor.2d
func.func @copy(%kv: memref<?x256xf8E4M3FN>) attributes {cta.verified} {
  %map = cta.tensor_map %kv box [64, 128] swizzle 128 : memref<?x256xf8E4M3FN>
  scf.forall (%i) in (2) {
    %r = cta.ring "k" at 0 : !cta.ring<1x64x256xf8E4M3FN, #swizzled>
    %full = cta.mbarrier "k.full" count 1 at 16384 : !cta.mbarrier<1>
    cta.role "all" warps 4 registers 168 {
      %c0 = arith.constant 0 : index
      %i0 = arith.constant 0 : i32
      %s = cta.slot %r[%i0] : !cta.ring<1x64x256xf8E4M3FN, #swizzled>
      cta.copy_async %kv[%c0, %c0] to %s map %map signals %full[%i0] : !cta.mbarrier<1> : memref<?x256xf8E4M3FN>, !cta.buffer<64x256xf8E4M3FN, #swizzled>
    }
  }
  return
}

// -----

#swizzled = #cta.shared_layout<swizzle = 128, rows = 64>

// Of a swizzled tile each thread loads pairs of neighbouring columns.
// CHECK-LABEL: llvm.func @load
// CHECK-COUNT-32: llvm.load %{{.*}} : !llvm.ptr<3> -> vector<2xi8>
// CHECK-NOT:      llvm.load
// CHECK-COUNT-32: cvt.rn.bf16x2.f32
func.func @load(%out: memref<?x128xbf16>) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    %r = cta.ring "k" at 0 : !cta.ring<1x64x128xf8E4M3FN, #swizzled>
    cta.role "all" warps 4 registers 168 {
      %c0 = arith.constant 0 : index
      %i0 = arith.constant 0 : i32
      %s = cta.slot %r[%i0] : !cta.ring<1x64x128xf8E4M3FN, #swizzled>
      %x = cta.load_shared %s : !cta.buffer<64x128xf8E4M3FN, #swizzled> -> tensor<64x128xf8E4M3FN, #cta.layout<acc>>
      %y = arith.extf %x : tensor<64x128xf8E4M3FN, #cta.layout<acc>> to tensor<64x128xbf16, #cta.layout<acc>>
      tile.store %y, %out[%c0, %c0] : tensor<64x128xbf16, #cta.layout<acc>>, memref<?x128xbf16>
    }
  }
  return
}
