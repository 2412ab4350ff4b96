// The whole list of passes takes mla.sparse_prefill to NVVM; without any one of
// them a later one refuses and names what is missing. (--mla-schedule itself holds
// the names of a schedule against a program that --mla-verify-schedule has not seen.)

// RUN: %mla-opt %S/Inputs/sparse_prefill.mlir --mla-choose-schedule=schedule=shared-p --mla-tile --mla-decompose-softmax --mla-verify-schedule --canonicalize \
// RUN:   --cse --mla-schedule --mla-assign-layouts --mla-pipeline --canonicalize --cse \
// RUN:   --mla-stage-shared --mla-materialize-barriers --mla-wgmma-descriptors \
// RUN:   --mla-insert-async-fences --mla-insert-mma-sync --canonicalize --cse \
// RUN:   --mla-verify-async --convert-mla-to-nvvm | FileCheck %s --check-prefix=ALL
// ALL: llvm.func @sparse_prefill
// ALL-NOT: cta.

// Without mla-choose-schedule:
// RUN: not %mla-opt %S/Inputs/sparse_prefill.mlir --mla-tile --mla-decompose-softmax --canonicalize --cse \
// RUN:   --mla-schedule --mla-assign-layouts --mla-pipeline --canonicalize --cse \
// RUN:   --mla-stage-shared --mla-materialize-barriers --mla-wgmma-descriptors \
// RUN:   --mla-insert-async-fences --mla-insert-mma-sync --canonicalize --cse \
// RUN:   --mla-verify-async --convert-mla-to-nvvm 2>&1 | FileCheck %s --check-prefix=CHOOSE-SCHEDULE
// CHOOSE-SCHEDULE: error: 'mla.sparse_prefill' op expected a schedule; run --mla-choose-schedule first

// Without mla-tile:
// RUN: not %mla-opt %S/Inputs/sparse_prefill.mlir --mla-decompose-softmax --canonicalize --cse \
// RUN:   --mla-schedule --mla-assign-layouts --mla-pipeline --canonicalize --cse \
// RUN:   --mla-stage-shared --mla-materialize-barriers --mla-wgmma-descriptors \
// RUN:   --mla-insert-async-fences --mla-insert-mma-sync --canonicalize --cse \
// RUN:   --mla-verify-async --convert-mla-to-nvvm 2>&1 | FileCheck %s --check-prefix=TILE
// TILE: error: 'mla.sparse_prefill' op expected a tile program; run --mla-tile first

// Without mla-decompose-softmax:
// RUN: not %mla-opt %S/Inputs/sparse_prefill.mlir --mla-choose-schedule=schedule=shared-p --mla-tile --canonicalize --cse \
// RUN:   --mla-schedule --mla-assign-layouts --mla-pipeline --canonicalize --cse \
// RUN:   --mla-stage-shared --mla-materialize-barriers --mla-wgmma-descriptors \
// RUN:   --mla-insert-async-fences --mla-insert-mma-sync --canonicalize --cse \
// RUN:   --mla-verify-async --convert-mla-to-nvvm \
// RUN:   2>&1 | FileCheck %s --check-prefix=DECOMPOSE-SOFTMAX
// DECOMPOSE-SOFTMAX: error: 'tile.online_softmax' op expected at most one result; decompose it (--mla-decompose-softmax)

// Without mla-schedule:
// RUN: not %mla-opt %S/Inputs/sparse_prefill.mlir --mla-choose-schedule=schedule=shared-p --mla-tile --mla-decompose-softmax \
// RUN:   --canonicalize --cse --mla-assign-layouts --mla-pipeline --canonicalize --cse \
// RUN:   --mla-stage-shared --mla-materialize-barriers --mla-wgmma-descriptors \
// RUN:   --mla-insert-async-fences --mla-insert-mma-sync --canonicalize --cse \
// RUN:   --mla-verify-async --convert-mla-to-nvvm 2>&1 | FileCheck %s --check-prefix=SCHEDULE
// SCHEDULE: error: 'scf.forall' op expected roles; run --mla-schedule first

// Without mla-assign-layouts:
// RUN: not %mla-opt %S/Inputs/sparse_prefill.mlir --mla-choose-schedule=schedule=shared-p --mla-tile --mla-decompose-softmax \
// RUN:   --canonicalize --cse --mla-schedule --mla-pipeline --canonicalize --cse \
// RUN:   --mla-stage-shared --mla-materialize-barriers --mla-wgmma-descriptors \
// RUN:   --mla-insert-async-fences --mla-insert-mma-sync --canonicalize --cse \
// RUN:   --mla-verify-async --convert-mla-to-nvvm \
// RUN:   2>&1 | FileCheck %s --check-prefix=ASSIGN-LAYOUTS
// ASSIGN-LAYOUTS: error: 'cta.{{.*}}' op expected a fragment with a layout, got {{.*}}; run --mla-assign-layouts first

