//===- Passes.td - the passes between the dialects ---------*- tablegen -*-===//
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
  let summary = "say which GPU architecture a function is compiled for";
  let description = [{
    Sets `mla.target`, the name of a row of the table of targets
    (`mla/Support/Target.h`), which says what the architecture has: shared
    memory, registers, instructions. The passes behind hold the program against
    it. A function without the attribute is for `sm_90a`; one that is for another
    target already is refused.
  }];
  let options = [
    Option<"target", "target", "std::string",
           "std::string(::mla::kDefaultTarget.name)", "GPU to compile for">];
}

def ChooseSchedule : FuncPass<"mla-choose-schedule"> {
  let summary = "give an mla operator its schedule";
  let description = [{
    An `mla` operator without a `schedule` attribute gets one: the schedule that
    the option names or, with `auto`, the one of the tuning table's entry for
    the operator's shape and the GPU. If there is no such entry, the cost model
    (`mla/Tuning/CostModel.h`) chooses. An operator that has a schedule keeps it,
    whatever the options say.

    Sizes that the IR leaves to run time matter too: the number of KV rows, for
    example, since rows that come from memory change which schedule is the fastest.
    They are those of `expect-sizes` (`s_kv=8192,topk=512`) or what the operator's
    table calls typical: a KV cache that is larger than the L2, as one that is
    served usually is.

    `schedule` is the name of a schedule that ships, or of a file that holds one
    `#mla.schedule` attribute, and numbers to change in it:
    `seesaw:block_kv=32:producer.registers=72`. `auto:depth=3` changes what is chosen.

    ```mlir
    mla.attention ins(...) outs(...)
    // becomes
    mla.attention ins(...) outs(...) {schedule = #mla.schedule<"seesaw" ...>}
    ```
  }];
  let options = [
    Option<"schedule", "schedule", "std::string", "\"auto\"",
           "a schedule's name or file, or auto, and :PARAMETER=N to change it">,
    Option<"expectSizes", "expect-sizes", "std::string", "\"\"",
           "NAME=N,...: sizes to choose for, if only known at run time">,
    Option<"gpu", "gpu", "std::string", "\"\"",
           "its name (H100, H200), if known">,
    Option<"tuningTable", "tuning-table", "std::string", "\"\"",
           "a file, instead of the tuning table that ships">];
}

def Tile : FuncPass<"mla-tile"> {
  let summary = "turn an mla operator into a tile program";
  let description = [{
    Replaces the one `mla` operator of a function by its tile program, which the
    operator's folder builds (`lib/Operators/<Name>`): an `scf.forall` over output
    tiles around a loop over tiles of KV rows. An output tile of attention has 64
    heads; for a schedule that asks for `"swap-ab"` up to 32, a multiple of
    8. Ops that a schedule may place carry labels: q, k, valid, qk, mask, softmax,
    p, rescale, pv, stats, inverse, normalise, out. The function gets the
    operator's schedule as the attribute `mla.schedule`. Its arguments get the
    operands' names (`mla.name`, `mla.dims`); a scalar that has to be above 0 is
    marked `mla.positive`: a masked score is -inf before it is scaled, and the
    runtime refuses other values.

    For a schedule that asks for `"lazy-rescale"`, the softmax refers to a
    maximum that moves only where it is exceeded by more than `threshold`
    (`lazy`), the multiplication of the accumulator by the rescale factor is
    marked `tile.often_one`, and the maximum itself, which is an output, is
    carried beside it (`top`).

    Refuses sizes outside what the algorithm covers, naming them.
  }];
  let options = [
    Option<"threshold", "threshold", "double", "8",
           "how far, in powers of two, weights may grow before a lazy softmax "
           "rescales">];
}

def PairTiles : FuncPass<"mla-pair-tiles"> {
  let summary = "two KV tiles an iteration";
  let description = [{
    For a schedule that asks for `"pair-tiles"`: the loop over KV tiles that is
    marked `tile.padded` (an iteration past its end changes nothing) takes two
    tiles an iteration, so that roles can take turns at them. Labels of the first
    get the suffix `.0`, those of the second `.1`.
  }];
}

