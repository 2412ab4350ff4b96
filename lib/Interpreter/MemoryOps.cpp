//===- MemoryOps.cpp - loads, stores and gathers ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Dialect/Tile/Tile.h"
#include "mla/Interpreter/Program.h"
#include <algorithm>

using namespace mlir;
using namespace mla;
using namespace mla::interp;

//===----------------------------------------------------------------------===//
// Boxes
//===----------------------------------------------------------------------===//

/// The part [first, second) of [0, count) that is inside [0, size) after adding
/// `start`. Does not overflow for any start.
static std::pair<int64_t, int64_t> clip(int64_t start, int64_t count,
                                        int64_t size) {
  int64_t low = start >= 0 ? 0 : start <= -count ? count : -start;
  int64_t high = start >= size           ? 0
                 : start <= size - count ? count
                                         : size - start;
  return {low, std::max(low, high)};
}

std::optional<int64_t> Box::getOuterOffset(ArrayRef<int64_t> at) const {
  int64_t offset = 0;
  size_t outer = shape.empty() ? start.size() : start.size() - 1;
  for (size_t d = 0; d < outer; ++d) {
    int64_t delta = d < lead() ? 0 : at[d - lead()];
    if (start[d] < -delta || start[d] >= array.shape[d] - delta)
      return std::nullopt;
    offset += (start[d] + delta) * array.strides[d];
  }
  return offset;
}

void Box::forEachMergedRun(
    llvm::function_ref<void(const Run1D &)> visit) const {
  ArrayRef<int64_t> rowShape = shape.drop_front();
  int64_t rowSize = ShapedType::getNumElements(rowShape);
  SmallVector<int64_t> at(start);
  for (int64_t row = 0; row < shape.front(); ++row) {
    // The test does not overflow for any start.
    int64_t first = start[merged->outer];
    if (first < -row || first >= merged->limit - row)
      continue;
    at[merged->outer] = (first + row) / merged->width;
    at[lead()] = start[lead()] + (first + row) % merged->width;
    Box{array, at, rowShape}.forEachRun([&](Run1D run) {
      run.tileAt += row * rowSize;
      visit(run);
    });
  }
}

void Box::forEachRun(llvm::function_ref<void(const Run1D &)> visit) const {
  if (merged)
    return forEachMergedRun(visit);
  if (shape.empty()) {
    if (std::optional<int64_t> offset = getOuterOffset({}))
      visit({0, *offset, 1, 0});
    return;
  }
  size_t last = start.size() - 1;
  int64_t length = shape.back(), stride = array.strides[last], rows = 1;
  for (int64_t size : shape.drop_back())
    rows *= size;
  auto [low, high] = clip(start[last], length, array.shape[last]);
  if (low == high)
    return;
  SmallVector<int64_t> at(shape.size() - 1);
  for (int64_t row = 0; row < rows; ++row) {
    int64_t rest = row;
    for (size_t d = at.size(); d--; rest /= shape[d])
      at[d] = rest % shape[d];
    if (std::optional<int64_t> offset = getOuterOffset(at))
      visit({row * length + low, *offset + (start[last] + low) * stride,
             high - low, stride});
  }
}

Window::Window(const Frame &frame, tile::LoadOp op, ArrayRef<Slot> operands) {
  auto type = cast<RankedTensorType>(op.getResult().getType());
  init(frame, operands, op.getDims(), type.getRank());
}

Window::Window(const Frame &frame, tile::StoreOp op, ArrayRef<Slot> operands) {
  auto type = cast<RankedTensorType>(op.getTile().getType());
  init(frame, operands.drop_front(), op.getDims(), type.getRank(),
       op.getMerged());
}

Window::Window(const Frame &frame, std::optional<ArrayRef<int64_t>> dims,
               int64_t tileRank, ArrayRef<Slot> operands) {
  init(frame, operands, dims, tileRank);
}

void Window::init(const Frame &frame, ArrayRef<Slot> operands,
                  std::optional<ArrayRef<int64_t>> dims, int64_t tileRank,
                  std::optional<tile::Merge> merge) {
  const Argument &whole = frame.getArray(operands.front());
  auto rank = static_cast<int64_t>(whole.shape.size());
  SmallVector<int64_t> indices = frame.getInts(operands.slice(1, rank));
  array = whole;
  for (auto [to, from] :
       llvm::enumerate(tile::orderDims(dims, rank, tileRank))) {
    array.shape[to] = whole.shape[from];
    array.strides[to] = whole.strides[from];
    start.push_back(indices[from]);
    if (merge && from == merge->outer)
      merged = {static_cast<int64_t>(to), merge->width,
                whole.shape[from] * merge->width};
  }
  SmallVector<int64_t> bounds = frame.getInts(operands.drop_front(1 + rank));
  for (auto [d, bound] : llvm::enumerate(bounds)) {
    int64_t &size =
        merged && d == 0 ? merged->limit : array.shape[rank - tileRank + d];
    size = std::clamp<int64_t>(bound, 0, size);
  }
}

void mla::interp::readBox(const Box &box, DenseTile &tile, int64_t at) {
  box.forEachRun([&](const Run1D &run) {
    for (int64_t n = 0; n < run.count; ++n)
      tile.set(
          at + run.tileAt + n,
          readElement(tile.type,
                      getAddress(box.array, run.arrayAt + n * run.stride)));
  });
}

void mla::interp::writeBox(const Box &box, const DenseTile &tile) {
  box.forEachRun([&](const Run1D &run) {
    for (int64_t n = 0; n < run.count; ++n)
      writeElement(tile.type,
                   getAddress(box.array, run.arrayAt + n * run.stride),
                   tile.get(run.tileAt + n));
  });
}

