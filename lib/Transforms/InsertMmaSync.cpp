//===- InsertMmaSync.cpp - fences, commits and counts of wgmma --*- C++ -*-===//
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
    return wait.emitOpError("waits for a product that was not issued on some "
                            "path");
  wait.setPending(*pending);
  return success();
}

namespace {
struct InsertMmaSyncPass : mla::impl::InsertMmaSyncBase<InsertMmaSyncPass> {
  void runOnProgram() override {
    GroupAges ages(getOperation(), /*insertsCommits=*/true);
    WalkResult result = getOperation().walk([&](cta::RoleOp role) {
      // A role that commits its groups itself keeps them.
      bool grouped =
          role.walk([](cta::MmaCommitOp) { return WalkResult::interrupt(); })
              .wasInterrupted();
      WalkResult waits = role.walk([&](cta::MmaWaitOp wait) {
        return wait.getPending() ? WalkResult::advance()
                                 : WalkResult(setPending(wait, ages));
      });
      if (waits.wasInterrupted())
        return WalkResult::interrupt();
      if (grouped)
        return WalkResult::advance();
      role.walk([](cta::MmaAsyncOp mma) {
        OpBuilder b(mma);
        cta::MmaFenceOp::create(b, mma.getLoc());
        b.setInsertionPointAfter(mma);
        cta::MmaCommitOp::create(b, mma.getLoc());
      });
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
