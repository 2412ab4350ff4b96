//===- CTASync.td - synchronisation ------------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Included by CTA.td. Each op that synchronises is one machine instruction.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_CTA_CTASYNC_TD
#define MLA_DIALECT_CTA_CTASYNC_TD

//===----------------------------------------------------------------------===//
// mbarriers
//===----------------------------------------------------------------------===//

def CTA_MBarrierOp : CTA_Op<"mbarrier", [AttrSizedOperandSegments]> {
  let summary = "declare mbarriers, what completes a phase and what it means";
  let description = [{
    An array of mbarriers. Each completes a phase when `count` arrivals and
    `bytes` bytes of copies have come in.

    `full` is the ring whose slot i is full when mbarrier i completes a phase:
    `count` and `bytes` are the sums over everything that fills one slot, in all
    roles and parts.

    `empty` are the rings whose slot i has been read by all readers when mbarrier
    i completes a phase: round n of the ring may be overwritten when phase n +
    `distance` is complete. A ring has empty mbarriers of its own, or uses those of
    another ring that complete later in any case (`--mla-elide-barriers`): the
    empty mbarriers of a ring that is released later, or the full mbarriers of a
    ring that its reader fills for its writer. `distance` may be 1 only for the
    latter; the default is 0.

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
    /// The `distance` of phases from the rounds of `ring`, one of `empty`.
    int64_t getDistanceOf(::mla::cta::RingOp ring);
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
  let summary = "one arrival per warp, after all its lanes are done; one in all "
                "in cta.elect";
}
def CTA_ArriveCopiesOp : CTA_ArriveBase<"arrive_copies"> {
  let summary = "one arrival per thread, when its cp.async copies have landed";
}
def CTA_ArriveExpectOp : CTA_Op<"arrive_expect"> {
  let summary = "one arrival by one thread, with bytes to come";
  let arguments = (ins CTA_MBarrier:$barrier, I32:$index, I64Attr:$bytes);
  let assemblyFormat = [{
    $barrier `[` $index `]` `bytes` $bytes attr-dict `:`
    qualified(type($barrier))
  }];
}

//===----------------------------------------------------------------------===//
// Barriers of threads
//===----------------------------------------------------------------------===//

def CTA_SyncOp : CTA_Op<"sync"> {
  let summary = "barrier of all threads of the CTA (bar.sync 0)";
  let assemblyFormat = "attr-dict";
}

def CTA_NamedBarrierOp : CTA_Op<"named_barrier"> {
  let summary = "declare a named barrier and how many threads it counts";
  let description = [{
    `threads` counts the threads that sync and those that arrive. Barrier 0 is
    that of `cta.sync`.

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
  let summary = "arrive at a named barrier and wait for the other threads";
  let description = [{
    By all threads of the role. Orders their memory accesses before it with
    those of the other threads after it.

    ```mlir
    cta.named_sync %s0
    ```

    PTX ISA, barrier{.cta}: bar.sync id, threads.
  }];
}

def CTA_NamedArriveOp : CTA_NamedBarrierUse<"named_arrive"> {
  let summary = "arrive at a named barrier without waiting";
  let description = [{
    By all threads of the role. Those that sync see what the role wrote before.
    Two barriers, each of which one role syncs at and the other arrives at, let
    the roles take turns.

    ```mlir
    cta.named_arrive %s0
    ```

    PTX ISA, barrier{.cta}: bar.arrive id, threads.
  }];
}

def CTA_FenceAsyncOp : CTA_Op<"fence_async"> {
  let summary = "order generic accesses before those of the async proxy";
  let description = [{
    In each thread that wrote, of its writes to shared memory. With `global`, of
    what the thread wrote to global memory or knows to be written there: before
    a bulk copy reads it. Bulk stores need it too where a copy of another CTA
    reads what they wrote.

    ```mlir
    cta.fence_async
    cta.fence_async global
    ```

    PTX ISA, Async proxy: fence.proxy.async.shared::cta, fence.proxy.async.global.
  }];
  let arguments = (ins UnitAttr:$global);
  let assemblyFormat = "(`global` $global^)? attr-dict";
}

def CTA_ElectOp : CTA_Op<"elect", [
    SingleBlockImplicitTerminator<"::mla::cta::YieldOp">,
    RecursiveMemoryEffects]> {
  let summary = "what one lane of a role does";
  let description = [{
    Lane 0 of warp `warp` of the role (0 by default) runs the body; the other
    lanes continue behind it. Bulk stores stand here, since the hardware counts
    their groups by thread, and flags, which one thread writes.

    ```mlir
    cta.elect {
      cta.arrive_expect %full[%c0] bytes 8192 : !cta.mbarrier<9>
      cta.copy_async ...
    }
    ```
  }];
  let arguments = (ins DefaultValuedAttr<CTA_AtLeast<0>, "0">:$warp);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "(`warp` $warp^)? attr-dict-with-keyword $body";
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def CTA_YieldOp : CTA_Op<"yield", [Pure, Terminator,
                                   HasParent<"::mla::cta::ElectOp">]> {
  let summary = "end of cta.elect";
  let assemblyFormat = "attr-dict";
}

//===----------------------------------------------------------------------===//
// Between the CTAs of a cluster
//===----------------------------------------------------------------------===//

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
    By every thread of every CTA, once for each `cta.cluster_wait`. `relaxed`
    orders no memory accesses.

    ```mlir
    cta.cluster_arrive
    cta.cluster_wait
    ```

    PTX ISA, barrier.cluster.arrive{.relaxed}.aligned.
  }];
  let arguments = (ins UnitAttr:$relaxed);
  let assemblyFormat = "(`relaxed` $relaxed^)? attr-dict";
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
}

//===----------------------------------------------------------------------===//
// Between the CTAs of a grid: flags
//===----------------------------------------------------------------------===//

def CTA_FlagMemRef : MemRefOf<[I32, I64]>;

def CTA_LoadAcquireOp : CTA_Op<"load_acquire", [
    TypesMatchWith<"result has the memref's element type", "memref", "result",
                   "::llvm::cast<::mlir::MemRefType>($_self).getElementType()">]> {
  let summary = "read a flag that other CTAs write";
  let description = [{
    By every thread of the role (or one lane, in `cta.elect`), each of which then
    sees what was visible to the thread that wrote the flag by
    `cta.store_release`. In an `scf.while` it waits for this CTA's turn, as an
    accumulation in a fixed order does.

    ```mlir
    scf.while : () -> () {
      %turn = cta.load_acquire %turns[%block] : memref<?xi32>
      %early = arith.cmpi ne, %turn, %mine : i32
      scf.condition(%early)
    } do {
      scf.yield
    }
    ```

    PTX ISA, ld.acquire.gpu.global.
  }];
  // A write too, so that the op stays where it is.
  let arguments = (ins Arg<CTA_FlagMemRef, "", [MemRead, MemWrite]>:$memref,
      Variadic<Index>:$indices);
  let results = (outs AnyTypeOf<[I32, I64]>:$result);
  let assemblyFormat = "$memref `[` $indices `]` attr-dict `:` type($memref)";
  let hasVerifier = 1;
}

def CTA_StoreReleaseOp : CTA_Op<"store_release", [
    TypesMatchWith<"value has the memref's element type", "memref", "value",
                   "::llvm::cast<::mlir::MemRefType>($_self).getElementType()">]> {
  let summary = "write a flag that other CTAs read";
  let description = [{
    By one lane, in `cta.elect`. A thread that reads the value by
    `cta.load_acquire` sees what this thread had written, and what a barrier had
    made visible to it. A flag has one writer at a time: each has read what the
    one before wrote.

    ```mlir
    cta.bulk_wait 0
    cta.fence_async global
    cta.store_release %next, %turns[%block] : memref<?xi32>
    ```

    PTX ISA, st.release.gpu.global.
  }];
  let arguments = (ins AnyTypeOf<[I32, I64]>:$value, CTA_FlagMemRef:$memref,
      Variadic<Index>:$indices);
  let assemblyFormat =
      "$value `,` $memref `[` $indices `]` attr-dict `:` type($memref)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Between the kernels of a program
//===----------------------------------------------------------------------===//

def CTA_LaunchWaitOp : CTA_Op<"launch_wait"> {
  let summary = "wait for the kernels before this one to be done";
  let description = [{
    In a kernel launched with programmatic dependence: before it the kernel may
    read only what the kernels before it do not write.

    ```mlir
    cta.launch_wait
    ```

    PTX ISA, griddepcontrol.wait.
  }];
  let assemblyFormat = "attr-dict";
}

def CTA_LaunchDependentsOp : CTA_Op<"launch_dependents"> {
  let summary = "let the next kernel start once all CTAs have executed this op";
  let description = [{
    The next kernel's `cta.launch_wait` still waits for the end of this one.

    ```mlir
    cta.launch_dependents
    ```

    PTX ISA, griddepcontrol.launch_dependents.
  }];
  let assemblyFormat = "attr-dict";
}

#endif // MLA_DIALECT_CTA_CTASYNC_TD