def SplitWidth : FuncPass<"mla-split-width"> {
  let summary = "gathered tiles and output in two parts";
  let description = [{
    For a schedule that asks for `"split-width"`. With V a view of K that starts
    at column 0: each gathered tile becomes two, the left one as wide as half of
    V, so that each part can travel, and be handed back, apart. The product of
    scores becomes a chain of two; the output accumulator, and all that is made
    of it, becomes a left and a right half. Labels get the suffixes `.l` and
    `.r`.
  }];
}

def SplitTail : FuncPass<"mla-split-tail"> {
  let summary = "the columns of a gathered tile that V does not have, apart";
  let description = [{
    For a schedule that asks for `"split-tail"` and has a row `L.t`: the gathered
    tile labelled L becomes one of the columns that products with V read, and one
    of the others, labelled `L.t`, which only the scores need and which can be
    handed back as soon as they are there. The product of scores becomes a chain
    of two. A tile without such columns stays as it is.
  }];
}

def Persist : FuncPass<"mla-persist"> {
  let summary = "CTAs that stay for several output tiles";
  let description = [{
    For a schedule that asks for `"persist"`: the `scf.forall` over output tiles
    becomes one over as many CTAs as the GPU has SMs (`tile.sm_count`), or fewer
    where there are fewer tiles, each with a loop over every N-th tile, N = number of CTAs. A
    role that is ahead (the one that loads) begins with the next tile while the
    others still finish this one.
  }];
}

def DecomposeSoftmax : FuncPass<"mla-decompose-softmax"> {
  let summary = "write tile.online_softmax as its parts";
  let description = [{
    Row max, merged max, rescale factor, exponentials, row sum and running sum
    become ops of their own, labelled `L.rowmax`, `L.max`, `L.rescale`,
    `L.weights`, `L.rowsum`, `L.sum` for a softmax labelled L, so that a schedule
    can place them apart. Row maxima of the same scores that are taken behind the
    softmax are its own.
  }];
}

def SplitSums : FuncPass<"mla-split-sums"> {
  let summary = "a partial sum for each tile of a pair";
  let description = [{
    For a schedule that asks for `"split-sums"`: a sum (or maximum) that a loop
    carries through several terms an iteration becomes as many partial ones,
    which are combined after the loop. So no tile's term waits for that of
    another, which may be in another role. Of

    ```mlir
    %x = arith.mulf %l, %a0 {tile.label = "softmax.0.sum"}
    %y = arith.addf %x, %s0 {tile.label = "softmax.0.sum"}
    %z = arith.mulf %y, %a1 {tile.label = "softmax.1.sum"}
    %w = arith.addf %z, %s1 {tile.label = "softmax.1.sum"}
    ```

    the first partial sum is (l0 a0 + s0) a1, all of it labelled
    `softmax.0.sum`, the second l1 a0 a1 + s1, labelled `softmax.1.sum`; their
    sum after the loop has what the labels have in common, `softmax.sum`. Values
    of the chain that are used elsewhere too are left alone.
  }];
}

def DeferSums : FuncPass<"mla-defer-sums"> {
  let summary = "reduce a loop's sum once, behind it";
  let description = [{
    For a schedule that asks for `"defer-sums"`: where a loop carries a sum of
    reduced tiles, scaled on the way as the online softmax does, it carries the
    sum of the tiles instead, and the reduction follows the loop:

    ```mlir
    %sum = %old * %rescale + (tile.reduce sum %weights dim 0)
    // becomes, with a tile carried,
    %sum = %old * (tile.broadcast %rescale dim 0) + %weights
    ```

    A reduction that crosses warps costs an exchange; a tile of few columns costs
    few registers. Sums of another form stay.
  }];
}

