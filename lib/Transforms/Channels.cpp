//===- Channels.cpp - rings between roles -----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Channels.h"
#include "Placement.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace mla;

std::string Channels::makeName(Value tile) {
  Operation *def = tile.getDefiningOp();
  StringRef label = def ? tile::getLabel(def) : StringRef();
  std::string number = std::to_string(list.size());
  if (label.empty())
    return "tile" + number;
  // The schedule refers to rings by name, so names are unique.
  for (const Channel &channel : list)
    if (cta::RingOp(channel.ring).getName() == label)
      return (label + "." + number).str();
  return label.str();
}

cta::RingOp Channels::get(Value tile, ArrayRef<unsigned> writers) {
  if (auto it = index.find(tile); it != index.end())
    return list[it->second].ring;
  std::string name = makeName(tile);
  RankedTensorType type = cast<RankedTensorType>(tile.getType());
  auto ringType = cta::RingType::getChecked(
      [&] { return emitError(tile.getLoc(), "ring '") << name << "': "; },
      tile.getContext(), schedule.getDepth(name), type.getShape(),
      type.getElementType(), cta::SharedLayoutAttr());
  if (!ringType)
    return {};
  OpBuilder b(program.getBody()->getTerminator());
  // Rings precede the roles, which are appended to the body.
  for (Operation &op : *program.getBody())
    if (isa<cta::RoleOp>(op)) {
      b.setInsertionPoint(&op);
      break;
    }
  auto ring =
      cta::RingOp::create(b, tile.getLoc(), ringType, b.getStringAttr(name),
                          /*offset=*/IntegerAttr(), /*aliases=*/Value());
  index[tile] = list.size();
  list.push_back({ring, tile, llvm::to_vector(writers)});
  return ring;
}

//===----------------------------------------------------------------------===//
// Loops that share rings
//===----------------------------------------------------------------------===//

/// Whether `a` and `b` are in two loops that follow each other, so that their
/// accesses do not interleave.
static bool areInSequence(Operation *a, Operation *b) {
  for (; a; a = a->getParentOp()) {
    Operation *beside =
        a->getBlock() ? a->getBlock()->findAncestorOpInBlock(*b) : nullptr;
    if (beside)
      return beside != a && isa<scf::ForOp>(a) && isa<scf::ForOp>(beside);
  }
  return false;
}

/// The op that fills the ring of a tile defined by `def`.
static StringRef getFillName(Operation *def) {
  return isAsyncLoad(def) ? def->getName().getStringRef()
                          : cta::StoreSharedOp::getOperationName();
}

static llvm::SmallPtrSet<Operation *, 4> getReaders(cta::RingOp ring) {
  llvm::SmallPtrSet<Operation *, 4> readers;
  for (Operation *user : ring.getResult().getUsers())
    if (isa<cta::AwaitOp>(user))
      readers.insert(user->getParentOfType<cta::RoleOp>());
  return readers;
}

static bool mayShare(const Channel &a, const Channel &b) {
  Operation *def = a.tile.getDefiningOp(), *other = b.tile.getDefiningOp();
  if (!def || !other || tile::getLabel(def).empty() ||
      tile::getLabel(def) != tile::getLabel(other))
    return false;
  return areInSequence(def, other) && a.tile.getType() == b.tile.getType() &&
         a.writers == b.writers && getFillName(def) == getFillName(other) &&
         getReaders(a.ring) == getReaders(b.ring);
}

void Channels::share() {
  // Each group shares the ring of its first member.
  SmallVector<SmallVector<Channel>> groups;
  for (const Channel &channel : list) {
    auto *group = llvm::find_if(groups, [&](ArrayRef<Channel> members) {
      return llvm::all_of(members, [&](const Channel &member) {
        return mayShare(member, channel);
      });
    });
    if (group == groups.end())
      groups.push_back({channel});
    else
      group->push_back(channel);
  }
  for (ArrayRef<Channel> group : groups)
    for (Channel other : group.drop_front()) {
      other.ring.getResult().replaceAllUsesWith(
          cta::RingOp(group.front().ring).getResult());
      other.ring.erase();
    }
}

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

bool Channels::hasRing(StringAttr name) const {
  return llvm::any_of(list, [&](const Channel &channel) {
    return cta::RingOp(channel.ring).getNameAttr() == name;
  });
}

LogicalResult Channels::checkUse() {
  llvm::StringSet<> labels;
  program.walk([&](Operation *op) { labels.insert(tile::getLabel(op)); });
  auto fail = [&] {
    return program.emitOpError() << "schedule " << schedule.getName() << ": ";
  };
  for (PlaceAttr row : schedule.getTable()) {
    StringRef label = row.getLabel();
    if (label.consume_back(".load") && labels.contains(label) &&
        !loads.contains(row))
      return fail() << "row " << row.getLabel() << " matches no op: no role "
                    << "loads the tile from a ring into registers";
  }
  for (RingAttr ring : schedule.getRings()) {
    if (labels.contains(ring.getLabel()) && !hasRing(ring.getLabel()))
      return fail() << "ring " << ring.getLabel()
                    << " is not needed: the tile does not leave its role";
    if (ring.getAliases() && labels.contains(ring.getAliases()) &&
        !hasRing(ring.getAliases()))
      return fail() << "ring " << ring.getLabel() << " aliases "
                    << ring.getAliases()
                    << ", a tile that does not leave its role";
  }
  return success();
}
