//===- Drops.cpp - ops that are left out or doubled -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Enumerator.h"

using namespace mlir;
using namespace mla;
using namespace mla::mutation;

/// More groups than a program has in flight, so that the wait covers nothing.
static constexpr int64_t kManyGroups = 8;

static StringRef getDropKind(SyncClass sync) {
  switch (sync) {
  case SyncClass::Fence:
    return "drop-fence";
  case SyncClass::Commit:
    return "drop-commit";
  case SyncClass::GroupWait:
    return "drop-group-wait";
  case SyncClass::Wait:
    return "drop-wait";
  case SyncClass::Arrival:
    return "drop-arrival";
  default:
    return "drop-init";
  }
}

/// A wait with a result is kept, because the result has users, but waits for
/// nothing.
static void drop(Operation *op) {
  if (auto wait = dyn_cast<cta::MmaWaitOp>(op))
    wait.setPending(wait.getPending().value_or(0) + kManyGroups);
  else
    op->erase();
}

void mutation::enumerateDrops(Enumerator &e) {
  for (Operation *op : e.getOps()) {
    SyncClass sync = classify(op);
    if (sync == SyncClass::None)
      continue;
    if (op->getNumResults() == 0 || isa<cta::MmaWaitOp>(op))
      e.addLocal(getDropKind(sync), op, "", drop);
    // A second wait for the same MMA has no user and would be folded away.
    if (op->getNumResults() == 0)
      e.addLocal("double", op, "", [](Operation *op) {
        OpBuilder b(op);
        b.clone(*op);
      });
  }
}
