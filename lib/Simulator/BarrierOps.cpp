//===- BarrierOps.cpp - mbarriers, named barriers, fences -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// PTX ISA: mbarrier; barrier{.cta}; membar / fence, fence.proxy.
//
//===----------------------------------------------------------------------===//

#include "Machine.h"

using namespace mlir;
using namespace mla;
using namespace mla::sim;
using namespace mla::interp;

//===----------------------------------------------------------------------===//
// mbarriers
//===----------------------------------------------------------------------===//

std::string mla::sim::describe(const MBarrier &barrier) {
  auto declaration = barrier.declaration;
  return ("mbarrier \"" + declaration.getName() + "\"[" + Twine(barrier.index) +
          "]")
      .str();
}

static LogicalResult runMBarrier(Frame &frame, const Instruction &in) {
  Role &role = Role::of(frame);
  auto op = cast<cta::MBarrierOp>(in.op);
  unsigned first = role.machine.plan.barriers.at(op);
  Agent agents = role.machine.getFirstAgent(role.cta) +
                 role.machine.plan.agentsPerCta() -
                 role.machine.plan.numBarriers;
  for (int64_t i = 0; i < op.getResult().getType().getSize(); ++i) {
    MBarrier &barrier = role.cta.barriers[first + i];
    barrier.declaration = op;
    barrier.index = i;
    barrier.agent = agents + first + static_cast<unsigned>(i);
  }
  frame.set(in.results[0], Ref{role.cta.number, first}.pack());
  return success();
}

static LogicalResult runInit(Frame &frame, const Instruction &in) {
  Role &role = Role::of(frame);
  Ref ref = Ref::unpack(frame.get(in.operands[0]).scalar);
  Warp &warp = role.getWarps().front();
  MBarrier &first = role.machine.getBarrier(ref);
  cta::MBarrierOp op = first.declaration;
  int64_t size = op.getResult().getType().getSize();
  auto begin = static_cast<int64_t>(op.getOffset());
  if (begin + 8 * size > role.machine.plan.sharedBytes || begin % 8)
    return role.failAt(in.op, "expected 8-byte places in the " +
                                  Twine(role.machine.plan.sharedBytes) +
                                  " bytes of shared memory, got byte " +
                                  Twine(begin));
  role.cta.shadow.reserve({begin, begin + 8 * size}, role.makeEvent(in.op));
  for (int64_t i = 0; i < size; ++i) {
    MBarrier &barrier = (&first)[i];
    if (barrier.initialised.time)
      return role.failAt(in.op, "initialises " + describe(barrier) + " twice");
    barrier.initialised = {warp.agent, warp.knows.now.get(warp.agent)};
    barrier.missing = static_cast<int64_t>(op.getCount());
  }
  role.publish();
  return success();
}

static LogicalResult runInitFence(Frame &frame, const Instruction &) {
  Role &role = Role::of(frame);
  for (MBarrier &barrier : role.cta.barriers)
    barrier.fenced |= barrier.initialised.time != 0;
  return success();
}

FailureOr<Ref> mla::sim::getBarrier(Role &role, const Instruction &in,
                                    Slot array, Slot index) {
  Ref ref = Ref::unpack(role.get(array).scalar);
  int64_t at = role.getInt(index);
  MBarrier &first = role.machine.getBarrier(ref);
  if (!first.declaration)
    return role.failAt(in.op, "uses an mbarrier that is not declared yet");
  int64_t size = first.declaration.getResult().getType().getSize();
  if (at < 0 || at >= size)
    return role.failAt(
        in.op, "expected an index in [0, " + Twine(size) + ") of mbarrier \"" +
                   first.declaration.getName() + "\", got " + Twine(at));
  ref.at += at;
  MBarrier &barrier = role.machine.getBarrier(ref);
  bool peer = ref.cta != role.cta.number;
  if (peer && role.machine.ctas[ref.cta]->left)
    return role.failAt(in.op, "reaches for " + describe(barrier) +
                                  " of a CTA that has ended");
  for (const Warp &warp : role.getWarps())
    if (!barrier.initialised.time || !warp.knows.now.knows(barrier.initialised))
      return role.failAt(in.op, "uses " + describe(barrier) +
                                    " without knowing that it is initialised");
  if (peer && !barrier.fenced)
    return role.failAt(in.op, "uses " + describe(barrier) +
                                  " of a peer without "
                                  "cta.mbarrier_init_fence after its "
                                  "initialisation");
  return ref;
}

