//===- TileOps.cpp - tile ops without memory access -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Dialect/Tile/Tile.h"
#include "mla/Interpreter/Dot.h"
#include "mla/Interpreter/Program.h"
#include "mla/Interpreter/Reduce.h"
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

using namespace mlir;
using namespace mla;
using namespace mla::interp;

//===----------------------------------------------------------------------===//
// Structure: splat, iota, view, transpose, broadcast
//===----------------------------------------------------------------------===//

static LogicalResult runSplat(Frame &frame, const Instruction &in) {
  Lane lane = frame.get(in.operands[0]).scalar;
  TilePtr result = makeResult(in);
  for (int64_t n = 0, size = result->size(); n < size; ++n)
    result->set(n, lane);
  frame.set(in.results[0], std::move(result));
  return success();
}

static LogicalResult runIota(Frame &frame, const Instruction &in) {
  TilePtr result = makeResult(in);
  std::iota(result->ints.begin(), result->ints.end(), 0);
  frame.set(in.results[0], std::move(result));
  return success();
}

static LogicalResult runView(Frame &frame, const Instruction &in) {
  const DenseTile &source = frame.getTile(in.operands[0]);
  ArrayRef<int64_t> offsets = cast<tile::ViewOp>(in.op).getOffsets();
  TilePtr result = makeResult(in);
  for (int64_t n = 0, size = result->size(); n < size; ++n) {
    int64_t at = 0, stride = 1, rest = n;
    for (size_t d = offsets.size(); d--; stride *= source.shape[d]) {
      at += (offsets[d] + rest % result->shape[d]) * stride;
      rest /= result->shape[d];
    }
    result->set(n, source.get(at));
  }
  frame.set(in.results[0], std::move(result));
  return success();
}

static LogicalResult runConcat(Frame &frame, const Instruction &in) {
  auto dim = static_cast<size_t>(cast<tile::ConcatOp>(in.op).getDim());
  TilePtr result = makeResult(in);
  // Elements per index of the dimension.
  int64_t inner = 1;
  for (int64_t size : ArrayRef(result->shape).drop_front(dim + 1))
    inner *= size;
  int64_t row = result->shape[dim] * inner, begin = 0;
  for (Slot operand : in.operands) {
    const DenseTile &part = frame.getTile(operand);
    int64_t length = part.shape[dim] * inner;
    for (int64_t n = 0, size = part.size(); n < size; ++n)
      result->set(n / length * row + begin + n % length, part.get(n));
    begin += length;
  }
  frame.set(in.results[0], std::move(result));
  return success();
}

static LogicalResult runTranspose(Frame &frame, const Instruction &in) {
  const DenseTile &source = frame.getTile(in.operands[0]);
  TilePtr result = makeResult(in);
  int64_t rows = source.shape[0], columns = source.shape[1];
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c)
      result->set(c * rows + r, source.get(r * columns + c));
  frame.set(in.results[0], std::move(result));
  return success();
}

namespace {
/// Indexes a tile by one dimension, with the dimensions before and after it
/// collapsed: element (outer, n, inner).
struct CollapsedShape {
  int64_t outer = 1, size, inner = 1;

  CollapsedShape(ArrayRef<int64_t> shape, int64_t dim) : size(shape[dim]) {
    for (int64_t extent : shape.take_front(dim))
      outer *= extent;
    for (int64_t extent : shape.drop_front(dim + 1))
      inner *= extent;
  }
  int64_t at(int64_t o, int64_t n, int64_t i) const {
    return (o * size + n) * inner + i;
  }
};
} // namespace

