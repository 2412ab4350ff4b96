//===- Plan.cpp - what all machines of a run share --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Plan.h"
#include "mla/Dialect/Levels/ProgramTarget.h"

using namespace mlir;
using namespace mla;
using namespace mla::sim;
using namespace mla::interp;

namespace {
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
  bool needsWholeGrid();
  LogicalResult checkFlags();
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
  plan.needsWholeGrid = needsWholeGrid();
  if (failed(checkFlags()))
    return failure();
  return checkLoadsOutside();
}

LogicalResult Planner::findRoles() {
  // Ops between roles run before all of them.
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

/// The interpreter has checked the types of the other values.
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

/// Finds the arguments that ops other than cta.store_release write.
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

/// Whether CTAs communicate through global memory: they have to run together.
bool Planner::needsWholeGrid() {
  bool whole = false;
  Block &entry = function.getBody().front();
  function.walk([&](Operation *op) {
    whole |= isa<cta::LoadAcquireOp, cta::StoreReleaseOp>(op);
    // An op that takes a memref and is none of these reads it.
    if (isa<tile::StoreOp, cta::StoreAsyncOp, cta::BulkStoreOp, memref::DimOp,
            cta::TensorMapOp>(op))
      return;
    for (unsigned number : plan.written)
      whole |= llvm::is_contained(op->getOperands(), entry.getArgument(number));
  });
  return whole;
}

/// Accesses to flags are not recorded, so ordinary accesses to the same memref
/// could not be checked against them.
LogicalResult Planner::checkFlags() {
  for (Value argument : function.getArguments()) {
    auto isFlagOp = [](Operation *op) {
      return isa<cta::LoadAcquireOp, cta::StoreReleaseOp>(op);
    };
    if (llvm::none_of(argument.getUsers(), isFlagOp))
      continue;
    for (Operation *user : argument.getUsers())
      if (!isFlagOp(user) && !isa<memref::DimOp>(user))
        return user->emitOpError("accesses a memref of flags, expected "
                                 "cta.load_acquire or cta.store_release");
  }
  return success();
}

/// Loads outside the grid, which each CTA makes for itself, are made once here:
/// what they read must not change.
LogicalResult Planner::checkLoadsOutside() {
  for (auto load : function.getOps<memref::LoadOp>())
    if (auto source = dyn_cast<BlockArgument>(load.getMemRef()))
      if (llvm::is_contained(plan.written, source.getArgNumber()))
        return load.emitOpError("reads outside the grid what the grid writes");
  return success();
}

LogicalResult mla::sim::makePlan(Plan &plan, func::FuncOp function,
                                 scf::ForallOp grid, const Program &program) {
  return Planner(plan, function, grid).run(program);
}
