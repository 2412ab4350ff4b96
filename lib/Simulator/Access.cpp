//===- Access.cpp - checked access to memory --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Access.h"
#include "Machine.h"
#include "mla/Runtime/Float.h"

using namespace mlir;
using namespace mla;
using namespace mla::sim;
using namespace mla::interp;

//===----------------------------------------------------------------------===//
// Messages
//===----------------------------------------------------------------------===//

static std::string describe(const Conflict &conflict, const Touch &touch,
                            const Twine &memory, StringRef fence) {
  std::string bytes = ("bytes [" + Twine(conflict.bytes.begin) + ", " +
                       Twine(conflict.bytes.end) + ") of " + memory)
                          .str();
  std::string verb = touch.write ? "writes " : "reads ";
  switch (conflict.kind) {
  case Conflict::NeverWritten:
    return verb + bytes + ", which nothing has written";
  case Conflict::Unordered:
    return verb + bytes + " without knowing that their last write is done";
  case Conflict::Unfenced:
    return verb + bytes + " through the async proxy without " + fence.str() +
           " since they were written";
  case Conflict::StillRead:
    return verb + bytes + " while they may still be read";
  case Conflict::Reserved:
    return verb + bytes + ", which hold an mbarrier";
  }
  llvm_unreachable("covered switch");
}

static LogicalResult report(Role &role, const Conflict &conflict,
                            const Touch &touch, const Twine &memory,
                            StringRef fence) {
  return role.failAt(touch.op, describe(conflict, touch, memory, fence),
                     conflict.other);
}

//===----------------------------------------------------------------------===//
// Shared memory
//===----------------------------------------------------------------------===//

Knowledge mla::sim::getCommon(ArrayRef<Warp> warps) {
  Knowledge common = warps.front().knows;
  for (const Warp &warp : warps.drop_front())
    common.meet(warp.knows);
  return common;
}

static Access makeAccess(const Role &role, const Touch &touch, const Warp &warp,
                         FenceNeed needsFence) {
  Epoch own{warp.agent, warp.knows.now.get(warp.agent)};
  return {touch.epoch.value_or(own), touch.event, needsFence, role.cta.number};
}

static LogicalResult checkPlace(Role &role, int64_t base,
                                const Footprint &footprint,
                                const Touch &touch) {
  auto size = static_cast<int64_t>(role.cta.bytes.size());
  if (base % footprint.alignment)
    return role.failAt(touch.op,
                       "expected a tile that starts at a multiple of " +
                           Twine(footprint.alignment) +
                           " bytes, where its swizzle repeats, got "
                           "byte " +
                           Twine(base));
  if (footprint.ranges.empty())
    return success();
  int64_t end = base + footprint.ranges.back().end;
  if (base + footprint.ranges.front().begin < 0 || end > size)
    return role.failAt(touch.op, "reaches byte " + Twine(end) + " of " +
                                     Twine(size) + " of shared memory");
  return success();
}

LogicalResult mla::sim::touchShared(Role &role, ArrayRef<Warp> warps,
                                    int64_t base, const Footprint &footprint,
                                    const Touch &touch) {
  if (failed(checkPlace(role, base, footprint, touch)))
    return failure();
  Cta &cta = role.cta;
  Knowledge common = getCommon(warps);
  Viewer viewer{common.now, common.fenced, touch.proxy, cta.number};
  Access access =
      makeAccess(role, touch, warps.front(),
                 touch.needsFence ? FenceNeed::All : FenceNeed::Nobody);
  for (ByteRange range : footprint.ranges) {
    range = {base + range.begin, base + range.end};
    role.machine.recordAccess(touch.op, cta, range, touch.write);
    std::optional<Conflict> conflict =
        touch.write ? cta.shadow.write(range, viewer, access)
                    : cta.shadow.read(range, viewer, access);
    if (conflict)
      return report(role, *conflict, touch, "shared memory", "cta.fence_async");
  }
  return success();
}

LogicalResult mla::sim::touchByWarp(Role &role, int64_t base,
                                    cta::BufferType buffer, Attribute layout,
                                    const Touch &touch) {
  ArrayRef<Warp> warps = role.getWarps();
  auto it = role.machine.plan.warpFootprints.find(
      {buffer, {layout, static_cast<unsigned>(warps.size())}});
  for (size_t w = 0; w < warps.size(); ++w) {
    // Where every warp holds every element, the first one stores them.
    bool shared = it == role.machine.plan.warpFootprints.end();
    const Footprint &footprint =
        shared ? role.machine.getFootprint(buffer) : it->second[w];
    if (failed(touchShared(role, warps.slice(w, 1), base, footprint, touch)))
      return failure();
    if (shared && touch.write)
      break;
  }
  return success();
}

template <typename Visitor>
static void forEachPiece(const Footprint &footprint, int64_t base,
                         Visitor visit) {
  for (const Piece &piece : footprint.pieces)
    for (int64_t n = 0; n < piece.count; ++n) {
      int64_t bit = piece.bit + n * footprint.elementBits;
      visit(piece.element + n, base + bit / 8, bit % 8);
    }
}

