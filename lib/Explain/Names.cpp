//===- Names.cpp - what ops are called ------------------------------------===//
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
// Where values come from
//===----------------------------------------------------------------------===//

/// The value that `value` is carried from: into a loop, or out of a loop or a
/// branch; null if it is not carried.
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

/// The value that `value` is another view of, in shared memory or registers.
static Value getViewed(Value value) {
  Operation *def = value.getDefiningOp();
  if (!def)
    return Value();
  if (isa<cta::SlotOp, cta::ViewOp, cta::DescriptorOp, cta::ConvertLayoutOp>(
          def))
    return def->getOperand(0);
  return Value();
}

/// Follows views and carries to the value that starts them.
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

cta::MmaAsyncOp explain::findProduct(Value inFlight) {
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
  static constexpr StringRef kNames[] = {"math",   "product", "copy", "shared",
                                         "global", "sync",    "wait"};
  return kNames[static_cast<unsigned>(category)];
}

Category explain::getCategory(Operation *op) {
  return llvm::TypeSwitch<Operation *, Category>(op)
      .Case<cta::MBarrierWaitOp, cta::MmaWaitOp, cta::BulkWaitOp,
            cta::NamedSyncOp, cta::SyncOp, cta::ClusterWaitOp,
            cta::LaunchWaitOp>([](auto) { return Category::Wait; })
      .Case<cta::MmaAsyncOp, cta::MmaFenceOp, cta::MmaCommitOp>(
          [](auto) { return Category::Product; })
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

/// "q·kᵀ": which values a product multiplies.
static std::string getProductLabel(cta::MmaAsyncOp mma) {
  StringRef label = tile::getLabel(mma);
  if (!label.empty())
    return label.str();
  return getValueName(mma.getA()) + (mma.getTransposeA() ? "ᵀ" : "") + "·" +
         getValueName(mma.getB()) + (mma.getTransposeB() ? "ᵀ" : "");
}

/// The product that a fence or commit stands next to; null if none.
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
  cta::MmaAsyncOp mma = findProduct(inFlight);
  return "wait " + (mma ? getProductLabel(mma) : std::string("product"));
}

static std::string withOperand(StringRef verb, Value value) {
  return (verb + " " + getValueName(value)).str();
}

/// "gather kv → k"; a ring that is named as what it holds is left out.
template <typename CopyOp>
static std::string describeCopy(StringRef verb, CopyOp copy) {
  std::string from = getValueName(copy.getSource());
  std::string to = getValueName(copy.getDest());
  return (verb + " " + from).str() + (from == to ? "" : " → " + to);
}

/// What an op of the cta level, or one that reaches global memory, does.
static std::string describeOp(Operation *op) {
  return llvm::TypeSwitch<Operation *, std::string>(op)
      .Case<cta::MmaAsyncOp>([](auto mma) { return getProductLabel(mma); })
      .Case<cta::MmaWaitOp>(
          [](auto wait) { return getWaitLabel(wait.getSource()); })
      .Case<cta::MmaFenceOp, cta::MmaCommitOp>([](auto sync) {
        cta::MmaAsyncOp mma = findNeighbour(sync);
        return mma ? getProductLabel(mma) : std::string("products");
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

/// Whether `op` only counts, addresses, or ends a block.
static bool isBookkeeping(Operation *op) {
  if (isa<cta::SlotOp, cta::DescriptorOp, cta::ViewOp, scf::ForOp, scf::IfOp,
          scf::WhileOp>(op) ||
      op->hasTrait<OpTrait::IsTerminator>())
    return true;
  return getCategory(op) == Category::Math &&
         llvm::none_of(op->getResultTypes(), llvm::IsaPred<ShapedType>);
}

/// The label of an op on tiles that has none, as a broadcast: that of an op
/// which uses it.
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
  // What waits and moves is told by what it waits for and moves.
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
