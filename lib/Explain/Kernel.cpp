//===- Kernel.cpp - what the IR of a kernel says --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Explain/Kernel.h"
#include "Text.h"
#include "mla/Dialect/Levels/ProgramTarget.h"
#include "mla/Dialect/MLA/MLA.h"
#include "mla/Dialect/Tile/Tile.h"
#include "mla/Tuning/Machine.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mla;
using namespace mla::explain;

//===----------------------------------------------------------------------===//
// Arguments, sizes, grid
//===----------------------------------------------------------------------===//

std::string explain::getArgumentName(func::FuncOp func, unsigned argument) {
  if (auto name = func.getArgAttrOfType<StringAttr>(argument, kArgNameAttr))
    return name.str();
  return "arg" + std::to_string(argument);
}

/// What the function says of a run-time size: its name or its number; or null.
static Attribute getKnownSize(func::FuncOp func, unsigned argument,
                              int64_t dim) {
  auto dims = func.getArgAttrOfType<ArrayAttr>(argument, kArgDimsAttr);
  return dims && dim < static_cast<int64_t>(dims.size()) ? dims[dim]
                                                         : Attribute();
}

/// The name of a run-time size: its symbol, or "arg1.0".
static std::string getSizeName(func::FuncOp func, unsigned argument,
                               int64_t dim) {
  if (auto symbol =
          dyn_cast_or_null<StringAttr>(getKnownSize(func, argument, dim));
      symbol && !symbol.empty())
    return symbol.str();
  return getArgumentName(func, argument) + "." + std::to_string(dim);
}

static std::optional<int64_t> evaluateSize(func::FuncOp func, unsigned argument,
                                           int64_t dim, const Sizes &sizes) {
  auto type = dyn_cast<MemRefType>(func.getArgument(argument).getType());
  if (!type)
    return std::nullopt;
  if (!type.isDynamicDim(dim))
    return type.getDimSize(dim);
  if (auto size =
          dyn_cast_or_null<IntegerAttr>(getKnownSize(func, argument, dim)))
    return size.getInt();
  auto size = sizes.find(getSizeName(func, argument, dim));
  if (size == sizes.end())
    return std::nullopt;
  return size->second;
}

std::optional<std::vector<int64_t>> explain::evaluateShape(func::FuncOp func,
                                                           unsigned argument,
                                                           const Sizes &sizes) {
  std::vector<int64_t> shape;
  int64_t rank =
      cast<MemRefType>(func.getArgument(argument).getType()).getRank();
  for (int64_t dim = 0; dim < rank; ++dim) {
    std::optional<int64_t> size = evaluateSize(func, argument, dim, sizes);
    if (!size)
      return std::nullopt;
    shape.push_back(*size);
  }
  return shape;
}

namespace {
/// A bound of the grid: a constant, or the size of an argument's dimension,
/// divided upwards.
struct Extent {
  std::optional<int64_t> constant;
  std::optional<unsigned> argument;
  int64_t dim = 0, divide = 1;
};
} // namespace

static Extent readExtent(OpFoldResult bound) {
  Extent extent;
  extent.constant = getConstantIntValue(bound);
  auto value = dyn_cast<Value>(bound);
  if (extent.constant || !value)
    return extent;
  Operation *def = value.getDefiningOp();
  if (isa_and_present<arith::CeilDivUIOp, arith::CeilDivSIOp>(def)) {
    extent.divide =
        getConstantIntValue(OpFoldResult(def->getOperand(1))).value_or(0);
    value = def->getOperand(0);
  }
  auto dim = value.getDefiningOp<memref::DimOp>();
  auto source = dim ? dyn_cast<BlockArgument>(dim.getSource()) : nullptr;
  if (source && dim.getConstantIndex() && extent.divide > 0) {
    extent.argument = source.getArgNumber();
    extent.dim = *dim.getConstantIndex();
  }
  return extent;
}

/// A value that the grid's size is computed of; "?" where it is not known how.
static std::string describeBound(func::FuncOp func, OpFoldResult bound) {
  if (std::optional<int64_t> constant = getConstantIntValue(bound))
    return std::to_string(*constant);
  Extent extent = readExtent(bound);
  if (extent.argument) {
    std::string size = getSizeName(func, *extent.argument, extent.dim);
    return extent.divide == 1
               ? size
               : "⌈" + size + " / " + std::to_string(extent.divide) + "⌉";
  }
  Operation *def = cast<Value>(bound).getDefiningOp();
  if (isa_and_present<tile::SmCountOp>(def))
    return "SMs";
  auto operand = [&](unsigned n) {
    return describeBound(func, def->getOperand(n));
  };
  if (isa_and_present<arith::MulIOp>(def)) {
    std::string a = operand(0), b = operand(1);
    return a == "1" ? b : a + " × " + b;
  }
  if (isa_and_present<arith::MinUIOp>(def))
    return "min(" + operand(0) + ", " + operand(1) + ")";
  return "?";
}

