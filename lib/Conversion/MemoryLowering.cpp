//===- MemoryLowering.cpp - loads, stores, gathers, TMA ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "KernelContext.h"

using namespace mlir;
using namespace mla;
using cta::FragmentLayout;

namespace {

RankedTensorType getFragment(Value v) {
  return cast<RankedTensorType>(v.getType());
}

/// A pattern that knows the kernel's memref arguments.
template <typename OpTy> struct GlobalPattern : OpConversionPattern<OpTy> {
  GlobalPattern(TypeConverter &types, MLIRContext *context,
                KernelContext &kernel)
      : OpConversionPattern<OpTy>(types, context), kernel(kernel) {}

  KernelContext &kernel;
};

Value compare(ThreadBuilder &b, LLVM::ICmpPredicate predicate, Value x,
              Value y) {
  return LLVM::ICmpOp::create(b, predicate, x, y);
}

struct DimPattern : GlobalPattern<memref::DimOp> {
  using GlobalPattern::GlobalPattern;
  LogicalResult
  matchAndRewrite(memref::DimOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    const GlobalTensor *tensor = kernel.lookup(op, op.getSource());
    std::optional<int64_t> dim = op.getConstantIndex();
    if (!tensor || !dim)
      return failure();
    ThreadBuilder b(op, rewriter);
    rewriter.replaceOpWithNewOp<arith::IndexCastOp>(
        op, b.getIndexType(), b.toI64(tensor->sizes[*dim]));
    return success();
  }
};

/// The register layout of one access: where the fragment's dimensions lie in
/// the memref, and which of them need a bounds check.
struct Box {
  const GlobalTensor &tensor;
  SmallVector<Value> indices; ///< i64, of the box's first element
  RankedTensorType fragment;

  int64_t leading() const { return indices.size() - fragment.getRank(); }

  /// Indices of register `reg`.
  SmallVector<Value> locate(ThreadBuilder &b, int64_t reg) const {
    SmallVector<Value> at(indices);
    for (int64_t d = 0; d < fragment.getRank(); ++d) {
      Coordinate c = getCoordinate(b, fragment, d, reg);
      Value share = b.toI64(b.add(c.base, b.i32(c.offset)));
      at[leading() + d] = b.add(at[leading() + d], share);
    }
    return at;
  }

  /// Whether dimension `d` of the fragment can leave the memref.
  bool needsCheck(int64_t d) const {
    std::optional<int64_t> size =
        getConstantIntValue(tensor.sizes[leading() + d]);
    std::optional<int64_t> start =
        getConstantIntValue(OpFoldResult(indices[leading() + d]));
    return !size || !start || *start < 0 ||
           *start + fragment.getDimSize(d) > *size;
  }