/// The phase ends when nothing is missing.
static LogicalResult settle(Role &role, Operation *op, MBarrier &barrier) {
  if (barrier.missing)
    return success();
  if (barrier.bytes < 0)
    return role.failAt(op,
                       "brings " + Twine(-barrier.bytes) + " bytes more to " +
                           describe(barrier) + " than phase " +
                           Twine(barrier.phase) + " expects",
                       barrier.lastCopy);
  if (barrier.bytes > 0)
    return success();
  if (barrier.copies)
    return role.failAt(op,
                       "completes phase " + Twine(barrier.phase) + " of " +
                           describe(barrier) + " while " +
                           Twine(barrier.copies) +
                           " of its copies are in flight: more bytes are to "
                           "come than it expects",
                       barrier.lastCopy);
  barrier.completed.join(barrier.arriving);
  barrier.completedPeers.join(barrier.arrivingPeers);
  ++barrier.phase;
  barrier.completed.now.raise({barrier.agent, barrier.phase});
  auto declaration = barrier.declaration;
  barrier.missing = static_cast<int64_t>(declaration.getCount());
  return success();
}

LogicalResult mla::sim::arriveOn(Role &role, Operation *op, MBarrier &barrier,
                                 int64_t count, const Knowledge &knowledge,
                                 int64_t bytes, bool fromPeer) {
  if (count > barrier.missing)
    return role.failAt(op, "arrives " + Twine(count) + " times on " +
                               describe(barrier) + ", whose phase " +
                               Twine(barrier.phase) + " expects " +
                               Twine(barrier.missing) + " more");
  barrier.missing -= count;
  barrier.bytes += bytes;
  (fromPeer ? barrier.arrivingPeers : barrier.arriving).join(knowledge);
  return settle(role, op, barrier);
}

Epoch mla::sim::beginCopy(MBarrier &barrier, EventId event) {
  ++barrier.copies;
  barrier.lastCopyPhase = barrier.phase + 1;
  barrier.lastCopy = event;
  return {barrier.agent, barrier.lastCopyPhase};
}

LogicalResult mla::sim::endCopy(Role &role, Operation *op, MBarrier &barrier,
                                int64_t bytes) {
  --barrier.copies;
  barrier.bytes -= bytes;
  return settle(role, op, barrier);
}

LogicalResult mla::sim::waitOn(Role &role, const Instruction &in,
                               bool ofCluster) {
  FailureOr<Ref> ref = getBarrier(role, in, in.operands[0], in.operands[1]);
  if (failed(ref))
    return failure();
  int64_t parity = role.getInt(in.operands[2]);
  if (parity != 0 && parity != 1)
    return role.failAt(in.op, "expected parity 0 or 1, got " + Twine(parity));
  MBarrier &barrier = role.machine.getBarrier(*ref);
  Time phase = barrier.phase;
  Wait wait;
  wait.ready = [&barrier, parity] {
    return static_cast<int64_t>(barrier.phase & 1) != parity;
  };
  wait.resume = [&role, &barrier, &in, phase, ofCluster] {
    if (barrier.phase > phase + 1)
      return role.failAt(
          in.op, "waited for phase " + Twine(phase) + " of " +
                     describe(barrier) + ", which went on to phase " +
                     Twine(barrier.phase) + " before it could see that");
    for (Warp &warp : role.getWarps()) {
      warp.knows.join(barrier.completed);
      if (ofCluster)
        warp.knows.join(barrier.completedPeers);
    }
    return success();
  };
  wait.describe = [&barrier, parity] {
    return ("parity " + Twine(parity) + " of " + describe(barrier) +
            ", whose phase " + Twine(barrier.phase) + " still expects " +
            Twine(barrier.missing) + " arrivals and " + Twine(barrier.bytes) +
            " bytes")
        .str();
  };
  return role.waitFor(std::move(wait));
}

static LogicalResult runWait(Frame &frame, const Instruction &in) {
  return waitOn(Role::of(frame), in, /*ofCluster=*/false);
}

static LogicalResult runArrive(Frame &frame, const Instruction &in) {
  Role &role = Role::of(frame);
  FailureOr<Ref> ref = getBarrier(role, in, in.operands[0], in.operands[1]);
  if (failed(ref))
    return failure();
  Knowledge knowledge;
  for (const Warp &warp : role.getWarps())
    knowledge.join(warp.knows);
  role.publish();
  return arriveOn(role, in.op, role.machine.getBarrier(*ref),
                  static_cast<int64_t>(role.getWarps().size()), knowledge);
}

static LogicalResult runArriveExpect(Frame &frame, const Instruction &in) {
  Role &role = Role::of(frame);
  FailureOr<Ref> ref = getBarrier(role, in, in.operands[0], in.operands[1]);
  if (failed(ref))
    return failure();
  Knowledge knowledge = role.getWarps().front().knows;
  role.publish();
  return arriveOn(role, in.op, role.machine.getBarrier(*ref), 1, knowledge,
                  cast<cta::ArriveExpectOp>(in.op).getBytes());
}

