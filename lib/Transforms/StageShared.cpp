//===- StageShared.cpp - the plan of shared memory --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TileRewrites.h"
#include "llvm/Support/MathExtras.h"

namespace mla {
#define GEN_PASS_DEF_STAGESHARED
#include "mla/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

/// TMA and wgmma want their 128-byte swizzled tiles at multiples of this.
static constexpr int64_t kTileAlignment = 1024;
static constexpr int64_t kVectorAlignment = 16;
/// Bytes of a row of a swizzled block.
static constexpr int64_t kBlockBytes = 128;
/// A full and a free mbarrier of 8 bytes for every slot.
static constexpr int64_t kBarrierBytes = 16;

static int64_t getBlockColumns(Type element) {
  return 8 * kBlockBytes / element.getIntOrFloatBitWidth();
}

static int64_t getAlignment(cta::RingType type) {
  return type.getLayout().getSwizzle() ? kTileAlignment : kVectorAlignment;
}

/// Whether a product reads `slot`, or a copy fills it.
static bool isAsynchronous(Value slot) {
  return llvm::any_of(slot.getUsers(), [](Operation *user) {
    if (isa<cta::ViewOp>(user))
      return isAsynchronous(user->getResult(0));
    return !isa<cta::LoadSharedOp, cta::StoreSharedOp>(user);
  });
}

/// Whether threads alone fill and read the ring.
static bool isOfThreads(cta::RingOp ring) {
  return !ring->use_empty() &&
         llvm::none_of(ring.getResult().getUsers(), [](Operation *user) {
           return llvm::any_of(user->getResults(), isAsynchronous);
         });
}

/// The layout of a ring's slots: vectors, and matrices of words that threads
/// alone touch, are dense; other matrices are swizzled.
static FailureOr<cta::SharedLayoutAttr> chooseLayout(cta::RingOp ring) {
  cta::RingType type = ring.getResult().getType();
  ArrayRef<int64_t> shape = type.getShape();
  MLIRContext *context = ring.getContext();
  unsigned width = type.getElementType().getIntOrFloatBitWidth();
  if (shape.size() == 1 ||
      (shape.size() == 2 && width == 32 && isOfThreads(ring)))
    return cta::SharedLayoutAttr::get(context, 0, shape[0]);
  if (shape.size() != 2 || (width != 8 && width != 16) || shape[0] % 8 ||
      shape[1] % getBlockColumns(type.getElementType()))
    return ring.emitOpError()
           << "expected a vector, or a matrix of elements of one or two bytes "
              "with rows a multiple of 8 and columns a multiple of "
           << kBlockBytes << " bytes, got " << type;
  return cta::SharedLayoutAttr::get(context, kBlockBytes, shape[0]);
}

/// Gives \p slot the layout, and whatever it flows into: views, and what loops
/// and branches carry.
static void setSlotLayout(Value slot, cta::SharedLayoutAttr layout) {
  auto type = dyn_cast<cta::BufferType>(slot.getType());
  if (!type || type.getLayout() == layout)
    return;
  slot.setType(cta::BufferType::get(type.getContext(), type.getShape(),
                                    type.getElementType(), layout));
  for (OpOperand &use : slot.getUses()) {
    Operation *user = use.getOwner();
    if (auto view = dyn_cast<cta::ViewOp>(user)) {
      setSlotLayout(view.getResult(), layout);
    } else if (auto loop = dyn_cast<scf::ForOp>(user)) {
      setSlotLayout(loop.getTiedLoopRegionIterArg(&use), layout);
      setSlotLayout(loop.getTiedLoopResult(&use), layout);
    } else if (isa<scf::YieldOp>(user)) {
      setSlotLayout(user->getParentOp()->getResult(use.getOperandNumber()),
                    layout);
    }
  }
}

static LogicalResult assignLayout(cta::RingOp ring) {
  FailureOr<cta::SharedLayoutAttr> layout = chooseLayout(ring);
  if (failed(layout))
    return failure();
  cta::RingType type = ring.getResult().getType();
  ring.getResult().setType(type.withLayout(*layout));
  for (Operation *user : ring.getResult().getUsers())
    for (Value slot : user->getResults())
      setSlotLayout(slot, *layout);
  return success();
}

/// Adds the tensor map that a TMA copy needs: boxes of one swizzled block.
static LogicalResult addTensorMap(cta::CopyAsyncOp copy, func::FuncOp func) {
  Value source = copy.getSource();
  if (!isa<BlockArgument>(source) ||
      source.getParentBlock() != &func.getBody().front())
    return copy.emitOpError("expected the source to be a function argument");
  auto type = cast<MemRefType>(source.getType());
  ArrayRef<int64_t> shape = copy.getDest().getType().getShape();
  if (type.getRank() < 2 || type.getRank() > 5 || shape.size() != 2 ||
      shape[0] > 256)
    return copy.emitOpError() << "expected a matrix of at most 256 rows out of "
                                 "a memref of rank 2 to 5, got "
                              << copy.getDest().getType() << " of " << type;
  SmallVector<int64_t> box(type.getRank(), 1);
  box[type.getRank() - 2] = shape[0];
  box[type.getRank() - 1] = getBlockColumns(type.getElementType());
  OpBuilder b = OpBuilder::atBlockBegin(&func.getBody().front());
  auto map = cta::TensorMapOp::create(
      b, copy.getLoc(), b.getType<cta::TensorMapType>(), source,
      b.getDenseI64ArrayAttr(box), b.getI64IntegerAttr(kBlockBytes));
  copy.getMapMutable().assign(map);
  return success();
}

namespace {
struct StageSharedPass : mla::impl::StageSharedBase<StageSharedPass> {
  void runOnProgram() override {
    func::FuncOp func = getOperation();
    if (failed(checkPipelined(func)))
      return signalPassFailure();
    SmallVector<cta::RingOp> rings;
    func.walk([&](cta::RingOp ring) { rings.push_back(ring); });
    // Nothing to plan, or planned already.
    if ((rings.empty() && !isScheduled(func)) ||
        func->hasAttr(cta::kSharedBytesAttr))
      return;
    for (cta::RingOp ring : rings)
      if (failed(assignLayout(ring)))
        return signalPassFailure();
    WalkResult maps = func.walk([&](cta::CopyAsyncOp copy) {
      return WalkResult(addTensorMap(copy, func));
    });
    if (maps.wasInterrupted() || failed(plan(func, rings)))
      signalPassFailure();
  }

