//===- CTAVocabulary.cpp - what the later schedules say ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Places.h"

using namespace mlir;
using namespace mla::cta;

//===----------------------------------------------------------------------===//
// Types and attributes
//===----------------------------------------------------------------------===//

/// Most elements of a tile, or of all slots of a ring. Shared memory has fewer;
/// a plan above its size is for --mla-stage-shared to refuse, with bytes that
/// an int64_t holds.
static constexpr int64_t kMaxElements = int64_t(1) << 24;

LogicalResult
SharedLayoutAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                         int64_t swizzle, int64_t rows) {
  if (!llvm::is_contained({0, 16, 32, 64, 128}, swizzle))
    return emitError() << "expected a swizzle of 0, 16, 32, 64 or 128, got "
                       << swizzle;
  if (rows < 1)
    return emitError() << "expected at least 1 row, got " << rows;
  if (rows > kMaxElements)
    return emitError() << "expected at most " << kMaxElements << " rows, got "
                       << rows;
  return success();
}

static LogicalResult verifyTile(function_ref<InFlightDiagnostic()> emitError,
                                ArrayRef<int64_t> shape, Type elementType,
                                int64_t slots = 1) {
  if (!elementType.isIntOrFloat())
    return emitError() << "expected elements of an integer or floating-point "
                          "type, got "
                       << elementType;
  int64_t most = kMaxElements / slots;
  for (int64_t size : shape) {
    if (size < 1)
      return emitError() << "expected sizes of at least 1, got " << size;
    if (size > most)
      return emitError() << "expected at most " << kMaxElements
                         << " elements, got " << slots << " tiles of " << shape;
    most /= size;
  }
  return success();
}

LogicalResult BufferType::verify(function_ref<InFlightDiagnostic()> emitError,
                                 ArrayRef<int64_t> shape, Type elementType,
                                 SharedLayoutAttr) {
  return verifyTile(emitError, shape, elementType);
}

LogicalResult
DescriptorType::verify(function_ref<InFlightDiagnostic()> emitError,
                       ArrayRef<int64_t> shape, Type elementType, Major,
                       int64_t offset, int64_t leading, int64_t stride,
                       int64_t step, int64_t blockStep) {
  if (shape.size() != 2)
    return emitError() << "expected a matrix, got rank " << shape.size();
  for (int64_t bytes : {offset, leading, stride, step, blockStep})
    if (bytes < 0 || bytes > kMaxSharedBytes)
      return emitError() << "expected bytes of shared memory, 0 to "
                         << kMaxSharedBytes << ", got " << bytes;
  if (step < 1)
    return emitError() << "expected a step of at least 1, got 0";
  if (failed(verifyTile(emitError, shape, elementType)))
    return failure();
  int64_t bits = shape[0] * shape[1] * elementType.getIntOrFloatBitWidth();
  if (bits > 8 * kMaxSharedBytes)
    return emitError() << "expected a tile of at most " << kMaxSharedBytes
                       << " bytes, got " << llvm::divideCeil(bits, 8);
  return success();
}

LogicalResult MBarrierType::verify(function_ref<InFlightDiagnostic()> emitError,
                                   int64_t size) {
  if (size < 1 || size > kMaxElements)
    return emitError() << "expected 1 to " << kMaxElements << " mbarriers, got "
                       << size;
  return success();
}

LogicalResult RingType::verify(function_ref<InFlightDiagnostic()> emitError,
                               int64_t depth, ArrayRef<int64_t> shape,
                               Type elementType, SharedLayoutAttr layout,
                               int64_t splitDim, ArrayRef<int64_t> parts) {
  if (depth < 1 || depth > kMaxElements)
    return emitError() << "expected 1 to " << kMaxElements << " slots, got "
                       << depth;
  if (failed(verifyTile(emitError, shape, elementType, depth)))
    return failure();
  if (parts.empty())
    return success();
  if (splitDim < 0 || splitDim >= static_cast<int64_t>(shape.size()))
    return emitError() << "expected a split dimension in [0, " << shape.size()
                       << "), got " << splitDim;
  int64_t sum = 0;
  for (int64_t part : parts) {
    if (part <= 0 || part > shape[splitDim])
      return emitError() << "expected parts of 1 to " << shape[splitDim]
                         << ", got " << part;
    sum += part;
  }
  if (sum != shape[splitDim])
    return emitError() << "expected parts that sum to " << shape[splitDim]
                       << ", got " << sum;
  return success();
}

