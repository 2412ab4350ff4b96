//===- ReductionLowering.cpp - reductions and row differences ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "KernelContext.h"

using namespace mlir;
using namespace mla;

namespace {
//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

Value combine(ThreadBuilder &b, tile::ReduceKind kind, Value x, Value y) {
  if (x.getType().isInteger())
    return kind == tile::ReduceKind::max
               ? arith::MaxSIOp::create(b, x, y).getResult()
               : arith::AddIOp::create(b, x, y).getResult();
  if (kind == tile::ReduceKind::max)
    return arith::MaximumFOp::create(b, x, y);
  return arith::AddFOp::create(b, x, y);
}

/// Combines `values` as a tree.
Value combineAll(SmallVector<Value> values,
                 function_ref<Value(Value, Value)> combine) {
  while (values.size() > 1) {
    SmallVector<Value> next;
    for (size_t i = 0; i + 1 < values.size(); i += 2)
      next.push_back(combine(values[i], values[i + 1]));
    if (values.size() % 2)
      next.push_back(values.back());
    values = std::move(next);
  }
  return values[0];
}

/// Reduces a thread's registers of `source` for which getGroup is `group`.
Value reduceThread(ThreadBuilder &b, tile::ReduceKind kind, Value source,
                   RankedTensorType type, int64_t group,
                   function_ref<int64_t(RankedTensorType, int64_t)> getGroup) {
  SmallVector<Value> values;
  for (int64_t i = 0; i < getNumRegisters(type); ++i)
    if (getGroup(type, i) == group)
      values.push_back(b.extract(source, i));
  return combineAll(values,
                    [&](Value x, Value y) { return combine(b, kind, x, y); });
}

/// Reduces groups 0 to `groups` - 1 of registers, then across the lanes whose
/// numbers differ in the bits `distances`.
Value reduceGroups(ThreadBuilder &b, tile::ReduceKind kind, Value source,
                   RankedTensorType type, int64_t groups,
                   function_ref<int64_t(RankedTensorType, int64_t)> getGroup,
                   ArrayRef<int64_t> distances) {
  return b.pack(groups, [&](int64_t group) {
    Value result = reduceThread(b, kind, source, type, group, getGroup);
    for (int64_t distance : distances) {
      Value other = NVVM::ShflOp::create(b, result.getType(), b.i32(-1), result,
                                         b.i32(distance), b.i32(31),
                                         NVVM::ShflKind::bfly, UnitAttr());
      result = combine(b, kind, result, other);
    }
    return result;
  });
}

/// Whether reductions are lowered for `type`.
bool isReducible(RankedTensorType type) {
  return type.getElementType().isF32() &&
         cta::getLayout(type) == cta::FragmentLayout::acc;
}

/// Reduces along dimension `dim` of a fragment with a direct layout, within a
/// warp: a thread's registers, then across lanes.
FailureOr<Value> reduceDirect(Operation *op, ThreadBuilder &b,
                              tile::ReduceKind kind, Value source,
                              RankedTensorType type, int64_t dim) {
  if (!type.getElementType().isF32() && !type.getElementType().isInteger(32))
    return op->emitOpError() << "is lowered on f32 and i32, got " << type;
  auto layout = cta::getDirectLayout(type);
  SmallVector<int64_t> distances;
  for (int64_t lanes = layout.getStrides()[dim];
       lanes < std::min<int64_t>(layout.getSpan(dim), 32); lanes *= 2)
    distances.push_back(lanes);
  auto along = type.getDimSize(dim) / layout.getThreads()[dim];
  return reduceGroups(
      b, kind, source, type, getNumRegisters(type) / along,
      [dim](RankedTensorType of, int64_t reg) {
        return getSideRegister(of, dim, reg);
      },
      distances);
}

/// Reduces along rows: a thread's registers, then the four lanes of a quad.
struct ReducePattern : OpConversionPattern<tile::ReduceOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(tile::ReduceOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    RankedTensorType type = getFragment(op.getSource());
    if (cta::crossesWarps(op))
      return op.emitOpError("expected a reduction within warps; run "
                            "--mla-reduce-across-warps first");
    if (cta::getDirectLayout(type)) {
      ThreadBuilder b(op, rewriter);
      FailureOr<Value> result = reduceDirect(
          op, b, op.getKind(), adaptor.getSource(), type, op.getDim());
      if (failed(result))
        return failure();
      rewriter.replaceOp(op, *result);
      return success();
    }
    if (!isReducible(type) || op.getDim() != 1)
      return op.emitOpError("is lowered along the rows of f32 accumulators "
                            "only");
    ThreadBuilder b(op, rewriter);
    rewriter.replaceOp(op, reduceGroups(b, op.getKind(), adaptor.getSource(),
                                        type, type.getDimSize(0) / 32,
                                        getRowRegister, {1, 2}));
    return success();
  }
};

