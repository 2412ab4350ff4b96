//===- CTACopies.td - copies to and from shared memory -----*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Included by CTA.td.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_CTA_CTACOPIES_TD
#define MLA_DIALECT_CTA_CTACOPIES_TD

//===----------------------------------------------------------------------===//
// Into shared memory
//===----------------------------------------------------------------------===//

def CTA_TensorMapOp : CTA_Op<"tensor_map", [Pure]> {
  let summary = "the tensor map of a memref, which the host makes at launch";
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
    Elements outside the memref arrive as zeros. `dims` is that of `tile.load`,
    but lists the memref's last dimension. The last index must be a multiple of 16
    bytes (on an H200 any other is an illegal instruction). One thread issues the copy: thread 0 of the role, or the lane of `cta.elect`.
    The copy completes its bytes on `barrier`, which
    `--mla-materialize-barriers` adds; `--mla-stage-shared` adds the tensor map.

    PTX ISA, cp.async.bulk.tensor.
  }];
  let arguments = (ins AnyMemRef:$source, Variadic<Index>:$indices,
      CTA_Buffer:$dest, Optional<CTA_TensorMap>:$map,
      Optional<CTA_MBarrier>:$barrier, Optional<I32>:$barrierIndex,
      OptionalAttr<DenseI64ArrayAttr>:$dims);
  let builders = [OpBuilder<
      (ins "::mlir::Value":$source, "::mlir::ValueRange":$indices,
           "::mlir::Value":$dest, "::mlir::DenseI64ArrayAttr":$dims),
      [{ build($_builder, $_state, source, indices, dest, ::mlir::Value(),
               ::mlir::Value(), ::mlir::Value(), dims); }]>];
  let assemblyFormat = [{
    $source `[` $indices `]` (`dims` $dims^)? `to` $dest (`map` $map^)?
    (`signals` $barrier^ `[` $barrierIndex `]` `:` qualified(type($barrier)))?
    attr-dict `:` type($source) `,` qualified(type($dest))
  }];
  let hasVerifier = 1;
}

def CTA_GatherAsyncOp : CTA_Op<"gather_async", [AttrSizedOperandSegments]> {
  let summary = "cp.async of rows of a memref, by index, into a slot";
  let description = [{
    As in `tile.gather`, also for `dim`, rows outside the memref arrive as zeros.
    All threads of the role copy, each 16 bytes per instruction.

    With `block`, which promises the same as in `tile.gather`, the rows are copied
    by TMA where `block` is not negative: one thread expects their bytes on
    `barrier` and issues the copies. It does not arrive, so that the arrivals of a
    phase are the same for both kinds of copies: all threads arrive by
    `cta.arrive_copies`, after the gather. `--mla-stage-shared` adds the tensor map
    and `--mla-materialize-barriers` the barrier.

    ```mlir
    cta.gather_async %cache[%rows][%c0, %c0] block %first to %slot map %map signals %full[%i] : !cta.mbarrier<2> : memref<?x64x1x576xbf16, ...>, tensor<64xi32, #cta.layout<gather>>, !cta.buffer<64x576xbf16, swizzle 128, rows 64>
    ```

    PTX ISA, cp.async; cp.async.bulk.tensor and mbarrier.expect_tx.
  }];
  let arguments = (ins AnyMemRef:$source, CTA_Fragment:$rows,
      Variadic<Index>:$indices, CTA_Buffer:$dest,
      DefaultValuedAttr<ConfinedAttr<I64Attr, [IntNonNegative]>, "0">:$dim,
      Optional<I32>:$block, Optional<CTA_TensorMap>:$map,
      Optional<CTA_MBarrier>:$barrier, Optional<I32>:$barrierIndex);
  let assemblyFormat = [{
    $source `[` $rows `]` `[` $indices `]` (`dim` $dim^)? (`block` $block^)? `to` $dest
    (`map` $map^)? (`signals` $barrier^ `[` $barrierIndex `]` `:` qualified(type($barrier)))?
    attr-dict `:` type($source) `,` type($rows) `,` qualified(type($dest))
  }];
  let builders = [OpBuilder<
      (ins "::mlir::Value":$source, "::mlir::Value":$rows,
           "::mlir::ValueRange":$indices, "::mlir::Value":$dest, "int64_t":$dim,
           "::mlir::Value":$block),
      [{ build($_builder, $_state, source, rows, indices, dest, dim, block,
               ::mlir::Value(), ::mlir::Value(), ::mlir::Value()); }]>];
  let extraClassDeclaration = [{
    /// The number of dimensions of the memref that row indices count through.
    int64_t getRowDims() {
      return ::llvm::cast<::mlir::MemRefType>(getSource().getType()).getRank() -
             static_cast<int64_t>(getIndices().size());
    }
    /// The last of them, in which the rows of a block follow each other.
    int64_t getBlockDim() {
      return static_cast<int64_t>(getDim()) + getRowDims() - 1;
    }
  }];
  let hasVerifier = 1;
}