BufferType RingType::getPartType(int64_t part) const {
  if (part < 0 || part >= static_cast<int64_t>(getParts().size()))
    return {};
  SmallVector<int64_t> shape(getShape());
  shape[getSplitDim()] = getParts()[part];
  return BufferType::get(getContext(), shape, getElementType(), getLayout());
}

RingType RingType::withLayout(SharedLayoutAttr layout) const {
  return RingType::get(getContext(), getDepth(), getShape(), getElementType(),
                       layout, getSplitDim(), getParts());
}

LogicalResult PeerType::verify(function_ref<InFlightDiagnostic()> emitError,
                               Type local) {
  if (isa<BufferType, MBarrierType>(local))
    return success();
  return emitError() << "expected a buffer or mbarriers, got " << local;
}

//===----------------------------------------------------------------------===//
// Places in shared memory
//===----------------------------------------------------------------------===//

LogicalResult BufferOp::verify() {
  int64_t bytes = getResult().getType().getBytes();
  if (!getBase() != !getByte())
    return emitOpError("expected a base and a byte in it, or neither");
  if (!getBase())
    return verifyPlace(*this, getOffset(), bytes);
  int64_t slot, slots = 1, byte = *getByte();
  if (auto ring = dyn_cast<RingType>(getBase().getType())) {
    slot = ring.getSlotType().getBytes();
    slots = ring.getDepth();
  } else {
    slot = cast<BufferType>(getBase().getType()).getBytes();
  }
  if (byte < 0 || byte / slot >= slots || byte % slot > slot - bytes)
    return emitOpError() << "expected " << bytes << " bytes within one of "
                         << slots << " slots of " << slot << ", got byte "
                         << byte;
  return success();
}

//===----------------------------------------------------------------------===//
// Parts of a ring's slots
//===----------------------------------------------------------------------===//

static LogicalResult inferPart(std::optional<Location> loc, Type ring,
                               int64_t part, SmallVectorImpl<Type> &types) {
  // Types are inferred before operands are verified.
  auto type = dyn_cast<RingType>(ring);
  if (!type)
    return emitOptionalError(loc, "expected a ring, got ", ring);
  BufferType result = type.getPartType(part);
  if (!result)
    return emitOptionalError(loc, "expected a part in [0, ",
                             type.getParts().size(), "), got ", part);
  types.push_back(result);
  return success();
}

LogicalResult AcquirePartOp::inferReturnTypes(MLIRContext *,
                                              std::optional<Location> loc,
                                              Adaptor adaptor,
                                              SmallVectorImpl<Type> &types) {
  return inferPart(loc, adaptor.getRing().getType(), adaptor.getPart(), types);
}

LogicalResult AwaitPartOp::inferReturnTypes(MLIRContext *,
                                            std::optional<Location> loc,
                                            Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  return inferPart(loc, adaptor.getRing().getType(), adaptor.getPart(), types);
}

LogicalResult ReleasePartOp::verify() {
  SmallVector<Type> types;
  return inferPart(getLoc(), getRing().getType(), getPart(), types);
}

/// What an await or acquire of a part says about it; nothing for values that
/// come another way (a loop carry).
static std::optional<std::pair<Value, int64_t>> getPartOf(Value value) {
  if (auto await = value.getDefiningOp<AwaitPartOp>())
    return std::pair<Value, int64_t>(await.getRing(), await.getPart());
  if (auto acquire = value.getDefiningOp<AcquirePartOp>())
    return std::pair<Value, int64_t>(acquire.getRing(), acquire.getPart());
  return std::nullopt;
}

