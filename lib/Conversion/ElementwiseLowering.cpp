//===- ElementwiseLowering.cpp - arithmetic on fragments --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "KernelContext.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mla;

namespace {

/// The elements of a fragment, one per register: i1 vectors are unpacked.
Value toRegisters(ThreadBuilder &b, RankedTensorType type, Value fragment) {
  return isBits(type) ? b.pack(testBits(b, type, fragment)) : fragment;
}

/// The inverse of unpack: i1 vectors are packed into words.
Value fromRegisters(ThreadBuilder &b, RankedTensorType type, Value registers) {
  return isBits(type) ? packBits(b, type, registers) : registers;
}

bool isByteFloat(RankedTensorType type) {
  return getRegisterType(type.getElementType()) != type.getElementType();
}

/// Applies an elementwise op to the vectors of registers.
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
      if (RankedTensorType type = getFragment(v);
          type && (isPacked(type) || isByteFloat(type)))
        return op->emitOpError()
               << "is not lowered on " << type.getElementType()
               << " fragments; compute in f32";
    RankedTensorType type = getFragment(op->getResult(0));
    if (isPacked(type) || isByteFloat(type))
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

/// x times a factor per row that is often 1 in the whole warp
/// (`tile.often_one`): a warp-uniform branch around the multiplication.
struct OftenOnePattern : OpConversionPattern<arith::MulFOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(arith::MulFOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto factor = op.getRhs().getDefiningOp<tile::BroadcastOp>();
    if (!op->hasAttr(tile::kOftenOneAttr) || !factor || factor.getDim() != 1 ||
        !cta::getLayout(op.getType()))
      return rewriter.notifyMatchFailure(op, "not often a factor of 1 a row");
    ThreadBuilder b(op, rewriter);
    Value one = arith::ConstantOp::create(b, b.getF32FloatAttr(1));
    auto differs = [&](int64_t reg) -> Value {
      return arith::CmpFOp::create(b, arith::CmpFPredicate::UNE,
                                   b.extract(adaptor.getRhs(), reg), one);
    };
    // In each block of 64 rows, registers 0 and 2 belong to the thread's two
    // rows.
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
          // An empty asm with side effects: otherwise LLVM would always
          // multiply and then select.
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

/// f32 to bf16 or f16, two registers into one. Values beyond the range of f16
/// become infinite.
struct TruncFPattern : OpConversionPattern<arith::TruncFOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(arith::TruncFOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    RankedTensorType type = getFragment(op.getResult());
    if (!type || !isPacked(type) || type.getRank() != 2)
      return rewriter.notifyMatchFailure(op, "not a packed accumulator");
    StringRef text = type.getElementType().isBF16()
                         ? "cvt.rn.bf16x2.f32 $0, $1, $2;"
                         : "cvt.rn.f16x2.f32 $0, $1, $2;";
    ThreadBuilder b(op, rewriter);
    Value packed = b.pack(getNumRegisters(type) / 2, [&](int64_t i) {
      return b.compute(text,
                       {b.extract(adaptor.getIn(), 2 * i + 1),
                        b.extract(adaptor.getIn(), 2 * i)},
                       b.getI32Type());
    });
    rewriter.replaceOp(op, packed);
    return success();
  }
};

/// e4m3 to f32 or, packed, to f16 or bf16. The instruction converts a pair to
/// f16, which has all values of e4m3.
struct ExtFPattern : OpConversionPattern<arith::ExtFOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(arith::ExtFOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    RankedTensorType from = getFragment(op.getIn()),
                     to = getFragment(op.getOut());
    if (!from || !isa<Float8E4M3FNType>(from.getElementType()))
      return rewriter.notifyMatchFailure(op, "not a fragment of e4m3");
    Type element = to.getElementType();
    if (isPacked(to) ? to.getRank() != 2 : !element.isF32())
      return op.emitOpError() << "is not lowered to " << to
                              << "; expected f32, or a matrix of bf16 or f16";
    ThreadBuilder b(op, rewriter);
    int64_t count = getNumRegisters(from);
    SmallVector<Value> results;
    for (int64_t i = 0; i < count; i += 2) {
      Value first = b.extract(adaptor.getIn(), i);
      // With an odd count the last element is converted twice.
      Value second = i + 1 < count ? b.extract(adaptor.getIn(), i + 1) : first;
      Value pair = convertPair(b, first, second);
      if (element.isF16()) {
        results.push_back(pair);
        continue;
      }
      Value low = widen(b, pair, 0), high = widen(b, pair, 1);
      if (element.isBF16()) {
        results.push_back(b.compute("cvt.rn.bf16x2.f32 $0, $1, $2;",
                                    {high, low}, b.getI32Type()));
        continue;
      }
      results.push_back(low);
      if (i + 1 < count)
        results.push_back(high);
    }
    rewriter.replaceOp(op, b.pack(results));
    return success();
  }

