//===- ElementwiseLowering.cpp - arithmetic on fragments --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "KernelContext.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mla;

namespace {

/// The elements of a fragment, a register each: bits come out of their words.
Value toRegisters(ThreadBuilder &b, RankedTensorType type, Value fragment) {
  return isBits(type) ? b.pack(testBits(b, type, fragment)) : fragment;
}

/// The fragment of such registers: bits go back into words.
Value fromRegisters(ThreadBuilder &b, RankedTensorType type, Value registers) {
  return isBits(type) ? packBits(b, type, registers) : registers;
}

/// Any elementwise op keeps its name on vectors of registers.
struct ElementwisePattern : ConversionPattern {
  ElementwisePattern(TypeConverter &types, MLIRContext *context)
      : ConversionPattern(types, MatchAnyOpTypeTag(), 1, context) {}

  LogicalResult
  matchAndRewrite(Operation *op, ArrayRef<Value> operands,
                  ConversionPatternRewriter &rewriter) const override {
    if (!OpTrait::hasElementwiseMappableTraits(op) ||
        op->getNumResults() != 1 || !getFragment(op->getResult(0)))
      return rewriter.notifyMatchFailure(op, "not elementwise on a fragment");
    for (Value v : op->getOperands())
      if (RankedTensorType type = getFragment(v); type && isPacked(type))
        return op->emitOpError("is not lowered on bf16 fragments; compute in "
                               "f32");
    RankedTensorType type = getFragment(op->getResult(0));
    if (isPacked(type))
      return rewriter.notifyMatchFailure(op, "packed result");
    ThreadBuilder b(op, rewriter);
    OperationState state(op->getLoc(), op->getName());
    for (auto [v, registers] : llvm::zip_equal(op->getOperands(), operands)) {
      RankedTensorType fragment = getFragment(v);
      state.addOperands(fragment ? toRegisters(b, fragment, registers)
                                 : registers);
    }
    state.addTypes(
        VectorType::get(getNumRegisters(type), type.getElementType()));
    state.propertiesAttr = op->getPropertiesAsAttribute();
    Value result = rewriter.create(state)->getResult(0);
    rewriter.replaceOp(op, fromRegisters(b, type, result));
    return success();
  }
};

/// x times a factor a row that is often 1 in the whole warp (`tile.often_one`):
/// a branch around the multiplication, which all lanes take alike.
struct OftenOnePattern : OpConversionPattern<arith::MulFOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(arith::MulFOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto factor = op.getRhs().getDefiningOp<tile::BroadcastOp>();
    if (!op->hasAttr(tile::kOftenOneAttr) || !factor || factor.getDim() != 1)
      return rewriter.notifyMatchFailure(op, "not often a factor of 1 a row");
    ThreadBuilder b(op, rewriter);
    Value one = arith::ConstantOp::create(b, b.getF32FloatAttr(1));
    auto differs = [&](int64_t reg) -> Value {
      return arith::CmpFOp::create(b, arith::CmpFPredicate::UNE,
                                   b.extract(adaptor.getRhs(), reg), one);
    };
    // Of each block of 64 rows, registers 0 and 2 are of the thread's two rows.
    RankedTensorType type = getFragment(op.getResult());
    int64_t perBlock = type.getDimSize(1) / 2;
    Value mine = differs(0);
    for (int64_t row = 1; row < type.getDimSize(0) / 32; ++row)
      mine = arith::OrIOp::create(b, mine,
                                  differs(row / 2 * perBlock + 2 * (row % 2)));
    Value any = NVVM::VoteSyncOp::create(b, b.getI1Type(), b.i32(-1), mine,
                                         NVVM::VoteSyncKind::any);
    auto branch = scf::IfOp::create(
        b, any,
        [&](OpBuilder &nested, Location loc) {
          // Nothing, with an effect: LLVM would multiply always, and select.
          ThreadBuilder(op, nested).assembly("", "", {}, Type());
          Value product = arith::MulFOp::create(nested, loc, adaptor.getLhs(),
                                                adaptor.getRhs());
          scf::YieldOp::create(nested, loc, product);
        },
        [&](OpBuilder &nested, Location loc) {
          scf::YieldOp::create(nested, loc, adaptor.getLhs());
        });
    rewriter.replaceOp(op, branch);
    return success();
  }
};

Value combine(ThreadBuilder &b, tile::ReduceKind kind, Value x, Value y) {
  if (kind == tile::ReduceKind::max)
    return arith::MaximumFOp::create(b, x, y);
  return arith::AddFOp::create(b, x, y);
}

/// A thread's share of a reduction: those registers of `source` that `getGroup`
/// gives the number `group`, as a tree.
Value reduceThread(ThreadBuilder &b, tile::ReduceKind kind, Value source,
                   RankedTensorType type, int64_t group,
                   int64_t (*getGroup)(RankedTensorType, int64_t)) {
  SmallVector<Value> values;
  for (int64_t i = 0; i < getNumRegisters(type); ++i)
    if (getGroup(type, i) == group)
      values.push_back(b.extract(source, i));
  while (values.size() > 1) {
    SmallVector<Value> next;
    for (size_t i = 0; i + 1 < values.size(); i += 2)
      next.push_back(combine(b, kind, values[i], values[i + 1]));
    if (values.size() % 2)
      next.push_back(values.back());
    values = std::move(next);
  }
  return values[0];
}

