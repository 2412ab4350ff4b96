//===- CTA.td - the program of one CTA ---------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_CTA_TD
#define MLA_DIALECT_CTA_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def CTA_Dialect : Dialect {
  let name = "cta";
  let cppNamespace = "::mla::cta";
  let summary = "the program of one CTA on Hopper";
  let description = [{
    Roles of warps, rings of shared memory between them, asynchronous copies and
    warpgroup products whose results are *in flight* until a wait returns the
    readable value. A register fragment is a `tensor` whose encoding
    (`#cta.layout`) says which thread holds which element, so `arith`, `math` and
    the tile algebra (`tile.reduce`, `tile.broadcast`, ...) work on fragments.

    The dialect is lowered in place: every pass adds one kind of decision (shared
    memory offsets, barriers, descriptors, fences, counts) until each
    synchronisation op stands for exactly one machine instruction.
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::mla::tile::TileDialect"];
}

//===----------------------------------------------------------------------===//
// Layouts
//===----------------------------------------------------------------------===//

def CTA_FragmentLayout : I32EnumAttr<"FragmentLayout",
    "which thread of a role holds which element", [
    I32EnumAttrCase<"acc", 0>, I32EnumAttrCase<"a_operand", 1>,
    I32EnumAttrCase<"row", 2>, I32EnumAttrCase<"column", 3>,
    I32EnumAttrCase<"gather", 4>, I32EnumAttrCase<"acc_transposed", 5>,
    I32EnumAttrCase<"warp_column", 6>]> {
  let cppNamespace = "::mla::cta";
  let genSpecializedAttr = 0;
}

def CTA_LayoutAttr : EnumAttr<CTA_Dialect, CTA_FragmentLayout, "layout"> {
  let summary = "which thread of a role holds which element of a fragment";
  let description = [{
    With `lane` and `warp` counted in the warpgroup (PTX ISA, wgmma register
    fragments, D and A of m64nNk16):

    - `acc`: element (r, c) of a 64-row tile; register 4j + 2i + e holds row
      16 warp + lane / 4 + 8i, column 8j + 2 (lane mod 4) + e. Tiles of more rows
      are blocks of 64, one behind the other in the registers;
    - `a_operand`: the same positions packed in pairs of bf16;
    - `row`: one value a row: register i holds row 16 warp + lane / 4 + 8i, the
      same in the four lanes of a quad;
    - `column`: one value a column, as `acc` holds them: register 2j + e holds
      column 8j + 2 (lane mod 4) + e;
    - `gather`: one value a gathered row, R rows, a multiple of 32: register l
      holds row (R / 4) warp + lane / 8 + 4 l of a role of 128 threads, the same
      in 8 neighbouring threads. So a warp holds consecutive rows, whose bits are
      whole bytes;
    - `acc_transposed`: element (r, c) is where `acc` has element (c, r);
    - `warp_column`: four vectors, one behind the other; warp w holds vector w, as
      a `column`.
  }];
  let assemblyFormat = "`<` $value `>`";
}

def CTA_SharedLayoutAttr : AttrDef<CTA_Dialect, "SharedLayout"> {
  let mnemonic = "shared_layout";
  let summary = "how a tile lies in shared memory";
  let description = [{
    `swizzle = 128`: the tile is cut into blocks of 64 two-byte columns and all
    its rows; a row of a block is 128 bytes, and the 16-byte chunk c of row r lies
    at chunk c xor (r mod 8): the layout of TMA's and wgmma's 128-byte swizzle.
    Blocks follow each other every 128 * `rows` bytes. `swizzle = 64` and `32` are
    the narrower swizzles, of blocks of 32 and 16 columns, `swizzle = 16` is none:
    core matrices of 8 rows by 16 bytes. `swizzle = 0`: row-major, for vectors;
    element i of an i1 vector is bit i mod 8 of byte i / 8.
    `rows` is the number of rows of the whole tile, which a view of it keeps.
  }];
  let parameters = (ins "int64_t":$swizzle, "int64_t":$rows);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def CTA_Major : I32EnumAttr<"Major", "which dimension of an operand is contiguous", [
    I32EnumAttrCase<"k", 0>, I32EnumAttrCase<"mn", 1>]> {
  let cppNamespace = "::mla::cta";
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

class CTA_Type<string name, string typeMnemonic> : TypeDef<CTA_Dialect, name> {
  let mnemonic = typeMnemonic;
}

def CTA_Ring : CTA_Type<"Ring", "ring"> {
  let summary = "slots of shared memory that travel between roles";
  let description = [{
    `!cta.ring<2x64x576xbf16>`: two slots of a 64x576 tile. A slot goes round:
    acquired by the producer role, filled, awaited by the consumer roles, read,
    released by all of them. `--mla-stage-shared` adds the layout.

    `!cta.ring<1x64x576xbf16, split 1 [256, 320]>`: the slot's dimension 1 is
    cut into parts of 256 and 320, which go round apart (`cta.acquire_part`).
  }];
  let parameters = (ins "int64_t":$depth, ArrayRefParameter<"int64_t">:$shape,
      "::mlir::Type":$elementType, "::mla::cta::SharedLayoutAttr":$layout,
      "int64_t":$splitDim, ArrayRefParameter<"int64_t">:$parts);
  let builders = [TypeBuilder<(ins "int64_t":$depth,
      "::llvm::ArrayRef<int64_t>":$shape, "::mlir::Type":$elementType,
      "::mla::cta::SharedLayoutAttr":$layout), [{
    return $_get($_ctxt, depth, shape, elementType, layout, /*splitDim=*/0,
                 ::llvm::ArrayRef<int64_t>());
  }]>];
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The type of one slot.
    ::mla::cta::BufferType getSlotType() const;
    /// The type of part number `part` of a slot; null if there is none.
    ::mla::cta::BufferType getPartType(int64_t part) const;
    /// The same ring, its slots in another layout.
    ::mla::cta::RingType withLayout(::mla::cta::SharedLayoutAttr layout) const;
  }];
}

def CTA_Buffer : CTA_Type<"Buffer", "buffer"> {
  let summary = "a tile in shared memory, or a view of one";
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape,
      "::mlir::Type":$elementType, "::mla::cta::SharedLayoutAttr":$layout);
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    /// Bytes of the tile, densely packed (i1 takes a bit).
    int64_t getBytes() const;
  }];
}

