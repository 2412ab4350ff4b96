//===- ClusterOps.cpp - CTAs of a cluster -----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// PTX ISA: barrier.cluster, %cluster_ctarank.
//
//===----------------------------------------------------------------------===//

#include "Handlers.h"

using namespace mlir;
using namespace mla;
using namespace mla::sim;
using namespace mla::interp;

static LogicalResult runClusterRank(Frame &frame, const Instruction &in) {
  frame.set(in.results[0], Lane::ofInt(Role::of(frame).cta.rank));
  return success();
}

static LogicalResult runClusterArrive(Frame &frame, const Instruction &in) {
  Role &role = Role::of(frame);
  if (role.clusterArrivals++ != role.clusterWaits)
    return role.failAt(in.op, "arrives at the cluster's barrier twice without "
                              "cta.cluster_wait between");
  auto &barrier = role.machine.clusterBarriers[role.cta.clusterFirst];
  bool relaxed = cast<cta::ClusterArriveOp>(in.op).getRelaxed();
  for (const Warp &warp : role.getWarps()) {
    if (relaxed)
      barrier.arriving.follow(warp.knows);
    else
      barrier.arriving.join(warp.knows);
    // fence.mbarrier_init.release.cluster makes a relaxed arrival a release of
    // the mbarriers' initialisation.
    for (const MBarrier &own : role.cta.barriers)
      if (own.fenced.agent == warp.agent)
        barrier.arriving.now.raise(own.fenced);
  }
  role.publish();
  barrier.arrived += static_cast<int64_t>(role.getWarps().size());
  if (barrier.arrived == barrier.expected) {
    barrier.completed.join(barrier.arriving);
    barrier.arrived = 0;
    ++barrier.generation;
  }
  return success();
}

static LogicalResult runClusterWait(Frame &frame, const Instruction &in) {
  Role &role = Role::of(frame);
  if (++role.clusterWaits != role.clusterArrivals)
    return role.failAt(in.op, "waits for the cluster without "
                              "cta.cluster_arrive before it");
  auto &barrier = role.machine.clusterBarriers[role.cta.clusterFirst];
  Time generation = role.clusterWaits;
  Wait wait;
  wait.ready = [&barrier, generation] {
    return barrier.generation >= generation;
  };
  wait.resume = [&role, &barrier] {
    for (Warp &warp : role.getWarps())
      warp.knows.join(barrier.completed);
    return success();
  };
  wait.describe = [&barrier] {
    return ("the cluster's barrier, where " + Twine(barrier.arrived) + " of " +
            Twine(barrier.expected) + " warps have arrived")
        .str();
  };
  return role.waitFor(std::move(wait));
}

void mla::sim::addClusterOps(HandlerTable &table) {
  table["cta.cluster_rank"] = runClusterRank;
  table["cta.cluster_arrive"] = runClusterArrive;
  table["cta.cluster_wait"] = runClusterWait;
}