  /// True where `at` lies in the memref; null if it always does.
  Value isInside(ThreadBuilder &b, ValueRange at, int64_t d) const {
    if (!needsCheck(d))
      return {};
    return compare(b, LLVM::ICmpPredicate::ult, at[leading() + d],
                   b.toI64(tensor.sizes[leading() + d]));
  }
};

Value both(ThreadBuilder &b, Value x, Value y) {
  if (!x || !y)
    return x ? x : y;
  return LLVM::AndOp::create(b, x, y);
}

SmallVector<Value> toI64(ThreadBuilder &b, ValueRange indices) {
  // Constants are looked up by bounds checks: keep them visible.
  return llvm::map_to_vector(indices, [&](Value v) -> Value {
    if (std::optional<int64_t> c = getConstantIntValue(OpFoldResult(v)))
      return b.i64(*c);
    return b.toI64(v);
  });
}

/// Whether this thread is the first of those that hold its elements of a
/// vector.
Value isFirstHolder(ThreadBuilder &b, RankedTensorType type) {
  auto isZero = [&](Value v) {
    return compare(b, LLVM::ICmpPredicate::eq, v, b.i32(0));
  };
  switch (*cta::getLayout(type)) {
  case FragmentLayout::row:
    return isZero(LLVM::AndOp::create(b, b.lane(), b.i32(3)));
  case FragmentLayout::gather:
    return isZero(LLVM::AndOp::create(b, b.lane(), b.i32(7)));
  case FragmentLayout::column:
    return isZero(LLVM::LShrOp::create(b, b.thread(), b.i32(2)));
  case FragmentLayout::warp_column:
    return isZero(LLVM::LShrOp::create(b, b.lane(), b.i32(2)));
  default:
    llvm_unreachable("a layout of matrices");
  }
}

/// Whether `columns` elements from `indices` on lie inside each row of the
/// memref, side by side, and start at a multiple of `unit` elements in every
/// row. (Run-time strides are multiples of 16 bytes: the launch checks that.)
bool areColumnsWhole(const GlobalTensor &tensor, ArrayRef<Value> indices,
                     int64_t columns, int64_t unit) {
  std::optional<int64_t> size = getConstantIntValue(tensor.sizes.back());
  std::optional<int64_t> start =
      getConstantIntValue(OpFoldResult(indices.back()));
  if (!size || !start || *start < 0 || *start + columns > *size ||
      *start % unit || getConstantIntValue(tensor.strides.back()) != 1)
    return false;
  return llvm::all_of(
      ArrayRef(tensor.strides).drop_back(), [&](OpFoldResult stride) {
        return getConstantIntValue(stride).value_or(0) % unit == 0;
      });
}

/// Loads of vectors, each thread its own elements.
struct LoadPattern : GlobalPattern<tile::LoadOp> {
  using GlobalPattern::GlobalPattern;
  LogicalResult
  matchAndRewrite(tile::LoadOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    const GlobalTensor *tensor = kernel.lookup(op, op.getSource());
    RankedTensorType type = getFragment(op.getResult());
    if (!tensor || type.getRank() != 1 || isPacked(type))
      return op.emitOpError("is lowered for vectors of i32 or f32");
    ThreadBuilder b(op, rewriter);
    Box box{*tensor, toI64(b, op.getIndices()), type};
    Value padding = makePadding(b, op, type.getElementType());
    bool constant = !kernel.written.contains(op.getSource());
    SmallVector<Value> values;
    for (int64_t i = 0; i < getNumRegisters(type); ++i) {
      SmallVector<Value> at = box.locate(b, i);
      values.push_back(load(
          b, box.isInside(b, at, 0), padding, constant,
          [&] { return b.elementPointer(*tensor, at); },
          type.getElementType()));
    }
    rewriter.replaceOp(op, b.pack(values));
    return success();
  }

  static Value makePadding(ThreadBuilder &b, tile::LoadOp op, Type type) {
    TypedAttr padding = op.getPaddingAttr();
    if (!padding)
      padding = b.getZeroAttr(type);
    return LLVM::ConstantOp::create(b, type, padding);
  }