// Without mla-pipeline:
// RUN: not %mla-opt %S/Inputs/sparse_prefill.mlir --mla-choose-schedule=schedule=shared-p --mla-tile --mla-decompose-softmax \
// RUN:   --canonicalize --cse --mla-schedule --mla-assign-layouts --canonicalize --cse \
// RUN:   --mla-stage-shared --mla-materialize-barriers --mla-wgmma-descriptors \
// RUN:   --mla-insert-async-fences --mla-insert-mma-sync --canonicalize --cse \
// RUN:   --mla-verify-async --convert-mla-to-nvvm 2>&1 | FileCheck %s --check-prefix=PIPELINE
// PIPELINE: error: 'cta.{{.*}}' op expected a pipelined loop; run --mla-pipeline first

// Without mla-stage-shared:
// RUN: not %mla-opt %S/Inputs/sparse_prefill.mlir --mla-choose-schedule=schedule=shared-p --mla-tile --mla-decompose-softmax \
// RUN:   --canonicalize --cse --mla-schedule --mla-assign-layouts --mla-pipeline --canonicalize \
// RUN:   --cse --mla-materialize-barriers --mla-wgmma-descriptors --mla-insert-async-fences \
// RUN:   --mla-insert-mma-sync --canonicalize --cse --mla-verify-async --convert-mla-to-nvvm \
// RUN:   2>&1 | FileCheck %s --check-prefix=STAGE-SHARED
// STAGE-SHARED: error: 'func.func' op expected attribute cta.shared_bytes; run --mla-stage-shared first

// Without mla-materialize-barriers:
// RUN: not %mla-opt %S/Inputs/sparse_prefill.mlir --mla-choose-schedule=schedule=shared-p --mla-tile --mla-decompose-softmax \
// RUN:   --canonicalize --cse --mla-schedule --mla-assign-layouts --mla-pipeline --canonicalize \
// RUN:   --cse --mla-stage-shared --mla-wgmma-descriptors --mla-insert-async-fences \
// RUN:   --mla-insert-mma-sync --canonicalize --cse --mla-verify-async --convert-mla-to-nvvm \
// RUN:   2>&1 | FileCheck %s --check-prefix=MATERIALIZE-BARRIERS
// MATERIALIZE-BARRIERS: error: 'cta.{{.*}}' op expected mbarriers instead; run --mla-materialize-barriers first

// Without mla-wgmma-descriptors:
// RUN: not %mla-opt %S/Inputs/sparse_prefill.mlir --mla-choose-schedule=schedule=shared-p --mla-tile --mla-decompose-softmax \
// RUN:   --canonicalize --cse --mla-schedule --mla-assign-layouts --mla-pipeline --canonicalize \
// RUN:   --cse --mla-stage-shared --mla-materialize-barriers --mla-insert-async-fences \
// RUN:   --mla-insert-mma-sync --canonicalize --cse --mla-verify-async --convert-mla-to-nvvm \
// RUN:   2>&1 | FileCheck %s --check-prefix=WGMMA-DESCRIPTORS
// WGMMA-DESCRIPTORS: error: 'cta.mma_async' op expected a descriptor operand; run --mla-wgmma-descriptors first

// Without mla-insert-async-fences:
// RUN: not %mla-opt %S/Inputs/sparse_prefill.mlir --mla-choose-schedule=schedule=shared-p --mla-tile --mla-decompose-softmax \
// RUN:   --canonicalize --cse --mla-schedule --mla-assign-layouts --mla-pipeline --canonicalize \
// RUN:   --cse --mla-stage-shared --mla-materialize-barriers --mla-wgmma-descriptors \
// RUN:   --mla-insert-mma-sync --canonicalize --cse --mla-verify-async --convert-mla-to-nvvm \
// RUN:   2>&1 | FileCheck %s --check-prefix=INSERT-ASYNC-FENCES
// INSERT-ASYNC-FENCES: error: 'cta.arrive' op publishes generic writes to the async proxy without cta.fence_async; run --mla-insert-async-fences first

// Without mla-insert-mma-sync:
// RUN: not %mla-opt %S/Inputs/sparse_prefill.mlir --mla-choose-schedule=schedule=shared-p --mla-tile --mla-decompose-softmax \
// RUN:   --canonicalize --cse --mla-schedule --mla-assign-layouts --mla-pipeline --canonicalize \
// RUN:   --cse --mla-stage-shared --mla-materialize-barriers --mla-wgmma-descriptors \
// RUN:   --mla-insert-async-fences --canonicalize --cse --mla-verify-async \
// RUN:   --convert-mla-to-nvvm 2>&1 | FileCheck %s --check-prefix=INSERT-MMA-SYNC
// INSERT-MMA-SYNC: error: 'cta.mma_async' op expected cta.mma_fence before the product; run --mla-insert-mma-sync first

