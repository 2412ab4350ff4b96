//===- Role.cpp - an interpreter that can stop anywhere ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Machine.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace mla;
using namespace mla::sim;
using namespace mla::interp;

Role::Role(Machine &machine, Cta &cta, const Frame &values, std::string name,
           unsigned number, unsigned firstWarp, unsigned numWarps)
    : Frame(values), machine(machine), cta(cta), name(std::move(name)),
      number(number), firstWarp(firstWarp) {
  Agent first = machine.getFirstAgent(cta);
  Agent queues =
      first + Plan::kPerWarp * machine.plan.warps + Plan::kQueues * number;
  mmaAgent = queues;
  copyAgent = queues + 1;
  for (unsigned w = 0; w < numWarps; ++w) {
    Warp &warp = warps.emplace_back();
    warp.agent = first + Plan::kPerWarp * (firstWarp + w);
    warp.bulkReadAgent = warp.agent + 1;
    warp.bulkWriteAgent = warp.agent + 2;
    warp.knows.now.raise({warp.agent, 1});
  }
}

void Role::enter(const Code &code, size_t begin, size_t end) {
  stack.push_back({&code, begin, end, nullptr});
}

//===----------------------------------------------------------------------===//
// Place in the program
//===----------------------------------------------------------------------===//

Iteration Role::getIteration() const {
  Iteration iteration;
  for (const Activation &activation : stack)
    if (activation.parent &&
        isa<scf::ForOp, scf::WhileOp>(activation.parent->op))
      iteration.push_back(activation.trip);
  return iteration;
}

Operation *Role::getCurrentOp() const {
  for (const Activation &activation : llvm::reverse(stack)) {
    if (activation.next < activation.end)
      return activation.code->instructions[activation.next].op;
    if (activation.parent)
      return activation.parent->op;
  }
  return machine.plan.grid->op;
}

static std::string describeRole(const Role &role, const Iteration &iteration) {
  std::string text =
      llvm::formatv("role \"{0}\" of CTA [{1:$[, ]}]", role.name,
                    llvm::make_range(role.cta.coordinates.begin(),
                                     role.cta.coordinates.end()));
  if (!iteration.empty())
    text += llvm::formatv(", iteration [{0:$[, ]}]",
                          llvm::make_range(iteration.begin(), iteration.end()));
  return text;
}

/// Ops that passes create share locations: name and label distinguish them.
static std::string describeOp(Operation *op) {
  std::string text = op->getName().getStringRef().str();
  if (auto label = op->getAttrOfType<StringAttr>("tile.label"))
    text += " \"" + label.str() + "\"";
  return text;
}

std::string Role::describePlace() const {
  return describeRole(*this, getIteration());
}

EventId Role::makeEvent(Operation *op) {
  machine.events.push_back({op, this, getIteration()});
  return machine.events.size() - 1;
}

LogicalResult Role::failAt(Operation *op, const Twine &message,
                           ArrayRef<EventId> others) {
  Failure why{op, (message + " (" + describePlace() + ")").str()};
  for (EventId id : others) {
    if (id == kNoEvent)
      continue;
    const Event &event = machine.events[id];
    why.notes.emplace_back(
        event.op, describeOp(event.op) + " (" +
                      describeRole(*event.role, event.iteration) + ")");
  }
  machine.fail(std::move(why));
  return failure();
}

MutableArrayRef<Warp> Role::getWarps() {
  if (elected)
    return MutableArrayRef<Warp>(warps).slice(*elected, 1);
  return warps;
}

void Role::publish() {
  for (Warp &warp : getWarps())
    warp.knows.now.raise({warp.agent, warp.knows.now.get(warp.agent) + 1});
}

//===----------------------------------------------------------------------===//
// One step
//===----------------------------------------------------------------------===//

LogicalResult Role::waitFor(Wait what) {
  what.since = time;
  if (what.ready())
    return what.resume();
  wait = std::move(what);
  return success();
}

LogicalResult Role::step() {
  if (wait) {
    Wait finished = std::move(*wait);
    wait.reset();
    if (failed(finished.resume()))
      return failure();
    ++stack.back().next;
    return success();
  }
  Activation &top = stack.back();
  // The end of a region is a step too, so that an empty loop meets the limit.
  uint64_t limit = machine.plan.options.stepLimit;
  if (limit && ++cta.steps > limit)
    return failAt(getCurrentOp(),
                  "step limit of " + Twine(limit) + " exceeded");
  if (top.next == top.end) {
    leave();
    return success();
  }
  const Instruction &in = top.code->instructions[top.next];
  if (isa<scf::ForOp, scf::IfOp, scf::WhileOp, cta::ElectOp>(in.op))
    return enterOp(in);
  if (failed(execute(in)))
    return failure();
  if (!wait)
    ++stack.back().next;
  return success();
}

