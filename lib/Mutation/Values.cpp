//===- Values.cpp - wrong counts, phases and barriers -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Edits.h"
#include "Enumerator.h"

using namespace mlir;
using namespace mla;
using namespace mla::mutation;

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

/// Another value of an integer attribute.
static void addAttribute(Enumerator &e, StringRef kind, Operation *op,
                         StringRef name, int64_t value, const Twine &variant) {
  e.addLocal(kind, op, variant, [name, value](Operation *op) {
    Type type = op->getAttrOfType<IntegerAttr>(name).getType();
    op->setAttr(name, IntegerAttr::get(type, value));
  });
}

static void enumerateCounts(Enumerator &e, Operation *op) {
  auto at = [&](StringRef kind, StringRef name, int64_t by) {
    auto old = op->getAttrOfType<IntegerAttr>(name);
    if (old && old.getInt() + by >= 0)
      addAttribute(e, kind, op, name, old.getInt() + by,
                   (by > 0 ? "+" : "") + Twine(by));
  };
  if (classify(op) == SyncClass::GroupWait) {
    at("pending", "pending", 1);
    at("pending", "pending", -1);
  } else if (auto expect = dyn_cast<cta::ArriveExpectOp>(op)) {
    at("bytes", "bytes", 16);
    at("bytes", "bytes", -16);
    addAttribute(e, "bytes", op, "bytes", expect.getBytes() / 2, "half");
  } else if (isa<cta::MBarrierOp>(op)) {
    at("count", "count", 1);
    at("count", "count", -1);
  } else if (isa<cta::NamedBarrierOp>(op)) {
    at("count", "threads", 32);
    at("count", "threads", -32);
  }
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

/// Other mbarriers of the same type: those of the ring's other side, and of the
/// next ring.
static void enumerateBarriers(Enumerator &e, Operation *op,
                              ArrayRef<cta::MBarrierOp> barriers) {
  OpOperand *used = getBarrier(op);
  auto own = used->get().getDefiningOp<cta::MBarrierOp>();
  const auto *at = llvm::find(barriers, own);
  if (at == barriers.end())
    return;
  auto use = [&](cta::MBarrierOp other, StringRef variant) {
    e.add("barrier", op, variant,
          [operand = used->getOperandNumber(), target = e.number(op),
           other = e.number(other)](const Ops &ops) {
            ops[target]->setOperand(operand, ops[other]->getResult(0));
          });
  };
  auto fits = [&](cta::MBarrierOp other) {
    return other != own &&
           other.getResult().getType() == own.getResult().getType();
  };
  Rings rings = getRings(used->get());
  bool partner = false, neighbour = false;
  for (size_t i = 1; i < barriers.size(); ++i) {
    cta::MBarrierOp other =
        barriers[(at - barriers.begin() + i) % barriers.size()];
    if (!fits(other))
      continue;
    bool same = llvm::any_of(getRings(other.getResult()),
                             [&](Value ring) { return rings.contains(ring); });
    bool &done = same ? partner : neighbour;
    if (!std::exchange(done, true))
      use(other, same ? "other-side" : "next-ring");
  }
}

static void enumerateIndices(Enumerator &e, Operation *op) {
  OpOperand &index = getBarrierIndex(op);
  int64_t size = getBarrierCount(getBarrier(op)->get());
  unsigned operand = index.getOperandNumber();
  e.addLocal("index", op, "+1", [operand, size](Operation *op) {
    Edit(op).setNext(operand, size);
  });
  if (!isConstant(index.get()))
    e.addLocal("index", op, "fixed",
               [operand](Operation *op) { Edit(op).setConstant(operand, 0); });
}

static void enumerateParities(Enumerator &e, Operation *op) {
  // The parity is the last operand of a wait.
  unsigned operand = op->getNumOperands() - 1;
  e.addLocal("parity", op, "flipped",
             [operand](Operation *op) { Edit(op).flip(operand); });
  if (isConstant(op->getOperand(operand)))
    return;
  for (int64_t parity : {0, 1})
    e.addLocal("parity", op, "always-" + Twine(parity),
               [operand, parity](Operation *op) {
                 Edit(op).setConstant(operand, parity);
               });
}

void mutation::enumerateValues(Enumerator &e) {
  std::vector<cta::MBarrierOp> barriers;
  for (Operation *op : e.getOps())
    if (auto barrier = dyn_cast<cta::MBarrierOp>(op))
      barriers.push_back(barrier);
  for (Operation *op : e.getOps()) {
    enumerateCounts(e, op);
    if (!getBarrier(op))
      continue;
    enumerateBarriers(e, op, barriers);
    enumerateIndices(e, op);
    if (isa<cta::MBarrierWaitOp>(op))
      enumerateParities(e, op);
  }
}
