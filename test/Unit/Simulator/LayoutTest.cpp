//===- LayoutTest.cpp - where elements lie --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Layout.h"
#include "TestSupport.h"

using namespace mla;
using namespace mla::sim;

namespace {
class LayoutTest : public SimulatorTest {
protected:
  cta::BufferType makeBuffer(std::vector<int64_t> shape, mlir::Type element,
                             int64_t swizzle, int64_t rows) {
    return cta::BufferType::get(
        &context, shape, element,
        cta::SharedLayoutAttr::get(&context, swizzle, rows));
  }
  mlir::Type getType(ElementType type) {
    mlir::Builder b(&context);
    switch (type) {
    case ElementType::BF16:
      return b.getBF16Type();
    case ElementType::I1:
      return b.getI1Type();
    case ElementType::I8:
      return b.getI8Type();
    case ElementType::I32:
      return b.getI32Type();
    default:
      return b.getF32Type();
    }
  }
};

/// The byte of each element.
std::vector<int64_t> listBytes(const Footprint &footprint, int64_t elements) {
  std::vector<int64_t> bytes(elements, -1);
  for (const Piece &piece : footprint.pieces)
    for (int64_t n = 0; n < piece.count; ++n) {
      EXPECT_EQ(bytes.at(piece.element + n), -1) << "an element lies twice";
      bytes[piece.element + n] = (piece.bit + n * footprint.elementBits) / 8;
    }
  return bytes;
}

/// That `ranges` are the bytes of the elements, ascending, neighbours joined.
void expectCovered(const Footprint &footprint,
                   const std::vector<int64_t> &bytes) {
  std::set<int64_t> expected, got;
  for (int64_t byte : bytes)
    for (int64_t n = 0; n < footprint.elementBits / 8; ++n)
      EXPECT_TRUE(expected.insert(byte + n).second) << "bytes overlap";
  int64_t end = -1;
  for (const ByteRange &range : footprint.ranges) {
    EXPECT_LT(end, range.begin);
    EXPECT_LT(range.begin, range.end);
    end = range.end;
    for (int64_t n = range.begin; n < range.end; ++n)
      got.insert(n);
  }
  EXPECT_EQ(got, expected);
}

/// The byte of an element, as in the figures of the PTX ISA: blocks with rows
/// of 128 bytes, one after the other; the 16-byte chunk c of row r lies at
/// place c xor (r mod 8).
int64_t locate(int64_t rows, int64_t width, int64_t row, int64_t column) {
  int64_t byteInRow = column * width;
  int64_t block = byteInRow / 128, inBlock = byteInRow % 128;
  int64_t chunk = (inBlock / 16) ^ (row % 8);
  return block * rows * 128 + row * 128 + chunk * 16 + inBlock % 16;
}
} // namespace

TEST_F(LayoutTest, SwizzledTiles) {
  for (ElementType type :
       {ElementType::BF16, ElementType::F32, ElementType::I32, ElementType::I8})
    for (int64_t rows : {8, 24, 64}) {
      int64_t width = interp::getByteWidth(type), columns = 256 / width;
      Footprint footprint =
          makeFootprint(makeBuffer({rows, columns}, getType(type), 128, rows));
      EXPECT_EQ(footprint.elementBits, 8 * width);
      EXPECT_EQ(footprint.alignment, 8 * 128);
      std::vector<int64_t> bytes = listBytes(footprint, rows * columns);
      for (int64_t r = 0; r < rows; ++r)
        for (int64_t c = 0; c < columns; ++c)
          ASSERT_EQ(bytes[r * columns + c], locate(rows, width, r, c))
              << r << ", " << c;
      expectCovered(footprint, bytes);
      // A whole tile is dense.
      ASSERT_EQ(footprint.ranges.size(), 1u);
      EXPECT_EQ(footprint.ranges[0].end, rows * columns * width);
    }
}

TEST_F(LayoutTest, PlainTiles) {
  for (auto shape :
       std::vector<std::vector<int64_t>>{{64}, {7, 5}, {2, 3, 4}}) {
    Footprint footprint =
        makeFootprint(makeBuffer(shape, getType(ElementType::F32), 0, 1));
    int64_t count = 1;
    for (int64_t size : shape)
      count *= size;
    std::vector<int64_t> bytes = listBytes(footprint, count);
    for (int64_t n = 0; n < count; ++n)
      EXPECT_EQ(bytes[n], 4 * n);
    expectCovered(footprint, bytes);
  }
}

