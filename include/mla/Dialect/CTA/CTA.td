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
    The roles of a CTA run concurrently. Their warps are numbered in the order in
    which the roles are written.

    ```mlir
    cta.role "producer" warps 4 registers 56 { ... }
    ```

    A persistent kernel has no op of its own: the `scf.forall` runs over the
    CTAs, and each role loops over the work items of its CTA:

    ```mlir
    scf.forall (%cta) in (%ctas) {
      cta.role "producer" warps 4 registers 56 {
        scf.for %item = %cta to %items step %ctas { ... }
      }
    }
    ```

    These loops carry the access counts of rings, from which slots and phases
    are computed, as any other loop does.
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
    `--mla-stage-shared` sets `offset`, its byte offset in the CTA's shared
    memory, and the layout in its type. With `aliases` it lies in the slot of another
    ring (the ring below), over a part that is dead when this ring is filled. Such a ring needs no
    empty mbarriers: its writer holds the slot below, and its readers release that
    slot after they have read this one.

    ```mlir
    %k = cta.ring "k" at 0 : !cta.ring<1x64x128xbf16>
    %p = cta.ring "p" at 8192 aliases(%k : !cta.ring<1x64x128xbf16>) : !cta.ring<1x64x64xbf16>
    ```

    The name is for messages only. Accesses, mbarriers (`cta.mbarrier`) and rings
    that alias this one refer to it by its SSA value.
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
    /// The mbarriers that complete when a slot is full, and when it is empty
    /// again; null if there are none.
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
  let summary = "wait until the ring's next slot is empty, to fill it";
}
def CTA_AwaitOp : CTA_RingAccessOp<"await"> {
  let summary = "wait until the ring's next slot is full, to read it";
}

def CTA_ReleaseOp : CTA_Op<"release"> {
  let summary = "release the oldest slot that the role still holds";
  let arguments = (ins CTA_Ring:$ring);
  let assemblyFormat = "$ring attr-dict `:` qualified(type($ring))";
}

def CTA_SlotOp : CTA_Op<"slot", [Pure,
    TypesMatchWith<"result is a slot of the ring", "ring", "slot",
                   "::llvm::cast<::mla::cta::RingType>($_self).getSlotType()">]> {
  let summary = "slot `index` of a ring";
  let arguments = (ins CTA_Ring:$ring, I32:$index);
  let results = (outs CTA_Buffer:$slot);
  let assemblyFormat =
      "$ring `[` $index `]` attr-dict `:` qualified(type($ring))";
}

def CTA_BufferOp : CTA_Op<"buffer"> {
  let summary = "declare a tile in shared memory without slots";
  let description = [{
    For tiles whose accesses named barriers or mbarriers without a ring order: an
    output staged for a bulk store, a sum that a bulk copy loads and another one
    stores. With `aliases` it lies `byte` bytes into another ring or buffer, within
    one slot. The tile below must be dead when the buffer is written, and is
    released after the last read of the buffer. `at` is its byte offset in the
    CTA's shared memory.

    ```mlir
    %m = cta.buffer "max" at 229504 : !cta.buffer<64xf32>
    %p0 = cta.buffer "p0" aliases %k0[65536] : !cta.ring<1x64x576xbf16> : !cta.buffer<64x64xbf16>
    ```
  }];
  let arguments = (ins StrAttr:$name,
      Optional<AnyTypeOf<[CTA_Ring, CTA_Buffer]>>:$base,
      OptionalAttr<CTA_AtLeast<0>>:$byte, OptionalAttr<CTA_AtLeast<0>>:$offset);
  let results = (outs CTA_Buffer:$result);
  let assemblyFormat = [{
    $name (`aliases` $base^ `[` $byte `]` `:` qualified(type($base)))?
    (`at` $offset^)? attr-dict `:` qualified(type($result))
  }];
  let hasVerifier = 1;
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
// Fragments: registers and shared memory
//===----------------------------------------------------------------------===//

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

// Defined by the tile dialect, whose .td would also define its ops here.
def CTA_ReduceKindAttr
    : Attr<CPred<"::llvm::isa<::mla::tile::ReduceKindAttr>($_self)">,
           "kind of a reduction"> {
  let storageType = "::mla::tile::ReduceKindAttr";
  let returnType = "::mla::tile::ReduceKind";
  let convertFromStorage = "$_self.getValue()";
  let constBuilderCall =
      "::mla::tile::ReduceKindAttr::get($_builder.getContext(), $0)";
}

def CTA_ReduceWarpOp : CTA_Op<"reduce_warp", [Pure]> {
  let summary = "reduce a dimension within each warp";
  let description = [{
    The result holds one vector per warp, one after the other: element w n + c
    combines the elements of column c (of n) whose rows warp w of the role holds.
    Reductions across warps go through shared memory.

    In a fragment with a direct layout, dimension `dim` is reduced within warps:
    along it the result has one element per group of threads of one warp.

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
// MMAs
//===----------------------------------------------------------------------===//

def CTA_MmaAsyncOp : CTA_Op<"mma_async", []> {
  let summary = "asynchronous warpgroup MMA (wgmma)";
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
  let summary = "wait for an MMA; returns the readable accumulator";
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
  let summary = "wgmma.fence: make earlier register writes visible to MMAs";
  let assemblyFormat = "attr-dict";
}

def CTA_MmaCommitOp : CTA_Op<"mma_commit"> {
  let summary = "wgmma.commit_group: close the group of the MMAs before";
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

include "mla/Dialect/CTA/CTACopies.td"
include "mla/Dialect/CTA/CTASync.td"

#endif // MLA_DIALECT_CTA_TD