// Without mla-verify-async:
// RUN: not %mla-opt %S/Inputs/sparse_prefill.mlir --mla-choose-schedule=schedule=shared-p --mla-tile --mla-decompose-softmax \
// RUN:   --canonicalize --cse --mla-schedule --mla-assign-layouts --mla-pipeline --canonicalize \
// RUN:   --cse --mla-stage-shared --mla-materialize-barriers --mla-wgmma-descriptors \
// RUN:   --mla-insert-async-fences --mla-insert-mma-sync --canonicalize --cse \
// RUN:   --convert-mla-to-nvvm 2>&1 | FileCheck %s --check-prefix=VERIFY-ASYNC
// VERIFY-ASYNC: error: 'func.func' op expected a verified CTA program; run --mla-verify-async first

// Without --mla-pair-tiles, in a schedule that asks for it.
// RUN: not %mla-opt %S/Inputs/sparse_prefill.mlir --mla-choose-schedule=schedule=seesaw --mla-tile --mla-split-width \
// RUN:   --mla-decompose-softmax --canonicalize --cse --mla-schedule 2>&1 | FileCheck %s --check-prefix=PAIR
// PAIR: error: {{.*}}expected "pair-tiles", for which schedule "seesaw" asks; run --mla-pair-tiles first

// Without --mla-split-width.
// RUN: not %mla-opt %S/Inputs/sparse_prefill.mlir --mla-choose-schedule=schedule=seesaw --mla-tile --mla-pair-tiles \
// RUN:   --mla-decompose-softmax --mla-split-sums --canonicalize --cse --mla-schedule 2>&1 | FileCheck %s --check-prefix=WIDTH
// WIDTH: error: {{.*}}expected "split-width", for which schedule "seesaw" asks; run --mla-split-width first

// Without --mla-split-tail.
// RUN: not %mla-opt %S/Inputs/sparse_prefill.mlir --mla-choose-schedule=schedule=seesaw --mla-tile --mla-pair-tiles --mla-split-width \
// RUN:   --mla-persist --mla-decompose-softmax --mla-split-sums --canonicalize --cse --mla-schedule 2>&1 | FileCheck %s --check-prefix=TAIL
// TAIL: error: {{.*}}expected "split-tail", for which schedule "seesaw" asks; run --mla-split-tail first

// Without --mla-persist.
// RUN: not %mla-opt %S/Inputs/sparse_prefill.mlir --mla-choose-schedule=schedule=seesaw --mla-tile --mla-pair-tiles --mla-split-width \
// RUN:   --mla-split-tail --mla-decompose-softmax --mla-split-sums --canonicalize --cse --mla-schedule 2>&1 | FileCheck %s --check-prefix=PERSIST
// PERSIST: error: {{.*}}expected "persist", for which schedule "seesaw" asks; run --mla-persist first

// Without --mla-split-sums.
// RUN: not %mla-opt %S/Inputs/sparse_prefill.mlir --mla-choose-schedule=schedule=seesaw --mla-tile --mla-pair-tiles --mla-split-width \
// RUN:   --mla-split-tail --mla-persist --mla-decompose-softmax --canonicalize --cse --mla-schedule 2>&1 | FileCheck %s --check-prefix=SUMS
// SUMS: error: {{.*}}expected "split-sums", for which schedule "seesaw" asks; run --mla-split-sums first

// Without --mla-defer-sums, in a schedule that asks for it.
// RUN: not %mla-opt %S/Inputs/sparse_prefill.mlir --mla-choose-schedule=schedule=swapped --mla-tile --mla-split-width \
// RUN:   --mla-decompose-softmax --mla-swap-ab --canonicalize --cse --mla-schedule 2>&1 | FileCheck %s --check-prefix=DEFER
// DEFER: error: {{.*}}expected "defer-sums", for which schedule "swapped" asks; run --mla-defer-sums first

// Without --mla-swap-ab, in a schedule that asks for it.
// RUN: not %mla-opt %S/Inputs/sparse_prefill.mlir --mla-choose-schedule=schedule=swapped --mla-tile --mla-split-width \
// RUN:   --mla-decompose-softmax --mla-defer-sums --canonicalize --cse --mla-schedule 2>&1 | FileCheck %s --check-prefix=SWAP
// SWAP: error: {{.*}}expected "swap-ab", for which schedule "swapped" asks; run --mla-swap-ab first

// Without --mla-reduce-across-warps, where rows are reduced.
// RUN: not %mla-opt %S/Inputs/sparse_prefill.mlir --mla-choose-schedule=schedule=swapped --mla-tile --mla-split-width \
// RUN:   --mla-decompose-softmax --mla-defer-sums --mla-swap-ab --canonicalize --cse --mla-schedule \
// RUN:   --mla-assign-layouts --mla-pipeline --canonicalize --cse --mla-stage-shared --mla-materialize-barriers \
// RUN:   --mla-elide-barriers --mla-wgmma-descriptors --mla-insert-async-fences --mla-insert-mma-sync --cse --canonicalize --cse \
// RUN:   --mla-verify-async 2>&1 | FileCheck %s --check-prefix=REDUCE
// REDUCE: error: {{.*}}expected a reduction within warps; run --mla-reduce-across-warps first