  /// The value at the pointer, or `padding` where not `inside`.
  static Value load(ThreadBuilder &b, Value inside, Value padding,
                    bool constant, function_ref<Value()> pointer, Type type) {
    auto read = [&]() -> Value {
      auto op = LLVM::LoadOp::create(b, type, pointer());
      op.setInvariant(constant);
      return op;
    };
    if (!inside)
      return read();
    auto branch = scf::IfOp::create(b, TypeRange{type}, inside, true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    scf::YieldOp::create(b, read());
    b.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(b, padding);
    return branch.getResult(0);
  }
};

struct ScalarLoadPattern : GlobalPattern<memref::LoadOp> {
  using GlobalPattern::GlobalPattern;
  LogicalResult
  matchAndRewrite(memref::LoadOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    const GlobalTensor *tensor = kernel.lookup(op, op.getMemRef());
    if (!tensor)
      return failure();
    ThreadBuilder b(op, rewriter);
    Value pointer = b.elementPointer(*tensor, toI64(b, op.getIndices()));
    rewriter.replaceOpWithNewOp<LLVM::LoadOp>(op, op.getType(), pointer);
    return success();
  }
};

/// Stores of fragments. Neighbouring registers of an accumulator are
/// neighbouring columns: they leave as one access.
struct StorePattern : GlobalPattern<tile::StoreOp> {
  using GlobalPattern::GlobalPattern;
  LogicalResult
  matchAndRewrite(tile::StoreOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    const GlobalTensor *tensor = kernel.lookup(op, op.getDest());
    if (!tensor)
      return failure();
    RankedTensorType type = getFragment(op.getTile());
    ThreadBuilder b(op, rewriter);
    Box box{*tensor, toI64(b, op.getIndices()), type};
    FragmentLayout layout = *cta::getLayout(type);
    if (layout == FragmentLayout::acc) {
      if (!areColumnsWhole(*tensor, box.indices, type.getDimSize(1), 2))
        return op.emitOpError("expected columns inside the memref, from an "
                              "even element on: only rows are checked, and "
                              "pairs are stored");
      if (isPacked(type) && type.getDimSize(1) % 16 == 0 &&
          areColumnsWhole(*tensor, box.indices, type.getDimSize(1), 4))
        storePackedWide(b, box, adaptor.getTile());
      else
        storeAccumulator(b, box, adaptor.getTile());
    } else if (layout == FragmentLayout::acc_transposed && isPacked(type)) {
      if (!areColumnsWhole(*tensor, box.indices, type.getDimSize(1), 4))
        return op.emitOpError("expected columns inside the memref, from a "
                              "multiple of 8 bytes on: only rows are checked");
      storeTransposed(b, box, adaptor.getTile());
    } else if ((layout == FragmentLayout::row ||
                layout == FragmentLayout::column) &&
               !isPacked(type)) {
      storeVector(b, box, adaptor.getTile());
    } else {
      return op.emitOpError() << "is not lowered for " << type;
    }
    rewriter.eraseOp(op);
    return success();
  }

  static void storeAccumulator(ThreadBuilder &b, const Box &box,
                               Value fragment) {
    bool packed = isPacked(box.fragment);
    int64_t perBlock = box.fragment.getDimSize(1) / 2;
    for (int64_t row = 0; row < box.fragment.getDimSize(0) / 32; ++row) {
      int64_t first = row / 2 * perBlock + 2 * (row % 2);
      SmallVector<Value> at = box.locate(b, first);
      Value pointer = b.elementPointer(box.tensor, at);
      auto store = [&] {
        for (int64_t n = 0; n < perBlock / 4; ++n) {
          int64_t i = first + 4 * n;
          Value value = packed ? b.extract(fragment, i / 2)
                               : b.pack({b.extract(fragment, i),
                                         b.extract(fragment, i + 1)});
          int64_t bytes = n * 8 * (packed ? 2 : 4);
          LLVM::StoreOp::create(b, value, b.offset(pointer, bytes));
        }
      };
      if (Value inside = box.isInside(b, at, 0))
        b.ifThen(inside, store);
      else
        store();
    }
  }

  /// Turns 4 bytes a lane, of each of two groups of 8 columns, into 8 bytes of
  /// one, so that a quad fills a sector of 32 bytes. Neighbouring lanes trade:
  /// the even one takes the columns that both hold of the first group, the odd
  /// one those of the next.
  struct Trade {
    explicit Trade(ThreadBuilder &b) : b(b) {
      odd = compare(b, LLVM::ICmpPredicate::ne,
                    LLVM::AndOp::create(b, b.lane(), b.i32(1)), b.i32(0));
      shift = LLVM::SelectOp::create(b, odd, b.i32(12), b.i32(0));
    }

    Value operator()(Value mine, Value next) const {
      Value sent = LLVM::SelectOp::create(b, odd, mine, next);
      Value got =
          NVVM::ShflOp::create(b, b.getI32Type(), b.i32(-1), sent, b.i32(1),
                               b.i32(31), NVVM::ShflKind::bfly, UnitAttr());
      return b.pack({LLVM::SelectOp::create(b, odd, got, mine),
                     LLVM::SelectOp::create(b, odd, next, got)});
    }

    ThreadBuilder &b;
    Value odd, shift; ///< bytes from a lane's own columns to those it takes
  };