/// The groups 0 to `groups` - 1 of registers, and those of the lanes that
/// differ in the bits `distances` of their number.
Value reduceGroups(ThreadBuilder &b, tile::ReduceKind kind, Value source,
                   RankedTensorType type, int64_t groups,
                   int64_t (*getGroup)(RankedTensorType, int64_t),
                   ArrayRef<int64_t> distances) {
  return b.pack(groups, [&](int64_t group) {
    Value result = reduceThread(b, kind, source, type, group, getGroup);
    for (int64_t distance : distances) {
      Value other = NVVM::ShflOp::create(b, b.getF32Type(), b.i32(-1), result,
                                         b.i32(distance), b.i32(31),
                                         NVVM::ShflKind::bfly, UnitAttr());
      result = combine(b, kind, result, other);
    }
    return result;
  });
}

/// (x - y) * c with a y for each row or column, where it may be distributed:
/// one x * c - y * c for each element. The rounding of y * c is an error of the
/// result, so where one of the warp may be large, x - y takes the place of x,
/// and 0 that of y * c: a branch that all lanes take alike, most often past it.
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
        !mayDistribute(difference))
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
          // Nothing, with an effect: LLVM would subtract always, and select.
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
  /// Below it y * c is off by 2^-13 at most.
  static constexpr float kLarge = 4096;

  static bool mayDistribute(arith::ArithFastMathInterface op) {
    return arith::bitEnumContainsAll(op.getFastMathFlagsAttr().getValue(),
                                     arith::FastMathFlags::reassoc |
                                         arith::FastMathFlags::contract);
  }

  /// y, y * c, and whether one of the warp's may be large.
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
      // y is what it was or the row maximum of x. Both are scaled, and tested,
      // before it is known which; the maximum by the shares of the threads,
      // before they are brought together.
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

    /// m, if `choice` is max(y, m) or y, and m the row maximum of `tile`.
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

struct ConstantPattern : OpConversionPattern<arith::ConstantOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(arith::ConstantOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto value = dyn_cast<DenseElementsAttr>(op.getValue());
    if (!value || !getFragment(op.getResult()))
      return failure();
    if (!value.isSplat())
      return op.emitOpError("expected a splat: other constants have no "
                            "lowering");
    auto type = dyn_cast_or_null<VectorType>(
        getTypeConverter()->convertType(op.getType()));
    if (isBits(getFragment(op.getResult())))
      value = DenseElementsAttr::get(
          type,
          rewriter.getI32IntegerAttr(value.getSplatValue<bool>() ? -1 : 0));
    if (!type || type.getElementType() != value.getElementType())
      return op.emitOpError("has no lowering for this element type");
    rewriter.replaceOpWithNewOp<arith::ConstantOp>(op, value.resizeSplat(type));
    return success();
  }
};

struct SplatPattern : OpConversionPattern<tensor::SplatOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(tensor::SplatOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op, rewriter);
    RankedTensorType type = getFragment(op.getResult());
    Value splat =
        b.pack(SmallVector<Value>(getNumRegisters(type), adaptor.getInput()));
    rewriter.replaceOp(op, fromRegisters(b, type, splat));
    return success();
  }
};

/// f32 to bf16, two registers into one.
struct TruncFPattern : OpConversionPattern<arith::TruncFOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(arith::TruncFOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    RankedTensorType type = getFragment(op.getResult());
    if (!type || !isPacked(type) || type.getRank() != 2)
      return rewriter.notifyMatchFailure(op, "not a bf16 accumulator");
    ThreadBuilder b(op, rewriter);
    Value packed = b.pack(getNumRegisters(type) / 2, [&](int64_t i) {
      return b.compute("cvt.rn.bf16x2.f32 $0, $1, $2;",
                       {b.extract(adaptor.getIn(), 2 * i + 1),
                        b.extract(adaptor.getIn(), 2 * i)},
                       b.getI32Type());
    });
    rewriter.replaceOp(op, packed);
    return success();
  }
};

/// An instruction of the special function unit on x, or on x times `factor` if
/// there is one: 2^x, log2 x, and e^x as 2^(x log2 e).
template <typename OpTy>
struct SpecialFunctionPattern : OpConversionPattern<OpTy> {
  SpecialFunctionPattern(TypeConverter &types, MLIRContext *context,
                         StringRef name, std::optional<float> factor = {})
      : OpConversionPattern<OpTy>(types, context, /*benefit=*/2),
        text((name + " $0, $1;").str()), factor(factor) {}

