//===- MmaOps.cpp - warpgroup MMAs ------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// PTX ISA: wgmma.mma_async, .fence, .commit_group, .wait_group. The MMAs of
// a role land in order; each reads its operands when it lands.
//
//===----------------------------------------------------------------------===//

#include "Handlers.h"
#include "mla/Interpreter/Dot.h"

using namespace mlir;
using namespace mla;
using namespace mla::sim;
using namespace mla::interp;

static LogicalResult runFence(Frame &frame, const Instruction &) {
  Role &role = Role::of(frame);
  role.unfencedTiles.clear();
  role.registersFenced = true;
  return success();
}

//===----------------------------------------------------------------------===//
// Issue
//===----------------------------------------------------------------------===//

namespace {
/// An operand: registers, or a place in shared memory.
struct Operand {
  std::shared_ptr<const DenseTile> tile;
  int64_t at = 0;
  Type type;

  /// Its elements, row by row.
  std::vector<float> read(const Role &role) const;
  ArrayRef<int64_t> getShape() const {
    if (auto descriptor = dyn_cast<cta::DescriptorType>(type))
      return descriptor.getShape();
    return cast<RankedTensorType>(type).getShape();
  }
};
} // namespace

std::vector<float> Operand::read(const Role &role) const {
  if (tile)
    return tile->floats;
  auto descriptor = cast<cta::DescriptorType>(type);
  DenseTile values(RankedTensorType::get(descriptor.getShape(),
                                         descriptor.getElementType()));
  loadTile(role.cta, at, role.machine.getFootprint(type), values);
  return std::move(values.floats);
}

static FailureOr<Operand> makeOperand(Role &role, const Instruction &in,
                                      Value value, Slot slot,
                                      const Touch &touch) {
  Operand operand;
  operand.type = value.getType();
  const Datum &datum = role.get(slot);
  if (isa<RankedTensorType>(operand.type)) {
    operand.tile = datum.tile;
    if (role.unfencedTiles.contains(operand.tile.get()))
      return role.failAt(in.op, "reads registers that were written after the "
                                "last cta.mma_fence");
    return operand;
  }
  if (!isa<cta::DescriptorType>(operand.type))
    return role.failAt(in.op, "expected a descriptor operand; run "
                              "--mla-wgmma-descriptors first");
  operand.at = datum.scalar.i;
  if (failed(touchShared(role, role.getWarps(), operand.at,
                         role.machine.getFootprint(operand.type), touch)))
    return failure();
  return operand;
}

/// Computes `mma`: the product of `a` and `b`, added to the accumulator.
static void compute(const Role &role, cta::MmaAsyncOp op, const Operand &a,
                    const Operand &b, Mma &mma) {
  if (mma.previous)
    mma.result = std::make_shared<DenseTile>(*mma.previous->result);
  else if (mma.acc)
    mma.result = std::make_shared<DenseTile>(*mma.acc);
  else
    mma.result =
        std::make_shared<DenseTile>(op.getResult().getType().getFragment());
  ArrayRef<int64_t> shape = mma.result->shape;
  int64_t k = b.getShape()[op.getTransposeB() ? 1 : 0];
  dot({shape[0], shape[1], k, op.getTransposeA(), op.getTransposeB()},
      a.read(role).data(), b.read(role).data(), mma.result->floats.data());
  mma.landed = true;
}

static LogicalResult takeAccumulator(Role &role, const Instruction &in,
                                     Mma &mma) {
  const Datum &acc = role.get(in.operands[2]);
  if (!acc.tile) {
    mma.previous = std::static_pointer_cast<Mma>(acc.opaque);
    if (mma.previous->continued)
      return role.failAt(in.op,
                         "continues an MMA that another one has "
                         "continued",
                         mma.previous->event);
    mma.previous->continued = true;
    // All MMAs of a chain have the same accumulator registers.
    mma.acc = mma.previous->acc;
    if (!llvm::is_contained(role.mmas, mma.previous))
      mma.acc = mma.previous->result;
    return success();
  }
  mma.acc = acc.tile;
  if (role.unfencedTiles.contains(acc.tile.get()))
    return role.failAt(in.op, "adds to registers that were written after the "
                              "last cta.mma_fence");
  return success();
}

