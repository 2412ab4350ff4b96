//===- CTAPasses.td - passes on the program of one CTA -----*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

// Included by Passes.td.

#ifndef MLA_TRANSFORMS_CTAPASSES_TD
#define MLA_TRANSFORMS_CTAPASSES_TD

def ReduceAcrossWarps : FuncPass<"mla-reduce-across-warps"> {
  let summary = "lower reductions that cross warps";
  let description = [{
    The rows of an accumulator are distributed over the warps of a role. A
    `tile.reduce` along dimension 0 becomes a reduction within each warp
    (`cta.reduce_warp`), an exchange of the four partial results through a ring
    that the role both fills and reads, and their combination in warp order:

    ```mlir
    %part = cta.reduce_warp max %s : tensor<64x16xf32> -> tensor<64xf32>
    %slot = cta.acquire %ring : !cta.ring<1x64xf32>
    cta.store_shared %part to %slot : ...
    %parts = cta.await %ring : !cta.ring<1x64xf32>
    %v0 = cta.view %parts [0] : ...
    %m0 = cta.load_shared %v0 : !cta.buffer<16xf32> -> tensor<16xf32>
    ...
    ```

    For a fragment with a direct layout whose reduced dimension is distributed
    over several warps, each warp reduces its part, and every thread then
    combines the partial results:

    ```mlir
    %part = cta.reduce_warp sum %x dim 0 : tensor<256x32xf32> -> tensor<8x32xf32>
    %slot = cta.acquire %ring : !cta.ring<1x8x32xf32>
    cta.store_shared %part to %slot : ...
    %parts = cta.await %ring : !cta.ring<1x8x32xf32>
    %all = cta.load_shared %parts : ... -> tensor<8x32xf32>
    %sum = tile.reduce sum %all dim 0 : tensor<8x32xf32> -> tensor<32xf32>
    ```
  }];
}

def AssignLayouts : FuncPass<"mla-assign-layouts"> {
  let summary = "assign a register layout to every fragment";
  let description = [{
    Propagates layouts through each role until a fixpoint. MMA results have the
    layout `acc`; a register operand A is converted to `a_operand`; reductions
    and broadcasts relate `row` and `column` vectors to `acc`; a gather fixes the
    layout of its indices. Elementwise ops and loops have one layout for all
    operands and results.

    ```mlir
    %s = cta.mma_wait %f : !cta.in_flight<tensor<64x64xf32>>
    %m = tile.reduce max %s dim 1 : tensor<64x64xf32> -> tensor<64xf32>
    // becomes
    %s = cta.mma_wait %f : !cta.in_flight<tensor<64x64xf32, #cta.layout<acc>>>
    %m = tile.reduce max %s dim 1
      : tensor<64x64xf32, #cta.layout<acc>> -> tensor<64xf32, #cta.layout<row>>
    ```

    In a role without MMAs, loads get direct layouts (`#cta.direct`): accesses of
    up to 16 bytes per thread, with consecutive threads along the last dimension
    and the remaining threads along the first. `threads` and `vector` in the
    schedule's row override this. A vector that matrices need along their rows
    and along their columns is loaded and computed once for each.

    A fragment with two different layouts, or with none that can be inferred, is
    an error.
  }];
}

def Pipeline : FuncPass<"mla-pipeline"> {
  let summary = "software-pipeline the loops of the roles";
  let description = [{
    Applies `scf::pipelineForLoop` with the stages (`cta.stage`) and orders
    (`cta.order`) that the schedule gave the ops of each innermost loop, and
    removes these attributes.

    ```mlir
    scf.for %i = %c0 to %n step %c1 {
      a(%i) {cta.stage = 0}
      b(%i) {cta.stage = 1}
    }
    // becomes
    scf.if %n > 0 {
      a(0)                                   // prologue
      scf.for %i = %c0 to %n - 1 step %c1 {  // steady state
        a(%i + 1)
        b(%i)
      }
      b(%n - 1)                              // epilogue
    }
    ```

    With N stages, a loop of fewer than N - 1 iterations runs as it was, in the
    else branch. If every op that would run past the end of the loop may do so, such as loads,
    whose out-of-bounds elements are padding, the loop needs neither the guard
    nor the epilogue.

    With `tile.peel_last` on a loop that has an epilogue, the last iteration of the
    steady state stands behind it, under a condition that there is one. What only
    this loop reads, such as Q, is then released after the last MMA that reads it,
    and not after the loop.
  }];
}

def StageShared : FuncPass<"mla-stage-shared"> {
  let summary = "allocate shared memory for the rings";
  let description = [{
    Assigns an offset and a layout to every ring: tiles that an MMA or TMA
    accesses get the 128-byte swizzle and 1,024-byte alignment, others are dense.
    If the rings do not fit, those that the schedule allows to share memory do
    (`aliases`); if memory remains, rings grow to the maximum depth that the
    schedule allows. Creates the tensor map of each TMA copy. Sets
    `cta.shared_bytes`. Exceeding the limit is an error that lists all rings.

    ```mlir
    %ring = cta.ring "k" : !cta.ring<2x64x576xbf16>
    // becomes
    %ring = cta.ring "k" at 0 : !cta.ring<2x64x576xbf16, #cta.shared_layout<swizzle = 128, rows = 64>>
    ```
  }];
}