static LogicalResult runBroadcast(Frame &frame, const Instruction &in) {
  const DenseTile &source = frame.getTile(in.operands[0]);
  TilePtr result = makeResult(in);
  CollapsedShape place(result->shape, cast<tile::BroadcastOp>(in.op).getDim());
  for (int64_t o = 0; o < place.outer; ++o)
    for (int64_t n = 0; n < place.size; ++n)
      for (int64_t i = 0; i < place.inner; ++i)
        result->set(place.at(o, n, i), source.get(o * place.inner + i));
  frame.set(in.results[0], std::move(result));
  return success();
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

Lane mla::interp::getNeutral(tile::ReduceKind kind, ElementType type) {
  bool isMax = kind == tile::ReduceKind::max;
  if (isFloat(type))
    return Lane::ofFloat(isMax ? -std::numeric_limits<float>::infinity() : 0);
  uint64_t sign = uint64_t(1) << (getBitWidth(type) - 1);
  return Lane::ofInt(isMax ? signExtend(sign, getBitWidth(type)) : 0);
}

Lane mla::interp::combine(tile::ReduceKind kind, ElementType type, Lane a,
                          Lane b) {
  bool isMax = kind == tile::ReduceKind::max;
  if (isFloat(type))
    return roundTo(type, Lane::ofFloat(isMax ? maximum(a.f, b.f) : a.f + b.f));
  auto sum = static_cast<uint64_t>(a.i) + static_cast<uint64_t>(b.i);
  return roundTo(type, Lane::ofInt(isMax ? std::max(a.i, b.i)
                                         : static_cast<int64_t>(sum)));
}

static LogicalResult runReduce(Frame &frame, const Instruction &in) {
  auto op = cast<tile::ReduceOp>(in.op);
  const DenseTile &source = frame.getTile(in.operands[0]);
  TilePtr result = makeResult(in);
  CollapsedShape place(source.shape, op.getDim());
  for (int64_t o = 0; o < place.outer; ++o)
    for (int64_t i = 0; i < place.inner; ++i) {
      Lane lane = getNeutral(op.getKind(), source.type);
      for (int64_t n = 0; n < place.size; ++n)
        lane = combine(op.getKind(), source.type, lane,
                       source.get(place.at(o, n, i)));
      result->set(o * place.inner + i, lane);
    }
  frame.set(in.results[0], std::move(result));
  return success();
}

static LogicalResult runFold(Frame &frame, const Instruction &in) {
  const DenseTile &source = frame.getTile(in.operands[0]);
  TilePtr result = makeResult(in);
  int64_t columns = result->shape[1], blocks = source.shape[1] / columns;
  for (int64_t r = 0; r < result->shape[0]; ++r)
    for (int64_t c = 0; c < columns; ++c) {
      float sum = 0;
      for (int64_t block = 0; block < blocks; ++block)
        sum += source.floats[(r * blocks + block) * columns + c];
      result->floats[r * columns + c] = sum;
    }
  frame.set(in.results[0], std::move(result));
  return success();
}

//===----------------------------------------------------------------------===//
// Dot and softmax
//===----------------------------------------------------------------------===//

static LogicalResult runDot(Frame &frame, const Instruction &in) {
  auto op = cast<tile::DotOp>(in.op);
  const DenseTile &a = frame.getTile(in.operands[0]);
  const DenseTile &b = frame.getTile(in.operands[1]);
  if (!isFloat(a.type) || !isFloat(b.type))
    return frame.fail(in, "expected operands of floats, got " +
                              stringify(a.type) + " and " + stringify(b.type));
  TilePtr result =
      op.getAcc() ? std::make_shared<DenseTile>(frame.getTile(in.operands[2]))
                  : makeResult(in);
  DotShape shape{result->shape[0], result->shape[1], op.getReductionSize(),
                 op.getTransposeA(), op.getTransposeB()};
  dot(shape, a.floats.data(), b.floats.data(), result->floats.data());
  frame.set(in.results[0], std::move(result));
  return success();
}

static bool isAnyTrue(const DenseTile &flags) {
  return llvm::any_of(flags.ints, [](int64_t flag) { return flag != 0; });
}

static LogicalResult runAny(Frame &frame, const Instruction &in) {
  bool any = isAnyTrue(frame.getTile(in.operands[0]));
  TilePtr result = makeResult(in);
  for (int64_t n = 0, size = result->size(); n < size; ++n)
    result->set(n, Lane::ofInt(any ? -1 : 0));
  frame.set(in.results[0], std::move(result));
  return success();
}

static LogicalResult runMin(Frame &frame, const Instruction &in) {
  const DenseTile &source = frame.getTile(in.operands[0]);
  int64_t least = *llvm::min_element(source.ints);
  TilePtr result = makeResult(in);
  for (int64_t n = 0, size = result->size(); n < size; ++n)
    result->set(n, Lane::ofInt(least));
  frame.set(in.results[0], std::move(result));
  return success();
}

static LogicalResult runOnlineSoftmax(Frame &frame, const Instruction &in) {
  auto op = cast<tile::OnlineSoftmaxOp>(in.op);
  const DenseTile &scores = frame.getTile(in.operands[0]);
  const DenseTile &max = frame.getTile(in.operands[1]);
  const DenseTile &sum = frame.getTile(in.operands[2]);
  float scale = frame.get(in.operands.back()).scalar.f;
  constexpr float kLowest = std::numeric_limits<float>::lowest();
  auto isAnyValid = [&](int64_t row) {
    if (!op.getValid())
      return false;
    const DenseTile &valid = frame.getTile(in.operands[3]);
    if (!op.getBelow())
      return isAnyTrue(valid);
    return *llvm::min_element(valid.ints) <
           frame.getTile(in.operands[4]).ints[row];
  };
  // Without a threshold, any larger score moves the maximum.
  std::optional<APFloat> threshold = op.getThreshold();
  float slack = threshold ? threshold->convertToFloat() / scale : 0;
  TilePtr weights = makeResult(in, 0), newMax = makeResult(in, 1),
          newSum = makeResult(in, 2), rescale = makeResult(in, 3);
  int64_t columns = scores.shape[1];
  for (int64_t r = 0; r < scores.shape[0]; ++r) {
    const float *x = scores.floats.data() + r * columns;
    float *w = weights->floats.data() + r * columns;
    float m = max.floats[r];
    float rowMax =
        isAnyValid(r) ? kLowest : -std::numeric_limits<float>::infinity();
    for (int64_t c = 0; c < columns; ++c)
      rowMax = maximum(rowMax, x[c]);
    if (!(rowMax <= m + slack))
      m = maximum(m, rowMax);
    float reference = threshold ? m : maximum(m, kLowest), rowSum = 0;
    for (int64_t c = 0; c < columns; ++c) {
      w[c] = std::exp2(scale * (x[c] - reference));
      rowSum += w[c];
    }
    newMax->floats[r] = m;
    rescale->floats[r] = std::exp2(scale * (max.floats[r] - reference));
    newSum->floats[r] = sum.floats[r] * rescale->floats[r] + rowSum;
  }
  frame.set(in.results[0], std::move(weights));
  frame.set(in.results[1], std::move(newMax));
  frame.set(in.results[2], std::move(newSum));
  frame.set(in.results[3], std::move(rescale));
  return success();
}

static LogicalResult runSmCount(Frame &frame, const Instruction &in) {
  frame.set(in.results[0], Lane::ofInt(frame.getOptions().sms));
  return success();
}

void mla::interp::addTileOps(HandlerTable &table) {
  table["tile.sm_count"] = runSmCount;
  table["tensor.splat"] = runSplat;
  table["tile.iota"] = runIota;
  table["tile.view"] = runView;
  table["tile.concat"] = runConcat;
  table["tile.transpose"] = runTranspose;
  table["tile.broadcast"] = runBroadcast;
  table["tile.reduce"] = runReduce;
  table["tile.fold"] = runFold;
  table["tile.any"] = runAny;
  table["tile.min"] = runMin;
  table["tile.dot"] = runDot;
  table["tile.online_softmax"] = runOnlineSoftmax;
}
