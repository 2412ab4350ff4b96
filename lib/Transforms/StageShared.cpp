//===- StageShared.cpp - allocates shared memory ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "ProgramState.h"
#include "llvm/Support/MathExtras.h"

namespace mla {
#define GEN_PASS_DEF_STAGESHARED
#include "mla/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

/// Alignment of 128-byte swizzled tiles, required by TMA and wgmma.
static constexpr int64_t kTileAlignment = 1024;
static constexpr int64_t kVectorAlignment = 16;
/// Bytes of a row of a swizzled block.
static constexpr int64_t kBlockBytes = 128;
/// A full and an empty mbarrier of 8 bytes per slot.
static constexpr int64_t kBarrierBytes = 16;

static int64_t getAlignment(cta::RingType type) {
  return type.getLayout().getSwizzle() ? kTileAlignment : kVectorAlignment;
}

static LogicalResult checkPipelined(func::FuncOp func);
static LogicalResult assignLayout(cta::RingOp ring);
static LogicalResult addTensorMap(Operation *copy, Value source,
                                  cta::BufferType dest, int64_t rowDim,
                                  func::FuncOp func, MutableOperandRange map);

namespace {
struct StageSharedPass : mla::impl::StageSharedBase<StageSharedPass> {
  void runOnProgram() override;

private:
  /// Chooses depths and offsets.
  LogicalResult plan();
  /// Gives every ring an offset, except rings that alias another. Returns the
  /// bytes needed, including barriers.
  int64_t place();
  /// Gives rings that alias another an offset inside that ring's slot.
  LogicalResult placeAliasing();
  /// Makes rings alias others where the schedule allows it.
  LogicalResult assignAliases();
  /// Grows rings to their maximum depth while shared memory remains, in the
  /// order of the schedule.
  void deepen();
  /// Adds a slot to `ring` unless it has `most` or memory is exhausted; returns
  /// whether it did.
  bool addSlot(cta::RingOp ring, int64_t most);
  RingAttr getRow(cta::RingOp ring);
  LogicalResult reportPlan(int64_t bytes);
  void noteDecisions();

