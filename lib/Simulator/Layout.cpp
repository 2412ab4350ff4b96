//===- Layout.cpp - where elements lie --------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Layout.h"
#include "mla/Interpreter/Elements.h"

using namespace mlir;
using namespace mla;
using namespace mla::sim;

/// Bytes of a row of a swizzled block, and of a chunk of it, which the swizzle
/// moves as a whole.
static constexpr int64_t kRowBytes = 128, kChunk = 16;

/// Address bits 7 to 9 are xored into bits 4 to 6 (PTX ISA, Tensor swizzling
/// modes).
static int64_t swizzle(int64_t address) {
  return address ^ ((address >> 3) & (kRowBytes - kChunk));
}

static int64_t getElementBits(Type type) {
  return interp::getBitWidth(*interp::getElementType(type));
}

/// Fills in `ranges` from `pieces`.
static void joinRanges(Footprint &footprint) {
  std::vector<ByteRange> &ranges = footprint.ranges;
  for (const Piece &piece : footprint.pieces) {
    int64_t end = piece.bit + piece.count * footprint.elementBits;
    ranges.push_back({piece.bit / 8, (end + 7) / 8});
  }
  llvm::sort(ranges, [](const ByteRange &a, const ByteRange &b) {
    return a.begin < b.begin;
  });
  size_t kept = 0;
  for (const ByteRange &range : ranges) {
    if (kept && ranges[kept - 1].end >= range.begin)
      ranges[kept - 1].end = std::max(ranges[kept - 1].end, range.end);
    else
      ranges[kept++] = range;
  }
  ranges.resize(kept);
}

static bool isSwizzled(cta::BufferType type) {
  cta::SharedLayoutAttr layout = type.getLayout();
  return layout && layout.getSwizzle();
}

Footprint mla::sim::makeFootprint(cta::BufferType type) {
  Footprint footprint;
  footprint.elementBits = getElementBits(type.getElementType());
  int64_t bits = footprint.elementBits;
  int64_t columns = type.getShape().back();
  int64_t rows = ShapedType::getNumElements(type.getShape()) / columns;
  if (!isSwizzled(type)) {
    footprint.pieces.push_back({0, 0, rows * columns});
    joinRanges(footprint);
    return footprint;
  }
  footprint.alignment = 8 * kRowBytes;
  int64_t perChunk = 8 * kChunk / bits;
  int64_t blockBytes = type.getLayout().getRows() * kRowBytes;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; c += perChunk) {
      int64_t inRow = c * bits / 8;
      int64_t byte =
          inRow / kRowBytes * blockBytes + r * kRowBytes + inRow % kRowBytes;
      footprint.pieces.push_back({r * columns + c, 8 * swizzle(byte),
                                  std::min(perChunk, columns - c)});
    }
  joinRanges(footprint);
  return footprint;
}

Footprint mla::sim::makeFootprint(cta::DescriptorType type) {
  Footprint footprint;
  footprint.elementBits = getElementBits(type.getElementType());
  footprint.alignment = 8 * kRowBytes;
  int64_t width = footprint.elementBits / 8, perChunk = kChunk / width;
  int64_t perRow = kRowBytes / width;
  int64_t rows = type.getShape()[0], columns = type.getShape()[1];
  bool kMajor = type.getMajor() == cta::Major::k;
  // A k-step is 16 elements of two bytes. The steps of a block of four are
  // `step` apart, and an operand may start at any of them.
  int64_t kStep = 32 / width;
  int64_t start = kMajor ? type.getOffset() % kRowBytes / width : 0;
  int64_t base = type.getOffset() - start * width;
  auto locateStep = [&](int64_t k) {
    k += start;
    return k / (4 * kStep) * type.getBlockStep() +
           k / kStep % 4 * type.getStep();
  };
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; c += perChunk) {
      int64_t byte = base;
      if (kMajor)
        byte += locateStep(c) + c % kStep * width + r / 8 * type.getStride() +
                r % 8 * kRowBytes;
      else
        byte += locateStep(r) + r % kStep / 8 * type.getStride() +
                r % 8 * kRowBytes + c / perRow * type.getLeading() +
                c % perRow * width;
      footprint.pieces.push_back({r * columns + c, 8 * swizzle(byte),
                                  std::min(perChunk, columns - c)});
    }
  joinRanges(footprint);
  return footprint;
}

