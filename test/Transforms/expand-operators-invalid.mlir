// mla-expand-operators: no schedule, and functions whose names the program's other
// kernels have. mla-tile refuses an operator that was not expanded.
// DEFINE: %{choose} = --mla-choose-schedule=schedule=swapped
// RUN: not %mla-opt %S/Inputs/decode.mlir --mla-expand-operators 2>&1 | FileCheck %s --check-prefix=SCHEDULE
// SCHEDULE: error: 'mla.decode' op expected a schedule; run --mla-choose-schedule first

// RUN: cp %S/Inputs/decode.mlir %t.plan.mlir
// RUN: echo 'func.func private @attend_plan()' >> %t.plan.mlir
// RUN: not %mla-opt %t.plan.mlir %{choose} --mla-expand-operators 2>&1 | FileCheck %s --check-prefix=PLAN
// PLAN: error: 'mla.decode' op expected a module without a function 'attend_plan', the name of a kernel of the program

// RUN: cp %S/Inputs/decode.mlir %t.combine.mlir
// RUN: echo 'func.func private @attend_combine()' >> %t.combine.mlir
// RUN: not %mla-opt %t.combine.mlir %{choose} --mla-expand-operators 2>&1 | FileCheck %s --check-prefix=COMBINE
// COMBINE: error: 'mla.decode' op expected a module without a function 'attend_combine', the name of a kernel of the program

// Sizes that no kernel supports are refused before anything is added.
// RUN: not %mla-opt %S/Inputs/decode.mlir --mla-choose-schedule=schedule=swapped:rows=12 --mla-expand-operators 2>&1 | FileCheck %s --check-prefix=ROWS
// ROWS: error: 'mla.decode' op expected tile size 'rows' a multiple of 8 up to 32 where heads are columns of MMAs, got 12
// RUN: sed 's/x64x2x/x48x2x/' %S/Inputs/decode.mlir > %t.page.mlir
// RUN: not %mla-opt %t.page.mlir %{choose} --mla-expand-operators 2>&1 | FileCheck %s --check-prefix=PAGE
// PAGE: error: 'mla.decode' op expected page_size a power of two up to 256 or a multiple of 64, got 48
// RUN: sed 's/x64x2x/x?x2x/' %S/Inputs/decode.mlir > %t.dynamic.mlir
// RUN: not %mla-opt %t.dynamic.mlir %{choose} --mla-expand-operators 2>&1 | FileCheck %s --check-prefix=DYNAMIC
// DYNAMIC: error: 'mla.decode' op expected a static page_size with block_table, got a run-time size
// RUN: sed 's/x64x2x/x64x3x/' %S/Inputs/decode.mlir > %t.heads.mlir
// RUN: not %mla-opt %t.heads.mlir %{choose} --mla-expand-operators 2>&1 | FileCheck %s --check-prefix=HEADS
// HEADS: error: 'mla.decode' op expected h_q a multiple of h_kv, got 16 and 3
// RUN: sed 's/x2x16x/x17x16x/' %S/Inputs/decode.mlir > %t.queries.mlir
// RUN: not %mla-opt %t.queries.mlir %{choose} --mla-expand-operators 2>&1 | FileCheck %s --check-prefix=QUERIES
// QUERIES: error: 'mla.decode' op expected 1 <= s_q <= 16, got 17
// RUN: sed 's/x8xi32/x9xi32/' %S/Inputs/decode.mlir > %t.words.mlir
// RUN: not %mla-opt %t.words.mlir %{choose} --mla-expand-operators 2>&1 | FileCheck %s --check-prefix=WORDS
// WORDS: error: 'mla.decode' op expected plan_words = 8, got 9

// RUN: not %mla-opt %S/Inputs/decode.mlir %{choose} --mla-tile 2>&1 | FileCheck %s --check-prefix=TILE
// TILE: error: 'mla.decode' op expected workspaces for partial results; run --mla-expand-operators first

// The last columns of q and k_cache have one width.
// RUN: sed 's/576/512/; s/func.func @attend(/&%more: memref<?x2x16x32xbf16>, %keys: memref<?x64x2x32xbf16>, /; s/ block_table/ q_rope(%more : memref<?x2x16x32xbf16>) k_rope(%keys : memref<?x64x2x32xbf16>) block_table/' %S/Inputs/decode.mlir > %t.rope.mlir
// RUN: not %mla-opt %t.rope.mlir %{choose} --mla-expand-operators 2>&1 | FileCheck %s --check-prefix=ROPE
// ROPE: error: 'mla.decode' op expected d_rope = 64, got 32
