//===- Simulator.cpp - runs CTA programs on the CPU -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Simulator/Simulator.h"
#include "Coverage.h"
#include "Machine.h"
#include "mla/Dialect/Levels/Levels.h"
#include "mla/Dialect/Levels/ProgramTarget.h"
#include <atomic>
#include <thread>

using namespace mlir;
using namespace mla;
using namespace mla::sim;
using namespace mla::interp;

//===----------------------------------------------------------------------===//
// What a program may consist of
//===----------------------------------------------------------------------===//

static bool isOpaqueType(Type type) {
  return isa<cta::RingType, cta::BufferType, cta::InFlightType,
             cta::MBarrierType, cta::NamedBarrierType, cta::TensorMapType,
             cta::DescriptorType, cta::PeerType>(type);
}

/// Of ops whose regions the role itself, or the simulator, enters.
static LogicalResult runElsewhere(Frame &, const Instruction &) {
  return success();
}

static const Vocabulary &getVocabulary() {
  static const Vocabulary vocabulary = [] {
    Vocabulary cta = getTileVocabulary();
    cta.owner = "simulator";
    cta.isOpaque = isOpaqueType;
    for (StringRef terminator : {"cta.yield", "scf.condition"})
      cta.terminators.insert(terminator);
    for (StringRef op : {"cta.role", "cta.elect", "scf.while"})
      cta.handlers[op] = runElsewhere;
    addBarrierOps(cta.handlers);
    addClusterOps(cta.handlers);
    addCopyOps(cta.handlers);
    addGlobalOps(cta.handlers);
    addProductOps(cta.handlers);
    addSharedOps(cta.handlers);
    return cta;
  }();
  return vocabulary;
}

static FailureOr<scf::ForallOp> findGrid(func::FuncOp function) {
  if (function.isExternal())
    return function.emitOpError("expected a function with a body");
  if (!function->hasAttr(cta::kVerifiedAttr))
    return function.emitOpError("expected a verified cta program; run "
                                "--mla-cta-pipeline first");
  if (failed(verifyLevel(function)))
    return failure();
  auto grids = function.getOps<scf::ForallOp>();
  if (!llvm::hasSingleElement(grids))
    return function.emitOpError("expected one scf.forall");
  scf::ForallOp grid = *grids.begin();
  if (grid.getBody()->getOps<cta::RoleOp>().empty())
    return grid.emitOpError("expected roles; run --mla-schedule first");
  return grid;
}

//===----------------------------------------------------------------------===//
// Plan
//===----------------------------------------------------------------------===//

namespace {
/// Gathers what all machines share, from one walk over the function.
class Planner {
public:
  Planner(Plan &plan, func::FuncOp function, scf::ForallOp grid)
      : plan(plan), function(function), grid(grid) {}

  LogicalResult run(const Program &program);

private:
  LogicalResult findRoles();
  LogicalResult checkElements();
  void findConstants(const Code &code);
  void addFootprints(Type type);
  void addWarpFootprints(cta::BufferType buffer, Type fragment, unsigned warps);
  void findWritten();
  LogicalResult checkLoadsOutside();

  Plan &plan;
  func::FuncOp function;
  scf::ForallOp grid;
};
} // namespace

LogicalResult Planner::run(const Program &program) {
  plan.program = &program;
  plan.function = function;
  for (const Instruction &in : program.body.instructions)
    if (in.op == grid)
      plan.grid = &in;
  plan.body = &plan.grid->bodies[0];
  auto bytes = function->getAttrOfType<IntegerAttr>(cta::kSharedBytesAttr);
  const int64_t limit = getTarget(function).sharedBytesPerCTA;
  plan.sharedBytes = bytes ? bytes.getInt() : limit;
  if (plan.sharedBytes > limit)
    return function.emitOpError()
           << "expected " << cta::kSharedBytesAttr << " in [0, " << limit
           << "], got " << plan.sharedBytes;
  if (failed(findRoles()) || failed(checkElements()))
    return failure();
  function.walk([&](cta::MBarrierOp op) {
    plan.barriers[op] = plan.numBarriers;
    plan.numBarriers += op.getResult().getType().getSize();
  });
  function.walk([&](Operation *op) {
    for (Type type : op->getResultTypes())
      addFootprints(type);
    for (Type type : op->getOperandTypes())
      addFootprints(type);
    auto role = op->getParentOfType<cta::RoleOp>();
    unsigned warps = role ? role.getWarps() : plan.warps;
    if (auto load = dyn_cast<cta::LoadSharedOp>(op))
      addWarpFootprints(load.getSource().getType(),
                        load.getFragment().getType(), warps);
    else if (auto store = dyn_cast<cta::StoreSharedOp>(op))
      addWarpFootprints(store.getDest().getType(),
                        store.getFragment().getType(), warps);
  });
  findConstants(program.body);
  findWritten();
  return checkLoadsOutside();
}