def SwapAB : FuncPass<"mla-swap-ab"> {
  let summary = "products with A and B exchanged";
  let description = [{
    For a schedule that asks for `"swap-ab"`: each product A B is computed
    as its transpose, B^T A^T, so that the long dimension of K and V fills the
    rows of a warpgroup's product and the heads are its columns, of which it can
    have few. What is made of a product turns with it: elementwise ops, what
    loops carry, reductions and broadcasts (their dimension). A turned tile that
    is an operand of a product again, or is stored, is turned back by
    `tile.transpose`.

    ```mlir
    %s = tile.dot %q, %k transpose_b : ... -> tensor<16x64xf32>
    %m = tile.reduce max %s dim 1 : tensor<16x64xf32> -> tensor<16xf32>
    // becomes
    %s = tile.dot %k, %q transpose_b : ... -> tensor<64x16xf32>
    %m = tile.reduce max %s dim 0 : tensor<64x16xf32> -> tensor<16xf32>
    ```

    Refuses a tile that is computed together with a product and is no constant,
    splat or broadcast.
  }];
}

def VerifySchedule : FuncPass<"mla-verify-schedule"> {
  let summary = "check the names of a schedule against the program";
  let description = [{
    Every rewrite that the function's `mla.schedule` asks for has been made
    (`mla.rewritten`), and every name in it is answered: a row by an op that it
    places, a row `L.wait` by a product labelled L that is waited for, a row
    `L.load` and a ring by a tile of that label, a role by a row. A row `L.t`
    of a schedule that asks for `"split-tail"` may stand for no tile, where V has
    all columns of L. The error names the word, and lists what there is, the
    nearest first.

    Runs before folding, which may remove ops that the schedule is right to name
    (a loop of one iteration); sets `mla.schedule_verified`, so that a program
    that was folded afterwards is not checked again.
  }];
}

def Schedule : FuncPass<"mla-schedule"> {
  let summary = "place the ops of a tile program into roles";
  let description = [{
    Reads the function's `mla.schedule`. Each labelled op goes to the roles of
    its row; an op without a label goes where its tile operands live. Constants,
    splats, broadcasts and views are repeated wherever they are used. A tile that
    is used in a role where it is not computed travels there through a ring in
    shared memory; loads of matrices and gathers fill their ring asynchronously.
    So does one that roles hold in parts and one needs whole, and one that a
    product of the same role wants in shared memory. Tiles of one label in loops
    that follow each other share a ring. Products become `cta.mma_async` and
    `cta.mma_wait`. Ops in loops get `cta.stage` and `cta.order` for
    `--mla-pipeline`. A kernel with `mla.programmatic`, which may begin before the
    one in front of it has ended, gets `cta.launch_wait`.

    Refuses a label without a row, a split that does not divide, and a ring or a
    row `L.load` of a tile that stays in its role.
  }];
}

