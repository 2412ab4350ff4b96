//===- BarrierOps.cpp - mbarriers, named barriers, fences -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// PTX ISA: mbarrier; barrier{.cta}; membar / fence, fence.proxy.
//
//===----------------------------------------------------------------------===//

#include "Handlers.h"

using namespace mlir;
using namespace mla;
using namespace mla::sim;
using namespace mla::interp;

//===----------------------------------------------------------------------===//
// mbarriers
//===----------------------------------------------------------------------===//

/// The largest count of arrivals, and of bytes (PTX ISA, contents of the
/// mbarrier object).
static constexpr int64_t kMaxCount = (1 << 20) - 1;

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
  frame.set(in.results[0], Lane::ofInt(first));
  return success();
}

static LogicalResult runInit(Frame &frame, const Instruction &in) {
  Role &role = Role::of(frame);
  Warp &warp = role.getWarps().front();
  MBarrier &first = role.cta.barriers[frame.getInt(in.operands[0])];
  cta::MBarrierOp op = first.declaration;
  int64_t size = op.getResult().getType().getSize();
  auto begin = static_cast<int64_t>(op.getOffset());
  if (begin + 8 * size > role.machine.plan.sharedBytes || begin % 8)
    return role.failAt(in.op, "expected 8-byte places in the " +
                                  Twine(role.machine.plan.sharedBytes) +
                                  " bytes of shared memory, got byte " +
                                  Twine(begin));
  auto count = static_cast<int64_t>(op.getCount());
  if (count < 1 || count > kMaxCount)
    return role.failAt(in.op, "expected a count in [1, " + Twine(kMaxCount) +
                                  "], got " + Twine(count));
  if (first.initialised.time)
    return role.failAt(in.op, "initialises " + describe(first) + " twice");
  if (std::optional<Conflict> other = role.cta.shadow.reserve(
          {begin, begin + 8 * size}, role.makeEvent(in.op)))
    return role.failAt(in.op,
                       "initialises " + describe(first) +
                           " where another mbarrier lies",
                       other->other);
  for (int64_t i = 0; i < size; ++i) {
    MBarrier &barrier = (&first)[i];
    barrier.initialised = {warp.agent, warp.knows.now.get(warp.agent)};
    barrier.missing = static_cast<int64_t>(op.getCount());
  }
  role.publish();
  return success();
}

/// Covers the thread's own initialisations.
static LogicalResult runInitFence(Frame &frame, const Instruction &) {
  Role &role = Role::of(frame);
  for (const Warp &warp : role.getWarps())
    for (MBarrier &barrier : role.cta.barriers)
      if (!barrier.fenced.time && barrier.initialised.time &&
          barrier.initialised.agent == warp.agent)
        barrier.fenced = {warp.agent, warp.knows.now.get(warp.agent)};
  role.publish();
  return success();
}

bool mla::sim::isFenced(const MBarrier &barrier, ArrayRef<Warp> warps) {
  return barrier.fenced.time && llvm::all_of(warps, [&](const Warp &warp) {
           return warp.knows.now.knows(barrier.fenced);
         });
}

FailureOr<MBarrier *> mla::sim::getBarrier(Role &role, const Instruction &in,
                                           Slot array, Slot index) {
  int64_t at = role.getInt(index);
  MBarrier &first = role.cta.barriers[role.getInt(array)];
  if (!first.declaration)
    return role.failAt(in.op, "uses an mbarrier that is not declared yet");
  int64_t size = first.declaration.getResult().getType().getSize();
  if (at < 0 || at >= size)
    return role.failAt(
        in.op, "expected an index in [0, " + Twine(size) + ") of mbarrier \"" +
                   first.declaration.getName() + "\", got " + Twine(at));
  MBarrier &barrier = (&first)[at];
  for (const Warp &warp : role.getWarps())
    if (!barrier.initialised.time || !warp.knows.now.knows(barrier.initialised))
      return role.failAt(in.op, "uses " + describe(barrier) +
                                    " without knowing that it is initialised");
  return &barrier;
}

