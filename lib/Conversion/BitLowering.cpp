//===- BitLowering.cpp - vectors of i1 --------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// In shared memory element i of an i1 vector is bit i mod 8 of byte i / 8. A
// warp that stores its rows writes whole bytes, one ballot per byte. In
// registers, a vector by column is held as words of bits, all of them in every
// thread, so that a tile that is not masked costs one test of these words.
//
//===----------------------------------------------------------------------===//

#include "KernelContext.h"

using namespace mlir;
using namespace mla;
using cta::FragmentLayout;

static Value isNonZero(ThreadBuilder &b, Value v) {
  return LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::ne, v, b.i32(0));
}

//===----------------------------------------------------------------------===//
// By column: words of bits
//===----------------------------------------------------------------------===//

bool mla::isBits(RankedTensorType fragment) {
  return fragment.getElementType().isInteger(1) &&
         cta::getLayout(fragment) == FragmentLayout::column;
}

int64_t mla::getNumWords(RankedTensorType bits) {
  return llvm::divideCeil(bits.getNumElements(), 32);
}

/// The offset of this thread's columns, 8 j + 2 (lane mod 4) + e, from 8 j + e.
static Value getColumnShift(ThreadBuilder &b) {
  Value inQuad = LLVM::AndOp::create(b, b.lane(), b.i32(3));
  return LLVM::ShlOp::create(b, inQuad, b.i32(1));
}

/// The bit of register `reg`, 8 j + e, in its word.
static int64_t getColumnBit(int64_t reg) {
  return int64_t(1) << (8 * (reg / 2) + reg % 2) % 32;
}

/// Registers of 32 columns.
static constexpr int64_t kRegistersPerWord = 8;

SmallVector<Value> mla::testBits(ThreadBuilder &b, RankedTensorType type,
                                 Value words) {
  Value shift = getColumnShift(b);
  SmallVector<Value> tests;
  Value word;
  for (int64_t i = 0; i < getNumRegisters(type); ++i) {
    if (i % kRegistersPerWord == 0)
      word = LLVM::LShrOp::create(b, b.extract(words, i / kRegistersPerWord),
                                  shift);
    tests.push_back(
        isNonZero(b, LLVM::AndOp::create(b, word, b.i32(getColumnBit(i)))));
  }
  return tests;
}

Value mla::packBits(ThreadBuilder &b, RankedTensorType type, Value values) {
  Value shift = getColumnShift(b);
  SmallVector<Value> words;
  for (int64_t first = 0; first < getNumRegisters(type);
       first += kRegistersPerWord) {
    int64_t end = std::min(first + kRegistersPerWord, getNumRegisters(type));
    // Clears the bits of this thread's false columns. Bits of other threads'
    // columns, which this thread does not test, stay ones, so that the word is
    // all ones where no column is masked.
    Value missing = b.i32(0);
    for (int64_t i = first; i < end; ++i) {
      Value bit = LLVM::SelectOp::create(b, b.extract(values, i), b.i32(0),
                                         b.i32(getColumnBit(i)));
      missing = LLVM::OrOp::create(b, missing, bit);
    }
    missing = LLVM::ShlOp::create(b, missing, shift);
    words.push_back(LLVM::XOrOp::create(b, missing, b.i32(-1)));
  }
  return b.pack(words);
}

namespace {
struct LoadBitsPattern : OpConversionPattern<cta::LoadSharedOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(cta::LoadSharedOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    RankedTensorType type = getFragment(op.getFragment());
    if (type.getRank() != 1 || !type.getElementType().isInteger(1))
      return rewriter.notifyMatchFailure(op, "not a vector of i1");
    if (type.getNumElements() % 32)
      return op.emitOpError() << "expected a multiple of 32 bits, got " << type;
    ThreadBuilder b(op, rewriter);
    rewriter.replaceOp(op, isBits(type)
                               ? loadWords(b, type, adaptor.getSource())
                               : loadRows(b, type, adaptor.getSource()));
    return success();
  }

  static Value loadWords(ThreadBuilder &b, RankedTensorType type,
                         Value source) {
    int64_t words = getNumWords(type);
    auto vector = VectorType::get(words, b.getI32Type());
    // Slots of a ring are contiguous.
    return LLVM::LoadOp::create(b, vector, source,
                                /*alignment=*/llvm::MinAlign(4 * words, 16));
  }