  /// Stores `pairs`, `stride` bytes apart, where the row of `at` is inside.
  static void storePairs(ThreadBuilder &b, const Box &box, ValueRange at,
                         Value pointer, ArrayRef<Value> pairs, int64_t stride) {
    auto store = [&] {
      for (auto [n, pair] : llvm::enumerate(pairs))
        LLVM::StoreOp::create(b, pair, b.offset(pointer, int64_t(n) * stride));
    };
    if (Value inside = box.isInside(b, at, 0))
      b.ifThen(inside, store);
    else
      store();
  }

  static void storePackedWide(ThreadBuilder &b, const Box &box,
                              Value fragment) {
    Trade trade(b);
    int64_t groups = box.fragment.getDimSize(1) / 8;
    for (int64_t row = 0; row < box.fragment.getDimSize(0) / 32; ++row) {
      int64_t first = row / 2 * 2 * groups + row % 2;
      SmallVector<Value> at = box.locate(b, 2 * first), pairs;
      Value pointer = b.offset(b.elementPointer(box.tensor, at), trade.shift);
      for (int64_t group = 0; group < groups; group += 2) {
        Value mine = b.extract(fragment, first + 2 * group);
        Value next = b.extract(fragment, first + 2 * group + 2);
        pairs.push_back(trade(mine, next));
      }
      storePairs(b, box, at, pointer, pairs, 32);
    }
  }

  /// The accumulator's columns are rows of memory: once matrices of 8 by 8 are
  /// turned, a quad holds neighbouring columns of a row.
  static void storeTransposed(ThreadBuilder &b, const Box &box,
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
      Value pointer = b.offset(b.elementPointer(box.tensor, at), trade.shift);
      for (int64_t block = 0; block < box.fragment.getDimSize(1) / 64;
           ++block) {
        int64_t reg = 2 * (block * groups + group);
        Value mine = turn(reg), next = turn(reg + 1);
        pairs.push_back(trade(mine, next));
      }
      storePairs(b, box, at, pointer, pairs, 128);
    }
  }

  /// Of the threads that hold an element, the first one stores it.
  static void storeVector(ThreadBuilder &b, const Box &box, Value fragment) {
    Value holds = isFirstHolder(b, box.fragment);
    for (int64_t i = 0; i < getNumRegisters(box.fragment); ++i) {
      SmallVector<Value> at = box.locate(b, i);
      b.ifThen(both(b, holds, box.isInside(b, at, 0)), [&] {
        LLVM::StoreOp::create(b, b.extract(fragment, i),
                              b.elementPointer(box.tensor, at));
      });
    }
  }
};

/// Fragments through shared memory: vectors by ordinary accesses, packed
/// accumulators by stmatrix into the swizzled tile.
struct StoreSharedPattern : OpConversionPattern<cta::StoreSharedOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(cta::StoreSharedOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    RankedTensorType type = getFragment(op.getFragment());
    ThreadBuilder b(op, rewriter);
    FragmentLayout layout = *cta::getLayout(type);
    if (layout == FragmentLayout::acc && isPacked(type))
      storeMatrix(b, type, adaptor.getFragment(), adaptor.getDest(),
                  op.getDest().getType());
    else if (layout == FragmentLayout::acc_transposed && isPacked(type))
      storeTransposed(b, type, adaptor.getFragment(), adaptor.getDest(),
                      op.getDest().getType());
    else if (type.getRank() == 1 && !isPacked(type))
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
    // Steps of 16 columns, of one block of 64 rows after the other.
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
    bool bit = type.getElementType().isInteger(1);
    int64_t width = bit ? 1 : type.getElementType().getIntOrFloatBitWidth() / 8;
    b.ifThen(first, [&] {
      for (int64_t i = 0; i < getNumRegisters(type); ++i) {
        Coordinate at = getCoordinate(b, type, 0, i);
        Value value = b.extract(fragment, i);
        if (bit)
          value = LLVM::ZExtOp::create(b, b.getI8Type(), value);
        Value pointer = b.offset(dest, b.mul(at.base, b.i32(width)));
        LLVM::StoreOp::create(b, value, b.offset(pointer, at.offset * width));
      }
    });
  }
};

