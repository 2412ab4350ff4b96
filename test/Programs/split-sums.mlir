// REQUIRES: jit
// A program of two kernels. The first computes row sums of a b^T for splits of 256 rows
// of b, and writes them to a workspace. The second adds these and the row sums of a c^T.
//
// The interpreter, and the simulator under 8 timings, have to agree exactly with the
// sums that a script computes.
// RUN: %python %S/Inputs/split_sums.py %t.data 130 1000
// DEFINE: %{data} = --input=a=%t.data/a.npy --input=b=%t.data/b.npy --input=c=%t.data/c.npy --expect=out=%t.data/out.npy --tolerance=0
// RUN: mla-jit run %s --device=interpreter %{data}
// RUN: mla-jit run %s --device=sim --seeds=8 %{data}
// RUN: mla-jit run %s --device=sim --timing=earliest %{data}
// RUN: mla-jit run %s --device=sim --timing=latest %{data}
// One row, one split:
// RUN: %python %S/Inputs/split_sums.py %t.data 1 3
// RUN: mla-jit run %s --device=sim %{data}
//
// RUN: mla-jit compile %s -o %t.package
// RUN: FileCheck %s --check-prefix=JSON < %t.package/kernel.json
// JSON:      "version": 3
// JSON:      "workspaces":
// JSON:      "ceildiv(keys, 256)"
// JSON:      "rows"
// JSON:      "symbol": "split_sums"
// JSON:      "grid": "min(ceildiv(rows, 64) * ceildiv(keys, 256), sms)"
// JSON:      "symbol": "add_splits"
// JSON:      "grid": "ceildiv(rows, 64)"
// JSON:      "programmatic": true
// RUN: FileCheck %s --check-prefix=PTX < %t.package/kernel.ptx
// PTX:       .entry split_sums(
// PTX:       %nctaid.x
// PTX:       .entry add_splits(
// PTX:       griddepcontrol.wait
//
// A kernel may only read what an earlier one has written:
// RUN: sed 's/(%%blocks, %%splits) {/(%%blocks, 1) {/' %s > %t.gap.mlir
// RUN: %python %S/Inputs/split_sums.py %t.data 130 1000
// RUN: not mla-jit run %t.gap.mlir --device=sim %{data} 2>&1 | FileCheck %s --check-prefix=GAP
// GAP: error: 'tile.load' op {{.*}}reads element 130 of a workspace, which no kernel has written
//
// Each mutation damages one kernel, and the simulator runs both: none survives.
// RUN: mla-jit mutate %s --quick --quiet --seeds=1 --sizes=rows=130,keys=600 --json=%t.json | FileCheck %s --check-prefix=MUTATE
// MUTATE-NOT: survived
// MUTATE: | kind | what is wrong | split-sums/split_sums | split-sums/add_splits |
// MUTATE: | all | | {{[1-9][0-9]*}}: {{[1-9].*}} | {{[1-9][0-9]*}}: {{[1-9].*}} |
// MUTATE-NOT: survived
// RUN: FileCheck %s --check-prefix=MUTATED < %t.json
// MUTATED: "kernel":"split-sums/add_splits"
// MUTATED: "id":"add_splits/later/launch_wait/cta.0/far"
// MUTATED-SAME: "verifier":"'tile.load' op accesses a workspace before cta.launch_wait
//
// A trace has both kernels on one timeline.
// RUN: mla-jit run %s --device=sim --trace=%t.json %{data}
// RUN: FileCheck %s --check-prefix=TRACE < %t.json
// TRACE: "name":"split_sums, CTA 0"
// TRACE: "name":"add_splits, CTA 0"
// RUN: %python %S/Inputs/kernels_in_order.py %t.json

#split = #mla.schedule<"split" after ["persist"],
  roles = [<"sums", warps = 4, registers = 224>, <"producer", warps = 4, registers = 56>],
  table = [
    <"a" in ["producer"]>,
    <"b" in ["producer"]>,
    <"products" in ["sums"]>,
    <"row sums" in ["sums"]>,
    <"sum" in ["sums"]>,
    <"store" in ["sums"]>],
  rings = [<"b", depth = 2>]>

