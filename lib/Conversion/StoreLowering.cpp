//===- StoreLowering.cpp - stores of fragments ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "MemoryAccess.h"

using namespace mlir;
using namespace mla;
using cta::FragmentLayout;

namespace {

/// Whether this thread is the first one that holds its elements of a vector.
Value isFirstHolder(ThreadBuilder &b, RankedTensorType type) {
  auto isZero = [&](Value v) {
    return compare(b, LLVM::ICmpPredicate::eq, v, b.i32(0));
  };
  switch (*cta::getLayout(type)) {
  case FragmentLayout::row:
    return isZero(LLVM::AndOp::create(b, b.lane(), b.i32(3)));
  case FragmentLayout::gather:
    return both(b, isZero(LLVM::AndOp::create(b, b.lane(), b.i32(7))),
                isFirstWarpWithRow(b, type));
  case FragmentLayout::column:
    return isZero(LLVM::LShrOp::create(b, b.thread(), b.i32(2)));
  case FragmentLayout::warp_column:
    return isZero(LLVM::LShrOp::create(b, b.lane(), b.i32(2)));
  default:
    llvm_unreachable("a layout of matrices");
  }
}

/// Stores of fragments to global memory. Neighbouring registers of an
/// accumulator are neighbouring columns and are stored in one access. (Direct
/// layouts are lowered in DirectLowering.cpp.)
struct StorePattern : GlobalPattern<tile::StoreOp> {
  using GlobalPattern::GlobalPattern;
  LogicalResult
  matchAndRewrite(tile::StoreOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    const GlobalTensor *tensor = kernel.lookup(op, op.getDest());
    RankedTensorType type = getFragment(op.getTile());
    if (!tensor || !cta::getLayout(type))
      return failure();
    ThreadBuilder b(op, rewriter);
    b.readThreadAnew();
    GlobalWindow window(b, *tensor, op, type);
    const GlobalBox &box = window.box;
    FragmentLayout layout = *cta::getLayout(type);
    if (layout == FragmentLayout::acc) {
      if (!areColumnsWhole(box.tensor, box.indices, type.getDimSize(1), 2))
        return op.emitOpError("expected columns inside the memref, from an "
                              "even element on: only rows are checked, and "
                              "pairs are stored");
      int64_t columns = type.getDimSize(1);
      auto canTrade = [&](int64_t groups, int64_t unit) {
        return isPacked(type) && columns % (8 * groups) == 0 &&
               areColumnsWhole(box.tensor, box.indices, columns, unit);
      };
      // Of wide tiles the exchange costs more than the stores gain: its code is
      // long, and a CTA runs it once, from a cold instruction cache.
      constexpr int64_t kWidestQuads = 128;
      if (columns <= kWidestQuads && canTrade(QuadTrade::kGroups, 8))
        storePacked<QuadTrade>(b, box, adaptor.getTile());
      else if (canTrade(Trade::kGroups, 4))
        storePacked<Trade>(b, box, adaptor.getTile());
      else
        storeAccumulator(b, box, adaptor.getTile());
    } else if (layout == FragmentLayout::acc_transposed && isPacked(type)) {
      if (!areColumnsWhole(box.tensor, box.indices, type.getDimSize(1), 4))
        return op.emitOpError("expected columns inside the memref, from a "
                              "multiple of 8 bytes on: only rows are checked");
      storeTransposed(b, box, adaptor.getTile());
    } else if (layout == FragmentLayout::acc_transposed &&
               type.getElementType().isF32()) {
      if (!areColumnsWhole(box.tensor, box.indices, type.getDimSize(1), 1))
        return op.emitOpError("expected columns inside the memref: only rows "
                              "are checked");
      storeTransposedF32(b, box, adaptor.getTile());
    } else if ((layout == FragmentLayout::row ||
                layout == FragmentLayout::column) &&
               !isPacked(type) && !isBits(type)) {
      storeVector(b, box, adaptor.getTile());
    } else {
      return op.emitOpError() << "is not lowered for " << type;
    }
    rewriter.eraseOp(op);
    return success();
  }