/// Completes the phase once no arrival and no byte is missing.
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
  ++barrier.phase;
  if (barrier.lastCopyPhase == barrier.phase)
    barrier.arrivals.raise({barrier.agent, barrier.phase});
  barrier.lastArrivals = std::move(barrier.arrivals);
  barrier.arrivals = Clock();
  barrier.completed.now.raise({barrier.agent, barrier.phase});
  auto declaration = barrier.declaration;
  barrier.missing = static_cast<int64_t>(declaration.getCount());
  return success();
}

LogicalResult mla::sim::checkPhase(Role &role, Operation *op,
                                   const MBarrier &barrier,
                                   const Knowledge &knowledge) {
  if (knowledge.isAfter(barrier.lastArrivals))
    return success();
  return role.failAt(op, "counts on " + describe(barrier) +
                             " without knowing that its phase " +
                             Twine(barrier.phase - 1) + " is over");
}

LogicalResult mla::sim::arriveOn(Role &role, Operation *op, MBarrier &barrier,
                                 int64_t count, const Knowledge &knowledge,
                                 int64_t bytes) {
  if (count > barrier.missing)
    return role.failAt(op, "arrives " + Twine(count) + " times on " +
                               describe(barrier) + ", whose phase " +
                               Twine(barrier.phase) + " expects " +
                               Twine(barrier.missing) + " more");
  barrier.missing -= count;
  barrier.bytes += bytes;
  barrier.arriving.join(knowledge);
  return settle(role, op, barrier);
}

Epoch mla::sim::beginCopy(MBarrier &barrier, EventId event) {
  ++barrier.copies;
  barrier.lastCopyPhase = barrier.phase + 1;
  barrier.lastCopy = event;
  return {barrier.agent, barrier.lastCopyPhase};
}

LogicalResult mla::sim::endCopy(Role &role, Operation *op, MBarrier &barrier,
                                int64_t bytes, const Knowledge &issuer) {
  --barrier.copies;
  barrier.bytes -= bytes;
  barrier.arriving.follow(issuer);
  return settle(role, op, barrier);
}

