//===- Rings.cpp - slots that overlap ---------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Edits.h"
#include "Enumerator.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mla;
using namespace mla::mutation;

/// The slots of `ring`, in order.
static std::vector<cta::SlotOp> getSlots(Enumerator &e, cta::RingOp ring) {
  std::vector<cta::SlotOp> slots;
  for (Operation *op : e.getOps())
    if (auto slot = dyn_cast<cta::SlotOp>(op))
      if (slot.getRing() == ring.getResult())
        slots.push_back(slot);
  return slots;
}

//===----------------------------------------------------------------------===//
// Slots
//===----------------------------------------------------------------------===//

static void enumerateSlots(Enumerator &e, cta::RingOp ring) {
  int64_t depth = ring.getResult().getType().getDepth();
  constexpr unsigned kIndex = 1;
  for (cta::SlotOp slot : getSlots(e, ring)) {
    e.addLocal("slot", slot, "+1",
               [depth](Operation *op) { Edit(op).setNext(kIndex, depth); });
    if (!isConstant(slot.getIndex()))
      e.addLocal("slot", slot, "fixed",
                 [](Operation *op) { Edit(op).setConstant(kIndex, 0); });
  }
}

//===----------------------------------------------------------------------===//
// Depth
//===----------------------------------------------------------------------===//

/// Tiles have one slot less than their barriers, so that two slots overlap.
static void addOverlap(Enumerator &e, cta::RingOp ring, int64_t depth) {
  std::vector<unsigned> slots;
  for (cta::SlotOp slot : getSlots(e, ring))
    slots.push_back(e.number(slot));
  if (slots.empty())
    return;
  e.add("depth", ring, "slots-overlap", [slots, depth](const Ops &ops) {
    for (unsigned slot : slots)
      Edit(ops[slot]).setModulo(1, ops[slot]->getOperand(1), depth - 1);
  });
}

/// Collects the divisions by `depth` that `value` is computed with.
static void collectDivisions(Value value, int64_t depth,
                             llvm::SetVector<Operation *> &divisions) {
  Operation *def = value.getDefiningOp();
  if (!def)
    return;
  if (isa<arith::RemUIOp, arith::DivUIOp>(def) &&
      getConstant(def->getOperand(1)) == depth)
    divisions.insert(def);
  else if (isa<arith::AndIOp, arith::AddIOp>(def))
    for (Value operand : def->getOperands())
      collectDivisions(operand, depth, divisions);
}

namespace {
/// Everything in the program that depends on the number of slots of a ring.
struct DepthUses {
  std::vector<unsigned> barriers, divisions;
  /// Whether the depth cannot be changed for this ring alone: a slot or parity
  /// was folded to a constant, or another ring uses the same division.
  bool fixed = false;
};
} // namespace

static DepthUses collectDepthUses(Enumerator &e, cta::RingOp ring,
                                  int64_t depth) {
  DepthUses uses;
  llvm::SetVector<Operation *> own, others;
  for (Operation *op : e.getOps()) {
    if (auto barrier = dyn_cast<cta::MBarrierOp>(op))
      if (getRings(barrier.getResult()).contains(ring.getResult()))
        uses.barriers.push_back(e.number(op));
    auto slot = dyn_cast<cta::SlotOp>(op);
    OpOperand *barrier = getBarrier(op);
    if (!slot && !barrier)
      continue;
    bool isOwn = slot ? slot.getRing() == ring.getResult()
                      : getRings(barrier->get()).contains(ring.getResult());
    for (Value operand : op->getOperands())
      if (operand.getType().isSignlessInteger(32)) {
        collectDivisions(operand, depth, isOwn ? own : others);
        uses.fixed |= isOwn && slot && getConstant(operand).value_or(0) != 0;
      }
  }
  for (Operation *op : own) {
    uses.fixed |= others.contains(op);
    uses.divisions.push_back(e.number(op));
  }
  return uses;
}

/// Tiles and barriers have one slot less, consistently. That is correct unless
/// the pipeline needs the slot.
static void addShorter(Enumerator &e, cta::RingOp ring, int64_t depth) {
  DepthUses uses = collectDepthUses(e, ring, depth);
  if (uses.fixed)
    return;
  unsigned target = e.number(ring);
  e.add("depth", ring, "shorter", [=](const Ops &ops) {
    auto ring = cast<cta::RingOp>(ops[target]);
    cta::RingType old = ring.getResult().getType();
    ring.getResult().setType(
        cta::RingType::get(ring.getContext(), depth - 1, old.getShape(),
                           old.getElementType(), old.getLayout()));
    for (unsigned barrier : uses.barriers)
      ops[barrier]->getResult(0).setType(
          cta::MBarrierType::get(ring.getContext(), depth - 1));
    for (unsigned division : uses.divisions)
      Edit(ops[division]).setConstant(1, depth - 1);
  });
}

//===----------------------------------------------------------------------===//
// Places in shared memory
//===----------------------------------------------------------------------===//

static void addPlace(Enumerator &e, Operation *op, StringRef name,
                     ArrayRef<int64_t> steps) {
  auto old = op->getAttrOfType<IntegerAttr>(name);
  if (!old)
    return;
  // The size of a tile may be 16 bytes, so that steps would repeat.
  for (int64_t step : llvm::SmallSetVector<int64_t, 4>(llvm::from_range, steps))
    if (old.getInt() + step >= 0)
      e.addLocal("place", op, (step > 0 ? "+" : "") + Twine(step),
                 [name, value = old.getInt() + step](Operation *op) {
                   Type type = op->getAttrOfType<IntegerAttr>(name).getType();
                   op->setAttr(name, IntegerAttr::get(type, value));
                 });
}

void mutation::enumerateRings(Enumerator &e) {
  for (Operation *op : e.getOps()) {
    if (auto ring = dyn_cast<cta::RingOp>(op)) {
      cta::RingType type = ring.getResult().getType();
      // Offsets are multiples of 16. A smaller step would only move a small
      // tile into padding.
      int64_t bytes = llvm::alignTo(type.getSlotType().getBytes(), 16);
      enumerateSlots(e, ring);
      if (type.getDepth() > 1) {
        addOverlap(e, ring, type.getDepth());
        addShorter(e, ring, type.getDepth());
      }
      addPlace(e, ring, "offset", {16, -16, bytes, -bytes});
    } else if (auto buffer = dyn_cast<cta::BufferOp>(op)) {
      int64_t bytes = buffer.getResult().getType().getBytes();
      addPlace(e, op, "byte", {16, -16, bytes, -bytes});
      addPlace(e, op, "offset", {16, -16, bytes, -bytes});
    } else if (isa<cta::MBarrierOp>(op)) {
      addPlace(e, op, "offset", {8, -8});
    }
  }
}
