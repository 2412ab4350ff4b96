//===- Tile.cpp - operators to tile programs --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "LaunchInterface.h"
#include "TileRewrites.h"
#include "llvm/Support/MathExtras.h"

namespace mla {
#define GEN_PASS_DEF_TILE
#include "mla/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

namespace {
/// Heads of an output tile where they are the rows of a product: one warpgroup.
constexpr int64_t kRowHeads = 64;
/// Where they are columns, which come in groups of 8: as many as one warpgroup
/// can accumulate the output of.
constexpr int64_t kColumnHeads = 32, kColumnGroup = 8;
/// log2 e and its inverse: the softmax runs in base 2.
constexpr float kLog2E = 1.44269504f, kLn2 = 0.693147182f;
constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kLowest = std::numeric_limits<float>::lowest();
/// No less than any topk.
constexpr int64_t kAllEntries = std::numeric_limits<int32_t>::max();

/// Builds the tile program of one mla.sparse_prefill.
class SparsePrefillTiler {
public:
  SparsePrefillTiler(SparsePrefillOp op, int64_t tileKeys, bool swapped,
                     std::optional<float> threshold)
      : op(op), b(op.getLoc(), op), keys(tileKeys), swapped(swapped),
        threshold(threshold) {}

  LogicalResult run();

private:
  LogicalResult checkSizes();
  /// Heads of one output tile.
  int64_t getTileHeads() const;
  void buildGridPoint(ValueRange ivs);
  /// One KV tile: `t` its first entry; returns the new (o, m, l), and the top
  /// score if m is a reference that only follows it.
  SmallVector<Value> buildStep(Value t, ValueRange state);
  Value buildTop(Value scores, Value valid, Value top);
  /// The logarithm, in the operator's base, of l weights relative to `logit`.
  Value buildLse(Value logit, Value l);
  void buildEpilogue(Value o, Value m, Value l, Value top);
  /// Indices of one tile: entries past the limit are -1.
  Value buildRows(Value t);
  /// topk, cut to the token's topk_length.
  Value buildLimit(Value topk);
  /// The token's topk_length, or kAllEntries where the launch leaves it out.
  Value buildLength();

  RankedTensorType f32(ArrayRef<int64_t> shape) {
    return RankedTensorType::get(shape, b.getF32Type());
  }
  Value splat(Value scalar, ArrayRef<int64_t> shape) {
    return tensor::SplatOp::create(
        b, scalar, RankedTensorType::get(shape, scalar.getType()));
  }
  Value constant(float value, ArrayRef<int64_t> shape) {
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(f32(shape),
                                  b.getF32FloatAttr(value).getValue()));
  }
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }
  Value broadcast(Value v, int64_t dim, ArrayRef<int64_t> shape) {
    auto type = RankedTensorType::get(
        shape, cast<RankedTensorType>(v.getType()).getElementType());
    return tile::BroadcastOp::create(b, type, v, dim);
  }
  template <typename OpTy> OpTy label(OpTy newOp, StringRef name) {
    newOp->setAttr(tile::kLabelAttr, b.getStringAttr(name));
    return newOp;
  }

  SparsePrefillOp op;
  ImplicitLocOpBuilder b;
  /// The element type of q, kv, the weights and the output.
  Type element;
  int64_t keys, heads, tileHeads, dqk, dv;
  /// Heads will be the columns of products.
  bool swapped;
  /// By how much scores may exceed the maximum that weights refer to.
  std::optional<float> threshold;
  // Values of the grid point.
  Value token, head, zero, numRows, scaleLog2, limit, q;
};
} // namespace

LogicalResult mla::checkCovered(SparsePrefillOp op) {
  if (std::string fault = findFault(getShapeClass(op)); !fault.empty())
    return op.emitOpError(fault);
  auto kv = cast<MemRefType>(op.getKv().getType());
  if (int64_t heads = kv.getDimSize(1); heads != 1)
    return op.emitOpError()
           << "expected h_kv = 1, got "
           << (ShapedType::isDynamic(heads) ? std::string("a dynamic size")
                                            : std::to_string(heads));
  // Rows and CTAs are counted in 32 bits. A dynamic size is below 0.
  auto q = cast<MemRefType>(op.getQ().getType());
  for (auto [name, size] :
       {std::pair("s_q", q.getDimSize(0)), std::pair("s_kv", kv.getDimSize(0))})
    if (size > INT32_MAX)
      return op.emitOpError()
             << "expected " << name << " <= " << INT32_MAX << ", got " << size;
  return success();
}

