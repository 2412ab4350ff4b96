//===- Machine.cpp - the CTAs that run together -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Machine.h"
#include "llvm/ADT/Hashing.h"

using namespace mlir;
using namespace mla;
using namespace mla::sim;
using namespace mla::interp;

/// Steps that a role makes at most before another actor gets its turn.
static constexpr unsigned kLongestBurst = 24;

Machine::Machine(const Plan &plan, const Frame &values,
                 ArrayRef<SmallVector<int64_t>> points, unsigned clusterSize,
                 uint64_t seed, Trace *trace)
    : plan(plan), trace(trace), random(seed), seed(seed) {
  for (unsigned number : plan.written)
    globals.try_emplace(&plan.arguments[number], /*contentsDefined=*/true);
  for (auto [n, point] : llvm::enumerate(points)) {
    auto cta = std::make_unique<Cta>(n, plan.sharedBytes);
    cta->coordinates.assign(point.begin(), point.end());
    cta->rank = n % clusterSize;
    cta->clusterFirst = n - cta->rank;
    cta->barriers.resize(plan.numBarriers);
    ClusterBarrier &cluster = clusterBarriers[cta->clusterFirst];
    cluster.expected = clusterSize * plan.warps;
    unsigned number = plan.roles.size();
    cta->prologue = std::make_unique<Role>(*this, *cta, values, "all", number,
                                           0, plan.warps);
    for (auto [slot, at] : llvm::zip_equal(plan.body->arguments, point))
      cta->prologue->set(slot, Lane::ofInt(at));
    cta->prologue->enter(*plan.body, 0, plan.roles.back() + 1);
    ctas.push_back(std::move(cta));
  }
}

void Machine::fail(Failure why) {
  if (!failure)
    failure = std::move(why);
}

//===----------------------------------------------------------------------===//
// Scheduling
//===----------------------------------------------------------------------===//

SmallVector<Machine::Actor, 16> Machine::collectActors() {
  SmallVector<Actor, 16> actors;
  auto add = [&](Role &role) {
    if (!role.isDone() && !role.isBlocked())
      actors.push_back({&role, 0});
  };
  for (const std::unique_ptr<Cta> &cta : ctas) {
    if (!cta->started)
      add(*cta->prologue);
    for (const std::unique_ptr<Role> &role : cta->roles)
      add(*role);
  }
  for (auto [n, flight] : llvm::enumerate(flights))
    if (flight.ready())
      actors.push_back({nullptr, n});
  return actors;
}

LogicalResult Machine::run() {
  for (;;) {
    SmallVector<Actor, 16> actors = collectActors();
    if (actors.empty())
      break;
    if (failed(proceed(actors)))
      return mlir::failure();
  }
  bool allLeft = llvm::all_of(ctas, [](const auto &cta) { return cta->left; });
  return allLeft ? success() : reportDeadlock();
}

LogicalResult Machine::proceed(ArrayRef<Actor> actors) {
  switch (plan.options.timing) {
  case Timing::Earliest:
    // Flights land at issue, except those that wait for another one.
    if (!actors.back().role)
      return land(actors.back().flight);
    return runBurst(*pickNext(actors).role, UINT_MAX);
  case Timing::Latest: {
    auto roles = actors.take_while([](const Actor &a) { return a.role; });
    // A role that polls may wait for something that is in flight.
    bool onlyPolls =
        llvm::all_of(roles, [](const Actor &a) { return a.role->polled; });
    if (onlyPolls && roles.size() < actors.size())
      return land(actors[roles.size()].flight);
    return runBurst(*pickNext(actors).role, UINT_MAX);
  }
  case Timing::Modelled: {
    Actor next = pickEarliestInTime(actors);
    now = std::max(now, getTime(next));
    return next.role ? runStep(*next.role) : land(next.flight);
  }
  case Timing::Random: {
    Actor next = draw(actors);
    if (!next.role)
      return land(next.flight);
    return runBurst(*next.role, 1 + random() % kLongestBurst);
  }
  }
  llvm_unreachable("covered switch");
}

/// The roles take turns: one that polls must not keep the others from running.
Machine::Actor Machine::pickNext(ArrayRef<Actor> actors) {
  auto roles = actors.take_while([](const Actor &a) { return a.role; });
  return roles[turn++ % roles.size()];
}