/// Adds blocks of columns, of which a thread holds the same ones. One after the
/// other, so that each is added when it has been computed.
struct FoldPattern : OpConversionPattern<tile::FoldOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(tile::FoldOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    RankedTensorType type = getFragment(op.getSource());
    RankedTensorType folded = getFragment(op.getResult());
    constexpr int64_t kColumns = 8;
    if (!isReducible(type) || folded.getDimSize(1) % kColumns)
      return op.emitOpError()
             << "is lowered from f32 accumulators to "
                "multiples of "
             << kColumns << " columns only, got " << type << " and " << folded;
    ThreadBuilder b(op, rewriter);
    // Registers of 64 rows.
    int64_t count = type.getDimSize(1) / 2, kept = folded.getDimSize(1) / 2;
    rewriter.replaceOp(op, b.pack(getNumRegisters(folded), [&](int64_t reg) {
      int64_t first = reg / kept * count + reg % kept;
      Value sum = b.extract(adaptor.getSource(), first);
      for (int64_t i = kept; i < count; i += kept)
        sum = combine(b, tile::ReduceKind::sum, sum,
                      b.extract(adaptor.getSource(), first + i));
      return sum;
    }));
    return success();
  }
};

/// Reduces along columns within a warp: a thread's registers, then the eight
/// lanes that hold the same columns.
struct ReduceWarpPattern : OpConversionPattern<cta::ReduceWarpOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(cta::ReduceWarpOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    RankedTensorType type = getFragment(op.getSource());
    ThreadBuilder b(op, rewriter);
    if (op.getDim() && cta::getDirectLayout(type)) {
      FailureOr<Value> result =
          reduceDirect(op, b, op.getKind(), adaptor.getSource(), type,
                       static_cast<int64_t>(*op.getDim()));
      if (failed(result))
        return failure();
      rewriter.replaceOp(op, *result);
      return success();
    }
    if (op.getDim() || !isReducible(type))
      return op.emitOpError("is lowered on f32 accumulators only");
    rewriter.replaceOp(op, reduceGroups(b, op.getKind(), adaptor.getSource(),
                                        type, type.getDimSize(1) / 4,
                                        getColumnRegister, {4, 8, 16}));
    return success();
  }
};

