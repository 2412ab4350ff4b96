// mla-choose-schedule: decode's rule, the schedule with the shortest predicted time, but
// not seesaw where keys have no columns besides V's.
// DEFINE: %{choose} = %mla-opt --mla-choose-schedule
// RUN: %{choose} %S/Inputs/decode.mlir | FileCheck %s --check-prefix=FEW
// FEW: #mla.schedule<"swapped"
// RUN: sed 's/x16x/x64x/g' %S/Inputs/decode.mlir > %t.many.mlir
// RUN: %{choose} %t.many.mlir | FileCheck %s --check-prefix=MANY
// MANY: #mla.schedule<"seesaw"
// RUN: sed 's/x576x/x512x/g' %t.many.mlir > %t.narrow.mlir
// RUN: %{choose} %t.narrow.mlir | FileCheck %s --check-prefix=NARROW
// NARROW: #mla.schedule<"split-columns"
// Columns in tensors of their own are such columns.
// RUN: sed 's/func.func @attend(/&%more: memref<?x2x64x64xbf16>, %keys: memref<?x64x2x64xbf16>, /; s/ block_table/ q_rope(%more : memref<?x2x64x64xbf16>) k_rope(%keys : memref<?x64x2x64xbf16>) block_table/' %t.narrow.mlir > %t.rope.mlir
// RUN: %{choose} %t.rope.mlir | FileCheck %s --check-prefix=MANY