LogicalResult Planner::findRoles() {
  // What stands between roles runs before them.
  Operation *between = nullptr;
  for (auto [n, in] : llvm::enumerate(plan.body->instructions)) {
    auto role = dyn_cast<cta::RoleOp>(in.op);
    if (!role) {
      if (!plan.roles.empty() && !between && !isMemoryEffectFree(in.op) &&
          !cta::isDeclaration(in.op))
        between = in.op;
      continue;
    }
    if (between)
      return between->emitOpError("expected roles side by side, and nothing "
                                  "with an effect between them");
    plan.roles.push_back(n);
    plan.warps += role.getWarps();
  }
  if (plan.warps > 32)
    return grid.emitOpError()
           << "expected roles of at most 32 warps, got " << plan.warps;
  return success();
}

/// The interpreter has checked the types of values that it knows.
LogicalResult Planner::checkElements() {
  auto isKnown = [](Type type) {
    if (auto ring = dyn_cast<cta::RingType>(type))
      type = ring.getElementType();
    else if (auto buffer = dyn_cast<cta::BufferType>(type))
      type = buffer.getElementType();
    else if (auto descriptor = dyn_cast<cta::DescriptorType>(type))
      type = descriptor.getElementType();
    else
      return true;
    return getElementType(type).has_value();
  };
  WalkResult result = function.walk([&](Operation *op) -> WalkResult {
    for (Type type : op->getResultTypes())
      if (!isKnown(type))
        return op->emitOpError() << "has a value of type " << type
                                 << ", whose elements are not supported";
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

void Planner::findConstants(const Code &code) {
  for (const Instruction &in : code.instructions) {
    if (in.constant.tile)
      plan.constants.insert(in.constant.tile.get());
    for (const Code &body : in.bodies)
      findConstants(body);
  }
}

void Planner::addFootprints(Type type) {
  if (auto peer = dyn_cast<cta::PeerType>(type))
    type = peer.getLocal();
  if (plan.footprints.contains(type))
    return;
  if (auto buffer = dyn_cast<cta::BufferType>(type))
    plan.footprints[type] = makeFootprint(buffer);
  else if (auto descriptor = dyn_cast<cta::DescriptorType>(type))
    plan.footprints[type] = makeFootprint(descriptor);
}

void Planner::addWarpFootprints(cta::BufferType buffer, Type fragment,
                                unsigned warps) {
  Attribute layout = getLayoutOf(fragment);
  ArrayRef<int64_t> shape = buffer.getShape();
  if (!layout || !getWarpOf(layout, shape, 0, warps))
    return;
  std::vector<Footprint> &parts =
      plan.warpFootprints[{buffer, {layout, warps}}];
  for (unsigned w = 0; parts.size() < warps; ++w)
    parts.push_back(
        selectElements(plan.footprints[buffer], [&](int64_t element) {
          return *getWarpOf(layout, shape, element, warps) == w;
        }));
}

/// Arguments that ops other than atomics write.
void Planner::findWritten() {
  auto add = [&](Value memref) {
    auto argument = dyn_cast<BlockArgument>(memref);
    if (argument && argument.getOwner() == &function.getBody().front() &&
        !llvm::is_contained(plan.written, argument.getArgNumber()))
      plan.written.push_back(argument.getArgNumber());
  };
  function.walk([&](Operation *op) {
    if (auto store = dyn_cast<tile::StoreOp>(op))
      add(store.getDest());
    else if (auto async = dyn_cast<cta::StoreAsyncOp>(op))
      add(async.getDest());
    else if (auto bulk = dyn_cast<cta::BulkStoreOp>(op))
      add(bulk.getDest());
  });
}

/// Each CTA makes the loads outside the grid for itself, and here they are made
/// once: what it reads must not change.
LogicalResult Planner::checkLoadsOutside() {
  for (auto load : function.getOps<memref::LoadOp>())
    if (auto source = dyn_cast<BlockArgument>(load.getMemRef()))
      if (llvm::is_contained(plan.written, source.getArgNumber()))
        return load.emitOpError("reads outside the grid what the grid writes");
  return success();
}

//===----------------------------------------------------------------------===//
// Grid
//===----------------------------------------------------------------------===//

/// The points of `grid` by cluster: clusters of `dims` points a dimension.
static FailureOr<std::vector<SmallVector<int64_t>>>
orderByCluster(scf::ForallOp op, const Grid &grid, ArrayRef<int64_t> dims) {
  size_t rank = grid.counts.size();
  SmallVector<int64_t> clusters, inside(dims);
  inside.resize(rank, 1);
  for (size_t d = 0; d < rank; ++d) {
    if (inside[d] < 1 || grid.counts[d] % inside[d])
      return op.emitOpError() << "expected a multiple of " << inside[d]
                              << " CTAs, the cluster's size, in dimension " << d
                              << ", got " << grid.counts[d];
    clusters.push_back(grid.counts[d] / inside[d]);
  }
  // Points ascend, so those of a cluster keep their order.
  std::map<int64_t, std::vector<SmallVector<int64_t>>> byCluster;
  for (uint64_t n = 0; n < grid.numPoints; ++n) {
    SmallVector<int64_t> point = grid.locate(n);
    int64_t number = 0;
    for (size_t d = 0; d < rank; ++d)
      number = number * clusters[d] +
               (point[d] - grid.lower[d]) / grid.step[d] / inside[d];
    byCluster[number].push_back(std::move(point));
  }
  std::vector<SmallVector<int64_t>> points;
  for (auto &[number, cluster] : byCluster)
    llvm::append_range(points, cluster);
  return points;
}

/// CTAs that talk through global memory have to run together.
static bool needsWholeGrid(const Plan &plan) {
  bool whole = false;
  func::FuncOp function = plan.function;
  Block &entry = function.getBody().front();
  function.walk([&](Operation *op) {
    whole |=
        isa<cta::AtomicAddOp, cta::LoadAcquireOp, cta::BulkReduceAddOp>(op);
    // Reads are the ops that take a memref and are not known to write it.
    if (isa<tile::StoreOp, cta::StoreAsyncOp, cta::BulkStoreOp, memref::DimOp,
            cta::TensorMapOp>(op))
      return;
    for (unsigned number : plan.written)
      whole |= llvm::is_contained(op->getOperands(), entry.getArgument(number));
  });
  return whole;
}

namespace {
/// Runs the grid, machine by machine.
class GridRunner {
public:
  GridRunner(const Plan &plan, const Frame &values)
      : plan(plan), values(values) {}

  LogicalResult run(Frame &frame);

private:
  LogicalResult checkMemory(unsigned threads) const;
  void work(GridQueue &queue);

  const Plan &plan;
  const Frame &values;
  std::vector<SmallVector<int64_t>> points;
  unsigned clusterSize = 1;
  size_t perMachine = 1;
  std::atomic<uint64_t> done = 0;
  Coverage coverage;
};
} // namespace

LogicalResult GridRunner::checkMemory(unsigned threads) const {
  // Bytes and their shadow, a segment for each 64 of them at worst.
  uint64_t perCta = plan.sharedBytes * 4 + plan.agentsPerCta() * 4096;
  if (!threads)
    threads = std::max(1u, std::thread::hardware_concurrency());
  threads = std::min<uint64_t>(threads, points.size() / perMachine);
  uint64_t bytes = perCta * perMachine * threads;
  uint64_t limit = plan.options.memoryLimit, taken = plan.options.memoryTaken;
  if (!limit || (taken <= limit && bytes <= limit - taken))
    return success();
  InFlightDiagnostic error = plan.grid->op->emitOpError()
                             << "needs about " << bytes << " bytes to simulate "
                             << perMachine << " CTAs at a time on " << threads
                             << " threads";
  if (taken)
    error << " besides " << taken << " of arguments";
  return error << ", the limit is " << limit;
}

void GridRunner::work(GridQueue &queue) {
  while (std::optional<uint64_t> n = queue.take()) {
    ArrayRef<SmallVector<int64_t>> group =
        ArrayRef(points).slice(*n * perMachine, perMachine);
    Machine machine(plan, values, group, clusterSize,
                    plan.options.seed * 1000003 + *n,
                    *n ? nullptr : plan.options.trace);
    if (failed(machine.run()))
      queue.report(*n, *machine.getFailure());
    else if (std::optional<Failure> overlap = coverage.add(machine))
      queue.report(*n, *overlap);
    if (plan.options.progress)
      plan.options.progress(++done * perMachine, points.size());
  }
}

LogicalResult GridRunner::run(Frame &frame) {
  FailureOr<Grid> grid = makeGrid(frame, *plan.grid);
  if (failed(grid))
    return failure();
  SmallVector<int64_t> dims;
  if (auto cluster =
          plan.function->getAttrOfType<DenseI64ArrayAttr>(cta::kClusterAttr))
    llvm::append_range(dims, cluster.asArrayRef());
  Operation *op = plan.grid->op;
  if (dims.size() > grid->counts.size())
    return op->emitOpError()
           << "expected a cluster of at most " << grid->counts.size()
           << " dimensions, got " << dims.size();
  // The coordinates, twice while they are sorted.
  uint64_t limit = plan.options.memoryLimit;
  if (limit && grid->numPoints > limit / (2 * sizeof(points.front())))
    return op->emitOpError()
           << "has " << grid->numPoints
           << " CTAs, too many for the memory limit of " << limit;
  auto ordered = orderByCluster(cast<scf::ForallOp>(op), *grid, dims);
  if (failed(ordered))
    return failure();
  points = std::move(*ordered);
  for (int64_t size : dims)
    clusterSize *= size;
  perMachine = needsWholeGrid(plan) ? points.size() : clusterSize;
  uint64_t machines = points.empty() ? 0 : points.size() / perMachine;
  if (machines && failed(checkMemory(plan.options.threads)))
    return failure();
  if (plan.options.firstClusterOnly)
    machines = std::min<uint64_t>(machines, 1);
  GridQueue queue(machines);
  runOnThreads(plan.options.threads, machines, [&] { work(queue); });
  std::optional<Failure> error = queue.getFailure();
  if (!error && !plan.options.firstClusterOnly)
    error = coverage.findGap(plan);
  if (!error) {
    coverage.noteWorkspaces();
    return success();
  }
  frame.adopt(*error);
  return failure();
}

//===----------------------------------------------------------------------===//
// Entry
//===----------------------------------------------------------------------===//

/// Outside the grid there is no role: loads are those of the interpreter.
static Handler getHandlerOutside(const Instruction &in) {
  Handler handler =
      getTileVocabulary().handlers.lookup(in.op->getName().getStringRef());
  return handler ? handler : in.handler;
}

/// Executes the function's own block, then the grid.
static LogicalResult execute(const Plan &plan, Frame &frame) {
  for (const Instruction &in : plan.program->body.instructions) {
    if (&in == plan.grid) {
      if (failed(GridRunner(plan, frame).run(frame)))
        return failure();
    } else if (failed(getHandlerOutside(in)(frame, in))) {
      return failure();
    }
  }
  return success();
}

LogicalResult mla::sim::simulate(func::FuncOp function,
                                 ArrayRef<Argument> arguments,
                                 const Options &options) {
  FailureOr<scf::ForallOp> grid = findGrid(function);
  if (failed(grid))
    return failure();
  FailureOr<Program> program = translate(function, getVocabulary());
  if (failed(program) || failed(checkArguments(function, arguments)))
    return failure();
  Plan plan;
  plan.options = options;
  plan.arguments = arguments;
  if (failed(Planner(plan, function, *grid).run(*program)))
    return failure();
  if (options.trace)
    options.trace->kernel = function.getSymName().str();
  Run run;
  run.options.sms = options.sms;
  Frame frame(run, program->numSlots);
  frame.setArguments(program->body.arguments, arguments);
  if (succeeded(execute(plan, frame)))
    return success();
  // An error of the grid itself has been reported where it was found.
  if (!frame.getFailure())
    return failure();
  const Failure &why = *frame.getFailure();
  InFlightDiagnostic diagnostic = why.op->emitOpError() << why.message;
  for (const auto &[op, text] : why.notes)
    diagnostic.attachNote(op->getLoc()) << text;
  return diagnostic;
}