void mla::interp::readRows(const Argument &array, const DenseTile &rows,
                           ArrayRef<int64_t> rest, size_t dim,
                           DenseTile &tile) {
  // Each row is read as a box; a box outside the array leaves the tile
  // unchanged.
  ArrayRef<int64_t> shape = ArrayRef(tile.shape).drop_front();
  int64_t width = shape.empty() ? 1 : shape[0];
  for (int64_t r = 0; r < rows.size(); ++r)
    readBox({array, locateRow(array, rows.ints[r], rest, dim), shape}, tile,
            r * width);
}

SmallVector<int64_t> mla::interp::locateRow(const Argument &array, int64_t row,
                                            ArrayRef<int64_t> rest,
                                            size_t dim) {
  if (dim) {
    SmallVector<int64_t> start(rest);
    start.insert(start.begin() + dim, row);
    return start;
  }
  size_t leading = array.shape.size() - rest.size();
  SmallVector<int64_t> start(leading, 0);
  // A negative row lies outside in the first dimension.
  for (size_t d = leading - 1; d > 0 && row >= 0; --d) {
    start[d] = row % array.shape[d];
    row /= array.shape[d];
  }
  start[0] = row;
  llvm::append_range(start, rest);
  return start;
}

std::string mla::interp::findBlockFault(const Argument &array,
                                        const DenseTile &rows, int64_t block,
                                        size_t first, size_t last) {
  if (block < 0)
    return "";
  for (int64_t r = 0; r < rows.size(); ++r)
    if (rows.ints[r] != block + r)
      return ("expected rows from `block` on, " + Twine(block + r) +
              " at position " + Twine(r) + ", got " + Twine(rows.ints[r]))
          .str();
  int64_t size = array.shape[last];
  int64_t begin = first < last ? block % size : block;
  int64_t blocks =
      llvm::product_of(ArrayRef(array.shape).slice(first, last - first));
  if (begin + rows.size() <= size && block < blocks * size)
    return "";
  return ("expected " + Twine(rows.size()) + " rows in one block of " +
          Twine(size) + ", of which there are " + Twine(blocks) +
          ", got those from row " + Twine(block) + " on")
      .str();
}

//===----------------------------------------------------------------------===//
// Handlers
//===----------------------------------------------------------------------===//

static LogicalResult runLoad(Frame &frame, const Instruction &in) {
  TilePtr result = makeResult(in);
  if (auto padding = cast<tile::LoadOp>(in.op).getPaddingAttr()) {
    Lane lane = fromAttribute(padding);
    for (int64_t n = 0, size = result->size(); n < size; ++n)
      result->set(n, lane);
  }
  Window window(frame, cast<tile::LoadOp>(in.op), in.operands);
  readBox(window.getBox(result->shape), *result);
  frame.set(in.results[0], std::move(result));
  return success();
}

static LogicalResult runStore(Frame &frame, const Instruction &in) {
  const DenseTile &tile = frame.getTile(in.operands[0]);
  Window window(frame, cast<tile::StoreOp>(in.op), in.operands);
  writeBox(window.getBox(tile.shape), tile);
  return success();
}

static LogicalResult runGather(Frame &frame, const Instruction &in) {
  const Argument &array = frame.getArray(in.operands[0]);
  const DenseTile &rows = frame.getTile(in.operands[1]);
  TilePtr result = makeResult(in);
  auto op = cast<tile::GatherOp>(in.op);
  size_t numIndices = op.getIndices().size();
  SmallVector<int64_t> rest =
      frame.getInts(ArrayRef(in.operands).slice(2, numIndices));
  if (op.getBlock()) {
    std::string fault =
        findBlockFault(array, rows, frame.getInt(in.operands.back()),
                       op.getDim(), op.getBlockDim());
    if (!fault.empty())
      return frame.fail(in, fault);
  }
  readRows(array, rows, rest, op.getDim(), *result);
  frame.set(in.results[0], std::move(result));
  return success();
}

std::optional<int64_t> mla::interp::locateElement(const Argument &array,
                                                  ArrayRef<int64_t> indices,
                                                  std::string &error) {
  int64_t offset = 0;
  for (auto [d, index] : llvm::enumerate(indices)) {
    if (index < 0 || index >= array.shape[d]) {
      error = ("expected an index in [0, " + Twine(array.shape[d]) +
               ") in dimension " + Twine(d) + ", got " + Twine(index))
                  .str();
      return std::nullopt;
    }
    offset += index * array.strides[d];
  }
  return offset;
}

static LogicalResult runScalarLoad(Frame &frame, const Instruction &in) {
  const Argument &array = frame.getArray(in.operands[0]);
  std::string error;
  std::optional<int64_t> offset = locateElement(
      array, frame.getInts(ArrayRef(in.operands).drop_front()), error);
  if (!offset)
    return frame.fail(in, error);
  frame.set(in.results[0],
            readElement(array.elementType, getAddress(array, *offset)));
  return success();
}

static LogicalResult runDim(Frame &frame, const Instruction &in) {
  const Argument &array = frame.getArray(in.operands[0]);
  int64_t dim = frame.getInt(in.operands[1]);
  int64_t rank = static_cast<int64_t>(array.shape.size());
  if (dim < 0 || dim >= rank)
    return frame.fail(in, "expected a dimension in [0, " + Twine(rank) +
                              "), got " + Twine(dim));
  frame.set(in.results[0], Lane::ofInt(array.shape[dim]));
  return success();
}

void mla::interp::addMemoryOps(HandlerTable &table) {
  table["memref.load"] = runScalarLoad;
  table["memref.dim"] = runDim;
  table["tile.load"] = runLoad;
  table["tile.store"] = runStore;
  table["tile.gather"] = runGather;
}
