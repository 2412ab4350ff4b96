//===- CTASync.cpp - barriers, one lane, flags ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "VerifySupport.h"

using namespace mlir;
using namespace mla::cta;

//===----------------------------------------------------------------------===//
// One lane
//===----------------------------------------------------------------------===//

LogicalResult mla::cta::verifyOneLane(Operation *op) {
  if (op->getParentOfType<ElectOp>())
    return success();
  return op->emitOpError("expected cta.elect around it, got the whole role");
}

LogicalResult ElectOp::verify() {
  auto role = (*this)->getParentOfType<RoleOp>();
  if (!role)
    return emitOpError("expected cta.role around it, got none");
  if (getWarp() >= role.getWarps())
    return emitOpError() << "expected a warp in [0, " << role.getWarps()
                         << "), got " << getWarp();
  return success();
}

/// Whether all threads of a warp, or of the role, execute `op` together.
static bool isCollective(Operation *op) {
  auto isFragment = [](Type type) {
    return isa<RankedTensorType, InFlightType>(type);
  };
  return isa<ElectOp, SyncOp, NamedSyncOp, NamedArriveOp, ClusterArriveOp,
             ClusterWaitOp, MmaFenceOp, MmaCommitOp, ArriveCopiesOp>(op) ||
         llvm::any_of(op->getOperandTypes(), isFragment) ||
         llvm::any_of(op->getResultTypes(), isFragment);
}

LogicalResult ElectOp::verifyRegions() {
  WalkResult result = getBody().walk([](Operation *op) -> WalkResult {
    if (isCollective(op))
      return op->emitOpError(
          "expected the whole role, got one lane in cta.elect");
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

//===----------------------------------------------------------------------===//
// Named barriers
//===----------------------------------------------------------------------===//

LogicalResult NamedBarrierOp::verify() {
  constexpr int64_t kMaxId = getLargest(&TargetSpec::namedBarriers) - 1;
  constexpr int64_t kMaxThreads = 32 * getLargest(&TargetSpec::warpsPerCTA);
  if (getId() > kMaxId)
    return emitOpError() << "expected an id of 1 to " << kMaxId << ", got "
                         << getId();
  if (getThreads() > kMaxThreads)
    return emitOpError() << "expected at most " << kMaxThreads
                         << " threads, got " << getThreads();
  if (getThreads() % 32)
    return emitOpError() << "expected whole warps of 32 threads, got "
                         << getThreads();
  return success();
}

/// The barrier counts at least the threads of the role.
static LogicalResult verifyThreads(Operation *op, Value barrier) {
  auto role = op->getParentOfType<RoleOp>();
  auto declaration = barrier.getDefiningOp<NamedBarrierOp>();
  if (!declaration)
    return op->emitOpError("expected a barrier declared by cta.named_barrier");
  if (role && 32 * role.getWarps() > declaration.getThreads())
    return op->emitOpError()
           << "expected a role of at most " << declaration.getThreads()
           << " threads, got " << 32 * role.getWarps();
  return success();
}

LogicalResult NamedSyncOp::verify() {
  return verifyThreads(*this, getBarrier());
}
LogicalResult NamedArriveOp::verify() {
  return verifyThreads(*this, getBarrier());
}

//===----------------------------------------------------------------------===//
// Flags
//===----------------------------------------------------------------------===//

static LogicalResult verifyElement(Operation *op, Type memref, size_t indices) {
  int64_t rank = cast<MemRefType>(memref).getRank();
  if (indices != static_cast<size_t>(rank))
    return op->emitOpError() << "expected " << rank << " indices for " << memref
                             << ", got " << indices;
  return success();
}

LogicalResult LoadAcquireOp::verify() {
  return verifyElement(*this, getMemref().getType(), getIndices().size());
}

LogicalResult StoreReleaseOp::verify() {
  if (failed(verifyOneLane(*this)))
    return failure();
  return verifyElement(*this, getMemref().getType(), getIndices().size());
}
