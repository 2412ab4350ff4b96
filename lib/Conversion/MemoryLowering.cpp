//===- MemoryLowering.cpp - loads into registers ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "MemoryAccess.h"

using namespace mlir;
using namespace mla;
using cta::FragmentLayout;

SmallVector<Value> mla::toI64(ThreadBuilder &b, ValueRange indices) {
  return llvm::map_to_vector(indices, [&](Value v) -> Value {
    if (std::optional<int64_t> c = getConstantIntValue(OpFoldResult(v)))
      return b.i64(*c);
    return b.toI64(v);
  });
}

void GlobalWindow::init(ThreadBuilder &b, const GlobalTensor &whole,
                        ValueRange indices, ValueRange bounds,
                        std::optional<ArrayRef<int64_t>> dims,
                        std::optional<tile::Merge> merge) {
  int64_t rank = whole.sizes.size(), tileRank = box.fragment.getRank();
  SmallVector<int64_t> order = tile::orderDims(dims, rank, tileRank);
  for (auto [to, from] : llvm::enumerate(order)) {
    tensor.sizes[to] = whole.sizes[from];
    tensor.strides[to] = whole.strides[from];
    box.indices.push_back(indices[from]);
  }
  if (merge)
    mergeRows(b, llvm::find(order, merge->outer) - order.begin(), merge->width);
  for (auto [d, bound] : llvm::enumerate(bounds)) {
    OpFoldResult &size = tensor.sizes[rank - tileRank + d];
    Value positive = arith::MaxSIOp::create(b, b.toI64(bound), b.i64(0));
    size = arith::MinSIOp::create(b, positive, b.toI64(size)).getResult();
  }
}

void GlobalWindow::mergeRows(ThreadBuilder &b, size_t outer, int64_t width) {
  Value &number = box.indices[outer], &start = box.indices[box.leading()];
  OpFoldResult &size = tensor.sizes[box.leading()];
  box.merged = MergedRows{outer, width, start, size};
  size = b.getIndexAttr(*getConstantIntValue(tensor.sizes[outer]) * width);
  start = number;
  number = b.i64(0);
}

SmallVector<Value> GlobalBox::divide(ThreadBuilder &b, ValueRange at) const {
  SmallVector<Value> result(at);
  Value &inner = result[leading()], width = b.i32(merged->width);
  // Numbers of elements inside have 31 bits.
  Value number = LLVM::TruncOp::create(b, b.getI32Type(), inner);
  auto widen = [&](Value v) {
    return LLVM::ZExtOp::create(b, b.getI64Type(), v);
  };
  result[merged->outer] = widen(LLVM::UDivOp::create(b, number, width));
  inner = b.add(merged->start, widen(LLVM::URemOp::create(b, number, width)));
  return result;
}

Value GlobalBox::isInsideMerged(ThreadBuilder &b, ValueRange at) const {
  std::optional<int64_t> start =
      getConstantIntValue(OpFoldResult(merged->start));
  std::optional<int64_t> size = getConstantIntValue(merged->size);
  if (start && size && *start >= 0 && *start + merged->width <= *size)
    return {};
  return compare(b, LLVM::ICmpPredicate::ult, divide(b, at)[leading()],
                 b.toI64(merged->size));
}

Value mla::both(ThreadBuilder &b, Value x, Value y) {
  if (!x || !y)
    return x ? x : y;
  return LLVM::AndOp::create(b, x, y);
}

Value IndexedRows::count(ThreadBuilder &b) const {
  Value rows = b.toI64(sizes[0]);
  if (sizes.size() == 1)
    return rows;
  int64_t inner = 1;
  for (OpFoldResult size : sizes.drop_front())
    inner *= *getConstantIntValue(size);
  rows = b.mul(rows, b.i64(inner));
  return arith::MinSIOp::create(b, rows,
                                b.i64(std::numeric_limits<int32_t>::max()));
}

Value IndexedRows::getOffset(ThreadBuilder &b, Value index,
                             int64_t unit) const {
  auto scale = [&](Value index, OpFoldResult stride) {
    Value bytes = b.toI64(stride);
    if (unit != 1)
      bytes = b.mul(bytes, b.i64(unit));
    return b.mul(LLVM::ZExtOp::create(b, b.getI64Type(), index), bytes);
  };
  Value offset;
  for (size_t d = sizes.size() - 1; d > 0; --d) {
    Value size = b.i32(*getConstantIntValue(sizes[d]));
    Value within = scale(LLVM::URemOp::create(b, index, size), strides[d]);
    offset = offset ? b.add(offset, within) : within;
    index = LLVM::UDivOp::create(b, index, size);
  }
  Value first = scale(index, strides[0]);
  return offset ? b.add(first, offset) : first;
}