  /// Two bytes to two f16 in an i32.
  static Value convertPair(ThreadBuilder &b, Value first, Value second) {
    Value bytes =
        LLVM::BitcastOp::create(b, b.getI16Type(), b.pack({first, second}));
    return b
        .assembly("cvt.rn.f16x2.e4m3x2 $0, $1;", "=r,h", bytes, b.getI32Type())
        ->getResult(0);
  }

  static Value widen(ThreadBuilder &b, Value pair, int64_t which) {
    auto halves = VectorType::get(2, b.getF16Type());
    Value half = b.extract(LLVM::BitcastOp::create(b, halves, pair), which);
    return LLVM::FPExtOp::create(b, b.getF32Type(), half);
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

struct BroadcastPattern : OpConversionPattern<tile::BroadcastOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(tile::BroadcastOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op, rewriter);
    RankedTensorType type = getFragment(op.getResult());
    Value source =
        toRegisters(b, getFragment(op.getSource()), adaptor.getSource());
    Value result = b.pack(getNumRegisters(type), [&](int64_t i) {
      return b.extract(source, getSideRegister(type, op.getDim(), i));
    });
    rewriter.replaceOp(op, result);
    return success();
  }
};

/// Whether the op is in a loop over work but in none inside of it.
bool isInWorkLoop(Operation *op) {
  auto grid = op->getParentOfType<scf::ForallOp>();
  auto loop = op->getParentOfType<scf::ForOp>();
  return grid && grid->hasAttr(cta::kLoadedWorkAttr) && loop &&
         !loop->getParentOfType<scf::ForOp>();
}

/// Whether the op is in a branch, and not in one around a loop, as that around
/// a pipelined loop.
bool isInBranch(Operation *op) {
  auto branch = dyn_cast<scf::IfOp>(op->getParentOp());
  return branch &&
         !branch->walk([](scf::ForOp) { return WalkResult::interrupt(); })
              .wasInterrupted();
}

struct IotaPattern : OpConversionPattern<tile::IotaOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(tile::IotaOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op, rewriter);
    // Otherwise the positions, which a branch seldom needs, would be computed
    // in front of the loop and occupy a register for each column in all of it.
    if (isInWorkLoop(op) || isInBranch(op))
      b.readThreadAnew();
    RankedTensorType type = getFragment(op.getResult());
    Value result = b.pack(getNumRegisters(type), [&](int64_t i) {
      Coordinate at = getCoordinate(b, type, 0, i);
      return b.add(at.base, b.i32(at.offset));
    });
    rewriter.replaceOp(op, result);
    return success();
  }
};

/// A packed accumulator and an A operand have the same registers.
struct ConvertLayoutPattern : OpConversionPattern<cta::ConvertLayoutOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(cta::ConvertLayoutOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, adaptor.getSource());
    return success();
  }
};

/// A transpose of an accumulator changes its layout and no register.
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
  // NVPTX selects these for every type. For an op that it cannot select it ends
  // the process.
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
               ElementwisePattern, IotaPattern, SplatPattern, TransposePattern>(
      types, context);
  // Benefit above ElementwisePattern.
  patterns.add<ExtFPattern, OftenOnePattern, TruncFPattern>(types, context,
                                                            /*benefit=*/2);
  patterns.add<SpecialFunctionPattern<math::ExpOp>>(
      types, context, "ex2.approx.ftz.f32", /*log2 e*/ 1.44269504f);
  patterns.add<SpecialFunctionPattern<math::Exp2Op>>(types, context,
                                                     "ex2.approx.ftz.f32");
  patterns.add<SpecialFunctionPattern<math::Log2Op>>(types, context,
                                                     "lg2.approx.ftz.f32");
}