LogicalResult JoinOp::verify() {
  BufferType result = getResult().getType();
  if (getParts().size() < 2 || getDim() >= result.getShape().size())
    return emitOpError() << "expected at least 2 parts along a dimension of "
                         << result << ", got " << getParts().size() << " along "
                         << getDim();
  int64_t sum = 0;
  for (Value part : getParts()) {
    auto type = cast<BufferType>(part.getType());
    SmallVector<int64_t> shape(result.getShape());
    if (type.getShape().size() == shape.size()) {
      shape[getDim()] = type.getShape()[getDim()];
      sum += shape[getDim()];
    }
    if (type != BufferType::get(getContext(), shape, result.getElementType(),
                                result.getLayout()))
      return emitOpError() << "expected parts like " << result
                           << " but for dimension " << getDim() << ", got "
                           << type;
  }
  if (sum != result.getShape()[getDim()])
    return emitOpError() << "expected parts that sum to "
                         << result.getShape()[getDim()] << ", got " << sum;
  for (size_t i = 1; i < getParts().size(); ++i) {
    auto left = getPartOf(getParts()[i - 1]), right = getPartOf(getParts()[i]);
    if (left && right &&
        (left->first != right->first || left->second + 1 != right->second))
      return emitOpError() << "expected part " << left->second + 1
                           << " of the same ring after part " << left->second
                           << ", got part " << right->second;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Who runs an op
//===----------------------------------------------------------------------===//

/// Bulk groups and atomics belong to one lane.
static LogicalResult verifyOneLane(Operation *op) {
  if (op->getParentOfType<ElectOp>())
    return success();
  return op->emitOpError("expected cta.elect around it, got the whole role");
}

/// Barriers count whole warps.
static LogicalResult verifyWholeRole(Operation *op) {
  if (!op->getParentOfType<ElectOp>())
    return success();
  return op->emitOpError("expected the whole role, got one lane in cta.elect");
}

LogicalResult ElectOp::verify() {
  auto role = (*this)->getParentOfType<RoleOp>();
  if (!role)
    return emitOpError("expected cta.role around it, got none");
  if (failed(verifyWholeRole(*this)))
    return failure();
  if (getWarp() >= role.getWarps())
    return emitOpError() << "expected a warp in [0, " << role.getWarps()
                         << "), got " << getWarp();
  if (getNumResults() && role.getWarps() != 1)
    return emitOpError() << "expected a role of 1 warp for results, got "
                         << role.getWarps();
  return success();
}

LogicalResult ElectOp::verifyRegions() {
  auto yield = cast<YieldOp>(getBody().front().getTerminator());
  if (yield.getOperandTypes() != getResultTypes())
    return yield.emitOpError()
           << "expected values of the types of cta.elect's results ("
           << getResultTypes() << "), got (" << yield.getOperandTypes() << ")";
  return success();
}

LogicalResult NamedBarrierOp::verify() {
  constexpr int64_t kMaxId = getLargest(&TargetSpec::namedBarriers) - 1;
  constexpr int64_t kMaxThreads = 32 * getLargest(&TargetSpec::warpsPerCTA);
  if (getId() > kMaxId)
    return emitOpError() << "expected an id of 1 to " << kMaxId << ", got "
                         << getId();
  if (getThreads() > kMaxThreads)
    return emitOpError() << "expected at most " << kMaxThreads
                         << " threads, got " << getThreads();
  if (getThreads() % 32)
    return emitOpError() << "expected whole warps of 32 threads, got "
                         << getThreads();
  return success();
}

/// The role's threads are among those that the barrier counts.
static LogicalResult verifyMeeting(Operation *op, Value barrier) {
  if (failed(verifyWholeRole(op)))
    return failure();
  auto role = op->getParentOfType<RoleOp>();
  auto declaration = barrier.getDefiningOp<NamedBarrierOp>();
  if (role && declaration && 32 * role.getWarps() > declaration.getThreads())
    return op->emitOpError()
           << "expected a role of at most " << declaration.getThreads()
           << " threads, got " << 32 * role.getWarps();
  return success();
}

LogicalResult NamedSyncOp::verify() {
  return verifyMeeting(*this, getBarrier());
}
LogicalResult NamedArriveOp::verify() {
  return verifyMeeting(*this, getBarrier());
}
LogicalResult ClusterArriveOp::verify() { return verifyWholeRole(*this); }
LogicalResult ClusterWaitOp::verify() { return verifyWholeRole(*this); }
LogicalResult BulkCommitOp::verify() { return verifyOneLane(*this); }
LogicalResult BulkWaitOp::verify() { return verifyOneLane(*this); }

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

/// `indices` name an element of `memref`, from which `buffer` is copied.
static LogicalResult verifyCopy(Operation *op, Type memref, size_t indices,
                                BufferType buffer) {
  auto type = cast<MemRefType>(memref);
  if (indices != static_cast<size_t>(type.getRank()))
    return op->emitOpError() << "expected " << type.getRank() << " indices for "
                             << type << ", got " << indices;
  if (type.getElementType() != buffer.getElementType())
    return op->emitOpError() << "expected a tile of " << type.getElementType()
                             << ", got " << buffer;
  if (type.getElementTypeBitWidth() % 8)
    return op->emitOpError()
           << "expected elements of whole bytes, got " << type.getElementType()
           << ", which is packed in shared memory only";
  return success();
}

LogicalResult CopyAsyncOp::verify() {
  if (!getBarrier() != !getBarrierIndex())
    return emitOpError("expected a barrier and its index, or neither");
  return verifyCopy(*this, getSource().getType(), getIndices().size(),
                    getDest().getType());
}

/// As `verifyCopy`, of bytes in one piece.
static LogicalResult verifyBulk(Operation *op, Type memref, size_t indices,
                                BufferType buffer) {
  if (buffer.getBytes() % 16)
    return op->emitOpError()
           << "expected a multiple of 16 bytes, got " << buffer.getBytes();
  return verifyCopy(op, memref, indices, buffer);
}

LogicalResult BulkLoadOp::verify() {
  return verifyBulk(*this, getSource().getType(), getIndices().size(),
                    getDest().getType());
}

LogicalResult StoreAsyncOp::verify() {
  if (failed(verifyOneLane(*this)))
    return failure();
  return verifyCopy(*this, getDest().getType(), getIndices().size(),
                    getSource().getType());
}

LogicalResult BulkStoreOp::verify() {
  if (failed(verifyOneLane(*this)))
    return failure();
  return verifyBulk(*this, getDest().getType(), getIndices().size(),
                    getSource().getType());
}

LogicalResult BulkReduceAddOp::verify() {
  if (failed(verifyOneLane(*this)))
    return failure();
  Type element = getSource().getType().getElementType();
  if (!element.isF32() && !element.isF16() && !element.isBF16() &&
      !element.isSignlessInteger(32))
    return emitOpError() << "expected elements of type f32, f16, bf16 or i32, "
                            "got "
                         << element;
  return verifyBulk(*this, getDest().getType(), getIndices().size(),
                    getSource().getType());
}

LogicalResult CopyMulticastOp::verify() {
  return verifyCopy(*this, getSource().getType(), getIndices().size(),
                    getDest().getType());
}

static BufferType getLocal(Value peer) {
  return cast<BufferType>(cast<PeerType>(peer.getType()).getLocal());
}

LogicalResult PeerCopyOp::verify() {
  BufferType source = getSource().getType(), dest = getLocal(getDest());
  if (source.getElementType() != dest.getElementType() ||
      source.getBytes() != dest.getBytes() || source.getBytes() % 16)
    return emitOpError() << "expected tiles of one element type and one size, "
                            "a multiple of 16 bytes, got "
                         << source << " and " << dest;
  return success();
}

LogicalResult PeerStoreOp::verify() {
  auto fragment = cast<RankedTensorType>(getFragment().getType());
  BufferType dest = getLocal(getDest());
  if (fragment.getShape() != dest.getShape() ||
      fragment.getElementType() != dest.getElementType())
    return emitOpError()
           << "expected a fragment and a buffer of the same shape "
              "and element type, got "
           << fragment << " and " << dest;
  return success();
}

//===----------------------------------------------------------------------===//
// Between CTAs of the grid
//===----------------------------------------------------------------------===//

static LogicalResult verifyElement(Operation *op, Type memref, size_t indices) {
  int64_t rank = cast<MemRefType>(memref).getRank();
  if (indices != static_cast<size_t>(rank))
    return op->emitOpError() << "expected " << rank << " indices for " << memref
                             << ", got " << indices;
  return success();
}

LogicalResult AtomicAddOp::verify() {
  if (failed(verifyOneLane(*this)))
    return failure();
  return verifyElement(*this, getMemref().getType(), getIndices().size());
}

LogicalResult LoadAcquireOp::verify() {
  return verifyElement(*this, getMemref().getType(), getIndices().size());
}
