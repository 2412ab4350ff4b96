//===- TileBuilder.cpp - parts of operators' tile programs ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Operators/TileBuilder.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mla;

//===----------------------------------------------------------------------===//
// TileBuilder
//===----------------------------------------------------------------------===//

Value TileBuilder::createIndex(int64_t value) {
  return arith::ConstantIndexOp::create(*this, value);
}

Value TileBuilder::createI32(int64_t value) {
  return arith::ConstantOp::create(
      *this, getI32IntegerAttr(static_cast<int32_t>(value)));
}

Value TileBuilder::toI32(Value v) {
  if (v.getType().isInteger(32))
    return v;
  return arith::IndexCastOp::create(*this, getI32Type(), v);
}

Value TileBuilder::toIndex(Value v) {
  if (v.getType().isIndex())
    return v;
  return arith::IndexCastOp::create(*this, getIndexType(), v);
}

Value TileBuilder::createDim(Value memref, int64_t d) {
  return memref::DimOp::create(*this, memref, createIndex(d));
}

Value TileBuilder::createSplat(Value scalar, ArrayRef<int64_t> shape) {
  return tensor::SplatOp::create(
      *this, scalar, RankedTensorType::get(shape, scalar.getType()));
}

Value TileBuilder::createSplat(float value, ArrayRef<int64_t> shape) {
  return arith::ConstantOp::create(
      *this, DenseElementsAttr::get(getF32Tile(shape),
                                    getF32FloatAttr(value).getValue()));
}

Value TileBuilder::createBroadcast(Value v, int64_t dim,
                                   ArrayRef<int64_t> shape) {
  auto type = RankedTensorType::get(
      shape, cast<RankedTensorType>(v.getType()).getElementType());
  return tile::BroadcastOp::create(*this, type, v, dim);
}

Value TileBuilder::createCount(Value counts, Value index, bool mayBeLeftOut) {
  if (!mayBeLeftOut)
    return memref::LoadOp::create(*this, counts, index);
  Value size = memref::DimOp::create(*this, counts, createIndex(0));
  Value isThere =
      arith::CmpIOp::create(*this, arith::CmpIPredicate::ult, index, size);
  return scf::IfOp::create(
             *this, isThere,
             [&](OpBuilder &yes, Location loc) {
               Value count = memref::LoadOp::create(yes, loc, counts, index);
               scf::YieldOp::create(yes, loc, count);
             },
             [&](OpBuilder &no, Location loc) {
               Value all = arith::ConstantIntOp::create(
                   no, loc, no.getI32Type(),
                   std::numeric_limits<int32_t>::max());
               scf::YieldOp::create(no, loc, all);
             })
      .getResult(0);
}

LogicalResult mla::checkWeights(OperatorInterface op, Type element,
                                const TilingOptions &options) {
  // Weights are at most 2^threshold, and f16 ends at 65,504. Sums of weights
  // are of f32 and have no such limit.
  constexpr int kMaxF16Threshold = 15;
  std::optional<float> threshold = options.getLazyThreshold();
  if (!element.isF16() || threshold.value_or(0) <= kMaxF16Threshold)
    return success();
  return op->emitOpError() << "expected a threshold of at most "
                           << kMaxF16Threshold
                           << " for f16, in which larger weights overflow, got "
                           << *threshold;
}

LogicalResult mla::checkBlockKV(OperatorInterface op,
                                const TilingOptions &options) {
  int64_t blockKV = options.getBlockKV();
  if (blockKV >= 32 && blockKV <= 256 && blockKV % 32 == 0)
    return success();
  return op->emitOpError()
         << "expected tile size 'block_kv' a multiple of 32 in [32, 256], got "
         << blockKV;
}

FailureOr<int64_t> mla::getTileHeads(OperatorInterface op, int64_t heads,
                                     const TilingOptions &options) {
  constexpr int64_t kRowHeads = 64;
  // The accumulator of the output limits the columns of one warpgroup.
  constexpr int64_t kColumnHeads = 32, kColumnGroup = 8;
  std::optional<int64_t> asked = options.schedule.getTileSize("rows");
  if (!options.isABSwapped()) {
    if (asked.value_or(kRowHeads) == kRowHeads)
      return kRowHeads;
    return op->emitOpError() << "expected tile size 'rows' of " << kRowHeads
                             << " where heads are rows of MMAs, got " << *asked;
  }
  int64_t tiles = llvm::divideCeil(heads, kColumnHeads);
  int64_t rows = asked.value_or(
      llvm::alignTo(llvm::divideCeil(heads, tiles), kColumnGroup));
  if (rows <= kColumnHeads && rows % kColumnGroup == 0)
    return rows;
  return op->emitOpError() << "expected tile size 'rows' a multiple of "
                           << kColumnGroup << " up to " << kColumnHeads
                           << " where heads are columns of MMAs, got " << rows;
}

//===----------------------------------------------------------------------===//
// The loop
//===----------------------------------------------------------------------===//

void AttentionBuilder::buildScale() {
  Value log2e = arith::ConstantOp::create(b, b.getF32FloatAttr(kLog2E));
  scaleLog2 = arith::MulFOp::create(b, scale, log2e);
}

SmallVector<Value> AttentionBuilder::buildInit() {
  SmallVector<Value> init{b.createSplat(0, {heads, dimV}),
                          splatRows(threshold ? kLowest : -kInf), splatRows(0)};
  if (carriesTop())
    init.push_back(splatRows(-kInf));
  return init;
}

