//===- Mutation.cpp - faults in the kernels of a program --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Mutation/Mutation.h"
#include "Enumerator.h"

using namespace mlir;
using namespace mla;
using namespace mla::mutation;

//===----------------------------------------------------------------------===//
// Classes of ops
//===----------------------------------------------------------------------===//

SyncClass mutation::classify(Operation *op) {
  if (isa<cta::FenceAsyncOp, cta::MmaFenceOp, cta::MBarrierInitFenceOp,
          cta::SyncOp>(op))
    return SyncClass::Fence;
  if (isa<cta::MmaCommitOp, cta::BulkCommitOp>(op))
    return SyncClass::Commit;
  if (isa<cta::MmaWaitOp, cta::BulkWaitOp>(op))
    return SyncClass::GroupWait;
  if (isa<cta::MBarrierWaitOp, cta::NamedSyncOp, cta::ClusterWaitOp,
          cta::LaunchWaitOp, cta::AcquireOp, cta::AwaitOp>(op))
    return SyncClass::Wait;
  if (isa<cta::ArriveOp, cta::ArriveCopiesOp, cta::ArriveExpectOp,
          cta::NamedArriveOp, cta::ClusterArriveOp, cta::StoreReleaseOp,
          cta::ReleaseOp>(op))
    return SyncClass::Arrival;
  if (isa<cta::MBarrierInitOp>(op))
    return SyncClass::Init;
  return SyncClass::None;
}

bool mutation::isEvent(Operation *op) {
  // Declarations, roles and terminators cannot move.
  if (cta::isDeclaration(op) || op->hasTrait<OpTrait::IsTerminator>())
    return false;
  return !isMemoryEffectFree(op);
}

OpOperand *mutation::getBarrier(Operation *op) {
  for (OpOperand &operand : op->getOpOperands()) {
    Type type = operand.get().getType();
    if (isa<cta::MBarrierType>(type) && !isa<cta::MBarrierInitOp>(op))
      return &operand;
  }
  return nullptr;
}

OpOperand &mutation::getBarrierIndex(Operation *op) {
  // In every op that takes mbarriers the index follows them.
  return op->getOpOperand(getBarrier(op)->getOperandNumber() + 1);
}

cta::RingOp mutation::getRing(Value value) {
  while (value) {
    Operation *def = value.getDefiningOp();
    if (auto ring = dyn_cast_or_null<cta::RingOp>(def))
      return ring;
    if (isa_and_nonnull<cta::SlotOp, cta::ViewOp, cta::DescriptorOp>(def)) {
      value = def->getOperand(0);
    } else if (auto buffer = dyn_cast_or_null<cta::BufferOp>(def)) {
      value = buffer.getBase();
    } else if (auto loop = dyn_cast_or_null<scf::ForOp>(def)) {
      value = loop.getTiedLoopInit(cast<OpResult>(value))->get();
    } else if (auto arg = dyn_cast<BlockArgument>(value)) {
      auto loop = dyn_cast<scf::ForOp>(arg.getOwner()->getParentOp());
      if (!loop || arg == loop.getInductionVar())
        return {};
      value = loop.getTiedLoopInit(arg)->get();
    } else {
      return {};
    }
  }
  return {};
}

Rings mutation::getRings(Value barrier) {
  Rings rings;
  auto op = barrier.getDefiningOp<cta::MBarrierOp>();
  if (!op)
    return rings;
  if (op.getFull())
    rings.insert(op.getFull());
  rings.insert_range(op.getEmpty());
  // Rings that alias these are full and empty with them.
  for (Value below : llvm::to_vector(rings))
    for (Operation *user : below.getUsers())
      if (isa<cta::RingOp>(user))
        rings.insert(user->getResult(0));
  return rings;
}

bool mutation::accesses(Operation *op, const Rings &rings) {
  if (!isEvent(op) || op->getNumRegions())
    return false;
  return llvm::any_of(op->getOperands(), [&](Value operand) {
    if (!isa<cta::BufferType, cta::DescriptorType>(operand.getType()))
      return false;
    cta::RingOp used = getRing(operand);
    return used && rings.contains(used.getResult());
  });
}

bool mutation::signals(Operation *op, const Rings &rings) {
  OpOperand *barrier = getBarrier(op);
  return barrier && llvm::any_of(getRings(barrier->get()), [&](Value ring) {
           return rings.contains(ring);
         });
}

//===----------------------------------------------------------------------===//
// Enumerator
//===----------------------------------------------------------------------===//