  static Value loadRows(ThreadBuilder &b, RankedTensorType type, Value source) {
    return b.pack(getNumRegisters(type), [&](int64_t i) {
      Coordinate at = getCoordinate(b, type, 0, i);
      Value row = b.add(at.base, b.i32(at.offset));
      Value byte = b.offset(source, LLVM::LShrOp::create(b, row, b.i32(3)));
      Value loaded = LLVM::ZExtOp::create(
          b, b.getI32Type(), LLVM::LoadOp::create(b, b.getI8Type(), byte));
      Value bit = LLVM::AndOp::create(b, row, b.i32(7));
      loaded = LLVM::LShrOp::create(b, loaded, bit);
      return isNonZero(b, LLVM::AndOp::create(b, loaded, b.i32(1)));
    });
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// By row: ballots
//===----------------------------------------------------------------------===//

static Value ballot(ThreadBuilder &b, Value vote) {
  return NVVM::VoteSyncOp::create(b, b.getI32Type(), b.i32(-1), vote,
                                  NVVM::VoteSyncKind::ballot);
}

/// The byte of rows 8 `number` to 8 `number` + 7 of those that a warp holds by
/// gathered row. Each quad votes for one row, lane / 8 + 4 (lane / 4 mod 2). Of
/// the quad's bits in byte lane / 8 of the ballot, the one at the row's own
/// position is kept; the result is the sum of the four bytes.
static Value collectGathered(ThreadBuilder &b, Value fragment, int64_t number) {
  Value upper = isNonZero(b, LLVM::AndOp::create(b, b.lane(), b.i32(4)));
  Value vote =
      LLVM::SelectOp::create(b, upper, b.extract(fragment, 2 * number + 1),
                             b.extract(fragment, 2 * number));
  Value bits = LLVM::AndOp::create(b, ballot(b, vote),
                                   b.i32(static_cast<int32_t>(0x88442211)));
  return LLVM::LShrOp::create(b, b.mul(bits, b.i32(0x01010101)), b.i32(24));
}

/// The byte of 8 rows held by row: quad p votes for row p. Bit 4 p of the
/// ballot becomes bit p.
static Value collectRows(ThreadBuilder &b, Value fragment, int64_t number) {
  Value bits = ballot(b, b.extract(fragment, number));
  for (auto [shift, mask] :
       {std::pair(0, 0x11111111), {3, 0x03030303}, {6, 0x000F000F}, {12, 0xFF}})
    bits = LLVM::AndOp::create(
        b,
        LLVM::OrOp::create(b, bits,
                           LLVM::LShrOp::create(b, bits, b.i32(shift))),
        b.i32(mask));
  return bits;
}

namespace {
struct StoreBitsPattern : OpConversionPattern<cta::StoreSharedOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(cta::StoreSharedOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    RankedTensorType type = getFragment(op.getFragment());
    std::optional<FragmentLayout> layout = cta::getLayout(type);
    bool gathered = layout == FragmentLayout::gather;
    if (!type.getElementType().isInteger(1) ||
        (!gathered && layout != FragmentLayout::row))
      return rewriter.notifyMatchFailure(op, "not an i1 vector by row");
    if (type.getNumElements() % 32)
      return rewriter.notifyMatchFailure(op, "warps do not hold whole bytes");
    ThreadBuilder b(op, rewriter);
    SmallVector<Value> bytes;
    for (int64_t i = 0; i < type.getNumElements() / 32; ++i) {
      Value bits = gathered ? collectGathered(b, adaptor.getFragment(), i)
                            : collectRows(b, adaptor.getFragment(), i);
      bytes.push_back(LLVM::TruncOp::create(b, b.getI8Type(), bits));
    }
    Value mine =
        b.offset(adaptor.getDest(), b.mul(b.warp(), b.i32(bytes.size())));
    Value first =
        LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::eq, b.lane(), b.i32(0));
    b.ifThen(first, [&] {
      for (auto [i, byte] : llvm::enumerate(bytes))
        LLVM::StoreOp::create(b, byte, b.offset(mine, int64_t(i)));
    });
    rewriter.eraseOp(op);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Masks
//===----------------------------------------------------------------------===//

/// arith.select by column. Most tiles are not masked: if all bits are ones, a
/// branch skips the tests. All warps see the same words; the vote tells ptxas
/// that the branch is warp-uniform.
struct MaskPattern : OpConversionPattern<arith::SelectOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(arith::SelectOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto mask = op.getCondition().getDefiningOp<tile::BroadcastOp>();
    RankedTensorType type = getFragment(op.getResult());
    if (!mask || mask.getDim() != 0 || !isBits(mask.getSource().getType()) ||
        isPacked(type))
      return rewriter.notifyMatchFailure(op, "not a choice by column");
    ThreadBuilder b(op, rewriter);
    Value words = rewriter.getRemappedValue(mask.getSource());
    auto branch = scf::IfOp::create(
        b, TypeRange{adaptor.getTrueValue().getType()}, isAll(b, words), true);
    b.setInsertionPointToStart(branch.thenBlock());
    scf::YieldOp::create(b, adaptor.getTrueValue());
    b.setInsertionPointToStart(branch.elseBlock());
    b.readThreadAnew();
    SmallVector<Value> tests = testBits(b, mask.getSource().getType(), words);
    Value chosen = b.pack(getNumRegisters(type), [&](int64_t i) -> Value {
      return LLVM::SelectOp::create(b, tests[getColumnRegister(type, i)],
                                    b.extract(adaptor.getTrueValue(), i),
                                    b.extract(adaptor.getFalseValue(), i));
    });
    scf::YieldOp::create(b, chosen);
    rewriter.replaceOp(op, branch.getResult(0));
    return success();
  }

  static Value isAll(ThreadBuilder &b, Value words) {
    int64_t count = cast<VectorType>(words.getType()).getNumElements();
    Value common = b.extract(words, 0);
    for (int64_t i = 1; i < count; ++i)
      common = LLVM::AndOp::create(b, common, b.extract(words, i));
    Value all =
        LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::eq, common, b.i32(-1));
    return NVVM::VoteSyncOp::create(b, b.getI1Type(), b.i32(-1), all,
                                    NVVM::VoteSyncKind::all);
  }
};

/// Whether any bit is set. Words from shared memory are complete in every
/// thread. Of other words a lane tests its own columns only, since packBits
/// leaves ones in the other bits, and the warp votes.
struct AnyPattern : OpConversionPattern<tile::AnyOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(tile::AnyOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    RankedTensorType type = getFragment(op.getSource());
    if (!isBits(type))
      return op.emitOpError() << "is lowered on bits by column, got " << type;
    ThreadBuilder b(op, rewriter);
    Value words = adaptor.getSource();
    Value common = b.extract(words, 0);
    for (int64_t i = 1; i < getNumWords(type); ++i)
      common = LLVM::OrOp::create(b, common, b.extract(words, i));
    Value any;
    if (op.getSource().getDefiningOp<cta::LoadSharedOp>()) {
      any = isNonZero(b, common);
    } else {
      Value own = LLVM::ShlOp::create(b, b.i32(0x03030303), getColumnShift(b));
      common = LLVM::AndOp::create(b, common, own);
      any = NVVM::VoteSyncOp::create(b, b.getI1Type(), b.i32(-1),
                                     isNonZero(b, common),
                                     NVVM::VoteSyncKind::any);
    }
    RankedTensorType result = getFragment(op.getResult());
    if (isBits(result))
      any = LLVM::SExtOp::create(b, b.getI32Type(), any);
    int64_t count =
        isBits(result) ? getNumWords(result) : getNumRegisters(result);
    rewriter.replaceOp(op, b.pack(SmallVector<Value>(count, any)));
    return success();
  }
};
} // namespace

void mla::populateBitPatterns(TypeConverter &types,
                              RewritePatternSet &patterns) {
  // Benefit above the patterns of the same ops on any vector.
  patterns.add<AnyPattern, LoadBitsPattern, MaskPattern, StoreBitsPattern>(
      types, patterns.getContext(), /*benefit=*/2);
}
