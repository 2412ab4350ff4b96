//===- Kernel.cpp - facts about a kernel from its IR ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Explain/Kernel.h"
#include "Text.h"
#include "mla/Dialect/Levels/ProgramTarget.h"
#include "mla/Dialect/MLA/MLA.h"
#include "mla/Dialect/Tile/Tile.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mla;
using namespace mla::explain;

//===----------------------------------------------------------------------===//
// Shared memory
//===----------------------------------------------------------------------===//

static std::string describeTile(ArrayRef<int64_t> shape, Type element) {
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::interleave(shape, os, "×");
  os << " " << element;
  return text;
}

/// The offset of a ring or buffer, through those that it aliases.
static int64_t getOffset(Operation *op) {
  if (auto ring = dyn_cast<cta::RingOp>(op))
    return ring.getOffset().value_or(0);
  auto buffer = cast<cta::BufferOp>(op);
  if (buffer.getOffset())
    return *buffer.getOffset();
  Operation *base = buffer.getBase() ? findRoot(buffer.getBase()) : nullptr;
  return (base ? getOffset(base) : 0) + buffer.getByte().value_or(0);
}

static Allocation readRing(cta::RingOp ring) {
  cta::RingType type = ring.getResult().getType();
  Allocation allocation;
  allocation.kind = Allocation::Kind::Ring;
  allocation.name = ring.getName().str();
  allocation.offset = getOffset(ring);
  allocation.slots = type.getDepth();
  allocation.slotBytes = type.getSlotType().getBytes();
  allocation.type = describeTile(type.getShape(), type.getElementType());
  allocation.swizzle = type.getLayout() ? type.getLayout().getSwizzle() : 0;
  if (cta::RingOp below = ring.getRingBelow())
    allocation.aliases = below.getName().str();
  allocation.op = ring;
  return allocation;
}

static Allocation readBuffer(cta::BufferOp buffer) {
  cta::BufferType type = buffer.getResult().getType();
  Allocation allocation;
  allocation.kind = Allocation::Kind::Buffer;
  allocation.name = buffer.getName().str();
  allocation.offset = getOffset(buffer);
  allocation.slots = 1;
  allocation.slotBytes = type.getBytes();
  allocation.type = describeTile(type.getShape(), type.getElementType());
  allocation.swizzle = type.getLayout() ? type.getLayout().getSwizzle() : 0;
  if (buffer.getBase())
    if (Operation *base = findRoot(buffer.getBase()))
      allocation.aliases = base->getAttrOfType<StringAttr>("name").str();
  allocation.op = buffer;
  return allocation;
}

static Allocation readMBarriers(cta::MBarrierOp barrier) {
  Allocation allocation;
  allocation.kind = Allocation::Kind::Barrier;
  allocation.name = barrier.getName().str();
  allocation.offset = barrier.getOffset();
  allocation.slots = barrier.getResult().getType().getSize();
  allocation.slotBytes = 8;
  allocation.op = barrier;
  return allocation;
}

/// Allocations may overlap by their offsets alone: the smaller one aliases the
/// larger.
static void findAliases(std::vector<Allocation> &allocations) {
  for (Allocation &upper : allocations)
    for (const Allocation &lower : allocations) {
      auto size = [](const Allocation &a) { return a.end() - a.offset; };
      bool overlap = upper.offset < lower.end() && lower.offset < upper.end();
      if (upper.aliases.empty() && overlap && size(upper) < size(lower))
        upper.aliases = lower.name;
    }
}

static std::vector<Allocation> readAllocations(func::FuncOp func) {
  std::vector<Allocation> allocations;
  func.walk([&](Operation *op) {
    if (auto ring = dyn_cast<cta::RingOp>(op))
      allocations.push_back(readRing(ring));
    else if (auto buffer = dyn_cast<cta::BufferOp>(op))
      allocations.push_back(readBuffer(buffer));
    else if (auto barrier = dyn_cast<cta::MBarrierOp>(op))
      allocations.push_back(readMBarriers(barrier));
  });
  // At one offset the larger one first: others alias it.
  llvm::sort(allocations, [](const Allocation &a, const Allocation &b) {
    return std::tuple(a.offset, -a.end(), StringRef(a.name)) <
           std::tuple(b.offset, -b.end(), StringRef(b.name));
  });
  findAliases(allocations);
  return allocations;
}

//===----------------------------------------------------------------------===//
// Barriers
//===----------------------------------------------------------------------===//

static std::string countOf(int64_t count, StringRef what) {
  return (llvm::Twine(count) + " " + what + (count == 1 ? "" : "s")).str();
}

