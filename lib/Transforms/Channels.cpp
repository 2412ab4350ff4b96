//===- Channels.cpp - the rings between roles -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Channels.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace mla;

std::string Channels::makeName(Value tile) {
  Operation *def = tile.getDefiningOp();
  StringRef label = def ? tile::getLabel(def) : StringRef();
  std::string number = std::to_string(list.size());
  if (label.empty())
    return "tile" + number;
  // Rows of the schedule tell rings by name.
  for (const Channel &channel : list)
    if (cta::RingOp(channel.ring).getName() == label)
      return (label + "." + number).str();
  return label.str();
}

cta::RingOp Channels::get(Value tile, unsigned writer) {
  if (auto it = index.find(tile); it != index.end())
    return list[it->second].ring;
  std::string name = makeName(tile);
  RankedTensorType type = cast<RankedTensorType>(tile.getType());
  auto ringType = cta::RingType::getChecked(
      [&] { return emitError(tile.getLoc(), "ring '") << name << "': "; },
      tile.getContext(), schedule.getDepth(name), type.getShape(),
      type.getElementType(), cta::SharedLayoutAttr(), /*splitDim=*/int64_t(0),
      ArrayRef<int64_t>());
  if (!ringType)
    return {};
  OpBuilder b(program.getBody()->getTerminator());
  // Rings stand before the roles, which are appended to the body.
  for (Operation &op : *program.getBody())
    if (isa<cta::RoleOp>(op)) {
      b.setInsertionPoint(&op);
      break;
    }
  auto ring =
      cta::RingOp::create(b, tile.getLoc(), ringType, b.getStringAttr(name),
                          /*offset=*/IntegerAttr(), /*over=*/Value());
  index[tile] = list.size();
  list.push_back({ring, tile, writer});
  return ring;
}

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
      return fail() << "row " << row.getLabel() << " places nothing: no role "
                    << "takes the tile out of a ring into registers";
  }
  for (RingAttr ring : schedule.getRings()) {
    if (labels.contains(ring.getLabel()) && !hasRing(ring.getLabel()))
      return fail() << "ring " << ring.getLabel()
                    << " is not there: the tile does not leave its role";
    if (ring.getOver() && labels.contains(ring.getOver()) &&
        !hasRing(ring.getOver()))
      return fail() << "ring " << ring.getLabel() << " lies over "
                    << ring.getOver()
                    << ", a tile that does not leave its role";
  }
  return success();
}