Footprint mla::sim::selectElements(const Footprint &whole,
                                   llvm::function_ref<bool(int64_t)> pick) {
  Footprint part;
  part.alignment = whole.alignment;
  part.elementBits = whole.elementBits;
  for (const Piece &piece : whole.pieces) {
    bool inRun = false;
    for (int64_t n = 0; n < piece.count; ++n) {
      bool picked = pick(piece.element + n);
      if (picked && inRun)
        ++part.pieces.back().count;
      else if (picked)
        part.pieces.push_back(
            {piece.element + n, piece.bit + n * whole.elementBits, 1});
      inRun = picked;
    }
  }
  joinRanges(part);
  return part;
}

std::optional<int64_t> mla::sim::getViewOffset(cta::BufferType type,
                                               ArrayRef<int64_t> offsets) {
  int64_t bits = getElementBits(type.getElementType());
  if (!isSwizzled(type)) {
    // Only whole rows: no dimension but the first may be cut.
    int64_t stride = bits;
    for (int64_t size : type.getShape().drop_front())
      stride *= size;
    for (int64_t offset : offsets.drop_front())
      if (offset)
        return std::nullopt;
    if (offsets.front() * stride % 8)
      return std::nullopt;
    return offsets.front() * stride / 8;
  }
  if (offsets.size() != 2)
    return std::nullopt;
  int64_t row = offsets[0], bytes = offsets[1] * bits / 8;
  if (row % 8 || bytes % kRowBytes)
    return std::nullopt;
  return bytes / kRowBytes * type.getLayout().getRows() * kRowBytes +
         row * kRowBytes;
}

ThreadSet mla::sim::getThreads(cta::DirectLayoutAttr layout,
                               ArrayRef<int64_t> shape, int64_t element) {
  ThreadSet set;
  for (int64_t d = layout.getRank(); d-- > 0; element /= shape[d]) {
    int64_t threads = layout.getThreads()[d], stride = layout.getStrides()[d];
    int64_t thread = element % shape[d] / layout.getVector(d) % threads;
    set.mask |= (threads - 1) * stride;
    set.value |= thread * stride;
  }
  return set;
}

/// The only warp that has threads of `set`.
static std::optional<int64_t> findOnlyWarp(ThreadSet set, int64_t warps) {
  std::optional<int64_t> only;
  for (int64_t warp = 0; warp < warps; ++warp) {
    if ((warp & set.mask / 32) != set.value / 32)
      continue;
    if (only)
      return std::nullopt;
    only = warp;
  }
  return only;
}

std::optional<int64_t> mla::sim::getWarpOf(Attribute attribute,
                                           ArrayRef<int64_t> shape,
                                           int64_t element, int64_t warps) {
  if (auto direct = dyn_cast<cta::DirectLayoutAttr>(attribute))
    return findOnlyWarp(getThreads(direct, shape, element), warps);
  auto layout = cast<cta::FragmentLayoutAttr>(attribute).getValue();
  // The elements of a vector are rows of one column.
  int64_t columns = shape.size() > 1 ? shape.back() : 1;
  switch (layout) {
  case cta::FragmentLayout::acc:
  case cta::FragmentLayout::a_operand:
  case cta::FragmentLayout::row:
    return element / columns / 16 % warps;
  case cta::FragmentLayout::acc_transposed:
    return element % columns / 16 % warps;
  case cta::FragmentLayout::gather:
    return element / columns /
           static_cast<int64_t>(llvm::divideCeil(shape[0], warps));
  case cta::FragmentLayout::warp_column:
    return element / (shape.back() / warps);
  case cta::FragmentLayout::column:
    return std::nullopt;
  }
  llvm_unreachable("covered switch");
}