LogicalResult SparsePrefillTiler::checkSizes() {
  auto q = cast<MemRefType>(op.getQ().getType());
  element = q.getElementType();
  heads = q.getDimSize(1);
  dqk = q.getDimSize(2);
  dv = cast<MemRefType>(op.getOut().getType()).getDimSize(2);
  if (failed(checkCovered(op)))
    return failure();
  if (!areTileKeys(keys))
    return op.emitOpError() << "expected tile-keys a multiple of 32 in [32, "
                               "256], got "
                            << keys;
  // Weights are at most 2^threshold, and f16 ends at 65,504. Sums of weights
  // are of f32 and have no such limit.
  constexpr int kMaxF16Threshold = 15;
  if (element.isF16() && threshold && *threshold > kMaxF16Threshold)
    return op.emitOpError()
           << "expected a threshold of at most " << kMaxF16Threshold
           << " for f16, in which larger weights overflow, got " << *threshold;
  return success();
}

int64_t SparsePrefillTiler::getTileHeads() const {
  if (!swapped)
    return kRowHeads;
  int64_t tiles = llvm::divideCeil(heads, kColumnHeads);
  return llvm::alignTo(llvm::divideCeil(heads, tiles), kColumnGroup);
}

LogicalResult SparsePrefillTiler::run() {
  if (failed(checkSizes()))
    return failure();
  tileHeads = getTileHeads();
  zero = index(0);
  Value tokens = memref::DimOp::create(b, op.getQ(), zero);
  Value rows = memref::DimOp::create(b, op.getKv(), zero);
  numRows = arith::IndexCastOp::create(b, b.getI32Type(), rows);
  Value log2e = arith::ConstantOp::create(b, b.getF32FloatAttr(kLog2E));
  scaleLog2 = arith::MulFOp::create(b, op.getScale(), log2e);
  SmallVector<OpFoldResult> bounds{
      tokens, b.getIndexAttr(llvm::divideCeil(heads, tileHeads))};
  scf::ForallOp::create(b, bounds, /*outputs=*/ValueRange(),
                        /*mapping=*/std::nullopt,
                        [&](OpBuilder &, Location, ValueRange ivs) {
                          OpBuilder::InsertionGuard guard(b);
                          buildGridPoint(ivs);
                        });
  op.erase();
  return success();
}

void SparsePrefillTiler::buildGridPoint(ValueRange ivs) {
  Block *body = ivs[0].getParentBlock();
  b.setInsertionPointToStart(body);
  token = ivs[0];
  head = arith::MulIOp::create(b, ivs[1], index(tileHeads));
  Value topk = memref::DimOp::create(b, op.getIndices(), index(2));
  limit = buildLimit(topk);
  auto qType = RankedTensorType::get({tileHeads, dqk}, element);
  q = label(tile::LoadOp::create(b, qType, op.getQ(),
                                 ValueRange{token, head, zero}, nullptr),
            "q");
  SmallVector<Value> init{constant(0, {tileHeads, dv}),
                          constant(threshold ? kLowest : -kInf, {tileHeads}),
                          constant(0, {tileHeads})};
  if (threshold)
    init.push_back(constant(-kInf, {tileHeads}));
  auto loop = scf::ForOp::create(
      b, zero, limit, index(keys), init,
      [&](OpBuilder &nested, Location loc, Value t, ValueRange state) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPoint(nested.getInsertionBlock(),
                            nested.getInsertionPoint());
        scf::YieldOp::create(b, buildStep(t, state));
      });
  // Entries past the end have the index -1: they change nothing.
  loop->setAttr(tile::kPaddedAttr, b.getUnitAttr());
  buildEpilogue(loop.getResult(0), loop.getResult(1), loop.getResult(2),
                threshold ? loop.getResult(3) : Value());
  scf::InParallelOp::create(b);
}

Value SparsePrefillTiler::buildLimit(Value topk) {
  if (!op.getTopkLength())
    return topk;
  Value length = buildLength();
  Value clamped = arith::MaxSIOp::create(
      b, arith::IndexCastOp::create(b, b.getIndexType(), length), zero);
  return arith::MinSIOp::create(b, clamped, topk);
}

