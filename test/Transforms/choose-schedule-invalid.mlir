// mla-choose-schedule: unknown names, and tuning tables that do not parse. Each
// error has the file, the line, and what was expected.
// RUN: rm -rf %t && mkdir -p %t
// DEFINE: %{input} = %S/Inputs/sparse_prefill.mlir
// DEFINE: %{good} = sparse_prefill h_q=16 d_qk=576 d_v=512 topk=any topk_length=no target=sm_90a gpu=any schedule=seesaw ms=2 sizes=s_q=1 date=2026-11-21 version=0.1.0
// DEFINE: %{choose} = not %mla-opt %{input} --mla-choose-schedule=tuning-table=%t/table.txt

// RUN: not %mla-opt %{input} --mla-choose-schedule=schedule=best 2>&1 | FileCheck %s --check-prefix=SCHEDULE
// SCHEDULE: error: unknown schedule 'best', expected one of seesaw, shared-p, swapped, split-columns

// RUN: not %mla-opt %{input} --mla-choose-schedule=expect-sizes=s_kv=0 2>&1 | FileCheck %s --check-prefix=EXPECT
// EXPECT: error: expected sizes: expected NAME=N with 1 <= N < 2^31, got 's_kv=0'

// RUN: not %mla-opt %{input} --mla-choose-schedule=expect-sizes=rows=5 2>&1 | FileCheck %s --check-prefix=LARGE
// LARGE: error: expected sizes: unknown size 'rows', expected one of 

// Parameters of a schedule.
// RUN: not %mla-opt %{input} --mla-choose-schedule=schedule=shared-p:depth=-1 2>&1 | FileCheck %s --check-prefix=NEGATIVE
// NEGATIVE: error: schedule 'shared-p:depth=-1': expected PARAMETER=N with 1 <= N < 2^31, got 'depth=-1'
// RUN: not %mla-opt %{input} --mla-choose-schedule=schedule=shared-p:block_kv=64:block_kv=32 2>&1 | FileCheck %s --check-prefix=REPEATED
// REPEATED: error: schedule 'shared-p:block_kv=64:block_kv=32': parameter 'block_kv' is given twice
// RUN: not %mla-opt %{input} --mla-choose-schedule=schedule=shared-p:v.depth=2 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: error: schedule "shared-p": unknown parameter 'v.depth', expected one of k.depth, depth,
// RUN: not %mla-opt %{input} --mla-choose-schedule=schedule=shared-p:loader.registers=72 2>&1 | FileCheck %s --check-prefix=ROLE
// ROLE: error: schedule "shared-p": unknown parameter 'loader.registers', expected one of producer.registers,
// RUN: not %mla-opt %{input} --mla-choose-schedule=schedule=shared-p:producer.registers=100 2>&1 | FileCheck %s --check-prefix=REGISTERS
// REGISTERS: error: role "producer": expected registers a multiple of 8 in [24, 240] (setmaxnreg), got 100
// RUN: not %mla-opt %{input} --mla-choose-schedule=schedule=shared-p:producer.registers=240 2>&1 | FileCheck %s --check-prefix=BUDGET
// BUDGET: error: schedule "shared-p": roles need 86016 registers, an SM has 65536

// Schedule files.
// RUN: not %mla-opt %{input} --mla-choose-schedule=schedule=%t/none.mlir 2>&1 | FileCheck %s --check-prefix=FILE
// FILE: error: schedule: cannot read '{{.*}}none.mlir': No such file or directory
// RUN: echo "// Mine." > %t/bad.mlir && echo '#mla.schedule<"mine", roles = [<"all", warps = 4, registers = 128>], tabel = []>' >> %t/bad.mlir
// RUN: not %mla-opt %{input} --mla-choose-schedule=schedule=%t/bad.mlir 2>&1 | FileCheck %s --check-prefix=PARSE
// PARSE: bad.mlir:2:{{.*}}: error: expected 'table'
// RUN: echo '"seesaw"' > %t/text.mlir
// RUN: not %mla-opt %{input} --mla-choose-schedule=schedule=%t/text.mlir 2>&1 | FileCheck %s --check-prefix=KIND
// KIND: text.mlir:1:1: error: expected a #mla.schedule attribute, got "seesaw"
// RUN: echo '#mla.schedule<"mine" tile = {columns = 8}, roles = [<"all", warps = 4, registers = 128>], table = [<"q" in ["all"]>]>' > %t/tile.mlir
// RUN: not %mla-opt %{input} --mla-choose-schedule=schedule=%t/tile.mlir --mla-tile 2>&1 | FileCheck %s --check-prefix=TILE
// TILE: error: 'mla.sparse_prefill' op schedule "mine": unknown tile size 'columns', expected one of rows, block_kv

// seesaw's only ring aliases another one, so its depth is 1.
// RUN: not %mla-opt %{input} --mla-choose-schedule=schedule=seesaw:depth=4 2>&1 | FileCheck %s --check-prefix=RINGS
// RINGS: error: schedule "seesaw" has no ring whose depth can change: expected no parameter 'depth', got 4

// RUN: not %mla-opt %{input} --mla-choose-schedule=gpu=H20O 2>&1 | FileCheck %s --check-prefix=GPU
// GPU: error: unknown GPU 'H20O', expected one of H200, H20, H100, H800, GH200, H20-3e

// RUN: %{choose} 2>&1 | FileCheck %s --check-prefix=MISSING
// MISSING: sparse_prefill.mlir{{.*}}error: tuning table: cannot read '{{.*}}table.txt': No such file or directory