def CTA_InFlight : CTA_Type<"InFlight", "in_flight"> {
  let summary = "an accumulator that warpgroup products still write";
  let description = [{
    Only an op of the same chain, a wait or a loop carry may take it.
  }];
  let parameters = (ins "::mlir::RankedTensorType":$fragment);
  let assemblyFormat = "`<` $fragment `>`";
}

def CTA_MBarrier : CTA_Type<"MBarrier", "mbarrier"> {
  let summary = "an array of mbarriers, one a slot";
  let parameters = (ins "int64_t":$size);
  let assemblyFormat = "`<` $size `>`";
}

def CTA_TensorMap : CTA_Type<"TensorMap", "tensor_map"> {
  let summary = "a TMA tensor map";
}

def CTA_Descriptor : CTA_Type<"Descriptor", "descriptor"> {
  let summary = "a wgmma matrix descriptor";
  let description = [{
    Describes the operand of shape [rows, cols] that starts `offset` bytes into
    the slot: the start address is the slot's, and `offset` is added as an
    immediate next to the instruction, since a descriptor per k-step as SSA
    values would be hoisted and spilled. `step` is the distance in bytes between
    k-steps of 16, `block_step` that between blocks of 64 elements along k
    (PTX ISA, Asynchronous warpgroup matrix shared memory layout).
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape,
      "::mlir::Type":$elementType, "::mla::cta::Major":$major,
      "int64_t":$offset, "int64_t":$leading, "int64_t":$stride,
      "int64_t":$step, "int64_t":$blockStep);
  let hasCustomAssemblyFormat = 1;
}

def CTA_Fragment : Type<And<[AnyRankedTensor.predicate]>, "register fragment",
                        "::mlir::RankedTensorType">;
def CTA_ReadableOrInFlight : AnyTypeOf<[CTA_Fragment, CTA_InFlight]>;
def CTA_SharedOperand : AnyTypeOf<[CTA_Buffer, CTA_Descriptor]>;
def CTA_MmaOperand : AnyTypeOf<[CTA_Buffer, CTA_Descriptor, CTA_Fragment]>;

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
}

def CTA_RingOp : CTA_Op<"ring"> {
  let summary = "declare a ring of shared-memory slots";
  let description = [{
    `--mla-stage-shared` gives it `offset`, its place in bytes in the CTA's
    shared memory, and the layout in its type. `over` names the ring in whose
    slot that place lies, over a part that is dead when this ring is filled. Such
    a ring needs no barrier that says it is free: its writer holds the slot
    below, and its readers release that slot after they have read this one.

    `returned_by` names a ring that the reader of this one fills and its writer
    reads: round n of this ring is free again when round n + `ahead` of that ring
    is full (`ahead` 0 or 1), and no barrier of its own has to say so.
    `returned_with` names a ring that the same roles fill and read: round n of both
    is free at once. See `--mla-elide-barriers`.
  }];
  let arguments = (ins StrAttr:$name, OptionalAttr<I64Attr>:$offset,
                       OptionalAttr<StrAttr>:$over,
                       OptionalAttr<StrAttr>:$returned_by,
                       OptionalAttr<I64Attr>:$ahead,
                       OptionalAttr<StrAttr>:$returned_with);
  let results = (outs CTA_Ring:$result);
  let assemblyFormat = [{
    $name (`at` $offset^)? (`over` $over^)?
    (`returned_by` $returned_by^ `ahead` $ahead)?
    (`returned_with` $returned_with^)? attr-dict `:`
    qualified(type($result))
  }];
  let hasVerifier = 1;
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
  let summary = "combine the rows of an accumulator that each warp holds";
  let description = [{
    A vector a warp, one behind the other: element w n + c of the result combines
    those elements of column c (of n) whose row is held by warp w of the role.
    What warps hold together is for shared memory to bring together.

    ```mlir
    %m = cta.reduce_warp max %s : tensor<64x16xf32> -> tensor<64xf32>
    ```
  }];
  let arguments = (ins CTA_ReduceKindAttr:$kind, CTA_Fragment:$source);
  let results = (outs CTA_Fragment:$result);
  let assemblyFormat = [{
    custom<ReduceKind>($kind) $source attr-dict `:` type($source) `->`
    type($result)
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

def CTA_MBarrierOp : CTA_Op<"mbarrier"> {
  let summary = "declare mbarriers and the arrivals that complete a phase";
  let arguments = (ins StrAttr:$name, I64Attr:$count, I64Attr:$offset);
  let results = (outs CTA_MBarrier:$result);
  let assemblyFormat = [{
    $name `count` $count `at` $offset attr-dict `:` qualified(type($result))
  }];
  let hasVerifier = 1;
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
