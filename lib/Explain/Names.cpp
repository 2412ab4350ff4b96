//===- Names.cpp - labels and categories of ops ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Explain/Kernel.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace mla;
using namespace mla::explain;

//===----------------------------------------------------------------------===//
// Sources of values
//===----------------------------------------------------------------------===//

/// The value that a loop's argument starts from, or that a loop or branch
/// yields as this result; null for other values.
static Value getCarried(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto loop = dyn_cast<scf::ForOp>(argument.getOwner()->getParentOp());
    if (!loop || argument == loop.getInductionVar())
      return Value();
    return loop.getTiedLoopInit(argument)->get();
  }
  auto result = cast<OpResult>(value);
  if (auto loop = dyn_cast<scf::ForOp>(result.getOwner()))
    return loop.getYieldedValues()[result.getResultNumber()];
  if (auto branch = dyn_cast<scf::IfOp>(result.getOwner()))
    return branch.thenYield().getOperand(result.getResultNumber());
  return Value();
}

/// The operand that the op of `value` is a view or a conversion of; null if it
/// is none.
static Value getViewed(Value value) {
  Operation *def = value.getDefiningOp();
  if (!def)
    return Value();
  if (isa<cta::SlotOp, cta::ViewOp, cta::DescriptorOp, cta::ConvertLayoutOp>(
          def))
    return def->getOperand(0);
  return Value();
}

/// Follows views, loops and branches back to the first value.
static Value findSource(Value value) {
  llvm::SmallPtrSet<void *, 8> seen;
  while (seen.insert(value.getAsOpaquePointer()).second) {
    Value next = getViewed(value);
    if (!next)
      next = getCarried(value);
    if (!next)
      break;
    value = next;
  }
  return value;
}

Operation *explain::findRoot(Value value) {
  Operation *def = findSource(value).getDefiningOp();
  return isa_and_present<cta::RingOp, cta::BufferOp, cta::MBarrierOp,
                         cta::NamedBarrierOp>(def)
             ? def
             : nullptr;
}

cta::MmaAsyncOp explain::findMMA(Value inFlight) {
  return findSource(inFlight).getDefiningOp<cta::MmaAsyncOp>();
}

/// The name of the shared memory, argument or labelled op behind a value.
static std::string getValueName(Value value) {
  Value source = findSource(value);
  if (auto argument = dyn_cast<BlockArgument>(source)) {
    auto func = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
    return func ? getArgumentName(func, argument.getArgNumber()) : "?";
  }
  Operation *def = source.getDefiningOp();
  if (auto name = def->getAttrOfType<StringAttr>("name"))
    return name.str();
  StringRef label = tile::getLabel(def);
  return label.empty() ? def->getName().stripDialect().str() : label.str();
}

//===----------------------------------------------------------------------===//
// Categories
//===----------------------------------------------------------------------===//

StringRef explain::getCategoryName(Category category) {
  static constexpr StringRef kNames[] = {"math",   "mma",  "copy", "shared",
                                         "global", "sync", "wait"};
  return kNames[static_cast<unsigned>(category)];
}

Category explain::getCategory(Operation *op) {
  return llvm::TypeSwitch<Operation *, Category>(op)
      .Case<cta::MBarrierWaitOp, cta::MmaWaitOp, cta::BulkWaitOp,
            cta::NamedSyncOp, cta::SyncOp, cta::ClusterWaitOp,
            cta::LaunchWaitOp>([](auto) { return Category::Wait; })
      .Case<cta::MmaAsyncOp, cta::MmaFenceOp, cta::MmaCommitOp>(
          [](auto) { return Category::MMA; })
      .Case<cta::CopyAsyncOp, cta::GatherAsyncOp, cta::BulkLoadOp,
            cta::StoreAsyncOp, cta::BulkStoreOp>(
          [](auto) { return Category::Copy; })
      .Case<cta::LoadSharedOp, cta::StoreSharedOp>(
          [](auto) { return Category::Shared; })
      .Case<tile::LoadOp, tile::StoreOp, cta::LoadAcquireOp,
            cta::StoreReleaseOp>([](auto) { return Category::Global; })
      .Default([](Operation *other) {
        return isa_and_present<cta::CTADialect>(other->getDialect()) &&
                       !isa<cta::ConvertLayoutOp, cta::SlotOp, cta::ViewOp,
                            cta::DescriptorOp>(other)
                   ? Category::Sync
                   : Category::Math;
      });
}

//===----------------------------------------------------------------------===//
// Labels
//===----------------------------------------------------------------------===//

/// "q·kᵀ": the operands of an MMA.
static std::string getMMALabel(cta::MmaAsyncOp mma) {
  StringRef label = tile::getLabel(mma);
  if (!label.empty())
    return label.str();
  return getValueName(mma.getA()) + (mma.getTransposeA() ? "ᵀ" : "") + "·" +
         getValueName(mma.getB()) + (mma.getTransposeB() ? "ᵀ" : "");
}

/// The MMA next to a fence or commit; null if none.
static cta::MmaAsyncOp findNeighbour(Operation *op) {
  bool forwards = isa<cta::MmaFenceOp>(op);
  for (Operation *at = op; at;
       at = forwards ? at->getNextNode() : at->getPrevNode())
    if (auto mma = dyn_cast<cta::MmaAsyncOp>(at))
      return mma;
  return nullptr;
}