Value AttentionBuilder::buildMask(Value scores, const ScoreMask &mask) {
  Value flags = mask.createFlags(b, scores, [&](Value v) {
    b.label(v.getDefiningOp(), "mask");
    return v;
  });
  return b.label(arith::SelectOp::create(
                     b, flags, scores, b.createSplat(-kInf, {heads, blockKV})),
                 "mask");
}

SmallVector<Value> AttentionBuilder::buildStep(Value scores,
                                               const ScoreMask &mask, Value v,
                                               ValueRange state) {
  Value o = state[0], m = state[1], l = state[2];
  // The lazy softmax does not tell empty rows.
  bool tells = empty == Empty::found && !threshold;
  ScoreMask needed = tells ? mask : ScoreMask(Value());
  auto softmax = b.label(
      tile::OnlineSoftmaxOp::create(
          b, TypeRange{scores.getType(), m.getType(), m.getType(), m.getType()},
          scores, m, l, needed.valid, needed.below, scaleLog2,
          threshold ? b.getF32FloatAttr(*threshold) : FloatAttr()),
      "softmax");
  auto weights = cast<RankedTensorType>(scores.getType())
                     .clone(getElementTypeOrSelf(v.getType()));
  Value p =
      b.label(arith::TruncFOp::create(b, weights, softmax.getWeights()), "p");
  Value factor = b.createBroadcast(softmax.getRescale(), 1, {heads, dimV});
  auto rescaled = b.label(arith::MulFOp::create(b, o, factor), "rescale");
  if (threshold)
    rescaled->setAttr(tile::kOftenOneAttr, b.getUnitAttr());
  Value next = b.label(
      tile::DotOp::create(b, o.getType(), p, v, rescaled, false, false), "pv");
  SmallVector<Value> result{next, softmax.getNewMax(), softmax.getNewSum()};
  if (carriesTop())
    result.push_back(buildTop(scores, mask, state[3]));
  return result;
}

/// --mla-decompose-softmax merges this reduction with the one in the softmax.
Value AttentionBuilder::buildTop(Value scores, const ScoreMask &mask,
                                 Value top) {
  auto labelled = [&](Value v) {
    b.label(v.getDefiningOp(), "top");
    return v;
  };
  Value rowMax = tile::ReduceOp::create(b, top.getType(), tile::ReduceKind::max,
                                        scores, 1);
  rowMax =
      createRowMax(b, scores, rowMax, mask, options.isABSwapped(), labelled);
  return labelled(arith::MaximumFOp::create(b, top, rowMax));
}

//===----------------------------------------------------------------------===//
// After the loop
//===----------------------------------------------------------------------===//

Value AttentionBuilder::equals(Value v, float value) {
  return arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, v,
                               splatRows(value));
}

/// The logarithm of `sum` weights relative to `logit`.
Value AttentionBuilder::buildLse(Value logit, Value sum, bool isBase2) {
  auto scaled = [&](Value v, float factor) {
    return arith::MulFOp::create(b, v, splatRows(factor));
  };
  Value logSum = math::Log2Op::create(b, sum);
  if (!isBase2)
    return arith::AddFOp::create(b, logit, scaled(logSum, kLn2));
  return arith::AddFOp::create(b, scaled(logit, kLog2E), logSum);
}

AttentionBuilder::Statistics
AttentionBuilder::buildStatistics(ValueRange state, const LseOptions &lse,
                                  Value isEmpty) {
  Value m = state[1], top = carriesTop() ? state[3] : Value();
  Statistics result;
  result.sum = state[2];
  // The maximum is -inf if and only if no entry was valid.
  result.empty = isEmpty ? isEmpty : equals(top ? top : m, -kInf);
  Value scales = b.createSplat(scale, {heads});
  result.logit = arith::MulFOp::create(b, m, scales);
  result.lse = buildLse(result.logit, result.sum, lse.isBase2);
  result.lse = arith::SelectOp::create(
      b, result.empty, splatRows(lse.isEmptyNegative ? -kInf : kInf),
      result.lse);
  if (isEmpty)
    return result;
  // The sum is 0 if every valid score was -inf.
  result.maxLogits = top ? arith::MulFOp::create(b, top, scales) : result.logit;
  result.maxLogits = arith::SelectOp::create(
      b, equals(result.sum, 0), splatRows(-kInf), result.maxLogits);
  return result;
}

Value AttentionBuilder::addSink(const Statistics &statistics, Value sink) {
  // Subtracting before scaling does not overflow for finite logits.
  Value exponent = arith::MulFOp::create(
      b, arith::SubFOp::create(b, sink, statistics.logit), splatRows(kLog2E));
  return arith::AddFOp::create(b, statistics.sum,
                               math::Exp2Op::create(b, exponent));
}

Value AttentionBuilder::buildOutput(ValueRange state, Value empty, Value sum,
                                    Type element) {
  Value inverse = arith::DivFOp::create(b, splatRows(1), sum);
  inverse = b.label(arith::SelectOp::create(b, empty, splatRows(0), inverse),
                    "inverse");
  Value factor = b.createBroadcast(inverse, 1, {heads, dimV});
  Value scaled =
      b.label(arith::MulFOp::create(b, state[0], factor), "normalise");
  if (element.isF32())
    return scaled;
  return arith::TruncFOp::create(
      b, RankedTensorType::get({heads, dimV}, element), scaled);
}