  static void storeAccumulator(ThreadBuilder &b, const GlobalBox &box,
                               Value fragment) {
    bool packed = isPacked(box.fragment);
    int64_t perBlock = box.fragment.getDimSize(1) / 2;
    for (int64_t row = 0; row < box.fragment.getDimSize(0) / 32; ++row) {
      int64_t first = row / 2 * perBlock + 2 * (row % 2);
      SmallVector<Value> at = box.locate(b, first);
      Value pointer = box.getPointer(b, at);
      b.ifThen(box.isInside(b, at, 0), [&] {
        for (int64_t n = 0; n < perBlock / 4; ++n) {
          int64_t i = first + 4 * n;
          Value value = packed ? b.extract(fragment, i / 2)
                               : b.pack({b.extract(fragment, i),
                                         b.extract(fragment, i + 1)});
          int64_t bytes = n * 8 * (packed ? 2 : 4);
          LLVM::StoreOp::create(b, value, b.offset(pointer, bytes));
        }
      });
    }
  }

  /// `value` of the lane whose number differs in the bits `distance`.
  static Value exchange(ThreadBuilder &b, Value value, int64_t distance) {
    return NVVM::ShflOp::create(b, b.getI32Type(), b.i32(-1), value,
                                b.i32(distance), b.i32(31),
                                NVVM::ShflKind::bfly, UnitAttr());
  }

  /// Exchanges registers between neighbouring lanes, from 4 bytes of each of
  /// two groups of 8 columns to 8 bytes of one group, so that a quad fills a
  /// sector of 32 bytes. The even lane gets both lanes' columns of the first
  /// group, the odd lane those of the second.
  struct Trade {
    static constexpr int64_t kGroups = 2;

    explicit Trade(ThreadBuilder &b) : b(b) {
      odd = compare(b, LLVM::ICmpPredicate::ne,
                    LLVM::AndOp::create(b, b.lane(), b.i32(1)), b.i32(0));
      shift = LLVM::SelectOp::create(b, odd, b.i32(12), b.i32(0));
    }

    Value operator()(ArrayRef<Value> groups) const {
      Value mine = groups[0], next = groups[1];
      Value got = exchange(b, LLVM::SelectOp::create(b, odd, mine, next), 1);
      return b.pack({LLVM::SelectOp::create(b, odd, got, mine),
                     LLVM::SelectOp::create(b, odd, next, got)});
    }

    ThreadBuilder &b;
    Value odd, shift; ///< bytes from a lane's own columns to those it takes
  };

  /// Exchanges registers in a quad, from 4 bytes of each of four groups of 8
  /// columns to the 16 bytes of one group: lane t gets group t. First between
  /// neighbours, then between lanes at a distance of 2.
  struct QuadTrade {
    static constexpr int64_t kGroups = 4;

    explicit QuadTrade(ThreadBuilder &b) : b(b), neighbours(b) {
      Value lane = LLVM::AndOp::create(b, b.lane(), b.i32(3));
      upper = compare(b, LLVM::ICmpPredicate::ne,
                      LLVM::AndOp::create(b, lane, b.i32(2)), b.i32(0));
      shift = b.mul(lane, b.i32(12));
    }

    Value operator()(ArrayRef<Value> groups) const {
      Value low = neighbours(groups.take_front(2));
      Value high = neighbours(groups.drop_front(2));
      SmallVector<Value> kept, got;
      for (int64_t i = 0; i < 2; ++i) {
        Value first = b.extract(low, i), second = b.extract(high, i);
        kept.push_back(LLVM::SelectOp::create(b, upper, second, first));
        got.push_back(
            exchange(b, LLVM::SelectOp::create(b, upper, first, second), 2));
      }
      // The lower half of a quad has the group's first columns.
      SmallVector<Value> result;
      for (auto [front, back] :
           {std::pair(got[0], kept[0]), std::pair(got[1], kept[1]),
            std::pair(kept[0], got[0]), std::pair(kept[1], got[1])})
        result.push_back(LLVM::SelectOp::create(b, upper, front, back));
      return b.pack(result);
    }

