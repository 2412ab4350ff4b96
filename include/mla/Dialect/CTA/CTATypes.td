//===- CTATypes.td - layouts and types of the cta dialect --*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_CTA_CTATYPES_TD
#define MLA_DIALECT_CTA_CTATYPES_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/TensorEncoding.td"
include "mlir/IR/OpBase.td"

def CTA_Dialect : Dialect {
  let name = "cta";
  let cppNamespace = "::mla::cta";
  let summary = "the program of one CTA on Hopper";
  let description = [{
    Roles of warps, rings of shared memory between them, asynchronous copies and
    warpgroup MMAs whose results are *in flight* until a wait returns the
    readable value. A register fragment is a `tensor` whose encoding
    (`#cta.layout`) says which thread holds which element, so `arith`, `math` and
    the tile ops (`tile.reduce`, `tile.broadcast`, ...) work on fragments.

    The dialect is lowered in place: every pass adds one kind of decision (shared
    memory offsets, barriers, descriptors, fences, counts) until each
    synchronisation op is exactly one machine instruction.
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::mla::tile::TileDialect"];
  let hasOperationAttrVerify = 1;
  let extraClassDeclaration = [{
    void registerAttributes();
    void registerTypes();
  }];
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
      are blocks of 64, one after the other in the registers;
    - `a_operand`: the same positions packed in pairs of bf16;
    - `row`: one value per row: register i holds row 16 warp + lane / 4 + 8i, the
      same in the four lanes of a quad;
    - `column`: one value per column, as in `acc`: register 2j + e holds
      column 8j + 2 (lane mod 4) + e;
    - `gather`: one value per gathered row, R rows, a multiple of 32: register l
      holds row (R / 4) warp + lane / 8 + 4 l of a role of 128 threads, the same
      in 8 neighbouring threads. A warp holds consecutive rows, so that their bits
      are whole bytes. With R of 8, 16 or 24, a warp holds 8 rows from row
      min(8 warp, R - 8) on: the last ones are in several warps;
    - `acc_transposed`: element (r, c) is where `acc` has element (c, r);
    - `warp_column`: four vectors, one after the other; warp w holds vector w, as
      a `column`.
  }];
  let assemblyFormat = "`<` $value `>`";
}

def CTA_DirectLayoutAttr : AttrDef<CTA_Dialect, "DirectLayout",
    [DeclareAttrInterfaceMethods<VerifiableTensorEncoding>]> {
  let mnemonic = "direct";
  let summary = "a fragment whose elements neighbouring threads load and store";
  let description = [{
    `threads[d]` threads, `strides[d]` apart, lie along dimension d of the
    fragment: thread t of the role has position t / strides[d] mod threads[d]
    there. Each holds one element, in the last dimension `vector` neighbouring
    ones; the pattern repeats along the dimension. Threads that differ in other
    bits of their number hold the same elements.

    The layout of a vector is that of the matrix without its columns or rows:

    ```mlir
    tensor<64x128xf32, #cta.direct<threads = [4, 32], strides = [32, 1], vector = 4>>
    tensor<64xf32, #cta.direct<threads = [4], strides = [32], vector = 1>>
    tensor<128xf32, #cta.direct<threads = [32], strides = [1], vector = 4>>
    ```
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$threads,
      ArrayRefParameter<"int64_t">:$strides, "int64_t":$vector);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    int64_t getRank() const { return getThreads().size(); }
    /// Neighbouring elements of dimension `d` in a thread.
    int64_t getVector(int64_t d) const {
      return d == getRank() - 1 ? getVector() : 1;
    }
    /// How many thread numbers dimension `d` spans.
    int64_t getSpan(int64_t d) const {
      return getThreads()[d] * getStrides()[d];
    }
    /// The layout with dimension `d` dropped.
    DirectLayoutAttr dropDim(int64_t d) const;
  }];
}

def CTA_SharedLayoutAttr : AttrDef<CTA_Dialect, "SharedLayout"> {
  let mnemonic = "shared_layout";
  let summary = "how a tile lies in shared memory";
  let description = [{
    `swizzle = 128`: the tile is cut into blocks of 64 two-byte columns and all
    its rows; a row of a block is 128 bytes, and the 16-byte chunk c of row r lies
    at chunk c xor (r mod 8): the layout of TMA's and wgmma's 128-byte swizzle.
    Blocks follow each other every 128 * `rows` bytes. `swizzle = 0`: row-major;
    element i of an i1 vector is bit i mod 8 of byte i / 8.
    `rows` is the number of rows of the whole tile, also in the type of a view.
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
  let summary = "slots of shared memory that roles pass to each other";
  let description = [{
    `!cta.ring<2x64x576xbf16>`: two slots of a 64x576 tile. The producer role
    acquires a slot and fills it; the consumer roles await it, read it, and all
    release it. `--mla-stage-shared` adds the layout.
  }];
  let parameters = (ins "int64_t":$depth, ArrayRefParameter<"int64_t">:$shape,
      "::mlir::Type":$elementType, "::mla::cta::SharedLayoutAttr":$layout);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The type of one slot.
    ::mla::cta::BufferType getSlotType() const;
    /// The same ring, its slots in another layout.
    ::mla::cta::RingType withLayout(::mla::cta::SharedLayoutAttr layout) const;
  }];
}

def CTA_Buffer : CTA_Type<"Buffer", "buffer"> {
  let summary = "a tile in shared memory, or a view of one";
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape,
      "::mlir::Type":$elementType, "::mla::cta::SharedLayoutAttr":$layout);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Bytes of the tile, densely packed (i1 takes a bit).
    int64_t getBytes() const;
  }];
}

def CTA_InFlight : CTA_Type<"InFlight", "in_flight"> {
  let summary = "an accumulator that MMAs may still write";
  let description = [{
    Only the next MMA of its chain, a wait or a loop may take it.
  }];
  let parameters = (ins "::mlir::RankedTensorType":$fragment);
  let assemblyFormat = "`<` $fragment `>`";
}

def CTA_MBarrier : CTA_Type<"MBarrier", "mbarrier"> {
  let summary = "an array of mbarriers, one per slot";
  let parameters = (ins "int64_t":$size);
  let assemblyFormat = "`<` $size `>`";
  let genVerifyDecl = 1;
}

def CTA_NamedBarrier : CTA_Type<"NamedBarrier", "named_barrier"> {
  let summary = "one of the CTA's barriers 1 to 15";
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
  let genVerifyDecl = 1;
}

def CTA_Fragment : Type<And<[AnyRankedTensor.predicate]>, "register fragment",
                        "::mlir::RankedTensorType">;
def CTA_ReadableOrInFlight : AnyTypeOf<[CTA_Fragment, CTA_InFlight]>;
def CTA_SharedOperand : AnyTypeOf<[CTA_Buffer, CTA_Descriptor]>;
def CTA_MmaOperand : AnyTypeOf<[CTA_Buffer, CTA_Descriptor, CTA_Fragment]>;

#endif // MLA_DIALECT_CTA_CTATYPES_TD
