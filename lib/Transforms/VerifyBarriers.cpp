//===- VerifyBarriers.cpp - verifies arrivals and bytes ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "VerifyBarriers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mla;

static LogicalResult checkExpectedBytes(cta::ArriveExpectOp expect);
static LogicalResult checkBarrier(cta::MBarrierOp barrier,
                                  ArrayRef<cta::RoleOp> roles);
static LogicalResult checkBalances(const RingBarriers &ring,
                                   ArrayRef<cta::RoleOp> roles);

LogicalResult mla::checkBarriers(func::FuncOp func, ArrayRef<cta::RoleOp> roles,
                                 SmallVectorImpl<RingBarriers> &found) {
  // First, for the more specific error.
  WalkResult bytes = func.walk([](cta::ArriveExpectOp expect) {
    return WalkResult(checkExpectedBytes(expect));
  });
  if (bytes.wasInterrupted())
    return failure();
  WalkResult result = func.walk([&](cta::RingOp ring) -> WalkResult {
    FailureOr<RingBarriers> known = findRingBarriers(ring);
    if (failed(known))
      return failure();
    for (Value barrier : {known->full, known->released})
      if (failed(checkBarrier(barrier.getDefiningOp<cta::MBarrierOp>(), roles)))
        return failure();
    if (failed(checkBalances(*known, roles)))
      return failure();
    found.push_back(*known);
    return success();
  });
  return failure(result.wasInterrupted());
}

//===----------------------------------------------------------------------===//
// Balance of waits and arrivals
//===----------------------------------------------------------------------===//

namespace {
/// Compares the waits on one barrier of a ring with the arrivals of one kind on
/// the other. On every path, a reader releases as often as it awaits, and a
/// writer publishes as often as it acquires.
class BalanceChecker {
public:
  BalanceChecker(Value waited, Value arrived, ArrivalKind kind)
      : waited(waited), arrived(arrived), kind(kind) {}

  /// Waits minus arrivals in `block`, or failure with an error.
  FailureOr<int64_t> run(Block &block);

private:
  Value waited, arrived;
  ArrivalKind kind;
};
} // namespace

FailureOr<int64_t> BalanceChecker::run(Block &block) {
  int64_t balance = 0;
  for (Operation &op : block) {
    if (auto wait = dyn_cast<cta::MBarrierWaitOp>(op)) {
      balance += wait.getBarrier() == waited;
    } else if (getArrivalKind(&op) == kind && op.getOperand(0) == arrived) {
      --balance;
    } else if (auto loop = dyn_cast<scf::ForOp>(op)) {
      FailureOr<int64_t> body = run(*loop.getBody());
      if (failed(body))
        return failure();
      if (*body)
        return loop.emitOpError()
               << "waits " << *body
               << " times more than it arrives in each iteration";
    } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
      FailureOr<int64_t> yes = run(*branch.thenBlock()), no = 0;
      if (branch.elseBlock())
        no = run(*branch.elseBlock());
      if (failed(yes) || failed(no))
        return failure();
      if (*yes != *no)
        return branch.emitOpError()
               << "waits " << *yes - *no
               << " times more than it arrives in one branch only";
      balance += *yes;
    }
  }
  return balance;
}

/// Checks that `role` arrives on `arrived`, by each kind that it uses, as often
/// as it waits on `waited`.
static LogicalResult checkBalance(cta::RoleOp role, Value waited,
                                  Value arrived) {
  SmallVector<ArrivalKind> kinds;
  llvm::copy_if(
      kArrivalKinds, std::back_inserter(kinds),
      [&](ArrivalKind kind) { return hasArrival(role, arrived, kind); });
  if (kinds.empty())
    kinds.push_back(ArrivalKind::Warps);
  for (ArrivalKind kind : kinds) {
    FailureOr<int64_t> balance =
        BalanceChecker(waited, arrived, kind).run(role.getBody().front());
    if (failed(balance))
      return failure();
    if (*balance)
      return role.emitOpError()
             << "waits " << *balance << " times more on "
             << waited.getDefiningOp<cta::MBarrierOp>().getNameAttr()
             << " than it arrives on "
             << arrived.getDefiningOp<cta::MBarrierOp>().getNameAttr();
  }
  return success();
}