  LogicalResult checkPipelined(func::FuncOp func) {
    WalkResult result = func.walk([](Operation *op) {
      if (!op->hasAttr(cta::kStageAttr))
        return WalkResult::advance();
      op->emitOpError("expected a pipelined loop; run --mla-pipeline first");
      return WalkResult::interrupt();
    });
    return failure(result.wasInterrupted());
  }

  LogicalResult plan(func::FuncOp func, ArrayRef<cta::RingOp> rings) {
    limit = getTarget(func).sharedBytesPerCTA;
    if (place(func, rings) > limit && failed(layOver(func, rings)))
      return failure();
    int64_t bytes = place(func, rings);
    if (bytes > limit)
      return reportPlan(func, rings, bytes);
    deepen(func, rings);
    return placeOver(func, rings);
  }

  /// Lays rings over others where the schedule allows it.
  LogicalResult layOver(func::FuncOp func, ArrayRef<cta::RingOp> rings) {
    auto schedule = func->getAttrOfType<ScheduleAttr>(kScheduleAttr);
    for (cta::RingOp ring : rings) {
      RingAttr row = schedule ? schedule.getRing(ring.getName()) : RingAttr();
      if (!row || !row.getOver())
        continue;
      const auto *below = llvm::find_if(rings, [&](cta::RingOp other) {
        return other.getName() == row.getOver().getValue();
      });
      if (below == rings.end())
        return ring.emitOpError()
               << "lies over a ring " << row.getOver().getValue()
               << " that is not there";
      cta::RingOp base = *below;
      RingAttr its = schedule.getRing(base.getName());
      if (its && its.getOver())
        return ring.emitOpError()
               << "lies over ring " << base.getName()
               << ", expected that ring to have a place of its own";
      // An operand is defined before its user.
      if (ring->isBeforeInBlock(base))
        base->moveBefore(ring);
      ring.getOverMutable().assign(base.getResult());
    }
    return success();
  }

