//===- CTA.td - the program of one CTA ---------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_CTA_TD
#define MLA_DIALECT_CTA_TD

include "mla/Dialect/CTA/CTATypes.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class CTA_Op<string opMnemonic, list<Trait> traits = []>
    : Op<CTA_Dialect, opMnemonic, traits>;
class CTA_AtLeast<int min> : ConfinedAttr<I64Attr, [IntMinValue<min>]>;

//===----------------------------------------------------------------------===//
// Roles, rings and buffers
//===----------------------------------------------------------------------===//

def CTA_RoleOp : CTA_Op<"role", [NoTerminator, SingleBlock,
                                 HasParent<"::mlir::scf::ForallOp">]> {
  let summary = "the program of a group of warps";
  let description = [{
    The roles of a CTA run side by side, their warps in the order in which the
    roles are written.

    ```mlir
    cta.role "producer" warps 4 registers 56 { ... }
    ```

    A persistent kernel has no op of its own: the `scf.forall` runs over its
    CTAs, and each role loops over the work items of its CTA,

    ```mlir
    scf.forall (%cta) in (%ctas) {
      cta.role "producer" warps 4 registers 56 {
        scf.for %item = %cta to %items step %ctas { ... }
      }
    }
    ```

    The counts of a ring's accesses, from which slots and phases come, are
    carried through these loops as through any other.
  }];
  let arguments = (ins StrAttr:$name, I64Attr:$warps, I64Attr:$registers);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $name `warps` $warps `registers` $registers attr-dict-with-keyword $body
  }];
  let hasVerifier = 1;
}

def CTA_RingOp : CTA_Op<"ring"> {
  let summary = "declare a ring of shared-memory slots";
  let description = [{
    `--mla-stage-shared` gives it `offset`, its place in bytes in the CTA's
    shared memory, and the layout in its type. With `aliases` that place lies in the
    slot of another ring, over a part that is dead when this ring is filled. Such
    a ring needs no mbarriers that say that it is empty: its writer holds the slot
    below, and its readers release that slot after they have read this one.

    ```mlir
    %k = cta.ring "k" at 0 : !cta.ring<1x64x128xbf16>
    %p = cta.ring "p" at 8192 aliases(%k : !cta.ring<1x64x128xbf16>) : !cta.ring<1x64x64xbf16>
    ```

    The name is for people. What belongs to a ring refers to it: its accesses,
    the rings over it, and its mbarriers (`cta.mbarrier`).
  }];
  let arguments = (ins StrAttr:$name, OptionalAttr<I64Attr>:$offset,
                       Optional<CTA_Ring>:$aliases);
  let results = (outs CTA_Ring:$result);
  let assemblyFormat = [{
    $name (`at` $offset^)? (`aliases` `(` $aliases^ `:` qualified(type($aliases)) `)`)?
    attr-dict `:` qualified(type($result))
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The ring in whose slot this one lies, or null.
    ::mla::cta::RingOp getRingBelow();
    /// The mbarriers that say that a slot is full, or empty again; null if
    /// there are none.
    ::mla::cta::MBarrierOp getFullBarrier();
    ::mla::cta::MBarrierOp getEmptyBarrier();
  }];
}

class CTA_RingAccessOp<string opMnemonic> : CTA_Op<opMnemonic, [
    TypesMatchWith<"result is a slot of the ring", "ring", "slot",
                   "::llvm::cast<::mla::cta::RingType>($_self).getSlotType()">]> {
  let arguments = (ins CTA_Ring:$ring);
  let results = (outs CTA_Buffer:$slot);
  let assemblyFormat = "$ring attr-dict `:` qualified(type($ring))";
}
def CTA_AcquireOp : CTA_RingAccessOp<"acquire"> {
  let summary = "wait for the ring's next slot to be free, to fill it";
}
def CTA_AwaitOp : CTA_RingAccessOp<"await"> {
  let summary = "wait for the ring's next slot to be full, to read it";
}

def CTA_ReleaseOp : CTA_Op<"release"> {
  let summary = "hand the oldest unreleased slot back to the producer";
  let arguments = (ins CTA_Ring:$ring);
  let assemblyFormat = "$ring attr-dict `:` qualified(type($ring))";
}