bool mla::areColumnsWhole(const GlobalTensor &tensor, ArrayRef<Value> indices,
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

namespace {

struct DimPattern : GlobalPattern<memref::DimOp> {
  using GlobalPattern::GlobalPattern;
  LogicalResult
  matchAndRewrite(memref::DimOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    const GlobalTensor *tensor = kernel.lookup(op, op.getSource());
    std::optional<int64_t> dim = op.getConstantIndex();
    if (!tensor || !dim)
      return failure();
    if (*dim < 0 || *dim >= static_cast<int64_t>(tensor->sizes.size()))
      return op.emitOpError() << "expected a dimension in [0, "
                              << tensor->sizes.size() << "), got " << *dim;
    ThreadBuilder b(op, rewriter);
    rewriter.replaceOpWithNewOp<arith::IndexCastOp>(
        op, b.getIndexType(), b.toI64(tensor->sizes[*dim]));
    return success();
  }
};

/// The elements of a vector that are inside the memref.
class InsideRange {
public:
  InsideRange(ThreadBuilder &b, const GlobalBox &box) {
    Value start = box.indices[box.leading()];
    Value size = b.toI64(box.tensor.sizes[box.leading()]);
    first = clamp(b, LLVM::SubOp::create(b, b.i64(0), start), box);
    Value end = clamp(b, LLVM::SubOp::create(b, size, start), box);
    count = LLVM::SubOp::create(b, end, first);
  }

  Value contains(ThreadBuilder &b, Coordinate at) const {
    Value base = LLVM::SubOp::create(b, at.base, first);
    return compare(b, LLVM::ICmpPredicate::ult, b.add(base, b.i32(at.offset)),
                   count);
  }

private:
  /// The position as a number of elements of the vector.
  static Value clamp(ThreadBuilder &b, Value position, const GlobalBox &box) {
    position = arith::MaxSIOp::create(b, position, b.i64(0));
    position =
        arith::MinSIOp::create(b, position, b.i64(box.fragment.getDimSize(0)));
    return LLVM::TruncOp::create(b, b.getI32Type(), position);
  }

  Value first, count;
};

/// Loads vectors from global memory with one scalar load per register.
/// (DirectLowering.cpp lowers loads with direct layouts.)
struct LoadPattern : GlobalPattern<tile::LoadOp> {
  using GlobalPattern::GlobalPattern;
  LogicalResult
  matchAndRewrite(tile::LoadOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    const GlobalTensor *tensor = kernel.lookup(op, op.getSource());
    RankedTensorType type = getFragment(op.getResult());
    if (!tensor || !cta::getLayout(type))
      return failure();
    if (type.getRank() != 1 || isPacked(type) ||
        type.getElementType().isInteger(1))
      return op.emitOpError("is lowered for vectors of i32 or f32");
    ThreadBuilder b(op, rewriter);
    b.readThreadAnew();
    GlobalWindow window(b, *tensor, op, type);
    const GlobalBox &box = window.box;
    Type element = getRegisterType(type.getElementType());
    Value padding = makePadding(b, op, element);
    bool constant = kernel.isConstant(op.getSource());
    // Of a long vector, the elements inside are found once, as a range of 32
    // bits.
    constexpr int64_t kFewRegisters = 4;
    std::optional<InsideRange> range;
    if (box.needsCheck(0) && getNumRegisters(type) > kFewRegisters)
      range.emplace(b, box);
    Value result = b.pack(getNumRegisters(type), [&](int64_t i) {
      SmallVector<Value> at = box.locate(b, i);
      Value inside = range ? range->contains(b, getCoordinate(b, type, 0, i))
                           : box.isInside(b, at, 0);
      return load(
          b, inside, padding, constant,
          [&] { return b.elementPointer(box.tensor, at); }, element);
    });
    rewriter.replaceOp(op, result);
    return success();
  }

  static Value makePadding(ThreadBuilder &b, tile::LoadOp op, Type type) {
    TypedAttr padding = op.getPaddingAttr();
    if (!padding)
      padding = b.getZeroAttr(type);
    else if (padding.getType() != type) // FP8, which registers hold as i8.
      padding = b.getIntegerAttr(
          type, cast<FloatAttr>(padding).getValue().bitcastToAPInt());
    return LLVM::ConstantOp::create(b, type, padding);
  }

  /// The value at the pointer if `inside`, otherwise `padding`.
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

/// Loads vectors, and swizzled matrices of one-byte or two-byte elements, from
/// shared memory. (BitLowering.cpp lowers vectors of i1.)
struct LoadSharedPattern : OpConversionPattern<cta::LoadSharedOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(cta::LoadSharedOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    RankedTensorType type = getFragment(op.getFragment());
    if (!cta::getLayout(type))
      return failure();
    FragmentLayout layout = *cta::getLayout(type);
    Type element = getRegisterType(type.getElementType());
    if (element.isInteger(1))
      return rewriter.notifyMatchFailure(op, "bits");
    ThreadBuilder b(op, rewriter);
    cta::SharedLayoutAttr shared = op.getSource().getType().getLayout();
    if (layout == FragmentLayout::acc && shared && shared.getSwizzle() == 128 &&
        (element.isInteger(8) || isPacked(type))) {
      rewriter.replaceOp(
          op, loadMatrix(b, type, adaptor.getSource(), shared.getRows() * 128));
      return success();
    }
    if (type.getRank() != 1 || isPacked(type))
      return op.emitOpError() << "is not lowered for " << type;
    int64_t width = element.getIntOrFloatBitWidth() / 8;
    // In the layout `column` a thread holds pairs of neighbouring elements,
    // each loaded by one access.
    int64_t group = layout == FragmentLayout::column ? 2 : 1;
    Type access = group == 1 ? element : VectorType::get(group, element);
    SmallVector<Value> values;
    for (int64_t i = 0; i < getNumRegisters(type); i += group) {
      Coordinate at = getCoordinate(b, type, 0, i);
      Value pointer =
          b.offset(adaptor.getSource(), b.mul(at.base, b.i32(width)));
      Value loaded =
          LLVM::LoadOp::create(b, access, b.offset(pointer, at.offset * width));
      for (int64_t j = 0; j < group; ++j)
        values.push_back(group == 1 ? loaded : b.extract(loaded, j));
    }
    rewriter.replaceOp(op, b.pack(values));
    return success();
  }

  /// Loads pairs of neighbouring columns from blocks with rows of 128 bytes,
  /// whose chunks of 16 bytes are swizzled by the row's number.
  static Value loadMatrix(ThreadBuilder &b, RankedTensorType type, Value source,
                          int64_t blockBytes) {
    int64_t width = type.getElementTypeBitWidth() / 8;
    Type access = isPacked(type) ? b.getI32Type()
                                 : Type(VectorType::get(2, b.getI8Type()));
    // The swizzle's phase is the row mod 8, here lane / 4 for all registers of
    // a thread, since their rows are multiples of 8 apart.
    Value phase = LLVM::LShrOp::create(b, b.lane(), b.i32(2));
    SmallVector<Value> values;
    for (int64_t i = 0; i < getNumRegisters(type); i += 2) {
      Coordinate row = getCoordinate(b, type, 0, i);
      Coordinate column = getCoordinate(b, type, 1, i);
      int64_t byte = column.offset * width;
      Value chunk = LLVM::XOrOp::create(b, phase, b.i32(byte % 128 / 16));
      Value mine = b.add(
          b.mul(row.base, b.i32(128)),
          b.add(b.mul(chunk, b.i32(16)), b.mul(column.base, b.i32(width))));
      Value loaded = LLVM::LoadOp::create(
          b, access,
          b.offset(b.offset(source, mine),
                   byte / 128 * blockBytes + row.offset * 128 + byte % 16));
      if (isPacked(type))
        values.push_back(loaded);
      else
        for (int64_t j = 0; j < 2; ++j)
          values.push_back(b.extract(loaded, j));
    }
    return b.pack(values);
  }
};
} // namespace

void mla::populateMemoryPatterns(TypeConverter &types,
                                 RewritePatternSet &patterns,
                                 KernelContext &kernel) {
  MLIRContext *context = patterns.getContext();
  patterns.add<LoadSharedPattern>(types, context);
  patterns.add<DimPattern, LoadPattern, ScalarLoadPattern>(types, context,
                                                           kernel);
}