def ReduceAcrossWarps : FuncPass<"mla-reduce-across-warps"> {
  let summary = "reductions that several warps of a role share";
  let description = [{
    The rows of an accumulator are spread over the warps of a role. A
    `tile.reduce` along dimension 0 becomes a reduction in each warp
    (`cta.reduce_warp`), a ring of its own through which the role hands the four
    parts to itself, and the combination of the parts, in the order of the warps:

    ```mlir
    %part = cta.reduce_warp max %s : tensor<64x16xf32> -> tensor<64xf32>
    %slot = cta.acquire %ring : !cta.ring<1x64xf32>
    cta.store_shared %part to %slot : ...
    %parts = cta.await %ring : !cta.ring<1x64xf32>
    %v0 = cta.view %parts [0] : ...
    %m0 = cta.load_shared %v0 : !cta.buffer<16xf32> -> tensor<16xf32>
    ...
    ```

    Of a fragment with a direct layout whose reduced dimension more than one warp
    holds, each warp combines its part, and every thread then combines the parts:

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
  let summary = "give every register fragment its layout";
  let description = [{
    Products fix the `acc` layout, their register operand is converted to
    `a_operand`, reductions and broadcasts tie `row` and `column` vectors to it,
    gathers fix the layout of their indices; elementwise ops and loops carry
    layouts along.

    In a role without products, loads get direct layouts (`#cta.direct`): accesses
    of up to 16 bytes a thread, neighbouring threads along the tile's last
    dimension, the rest of the role's threads along its first, unless the schedule
    gives the load `threads` and `vector`. Refuses a fragment that would need two layouts, or whose
    layout nothing determines.
  }];
}

def Pipeline : FuncPass<"mla-pipeline"> {
  let summary = "software-pipeline the loops of the roles";
  let description = [{
    Rotates each loop by the stages and orders the schedule gave its ops: a
    prologue, a steady state and an epilogue, guarded for trip counts below the number
    of stages. Uses up `cta.stage` and `cta.order`.
  }];
}

def StageShared : FuncPass<"mla-stage-shared"> {
  let summary = "lay out shared memory";
  let description = [{
    Gives every ring its place and layout: tiles that products or TMA touch get
    the 128-byte swizzle and 1,024-byte alignment. TMA copies get their tensor
    maps. Sets `cta.shared_bytes`; a plan above the limit is an error that
    lists it.
  }];
}

def MaterializeBarriers : FuncPass<"mla-materialize-barriers"> {
  let summary = "turn rings into mbarriers";
  let description = [{
    Every ring gets a full and an empty mbarrier a slot, which refer to it. They
    declare what its producers bring for a slot, arrivals and bytes, in however
    many parts and kinds of fill, and the arrivals of its consumers. Acquire and
    await become waits with a slot index and a parity carried through the loops;
    fills become arrivals (or expected bytes); a release is put after the last
    reader of a slot is known to be done: after the wait of the last product that
    reads it.
  }];
}

def ElideBarriers : FuncPass<"mla-elide-barriers"> {
  let summary = "do without empty barriers that another ring implies";
  let description = [{
    Two roles that answer each other need no barrier that says a slot is empty: if
    the reader of ring A is done with a slot before it fills ring B, and the
    writer of A awaits B before it fills A again, then B's full barrier says that
    A is empty. Likewise where both are filled by one role and read by another: if
    B is acquired before A and released after it, B's empty barrier serves both.
    For rings with one reader, where the counts of these accesses prove it on
    every path, the waits and arrivals at A's empty barrier go, and that of B says
    that it is A's too.
  }];
}

def WgmmaDescriptors : FuncPass<"mla-wgmma-descriptors"> {
  let summary = "give products descriptors of their shared operands";
  let description = [{
    Shared operands of `cta.mma_async` become `cta.descriptor` of their slot, with
    the offset of views folded into the descriptor type, K-major or MN-major as
    the product reads them.
  }];
}

def InsertAsyncFences : FuncPass<"mla-insert-async-fences"> {
  let summary = "fence generic writes that the async proxy reads";
  let description = [{
    A ring whose slots products read through descriptors is read by the async
    proxy; after ordinary stores into such a slot, and before the arrival that
    publishes them, the writing threads fence. Nothing else is fenced: copies
    write through the async proxy or are counted by their barrier.
  }];
}

def InsertMmaSync : FuncPass<"mla-insert-mma-sync"> {
  let summary = "fence, commit and count warpgroup products";
  let description = [{
    Puts `cta.mma_fence` before and `cta.mma_commit` after each `cta.mma_async`,
    and sets the `pending` count of each `cta.mma_wait`: the number of groups
    that are surely younger than the one awaited, along every path.
  }];
}

def VerifyAsync : FuncPass<"mla-verify-async"> {
  let summary = "prove the program's synchronisation";
  let description = [{
    Checks what ptxas does not: every wait covers a committed group; results in
    flight reach only their chain, a wait or a loop; every access to a slot lies
    between the wait for it, with the right phase, and its release or
    publication; the arrivals and bytes that come in for a phase are those that its
    barrier declares;
    barriers are initialised before the roles start; generic writes that the
    async proxy reads are fenced; rings and barriers lie side by side, or one
    over another as declared; registers and shared memory fit. Marks the function
    `cta.verified`.

    Deadlocks between roles are the simulator's to find: docs/Architecture.md
    says what that leaves open.
  }];
}

#endif // MLA_TRANSFORMS_PASSES_TD