class CTA_PartAccessOp<string opMnemonic>
    : CTA_Op<opMnemonic, [InferTypeOpAdaptor]> {
  let arguments = (ins CTA_Ring:$ring, CTA_AtLeast<0>:$part);
  let results = (outs CTA_Buffer:$result);
  let assemblyFormat =
      "$ring `[` $part `]` attr-dict `:` qualified(type($ring))";
}

def CTA_AcquirePartOp : CTA_PartAccessOp<"acquire_part"> {
  let summary = "wait for one part of the ring's next slot to be free";
  let description = [{
    A ring whose type says `split` is acquired, filled, awaited and released
    part by part: each part goes round on its own, with its own barriers, and
    each role counts its accesses to each part apart. The result is the part
    alone, so that what is not full yet cannot be read.

    ```mlir
    %left = cta.acquire_part %k[0] : !cta.ring<1x64x576xbf16, split 1 [256, 320]>
    cta.gather_async %KV[%rows][%c0, %c0] to %left : ...
    ```

    A wait on an mbarrier (PTX ISA, mbarrier.try_wait) once barriers stand.
  }];
}

def CTA_AwaitPartOp : CTA_PartAccessOp<"await_part"> {
  let summary = "wait for one part of the ring's next slot to be full";
  let description = [{
    As `cta.acquire_part`, to read. A role may await a part and leave its
    release to another role that is known to be done later.

    ```mlir
    %left = cta.await_part %k[0] : !cta.ring<1x64x576xbf16, split 1 [256, 320]>
    %s = cta.mma_async %q_left, %left transpose_b : ...
    ```

    A wait on an mbarrier (PTX ISA, mbarrier.try_wait) once barriers stand.
  }];
}

def CTA_ReleasePartOp : CTA_Op<"release_part"> {
  let summary = "hand one part of the oldest unreleased slot back";
  let description = [{
    After the role's last read of the part and of every buffer laid over it.

    ```mlir
    %o1 = cta.mma_wait %o0 : ...
    cta.release_part %k[0] : !cta.ring<1x64x576xbf16, split 1 [256, 320]>
    ```

    An arrival on an mbarrier (PTX ISA, mbarrier.arrive) once barriers stand.
  }];
  let arguments = (ins CTA_Ring:$ring, CTA_AtLeast<0>:$part);
  let assemblyFormat =
      "$ring `[` $part `]` attr-dict `:` qualified(type($ring))";
  let hasVerifier = 1;
}

def CTA_JoinOp : CTA_Op<"join", [Pure]> {
  let summary = "neighbouring parts of one slot as one tile";
  let description = [{
    The parts follow each other along dimension `dim`. Taking the awaited parts
    as operands, the op can only stand where all of them are full.

    ```mlir
    %k = cta.join %own, %peer dim 0 : !cta.buffer<32x576xbf16>, !cta.buffer<32x576xbf16> -> !cta.buffer<64x576xbf16>
    ```
  }];
  let arguments = (ins Variadic<CTA_Buffer>:$parts, CTA_AtLeast<0>:$dim);
  let results = (outs CTA_Buffer:$result);
  let assemblyFormat = [{
    $parts `dim` $dim attr-dict `:` qualified(type($parts)) `->`
    qualified(type($result))
  }];
  let hasVerifier = 1;
}

def CTA_SlotOp : CTA_Op<"slot", [Pure,
    TypesMatchWith<"result is a slot of the ring", "ring", "slot",
                   "::llvm::cast<::mla::cta::RingType>($_self).getSlotType()">]> {
  let summary = "slot number index of a ring";
  let arguments = (ins CTA_Ring:$ring, I32:$index);
  let results = (outs CTA_Buffer:$slot);
  let assemblyFormat =
      "$ring `[` $index `]` attr-dict `:` qualified(type($ring))";
}

