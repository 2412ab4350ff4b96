//===- CTAVocabulary.td - what the later schedules say -----*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Included at the end of CTA.td. The ops here parse, print and verify; those
// that no pass lowers yet are refused by --convert-mla-to-nvvm by their name.
// The sketches of test/Dialect/CTA say what they are for. Each op that
// synchronises is one machine instruction.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_CTAVOCABULARY_TD
#define MLA_DIALECT_CTAVOCABULARY_TD

//===----------------------------------------------------------------------===//
// Buffers over dead tiles
//===----------------------------------------------------------------------===//

def CTA_BufferOp : CTA_Op<"buffer"> {
  let summary = "declare a tile in shared memory that is no ring";
  let description = [{
    For what roles hand over under named barriers (maxima, P, a staged output).
    With `aliases` it lies `byte` bytes into another ring or buffer, within one
    slot: whoever writes it has to know that the tile below is dead, and that
    tile is released after the last read of the buffer. `at` is its place in the
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

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

def CTA_MmaWaitReadsOp : CTA_Op<"mma_wait_reads"> {
  let summary = "wait until a product has read its operands";
  let description = [{
    As `cta.mma_wait`, for a product that is not the last of its chain: a
    younger one still writes the accumulator, so there is no value to read; but
    what the product read in shared memory may be released.

    ```mlir
    %0 = cta.mma_async %p1, %v1 acc %o : ...
    %1 = cta.mma_async %p0, %v0 acc %0 : ...
    cta.mma_wait_reads %0 pending 1 : !cta.in_flight<...>
    cta.release_part %k1[1] : ...
    %2 = cta.mma_wait %1 pending 0 : !cta.in_flight<...>
    ```

    PTX ISA, wgmma.wait_group.
  }];
  let arguments = (ins CTA_InFlight:$source,
                       OptionalAttr<CTA_AtLeast<0>>:$pending);
  let assemblyFormat = [{
    $source (`pending` $pending^)? attr-dict `:` qualified(type($source))
  }];
}

//===----------------------------------------------------------------------===//
// One lane
//===----------------------------------------------------------------------===//

def CTA_ElectOp : CTA_Op<"elect", [
    SingleBlockImplicitTerminator<"::mla::cta::YieldOp">,
    RecursiveMemoryEffects]> {
  let summary = "what one lane of a role does";
  let description = [{
    One lane of warp `warp` of the role (0 by default) runs the body, the same
    one each time; the other lanes go past. A role of several warps issues
    copies so, from within its own loop. A role of one warp may take the lane's
    values: they reach all its lanes.

    ```mlir
    cta.elect {
      cta.arrive_expect %full[%c0] bytes 8192 : !cta.mbarrier<9>
      cta.copy_async ...
    }
    %old = cta.elect -> i32 {
      %0 = cta.atomic_add %one, %counter[%i] : memref<?xi32>
      cta.yield %0 : i32
    }
    ```

    PTX ISA, elect.sync; shfl.sync for results.
  }];
  let arguments = (ins DefaultValuedAttr<CTA_AtLeast<0>, "0">:$warp);
  let results = (outs Variadic<AnySignlessIntegerOrIndex>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    (`warp` $warp^)? (`->` type($results)^)? attr-dict-with-keyword $body
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def CTA_YieldOp : CTA_Op<"yield", [Pure, Terminator,
                                   HasParent<"::mla::cta::ElectOp">]> {
  let summary = "end of cta.elect, with the values that it gives its warp";
  let description = [{
    ```mlir
    cta.yield %old : i32
    ```
  }];
  let arguments = (ins Variadic<AnyType>:$values);
  let builders = [OpBuilder<(ins), [{ /* no values */ }]>];
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
}

//===----------------------------------------------------------------------===//
// Named barriers
//===----------------------------------------------------------------------===//

def CTA_NamedBarrier : CTA_Type<"NamedBarrier", "named_barrier"> {
  let summary = "one of the CTA's barriers 1 to 15";
}

def CTA_NamedBarrierOp : CTA_Op<"named_barrier"> {
  let summary = "declare a named barrier and how many threads meet at it";
  let description = [{
    `threads` counts those that sync and those that arrive. Barrier 0 is
    `cta.sync`'s.

    ```mlir
    %s0 = cta.named_barrier "s0" id 3 threads 256
    ```
  }];
  let arguments = (ins StrAttr:$name,
      ConfinedAttr<I64Attr, [IntMinValue<1>]>:$id,
      ConfinedAttr<I64Attr, [IntMinValue<32>]>:$threads);
  let results = (outs CTA_NamedBarrier:$result);
  let assemblyFormat = "$name `id` $id `threads` $threads attr-dict";
  let hasVerifier = 1;
}

class CTA_NamedBarrierUse<string opMnemonic> : CTA_Op<opMnemonic> {
  let arguments = (ins CTA_NamedBarrier:$barrier);
  let assemblyFormat = "$barrier attr-dict";
  let hasVerifier = 1;
}

def CTA_NamedSyncOp : CTA_NamedBarrierUse<"named_sync"> {
  let summary = "meet at a named barrier and wait for the others";
  let description = [{
    By all threads of the role. Orders their memory accesses before it with
    those of the others after it.

    ```mlir
    cta.named_sync %s0
    ```

    PTX ISA, barrier{.cta}: bar.sync id, threads.
  }];
}

def CTA_NamedArriveOp : CTA_NamedBarrierUse<"named_arrive"> {
  let summary = "meet at a named barrier without waiting";
  let description = [{
    The hand-over of a producer: what the role wrote before is there for those
    that sync.

    ```mlir
    cta.named_arrive %s0
    ```

    PTX ISA, barrier{.cta}: bar.arrive id, threads.
  }];
}

//===----------------------------------------------------------------------===//
// Bulk copies and their groups
//===----------------------------------------------------------------------===//

def CTA_BulkLoadOp : CTA_Op<"bulk_load", [AttrSizedOperandSegments]> {
  let summary = "contiguous bytes of a memref into a tile";
  let description = [{
    The tile's elements lie at `indices` and after, without gaps; 16-byte
    addresses and sizes. One elected thread issues it; the completion counts
    bytes on `barrier`, as for `cta.copy_async`.

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

def CTA_StoreAsyncOp : CTA_Op<"store_async", [AttrSizedOperandSegments]> {
  let summary = "TMA copy of a tile into a box of a memref";
  let description = [{
    Elements outside the memref are dropped. Belongs to the bulk group of the
    lane that issues it, so it stands in `cta.elect`; the tile was written under
    `cta.fence_async`. `--mla-stage-shared` adds the tensor map.

    ```mlir
    cta.elect {
      cta.store_async %o to %O[%token, %head, %c0] : !cta.buffer<64x256xbf16>, memref<?x128x512xbf16>
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

class CTA_BulkOut<string opMnemonic> : CTA_Op<opMnemonic> {
  let arguments = (ins CTA_Buffer:$source, AnyMemRef:$dest,
      Variadic<Index>:$indices);
  let assemblyFormat = [{
    $source `to` $dest `[` $indices `]` attr-dict `:`
    qualified(type($source)) `,` type($dest)
  }];
  let hasVerifier = 1;
}

def CTA_BulkStoreOp : CTA_BulkOut<"bulk_store"> {
  let summary = "a tile into contiguous bytes of a memref";
  let description = [{
    The other way round of `cta.bulk_load`, in a group as `cta.store_async`.

    ```mlir
    cta.bulk_store %lse to %LSE[%head, %row] : !cta.buffer<64xf32>, memref<?x?xf32>
    ```

    PTX ISA, cp.async.bulk.global.shared::cta.bulk_group.
  }];
}

def CTA_BulkReduceAddOp : CTA_BulkOut<"bulk_reduce_add"> {
  let summary = "add a tile to contiguous elements of a memref";
  let description = [{
    Each element is added atomically, in no order: a sum of floats differs from
    run to run unless the CTAs take turns (`cta.load_acquire`). In a group as
    `cta.store_async`.

    ```mlir
    cta.bulk_reduce_add %dq to %dQ[%head, %block, %c0] : !cta.buffer<64x64xf32>, memref<?x?x12288xf32>
    ```

    PTX ISA, cp.reduce.async.bulk.global.shared::cta.bulk_group.add.
  }];
}

def CTA_BulkCommitOp : CTA_Op<"bulk_commit"> {
  let summary = "close the lane's group of bulk stores";
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
  let summary = "wait for all but the youngest groups of the lane";
  let description = [{
    At most `pending` groups still run afterwards. With `read` their tiles have
    been read and may be written again; without it the results are in memory
    too.

    ```mlir
    cta.bulk_wait 0 read
    ```

    PTX ISA, cp.async.bulk.wait_group{.read}.
  }];
  let arguments = (ins CTA_AtLeast<0>:$pending, UnitAttr:$read);
  let assemblyFormat = "$pending (`read` $read^)? attr-dict";
  let hasVerifier = 1;
}

include "mla/Dialect/CTA/CTAGrid.td"

#endif // MLA_DIALECT_CTAVOCABULARY_TD