/// The least element of a vector by column: the lanes of a quad hold all of
/// them.
struct MinPattern : OpConversionPattern<tile::MinOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(tile::MinOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    RankedTensorType type = getFragment(op.getSource());
    if (cta::getLayout(type) != cta::FragmentLayout::column)
      return op.emitOpError()
             << "is lowered on vectors by column, got " << type;
    ThreadBuilder b(op, rewriter);
    auto minimum = [&](Value x, Value y) -> Value {
      return arith::MinSIOp::create(b, x, y);
    };
    SmallVector<Value> values;
    for (int64_t i = 0; i < getNumRegisters(type); ++i)
      values.push_back(b.extract(adaptor.getSource(), i));
    Value least = combineAll(values, minimum);
    for (int64_t distance : {1, 2}) {
      Value other = NVVM::ShflOp::create(b, least.getType(), b.i32(-1), least,
                                         b.i32(distance), b.i32(31),
                                         NVVM::ShflKind::bfly, UnitAttr());
      least = minimum(least, other);
    }
    int64_t count = getNumRegisters(getFragment(op.getResult()));
    rewriter.replaceOp(op, b.pack(SmallVector<Value>(count, least)));
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Differences from row maxima
//===----------------------------------------------------------------------===//

/// (x - y) * c, where y has one value for each row or column and fast-math
/// flags allow distribution. Computed as fma(x, c, -(y * c)): one instruction
/// for each element. The rounding error of y * c becomes an error of the
/// result, so that a warp in which some y * c may be large computes fma(x - y,
/// c, 0) instead, in a warp-uniform branch.
struct ScaledDifferencePattern : OpConversionPattern<arith::MulFOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(arith::MulFOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto difference = op.getLhs().getDefiningOp<arith::SubFOp>();
    auto splat = op.getRhs().getDefiningOp<tensor::SplatOp>();
    auto broadcast =
        difference ? difference.getRhs().getDefiningOp<tile::BroadcastOp>()
                   : tile::BroadcastOp();
    if (!splat || !broadcast || !mayDistribute(op) ||
        !mayDistribute(difference) || !cta::getLayout(op.getType()))
      return rewriter.notifyMatchFailure(op, "not a scaled difference");
    ThreadBuilder b(op, rewriter);
    Subtrahend y(b, rewriter, difference.getLhs(), broadcast.getSource(),
                 splat.getInput());
    RankedTensorType type = getFragment(op.getResult());
    auto spread = [&](ThreadBuilder &at, Value of) {
      auto getRegister =
          broadcast.getDim() == 1 ? getRowRegister : getColumnRegister;
      return at.pack(getNumRegisters(type), [&](int64_t i) {
        return at.extract(of, getRegister(type, i));
      });
    };
    auto branch = scf::IfOp::create(
        b, y.mayBeLarge,
        [&](OpBuilder &nested, Location loc) {
          ThreadBuilder inner(op, nested);
          // An empty asm with side effects: otherwise LLVM would always
          // subtract and then select.
          inner.assembly("", "", {}, Type());
          Value exact = arith::SubFOp::create(inner, y.x, spread(inner, y.y));
          Value zero = arith::ConstantOp::create(
              inner, inner.getZeroAttr(y.scaled.getType()));
          scf::YieldOp::create(inner, ValueRange{exact, zero});
        },
        [&](OpBuilder &nested, Location loc) {
          scf::YieldOp::create(nested, loc, ValueRange{y.x, y.scaled});
        });
    Value negated = arith::NegFOp::create(b, branch.getResult(1));
    rewriter.replaceOpWithNewOp<math::FmaOp>(
        op, branch.getResult(0), adaptor.getRhs(), spread(b, negated));
    return success();
  }

private:
  /// Below this magnitude the rounding error of y * c is at most 2^-13.
  static constexpr float kLarge = 4096;

  static bool mayDistribute(arith::ArithFastMathInterface op) {
    return arith::bitEnumContainsAll(op.getFastMathFlagsAttr().getValue(),
                                     arith::FastMathFlags::reassoc |
                                         arith::FastMathFlags::contract);
  }

  /// y, y * c, and whether some y * c of the warp may be large.
  struct Subtrahend {
    Value x, y, scaled, mayBeLarge;

    Subtrahend(ThreadBuilder &b, ConversionPatternRewriter &rewriter,
               Value tile, Value vector, Value scale)
        : x(rewriter.getRemappedValue(tile)),
          y(rewriter.getRemappedValue(vector)) {
      auto scaleAll = [&](Value v) -> Value {
        auto type = cast<VectorType>(v.getType());
        Value splat = b.pack(SmallVector<Value>(type.getNumElements(), scale));
        return arith::MulFOp::create(b, v, splat);
      };
      auto choice = vector.getDefiningOp<arith::SelectOp>();
      Value rowMax = choice ? getMovedTo(choice, tile) : Value();
      if (!rowMax) {
        scaled = scaleAll(y);
        mayBeLarge = isAnyLarge(b, scaled);
        return;
      }
      // y is either its previous value or the row maximum of x. Scaling and
      // testing both takes the choice off the critical path. The maximum is
      // tested by each thread's share, so the test does not wait for shuffles.
      Value old = scaleAll(rewriter.getRemappedValue(choice.getFalseValue()));
      scaled = arith::SelectOp::create(
          b, rewriter.getRemappedValue(choice.getCondition()),
          scaleAll(rewriter.getRemappedValue(rowMax)), old);
      RankedTensorType type = getFragment(tile);
      SmallVector<Value> tested;
      for (int64_t row = 0; row < type.getDimSize(0) / 32; ++row) {
        tested.push_back(b.extract(old, row));
        Value share = reduceThread(b, tile::ReduceKind::max, x, type, row,
                                   getRowRegister);
        tested.push_back(arith::MulFOp::create(b, share, scale));
      }
      mayBeLarge = isAnyLarge(b, b.pack(tested));
    }

    /// Returns m if `choice` selects between max(y, m) and y, and m is the row
    /// maximum of `tile`; null otherwise.
    static Value getMovedTo(arith::SelectOp choice, Value tile) {
      auto max = choice.getTrueValue().getDefiningOp<arith::MaximumFOp>();
      if (!max || max.getLhs() != choice.getFalseValue())
        return {};
      auto reduce = max.getRhs().getDefiningOp<tile::ReduceOp>();
      bool isRowMax = reduce && reduce.getSource() == tile &&
                      reduce.getKind() == tile::ReduceKind::max &&
                      reduce.getDim() == 1;
      return isRowMax ? max.getRhs() : Value();
    }

    static Value isAnyLarge(ThreadBuilder &b, Value values) {
      Value limit = arith::ConstantOp::create(b, b.getF32FloatAttr(kLarge));
      Value large;
      int64_t count = cast<VectorType>(values.getType()).getNumElements();
      for (int64_t i = 0; i < count; ++i) {
        Value size = math::AbsFOp::create(b, b.extract(values, i));
        Value here =
            arith::CmpFOp::create(b, arith::CmpFPredicate::OGE, size, limit);
        large = large ? arith::OrIOp::create(b, large, here) : here;
      }
      return NVVM::VoteSyncOp::create(b, b.getI1Type(), b.i32(-1), large,
                                      NVVM::VoteSyncKind::any);
    }
  };
};
} // namespace

void mla::populateReductionPatterns(TypeConverter &types,
                                    RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  patterns.add<FoldPattern, MinPattern, ReducePattern, ReduceWarpPattern>(
      types, context);
  // Benefit above the pattern of elementwise ops.
  patterns.add<ScaledDifferencePattern>(types, context, /*benefit=*/2);
}
