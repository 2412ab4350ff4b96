//===- CTAGrid.td - what CTAs say to each other ------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Included at the end of CTAVocabulary.td; what is said there of ops holds here.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_CTAGRID_TD
#define MLA_DIALECT_CTAGRID_TD

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

#endif // MLA_DIALECT_CTAGRID_TD
