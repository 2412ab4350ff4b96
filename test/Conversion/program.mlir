// Several kernels become one program: their arguments are matched by name, and
// what one leaves for the next is a workspace.
//
// RUN: mla-opt %s --convert-mla-to-nvvm -o %t.mlir
// RUN: FileCheck %s < %t.mlir
// RUN: FileCheck %s --check-prefix=JSON < %t.mlir
// RUN: mla-opt %s --mla-kernel-pipeline | FileCheck %s --check-prefix=PIPELINE
// PIPELINE-COUNT-2: llvm.func

// `rows` and `out` are the caller's. `out` is written by the first kernel and
// read by the second: no caller need fill it.
// JSON: \22arguments\22:[{\22name\22:\22rows\22
// JSON-SAME: \22access\22:\22read\22
// JSON-SAME: {\22name\22:\22scale\22,\22kind\22:\22scalar\22
// JSON-SAME: {\22name\22:\22out\22
// JSON-SAME: \22access\22:\22write\22
// JSON-SAME: \22workspaces\22:[{\22name\22:\22partial\22,\22dtype\22:\22f32\22,\22shape\22:[\22ceildiv(n, 256) + sms\22,64],\22alignment\22:4}]
// JSON-SAME: \22symbol\22:\22first\22,\22phase\22:\22plan\22
// JSON-SAME: {\22kind\22:\22pointer\22,\22workspace\22:0},{\22kind\22:\22size\22,\22workspace\22:0,\22dim\22:0}
// JSON-SAME: \22grid\22:\22min(n * (ceildiv(n, 256) + sms), sms)\22,\22block\22:128,\22cluster\22:1,\22sharedBytes\22:0,\22programmatic\22:false
// JSON-SAME: \22symbol\22:\22second\22,\22phase\22:\22launch\22
// JSON-SAME: \22grid\22:\22max(floordiv(n, 2), 4) * 2\22,\22block\22:128,\22cluster\22:2,\22sharedBytes\22:0,\22programmatic\22:true

// One array of shared memory for both.
// CHECK-COUNT-1: llvm.mlir.global external @mla_shared
// CHECK-NOT:     llvm.mlir.global
// A kernel does not know the number of SMs: it reads the size of its grid.
// CHECK-LABEL: llvm.func @first(
// CHECK-NOT:     tile.sm_count
// CHECK:         %[[SIZE:.*]] = nvvm.read.ptx.sreg.nctaid.x
// CHECK:         %[[STEP:.*]] = arith.index_castui %[[SIZE]]
// CHECK:         scf.for %{{.*}} = %{{.*}} to %{{.*}} step %[[STEP]]
func.func @first(%rows: memref<?xf32> {mla.name = "rows", mla.dims = ["n"]},
                 %scale: f32 {mla.name = "scale"},
                 %out: memref<?xf32> {mla.name = "out", mla.dims = ["n"]},
                 %partial: memref<?x64xf32> {mla.name = "partial", mla.workspace, mla.dims = ["ceildiv(n, 256) + sms", ""]})
    attributes {cta.verified, mla.phase = "plan"} {
  %c0 = arith.constant 0 : index
  %n = memref.dim %rows, %c0 : memref<?xf32>
  %parts = memref.dim %partial, %c0 : memref<?x64xf32>
  %items = arith.muli %n, %parts : index
  %sms = tile.sm_count
  %ctas = arith.minui %items, %sms : index
  scf.forall (%cta) in (%ctas) {
    cta.role "all" warps 4 registers 168 {
      scf.for %i = %cta to %items step %ctas {
        %x = tensor.splat %scale : tensor<64xf32, #cta.layout<row>>
        tile.store %x, %partial[%i, %c0] : tensor<64xf32, #cta.layout<row>>, memref<?x64xf32>
        tile.store %x, %out[%i] : tensor<64xf32, #cta.layout<row>>, memref<?xf32>
      }
    }
  }
  return
}

// CHECK-LABEL: llvm.func @second(
// CHECK:         nvvm.griddepcontrol wait
// CHECK:         nvvm.cluster.arrive.relaxed {aligned}
// CHECK:         nvvm.cluster.wait {aligned}
// CHECK:         nvvm.read.ptx.sreg.cluster.ctaid.x
// CHECK:         nvvm.griddepcontrol launch_dependents
func.func @second(%partial: memref<?x64xf32> {mla.name = "partial", mla.workspace, mla.dims = ["ceildiv(n, 256) + sms", ""]},
                  %out: memref<?xf32> {mla.name = "out", mla.dims = ["n"]})
    attributes {cta.verified, cta.cluster = array<i64: 1, 2>} {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c4 = arith.constant 4 : index
  %n = memref.dim %out, %c0 : memref<?xf32>
  %half = arith.divui %n, %c2 : index
  %blocks = arith.maxui %half, %c4 : index
  scf.forall (%i, %j) in (%blocks, 2) {
    cta.launch_wait
    cta.cluster_arrive relaxed
    cta.cluster_wait
    cta.role "all" warps 4 registers 168 {
      %rank = cta.cluster_rank
      %at = arith.index_cast %rank : i32 to index
      %x = tile.load %partial[%i, %c0] : memref<?x64xf32> -> tensor<64xf32, #cta.layout<row>>
      %y = tile.load %out[%at] : memref<?xf32> -> tensor<64xf32, #cta.layout<row>>
      %z = arith.addf %x, %y : tensor<64xf32, #cta.layout<row>>
      cta.launch_dependents
      tile.store %z, %out[%i] : tensor<64xf32, #cta.layout<row>>, memref<?xf32>
    }
  }
  return
}