TEST_F(LayoutTest, Bits) {
  mlir::Type i1 = getType(ElementType::I1);
  cta::BufferType vector = makeBuffer({96}, i1, 0, 96);
  EXPECT_EQ(vector.getBytes(), 12);
  EXPECT_EQ(makeBuffer({12}, i1, 0, 12).getBytes(), 2);
  Footprint whole = makeFootprint(vector);
  ASSERT_EQ(whole.pieces.size(), 1u);
  EXPECT_EQ(whole.elementBits, 1);
  ASSERT_EQ(whole.ranges.size(), 1u);
  EXPECT_EQ(whole.ranges[0].end, 12);
  // A write of one bit counts as a write of its byte.
  Footprint part =
      selectElements(whole, [](int64_t n) { return n == 19 || n == 21; });
  ASSERT_EQ(part.pieces.size(), 2u);
  EXPECT_EQ(part.pieces[1].bit, 21);
  ASSERT_EQ(part.ranges.size(), 1u);
  EXPECT_EQ(part.ranges[0].begin, 2);
  EXPECT_EQ(part.ranges[0].end, 3);
  EXPECT_EQ(getViewOffset(vector, {32}), 4);
  EXPECT_FALSE(getViewOffset(vector, {12}));
}

TEST_F(LayoutTest, Views) {
  // A view's elements lie where those of the whole do.
  mlir::Type bf16 = getType(ElementType::BF16);
  constexpr int64_t swizzle = 128, block = swizzle / 2;
  cta::BufferType whole = makeBuffer({64, 4 * block}, bf16, swizzle, 64);
  std::vector<int64_t> all = listBytes(makeFootprint(whole), 64 * 4 * block);
  for (int64_t row : {0, 8, 40})
    for (int64_t column : {int64_t(0), block, 3 * block}) {
      std::optional<int64_t> offset = getViewOffset(whole, {row, column});
      ASSERT_TRUE(offset);
      Footprint view = makeFootprint(
          makeBuffer({24, 4 * block - column}, bf16, swizzle, 64));
      int64_t columns = 4 * block - column;
      std::vector<int64_t> bytes = listBytes(view, 24 * columns);
      for (int64_t r = 0; r < 24; ++r)
        for (int64_t c = 0; c < columns; ++c)
          ASSERT_EQ(*offset + bytes[r * columns + c],
                    all[(row + r) * 4 * block + column + c]);
      expectCovered(view, bytes);
    }
  EXPECT_FALSE(getViewOffset(whole, {4, 0}));
  EXPECT_FALSE(getViewOffset(whole, {0, 8}));
  cta::BufferType plain = makeBuffer({4, 8}, getType(ElementType::F32), 0, 4);
  EXPECT_EQ(getViewOffset(plain, {3, 0}), 96);
  EXPECT_FALSE(getViewOffset(plain, {0, 4}));
  // No rows to swizzle.
  EXPECT_FALSE(getViewOffset(
      makeBuffer({64}, getType(ElementType::BF16), 128, 64), {0}));
}

TEST_F(LayoutTest, Descriptors) {
  // A descriptor names the same bytes as the tile, or a part of it.
  mlir::Type bf16 = getType(ElementType::BF16);
  for (int64_t rows : {16, 64, 128})
    for (int64_t columns : {64, 128, 256}) {
      cta::BufferType tile = makeBuffer({rows, columns}, bf16, 128, rows);
      Footprint whole = makeFootprint(tile);
      std::vector<int64_t> expected = listBytes(whole, rows * columns);
      auto check = [&](cta::Major major, int64_t leading, int64_t step,
                       int64_t blockStep) {
        Footprint operand = makeFootprint(cta::DescriptorType::get(
            &context, {rows, columns}, bf16, major, /*offset=*/0, leading,
            /*stride=*/1024, step, blockStep));
        EXPECT_EQ(operand.alignment, 1024);
        EXPECT_EQ(listBytes(operand, rows * columns), expected);
        expectCovered(operand, expected);
      };
      // k contiguous: blocks of 64 columns; mn contiguous: of 64 rows.
      check(cta::Major::k, 16, 32, 128 * rows);
      check(cta::Major::mn, 128 * rows, 2048, 8192);
    }
}