  /// Grows rings to their maximum depth while shared memory remains, in the
  /// order of their rows.
  void deepen(func::FuncOp func, ArrayRef<cta::RingOp> rings) {
    auto schedule = func->getAttrOfType<ScheduleAttr>(kScheduleAttr);
    for (RingAttr row : schedule ? schedule.getRings() : ArrayRef<RingAttr>())
      for (cta::RingOp ring : rings)
        while (ring.getName() == row.getLabel().getValue() &&
               addSlot(func, ring, row.getMost(), rings))
          ;
    place(func, rings);
  }

  /// One slot more for \p ring, if it has fewer than \p most and there is room.
  bool addSlot(func::FuncOp func, cta::RingOp ring, int64_t most,
               ArrayRef<cta::RingOp> rings) {
    cta::RingType type = ring.getResult().getType();
    if (type.getDepth() >= most)
      return false;
    ring.getResult().setType(
        cta::RingType::get(&getContext(), type.getDepth() + 1, type.getShape(),
                           type.getElementType(), type.getLayout()));
    if (place(func, rings) <= limit)
      return true;
    ring.getResult().setType(type);
    return false;
  }

  /// Gives every ring a place, but for those over others, which wait for
  /// placeOver. Returns the bytes needed with barriers.
  int64_t place(func::FuncOp func, ArrayRef<cta::RingOp> rings) {
    // Tiles first: they are multiples of the alignment, so nothing is lost.
    int64_t offset = 0, slots = 0;
    for (bool tiles : {true, false})
      for (cta::RingOp ring : rings) {
        cta::RingType type = ring.getResult().getType();
        if ((type.getLayout().getSwizzle() != 0) != tiles)
          continue;
        slots += type.getDepth();
        if (ring.getOver())
          continue;
        offset = llvm::alignTo(offset, getAlignment(type));
        ring.setOffset(offset);
        offset += type.getDepth() * type.getSlotType().getBytes();
      }
    offset = llvm::alignTo(offset, kVectorAlignment);
    Builder b(&getContext());
    func->setAttr(cta::kSharedBytesAttr, b.getI64IntegerAttr(offset));
    return offset + slots * kBarrierBytes;
  }

  LogicalResult placeOver(func::FuncOp func, ArrayRef<cta::RingOp> rings) {
    auto schedule = func->getAttrOfType<ScheduleAttr>(kScheduleAttr);
    for (cta::RingOp ring : rings) {
      cta::RingOp base = ring.getRingBelow();
      if (!base)
        continue;
      RingAttr row = schedule ? schedule.getRing(ring.getName()) : RingAttr();
      if (!row)
        return ring.emitOpError()
               << "lies over ring " << base.getName()
               << ", expected a row of the schedule that names the byte";
      int64_t offset = *base.getOffset() + row.getByte();
      int64_t alignment = getAlignment(ring.getResult().getType());
      if (offset % alignment)
        return ring.emitOpError()
               << "would lie at byte " << offset << ", over " << base.getName()
               << ", expected a multiple of " << alignment;
      ring.setOffset(offset);
    }
    return success();
  }

  LogicalResult reportPlan(func::FuncOp func, ArrayRef<cta::RingOp> rings,
                           int64_t bytes) {
    InFlightDiagnostic diag = func.emitOpError()
                              << "needs " << bytes
                              << " bytes of shared memory, a CTA has " << limit;
    for (cta::RingOp ring : rings) {
      cta::RingType type = ring.getResult().getType();
      diag.attachNote(ring.getLoc())
          << "ring " << ring.getNameAttr() << ": " << type.getDepth() << " x "
          << type.getSlotType().getBytes() << " bytes";
    }
    return diag;
  }

  /// Bytes of shared memory that a CTA of the target can have.
  int64_t limit = 0;
};
} // namespace