def CTA_BulkLoadOp : CTA_Op<"bulk_load", [AttrSizedOperandSegments]> {
  let summary = "copy contiguous bytes of a memref into a tile";
  let description = [{
    The tile's elements start at `indices` and follow each other without gaps.
    Addresses and sizes must be multiples of 16 bytes. As for `cta.copy_async`,
    one thread issues the copy, which completes its bytes on `barrier`.

    ```mlir
    cta.bulk_load %LSE[%head, %row] to %lse signals %full[%i] : !cta.mbarrier<1> : memref<?x?xf32>, !cta.buffer<64xf32>
    ```

    PTX ISA, cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.
  }];
  let arguments = (ins AnyMemRef:$source, Variadic<Index>:$indices,
      CTA_Buffer:$dest, Optional<CTA_MBarrier>:$barrier,
      Optional<I32>:$barrierIndex);
  let assemblyFormat = [{
    $source `[` $indices `]` `to` $dest
    (`signals` $barrier^ `[` $barrierIndex `]` `:` qualified(type($barrier)))?
    attr-dict `:` type($source) `,` qualified(type($dest))
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Out of shared memory, in bulk groups
//===----------------------------------------------------------------------===//

def CTA_StoreAsyncOp : CTA_Op<"store_async", [AttrSizedOperandSegments]> {
  let summary = "TMA copy of a tile into a box of a memref";
  let description = [{
    Elements outside the memref are not written. The copy belongs to the bulk
    group of the thread that issues it, so it must stand in `cta.elect`. It reads
    through the async proxy: `cta.fence_async` and a barrier must stand between
    the stores to the tile and the copy.

    ```mlir
    cta.elect {
      cta.store_async %o to %O[%token, %head, %c0] map %map : !cta.buffer<64x256xbf16>, memref<?x128x512xbf16>
      cta.bulk_commit
      cta.bulk_wait 0 read
    }
    ```

    PTX ISA, cp.async.bulk.tensor.global.shared::cta.bulk_group.
  }];
  let arguments = (ins CTA_Buffer:$source, AnyMemRef:$dest,
      Variadic<Index>:$indices, Optional<CTA_TensorMap>:$map);
  let assemblyFormat = [{
    $source `to` $dest `[` $indices `]` (`map` $map^)? attr-dict `:`
    qualified(type($source)) `,` type($dest)
  }];
  let hasVerifier = 1;
}

def CTA_BulkStoreOp : CTA_Op<"bulk_store"> {
  let summary = "copy a tile into contiguous bytes of a memref";
  let description = [{
    The reverse of `cta.bulk_load`. It belongs to a bulk group and must stand in
    `cta.elect`, as `cta.store_async`.

    ```mlir
    cta.bulk_store %lse to %LSE[%head, %row] : !cta.buffer<64xf32>, memref<?x?xf32>
    ```

    PTX ISA, cp.async.bulk.global.shared::cta.bulk_group.
  }];
  let arguments = (ins CTA_Buffer:$source, AnyMemRef:$dest,
      Variadic<Index>:$indices);
  let assemblyFormat = [{
    $source `to` $dest `[` $indices `]` attr-dict `:`
    qualified(type($source)) `,` type($dest)
  }];
  let hasVerifier = 1;
}

def CTA_BulkCommitOp : CTA_Op<"bulk_commit"> {
  let summary = "close the thread's group of bulk stores";
  let description = [{
    ```mlir
    cta.bulk_commit
    ```

    PTX ISA, cp.async.bulk.commit_group.
  }];
  let assemblyFormat = "attr-dict";
  let hasVerifier = 1;
}

def CTA_BulkWaitOp : CTA_Op<"bulk_wait"> {
  let summary = "wait for all but the youngest bulk groups of the thread";
  let description = [{
    Afterwards at most the `pending` youngest groups are still running. With
    `read`, the tiles of the other groups have been read and may be overwritten;
    without it, their writes to global memory are complete too.

    ```mlir
    cta.bulk_wait 0 read
    ```

    PTX ISA, cp.async.bulk.wait_group{.read}.
  }];
  let arguments = (ins CTA_AtLeast<0>:$pending, UnitAttr:$read);
  let assemblyFormat = "$pending (`read` $read^)? attr-dict";
  let hasVerifier = 1;
}

#endif // MLA_DIALECT_CTA_CTACOPIES_TD