/// Each seed gives every role and queue its own weight, from 1 to 64, so that
/// some of them run rarely.
Machine::Actor Machine::draw(ArrayRef<Actor> actors) {
  SmallVector<uint64_t, 16> shares;
  uint64_t total = 0;
  for (const Actor &actor : actors) {
    const Role &role = actor.role ? *actor.role : *flights[actor.flight].role;
    unsigned kind =
        actor.role ? 0 : 1 + static_cast<unsigned>(flights[actor.flight].kind);
    uint64_t key = (role.cta.number * 64 + role.number) * 8 + kind;
    std::mt19937_64 hash(seed * 0x9E3779B97F4A7C15 + key);
    shares.push_back(uint64_t(1) << hash() % 7);
    total += shares.back();
  }
  uint64_t at = random() % total;
  for (auto [actor, share] : llvm::zip_equal(actors, shares)) {
    if (at < share)
      return actor;
    at -= share;
  }
  llvm_unreachable("the shares sum to the total");
}

double Machine::getTime(const Actor &actor) const {
  if (!actor.role) {
    const Flight &flight = flights[actor.flight];
    return flight.end + (flight.kind == TraceKind::Mma
                             ? plan.costs.getLatency(flight.op)
                             : 0);
  }
  // A role that has waited continues now.
  return actor.role->wait ? std::max(now, actor.role->time) : actor.role->time;
}

