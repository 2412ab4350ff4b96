// Bulk copies, their groups, and the lane that executes them: NVVM's own ops.
//
// RUN: mla-opt %s --convert-mla-to-nvvm | FileCheck %s

// What is loaded and stored is read and written; tensor maps and bulk copies want
// multiples of 16 bytes.
// CHECK: \22name\22:\22both\22,{{.*}}\22access\22:\22readwrite\22
// CHECK-SAME: \22alignment\22:16
// CHECK-SAME: \22name\22:\22image\22,{{.*}}\22access\22:\22write\22

#dense = #cta.shared_layout<swizzle = 0, rows = 64>
#sw = #cta.shared_layout<swizzle = 128, rows = 64>
!vec = !cta.buffer<64xf32, #dense>
!tile = !cta.buffer<64x128xbf16, #sw>
!full = !cta.mbarrier<2>

// CHECK-LABEL: llvm.func @bulk(
func.func @bulk(%both: memref<?x64xf32> {mla.name = "both"}, %image: memref<?x128xbf16> {mla.name = "image"})
    attributes {cta.verified} {
  %map = cta.tensor_map %image box [64, 64] swizzle 128 : memref<?x128xbf16>
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %i1 = arith.constant 1 : i32
  scf.forall (%i) in (4) {
    %v = cta.buffer "v" at 16384 : !vec
    %t = cta.buffer "t" at 0 : !tile
    %alias = cta.buffer "over" aliases %t[8192] : !tile : !vec
    %full = cta.mbarrier "full" count 2 at 16640 : !full
    cta.role "first" warps 4 registers 128 {
      // One thread of the role issues the copy.
      // CHECK:     nvvm.setmaxregister
      // CHECK:     %[[THREAD:.*]] = nvvm.read.ptx.sreg.tid.x
      // CHECK:     %[[MINE:.*]] = llvm.icmp "eq" %[[THREAD]], %{{.*}} : i32
      // CHECK:     scf.if %[[MINE]] {
      // CHECK-NEXT:  %[[TO:.*]] = llvm.addrspacecast %{{.*}} : !llvm.ptr<3> to !llvm.ptr<7>
      // CHECK:       nvvm.cp.async.bulk.shared.cluster.global %[[TO]], %{{.*}}, %{{.*}}, %{{.*}} : !llvm.ptr<7>, <1>
      cta.bulk_load %both[%i, %c0] to %v signals %full[%i1] : !full : memref<?x64xf32>, !vec
    }
    cta.role "second" warps 4 registers 128 {
      // Lane 0 of warp 2: thread 64 of this role, which begins at thread 128.
      // CHECK:     %[[BEGIN:.*]] = llvm.mlir.constant(-128 : i32)
      // CHECK:     %[[NUMBER:.*]] = llvm.add %{{.*}}, %[[BEGIN]]
      // CHECK:     %[[LANE:.*]] = llvm.mlir.constant(64 : i32)
      // CHECK:     %[[ELECTED:.*]] = llvm.icmp "eq" %[[NUMBER]], %[[LANE]]
      // CHECK:     scf.if %[[ELECTED]] {
      // CHECK-NOT:   scf.if
      // CHECK-NOT:   nvvm.bar.warp.sync
      // CHECK:       nvvm.mbarrier.arrive
      // CHECK:       nvvm.mbarrier.arrive.expect_tx
      // CHECK:       nvvm.cp.async.bulk.shared.cluster.global
      // CHECK:       nvvm.cp.async.bulk.global.shared.cta %{{.*}}, %{{.*}}, %{{.*}} : <1>, <3>
      // CHECK:       nvvm.cp.async.bulk.commit.group
      // CHECK:       nvvm.cp.async.bulk.wait_group 1 {read}
      cta.elect warp 2 {
        cta.arrive %full[%i1] : !full
        cta.arrive_expect %full[%i1] bytes 256 : !full
        cta.bulk_load %both[%i, %c0] to %alias signals %full[%i1] : !full : memref<?x64xf32>, !vec
        cta.bulk_store %v to %both[%i, %c0] : !vec, memref<?x64xf32>
        cta.bulk_commit
        cta.bulk_wait 1 read
        // A copy for each block of 64 columns, 8,192 bytes apart, that starts 64
        // columns further.
        // CHECK:       nvvm.cp.async.bulk.tensor.global.shared.cta %{{.*}}, %[[TILE:.*]], box[%{{.*}}, %{{.*}}]
        // CHECK:       %[[NEXT:.*]] = llvm.getelementptr %[[TILE]][8192]
        // CHECK:       nvvm.cp.async.bulk.tensor.global.shared.cta %{{.*}}, %[[NEXT]], box[%{{.*}}, %{{.*}}]
        // CHECK:       nvvm.cp.async.bulk.wait_group 0
        // CHECK-NOT:   {read}
        cta.store_async %t to %image[%i, %c0] map %map : !tile, memref<?x128xbf16>
        cta.bulk_commit
        cta.bulk_wait 0
      }
      // CHECK: nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.global>}
      // CHECK: nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
      cta.fence_async global
      cta.fence_async
    }
  }
  return
}