/// "wait q·kᵀ".
static std::string getWaitLabel(Value inFlight) {
  cta::MmaAsyncOp mma = findMMA(inFlight);
  return "wait " + (mma ? getMMALabel(mma) : std::string("MMA"));
}

static std::string withOperand(StringRef verb, Value value) {
  return (verb + " " + getValueName(value)).str();
}

/// "gather kv → k"; "gather k" where source and ring have one name.
template <typename CopyOp>
static std::string describeCopy(StringRef verb, CopyOp copy) {
  std::string from = getValueName(copy.getSource());
  std::string to = getValueName(copy.getDest());
  return (verb + " " + from).str() + (from == to ? "" : " → " + to);
}

/// The label of an op of the cta dialect or of one that accesses global memory.
static std::string describeOp(Operation *op) {
  return llvm::TypeSwitch<Operation *, std::string>(op)
      .Case<cta::MmaAsyncOp>([](auto mma) { return getMMALabel(mma); })
      .Case<cta::MmaWaitOp>(
          [](auto wait) { return getWaitLabel(wait.getSource()); })
      .Case<cta::MmaFenceOp, cta::MmaCommitOp>([](auto sync) {
        cta::MmaAsyncOp mma = findNeighbour(sync);
        return mma ? getMMALabel(mma) : std::string("MMAs");
      })
      .Case<cta::MBarrierWaitOp>(
          [](auto wait) { return withOperand("wait", wait.getBarrier()); })
      .Case<cta::NamedSyncOp>(
          [](auto sync) { return withOperand("sync", sync.getBarrier()); })
      .Case<cta::ArriveOp, cta::ArriveCopiesOp, cta::NamedArriveOp>(
          [](auto arrive) {
            return withOperand("arrive", arrive.getBarrier());
          })
      .Case<cta::ArriveExpectOp>([](auto expect) {
        return withOperand("expect", expect.getBarrier());
      })
      .Case<cta::GatherAsyncOp>(
          [](auto gather) { return describeCopy("gather", gather); })
      .Case<cta::CopyAsyncOp, cta::BulkLoadOp>(
          [](auto copy) { return describeCopy("copy", copy); })
      .Case<cta::LoadAcquireOp>(
          [](auto load) { return withOperand("read", load.getMemref()); })
      .Case<cta::StoreReleaseOp>(
          [](auto store) { return withOperand("release", store.getMemref()); })
      .Case<cta::StoreAsyncOp, cta::BulkStoreOp>(
          [](auto store) { return withOperand("write", store.getDest()); })
      .Case<cta::StoreSharedOp>(
          [](auto store) { return withOperand("store", store.getDest()); })
      .Case<cta::LoadSharedOp, tile::LoadOp>(
          [](auto load) { return withOperand("load", load.getSource()); })
      .Case<tile::StoreOp>(
          [](auto store) { return withOperand("write", store.getDest()); })
      .Default([](Operation *other) {
        return other->getName().stripDialect().str();
      });
}

/// Whether `op` computes an index or an address, or is control flow.
static bool isBookkeeping(Operation *op) {
  if (isa<cta::SlotOp, cta::DescriptorOp, cta::ViewOp, scf::ForOp, scf::IfOp,
          scf::WhileOp>(op) ||
      op->hasTrait<OpTrait::IsTerminator>())
    return true;
  return getCategory(op) == Category::Math &&
         llvm::none_of(op->getResultTypes(), llvm::IsaPred<ShapedType>);
}

/// The label of the first user that has one: for ops without, as broadcasts.
static std::string findUsersLabel(Operation *op) {
  constexpr unsigned kDepth = 3;
  Operation *at = op;
  for (unsigned i = 0; i < kDepth && at->getNumResults() == 1; ++i) {
    auto users = at->getResult(0).getUsers();
    if (users.empty())
      break;
    at = *users.begin();
    if (at->getBlock() != op->getBlock())
      break;
    if (StringRef label = tile::getLabel(at); !label.empty())
      return label.str();
  }
  return op->getName().stripDialect().str();
}

std::string explain::getOpLabel(Operation *op) {
  if (isBookkeeping(op))
    return kBookkeeping.str();
  // Waits and transfers are described by their operands.
  if (getCategory(op) != Category::Math)
    return describeOp(op);
  StringRef label = tile::getLabel(op);
  return label.empty() ? findUsersLabel(op) : label.str();
}

/// The innermost file position in a location.
static FileLineColLoc findFileLocation(Location location) {
  FileLineColLoc found;
  location->walk([&](Location part) {
    found = dyn_cast<FileLineColLoc>(static_cast<LocationAttr>(part));
    return found ? WalkResult::interrupt() : WalkResult::advance();
  });
  return found;
}

std::string explain::getOpLocation(Operation *op) {
  FileLineColLoc location = findFileLocation(op->getLoc());
  if (!location)
    return "";
  StringRef file = llvm::sys::path::filename(location.getFilename().getValue());
  return (file + ":" + llvm::Twine(location.getLine()) + ":" +
          llvm::Twine(location.getColumn()))
      .str();
}