def MaterializeBarriers : FuncPass<"mla-materialize-barriers"> {
  let summary = "lower ring synchronisation to mbarriers";
  let description = [{
    Creates a full and an empty mbarrier per ring slot. The full barrier declares
    the arrivals and bytes that the producers contribute to a slot, over all
    parts and kinds of copy; the empty barrier declares the arrivals of the
    consumers. Acquire and await become waits, with a slot index and a parity
    computed from an access count that each role carries through its loops.

    ```mlir
    %slot = cta.await %ring
    // becomes, for access number %n of a ring of depth 2,
    %index  = %n mod 2
    %parity = (%n / 2) mod 2
    cta.mbarrier_wait %full[%index] parity %parity
    %slot = cta.slot %ring[%index]
    ```

    Fills become arrivals or expected bytes. A slot is released, by an arrival on
    its empty barrier, once its last reader is known to have finished: after the
    load, or after the wait of the last MMA that reads it.
  }];
}

def ElideBarriers : FuncPass<"mla-elide-barriers"> {
  let summary = "remove empty barriers that another ring implies";
  let description = [{
    Removes the waits and arrivals on the empty barrier of a ring A where the
    barriers of another ring B imply that A's slot is empty, and records this on
    B's barrier. There are two cases, for rings with one reader:

    - The reader of A finishes with a slot before it fills B, and the writer of A
      awaits B before it refills A: B's full barrier implies that A is empty.
    - A and B have the same writer and the same reader, B is acquired before A
      and released after it: B's empty barrier covers both.

    The pass proves either on every path from the number of accesses to both
    rings.

    ```mlir
    cta.mbarrier_wait %b_full[...]
    cta.mbarrier_wait %a_empty[...]
    %slot = cta.slot %a[...]
    // becomes
    cta.mbarrier_wait %b_full[...]
    %slot = cta.slot %a[...]
    ```
  }];
}

def WgmmaDescriptors : FuncPass<"mla-wgmma-descriptors"> {
  let summary = "create wgmma descriptors for shared operands";
  let description = [{
    Replaces each shared-memory operand of `cta.mma_async` by a `cta.descriptor`
    of its slot, K-major or MN-major as the MMA reads it. Offsets of views are
    folded into the descriptor type.

    ```mlir
    %v = cta.view %slot[0, 64] : ...
    cta.mma_async %a, %v transpose_b
    // becomes
    %d = cta.descriptor %slot : ... -> !cta.descriptor<..., k, offset = 8192, ...>
    cta.mma_async %a, %d transpose_b
    ```
  }];
}

def InsertAsyncFences : FuncPass<"mla-insert-async-fences"> {
  let summary = "fence generic writes that the async proxy reads";
  let description = [{
    An MMA that reads a slot through a descriptor does so through the async
    proxy. Threads that write such a slot with ordinary stores need a
    `cta.fence_async` between the stores and the arrival that publishes them.
    Copies need none: they write through the async proxy, or their mbarrier
    counts them.

    ```mlir
    cta.store_shared %p to %slot
    cta.arrive %full[%index]
    // becomes
    cta.store_shared %p to %slot
    cta.fence_async
    cta.arrive %full[%index]
    ```
  }];
}

def InsertMmaSync : FuncPass<"mla-insert-mma-sync"> {
  let summary = "insert fences, commits and pending counts of wgmma";
  let description = [{
    Inserts `cta.mma_fence` before and `cta.mma_commit` after each
    `cta.mma_async`, and sets the `pending` count of each `cta.mma_wait`: the
    minimum, over all paths, of the number of groups committed after the awaited
    one.

    ```mlir
    %f = cta.mma_async %a, %b
    %s = cta.mma_wait %f
    // becomes
    cta.mma_fence
    %f = cta.mma_async %a, %b
    cta.mma_commit
    %s = cta.mma_wait %f pending 0
    ```
  }];
}

def VerifyAsync : FuncPass<"mla-verify-async"> {
  let summary = "verify the program's synchronisation";
  let description = [{
    Checks what ptxas does not:

    - every `cta.mma_wait` waits for a committed group, and MMA results in flight
      are used only by MMAs, waits and loops;
    - every access to a slot follows the wait for that slot, in the right phase,
      and precedes its release or publication;
    - the arrivals and bytes of each phase are those that its barrier declares;
    - barriers are initialised before the roles start;
    - generic writes that the async proxy reads are fenced;
    - rings and barriers do not overlap, except as declared;
    - registers and shared memory are within the target's limits.

    Sets `cta.verified`. Does not detect deadlocks between roles, which the
    simulator does; see docs/Architecture.md.
  }];
}

#endif // MLA_TRANSFORMS_CTAPASSES_TD