    ThreadBuilder &b;
    Trade neighbours;
    Value upper, shift; ///< bytes from a lane's own columns to those it takes
  };

  /// Stores `values`, `stride` bytes apart, if the row of `at` is in bounds.
  static void storeEach(ThreadBuilder &b, const GlobalBox &box, ValueRange at,
                        Value pointer, ArrayRef<Value> values, int64_t stride) {
    b.ifThen(box.isInside(b, at, 0), [&] {
      for (auto [n, value] : llvm::enumerate(values))
        LLVM::StoreOp::create(b, value, b.offset(pointer, int64_t(n) * stride));
    });
  }

  /// Stores a packed accumulator after the lanes have exchanged columns.
  template <typename TradeT>
  static void storePacked(ThreadBuilder &b, const GlobalBox &box,
                          Value fragment) {
    TradeT trade(b);
    int64_t groups = box.fragment.getDimSize(1) / 8;
    for (int64_t row = 0; row < box.fragment.getDimSize(0) / 32; ++row) {
      int64_t first = row / 2 * 2 * groups + row % 2;
      SmallVector<Value> at = box.locate(b, 2 * first), values;
      Value pointer = b.offset(box.getPointer(b, at), trade.shift);
      for (int64_t group = 0; group < groups; group += TradeT::kGroups) {
        SmallVector<Value> mine;
        for (int64_t i = 0; i < TradeT::kGroups; ++i)
          mine.push_back(b.extract(fragment, first + 2 * (group + i)));
        values.push_back(trade(mine));
      }
      storeEach(b, box, at, pointer, values, 16 * TradeT::kGroups);
    }
  }

  /// The accumulator's columns are rows in memory: after 8x8 matrices are
  /// transposed, a quad holds neighbouring columns of a row. movmatrix is
  /// inline assembly: NVVM has no op for it.
  static void storeTransposed(ThreadBuilder &b, const GlobalBox &box,
                              Value fragment) {
    auto turn = [&](int64_t reg) {
      return b
          .assembly("movmatrix.sync.aligned.m8n8.trans.b16 $0, $1;", "=r,r",
                    b.extract(fragment, reg), b.getI32Type())
          ->getResult(0);
    };
    Trade trade(b);
    Value lane = b.lane();
    Value inQuad = LLVM::AndOp::create(b, lane, b.i32(3));
    Value column = b.add(b.mul(b.warp(), b.i32(16)), b.mul(inQuad, b.i32(2)));
    Value row = LLVM::LShrOp::create(b, lane, b.i32(2));
    int64_t groups = box.fragment.getDimSize(0) / 8;
    for (int64_t group = 0; group < groups; ++group) {
      SmallVector<Value> at(box.indices), pairs;
      Value &first = at[box.leading()], &second = at[box.leading() + 1];
      first = b.add(first, b.toI64(b.add(row, b.i32(8 * group))));
      second = b.add(second, b.toI64(column));
      Value pointer = b.offset(box.getPointer(b, at), trade.shift);
      for (int64_t block = 0; block < box.fragment.getDimSize(1) / 64;
           ++block) {
        int64_t reg = 2 * (block * groups + group);
        Value mine = turn(reg), next = turn(reg + 1);
        pairs.push_back(trade({mine, next}));
      }
      storeEach(b, box, at, pointer, pairs, 128);
    }
  }