#add = #mla.schedule<"add",
  roles = [<"sums", warps = 4, registers = 224>, <"producer", warps = 4, registers = 56>],
  table = [
    <"a" in ["producer"]>,
    <"c" in ["producer"]>,
    <"products" in ["sums"]>,
    <"row sums" in ["sums"]>,
    <"part" in ["sums"]>,
    <"sum" in ["sums"]>,
    <"store" in ["sums"]>]>

func.func @split_sums(
    %a: memref<?x64xbf16, strided<[?, 1]>> {mla.name = "a", mla.dims = ["rows", ""]},
    %b: memref<?x64xbf16, strided<[?, 1]>> {mla.name = "b", mla.dims = ["keys", ""]},
    %parts: memref<?x?xf32> {mla.name = "parts", mla.workspace, mla.dims = ["ceildiv(keys, 256)", "rows"]})
    attributes {mla.schedule = #split} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %c256 = arith.constant 256 : index
  %zero = arith.constant dense<0.0> : tensor<64xf32>
  %rows = memref.dim %a, %c0 : memref<?x64xbf16, strided<[?, 1]>>
  %blocks = arith.ceildivui %rows, %c64 : index
  %splits = memref.dim %parts, %c0 : memref<?x?xf32>
  scf.forall (%block, %split) in (%blocks, %splits) {
    %row = arith.muli %block, %c64 : index
    %at = tile.load %a[%row, %c0] {tile.label = "a"} : memref<?x64xbf16, strided<[?, 1]>> -> tensor<64x64xbf16>
    %begin = arith.muli %split, %c256 : index
    %end = arith.addi %begin, %c256 : index
    // Rows behind the last one are 0, and so are sums of their products.
    %sum = scf.for %t = %begin to %end step %c64 iter_args(%s = %zero) -> (tensor<64xf32>) {
      %bt = tile.load %b[%t, %c0] {tile.label = "b"} : memref<?x64xbf16, strided<[?, 1]>> -> tensor<64x64xbf16>
      %p = tile.dot %at, %bt transpose_b {tile.label = "products"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      %r = tile.reduce sum %p dim 1 {tile.label = "row sums"} : tensor<64x64xf32> -> tensor<64xf32>
      %n = arith.addf %s, %r {tile.label = "sum"} : tensor<64xf32>
      scf.yield %n : tensor<64xf32>
    }
    tile.store %sum, %parts[%split, %row] {tile.label = "store"} : tensor<64xf32>, memref<?x?xf32>
  }
  return
}

func.func @add_splits(
    %a: memref<?x64xbf16, strided<[?, 1]>> {mla.name = "a", mla.dims = ["rows", ""]},
    %c: memref<64x64xbf16, strided<[?, 1]>> {mla.name = "c"},
    %parts: memref<?x?xf32> {mla.name = "parts", mla.workspace, mla.dims = ["ceildiv(keys, 256)", "rows"]},
    %out: memref<?xf32> {mla.name = "out", mla.dims = ["rows"]})
    attributes {mla.programmatic, mla.schedule = #add} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %splits = memref.dim %parts, %c0 : memref<?x?xf32>
  %rows = memref.dim %out, %c0 : memref<?xf32>
  %blocks = arith.ceildivui %rows, %c64 : index
  scf.forall (%block) in (%blocks) {
    %row = arith.muli %block, %c64 : index
    %at = tile.load %a[%row, %c0] {tile.label = "a"} : memref<?x64xbf16, strided<[?, 1]>> -> tensor<64x64xbf16>
    %ct = tile.load %c[%c0, %c0] {tile.label = "c"} : memref<64x64xbf16, strided<[?, 1]>> -> tensor<64x64xbf16>
    %p = tile.dot %at, %ct transpose_b {tile.label = "products"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    %own = tile.reduce sum %p dim 1 {tile.label = "row sums"} : tensor<64x64xf32> -> tensor<64xf32>
    %sum = scf.for %split = %c0 to %splits step %c1 iter_args(%s = %own) -> (tensor<64xf32>) {
      %part = tile.load %parts[%split, %row] {tile.label = "part"} : memref<?x?xf32> -> tensor<64xf32>
      %n = arith.addf %s, %part {tile.label = "sum"} : tensor<64xf32>
      scf.yield %n : tensor<64xf32>
    }
    tile.store %sum, %out[%row] {tile.label = "store"} : tensor<64xf32>, memref<?xf32>
  }
  return
}
