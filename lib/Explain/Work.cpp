//===- Work.cpp - FLOPs and bytes of a kernel -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Explain/Work.h"
#include "Text.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;
using namespace mla;
using namespace mla::explain;

//===----------------------------------------------------------------------===//
// One execution of one op
//===----------------------------------------------------------------------===//

static ArrayRef<int64_t> getShape(Type type) {
  if (auto buffer = dyn_cast<cta::BufferType>(type))
    return buffer.getShape();
  if (auto descriptor = dyn_cast<cta::DescriptorType>(type))
    return descriptor.getShape();
  return cast<RankedTensorType>(type).getShape();
}

static double getBytes(Type type) {
  if (auto buffer = dyn_cast<cta::BufferType>(type))
    return static_cast<double>(buffer.getBytes());
  Type element;
  if (auto descriptor = dyn_cast<cta::DescriptorType>(type))
    element = descriptor.getElementType();
  else
    element = cast<RankedTensorType>(type).getElementType();
  int64_t bits = std::max(8u, element.getIntOrFloatBitWidth());
  return static_cast<double>(ShapedType::getNumElements(getShape(type)) * bits /
                             8);
}

/// How many threads of a role hold, and so compute, one element of a fragment.
static double getCopies(Type type) {
  std::optional<cta::FragmentLayout> layout = cta::getLayout(type);
  if (!layout)
    return 1;
  switch (*layout) {
  case cta::FragmentLayout::row:
    return 4; // A quad.
  case cta::FragmentLayout::column:
    return 32; // Every eighth lane of all four warps, and both rows.
  case cta::FragmentLayout::gather:
  case cta::FragmentLayout::warp_column:
    return 8;
  default:
    return 1;
  }
}

static double countFlops(cta::MmaAsyncOp mma) {
  auto type = mma.getResult().getType().getFragment();
  double m = static_cast<double>(type.getDimSize(0));
  double elements = static_cast<double>(
      ShapedType::getNumElements(getShape(mma.getA().getType())));
  double k = elements / m;
  return 2 * static_cast<double>(type.getNumElements()) * k;
}

/// Bytes of shared memory that an MMA reads: each instruction of 64 rows reads
/// its A, unless that is in registers, and all of B.
static double countOperandBytes(cta::MmaAsyncOp mma) {
  double batches = static_cast<double>(
      mma.getResult().getType().getFragment().getDimSize(0) / 64);
  double bytes = batches * getBytes(mma.getB().getType());
  if (!isa<RankedTensorType>(mma.getA().getType()))
    bytes += getBytes(mma.getA().getType());
  return bytes;
}

/// Results of the special function unit.
static double countSpecials(Operation *op) {
  if (!isa<math::Exp2Op, math::ExpOp, math::Log2Op, math::LogOp, math::TanhOp,
           math::RsqrtOp, arith::DivFOp>(op))
    return 0;
  auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  return type ? static_cast<double>(type.getNumElements()) * getCopies(type)
              : 1;
}

static double countSharedBytes(Operation *op) {
  return llvm::TypeSwitch<Operation *, double>(op)
      .Case<cta::MmaAsyncOp>([](auto mma) { return countOperandBytes(mma); })
      .Case<cta::CopyAsyncOp, cta::GatherAsyncOp, cta::BulkLoadOp,
            cta::StoreSharedOp>(
          [](auto write) { return getBytes(write.getDest().getType()); })
      .Case<cta::LoadSharedOp, cta::StoreAsyncOp, cta::BulkStoreOp>(
          [](auto read) { return getBytes(read.getSource().getType()); })
      .Default([](Operation *) { return 0.0; });
}

namespace {
/// A transfer between a memref and a CTA.
struct Transfer {
  Value memref;
  double bytes = 0;
  bool written = false;
};
} // namespace