  /// Lanes at a distance of 4 hold adjacent columns of a row; 8 of them fill a
  /// sector of 32 bytes.
  static void storeTransposedF32(ThreadBuilder &b, const GlobalBox &box,
                                 Value fragment) {
    Value lane = b.lane();
    Value inQuad = LLVM::AndOp::create(b, lane, b.i32(3));
    Value column = b.add(b.mul(b.warp(), b.i32(16)),
                         LLVM::LShrOp::create(b, lane, b.i32(2)));
    int64_t groups = box.fragment.getDimSize(0) / 8;
    for (int64_t row = 0; row < 2 * groups; ++row) {
      int64_t group = row / 2, side = row % 2;
      SmallVector<Value> at(box.indices);
      Value &first = at[box.leading()], &second = at[box.leading() + 1];
      Value mine = b.add(b.mul(inQuad, b.i32(2)), b.i32(8 * group + side));
      first = b.add(first, b.toI64(mine));
      second = b.add(second, b.toI64(column));
      Value pointer = box.getPointer(b, at);
      b.ifThen(box.isInside(b, at, 0), [&] {
        for (int64_t i = 0; i < box.fragment.getDimSize(1) / 32; ++i) {
          int64_t block = i / 2, half = i % 2;
          int64_t reg = 4 * (block * groups + group) + 2 * half + side;
          LLVM::StoreOp::create(b, b.extract(fragment, reg),
                                b.offset(pointer, (64 * block + 8 * half) * 4));
        }
      });
    }
  }

  /// If several threads hold an element, the first one stores it.
  static void storeVector(ThreadBuilder &b, const GlobalBox &box,
                          Value fragment) {
    Value holds = isFirstHolder(b, box.fragment);
    for (int64_t i = 0; i < getNumRegisters(box.fragment); ++i) {
      SmallVector<Value> at = box.locate(b, i);
      b.ifThen(both(b, holds, box.isInside(b, at, 0)), [&] {
        LLVM::StoreOp::create(b, b.extract(fragment, i), box.getPointer(b, at));
      });
    }
  }
};

/// Stores of fragments to shared memory: vectors by ordinary accesses (i1:
/// BitLowering.cpp), packed accumulators by stmatrix into the swizzled tile.
struct StoreSharedPattern : OpConversionPattern<cta::StoreSharedOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(cta::StoreSharedOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    RankedTensorType type = getFragment(op.getFragment());
    if (!cta::getLayout(type))
      return failure();
    if (type.getRank() == 2 && !op.getDest().getType().getLayout())
      return op.emitOpError() << "expected a buffer with a layout, got "
                              << op.getDest().getType();
    ThreadBuilder b(op, rewriter);
    FragmentLayout layout = *cta::getLayout(type);
    if (layout == FragmentLayout::acc && isPacked(type))
      storeMatrix(b, type, adaptor.getFragment(), adaptor.getDest(),
                  op.getDest().getType());
    else if (layout == FragmentLayout::acc_transposed && isPacked(type))
      storeTransposed(b, type, adaptor.getFragment(), adaptor.getDest(),
                      op.getDest().getType());
    else if (type.getRank() == 1 && !isPacked(type) &&
             !type.getElementType().isInteger(1))
      storeVector(b, type, adaptor.getFragment(), adaptor.getDest());
    else
      return op.emitOpError() << "is not lowered for " << type;
    rewriter.eraseOp(op);
    return success();
  }

