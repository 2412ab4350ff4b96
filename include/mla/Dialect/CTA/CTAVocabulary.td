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
    With `over` it lies `byte` bytes into another ring or buffer, within one
    slot: whoever writes it has to know that the tile below is dead, and that
    tile is released after the last read of the buffer. `at` is its place in the
    CTA's shared memory.

    ```mlir
    %m = cta.buffer "max" at 229504 : !cta.buffer<64xf32>
    %p0 = cta.buffer "p0" over %k0[65536] : !cta.ring<1x64x576xbf16> : !cta.buffer<64x64xbf16>
    ```
  }];
  let arguments = (ins StrAttr:$name,
      Optional<AnyTypeOf<[CTA_Ring, CTA_Buffer]>>:$base,
      OptionalAttr<CTA_AtLeast<0>>:$byte, OptionalAttr<CTA_AtLeast<0>>:$offset);
  let results = (outs CTA_Buffer:$result);
  let assemblyFormat = [{
    $name (`over` $base^ `[` $byte `]` `:` qualified(type($base)))?
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
      ConfinedAttr<I64Attr, [IntMinValue<1>, IntMaxValue<15>]>:$id,
      ConfinedAttr<I64Attr, [IntMinValue<32>, IntMaxValue<1024>]>:$threads);
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

//===----------------------------------------------------------------------===//
// Clusters
//===----------------------------------------------------------------------===//

def CTA_Peer : CTA_Type<"Peer", "peer"> {
  let summary = "another CTA's instance of a buffer or of mbarriers";
  let description = [{
    `!cta.peer<!cta.buffer<32x576xbf16>>`: a type of its own, because only the
    ops below can reach it: no product, view or plain store.
  }];
  let parameters = (ins "::mlir::Type":$local);
  let assemblyFormat = "`<` $local `>`";
  let genVerifyDecl = 1;
}
class CTA_PeerOf<Type local, string what> : Type<
    And<[CTA_Peer.predicate,
         SubstLeaves<"$_self", "::llvm::cast<::mla::cta::PeerType>($_self).getLocal()",
                     local.predicate>]>,
    what, "::mla::cta::PeerType">;
def CTA_PeerBuffer : CTA_PeerOf<CTA_Buffer, "peer's buffer">;
def CTA_PeerMBarrier : CTA_PeerOf<CTA_MBarrier, "peer's mbarriers">;

def CTA_ClusterRankOp : CTA_Op<"cluster_rank", [Pure]> {
  let summary = "the number of this CTA in its cluster";
  let description = [{
    The function's attribute `cta.cluster` says how many CTAs of each dimension
    of the `scf.forall` form a cluster.

    ```mlir
    %rank = cta.cluster_rank
    ```

    PTX ISA, %cluster_ctarank.
  }];
  let results = (outs I32:$result);
  let assemblyFormat = "attr-dict";
}

def CTA_ClusterArriveOp : CTA_Op<"cluster_arrive"> {
  let summary = "arrive at the barrier of the cluster's threads";
  let description = [{
    By every thread of every CTA, once for each `cta.cluster_wait`. Once after
    the mbarriers are initialised, so that no peer signals one that is not, and
    once before the end, so that no CTA leaves while its shared memory is
    reached for. `relaxed` orders no memory.

    ```mlir
    cta.cluster_arrive
    cta.cluster_wait
    ```

    PTX ISA, barrier.cluster.arrive{.relaxed}.aligned.
  }];
  let arguments = (ins UnitAttr:$relaxed);
  let assemblyFormat = "(`relaxed` $relaxed^)? attr-dict";
  let hasVerifier = 1;
}

def CTA_ClusterWaitOp : CTA_Op<"cluster_wait"> {
  let summary = "wait for all threads of the cluster to have arrived";
  let description = [{
    See `cta.cluster_arrive`.

    ```mlir
    cta.cluster_wait
    ```

    PTX ISA, barrier.cluster.wait.acquire.aligned.
  }];
  let assemblyFormat = "attr-dict";
  let hasVerifier = 1;
}

def CTA_CopyMulticastOp : CTA_Op<"copy_multicast", [AttrSizedOperandSegments]> {
  let summary = "TMA copy of a box of a memref into a slot of several CTAs";
  let description = [{
    As `cta.copy_async`; bit r of `ctas` says that the CTA of rank r receives
    the box, at the same place, and its bytes are counted on its own `barrier`.
    Each of them expects the bytes that it receives.

    ```mlir
    cta.copy_multicast %K[%page, %c0] to %slot ctas 3 : memref<?x576xbf16>, !cta.buffer<64x64xbf16>
    ```

    PTX ISA, cp.async.bulk.tensor, .multicast::cluster.
  }];
  let arguments = (ins AnyMemRef:$source, Variadic<Index>:$indices,
      CTA_Buffer:$dest,
      ConfinedAttr<I64Attr, [IntMinValue<1>, IntMaxValue<65535>]>:$ctas,
      Optional<CTA_TensorMap>:$map, Optional<CTA_MBarrier>:$barrier,
      Optional<I32>:$barrierIndex);
  let assemblyFormat = [{
    $source `[` $indices `]` `to` $dest `ctas` $ctas (`map` $map^)?
    (`signals` $barrier^ `[` $barrierIndex `]` `:` qualified(type($barrier)))?
    attr-dict `:` type($source) `,` qualified(type($dest))
  }];
  let hasVerifier = 1;
}

def CTA_MapPeerOp : CTA_Op<"map_peer", [Pure,
    TypesMatchWith<"result is a peer's instance of the source", "source",
                   "result",
                   "::mla::cta::PeerType::get($_self.getContext(), $_self)">]> {
  let summary = "another CTA's instance of a buffer or of mbarriers";
  let description = [{
    Every CTA of a cluster has the same plan of shared memory; `rank` names one.

    ```mlir
    %far = cta.map_peer %near cta %rank : !cta.buffer<32x576xbf16>
    ```

    PTX ISA, mapa.shared::cluster.
  }];
  let arguments = (ins AnyTypeOf<[CTA_Buffer, CTA_MBarrier]>:$source, I32:$rank);
  let results = (outs CTA_Peer:$result);
  let assemblyFormat =
      "$source `cta` $rank attr-dict `:` qualified(type($source))";
}

def CTA_PeerArriveOp : CTA_Op<"peer_arrive"> {
  let summary = "one arrival a warp on a peer's mbarrier";
  let description = [{
    As `cta.arrive`, in another CTA; inside `cta.elect` one arrival in all. Who
    waits for it waits with `cta.mbarrier_wait_cluster`.

    ```mlir
    cta.peer_arrive %far_free[%i] : !cta.peer<!cta.mbarrier<2>>
    ```

    PTX ISA, mbarrier.arrive.release.cluster.shared::cluster.
  }];
  let arguments = (ins CTA_PeerMBarrier:$barrier, I32:$index);
  let assemblyFormat = [{
    $barrier `[` $index `]` attr-dict `:` qualified(type($barrier))
  }];
}

def CTA_MBarrierWaitClusterOp : CTA_Op<"mbarrier_wait_cluster"> {
  let summary = "cta.mbarrier_wait that sees what peers did before arriving";
  let description = [{
    ```mlir
    cta.mbarrier_wait_cluster %free[%i] parity %p : !cta.mbarrier<2>
    ```

    PTX ISA, mbarrier.try_wait.parity.acquire.cluster.
  }];
  let arguments = (ins CTA_MBarrier:$barrier, I32:$index, I32:$parity);
  let assemblyFormat = [{
    $barrier `[` $index `]` `parity` $parity attr-dict `:`
    qualified(type($barrier))
  }];
}

def CTA_PeerCopyOp : CTA_Op<"peer_copy"> {
  let summary = "a tile to a peer's shared memory, by the copy engine";
  let description = [{
    Source and destination lie densely, each in one piece. One elected thread
    issues it; the completion counts bytes on the peer's `barrier`.

    ```mlir
    cta.peer_copy %near to %far signals %full[%i] : !cta.buffer<32x64xbf16>, !cta.peer<!cta.buffer<32x64xbf16>>, !cta.peer<!cta.mbarrier<2>>
    ```

    PTX ISA, cp.async.bulk.shared::cluster.shared::cta.
  }];
  let arguments = (ins CTA_Buffer:$source, CTA_PeerBuffer:$dest,
      CTA_PeerMBarrier:$barrier, I32:$barrierIndex);
  let assemblyFormat = [{
    $source `to` $dest `signals` $barrier `[` $barrierIndex `]` attr-dict `:`
    qualified(type($source)) `,` qualified(type($dest)) `,`
    qualified(type($barrier))
  }];
  let hasVerifier = 1;
}

def CTA_PeerStoreOp : CTA_Op<"peer_store"> {
  let summary = "registers to a peer's shared memory";
  let description = [{
    As `cta.store_shared`, by all threads of the role; each store counts its
    bytes on the peer's `barrier`.

    ```mlir
    cta.peer_store %k to %far signals %full[%i] : tensor<32x576xbf16, #cta.layout<gather>>, !cta.peer<!cta.buffer<32x576xbf16>>, !cta.peer<!cta.mbarrier<2>>
    ```

    PTX ISA, st.async.shared::cluster.mbarrier::complete_tx::bytes.
  }];
  let arguments = (ins CTA_Fragment:$fragment, CTA_PeerBuffer:$dest,
      CTA_PeerMBarrier:$barrier, I32:$barrierIndex);
  let assemblyFormat = [{
    $fragment `to` $dest `signals` $barrier `[` $barrierIndex `]` attr-dict `:`
    type($fragment) `,` qualified(type($dest)) `,` qualified(type($barrier))
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Between CTAs of the grid
//===----------------------------------------------------------------------===//

def CTA_AtomicAddOp : CTA_Op<"atomic_add", [
    TypesMatchWith<"value has the memref's element type", "memref", "value",
                   "::llvm::cast<::mlir::MemRefType>($_self).getElementType()">,
    TypesMatchWith<"result has the memref's element type", "memref", "result",
                   "::llvm::cast<::mlir::MemRefType>($_self).getElementType()">]> {
  let summary = "add to an element of a memref; gives the old value";
  let description = [{
    At gpu scope and relaxed: `cta.fence_gpu` orders what it announces. By one
    lane, in `cta.elect`. The CTA that gets the number of its fellows less one
    is the last, and may combine what they left.

    ```mlir
    cta.fence_gpu
    %old = cta.atomic_add %one, %counter[%i] : memref<?xi32>
    ```

    PTX ISA, atom.relaxed.gpu.global.add.
  }];
  let arguments = (ins AnyTypeOf<[I32, I64, F32]>:$value,
      Arg<MemRefOf<[I32, I64, F32]>, "", [MemRead, MemWrite]>:$memref,
      Variadic<Index>:$indices);
  let results = (outs AnyTypeOf<[I32, I64, F32]>:$result);
  let assemblyFormat =
      "$value `,` $memref `[` $indices `]` attr-dict `:` type($memref)";
  let hasVerifier = 1;
}

def CTA_LoadAcquireOp : CTA_Op<"load_acquire", [
    TypesMatchWith<"result has the memref's element type", "memref", "result",
                   "::llvm::cast<::mlir::MemRefType>($_self).getElementType()">]> {
  let summary = "read an element of a memref that other CTAs write";
  let description = [{
    In an `scf.while` it waits for this CTA's turn, as an ordered accumulation
    does: whoever had the turn before fenced and then added one.

    ```mlir
    %turn = cta.load_acquire %turns[%block] : memref<?xi32>
    ```

    PTX ISA, ld.acquire.gpu.global.
  }];
  let arguments = (ins Arg<MemRefOf<[I32, I64]>, "", [MemRead, MemWrite]>:$memref,
      Variadic<Index>:$indices);
  let results = (outs AnyTypeOf<[I32, I64]>:$result);
  let assemblyFormat = "$memref `[` $indices `]` attr-dict `:` type($memref)";
  let hasVerifier = 1;
}

def CTA_FenceGpuOp : CTA_Op<"fence_gpu"> {
  let summary = "order this thread's accesses for all threads of the GPU";
  let description = [{
    Before an atomic that announces results, and after one that finds some. What
    other threads of the CTA wrote is covered when a barrier stands before it.

    ```mlir
    cta.fence_gpu
    ```

    PTX ISA, fence.acq_rel.gpu.
  }];
  let assemblyFormat = "attr-dict";
}

def CTA_LaunchWaitOp : CTA_Op<"launch_wait"> {
  let summary = "wait for the kernels before this one to be done";
  let description = [{
    Of a kernel launched with programmatic dependence: before it only what those
    kernels do not write may be read.

    ```mlir
    cta.launch_wait
    ```

    PTX ISA, griddepcontrol.wait.
  }];
  let assemblyFormat = "attr-dict";
}

def CTA_LaunchDependentsOp : CTA_Op<"launch_dependents"> {
  let summary = "let the next kernel start once all CTAs have said so";
  let description = [{
    Its `cta.launch_wait` still waits for the end of this one.

    ```mlir
    cta.launch_dependents
    ```

    PTX ISA, griddepcontrol.launch_dependents.
  }];
  let assemblyFormat = "attr-dict";
}

#endif // MLA_DIALECT_CTAVOCABULARY_TD