  LogicalResult
  matchAndRewrite(OpTy op, typename OpTy::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return rewriter.notifyMatchFailure(op, "not on f32");
    ThreadBuilder b(op, rewriter);
    Value x = adaptor.getOperand();
    auto vector = dyn_cast<VectorType>(x.getType());
    if (factor) {
      TypedAttr constant = b.getF32FloatAttr(*factor);
      if (vector)
        constant = DenseElementsAttr::get(vector, *factor);
      x = arith::MulFOp::create(b, x, arith::ConstantOp::create(b, constant));
    }
    auto compute = [&](Value y) { return b.compute(text, y, b.getF32Type()); };
    Value result =
        vector ? b.pack(vector.getNumElements(),
                        [&](int64_t i) { return compute(b.extract(x, i)); })
               : compute(x);
    rewriter.replaceOp(op, result);
    return success();
  }

  std::string text;
  std::optional<float> factor;
};

/// Whether `type` is what reductions are lowered for.
bool isReducible(RankedTensorType type) {
  return type.getElementType().isF32() &&
         cta::getLayout(type) == cta::FragmentLayout::acc;
}

/// Along a row: the thread's share, then the four lanes of a quad.
struct ReducePattern : OpConversionPattern<tile::ReduceOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(tile::ReduceOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    RankedTensorType type = getFragment(op.getSource());
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

/// Down the columns that a warp holds: the thread's share, then the eight lanes
/// that have the same columns.
struct ReduceWarpPattern : OpConversionPattern<cta::ReduceWarpOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(cta::ReduceWarpOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    RankedTensorType type = getFragment(op.getSource());
    if (!isReducible(type))
      return op.emitOpError("is lowered on f32 accumulators only");
    ThreadBuilder b(op, rewriter);
    rewriter.replaceOp(op, reduceGroups(b, op.getKind(), adaptor.getSource(),
                                        type, type.getDimSize(1) / 4,
                                        getColumnRegister, {4, 8, 16}));
    return success();
  }
};

struct BroadcastPattern : OpConversionPattern<tile::BroadcastOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(tile::BroadcastOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op, rewriter);
    RankedTensorType type = getFragment(op.getResult());
    Value source =
        toRegisters(b, getFragment(op.getSource()), adaptor.getSource());
    auto getRegister = op.getDim() == 1 ? getRowRegister : getColumnRegister;
    Value result = b.pack(getNumRegisters(type), [&](int64_t i) {
      return b.extract(source, getRegister(type, i));
    });
    rewriter.replaceOp(op, result);
    return success();
  }
};

struct IotaPattern : OpConversionPattern<tile::IotaOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(tile::IotaOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op, rewriter);
    RankedTensorType type = getFragment(op.getResult());
    Value result = b.pack(getNumRegisters(type), [&](int64_t i) {
      Coordinate at = getCoordinate(b, type, 0, i);
      return b.add(at.base, b.i32(at.offset));
    });
    rewriter.replaceOp(op, result);
    return success();
  }
};

/// An accumulator packed to bf16 is an A operand register for register.
struct ConvertLayoutPattern : OpConversionPattern<cta::ConvertLayoutOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(cta::ConvertLayoutOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, adaptor.getSource());
    return success();
  }
};

/// The transpose of an accumulator is a layout of the same registers.
struct TransposePattern : OpConversionPattern<tile::TransposeOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(tile::TransposeOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, adaptor.getSource());
    return success();
  }
};
} // namespace

LogicalResult mla::checkInstruction(Operation *op) {
  if (!isa_and_nonnull<math::MathDialect>(op->getDialect()))
    return success();
  // NVPTX selects these for every type. It ends the process at those that it
  // has no instruction for.
  if (isa<math::AbsFOp, math::AbsIOp, math::CeilOp, math::CopySignOp,
          math::CountLeadingZerosOp, math::CountTrailingZerosOp, math::CtPopOp,
          math::FloorOp, math::FmaOp, math::IsFiniteOp, math::IsNaNOp,
          math::RoundOp, math::RoundEvenOp, math::RsqrtOp, math::SqrtOp,
          math::TruncOp>(op))
    return success();
  Type type = getElementTypeOrSelf(op->getResult(0).getType());
  if (isa<math::ExpOp, math::Exp2Op, math::Log2Op>(op) && type.isF32())
    return success();
  return op->emitOpError() << "is not lowered on " << type
                           << "; of functions expected exp, exp2, log2 or tanh "
                              "on f32, or sqrt or rsqrt";
}

void mla::populateElementwisePatterns(TypeConverter &types,
                                      RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  patterns.add<BroadcastPattern, ConstantPattern, ConvertLayoutPattern,
               ElementwisePattern, IotaPattern, ReducePattern,
               ReduceWarpPattern, SplatPattern, TransposePattern>(types,
                                                                  context);
  // Before ElementwisePattern.
  patterns.add<OftenOnePattern, ScaledDifferencePattern, TruncFPattern>(
      types, context, /*benefit=*/2);
  patterns.add<SpecialFunctionPattern<math::ExpOp>>(
      types, context, "ex2.approx.ftz.f32", /*log2 e*/ 1.44269504f);
  patterns.add<SpecialFunctionPattern<math::Exp2Op>>(types, context,
                                                     "ex2.approx.ftz.f32");
  patterns.add<SpecialFunctionPattern<math::Log2Op>>(types, context,
                                                     "lg2.approx.ftz.f32");
}