// RUN: echo "dense h_q=16" > %t/table.txt
// RUN: %{choose} 2>&1 | FileCheck %s --check-prefix=OPERATOR
// OPERATOR: error: {{.*}}table.txt:1: expected one of decode, combine, prefill, sparse_prefill, prefill_backward, got 'dense'

// RUN: echo "# A comment." > %t/table.txt && echo "%{good}" | sed s/h_q=16/heads=16/ >> %t/table.txt
// RUN: %{choose} 2>&1 | FileCheck %s --check-prefix=FIELD
// FIELD: error: {{.*}}table.txt:2: expected h_q=N, got 'heads=16'

// RUN: echo "%{good}" | sed s/d_v=512/d_v=0/ > %t/table.txt
// RUN: %{choose} 2>&1 | FileCheck %s --check-prefix=NUMBER
// NUMBER: error: {{.*}}table.txt:1: expected d_v=N with N >= 1, got 'd_v=0'

// RUN: echo "%{good}" | sed s/topk=any/topk=some/ > %t/table.txt
// RUN: %{choose} 2>&1 | FileCheck %s --check-prefix=TOPK
// TOPK: error: {{.*}}table.txt:1: expected topk=N or any, got 'topk=some'

// RUN: echo "%{good}" | sed s/seesaw/best/ > %t/table.txt
// RUN: %{choose} 2>&1 | FileCheck %s --check-prefix=NAME
// NAME: error: {{.*}}table.txt:1: expected schedule=one of seesaw, shared-p, swapped, split-columns, got 'schedule=best'

// RUN: echo "%{good}" | sed s/ms=2/ms=fast/ > %t/table.txt
// RUN: %{choose} 2>&1 | FileCheck %s --check-prefix=MS
// MS: error: {{.*}}table.txt:1: expected ms=X with 0.0001 <= X <= 1e9, got 'ms=fast'

// A value that would be printed as 0.
// RUN: echo "%{good}" | sed s/ms=2/ms=4e-300/ > %t/table.txt
// RUN: %{choose} 2>&1 | FileCheck %s --check-prefix=SMALL
// SMALL: error: {{.*}}table.txt:1: expected ms=X with 0.0001 <= X <= 1e9, got 'ms=4e-300'

// RUN: echo "%{good}" | sed s/version.*// > %t/table.txt
// RUN: %{choose} 2>&1 | FileCheck %s --check-prefix=SHORT
// SHORT: error: {{.*}}table.txt:1: expected version=X, got the end of the line

// RUN: echo "%{good} more" > %t/table.txt
// RUN: %{choose} 2>&1 | FileCheck %s --check-prefix=LONG
// LONG: error: {{.*}}table.txt:1: expected the end of the line, got 'more'

// RUN: echo "%{good}" > %t/table.txt && echo "%{good}" | sed s/seesaw/shared-p/ >> %t/table.txt
// RUN: %{choose} 2>&1 | FileCheck %s --check-prefix=TWICE
// TWICE: error: {{.*}}table.txt:2: expected one entry for each shape and GPU, got a duplicate of line 1

// Entries for unknown operators and GPUs, and parameters that no schedule accepts.
// RUN: echo "%{good}" | sed s/h_q=16/h_q=500/ > %t/table.txt
// RUN: %{choose} 2>&1 | FileCheck %s --check-prefix=HEADS
// HEADS: error: {{.*}}table.txt:1: expected 1 <= h_q <= 128, got 500

// RUN: echo "%{good}" | sed s/d_qk=576/d_qk=57/ > %t/table.txt
// RUN: %{choose} 2>&1 | FileCheck %s --check-prefix=DIMS
// DIMS: error: {{.*}}table.txt:1: expected d_qk/d_v of 576/512 or 512/512, got 57/512

// RUN: echo "%{good}" | sed s/gpu=any/gpu=h200/ > %t/table.txt
// RUN: %{choose} 2>&1 | FileCheck %s --check-prefix=ENTRY-GPU
// ENTRY-GPU: error: {{.*}}table.txt:1: unknown GPU 'h200', expected one of H200, {{.*}}

// RUN: echo "%{good}" | sed s/sm_90a/sm_90/ > %t/table.txt
// RUN: %{choose} 2>&1 | FileCheck %s --check-prefix=ENTRY-TARGET
// ENTRY-TARGET: error: {{.*}}table.txt:1: unknown target 'sm_90', expected one of sm_80, sm_90a

// RUN: echo "%{good}" | sed s/seesaw/seesaw:block_kv/ > %t/table.txt
// RUN: %{choose} 2>&1 | FileCheck %s --check-prefix=ENTRY-KEYS
// ENTRY-KEYS: error: {{.*}}table.txt:1: schedule 'seesaw:block_kv': expected PARAMETER=N with 1 <= N < 2^31, got 'block_kv'

// RUN: echo "%{good}" | sed "s/h_q=16/h_q=128/; s/topk_length=no/topk_length=yes/; s/seesaw/seesaw:depth=4/" > %t/table.txt
// RUN: %{choose} 2>&1 | FileCheck %s --check-prefix=ENTRY-STAGES
// ENTRY-STAGES: error: schedule "seesaw" has no ring whose depth can change: expected no parameter 'depth', got 4
// ENTRY-STAGES: note: schedule 'seesaw:depth=4' was chosen by the tuning table, line 1

// The table is read only with auto.
// RUN: %mla-opt %{input} --mla-choose-schedule="schedule=seesaw tuning-table=%t/table.txt"
