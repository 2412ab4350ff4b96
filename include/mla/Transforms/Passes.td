//===- Passes.td - passes that lower mla to cta ------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TRANSFORMS_PASSES_TD
#define MLA_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

class FuncPass<string flag> : PassBase<flag, "::mla::ProgramPass"> {
  let dependentDialects = [
    "::mla::MLADialect", "::mla::tile::TileDialect", "::mla::cta::CTADialect",
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect"];
}

def AttachTarget : FuncPass<"mla-attach-target"> {
  let summary = "set the GPU architecture that a function is compiled for";
  let description = [{
    Sets `mla.target`, the name of an entry in the target table
    (`mla/Support/Target.h`), which lists the architecture's shared memory,
    registers and instructions. Later passes check the program against these
    limits. A function without the attribute is compiled for `sm_90a`; a function
    that already has another target is an error.
  }];
  let options = [
    Option<"target", "target", "std::string",
           "std::string(::mla::kDefaultTarget.name)", "GPU to compile for">];
}

def ChooseSchedule : FuncPass<"mla-choose-schedule"> {
  let summary = "attach a schedule to an mla operator";
  let description = [{
    An `mla` operator without a `schedule` attribute gets one: the schedule named
    by the option or, with `auto`, the one in the tuning table for the operator's
    shape and the GPU. Without a table entry, the cost model
    (`mla/Tuning/CostModel.h`) chooses. An operator that already has a schedule
    keeps it.

    The choice also depends on sizes that are known only at run time: reading KV
    rows from memory instead of L2, for example, changes which schedule is
    fastest. `expect-sizes` gives them (`s_kv=8192,topk=512`); the default is the
    typical size in the operator's table, with a KV cache larger than L2.

    `schedule` is the name of a built-in schedule, or a file with one
    `#mla.schedule` attribute, followed by parameters to override:
    `seesaw:block_kv=32:producer.registers=72`. `auto:depth=3` overrides a parameter
    of the chosen schedule.

    ```mlir
    mla.attention ins(...) outs(...)
    // becomes
    mla.attention ins(...) outs(...) {schedule = #mla.schedule<"seesaw" ...>}
    ```
  }];
  let options = [
    Option<"schedule", "schedule", "std::string", "\"auto\"",
           "name or file of a schedule, or auto; :PARAMETER=N overrides a "
           "parameter">,
    Option<"expectSizes", "expect-sizes", "std::string", "\"\"",
           "NAME=N,...: expected values of sizes known only at run time">,
    Option<"gpu", "gpu", "std::string", "\"\"",
           "name of the GPU (H100, H200), if known">,
    Option<"tuningTable", "tuning-table", "std::string", "\"\"",
           "file to use instead of the built-in tuning table">];
}

def ExpandOperators : Pass<"mla-expand-operators", "::mlir::ModuleOp"> {
  let summary = "make a program of an mla operator that takes several kernels";
  let description = [{
    An operator may be a program of several kernels, such as a plan, attention and
    a merge of partial results. For each of them the pass adds a function beside
    the operator's, with the same arguments, and workspaces as arguments of all of
    them. The operator stays in its function: it is the kernel that `--mla-tile`
    lowers. Other functions get their tile program here. An operator that is one
    kernel is unchanged.

    ```mlir
    func.func @attention(%q, %out : ...) { mla.attention ... }
    // becomes
    func.func @attention_plan(%q, %out, %partial : ...) attributes {mla.phase = "plan"} { scf.forall ... }
    func.func @attention(%q, %out, %partial {mla.workspace} : ...) { mla.attention ... }
    func.func @attention_combine(%q, %out, %partial : ...) attributes {mla.programmatic} { scf.forall ... }
    ```
  }];
  let dependentDialects = [
    "::mla::MLADialect", "::mla::tile::TileDialect", "::mlir::arith::ArithDialect",
    "::mlir::math::MathDialect", "::mlir::func::FuncDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect"];
}

def Tile : FuncPass<"mla-tile"> {
  let summary = "lower an mla operator to a tile program";
  let description = [{
    Replaces the `mla` operator of a function by a tile program, built by the
    operator's folder (`lib/Operators/<Name>`): an `scf.forall` over output tiles
    around a loop over tiles of KV rows.

    ```mlir
    mla.attention ins(%q, %kv : ...) outs(%out : ...)
    // becomes
    scf.forall (%tile) in (%tiles) {
      %q_tile = tile.load %q[...] {tile.label = "q"} : ...
      %acc:3 = scf.for %i = ... iter_args(...) {
        %k = tile.gather %kv[%rows] {tile.label = "k"} : ...
        %s = tile.dot %q_tile, %k transpose_b {tile.label = "qk"} : ...
        %p:4 = tile.online_softmax %s ... {tile.label = "softmax"} : ...
        ...
      }
      tile.store ... {tile.label = "out"}
    }
    ```

    An output tile of attention has 64 heads; with a schedule that requests
    `"swap-ab"` up to 32, in multiples of 8. Ops that a schedule can place
    have labels: q, k, valid, qk, mask, softmax, p, rescale, pv, stats, inverse,
    normalise, out. The operator's schedule moves to the function attribute
    `mla.schedule`. Function arguments get the names and dimensions of the
    operands (`mla.name`, `mla.dims`). A scalar that must be positive is marked
    `mla.positive`, because masked scores are set to -inf before they are scaled;
    the runtime rejects other values.

    With a schedule that requests `"lazy-rescale"`, softmax weights refer to a
    running maximum that is updated only when it is exceeded by more than
    `threshold` (`lazy`). The multiplication of the accumulator by the rescale
    factor is then marked `tile.often_one`, and the exact maximum, which is an
    output, is carried separately (`top`).

    Sizes that the operator does not support are errors.
  }];
  let options = [
    Option<"threshold", "threshold", "double", "8",
           "log2 of the factor by which weights may grow before a lazy softmax "
           "rescales">];
}

def PairTiles : FuncPass<"mla-pair-tiles"> {
  let summary = "unroll the loop over KV tiles by two";
  let description = [{
    Applies to schedules that request `"pair-tiles"`. Unrolls each loop over KV
    tiles that is marked `tile.padded` by two, so that two roles can alternate
    between the tiles. The mark says that an iteration past the end has no
    effect, so an odd trip count needs no epilogue. Labels get the suffixes `.0`
    and `.1`.

    ```mlir
    scf.for %i = %c0 to %n step %c1 {
      %k = tile.gather ... {tile.label = "k"} : ...
    } {tile.padded}
    // becomes
    scf.for %i = %c0 to %n step %c2 {
      %k0 = tile.gather ... {tile.label = "k.0"} : ...
      %k1 = tile.gather ... {tile.label = "k.1"} : ...
    }
    ```
  }];
}

def SplitWidth : FuncPass<"mla-split-width"> {
  let summary = "split gathered tiles and the output accumulator by columns";
  let description = [{
    Applies to schedules that request `"split-width"`, where V is a view of K
    from column 0. Each gathered tile becomes two, split at the middle of V, so
    that each half has a ring of its own and its slots are released
    independently. The matrix product of the scores becomes a chain of two; the
    output accumulator and every value computed from it become a left and a right
    half. Labels get the suffixes `.l` and `.r`.

    ```mlir
    %k = tile.gather ... {tile.label = "k"} : ... -> tensor<64x576xbf16>
    %s = tile.dot %q, %k transpose_b {tile.label = "qk"} : ...
    // becomes
    %l = tile.gather ... {tile.label = "k.l"} : ... -> tensor<64x256xbf16>
    %r = tile.gather ... {tile.label = "k.r"} : ... -> tensor<64x320xbf16>
    %t = tile.dot %q_l, %l transpose_b {tile.label = "qk.l"} : ...
    %s = tile.dot %q_r, %r acc %t transpose_b {tile.label = "qk.r"} : ...
    ```
  }];
}

def SplitTail : FuncPass<"mla-split-tail"> {
  let summary = "split off the columns of a gathered tile that V does not use";
  let description = [{
    Applies to schedules that request `"split-tail"` and have a row `L.t`. The
    gathered tile labelled L becomes two: the columns that V also uses, which
    keep the label L, and the remaining columns, labelled `L.t`. Only the scores
    read the latter, so their slot is released as soon as the scores are
    computed. The matrix product of the scores becomes a chain of two. A tile
    whose columns V uses entirely is unchanged.
  }];
}

def Persist : FuncPass<"mla-persist"> {
  let summary = "make the kernel persistent";
  let description = [{
    Applies to schedules that request `"persist"`. The `scf.forall` over output
    tiles becomes one over the CTAs, at most one per SM (`tile.sm_count`), each
    with a loop over every N-th tile, N = number of CTAs. The producer role can
    then load the next output tile while the other roles finish the current one.

    Of a grid marked `tile.longest_first` the first CTAs get two tiles in a row,
    and the last ones, eight per SM, one tile each. The hardware gives a CTA to the
    SM that is free.

    ```mlir
    scf.forall (%t) in (%tiles) { ... }
    // becomes
    %ctas = arith.minui %tiles, %sms : index
    scf.forall (%cta) in (%ctas) {
      scf.for %t = %cta to %tiles step %ctas { ... } {tile.persistent}
    } {tile.persistent}
    ```
  }];
}

def DecomposeSoftmax : FuncPass<"mla-decompose-softmax"> {
  let summary = "decompose tile.online_softmax";
  let description = [{
    Replaces `tile.online_softmax` by separate ops, so that a schedule can place
    each of them. For a softmax labelled L they are labelled `L.rowmax`, `L.max`,
    `L.rescale`, `L.weights`, `L.rowsum` and `L.sum`. A later row maximum of the
    same scores reuses the one computed here.

    ```mlir
    %p, %max, %sum, %rescale = tile.online_softmax %s, %max0, %sum0 ...
    // becomes
    %rowmax  = tile.reduce max %s dim 1
    %max     = arith.maximumf %max0, %rowmax
    %rescale = math.exp2 ((%max0 - %max) * %scale)
    %p       = math.exp2 ((%s - broadcast %max) * %scale)
    %rowsum  = tile.reduce sum %p dim 1
    %sum     = %sum0 * %rescale + %rowsum
    ```
  }];
}

def SplitSums : FuncPass<"mla-split-sums"> {
  let summary = "carry one partial sum per tile of a pair";
  let description = [{
    Applies to schedules that request `"split-sums"`. A sum or maximum to which
    each iteration adds several terms becomes that many partial ones, combined
    after the loop. The terms then no longer depend on each other, so no role
    waits for a term that another role computes. Of

    ```mlir
    %x = arith.mulf %l, %a0 {tile.label = "softmax.0.sum"}
    %y = arith.addf %x, %s0 {tile.label = "softmax.0.sum"}
    %z = arith.mulf %y, %a1 {tile.label = "softmax.1.sum"}
    %w = arith.addf %z, %s1 {tile.label = "softmax.1.sum"}
    ```

    the first partial sum is (l0 a0 + s0) a1, labelled `softmax.0.sum`, and the
    second is l1 a0 a1 + s1, labelled `softmax.1.sum`. The op that adds them
    after the loop has the common part of the labels, `softmax.sum`. A chain with
    an intermediate value that is used elsewhere is unchanged.
  }];
}

def DeferSums : FuncPass<"mla-defer-sums"> {
  let summary = "move the reduction of a carried sum behind the loop";
  let description = [{
    Applies to schedules that request `"defer-sums"`. Where a loop carries a
    rescaled sum of reduced tiles, as in online softmax, it carries the sum of
    the tiles instead, which is reduced once after the loop:

    ```mlir
    %sum = %old * %rescale + (tile.reduce sum %weights dim 0)
    // becomes, carrying a tile,
    %sum = %old * (tile.broadcast %rescale dim 0) + %weights
    ```

    This removes an exchange through shared memory per iteration if the reduction
    crosses warps, at the cost of the tile's registers. Sums of another form are
    unchanged.
  }];
}

def FoldSums : FuncPass<"mla-fold-sums"> {
  let summary = "carry row sums as eight columns, reduced behind the loop";
  let description = [{
    Applies to schedules that request `"fold-sums"`. Where a loop carries a
    rescaled sum of tiles reduced along their rows, as in online softmax, it
    carries eight columns of partial sums instead, which are reduced once after
    the loop:

    ```mlir
    %sum = %old * %rescale + (tile.reduce sum %weights dim 1)
    // becomes, carrying a tile of 8 columns,
    %sum = %old * (tile.broadcast %rescale dim 1) + (tile.fold %weights)
    ```

    A thread holds the same of each 8 columns of an accumulator, so an iteration
    adds within threads only. Sums of another form are unchanged.
  }];
}

def SwapAB : FuncPass<"mla-swap-ab"> {
  let summary = "compute matrix products with A and B exchanged";
  let description = [{
    Applies to schedules that request `"swap-ab"`. Computes each matrix
    product A B as its transpose, B^T A^T. The long dimension of K or V then
    fills the 64 rows of the wgmma instruction, and the heads, which may be few,
    become its columns (N). Values computed from a product are transposed with
    it: elementwise ops, loop-carried values, and the dimension of reductions and
    broadcasts. `tile.transpose` restores the orientation where such a tile is
    stored or is again an operand of a product.

    ```mlir
    %s = tile.dot %q, %k transpose_b : ... -> tensor<16x64xf32>
    %m = tile.reduce max %s dim 1 : tensor<16x64xf32> -> tensor<16xf32>
    // becomes
    %s = tile.dot %k, %q transpose_b : ... -> tensor<64x16xf32>
    %m = tile.reduce max %s dim 0 : tensor<64x16xf32> -> tensor<16xf32>
    ```

    A tile that is combined with a product and is neither a constant, a splat nor
    a broadcast is an error.
  }];
}

def VerifySchedule : FuncPass<"mla-verify-schedule"> {
  let summary = "check the names in a schedule against the program";
  let description = [{
    Checks that every rewrite that the function's `mla.schedule` requests has
    been made (`mla.rewritten`), and that every name in the schedule matches: a
    row an op that it places, a row `L.wait` an MMA labelled L that is waited
    for, a row `L.load` and a ring a tile labelled L, a role a row. With
    `"split-tail"` a row `L.t` may match no tile, because V may use all columns
    of L. The error names the unmatched word and lists the known ones, nearest
    first.

    Runs before folding, which can remove ops that the schedule names, such as
    those of a loop with a single iteration. Sets `mla.schedule_verified`, so
    that `--mla-schedule` does not repeat the check after folding.
  }];
}

def FoldTiles : FuncPass<"mla-fold-tiles"> {
  let summary = "canonicalize a tile program";
  let description = [{
    Runs MLIR's canonicalizer and CSE on a tile program, without the patterns
    that remove an `scf.forall` with a single iteration: it is the grid, whatever
    its size. A program with roles is unchanged, because canonicalization would
    drop the marks on loops that `--mla-pipeline` reads.
  }];
}

def Schedule : FuncPass<"mla-schedule"> {
  let summary = "assign the ops of a tile program to warp-specialised roles";
  let description = [{
    Reads the function's `mla.schedule`. A labelled op goes to the roles of its
    row; an op without a label goes to the roles that hold its operands.
    Constants, splats, broadcasts and views are duplicated in each role that uses
    them.

    ```mlir
    %k = tile.gather %kv[%rows] {tile.label = "k"} : ...
    %s = tile.dot %q, %k transpose_b {tile.label = "qk"} : ...
    // becomes, with rows "k" in ["producer"] and "qk" in ["math"],
    %ring = cta.ring "k" : !cta.ring<2x64x576xbf16>
    cta.role "producer" {
      %slot = cta.acquire %ring
      cta.gather_async %kv[%rows] to %slot
    }
    cta.role "math" {
      %slot = cta.await %ring
      %f = cta.mma_async %q, %slot transpose_b
      %s = cta.mma_wait %f
    }
    ```

    A tile travels through a ring in shared memory if another role uses it, if
    several roles hold parts of it and one needs all of it, or if an MMA of the
    same role reads it from shared memory. Matrix loads and gathers fill their
    ring asynchronously. Tiles with the same label in consecutive loops share a
    ring. Ops in loops get `cta.stage` and `cta.order` for `--mla-pipeline`. A
    kernel with `mla.programmatic`, which may start before the preceding kernel
    has ended, begins with `cta.launch_wait`.

    A label without a row, a split that does not divide the tile, and a ring or
    row `L.load` for a tile that stays in its role are errors.
  }];
}

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

#endif // MLA_TRANSFORMS_PASSES_TD