Machine::Actor Machine::pickEarliestInTime(ArrayRef<Actor> actors) {
  return *llvm::min_element(actors, [&](const Actor &a, const Actor &b) {
    return getTime(a) < getTime(b);
  });
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

LogicalResult Machine::runBurst(Role &role, unsigned limit) {
  role.polled = false;
  for (unsigned n = 0;
       n < limit && !role.polled && !role.isDone() && !role.isBlocked(); ++n)
    if (failed(runStep(role)))
      return mlir::failure();
  return success();
}

LogicalResult Machine::runStep(Role &role) {
  Operation *op = role.getCurrentOp();
  Iteration iteration = trace ? role.getIteration() : Iteration();
  if (!isModelled())
    role.time = ++now;
  if (role.wait) {
    role.time = std::max(role.time, now);
    recordEvent(role, op, iteration, TraceKind::Wait, role.wait->since,
                role.time);
  }
  double begin = role.time;
  if (isModelled())
    role.time += plan.costs.getIssue(op);
  if (failed(role.step()))
    return mlir::failure();
  if (!role.wait)
    recordEvent(role, op, iteration, TraceKind::Compute, begin, role.time);
  if (!role.isDone())
    return success();
  if (&role == role.cta.prologue.get())
    return startRoles(role.cta);
  return finishRole(role);
}

LogicalResult Machine::launch(Flight flight) {
  flight.iteration = flight.role->getIteration();
  schedule(flight);
  if (plan.options.timing == Timing::Earliest && flight.ready())
    return flight.land();
  flights.push_back(std::move(flight));
  return success();
}

/// Sets the time at which the flight's engine is free. A CTA has one tensor
/// core and one copy path.
void Machine::schedule(Flight &flight) {
  if (!isModelled()) {
    flight.begin = now;
    return;
  }
  double &freeAt = engines[{flight.role->cta.number, flight.kind}];
  double arrival = flight.role->time;
  if (flight.kind == TraceKind::Copy)
    arrival += plan.costs.getLatency(flight.op);
  flight.begin = std::max(arrival, freeAt);
  flight.end = flight.begin + plan.costs.getDuration(flight.op);
  freeAt = flight.end;
}

LogicalResult Machine::land(size_t index) {
  Flight flight = std::move(flights[index]);
  flights.erase(flights.begin() + static_cast<int64_t>(index));
  if (!isModelled())
    flight.end = ++now;
  recordEvent(*flight.role, flight.op, flight.iteration, flight.kind,
              flight.begin, flight.end);
  return flight.land();
}

//===----------------------------------------------------------------------===//
// Begin and end of roles
//===----------------------------------------------------------------------===//

LogicalResult Machine::startRoles(Cta &cta) {
  cta.started = true;
  const Code &body = *plan.body;
  unsigned firstWarp = 0;
  for (auto [number, at] : llvm::enumerate(plan.roles)) {
    const Instruction &in = body.instructions[at];
    auto op = llvm::cast<cta::RoleOp>(in.op);
    auto role =
        std::make_unique<Role>(*this, cta, *cta.prologue, op.getName().str(),
                               number, firstWarp, op.getWarps());
    MutableArrayRef<Warp> known =
        cta.prologue->getAllWarps().slice(firstWarp, op.getWarps());
    llvm::copy(known, role->getAllWarps().begin());
    role->time = cta.prologue->time;
    role->clusterArrivals = cta.prologue->clusterArrivals;
    role->clusterWaits = cta.prologue->clusterWaits;
    firstWarp += op.getWarps();
    // Under the role's program lie the ops behind the roles, which all threads
    // execute at the end.
    role->enter(body, plan.roles.back() + 1, body.instructions.size());
    role->enter(in.bodies[0], 0, in.bodies[0].instructions.size());
    cta.roles.push_back(std::move(role));
  }
  return success();
}

LogicalResult Machine::finishRole(Role &role) {
  Operation *op = plan.body->instructions[plan.roles[role.number]].op;
  if (!role.mmas.empty())
    return role.failAt(op, "ends with an MMA in flight",
                       role.mmas.front()->event);
  for (const Warp &warp : role.getAllWarps())
    role.cta.atEnd.join(warp.knows.now);
  if (++role.cta.rolesDone == role.cta.roles.size())
    return leave(role.cta, role);
  return success();
}

LogicalResult Machine::leave(Cta &cta, Role &last) {
  cta.left = true;
  for (const MBarrier &barrier : cta.barriers)
    if (!cta.atEnd.knows({barrier.agent, barrier.lastCopyPhase}))
      return last.failAt(barrier.declaration,
                         "counts a copy that may be in flight when the CTA "
                         "ends: nobody waits for it",
                         barrier.lastCopy);
  for (const std::unique_ptr<Role> &role : cta.roles) {
    Operation *op = plan.body->instructions[plan.roles[role->number]].op;
    if (!cta.atEnd.knows({role->copyAgent, role->copiesIssued}))
      return role->failAt(op,
                          "issues a copy that may be in flight when the CTA "
                          "ends: nobody waits for it",
                          role->lastCopy);
    for (const Warp &warp : role->getAllWarps())
      if (warp.bulkOpen ||
          !cta.atEnd.knows({warp.bulkReadAgent, warp.bulkGroups}))
        return role->failAt(op,
                            "issues a bulk store that may read shared "
                            "memory when the CTA ends: nobody waits for it");
  }
  return success();
}

LogicalResult Machine::reportDeadlock() {
  Failure why{nullptr, "deadlock: nothing can go on", {}};
  auto add = [&](Role &role) {
    if (role.isDone() || !role.wait)
      return;
    std::string text =
        role.describePlace() + " waits for " + role.wait->describe();
    if (!why.op)
      why.op = role.getCurrentOp();
    why.notes.emplace_back(role.getCurrentOp(), std::move(text));
  };
  for (const std::unique_ptr<Cta> &cta : ctas) {
    add(*cta->prologue);
    for (const std::unique_ptr<Role> &role : cta->roles)
      add(*role);
  }
  fail(std::move(why));
  return mlir::failure();
}

//===----------------------------------------------------------------------===//
// Trace
//===----------------------------------------------------------------------===//

unsigned Machine::getTrack(const Role &role, TraceKind kind) {
  unsigned queue = kind == TraceKind::Copy ? 1 : kind == TraceKind::Mma ? 2 : 0;
  auto [it, inserted] =
      tracks.try_emplace({&role, queue}, trace->tracks.size());
  if (inserted) {
    static constexpr llvm::StringLiteral kSuffix[] = {"", " copies",
                                                      " products"};
    std::string prefix = role.cta.number
                             ? "cta " + std::to_string(role.cta.number) + ": "
                             : std::string();
    trace->tracks.push_back(prefix + role.name + kSuffix[queue].str());
  }
  return it->second;
}

void Machine::recordEvent(const Role &role, Operation *op,
                          const Iteration &iteration, TraceKind kind,
                          double begin, double end) {
  if (!trace || begin >= end)
    return;
  unsigned track = getTrack(role, kind);
  trackEnds.resize(trace->tracks.size());
  // Copies that land out of order or together are drawn one after the other.
  begin = std::max(begin, trackEnds[track]);
  if (begin >= end)
    return;
  trackEnds[track] = end;
  trace->events.push_back({track, kind, op, begin, end, iteration});
  trace->end = std::max(trace->end, end);
}

void Machine::recordAccess(Operation *op, const Cta &cta, ByteRange range,
                           bool write) {
  if (trace)
    trace->accesses.push_back(
        {op, cta.number, range.begin, range.end, now, write});
}
