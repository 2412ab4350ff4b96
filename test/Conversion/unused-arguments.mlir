// The kernels of a program have the same arguments. Each gets parameters only of those
// memrefs that it uses: address, sizes and strides of one that it accesses, sizes and
// strides of one that it only asks for a size, and nothing of the others.
//
// RUN: mla-opt %s --convert-mla-to-nvvm -o %t.mlir
// RUN: FileCheck %s < %t.mlir
// RUN: FileCheck %s --check-prefix=JSON < %t.mlir

// JSON: \22name\22:\22unused\22
// JSON-SAME: \22symbol\22:\22first\22
// JSON-SAME: \22parameters\22:[{\22kind\22:\22pointer\22,\22argument\22:0},{\22kind\22:\22size\22,\22argument\22:0,\22dim\22:0},{\22kind\22:\22scalar\22,\22argument\22:1}]
// JSON-SAME: \22symbol\22:\22second\22
// JSON-SAME: \22parameters\22:[{\22kind\22:\22size\22,\22argument\22:0,\22dim\22:0},{\22kind\22:\22scalar\22,\22argument\22:1},{\22kind\22:\22pointer\22,\22argument\22:2}]

// CHECK: llvm.func @first(%{{[^:,]*}}: i64, %{{[^:,]*}}: i64, %{{[^:,]*}}: f32) attributes
// CHECK: llvm.func @second(%{{[^:,]*}}: i64, %{{[^:,]*}}: f32, %{{[^:,]*}}: i64) attributes
func.func @first(%x: memref<?xf32> {mla.name = "x", mla.dims = ["n"]},
                 %scale: f32 {mla.name = "scale"},
                 %y: memref<64xf32> {mla.name = "y", mla.dims = [""]},
                 %unused: memref<?xf32> {mla.name = "unused", mla.dims = ["m"]})
    attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (1) {
    cta.role "all" warps 4 registers 168 {
      %v = tensor.splat %scale : tensor<64xf32, #cta.layout<row>>
      tile.store %v, %x[%c0] : tensor<64xf32, #cta.layout<row>>, memref<?xf32>
    }
  }
  return
}

func.func @second(%x: memref<?xf32> {mla.name = "x", mla.dims = ["n"]},
                  %scale: f32 {mla.name = "scale"},
                  %y: memref<64xf32> {mla.name = "y", mla.dims = [""]},
                  %unused: memref<?xf32> {mla.name = "unused", mla.dims = ["m"]})
    attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?xf32>
  scf.forall (%i) in (%n) {
    cta.role "all" warps 4 registers 168 {
      %v = arith.constant dense<1.0> : tensor<64xf32, #cta.layout<row>>
      tile.store %v, %y[%c0] : tensor<64xf32, #cta.layout<row>>, memref<64xf32>
    }
  }
  return
}