void mla::sim::loadTile(const Cta &cta, int64_t base,
                        const Footprint &footprint, DenseTile &tile) {
  const uint8_t *bytes = cta.bytes.data();
  if (tile.type == ElementType::BF16) {
    forEachPiece(footprint, base, [&](int64_t element, int64_t byte, int64_t) {
      uint32_t bits = bytes[byte] << 16 | bytes[byte + 1] << 24;
      std::memcpy(&tile.floats[element], &bits, sizeof(float));
    });
    return;
  }
  if (tile.type == ElementType::F16) {
    forEachPiece(footprint, base, [&](int64_t element, int64_t byte, int64_t) {
      tile.floats[element] = runtime::f16ToFloat(
          static_cast<uint16_t>(bytes[byte] | bytes[byte + 1] << 8));
    });
    return;
  }
  forEachPiece(footprint, base,
               [&](int64_t element, int64_t byte, int64_t bit) {
                 tile.set(element, tile.type == ElementType::I1
                                       ? fromBits(tile.type, bytes[byte] >> bit)
                                       : readElement(tile.type, bytes + byte));
               });
}

void mla::sim::storeTile(Cta &cta, int64_t base, const Footprint &footprint,
                         const DenseTile &tile) {
  uint8_t *bytes = cta.bytes.data();
  forEachPiece(
      footprint, base, [&](int64_t element, int64_t byte, int64_t bit) {
        if (tile.type != ElementType::I1)
          return writeElement(tile.type, bytes + byte, tile.get(element));
        uint8_t mask = 1 << bit;
        bytes[byte] =
            tile.get(element).i ? bytes[byte] | mask : bytes[byte] & ~mask;
      });
}

TilePtr mla::sim::makeTile(cta::BufferType type) {
  return std::make_shared<DenseTile>(
      RankedTensorType::get(type.getShape(), type.getElementType()));
}

void mla::sim::poison(Cta &cta, int64_t base, const Footprint &footprint) {
  for (const ByteRange &range : footprint.ranges)
    std::memset(cta.bytes.data() + base + range.begin, 0xFF,
                range.end - range.begin);
}

//===----------------------------------------------------------------------===//
// Global memory
//===----------------------------------------------------------------------===//

/// Refuses a read of a workspace element that no earlier kernel has written. (A
/// kernel that writes the workspace itself is checked by its shadow.)
static LogicalResult checkWritten(Role &role, const Argument &array,
                                  ByteRange bytes, const Touch &touch) {
  if (!array.written || touch.write)
    return success();
  auto width = static_cast<int64_t>(getByteWidth(array.elementType));
  int64_t element = array.written->find_first_unset_in(bytes.begin / width,
                                                       bytes.end / width);
  if (element < 0)
    return success();
  return role.failAt(touch.op, "reads element " + Twine(element) +
                                   " of a workspace, which no kernel has "
                                   "written");
}

LogicalResult mla::sim::touchGlobal(Role &role, ArrayRef<Warp> warps,
                                    const Argument &array, ByteRange bytes,
                                    const Touch &touch) {
  auto found = role.machine.globals.find(&array);
  if (found == role.machine.globals.end())
    return checkWritten(role, array, bytes, touch);
  Knowledge common = getCommon(warps);
  Viewer viewer{common.now, common.fencedGlobal, touch.proxy, role.cta.number};
  // Within a CTA, accesses through the async proxy alone need no fence (PTX
  // ISA, proxy-preserved base causality order).
  Access access = makeAccess(role, touch, warps.front(),
                             touch.proxy == Proxy::Async ? FenceNeed::OtherCtas
                                                         : FenceNeed::All);
  std::optional<Conflict> conflict =
      touch.write ? found->second.write(bytes, viewer, access)
                  : found->second.read(bytes, viewer, access);
  if (conflict)
    return report(role, *conflict, touch, "a memref", "cta.fence_async global");
  return success();
}

LogicalResult mla::sim::touchGlobal(Role &role, const Argument &array,
                                    const Box &box, Attribute layout,
                                    const Touch &touch) {
  if (!role.machine.globals.contains(&array) && !array.written)
    return success();
  ArrayRef<Warp> warps = role.getWarps();
  auto numWarps = static_cast<int64_t>(warps.size());
  auto width = static_cast<int64_t>(getByteWidth(array.elementType));
  // One warp holds a whole row, unless the layout is transposed or direct.
  auto named = dyn_cast_or_null<cta::FragmentLayoutAttr>(layout);
  bool rowByRow = box.shape.size() == 2 && named &&
                  named.getValue() != cta::FragmentLayout::acc_transposed;
  LogicalResult result = success();
  auto touchElements = [&](int64_t tileAt, int64_t arrayAt, int64_t count) {
    std::optional<int64_t> warp;
    if (layout)
      warp = getWarpOf(layout, box.shape, tileAt, numWarps);
    ByteRange bytes{arrayAt * width, (arrayAt + count) * width};
    result = touchGlobal(role, warp ? warps.slice(*warp, 1) : warps, array,
                         bytes, touch);
  };
  box.forEachRun([&](const Run1D &run) {
    bool whole = run.stride == 1 && (rowByRow || !layout);
    if (whole && succeeded(result))
      return touchElements(run.tileAt, run.arrayAt, run.count);
    for (int64_t n = 0; n < run.count && succeeded(result); ++n)
      touchElements(run.tileAt + n, run.arrayAt + n * run.stride, 1);
  });
  return result;
}
