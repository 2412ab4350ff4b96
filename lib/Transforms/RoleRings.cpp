//===- RoleRings.cpp - the rings that a role uses ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "RoleRings.h"

using namespace mlir;
using namespace mla;
using namespace mla::slots;

Event mla::slots::getPublication(ArrivalKind kind) {
  switch (kind) {
  case ArrivalKind::Warps:
    return PublishedByWarps;
  case ArrivalKind::Copies:
    return PublishedCopies;
  case ArrivalKind::Bytes:
    return PublishedBytes;
  }
  llvm_unreachable("covered switch");
}

RoleRings::RoleRings(cta::RoleOp role, ArrayRef<RingBarriers> all)
    : rings(all), publications(all.size()), isOwnReader(all.size()) {
  begin.counts.resize(kEvents * all.size());
  for (auto [i, ring] : llvm::enumerate(rings)) {
    cta::RingOp op = ring.ring;
    depths.push_back(op.getResult().getType().getDepth());
    for (ArrivalKind kind : kArrivalKinds)
      if (hasArrival(role, ring.full, kind))
        publications[i].push_back(getPublication(kind));
    if (!ring.isBorrowing()) {
      isOwnReader[i] = !publications[i].empty() && ring.isReadBy(role);
      continue;
    }
    // Borrowed barriers have events only in roles that write or read the ring.
    if (ring.isWrittenBy(role))
      begin.counts[kEvents * i + Acquired] = Count{0, ring.firstAcquired};
    else
      ring.acquired = {};
    if (ring.isReadBy(role))
      begin.counts[kEvents * i + Released] = Count{0, ring.firstReleased};
    else
      ring.released = {};
  }
  auto add = [&](ValueRange values) {
    for (Value value : values)
      numbers.try_emplace(value, numbers.size());
  };
  role.walk([&](Operation *op) {
    if (auto loop = dyn_cast<scf::ForOp>(op))
      add(loop.getRegionIterArgs());
    if (isa<scf::ForOp, scf::IfOp>(op))
      add(op->getResults());
  });
}