Value SparsePrefillTiler::buildLength() {
  Value lengths = op.getTopkLength();
  if (!op.getTopkLengthOptional())
    return memref::LoadOp::create(b, lengths, token);
  Value given = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, token,
                                      memref::DimOp::create(b, lengths, zero));
  return scf::IfOp::create(
             b, given,
             [&](OpBuilder &yes, Location loc) {
               Value length = memref::LoadOp::create(yes, loc, lengths, token);
               scf::YieldOp::create(yes, loc, length);
             },
             [&](OpBuilder &no, Location loc) {
               Value all = arith::ConstantIntOp::create(
                   no, loc, no.getI32Type(), kAllEntries);
               scf::YieldOp::create(no, loc, all);
             })
      .getResult(0);
}

Value SparsePrefillTiler::buildRows(Value t) {
  Type i32 = b.getI32Type();
  auto type = RankedTensorType::get({keys}, i32);
  Value rows = label(tile::LoadOp::create(b, type, op.getIndices(),
                                          ValueRange{token, zero, t},
                                          b.getI32IntegerAttr(-1)),
                     "indices");
  if (!op.getTopkLength())
    return rows;
  Value left =
      arith::IndexCastOp::create(b, i32, arith::SubIOp::create(b, limit, t));
  Value inside =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt,
                            tile::IotaOp::create(b, type), splat(left, {keys}));
  Value none = arith::ConstantOp::create(b, b.getI32IntegerAttr(-1));
  return arith::SelectOp::create(b, inside, rows, splat(none, {keys}));
}

SmallVector<Value> SparsePrefillTiler::buildStep(Value t, ValueRange state) {
  Value o = state[0], m = state[1], l = state[2];
  Value rows = buildRows(t);
  auto narrow = [&](ArrayRef<int64_t> shape) {
    return RankedTensorType::get(shape, element);
  };
  Value k = label(tile::GatherOp::create(b, narrow({keys, dqk}), op.getKv(),
                                         rows, ValueRange{zero, zero}),
                  "k");
  // An index counts iff it names a row: unsigned, so that negative ones fail.
  Value valid = label(arith::CmpIOp::create(b, arith::CmpIPredicate::ult, rows,
                                            splat(numRows, {keys})),
                      "valid");
  Value v =
      tile::ViewOp::create(b, narrow({keys, dv}), k, ArrayRef<int64_t>{0, 0});
  Value s = label(tile::DotOp::create(b, f32({tileHeads, keys}), q, k, Value(),
                                      false, true),
                  "qk");
  Value masked =
      label(arith::SelectOp::create(b, broadcast(valid, 0, {tileHeads, keys}),
                                    s, constant(-kInf, {tileHeads, keys})),
            "mask");
  auto softmax = label(
      tile::OnlineSoftmaxOp::create(
          b, TypeRange{masked.getType(), m.getType(), m.getType(), m.getType()},
          masked, m, l, threshold ? Value() : valid, scaleLog2,
          threshold ? b.getF32FloatAttr(*threshold) : FloatAttr()),
      "softmax");
  Value p = label(arith::TruncFOp::create(b, narrow({tileHeads, keys}),
                                          softmax.getWeights()),
                  "p");
  Value rescaled =
      label(arith::MulFOp::create(
                b, o, broadcast(softmax.getRescale(), 1, {tileHeads, dv})),
            "rescale");
  if (threshold)
    rescaled.getDefiningOp()->setAttr(tile::kOftenOneAttr, b.getUnitAttr());
  Value next = label(
      tile::DotOp::create(b, o.getType(), p, v, rescaled, false, false), "pv");
  SmallVector<Value> result{next, softmax.getNewMax(), softmax.getNewSum()};
  if (threshold)
    result.push_back(buildTop(masked, valid, state[3]));
  return result;
}

/// Its row maxima are those of the softmax, whose decomposition has them once.
Value SparsePrefillTiler::buildTop(Value scores, Value valid, Value top) {
  auto labelled = [&](Value v) {
    label(v.getDefiningOp(), "top");
    return v;
  };
  Value rowMax = tile::ReduceOp::create(b, top.getType(), tile::ReduceKind::max,
                                        scores, 1);
  rowMax = createRowMax(b, scores, rowMax, valid, swapped, labelled);
  return labelled(arith::MaximumFOp::create(b, top, rowMax));
}