  SmallVector<cta::RingOp> rings;
  /// May be null.
  ScheduleAttr schedule;
  /// Bytes of shared memory available to a CTA.
  int64_t limit = 0;
};
} // namespace

void StageSharedPass::runOnProgram() {
  func::FuncOp func = getOperation();
  if (failed(checkPipelined(func)))
    return signalPassFailure();
  rings.clear();
  func.walk([&](cta::RingOp ring) { rings.push_back(ring); });
  bool hasWork = !rings.empty() || isScheduled(func);
  if (!hasWork || func->hasAttr(cta::kSharedBytesAttr))
    return;
  schedule = func->getAttrOfType<ScheduleAttr>(kScheduleAttr);
  limit = getTarget(func).sharedBytesPerCTA;
  for (cta::RingOp ring : rings)
    if (failed(assignLayout(ring)))
      return signalPassFailure();
  WalkResult maps = func.walk([&](Operation *op) {
    auto add = [&](auto copy, int64_t rowDim) {
      return addTensorMap(copy, copy.getSource(), copy.getDest().getType(),
                          rowDim, func, copy.getMapMutable());
    };
    if (auto copy = dyn_cast<cta::CopyAsyncOp>(op)) {
      int64_t rank = copy.getIndices().size();
      return WalkResult(
          add(copy, tile::orderDims(copy.getDims(), rank, 2)[rank - 2]));
    }
    auto gather = dyn_cast<cta::GatherAsyncOp>(op);
    return WalkResult(gather && gather.getBlock()
                          ? add(gather, gather.getBlockDim())
                          : success());
  });
  if (maps.wasInterrupted() || failed(plan()))
    return signalPassFailure();
  noteDecisions();
}

//===----------------------------------------------------------------------===//
// Offsets and depths
//===----------------------------------------------------------------------===//

LogicalResult StageSharedPass::plan() {
  if (place() > limit && failed(assignAliases()))
    return failure();
  if (int64_t bytes = place(); bytes > limit)
    return reportPlan(bytes);
  deepen();
  return placeAliasing();
}

int64_t StageSharedPass::place() {
  // Tiles first: their sizes are multiples of their alignment, so no padding is
  // needed between them.
  int64_t offset = 0, slots = 0;
  for (bool tiles : {true, false})
    for (cta::RingOp ring : rings) {
      cta::RingType type = ring.getResult().getType();
      if ((type.getLayout().getSwizzle() != 0) != tiles)
        continue;
      slots += type.getDepth();
      if (ring.getAliases())
        continue;
      offset = llvm::alignTo(offset, getAlignment(type));
      ring.setOffset(offset);
      offset += type.getDepth() * type.getSlotType().getBytes();
    }
  offset = llvm::alignTo(offset, kVectorAlignment);
  getOperation()->setAttr(cta::kSharedBytesAttr,
                          Builder(&getContext()).getI64IntegerAttr(offset));
  return offset + slots * kBarrierBytes;
}

RingAttr StageSharedPass::getRow(cta::RingOp ring) {
  return schedule ? schedule.getRing(ring.getName()) : RingAttr();
}

LogicalResult StageSharedPass::assignAliases() {
  for (cta::RingOp ring : rings) {
    RingAttr row = getRow(ring);
    if (!row || !row.getAliases())
      continue;
    auto *below = llvm::find_if(rings, [&](cta::RingOp other) {
      return other.getName() == row.getAliases().getValue();
    });
    if (below == rings.end())
      return ring.emitOpError()
             << "aliases ring " << row.getAliases().getValue()
             << ", which does not exist";
    cta::RingOp base = *below;
    if (RingAttr its = getRow(base); its && its.getAliases())
      return ring.emitOpError()
             << "aliases ring " << base.getName()
             << ", expected a ring that does not alias another one itself";
    // The ring refers to the one below, which must be defined first.
    if (ring->isBeforeInBlock(base))
      base->moveBefore(ring);
    ring.getAliasesMutable().assign(base.getResult());
  }
  return success();
}

void StageSharedPass::deepen() {
  for (RingAttr row : schedule ? schedule.getRings() : ArrayRef<RingAttr>())
    for (cta::RingOp ring : rings)
      while (ring.getName() == row.getLabel().getValue() &&
             addSlot(ring, row.getMost()))
        ;
  place();
}

bool StageSharedPass::addSlot(cta::RingOp ring, int64_t most) {
  cta::RingType type = ring.getResult().getType();
  if (type.getDepth() >= most)
    return false;
  ring.getResult().setType(
      cta::RingType::get(&getContext(), type.getDepth() + 1, type.getShape(),
                         type.getElementType(), type.getLayout()));
  if (place() <= limit)
    return true;
  ring.getResult().setType(type);
  return false;
}

LogicalResult StageSharedPass::placeAliasing() {
  for (cta::RingOp ring : rings) {
    cta::RingOp base = ring.getRingBelow();
    if (!base)
      continue;
    RingAttr row = getRow(ring);
    if (!row)
      return ring.emitOpError()
             << "aliases ring " << base.getName()
             << ", expected the schedule to have a row with its byte offset";
    int64_t offset = *base.getOffset() + row.getByte();
    int64_t alignment = getAlignment(ring.getResult().getType());
    if (offset % alignment)
      return ring.emitOpError() << "aliases ring " << base.getName()
                                << ", expected an offset that is a multiple of "
                                << alignment << ", got " << offset;
    ring.setOffset(offset);
  }
  return success();
}

LogicalResult StageSharedPass::reportPlan(int64_t bytes) {
  InFlightDiagnostic diag = getOperation().emitOpError()
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

void StageSharedPass::noteDecisions() {
  for (cta::RingOp ring : rings) {
    cta::RingType type = ring.getResult().getType();
    decided(ring.getLoc(), "ring")
        << remark::metric("Ring", ring.getName())
        << remark::metric("Depth", type.getDepth())
        << remark::metric("SlotBytes", type.getSlotType().getBytes())
        << remark::metric("Offset", *ring.getOffset());
  }
  func::FuncOp func = getOperation();
  auto bytes = func->getAttrOfType<IntegerAttr>(cta::kSharedBytesAttr);
  decided(func.getLoc(), "shared memory")
      << remark::metric("Bytes", bytes.getInt())
      << remark::metric("Limit", limit);
}

//===----------------------------------------------------------------------===//
// Layouts and tensor maps
//===----------------------------------------------------------------------===//

static int64_t getBlockColumns(Type element) {
  return 8 * kBlockBytes / element.getIntOrFloatBitWidth();
}

/// Whether an MMA reads `slot`, or a copy fills it.
static bool isAsynchronous(Value slot) {
  return llvm::any_of(slot.getUsers(), [](Operation *user) {
    if (isa<cta::ViewOp>(user))
      return isAsynchronous(user->getResult(0));
    return !isa<cta::LoadSharedOp, cta::StoreSharedOp>(user);
  });
}

/// Whether the ring is filled and read by ordinary loads and stores only.
static bool isSynchronous(cta::RingOp ring) {
  return !ring->use_empty() &&
         llvm::none_of(ring.getResult().getUsers(), [](Operation *user) {
           return llvm::any_of(user->getResults(), isAsynchronous);
         });
}

/// The layout of a ring's slots: dense for vectors, and for matrices of words
/// without asynchronous accesses; swizzled for other matrices.
static FailureOr<cta::SharedLayoutAttr> chooseLayout(cta::RingOp ring) {
  cta::RingType type = ring.getResult().getType();
  ArrayRef<int64_t> shape = type.getShape();
  MLIRContext *context = ring.getContext();
  unsigned width = type.getElementType().getIntOrFloatBitWidth();
  if (shape.size() == 1 ||
      (shape.size() == 2 && width == 32 && isSynchronous(ring)))
    return cta::SharedLayoutAttr::get(context, 0, shape[0]);
  if (shape.size() != 2 || (width != 8 && width != 16) || shape[0] % 8 ||
      shape[1] % getBlockColumns(type.getElementType()))
    return ring.emitOpError()
           << "expected a vector, or a matrix of 1- or 2-byte elements whose "
              "rows are a multiple of 8 and whose columns are a multiple of "
           << kBlockBytes << " bytes, got " << type;
  return cta::SharedLayoutAttr::get(context, kBlockBytes, shape[0]);
}

/// Sets the layout of `slot` and of every value that it flows into: views, and
/// arguments and results of loops and branches.
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

/// The tensor map of `source` with the box in the function's entry block, which
/// is created unless there is one.
static Value getTensorMap(func::FuncOp func, Location loc, Value source,
                          ArrayRef<int64_t> box) {
  for (Operation *user : source.getUsers())
    if (auto map = dyn_cast<cta::TensorMapOp>(user);
        map && map.getBox() == box && map.getSwizzle() == kBlockBytes)
      return map;
  OpBuilder b = OpBuilder::atBlockBegin(&func.getBody().front());
  return cta::TensorMapOp::create(b, loc, b.getType<cta::TensorMapType>(),
                                  source, b.getDenseI64ArrayAttr(box),
                                  b.getI64IntegerAttr(kBlockBytes));
}

/// Gives a copy that may be made by TMA, of rows that follow each other in
/// dimension `rowDim`, its tensor map. A box is one swizzled block.
static LogicalResult addTensorMap(Operation *copy, Value source,
                                  cta::BufferType dest, int64_t rowDim,
                                  func::FuncOp func, MutableOperandRange map) {
  if (!isa<BlockArgument>(source) ||
      source.getParentBlock() != &func.getBody().front())
    return copy->emitOpError("expected the source to be a function argument");
  auto type = cast<MemRefType>(source.getType());
  ArrayRef<int64_t> shape = dest.getShape();
  if (type.getRank() < 2 || type.getRank() > 5 || shape.size() != 2 ||
      shape[0] > 256)
    return copy->emitOpError()
           << "expected a matrix of at most 256 rows out of "
              "a memref of rank 2 to 5, got "
           << dest << " of " << type;
  SmallVector<int64_t> box(type.getRank(), 1);
  box[rowDim] = shape[0];
  box[type.getRank() - 1] = getBlockColumns(type.getElementType());
  map.assign(getTensorMap(func, copy->getLoc(), source, box));
  return success();
}

static LogicalResult checkPipelined(func::FuncOp func) {
  WalkResult result = func.walk([](Operation *op) {
    if (!op->hasAttr(cta::kStageAttr))
      return WalkResult::advance();
    op->emitOpError("expected a pipelined loop; run --mla-pipeline first");
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}