TEST_F(LayoutTest, DescriptorsOfParts) {
  // Columns 64 to 127 of a tile of 64 rows: a whole block further on.
  mlir::Type bf16 = getType(ElementType::BF16);
  Footprint part = makeFootprint(
      cta::DescriptorType::get(&context, {64, 64}, bf16, cta::Major::k,
                               /*offset=*/8192, 16, 1024, 32, 8192));
  ASSERT_EQ(part.ranges.size(), 1u);
  EXPECT_EQ(part.ranges[0].begin, 8192);
  EXPECT_EQ(part.ranges[0].end, 16384);
  // Rows 16 to 31 along k, of all 128 columns: 2 KB of each block.
  part = makeFootprint(
      cta::DescriptorType::get(&context, {16, 128}, bf16, cta::Major::mn,
                               /*offset=*/2048, 8192, 1024, 2048, 8192));
  ASSERT_EQ(part.ranges.size(), 2u);
  EXPECT_EQ(part.ranges[0].begin, 2048);
  EXPECT_EQ(part.ranges[0].end, 4096);
  EXPECT_EQ(part.ranges[1].begin, 8192 + 2048);
  EXPECT_EQ(part.ranges[1].end, 8192 + 4096);
  // The second k-step of 16 columns: every other pair of chunks.
  part = makeFootprint(
      cta::DescriptorType::get(&context, {8, 16}, bf16, cta::Major::k,
                               /*offset=*/32, 16, 1024, 32, 8192));
  std::vector<int64_t> bytes = listBytes(part, 8 * 16);
  for (int64_t r = 0; r < 8; ++r)
    for (int64_t c = 0; c < 16; ++c)
      EXPECT_EQ(bytes[r * 16 + c], locate(8, 2, r, 16 + c));
}

TEST_F(LayoutTest, ElementsOfWarps) {
  using cta::FragmentLayout;
  auto warpOf = [&](FragmentLayout layout, llvm::ArrayRef<int64_t> shape,
                    int64_t element, int64_t warps) {
    return getWarpOf(cta::FragmentLayoutAttr::get(&context, layout), shape,
                     element, warps);
  };
  for (FragmentLayout layout :
       {FragmentLayout::acc, FragmentLayout::a_operand, FragmentLayout::row})
    for (int64_t row = 0; row < 128; ++row) {
      bool vector = layout == FragmentLayout::row;
      llvm::SmallVector<int64_t> shape{128};
      if (!vector)
        shape.push_back(16);
      int64_t element = vector ? row : row * 16 + 15;
      EXPECT_EQ(warpOf(layout, shape, element, 4), row % 64 / 16);
      EXPECT_EQ(warpOf(layout, shape, element, 1), 0);
    }
  for (int64_t column = 0; column < 128; ++column)
    EXPECT_EQ(
        warpOf(FragmentLayout::acc_transposed, {16, 128}, 3 * 128 + column, 4),
        column % 64 / 16);
  // A quarter of the rows each, one after the other.
  for (int64_t rows : {32, 64, 96})
    for (int64_t row = 0; row < rows; ++row)
      EXPECT_EQ(warpOf(FragmentLayout::gather, {rows}, row, 4),
                row / (rows / 4));
  EXPECT_EQ(warpOf(FragmentLayout::column, {8}, 5, 4), std::nullopt);
  for (int64_t n = 0; n < 64; ++n)
    EXPECT_EQ(warpOf(FragmentLayout::warp_column, {64}, n, 4), n / 16);
}

TEST_F(LayoutTest, SelectedElements) {
  cta::BufferType tile =
      makeBuffer({64, 64}, getType(ElementType::BF16), 128, 64);
  Footprint whole = makeFootprint(tile);
  std::vector<int64_t> all = listBytes(whole, 64 * 64);
  std::set<int64_t> seen;
  for (int64_t warp = 0; warp < 4; ++warp) {
    Footprint part = selectElements(
        whole, [&](int64_t element) { return element / 64 / 16 == warp; });
    EXPECT_EQ(part.alignment, whole.alignment);
    for (const Piece &piece : part.pieces)
      for (int64_t n = 0; n < piece.count; ++n) {
        EXPECT_EQ((piece.element + n) / 64 / 16, warp);
        EXPECT_EQ(all[piece.element + n], piece.bit / 8 + 2 * n);
        EXPECT_TRUE(seen.insert(piece.element + n).second);
      }
    ASSERT_EQ(part.ranges.size(), 1u);
    EXPECT_EQ(part.ranges[0].begin, warp * 2048);
    EXPECT_EQ(part.ranges[0].end, (warp + 1) * 2048);
  }
  EXPECT_EQ(seen.size(), 64u * 64u);
  // One piece of a vector is split into its elements.
  Footprint vector =
      makeFootprint(makeBuffer({64}, getType(ElementType::F32), 0, 64));
  Footprint odd =
      selectElements(vector, [](int64_t element) { return element % 2; });
  EXPECT_EQ(odd.ranges.size(), 32u);
  EXPECT_EQ(odd.ranges[0].begin, 4);
  EXPECT_EQ(odd.ranges[0].end, 8);
}