/// How `op` arrives at a barrier; nothing if it does not.
static std::optional<Arrival> readArrival(Operation *op, const Role &role) {
  bool elected = op->getParentOfType<cta::ElectOp>() != nullptr;
  if (isa<cta::ArriveOp, cta::PeerArriveOp>(op)) {
    int64_t count = elected ? 1 : role.warps;
    return Arrival{role.name, count,
                   countOf(count, elected ? "thread" : "warp")};
  }
  if (isa<cta::ArriveCopiesOp>(op))
    return Arrival{role.name, 32 * role.warps,
                   countOf(32 * role.warps, "thread") +
                       ", each once its copies have landed"};
  if (auto expect = dyn_cast<cta::ArriveExpectOp>(op))
    return Arrival{role.name, 1,
                   "1 thread, announcing " +
                       formatNumber(static_cast<double>(expect.getBytes())) +
                       " bytes"};
  if (isa<cta::NamedArriveOp, cta::NamedSyncOp>(op))
    return Arrival{role.name, 32 * role.warps,
                   countOf(32 * role.warps, "thread")};
  return std::nullopt;
}

/// Adds what `role` does with `barrier`. All its arrivals by one kind of op
/// have the same count (--mla-verify-async checks that), so the first one
/// suffices.
static void readUses(const Role &role, Barrier &barrier) {
  llvm::SmallDenseSet<OperationName> arrives;
  bool waits = false;
  cta::RoleOp(role.op).walk([&](Operation *op) {
    if (op->getNumOperands() == 0 || findRoot(op->getOperand(0)) != barrier.op)
      return;
    if (std::optional<Arrival> arrival = readArrival(op, role);
        arrival && arrives.insert(op->getName()).second)
      barrier.arrivals.push_back(std::move(*arrival));
    waits |= getCategory(op) == Category::Wait;
  });
  if (waits)
    barrier.waiters.push_back(role.name);
}

static std::vector<Barrier> readBarriers(func::FuncOp func,
                                         ArrayRef<Role> roles) {
  std::vector<Barrier> barriers;
  func.walk([&](Operation *op) {
    Barrier barrier;
    if (auto array = dyn_cast<cta::MBarrierOp>(op)) {
      barrier.slots = array.getResult().getType().getSize();
      barrier.count = array.getCount();
      barrier.offset = array.getOffset();
    } else if (auto named = dyn_cast<cta::NamedBarrierOp>(op)) {
      barrier.slots = 1;
      barrier.count = named.getThreads();
    } else {
      return;
    }
    barrier.name = op->getAttrOfType<StringAttr>("name").str();
    barrier.op = op;
    for (const Role &role : roles)
      readUses(role, barrier);
    barriers.push_back(std::move(barrier));
  });
  return barriers;
}

//===----------------------------------------------------------------------===//
// The kernel
//===----------------------------------------------------------------------===//

const Barrier *Kernel::findBarrier(Operation *op) const {
  auto found =
      llvm::find_if(barriers, [&](const Barrier &b) { return b.op == op; });
  return found == barriers.end() ? nullptr : &*found;
}

int64_t Kernel::threads() const {
  int64_t threads = 0;
  for (const Role &role : roles)
    threads += 32 * role.warps;
  return threads;
}

/// CTAs of a cluster, by the attribute `cta.cluster` (one number a dimension of
/// the grid).
static int64_t readClusterSize(func::FuncOp func) {
  int64_t size = 1;
  if (auto cluster = func->getAttrOfType<DenseI64ArrayAttr>(cta::kClusterAttr))
    for (int64_t ctas : cluster.asArrayRef())
      size *= ctas;
  return size;
}

FailureOr<Kernel> explain::readKernel(func::FuncOp func) {
  auto grids = func.getOps<scf::ForallOp>();
  if (!func->hasAttr(cta::kVerifiedAttr) || grids.empty())
    return func.emitError("expected a verified CTA program; run "
                          "--mla-cta-pipeline first");
  Kernel kernel;
  kernel.func = func;
  kernel.grid = *grids.begin();
  if (auto name = func->getAttrOfType<StringAttr>(kOperatorAttr))
    kernel.operatorName = name.str();
  if (auto schedule = func->getAttrOfType<ScheduleAttr>(kScheduleAttr))
    kernel.schedule = schedule.getName().str();
  if (auto bytes = func->getAttrOfType<IntegerAttr>(cta::kSharedBytesAttr))
    kernel.sharedBytes = bytes.getInt();
  kernel.target = &getTarget(func);
  kernel.clusterSize = readClusterSize(func);
  func.walk([&](cta::RoleOp role) {
    kernel.roles.push_back({role.getName().str(),
                            static_cast<int64_t>(role.getWarps()),
                            static_cast<int64_t>(role.getRegisters()), role});
  });
  kernel.allocations = readAllocations(func);
  kernel.barriers = readBarriers(func, kernel.roles);
  return kernel;
}