static LogicalResult runMma(Frame &frame, const Instruction &in) {
  Role &role = Role::of(frame);
  auto op = cast<cta::MmaAsyncOp>(in.op);
  if (role.getWarps().size() != 4)
    return role.failAt(in.op, "expected a role of one warpgroup, got " +
                                  Twine(role.getWarps().size()) + " warps");
  auto mma = std::make_shared<Mma>();
  mma->event = role.makeEvent(in.op);
  Touch touch{in.op, mma->event, /*write=*/false, Proxy::Async,
              Epoch{role.mmaAgent, role.committedGroups + 1}};
  FailureOr<Operand> a =
      makeOperand(role, in, op.getA(), in.operands[0], touch);
  if (failed(a))
    return failure();
  FailureOr<Operand> b =
      makeOperand(role, in, op.getB(), in.operands[1], touch);
  if (failed(b) || (op.getAcc() && failed(takeAccumulator(role, in, *mma))))
    return failure();
  if (!mma->previous && !role.registersFenced)
    return role.failAt(in.op, "writes an accumulator without cta.mma_fence "
                              "since registers were last used");
  mma->a = a->tile;
  role.mmas.push_back(mma);
  Datum result;
  result.opaque = mma;
  frame.set(in.results[0], std::move(result));

  Flight flight;
  flight.op = in.op;
  flight.role = &role;
  flight.kind = TraceKind::Mma;
  flight.ready = [&role, mma] {
    for (const std::shared_ptr<Mma> &older : role.mmas)
      if (!older->landed)
        return older == mma;
    return false;
  };
  flight.land = [&role, op, mma, a = *a, b = *b] {
    compute(role, op, a, b, *mma);
    return success();
  };
  return role.machine.launch(std::move(flight));
}

//===----------------------------------------------------------------------===//
// Groups
//===----------------------------------------------------------------------===//

static LogicalResult runCommit(Frame &frame, const Instruction &) {
  Role &role = Role::of(frame);
  ++role.committedGroups;
  for (const std::shared_ptr<Mma> &mma : role.mmas)
    if (!mma->group)
      mma->group = role.committedGroups;
  return success();
}

/// Waits until at most `pending` groups are in flight, that of the operand not
/// among them.
static LogicalResult runWait(Frame &frame, const Instruction &in) {
  Role &role = Role::of(frame);
  std::optional<uint64_t> pending = cast<cta::MmaWaitOp>(in.op).getPending();
  Slot result = in.results[0];
  auto mma = std::static_pointer_cast<Mma>(role.get(in.operands[0]).opaque);
  if (!pending)
    return role.failAt(in.op, "expected a pending count; run "
                              "--mla-insert-mma-sync first");
  if (!mma->group)
    return role.failAt(in.op, "waits for an MMA that is not committed",
                       mma->event);
  int64_t limit =
      int64_t(role.committedGroups) - static_cast<int64_t>(*pending);
  if (int64_t(mma->group) > limit)
    return role.failAt(in.op,
                       "covers nothing: " + Twine(*pending) +
                           " groups may be pending, but only " +
                           Twine(role.committedGroups - mma->group) +
                           " are younger than the one awaited",
                       mma->event);
  if (mma->continued)
    return role.failAt(in.op,
                       "reads an accumulator that a younger MMA "
                       "writes",
                       mma->event);
  auto isOver = [limit](const std::shared_ptr<Mma> &p) {
    return p->group && int64_t(p->group) <= limit;
  };
  Wait wait;
  wait.ready = [&role, isOver] {
    return llvm::all_of(role.mmas,
                        [&](const auto &p) { return p->landed || !isOver(p); });
  };
  wait.resume = [&role, mma, result, isOver, limit] {
    while (!role.mmas.empty() && isOver(role.mmas.front()))
      role.mmas.pop_front();
    for (Warp &warp : role.getWarps())
      warp.knows.now.raise({role.mmaAgent, static_cast<Time>(limit)});
    role.unfencedTiles.erase(mma->result.get());
    role.set(result, mma->result);
    return success();
  };
  wait.describe = [limit] {
    return "MMAs of groups up to " + std::to_string(limit);
  };
  return role.waitFor(std::move(wait));
}

void mla::sim::addMmaOps(HandlerTable &table) {
  table["cta.mma_fence"] = runFence;
  table["cta.mma_async"] = runMma;
  table["cta.mma_commit"] = runCommit;
  table["cta.mma_wait"] = runWait;
}
