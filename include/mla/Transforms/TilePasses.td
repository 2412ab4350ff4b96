//===- TilePasses.td - passes on tile programs -------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

// Included by Passes.td.

#ifndef MLA_TRANSFORMS_TILEPASSES_TD
#define MLA_TRANSFORMS_TILEPASSES_TD

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

#endif // MLA_TRANSFORMS_TILEPASSES_TD