  /// stmatrix.x4: lane i gives the address of row i mod 16 of chunk i / 16; the
  /// 16-byte chunks of a row are swizzled by its number.
  static void storeMatrix(ThreadBuilder &b, RankedTensorType type,
                          Value fragment, Value dest, cta::BufferType buffer) {
    Value lane = b.lane();
    Value row = b.add(b.mul(b.warp(), b.i32(16)),
                      LLVM::AndOp::create(b, lane, b.i32(15)));
    Value chunk = LLVM::LShrOp::create(b, lane, b.i32(4));
    Value phase = LLVM::AndOp::create(b, row, b.i32(7));
    Value rowBytes = b.mul(row, b.i32(128));
    int64_t blockBytes = buffer.getLayout().getRows() * 128;
    auto shape = NVVM::LdStMatrixShapeAttr::get(b.getContext(), 8, 8);
    // In steps of 16 columns, one block of 64 rows after another.
    int64_t steps = type.getDimSize(1) / 16;
    for (int64_t n = 0; n < type.getDimSize(0) / 64 * steps; ++n) {
      int64_t k = n % steps, block = n / steps;
      Value at = b.add(chunk, b.i32(2 * (k % 4)));
      at = LLVM::XOrOp::create(b, at, phase);
      Value bytes = b.add(rowBytes, b.mul(at, b.i32(16)));
      Value pointer = b.offset(b.offset(dest, bytes),
                               k / 4 * blockBytes + block * 64 * 128);
      SmallVector<Value> registers;
      for (int64_t i = 0; i < 4; ++i)
        registers.push_back(b.extract(fragment, 4 * n + i));
      NVVM::StMatrixOp::create(b, pointer, registers, NVVM::MMALayout::row,
                               shape, NVVM::LdStMatrixEltType::B16);
    }
  }

  /// stmatrix.trans: the accumulator's columns are rows of the tile. Of a group
  /// of 8 of them a warp holds two chunks of 8 elements; lane i gives the
  /// address of row i mod 8 of chunk i / 8 mod 2 of group i / 16.
  static void storeTransposed(ThreadBuilder &b, RankedTensorType type,
                              Value fragment, Value dest,
                              cta::BufferType buffer) {
    Value lane = b.lane();
    Value phase = LLVM::AndOp::create(b, lane, b.i32(7));
    Value side = LLVM::AndOp::create(b, LLVM::LShrOp::create(b, lane, b.i32(3)),
                                     b.i32(1));
    Value group = LLVM::LShrOp::create(b, lane, b.i32(4));
    Value chunk =
        LLVM::XOrOp::create(b, b.add(b.mul(b.warp(), b.i32(2)), side), phase);
    Value row = b.add(b.mul(group, b.i32(8)), phase);
    Value mine =
        b.offset(dest, b.add(b.mul(row, b.i32(128)), b.mul(chunk, b.i32(16))));
    int64_t blockBytes = buffer.getLayout().getRows() * 128;
    int64_t groups = type.getDimSize(0) / 8;
    auto shape = NVVM::LdStMatrixShapeAttr::get(b.getContext(), 8, 8);
    for (int64_t block = 0; block < type.getDimSize(1) / 64; ++block)
      for (int64_t j = 0; j < groups; j += 2) {
        SmallVector<Value> registers;
        for (int64_t i = 2 * j; i < 2 * std::min(j + 2, groups); ++i)
          registers.push_back(b.extract(fragment, 2 * block * groups + i));
        NVVM::StMatrixOp::create(
            b, b.offset(mine, block * blockBytes + j * 1024), registers,
            NVVM::MMALayout::col, shape, NVVM::LdStMatrixEltType::B16);
      }
  }

  static void storeVector(ThreadBuilder &b, RankedTensorType type,
                          Value fragment, Value dest) {
    Value first = isFirstHolder(b, type);
    int64_t width = type.getElementType().getIntOrFloatBitWidth() / 8;
    b.ifThen(first, [&] {
      for (int64_t i = 0; i < getNumRegisters(type); ++i) {
        Coordinate at = getCoordinate(b, type, 0, i);
        Value pointer = b.offset(dest, b.mul(at.base, b.i32(width)));
        LLVM::StoreOp::create(b, b.extract(fragment, i),
                              b.offset(pointer, at.offset * width));
      }
    });
  }
};
} // namespace

void mla::populateStorePatterns(TypeConverter &types,
                                RewritePatternSet &patterns,
                                KernelContext &kernel) {
  MLIRContext *context = patterns.getContext();
  patterns.add<StoreSharedPattern>(types, context);
  patterns.add<StorePattern>(types, context, kernel);
}