/// Checks that each wait on a barrier of the ring has an arrival on the other.
static LogicalResult checkBalances(const RingBarriers &ring,
                                   ArrayRef<cta::RoleOp> roles) {
  for (cta::RoleOp role : roles) {
    // The ring that owns a borrowed barrier may have other readers.
    if ((!ring.isBorrowing() || ring.isReadBy(role)) &&
        failed(checkBalance(role, ring.full, ring.released)))
      return failure();
    if ((!ring.isBorrowing() || ring.isWrittenBy(role)) &&
        failed(checkBalance(role, ring.acquired, ring.full)))
      return failure();
  }
  if (!ring.isBorrowing() || llvm::any_of(roles, [&](cta::RoleOp role) {
        return ring.isReadBy(role);
      }))
    return success();
  bool returned =
      ring.released.getDefiningOp<cta::MBarrierOp>().getFull() != nullptr;
  cta::RingOp op = ring.ring, lender = ring.lender;
  return op.emitOpError() << "expected a role that reads it and then "
                          << (returned ? "fills the slot of "
                                       : "releases the slot of ")
                          << lender.getName();
}

//===----------------------------------------------------------------------===//
// Declared arrivals and bytes
//===----------------------------------------------------------------------===//

/// Bytes that `role` expects in one phase of `barrier`.
static FailureOr<int64_t> countBytes(cta::RoleOp role, Value barrier) {
  std::optional<int64_t> bytes;
  WalkResult result = role.walk([&](cta::ArriveExpectOp expect) -> WalkResult {
    if (expect.getBarrier() != barrier)
      return WalkResult::advance();
    auto expected = static_cast<int64_t>(expect.getBytes());
    if (bytes.value_or(expected) != expected)
      return expect.emitOpError() << "expects " << expected
                                  << " bytes, another arrival of the role on "
                                     "this barrier expects "
                                  << *bytes;
    bytes = expected;
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return failure();
  return bytes.value_or(0);
}

static LogicalResult checkBarrier(cta::MBarrierOp barrier,
                                  ArrayRef<cta::RoleOp> roles) {
  int64_t arrivals = 0, bytes = 0;
  for (cta::RoleOp role : roles) {
    for (ArrivalKind kind : kArrivalKinds)
      if (hasArrival(role, barrier.getResult(), kind))
        arrivals += countArrivals(kind, role.getWarps());
    FailureOr<int64_t> expected = countBytes(role, barrier.getResult());
    if (failed(expected))
      return failure();
    bytes += *expected;
  }
  if (arrivals != static_cast<int64_t>(barrier.getCount()))
    return barrier.emitOpError()
           << "expects " << barrier.getCount()
           << " arrivals per phase, its roles make " << arrivals;
  auto declared = static_cast<int64_t>(barrier.getBytes().value_or(0));
  if (bytes != declared)
    return barrier.emitOpError()
           << "declares " << declared << " bytes per phase, its roles expect "
           << bytes;
  for (Operation *user : barrier->getUsers())
    if (isa<cta::ArriveOp>(user) && user->getParentOfType<cta::ElectOp>())
      return user->emitOpError("expected the warps of the role to arrive on a "
                               "ring's mbarrier, got one lane in cta.elect");
  auto inits = llvm::count_if(barrier->getUsers(), [](Operation *user) {
    return isa<cta::MBarrierInitOp>(user);
  });
  if (inits == 0)
    return barrier.emitOpError("is never initialised");
  if (inits > 1)
    return barrier.emitOpError("is initialised twice");
  return success();
}

/// Checks that the expected bytes are those of the copies in the block.
static LogicalResult checkExpectedBytes(cta::ArriveExpectOp expect) {
  int64_t bytes = 0;
  for (Operation &op : *expect->getBlock())
    TypeSwitch<Operation *>(&op).Case<cta::CopyAsyncOp, cta::BulkLoadOp>(
        [&](auto copy) {
          if (copy.getBarrier() == expect.getBarrier() &&
              copy.getBarrierIndex() == expect.getIndex())
            bytes += copy.getDest().getType().getBytes();
        });
  if (bytes != static_cast<int64_t>(expect.getBytes()))
    return expect.emitOpError() << "expects " << expect.getBytes()
                                << " bytes, its copies transfer " << bytes;
  return success();
}