/// cp.async.mbarrier.arrive.noinc: each thread arrives when the copies it has
/// issued so far have landed. It brings these copies and nothing else.
static LogicalResult runArriveCopies(Frame &frame, const Instruction &in) {
  Role &role = Role::of(frame);
  FailureOr<Ref> ref = getBarrier(role, in, in.operands[0], in.operands[1]);
  if (failed(ref))
    return failure();
  MBarrier &barrier = role.machine.getBarrier(*ref);
  Time last = role.copiesIssued;
  auto threads = 32 * static_cast<int64_t>(role.getWarps().size());
  Flight flight;
  flight.op = in.op;
  flight.role = &role;
  flight.kind = TraceKind::Copy;
  flight.ready = [&role, last] {
    return llvm::none_of(role.copiesInFlight,
                         [last](Time copy) { return copy <= last; });
  };
  flight.land = [&role, &barrier, &in, last, threads] {
    Knowledge knowledge;
    knowledge.now.raise({role.copyAgent, last});
    return arriveOn(role, in.op, barrier, threads, knowledge);
  };
  return role.machine.launch(std::move(flight));
}

//===----------------------------------------------------------------------===//
// Named barriers
//===----------------------------------------------------------------------===//

static LogicalResult meet(Role &role, const Instruction &in, int64_t id,
                          int64_t threads, bool waits) {
  NamedBarrier &barrier = role.cta.named[id];
  barrier.threads = threads;
  std::string name = "barrier " + std::to_string(id);
  if (llvm::is_contained(barrier.roles, &role))
    return role.failAt(in.op, "arrives at " + name +
                                  " again before the others have met there");
  barrier.roles.push_back(&role);
  barrier.arrived += 32 * static_cast<int64_t>(role.getWarps().size());
  if (barrier.arrived > threads)
    return role.failAt(
        in.op, "is one too many at " + name + ": " + Twine(barrier.arrived) +
                   " threads meet where " + Twine(threads) + " are expected");
  for (const Warp &warp : role.getWarps())
    barrier.arriving.join(warp.knows);
  role.publish();
  Time generation = barrier.generation;
  if (barrier.arrived == threads) {
    barrier.completed.join(barrier.arriving);
    barrier.arrived = 0;
    barrier.roles.clear();
    ++barrier.generation;
  }
  if (!waits)
    return success();
  Wait wait;
  wait.ready = [&barrier, generation] {
    return barrier.generation > generation;
  };
  wait.resume = [&role, &barrier] {
    for (Warp &warp : role.getWarps())
      warp.knows.join(barrier.completed);
    return success();
  };
  wait.describe = [&barrier, name] {
    return (name + ", where " + Twine(barrier.arrived) + " of " +
            Twine(barrier.threads) + " threads have arrived")
        .str();
  };
  return role.waitFor(std::move(wait));
}

static LogicalResult runSync(Frame &frame, const Instruction &in) {
  Role &role = Role::of(frame);
  return meet(role, in, 0, 32 * int64_t(role.machine.plan.warps), true);
}

static LogicalResult runNamedBarrier(Frame &frame, const Instruction &in) {
  auto op = cast<cta::NamedBarrierOp>(in.op);
  frame.set(in.results[0], Lane::ofInt(static_cast<int64_t>(op.getId() << 32) |
                                       static_cast<int64_t>(op.getThreads())));
  return success();
}

static LogicalResult meetNamed(Frame &frame, const Instruction &in,
                               bool waits) {
  int64_t packed = frame.getInt(in.operands[0]);
  return meet(Role::of(frame), in, packed >> 32, packed & 0xFFFFFFFF, waits);
}

static LogicalResult runNamedSync(Frame &frame, const Instruction &in) {
  return meetNamed(frame, in, /*waits=*/true);
}

static LogicalResult runNamedArrive(Frame &frame, const Instruction &in) {
  return meetNamed(frame, in, /*waits=*/false);
}

static LogicalResult runFenceAsync(Frame &frame, const Instruction &) {
  for (Warp &warp : Role::of(frame).getWarps())
    warp.knows.fenced.join(warp.knows.now);
  return success();
}

void mla::sim::addBarrierOps(HandlerTable &table) {
  table["cta.mbarrier"] = runMBarrier;
  table["cta.mbarrier_init"] = runInit;
  table["cta.mbarrier_init_fence"] = runInitFence;
  table["cta.mbarrier_wait"] = runWait;
  table["cta.arrive"] = runArrive;
  table["cta.arrive_copies"] = runArriveCopies;
  table["cta.arrive_expect"] = runArriveExpect;
  table["cta.sync"] = runSync;
  table["cta.named_barrier"] = runNamedBarrier;
  table["cta.named_sync"] = runNamedSync;
  table["cta.named_arrive"] = runNamedArrive;
  table["cta.fence_async"] = runFenceAsync;
}