static Transfer readTransfer(Operation *op) {
  return llvm::TypeSwitch<Operation *, Transfer>(op)
      .Case<cta::CopyAsyncOp, cta::GatherAsyncOp, cta::BulkLoadOp>(
          [](auto copy) {
            return Transfer{copy.getSource(),
                            getBytes(copy.getDest().getType()), false};
          })
      .Case<tile::LoadOp>([](auto load) {
        return Transfer{load.getSource(), getBytes(load.getResult().getType()),
                        false};
      })
      .Case<tile::StoreOp>([](auto store) {
        return Transfer{store.getDest(), getBytes(store.getTile().getType()),
                        true};
      })
      .Case<cta::StoreAsyncOp, cta::BulkStoreOp>([](auto store) {
        return Transfer{store.getDest(), getBytes(store.getSource().getType()),
                        true};
      })
      .Default([](Operation *) { return Transfer(); });
}

std::string explain::describeWork(Operation *op) {
  if (auto mma = dyn_cast<cta::MmaAsyncOp>(op)) {
    auto type = mma.getResult().getType().getFragment();
    int64_t k = ShapedType::getNumElements(getShape(mma.getA().getType())) /
                type.getDimSize(0);
    return (llvm::Twine(type.getDimSize(0)) + "×" +
            llvm::Twine(type.getDimSize(1)) + "×" + llvm::Twine(k) + ": " +
            formatQuantity(countFlops(mma), "FLOP"))
        .str();
  }
  if (double bytes = std::max(countSharedBytes(op), readTransfer(op).bytes))
    return formatQuantity(bytes, "B");
  if (double results = countSpecials(op))
    return formatNumber(results) + " special function results";
  return "";
}

//===----------------------------------------------------------------------===//
// Bytes that several CTAs move
//===----------------------------------------------------------------------===//

/// Marks the dimensions of the grid that `value` depends on.
static void markGridDims(Value value, scf::ForallOp grid,
                         llvm::DenseSet<Value> &seen,
                         SmallVectorImpl<bool> &dims) {
  if (!seen.insert(value).second)
    return;
  auto follow = [&](ValueRange values) {
    for (Value next : values)
      markGridDims(next, grid, seen, dims);
  };
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    Operation *parent = argument.getOwner()->getParentOp();
    if (parent == grid)
      dims[argument.getArgNumber()] = true;
    else if (auto loop = dyn_cast<scf::ForOp>(parent)) {
      follow(loop->getOperands());
      if (argument != loop.getInductionVar())
        follow(loop.getTiedLoopYieldedValue(argument)->get());
    }
    return;
  }
  Operation *def = value.getDefiningOp();
  follow(def->getOperands());
  for (Region &region : def->getRegions())
    for (Block &block : region)
      follow(block.getTerminator()->getOperands());
}

/// The share of distinct bytes in what the grid moves by `op`. CTAs that differ
/// only in a dimension of the grid that no operand depends on move the same
/// bytes.
static double getDistinctShare(Operation *op, const Kernel &kernel,
                               ArrayRef<int64_t> extents) {
  SmallVector<bool> dims(extents.size(), false);
  llvm::DenseSet<Value> seen;
  scf::ForallOp grid = kernel.grid;
  for (Value operand : op->getOperands())
    if (isa<IndexType, IntegerType, RankedTensorType>(operand.getType()))
      markGridDims(operand, grid, seen, dims);
  double share = 1;
  for (auto [depends, extent] : llvm::zip(dims, extents))
    if (!depends)
      share /= static_cast<double>(std::max<int64_t>(1, extent));
  return share;
}

//===----------------------------------------------------------------------===//
// The work of a trace
//===----------------------------------------------------------------------===//

/// The number of executions of each op, in the order of first execution. An
/// asynchronous op has one event for its issue and one for its run.
static llvm::MapVector<Operation *, int64_t>
countExecutions(const sim::Trace &trace) {
  llvm::MapVector<Operation *, std::array<int64_t, 4>> byKind;
  for (const sim::TraceEvent &event : trace.events)
    ++byKind[event.op][static_cast<unsigned>(event.kind)];
  llvm::MapVector<Operation *, int64_t> counts;
  for (auto &[op, kinds] : byKind)
    counts[op] = *std::max_element(kinds.begin(), kinds.end());
  return counts;
}

static double getArgumentBytes(const Kernel &kernel, unsigned argument,
                               const Sizes &sizes) {
  func::FuncOp func = kernel.func;
  auto type = cast<MemRefType>(func.getArgument(argument).getType());
  std::optional<std::vector<int64_t>> shape =
      evaluateShape(func, argument, sizes);
  if (!shape)
    return std::numeric_limits<double>::infinity();
  double bytes = std::max(8u, type.getElementTypeBitWidth()) / 8;
  for (int64_t size : *shape)
    bytes *= static_cast<double>(size);
  return bytes;
}