def CTA_ViewOp : CTA_Op<"view", [Pure]> {
  let summary = "a rectangle of a tile in shared memory";
  let arguments = (ins CTA_Buffer:$source, DenseI64ArrayAttr:$offsets);
  let results = (outs CTA_Buffer:$result);
  let assemblyFormat = [{
    $source $offsets attr-dict `:` qualified(type($source)) `->`
    qualified(type($result))
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Moving data
//===----------------------------------------------------------------------===//

def CTA_TensorMapOp : CTA_Op<"tensor_map", [Pure]> {
  let summary = "the tensor map of a memref, made by the host at launch";
  let arguments = (ins AnyMemRef:$source, DenseI64ArrayAttr:$box,
                       I64Attr:$swizzle);
  let results = (outs CTA_TensorMap:$result);
  let assemblyFormat = [{
    $source `box` $box `swizzle` $swizzle attr-dict `:` type($source)
  }];
}

def CTA_CopyAsyncOp : CTA_Op<"copy_async", [AttrSizedOperandSegments]> {
  let summary = "TMA copy of a box of a memref into a slot";
  let description = [{
    Elements outside the memref arrive as zeros. The last index is at a multiple
    of 16 bytes (another one is an illegal instruction, as seen on an H200). One
    elected thread issues it.
    The completion counts bytes on `barrier`, which
    `--mla-materialize-barriers` adds; the tensor map is added by
    `--mla-stage-shared`.
  }];
  let arguments = (ins AnyMemRef:$source, Variadic<Index>:$indices,
      CTA_Buffer:$dest, Optional<CTA_TensorMap>:$map,
      Optional<CTA_MBarrier>:$barrier, Optional<I32>:$barrierIndex);
  let assemblyFormat = [{
    $source `[` $indices `]` `to` $dest (`map` $map^)?
    (`signals` $barrier^ `[` $barrierIndex `]` `:` qualified(type($barrier)))?
    attr-dict `:` type($source) `,` qualified(type($dest))
  }];
  let hasVerifier = 1;
}

def CTA_GatherAsyncOp : CTA_Op<"gather_async"> {
  let summary = "cp.async of rows of a memref, by index, into a slot";
  let description = [{
    As `tile.gather`: rows outside the memref arrive as zeros. All threads of
    the role take part, 16 bytes a thread and step.
  }];
  let arguments = (ins AnyMemRef:$source, CTA_Fragment:$rows,
      Variadic<Index>:$indices, CTA_Buffer:$dest);
  let assemblyFormat = [{
    $source `[` $rows `]` `[` $indices `]` `to` $dest attr-dict `:` type($source)
    `,` type($rows) `,` qualified(type($dest))
  }];
  let hasVerifier = 1;
}

def CTA_StoreSharedOp : CTA_Op<"store_shared"> {
  let summary = "registers to shared memory (generic proxy)";
  let arguments = (ins CTA_Fragment:$fragment, CTA_Buffer:$dest);
  let assemblyFormat = [{
    $fragment `to` $dest attr-dict `:` type($fragment) `,`
    qualified(type($dest))
  }];
  let hasVerifier = 1;
}

def CTA_LoadSharedOp : CTA_Op<"load_shared"> {
  let summary = "shared memory to registers (generic proxy)";
  let arguments = (ins CTA_Buffer:$source);
  let results = (outs CTA_Fragment:$fragment);
  let assemblyFormat = [{
    $source attr-dict `:` qualified(type($source)) `->` type($fragment)
  }];
  let hasVerifier = 1;
}

def CTA_ConvertLayoutOp : CTA_Op<"convert_layout", [Pure]> {
  let summary = "the same fragment under another layout, without moving data";
  let description = [{
    Only between layouts that place every element in the same thread:
    `acc` to `a_operand`.
  }];
  let arguments = (ins CTA_Fragment:$source);
  let results = (outs CTA_Fragment:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
}

// Of the tile dialect, whose .td would bring its ops along.
def CTA_ReduceKindAttr
    : Attr<CPred<"::llvm::isa<::mla::tile::ReduceKindAttr>($_self)">,
           "how a reduction combines"> {
  let storageType = "::mla::tile::ReduceKindAttr";
  let returnType = "::mla::tile::ReduceKind";
  let convertFromStorage = "$_self.getValue()";
  let constBuilderCall =
      "::mla::tile::ReduceKindAttr::get($_builder.getContext(), $0)";
}

def CTA_ReduceWarpOp : CTA_Op<"reduce_warp", [Pure]> {
  let summary = "combine what each warp holds of a dimension";
  let description = [{
    A vector a warp, one behind the other: element w n + c of the result combines
    those elements of column c (of n) whose row is held by warp w of the role.
    What warps hold together is for shared memory to bring together.

    Of a fragment with a direct layout, dimension `dim` is combined as far as it
    lies within warps: the result has one element a group of threads that shares a
    warp, instead of the dimension's own.

    ```mlir
    %m = cta.reduce_warp max %s : tensor<64x16xf32> -> tensor<64xf32>
    %p = cta.reduce_warp sum %x dim 0 : tensor<256x32xf32> -> tensor<8x32xf32>
    ```
  }];
  let arguments = (ins CTA_ReduceKindAttr:$kind, CTA_Fragment:$source,
                       OptionalAttr<I64Attr>:$dim);
  let results = (outs CTA_Fragment:$result);
  let assemblyFormat = [{
    custom<ReduceKind>($kind) $source (`dim` $dim^)? attr-dict `:`
    type($source) `->` type($result)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Warpgroup products
//===----------------------------------------------------------------------===//

def CTA_MmaAsyncOp : CTA_Op<"mma_async", []> {
  let summary = "asynchronous warpgroup product (wgmma)";
  let description = [{
    As `tile.dot`: A from a fragment (`a_operand`, 64 rows) or shared memory (a
    multiple of 64 rows), B from shared memory, fp32 accumulation into `acc` (zero
    without it). The result is in flight until `cta.mma_wait`. The op is a batch
    of instructions, one for each 64 rows and 16 of the reduced dimension.
  }];
  let arguments = (ins CTA_MmaOperand:$a, CTA_SharedOperand:$b,
      Optional<CTA_ReadableOrInFlight>:$acc, UnitAttr:$transposeA,
      UnitAttr:$transposeB);
  let results = (outs CTA_InFlight:$result);
  let assemblyFormat = [{
    $a `,` $b (`acc` $acc^ `:` type($acc))? (`transpose_a` $transposeA^)?
    (`transpose_b` $transposeB^)? attr-dict `:` type($a) `,` type($b) `->`
    qualified(type($result))
  }];
  let hasVerifier = 1;
}

def CTA_MmaWaitOp : CTA_Op<"mma_wait", [
    TypesMatchWith<"result is the fragment in flight", "source", "result",
                   "::llvm::cast<::mla::cta::InFlightType>($_self).getFragment()">]> {
  let summary = "wait for a product; gives the readable accumulator";
  let description = [{
    `--mla-insert-mma-sync` sets `pending`: how many younger groups may still run.
  }];
  let arguments = (ins CTA_InFlight:$source, OptionalAttr<I64Attr>:$pending);
  let results = (outs CTA_Fragment:$result);
  let assemblyFormat = [{
    $source (`pending` $pending^)? attr-dict `:` qualified(type($source))
  }];
}

def CTA_MmaFenceOp : CTA_Op<"mma_fence"> {
  let summary = "wgmma.fence: registers written before are visible to products";
  let assemblyFormat = "attr-dict";
}

def CTA_MmaCommitOp : CTA_Op<"mma_commit"> {
  let summary = "wgmma.commit_group: close the group of the products before";
  let assemblyFormat = "attr-dict";
}

def CTA_DescriptorOp : CTA_Op<"descriptor", [Pure]> {
  let summary = "the matrix descriptor of a slot";
  let arguments = (ins CTA_Buffer:$source);
  let results = (outs CTA_Descriptor:$result);
  let assemblyFormat = [{
    $source attr-dict `:` qualified(type($source)) `->`
    qualified(type($result))
  }];
}

//===----------------------------------------------------------------------===//
// Synchronisation: each op is one machine instruction
//===----------------------------------------------------------------------===//

def CTA_MBarrierOp : CTA_Op<"mbarrier", [AttrSizedOperandSegments]> {
  let summary = "declare mbarriers, what completes a phase and what it says";
  let description = [{
    An array of mbarriers. Each completes a phase when `count` arrivals and
    `bytes` bytes of copies have come in.

    `full` is the ring whose slot i is full when mbarrier i completes a phase:
    `count` and `bytes` are then those of all that fills one slot, by whichever
    roles and in however many parts.

    `empty` are the rings whose slot i its readers have read when mbarrier i
    completes a phase: round n of the ring may be written over when phase n +
    `distance` is complete. A ring has mbarriers of its own for that, or those of
    another one that come after them in any case (`--mla-elide-barriers`): the
    empty mbarriers of a ring that is released later, or the full mbarriers of a
    ring that its reader fills for its writer. Only for the latter may `distance`
    be 1, and it is 0 where it is left out.

    ```mlir
    %k_full = cta.mbarrier "k.full" full(%k : !k) count 1 bytes 8192 at 16384 : !cta.mbarrier<2>
    %k_empty = cta.mbarrier "k.empty" empty(%k, %valid : !k, !valid) count 4 at 16400 : !cta.mbarrier<2>
    %b_full = cta.mbarrier "b.full" full(%b : !b) empty(%a : !a) distance [1] count 4 at 16416 : !cta.mbarrier<1>
    ```
  }];
  let arguments = (ins StrAttr:$name, Optional<CTA_Ring>:$full,
                       Variadic<CTA_Ring>:$empty,
                       OptionalAttr<DenseI64ArrayAttr>:$distance, I64Attr:$count,
                       OptionalAttr<CTA_AtLeast<1>>:$bytes, I64Attr:$offset);
  let results = (outs CTA_MBarrier:$result);
  let assemblyFormat = [{
    $name (`full` `(` $full^ `:` qualified(type($full)) `)`)?
    (`empty` `(` $empty^ `:` qualified(type($empty)) `)`)? (`distance` $distance^)?
    `count` $count (`bytes` $bytes^)? `at` $offset attr-dict `:`
    qualified(type($result))
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// How far phases are ahead of the rounds of `ring`, one of `empty`.
    int64_t getAheadOf(::mla::cta::RingOp ring);
  }];
}

def CTA_MBarrierInitOp : CTA_Op<"mbarrier_init"> {
  let summary = "initialise every mbarrier of an array, by one thread";
  let arguments = (ins CTA_MBarrier:$barrier);
  let assemblyFormat = "$barrier attr-dict `:` qualified(type($barrier))";
}

def CTA_MBarrierInitFenceOp : CTA_Op<"mbarrier_init_fence"> {
  let summary = "make initialised mbarriers visible to the async proxy";
  let assemblyFormat = "attr-dict";
}

def CTA_SyncOp : CTA_Op<"sync"> {
  let summary = "barrier of all threads of the CTA (bar.sync 0)";
  let assemblyFormat = "attr-dict";
}

def CTA_MBarrierWaitOp : CTA_Op<"mbarrier_wait"> {
  let summary = "wait until the phase of the given parity has completed";
  let arguments = (ins CTA_MBarrier:$barrier, I32:$index, I32:$parity);
  let assemblyFormat = [{
    $barrier `[` $index `]` `parity` $parity attr-dict `:`
    qualified(type($barrier))
  }];
}

class CTA_ArriveBase<string opMnemonic> : CTA_Op<opMnemonic> {
  let arguments = (ins CTA_MBarrier:$barrier, I32:$index);
  let assemblyFormat = [{
    $barrier `[` $index `]` attr-dict `:` qualified(type($barrier))
  }];
}
def CTA_ArriveOp : CTA_ArriveBase<"arrive"> {
  let summary = "one arrival a warp, after all its lanes are done";
}
def CTA_ArriveCopiesOp : CTA_ArriveBase<"arrive_copies"> {
  let summary = "one arrival a thread, when its cp.async copies have landed";
}
def CTA_ArriveExpectOp : CTA_Op<"arrive_expect"> {
  let summary = "one arrival by the elected thread, with bytes to come";
  let arguments = (ins CTA_MBarrier:$barrier, I32:$index, I64Attr:$bytes);
  let assemblyFormat = [{
    $barrier `[` $index `]` `bytes` $bytes attr-dict `:`
    qualified(type($barrier))
  }];
}

def CTA_FenceAsyncOp : CTA_Op<"fence_async"> {
  let summary = "order generic writes to shared memory before the async proxy";
  let description = [{
    fence.proxy.async.shared::cta, in each thread that wrote (PTX ISA, Async
    proxy).
  }];
  let assemblyFormat = "attr-dict";
}

include "mla/Dialect/CTA/CTAVocabulary.td"

#endif // MLA_DIALECT_CTA_TD