struct LoadSharedPattern : OpConversionPattern<cta::LoadSharedOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(cta::LoadSharedOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    RankedTensorType type = getFragment(op.getFragment());
    FragmentLayout layout = *cta::getLayout(type);
    if (type.getRank() != 1 || isPacked(type))
      return op.emitOpError() << "is not lowered for " << type;
    ThreadBuilder b(op, rewriter);
    Type element = type.getElementType();
    bool bit = element.isInteger(1);
    if (bit)
      element = b.getI8Type();
    int64_t width = element.getIntOrFloatBitWidth() / 8;
    // Columns come in pairs, which are one access.
    int64_t group = layout == FragmentLayout::column ? 2 : 1;
    Type access = group == 1 ? element : VectorType::get(group, element);
    SmallVector<Value> values;
    for (int64_t i = 0; i < getNumRegisters(type); i += group) {
      Coordinate at = getCoordinate(b, type, 0, i);
      Value pointer =
          b.offset(adaptor.getSource(), b.mul(at.base, b.i32(width)));
      Value loaded =
          LLVM::LoadOp::create(b, access, b.offset(pointer, at.offset * width));
      for (int64_t j = 0; j < group; ++j) {
        Value value = group == 1 ? loaded : b.extract(loaded, j);
        if (bit)
          value = compare(
              b, LLVM::ICmpPredicate::ne, value,
              LLVM::ConstantOp::create(b, element, b.getI8IntegerAttr(0)));
        values.push_back(value);
      }
    }
    rewriter.replaceOp(op, b.pack(values));
    return success();
  }
};

/// Rows by cp.async: 8 threads a row, 16 bytes a thread and block of 64
/// columns.
struct GatherPattern : GlobalPattern<cta::GatherAsyncOp> {
  using GlobalPattern::GlobalPattern;
  LogicalResult
  matchAndRewrite(cta::GatherAsyncOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    const GlobalTensor *tensor = kernel.lookup(op, op.getSource());
    cta::BufferType buffer = op.getDest().getType();
    auto role = op->getParentOfType<cta::RoleOp>();
    if (!tensor)
      return failure();
    if (role.getWarps() != 4 || buffer.getShape()[0] % 16 ||
        buffer.getElementType().getIntOrFloatBitWidth() != 16)
      return op.emitOpError("is lowered for a role of 4 warps and rows of "
                            "two-byte elements, a multiple of 16 of them");
    ThreadBuilder b(op, rewriter);
    SmallVector<Value> at{b.i64(0)};
    llvm::append_range(at, toI64(b, op.getIndices()));
    if (!areColumnsWhole(*tensor, at, buffer.getShape()[1], 8))
      return op.emitOpError("expected columns inside the memref, from a "
                            "multiple of 16 bytes on: only rows are checked");
    Value chunk = LLVM::AndOp::create(b, b.thread(), b.i32(7));
    Value row = LLVM::LShrOp::create(b, b.thread(), b.i32(3));
    Value phase = LLVM::AndOp::create(b, row, b.i32(7));
    Value swizzled = LLVM::XOrOp::create(b, chunk, phase);
    Value mine = b.offset(adaptor.getDest(), b.add(b.mul(row, b.i32(128)),
                                                   b.mul(swizzled, b.i32(16))));
    Value base =
        b.offset(b.elementPointer(*tensor, at), b.mul(chunk, b.i32(16)));
    int64_t rows = buffer.getShape()[0];
    for (int64_t i = 0; i < rows / 16; ++i)
      copyRow(b, *tensor, b.extract(adaptor.getRows(), i), base,
              b.offset(mine, i * 16 * 128), rows, buffer.getShape()[1] / 64);
    rewriter.eraseOp(op);
    return success();
  }