double Work::gridDistinctBytes() const {
  double bytes = 0;
  for (const ArgumentTraffic &argument : arguments)
    bytes += argument.distinctBytes;
  return bytes;
}

Work explain::countWork(const Kernel &kernel, const sim::Trace &trace,
                        const Sizes &sizes) {
  Work work;
  std::vector<int64_t> extents =
      evaluateGrid(kernel, sizes)
          .value_or(std::vector<int64_t>(kernel.grid.getRank(), 1));
  double ctas = 1;
  for (int64_t extent : extents)
    ctas *= static_cast<double>(extent);
  work.clusters = ctas / static_cast<double>(kernel.clusterSize);

  llvm::MapVector<unsigned, ArgumentTraffic> arguments;
  for (auto &[op, executions] : countExecutions(trace)) {
    double times = static_cast<double>(executions);
    if (auto mma = dyn_cast<cta::MmaAsyncOp>(op))
      work.flops += times * countFlops(mma);
    work.specials += times * countSpecials(op);
    work.sharedBytes += times * countSharedBytes(op);
    Transfer transfer = readTransfer(op);
    auto argument = dyn_cast_or_null<BlockArgument>(transfer.memref);
    if (!argument || argument.getOwner()->getParentOp() != kernel.func)
      continue;
    ArgumentTraffic &traffic = arguments[argument.getArgNumber()];
    double bytes = times * transfer.bytes;
    work.globalBytes += bytes;
    traffic.clusterBytes += bytes;
    traffic.written |= transfer.written;
    traffic.gridBytes += bytes * work.clusters;
    traffic.distinctBytes +=
        bytes * work.clusters * getDistinctShare(op, kernel, extents);
  }
  for (auto &[number, traffic] : arguments) {
    traffic.name = getArgumentName(kernel.func, number);
    traffic.distinctBytes = std::min(traffic.distinctBytes,
                                     getArgumentBytes(kernel, number, sizes));
    work.arguments.push_back(traffic);
  }
  return work;
}

//===----------------------------------------------------------------------===//
// Against the machine
//===----------------------------------------------------------------------===//

std::vector<Bound> explain::listBounds(const Kernel &kernel, const Work &work,
                                       const GpuRates &machine) {
  double ctas = static_cast<double>(kernel.clusterSize);
  double distinct =
      work.clusters > 0 ? work.gridDistinctBytes() / work.clusters : 0;
  return {{"Tensor core", work.flops / ctas, "FLOP",
           machine.tensorFlopsPerCycle, "dense bf16"},
          {"Shared memory", work.sharedBytes / ctas, "B",
           machine.sharedBytesPerCycle, "reads and writes"},
          {"Special functions", work.specials / ctas, "results",
           machine.specialPerCycle, "exp2, log2, reciprocal"},
          {"L2 to SM", work.globalBytes / ctas, "B",
           machine.bytesPerCycle(machine.measuredL2BytesPerSecond),
           "gather, measured"},
          {"HBM", distinct / ctas, "B",
           machine.bytesPerCycle(machine.hbmBytesPerSecond),
           "an SM's share of the nominal rate"}};
}

int64_t explain::countResidentCTAs(const Kernel &kernel,
                                   const GpuRates &machine) {
  int64_t registers = 0;
  for (const Role &role : kernel.roles)
    registers += role.totalRegisters();
  int64_t byShared = machine.target->sharedBytesPerSM /
                     (kernel.sharedBytes + machine.target->reservedSharedBytes);
  int64_t byRegisters =
      machine.target->registersPerSM / std::max<int64_t>(1, registers);
  return std::max<int64_t>(1, std::min(byShared, byRegisters));
}

double explain::modelSeconds(const Kernel &kernel, const Work &work,
                             double cycles, const GpuRates &machine) {
  double slots =
      static_cast<double>(machine.sms * countResidentCTAs(kernel, machine));
  double ctas = work.clusters * static_cast<double>(kernel.clusterSize);
  return std::ceil(ctas / slots) * cycles / (machine.clockGHz * 1e9);
}