static LogicalResult runWait(Frame &frame, const Instruction &in) {
  Role &role = Role::of(frame);
  FailureOr<MBarrier *> found =
      getBarrier(role, in, in.operands[0], in.operands[1]);
  if (failed(found))
    return failure();
  int64_t parity = role.getInt(in.operands[2]);
  if (parity != 0 && parity != 1)
    return role.failAt(in.op, "expected parity 0 or 1, got " + Twine(parity));
  MBarrier &barrier = **found;
  Time phase = barrier.phase;
  Wait wait;
  wait.ready = [&barrier, parity] {
    return static_cast<int64_t>(barrier.phase & 1) != parity;
  };
  wait.resume = [&role, &barrier, &in, phase] {
    if (barrier.phase > phase + 1)
      return role.failAt(
          in.op, "waited for phase " + Twine(phase) + " of " +
                     describe(barrier) + ", which went on to phase " +
                     Twine(barrier.phase) + " before it could see that");
    for (Warp &warp : role.getWarps())
      warp.knows.join(barrier.completed);
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

/// The arrivals of `warps`, one each, on the mbarrier that the op names.
static LogicalResult arriveByWarps(Role &role, const Instruction &in,
                                   ArrayRef<Warp> warps, int64_t bytes = 0) {
  FailureOr<MBarrier *> found =
      getBarrier(role, in, in.operands[0], in.operands[1]);
  if (failed(found))
    return failure();
  MBarrier &barrier = **found;
  Knowledge knowledge;
  for (const Warp &warp : warps) {
    Epoch epoch{warp.agent, warp.knows.now.get(warp.agent)};
    if (failed(checkPhase(role, in.op, barrier, warp.knows)))
      return failure();
    barrier.arrivals.raise(epoch);
    knowledge.join(warp.knows);
  }
  role.publish();
  return arriveOn(role, in.op, barrier, static_cast<int64_t>(warps.size()),
                  knowledge, bytes);
}

static LogicalResult runArrive(Frame &frame, const Instruction &in) {
  Role &role = Role::of(frame);
  return arriveByWarps(role, in, role.getWarps());
}

static LogicalResult runArriveExpect(Frame &frame, const Instruction &in) {
  Role &role = Role::of(frame);
  auto bytes =
      static_cast<int64_t>(cast<cta::ArriveExpectOp>(in.op).getBytes());
  if (bytes < 0 || bytes > kMaxCount)
    return role.failAt(in.op, "expected bytes in [0, " + Twine(kMaxCount) +
                                  "], got " + Twine(bytes));
  return arriveByWarps(role, in, role.getWarps().take_front(1), bytes);
}

/// cp.async.mbarrier.arrive.noinc: each thread arrives when the copies it has
/// issued so far have landed. The arrival makes only these copies visible.
static LogicalResult runArriveCopies(Frame &frame, const Instruction &in) {
  Role &role = Role::of(frame);
  FailureOr<MBarrier *> found =
      getBarrier(role, in, in.operands[0], in.operands[1]);
  if (failed(found))
    return failure();
  MBarrier &barrier = **found;
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
  Knowledge issuer = getCommon(role.getWarps());
  flight.land = [&role, &barrier, &in, last, threads, issuer] {
    Epoch copies{role.copyAgent, last};
    if (failed(checkPhase(role, in.op, barrier, issuer)))
      return failure();
    barrier.arrivals.raise(copies);
    Knowledge knowledge;
    knowledge.now.raise(copies);
    knowledge.follow(issuer);
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
  std::string name = "barrier " + std::to_string(id);
  if (barrier.arrived && barrier.threads != threads)
    return role.failAt(in.op, "expects " + Twine(threads) + " threads at " +
                                  name + ", where others expect " +
                                  Twine(barrier.threads));
  barrier.threads = threads;
  if (llvm::is_contained(barrier.roles, &role))
    return role.failAt(in.op, "arrives at " + name +
                                  " again before the others have met there");
  barrier.roles.push_back(&role);
  barrier.arrived += 32 * static_cast<int64_t>(role.getWarps().size());
  if (barrier.arrived > threads)
    return role.failAt(
        in.op, "is one too many at " + name + ": " + Twine(barrier.arrived) +
                   " threads meet where " + Twine(threads) + " are expected");
  std::shared_ptr<Meeting> meeting = barrier.meeting;
  for (const Warp &warp : role.getWarps()) {
    if (!warp.knows.isAfter(barrier.lastArrivals))
      return role.failAt(in.op, "arrives at " + name +
                                    " without knowing that the last meeting "
                                    "there is over");
    barrier.arrivals.raise({warp.agent, warp.knows.now.get(warp.agent)});
    meeting->knowledge.join(warp.knows);
  }
  role.publish();
  if (barrier.arrived == threads) {
    meeting->over = true;
    NamedBarrier next;
    next.lastArrivals = std::move(barrier.arrivals);
    barrier = std::move(next);
  }
  if (!waits)
    return success();
  Wait wait;
  wait.ready = [meeting] { return meeting->over; };
  wait.resume = [&role, meeting] {
    for (Warp &warp : role.getWarps())
      warp.knows.join(meeting->knowledge);
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

static LogicalResult runFenceAsync(Frame &frame, const Instruction &in) {
  Role &role = Role::of(frame);
  bool global = cast<cta::FenceAsyncOp>(in.op).getGlobal();
  for (Warp &warp : role.getWarps()) {
    Knowledge &knows = warp.knows;
    (global ? knows.fencedGlobal : knows.fenced).join(knows.now);
  }
  // The fence does not cover later stores of the warp.
  role.publish();
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