  static void copyRow(ThreadBuilder &b, const GlobalTensor &tensor, Value index,
                      Value base, Value dest, int64_t rows, int64_t blocks) {
    Value size =
        LLVM::TruncOp::create(b, b.getI32Type(), b.toI64(tensor.sizes[0]));
    Value valid = compare(b, LLVM::ICmpPredicate::ult, index, size);
    // An invalid row copies 0 bytes (the rest is filled with zeros), from an
    // address that is not formed from the index.
    Value safe = LLVM::SelectOp::create(b, valid, index, b.i32(0));
    Value bytes = LLVM::SelectOp::create(b, valid, b.i32(16), b.i32(0));
    Value stride = b.mul(b.toI64(tensor.strides[0]), b.i64(2));
    Value wide = LLVM::ZExtOp::create(b, b.getI64Type(), safe);
    Value source = b.offset(base, b.mul(wide, stride));
    for (int64_t block = 0; block < blocks; ++block)
      b.assembly("cp.async.cg.shared.global [$0+" +
                     std::to_string(block * rows * 128) + "], [$1+" +
                     std::to_string(block * 128) + "], 16, $2;",
                 "r,l,r,~{memory}", {dest, source, bytes}, Type());
  }
};

/// TMA: one copy for each swizzled block of 64 columns, by one thread.
struct CopyPattern : GlobalPattern<cta::CopyAsyncOp> {
  using GlobalPattern::GlobalPattern;
  LogicalResult
  matchAndRewrite(cta::CopyAsyncOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!op.getMap() || !op.getBarrier())
      return op.emitOpError("expected a tensor map and a barrier");
    ThreadBuilder b(op, rewriter);
    cta::BufferType buffer = op.getDest().getType();
    Value map = kernel.tensorMaps.lookup(op.getMap());
    Value barrier = b.offset(adaptor.getBarrier(),
                             b.mul(adaptor.getBarrierIndex(), b.i32(8)));
    // TMA coordinates, innermost first.
    SmallVector<Value> coordinates;
    for (Value index : llvm::reverse(op.getIndices()))
      coordinates.push_back(
          LLVM::TruncOp::create(b, b.getI32Type(), b.toI64(index)));
    Value leader = compare(b, LLVM::ICmpPredicate::eq, b.thread(), b.i32(0));
    b.ifThen(leader, [&] {
      for (int64_t block = 0; block < buffer.getShape()[1] / 64; ++block) {
        SmallVector<Value> at(coordinates);
        at[0] = b.add(at[0], b.i32(64 * block));
        Value dest = b.offset(adaptor.getDest(),
                              block * buffer.getLayout().getRows() * 128);
        emitCopy(b, dest, map, barrier, at);
      }
    });
    rewriter.eraseOp(op);
    return success();
  }

  static void emitCopy(ThreadBuilder &b, Value dest, Value map, Value barrier,
                       ArrayRef<Value> at) {
    std::string list;
    for (size_t i = 0; i < at.size(); ++i)
      list += (i ? ", $" : "$") + std::to_string(3 + i);
    std::string constraints = "r,l,r";
    for (size_t i = 0; i < at.size(); ++i)
      constraints += ",r";
    SmallVector<Value> operands{dest, map, barrier};
    llvm::append_range(operands, at);
    b.assembly("cp.async.bulk.tensor." + std::to_string(at.size()) +
                   "d.shared::cluster.global.mbarrier::complete_tx::bytes "
                   "[$0], [$1, {" +
                   list + "}], [$2];",
               constraints + ",~{memory}", operands, Type());
  }
};

/// Tensor maps are kernel parameters: nothing is left to do at the op.
struct TensorMapPattern : OpConversionPattern<cta::TensorMapOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(cta::TensorMapOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<LLVM::ZeroOp>(
        op, getTypeConverter()->convertType(op.getType()));
    return success();
  }
};
} // namespace

void mla::populateMemoryPatterns(TypeConverter &types,
                                 RewritePatternSet &patterns,
                                 KernelContext &kernel) {
  MLIRContext *context = patterns.getContext();
  patterns.add<LoadSharedPattern, StoreSharedPattern, TensorMapPattern>(
      types, context);
  patterns.add<CopyPattern, DimPattern, GatherPattern, LoadPattern,
               ScalarLoadPattern, StorePattern>(types, context, kernel);
}
