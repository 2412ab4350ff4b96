// Functions of scalars have the instructions that those of fragments have.
//
// RUN: mla-opt %s --convert-mla-to-nvvm | FileCheck %s

func.func @scalar_functions(%x: f32, %m: memref<?xf32>) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
      // CHECK: %[[A:.*]] = llvm.inline_asm {{.*}}"ex2.approx.ftz.f32 $0, $1;", "=f,f" %{{.*}} : (f32) -> f32
      %a = math.exp2 %x : f32
      // CHECK: %[[B:.*]] = llvm.inline_asm {{.*}}"lg2.approx.ftz.f32 $0, $1;", "=f,f" %[[A]] : (f32) -> f32
      %b = math.log2 %a : f32
      // CHECK: %[[LOG2E:.*]] = arith.constant 1.44269502 : f32
      // CHECK: %[[SCALED:.*]] = arith.mulf %[[B]], %[[LOG2E]] : f32
      // CHECK: llvm.inline_asm {{.*}}"ex2.approx.ftz.f32 $0, $1;", "=f,f" %[[SCALED]] : (f32) -> f32
      %c = math.exp %b : f32
      // Written with exp.
      // CHECK-NOT: math.tanh
      // CHECK: "ex2.approx.ftz.f32 $0, $1;"
      %d = math.tanh %c : f32
      %t = tensor.splat %d : tensor<64xf32, #cta.layout<row>>
      tile.store %t, %m[%i] : tensor<64xf32, #cta.layout<row>>, memref<?xf32>
    }
  }
  return
}