Ops mutation::numberOps(func::FuncOp function) {
  Ops ops;
  function->walk<WalkOrder::PreOrder>(
      [&](Operation *op) { ops.push_back(op); });
  return ops;
}

Enumerator::Enumerator(func::FuncOp kernel) : ops(numberOps(kernel)) {
  llvm::StringMap<unsigned> counts;
  for (auto [i, op] : llvm::enumerate(ops)) {
    numbers[op] = i;
    auto role = op->getParentOfType<cta::RoleOp>();
    StringRef where = role ? role.getName() : "cta";
    std::string name = (op->getName().stripDialect() + "/" + where + ".").str();
    names[op] = name + std::to_string(counts[name]++);
  }
}

Mutation &Enumerator::add(StringRef kind, Operation *op, const Twine &variant,
                          std::function<void(const Ops &)> edit) {
  Mutation &added = mutations.emplace_back();
  added.kind = kind.str();
  added.id = (kind + "/" + names[op]).str();
  std::string suffix = variant.str();
  if (!suffix.empty())
    added.id += "/" + suffix;
  added.target = number(op);
  added.edit = std::move(edit);
  return added;
}

Mutation &Enumerator::addLocal(StringRef kind, Operation *op,
                               const Twine &variant,
                               std::function<void(Operation *)> edit) {
  return add(kind, op, variant,
             [target = number(op), edit = std::move(edit)](const Ops &ops) {
               edit(ops[target]);
             });
}

//===----------------------------------------------------------------------===//
// The library's entry points
//===----------------------------------------------------------------------===//

static constexpr std::pair<llvm::StringLiteral, llvm::StringLiteral> kKinds[] =
    {{"drop-fence", "a fence or the barrier of the CTA left out"},
     {"drop-commit", "a commit left out"},
     {"drop-group-wait", "an MMA or store not waited for"},
     {"drop-wait", "a barrier not waited for"},
     {"drop-arrival", "an arrival left out"},
     {"drop-init", "mbarriers not initialised"},
     {"double", "an op executed twice"},
     {"swap", "two neighbouring synchronisation ops in the other order"},
     {"earlier", "an op before an access that preceded it"},
     {"later", "an op after an access that followed it"},
     {"out-before", "an op before the loop or condition around it"},
     {"out-after", "an op after the loop or condition around it"},
     {"pending", "one group more or less may be pending"},
     {"bytes", "a wrong number of bytes expected"},
     {"count", "one arrival more or less expected"},
     {"barrier", "the wrong mbarriers"},
     {"index", "the wrong mbarrier of an array"},
     {"parity", "the wrong phase, or always the same"},
     {"slot", "the wrong slot, or always the same"},
     {"depth", "one slot less than the pipeline needs, or slots that overlap"},
     {"place", "a tile or mbarriers that overlap their neighbour"}};

ArrayRef<std::pair<llvm::StringLiteral, llvm::StringLiteral>>
mutation::getKinds() {
  return kKinds;
}

SmallVector<func::FuncOp> mutation::findKernels(ModuleOp module) {
  SmallVector<func::FuncOp> kernels;
  for (auto function : module.getOps<func::FuncOp>()) {
    WalkResult result =
        function.walk([](cta::RoleOp) { return WalkResult::interrupt(); });
    if (result.wasInterrupted())
      kernels.push_back(function);
  }
  return kernels;
}

func::FuncOp mutation::findKernel(ModuleOp program, const Mutation &mutation) {
  return program.lookupSymbol<func::FuncOp>(mutation.kernel);
}

static std::vector<Mutation> enumerateKernel(func::FuncOp kernel) {
  Enumerator e(kernel);
  enumerateDrops(e);
  enumerateMoves(e);
  enumerateValues(e);
  enumerateRings(e);
  return e.take();
}

std::vector<Mutation> mutation::enumerate(ModuleOp program) {
  std::vector<Mutation> all;
  SmallVector<func::FuncOp> kernels = findKernels(program);
  for (func::FuncOp kernel : kernels)
    for (Mutation &mutation : enumerateKernel(kernel)) {
      mutation.kernel = kernel.getSymName().str();
      if (kernels.size() > 1)
        mutation.id = mutation.kernel + "/" + mutation.id;
      all.push_back(std::move(mutation));
    }
  return all;
}

OwningOpRef<ModuleOp> mutation::apply(ModuleOp program,
                                      const Mutation &mutation) {
  OwningOpRef<ModuleOp> clone = program.clone();
  func::FuncOp kernel = findKernel(*clone, mutation);
  kernel->removeAttr(cta::kVerifiedAttr);
  mutation.edit(numberOps(kernel));
  return clone;
}