std::string explain::describeGrid(const Kernel &kernel) {
  std::vector<std::string> texts;
  for (OpFoldResult bound : kernel.grid.getMixedUpperBound())
    texts.push_back(describeBound(kernel.func, bound));
  return llvm::join(texts, " × ");
}

static std::optional<int64_t>
evaluateBound(func::FuncOp func, OpFoldResult bound, const Sizes &sizes) {
  if (std::optional<int64_t> constant = getConstantIntValue(bound))
    return constant;
  Extent extent = readExtent(bound);
  if (extent.argument) {
    std::optional<int64_t> size =
        evaluateSize(func, *extent.argument, extent.dim, sizes);
    return size ? std::optional(llvm::divideCeil(*size, extent.divide))
                : std::nullopt;
  }
  Operation *def = cast<Value>(bound).getDefiningOp();
  if (isa_and_present<tile::SmCountOp>(def))
    return Machine().sms;
  if (!isa_and_present<arith::MulIOp, arith::MinUIOp>(def))
    return std::nullopt;
  std::optional<int64_t> a = evaluateBound(func, def->getOperand(0), sizes);
  std::optional<int64_t> b = evaluateBound(func, def->getOperand(1), sizes);
  if (!a || !b)
    return std::nullopt;
  return isa<arith::MulIOp>(def) ? *a * *b : std::min(*a, *b);
}

std::optional<std::vector<int64_t>> explain::evaluateGrid(const Kernel &kernel,
                                                          const Sizes &sizes) {
  std::vector<int64_t> values;
  for (OpFoldResult bound : kernel.grid.getMixedUpperBound()) {
    std::optional<int64_t> value = evaluateBound(kernel.func, bound, sizes);
    if (!value)
      return std::nullopt;
    values.push_back(*value);
  }
  return values;
}

/// Whether every use of `value` leads to the grid's bounds.
static bool isOnlyBound(Value value, Operation *grid) {
  return llvm::all_of(value.getUsers(), [&](Operation *user) {
    return user == grid || (isa<arith::CeilDivUIOp, arith::CeilDivSIOp>(user) &&
                            isOnlyBound(user->getResult(0), grid));
  });
}

std::vector<GridSize> explain::findGridSizes(const Kernel &kernel) {
  std::vector<GridSize> sizes;
  func::FuncOp func = kernel.func;
  for (OpFoldResult bound : kernel.grid.getMixedUpperBound()) {
    Extent extent = readExtent(bound);
    if (!extent.argument ||
        !cast<MemRefType>(func.getArgument(*extent.argument).getType())
             .isDynamicDim(extent.dim))
      continue;
    // A size that anything else reads may change what a CTA does.
    std::string name = getSizeName(func, *extent.argument, extent.dim);
    WalkResult others = func.walk([&](memref::DimOp dim) {
      auto source = dyn_cast<BlockArgument>(dim.getSource());
      std::optional<int64_t> index = dim.getConstantIndex();
      bool same = source && index &&
                  getSizeName(func, source.getArgNumber(), *index) == name;
      return same && !isOnlyBound(dim.getResult(), kernel.grid)
                 ? WalkResult::interrupt()
                 : WalkResult::advance();
    });
    if (!others.wasInterrupted())
      sizes.push_back({name, extent.divide});
  }
  return sizes;
}

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

/// The place of a ring or buffer, through those that it lies over.
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
    allocation.over = below.getName().str();
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
      allocation.over = base->getAttrOfType<StringAttr>("name").str();
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

/// Tiles may be placed over others by their offsets alone: the smaller one is
/// over the larger.
static void findAliases(std::vector<Allocation> &allocations) {
  for (Allocation &upper : allocations)
    for (const Allocation &lower : allocations) {
      auto size = [](const Allocation &a) { return a.end() - a.offset; };
      bool overlap = upper.offset < lower.end() && lower.offset < upper.end();
      if (upper.over.empty() && overlap && size(upper) < size(lower))
        upper.over = lower.name;
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
  // At the same place the larger one first: it is the one lain over.
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
  if (isa<cta::ArriveOp>(op)) {
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

/// Adds what `role` does with `barrier`. It arrives alike by all ops of a kind
/// (--mla-verify-async), so the first one speaks for all.
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