Value SparsePrefillTiler::buildLse(Value logit, Value l) {
  auto type = cast<RankedTensorType>(l.getType());
  auto scaled = [&](Value v, float factor) {
    return arith::MulFOp::create(b, v, constant(factor, type.getShape()));
  };
  Value logSum = math::Log2Op::create(b, l);
  if (op.getLseBase() == "e")
    return arith::AddFOp::create(b, logit, scaled(logSum, kLn2));
  return arith::AddFOp::create(b, scaled(logit, kLog2E), logSum);
}

void SparsePrefillTiler::buildEpilogue(Value o, Value m, Value l, Value top) {
  auto fill = [&](float value) { return constant(value, {tileHeads}); };
  auto equal = [&](Value v, float value) {
    return arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, v, fill(value));
  };
  // The maximum has moved if and only if an entry was valid.
  Value empty = equal(top ? top : m, -kInf);
  Value scale = splat(op.getScale(), {tileHeads});
  Value logit = arith::MulFOp::create(b, m, scale);
  Value lse = buildLse(logit, l);
  lse = arith::SelectOp::create(
      b, empty, fill(op.getEmptyLse() == "-inf" ? -kInf : kInf), lse);
  // Where nothing was summed up, every valid score was -inf.
  Value maxLogits = top ? arith::MulFOp::create(b, top, scale) : logit;
  maxLogits = arith::SelectOp::create(b, equal(l, 0), fill(-kInf), maxLogits);
  SmallVector<Value> at{token, head};
  label(tile::StoreOp::create(b, lse, op.getLse(), at), "stats.lse");
  label(tile::StoreOp::create(b, maxLogits, op.getMaxLogits(), at),
        "stats.max_logits");
  Value total = l;
  if (op.getAttnSink()) {
    // What lies outside of it, so all of one that is left out, weighs nothing.
    FloatAttr none =
        op.getAttnSinkOptional() ? b.getF32FloatAttr(-kInf) : FloatAttr();
    Value sink = tile::LoadOp::create(b, f32({tileHeads}), op.getAttnSink(),
                                      ValueRange{head}, none);
    // Logits are subtracted before they are scaled: finite ones of any size
    // have a difference.
    Value exponent = arith::MulFOp::create(
        b, arith::SubFOp::create(b, sink, logit), fill(kLog2E));
    total = arith::AddFOp::create(b, l, math::Exp2Op::create(b, exponent));
  }
  Value inverse = arith::DivFOp::create(b, fill(1), total);
  inverse =
      label(arith::SelectOp::create(b, empty, fill(0), inverse), "inverse");
  Value scaled =
      label(arith::MulFOp::create(b, o, broadcast(inverse, 1, {tileHeads, dv})),
            "normalise");
  Value result = arith::TruncFOp::create(
      b, RankedTensorType::get({tileHeads, dv}, element), scaled);
  label(tile::StoreOp::create(b, result, op.getOut(),
                              ValueRange{token, head, zero}),
        "out");
}

namespace {
struct TilePass : mla::impl::TileBase<TilePass> {
  using TileBase::TileBase;
  void runOnProgram() override {
    func::FuncOp func = getOperation();
    SmallVector<SparsePrefillOp> ops;
    func.walk([&](SparsePrefillOp op) { ops.push_back(op); });
    if (ops.empty())
      return;
    if (ops.size() > 1) {
      ops[1].emitOpError("expected one mla operator a function, got another");
      return signalPassFailure();
    }
    ScheduleAttr schedule = ops[0].getScheduleAttr();
    if (!schedule) {
      ops[0].emitOpError("expected a schedule; run --mla-choose-schedule "
                         "first");
      return signalPassFailure();
    }
    // Also where the schedule has no use for it; NaN is refused too.
    if (!(threshold >= 0 && threshold <= tile::kMaxThreshold)) {
      ops[0].emitOpError() << "expected a threshold in [0, "
                           << tile::kMaxThreshold << "], got "
                           << threshold.getValue();
      return signalPassFailure();
    }
    if (failed(noteLaunchInterface(ops[0], func)))
      return signalPassFailure();
    bool swapped = schedule.asksFor("swap-operands");
    std::optional<float> lazy;
    if (schedule.asksFor("lazy-rescale"))
      lazy = static_cast<float>(threshold);
    if (failed(SparsePrefillTiler(ops[0], schedule.getKeys(), swapped, lazy)
                   .run()))
      return signalPassFailure();
    func->setAttr(kScheduleAttr, schedule);
  }
};
} // namespace