LogicalResult Role::execute(const Instruction &in) {
  if (!mmas.empty() && failed(checkRegisters(in)))
    return failure();
  if (failed(in.handler(*this, in))) {
    // Handlers of the tile level report errors without the role.
    if (getFailure())
      return failAt(getFailure()->op, getFailure()->message);
    return failure();
  }
  noteResults(in);
  return success();
}

/// No other op may touch a register that an MMA in flight reads or writes,
/// except another MMA that reads the same A.
LogicalResult Role::checkRegisters(const Instruction &in) {
  bool isMma = isa<cta::MmaAsyncOp>(in.op);
  for (auto [n, slot] : llvm::enumerate(in.operands)) {
    const DenseTile *tile = get(slot).tile.get();
    if (!tile || machine.plan.constants.contains(tile))
      continue;
    for (const std::shared_ptr<Mma> &mma : mmas) {
      if (mma->acc.get() == tile)
        return failAt(in.op,
                      "touches an accumulator that an MMA in flight writes",
                      mma->event);
      if (mma->a.get() == tile && !(isMma && n == 0))
        return failAt(in.op, "touches registers that an MMA in flight reads",
                      mma->event);
    }
  }
  return success();
}

void Role::noteResults(const Instruction &in) {
  // MMAs synchronise among themselves, and another layout moves no data.
  if (isa<cta::MmaAsyncOp, cta::ConvertLayoutOp>(in.op))
    return;
  auto isTouched = [&](Slot slot) {
    const DenseTile *tile = get(slot).tile.get();
    return tile && !machine.plan.constants.contains(tile);
  };
  if (!isa<cta::MmaWaitOp>(in.op) && (llvm::any_of(in.operands, isTouched) ||
                                      llvm::any_of(in.results, isTouched)))
    registersFenced = false;
  for (Slot slot : in.results) {
    const DenseTile *tile = get(slot).tile.get();
    if (!tile || isa<cta::MmaWaitOp>(in.op))
      unfencedTiles.erase(tile);
    else if (!machine.plan.constants.contains(tile))
      unfencedTiles.insert(tile);
  }
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

void Role::enterLoopBody(const Instruction &in, ArrayRef<Datum> carried) {
  Activation &loop = stack.back();
  const Code &body = in.bodies[0];
  auto op = cast<scf::ForOp>(in.op);
  ElementType type = *getElementType(op.getInductionVar().getType());
  set(body.arguments[0], roundTo(type, Lane::ofInt(loop.induction)));
  set(ArrayRef(body.arguments).drop_front(), carried);
}

LogicalResult Role::enterOp(const Instruction &in) {
  if (auto loop = dyn_cast<scf::ForOp>(in.op)) {
    int64_t lower = getInt(in.operands[0]), step = getInt(in.operands[2]);
    if (step <= 0)
      return failAt(in.op, "expected a positive step, got " + Twine(step));
    uint64_t trips = getTripCount(lower, getInt(in.operands[1]), step);
    SmallVector<Datum> init = collect(ArrayRef(in.operands).drop_front(3));
    if (!trips) {
      set(in.results, init);
      ++stack.back().next;
      return success();
    }
    const Code &body = in.bodies[0];
    stack.push_back(
        {&body, 0, body.instructions.size(), &in, 0, lower, step, trips});
    enterLoopBody(in, init);
    return success();
  }
  size_t region = 0;
  if (isa<scf::IfOp>(in.op))
    region = getInt(in.operands[0]) ? 0 : 1;
  else if (isa<scf::WhileOp>(in.op))
    set(in.bodies[0].arguments, collect(in.operands));
  else
    elected = cast<cta::ElectOp>(in.op).getWarp();
  const Code &body = in.bodies[region];
  stack.push_back({&body, 0, body.instructions.size(), &in});
  stack.back().isCondition = isa<scf::WhileOp>(in.op);
  return success();
}

void Role::leave() {
  Activation &top = stack.back();
  const Instruction *parent = top.parent;
  if (!parent) {
    stack.pop_back();
    return;
  }
  SmallVector<Datum> yields = collect(top.code->yields);
  if (isa<scf::ForOp>(parent->op) &&
      ++top.trip < static_cast<int64_t>(top.trips)) {
    top.next = 0;
    top.induction += top.step;
    enterLoopBody(*parent, yields);
    return;
  }
  if (isa<scf::WhileOp>(parent->op)) {
    ArrayRef<Datum> carried = yields;
    bool goOn = !top.isCondition;
    if (top.isCondition) {
      goOn = yields.front().scalar.i;
      carried = carried.drop_front();
    }
    if (goOn) {
      const Code &body = parent->bodies[top.isCondition ? 1 : 0];
      top.trip += !top.isCondition;
      top.isCondition = !top.isCondition;
      top.code = &body;
      top.next = 0;
      top.end = body.instructions.size();
      set(body.arguments, carried);
      return;
    }
    set(parent->results, carried);
  } else {
    set(parent->results, yields);
  }
  if (isa<cta::ElectOp>(parent->op))
    elected.reset();
  stack.pop_back();
  ++stack.back().next;
}
