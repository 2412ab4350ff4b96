//===- InsertMmaSync.cpp - synchronises wgmma -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "AsyncAnalysis.h"

namespace mla {
#define GEN_PASS_DEF_INSERTMMASYNC
#include "mla/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

static LogicalResult setPending(cta::MmaWaitOp wait, GroupAges &ages) {
  std::optional<int64_t> pending = ages.getPending(wait);
  if (!pending)
    return wait.emitOpError(
        "waits for an MMA that is not issued on every path");
  wait.setPending(*pending);
  return success();
}

static bool hasCommits(cta::RoleOp role) {
  return role.walk([](cta::MmaCommitOp) { return WalkResult::interrupt(); })
      .wasInterrupted();
}

static void addFenceAndCommit(cta::MmaAsyncOp mma) {
  OpBuilder b(mma);
  cta::MmaFenceOp::create(b, mma.getLoc());
  b.setInsertionPointAfter(mma);
  cta::MmaCommitOp::create(b, mma.getLoc());
}

namespace {
struct InsertMmaSyncPass : mla::impl::InsertMmaSyncBase<InsertMmaSyncPass> {
  void runOnProgram() override {
    GroupAges ages(getOperation(), /*insertsCommits=*/true);
    WalkResult result = getOperation().walk([&](cta::RoleOp role) {
      // Groups that the program has already are kept.
      bool grouped = hasCommits(role);
      WalkResult waits = role.walk([&](cta::MmaWaitOp wait) -> WalkResult {
        if (wait.getPending())
          return WalkResult::advance();
        if (failed(setPending(wait, ages)))
          return WalkResult::interrupt();
        decided(wait.getLoc(), "wait")
            << remark::metric("Pending", *wait.getPending());
        return WalkResult::advance();
      });
      if (waits.wasInterrupted())
        return WalkResult::interrupt();
      if (grouped)
        return WalkResult::advance();
      role.walk([](cta::MmaAsyncOp mma) { addFenceAndCommit(mma); });
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
