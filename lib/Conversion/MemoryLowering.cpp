//===- MemoryLowering.cpp - loads, gathers and TMA --------------*- C++ -*-===//
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
                        std::optional<ArrayRef<int64_t>> dims) {
  int64_t rank = whole.sizes.size(), tileRank = box.fragment.getRank();
  for (auto [to, from] :
       llvm::enumerate(tile::orderDims(dims, rank, tileRank))) {
    tensor.sizes[to] = whole.sizes[from];
    tensor.strides[to] = whole.strides[from];
    box.indices.push_back(indices[from]);
  }
  for (auto [d, bound] : llvm::enumerate(bounds)) {
    OpFoldResult &size = tensor.sizes[rank - tileRank + d];
    Value positive = arith::MaxSIOp::create(b, b.toI64(bound), b.i64(0));
    size = arith::MinSIOp::create(b, positive, b.toI64(size)).getResult();
  }
}

Value IndexedRows::count(ThreadBuilder &b) const {
  Value rows = b.toI64(tensor.sizes[0]);
  if (leading == 1)
    return rows;
  int64_t inner = 1;
  for (OpFoldResult size : ArrayRef(tensor.sizes).slice(1, leading - 1))
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
  for (size_t d = leading - 1; d > 0; --d) {
    Value size = b.i32(*getConstantIntValue(tensor.sizes[d]));
    Value within =
        scale(LLVM::URemOp::create(b, index, size), tensor.strides[d]);
    offset = offset ? b.add(offset, within) : within;
    index = LLVM::UDivOp::create(b, index, size);
  }
  Value first = scale(index, tensor.strides[0]);
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
    Value result = b.pack(getNumRegisters(type), [&](int64_t i) {
      SmallVector<Value> at = box.locate(b, i);
      return load(
          b, box.isInside(b, at, 0), padding, constant,
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

/// Gathers rows by cp.async. 8 threads copy a row: of each block of 128 bytes,
/// 16 bytes per thread.
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
    int64_t bits = buffer.getElementType().getIntOrFloatBitWidth();
    if (!role || role.getWarps() != 4 || buffer.getShape()[0] % 32 ||
        (bits != 8 && bits != 16))
      return op.emitOpError("is lowered for a role of 4 warps and rows of "
                            "elements of one or two bytes, a multiple of 32 "
                            "of them");
    ThreadBuilder b(op, rewriter);
    size_t leading = tensor->sizes.size() - op.getIndices().size();
    SmallVector<Value> at(leading, b.i64(0));
    llvm::append_range(at, toI64(b, op.getIndices()));
    if (!areColumnsWhole(*tensor, at, buffer.getShape()[1], 128 / bits))
      return op.emitOpError("expected columns inside the memref, from a "
                            "multiple of 16 bytes on: only rows are checked");
    Value chunk = LLVM::AndOp::create(b, b.lane(), b.i32(7));
    Value base =
        b.offset(b.elementPointer(*tensor, at), b.mul(chunk, b.i32(16)));
    // A thread's rows are 4 apart, so row mod 8 alternates between lane / 8 and
    // lane / 8 + 4. In the latter, bit 2 of the swizzled chunk is flipped: bit
    // 6 of the address, since slots are aligned.
    Value even =
        locateFirst(b, op.getRows().getType(), chunk, adaptor.getDest());
    Value odd = LLVM::XOrOp::create(b, even, b.i32(4 * 16));
    int64_t rows = buffer.getShape()[0];
    for (int64_t i = 0; i < rows / 16; ++i)
      copyRow(b, IndexedRows(*tensor, leading), b.extract(adaptor.getRows(), i),
              base, i % 2 ? odd : even, 4 * i, buffer);
    rewriter.eraseOp(op);
    return success();
  }

  /// The destination of the thread's 16 bytes of its first row.
  static Value locateFirst(ThreadBuilder &b, RankedTensorType rows, Value chunk,
                           Value dest) {
    Value phase = LLVM::LShrOp::create(b, b.lane(), b.i32(3));
    Value swizzled = LLVM::XOrOp::create(b, chunk, phase);
    Value row = getCoordinate(b, rows, 0, 0).base;
    Value mine = b.offset(
        dest, b.add(b.mul(row, b.i32(128)), b.mul(swizzled, b.i32(16))));
    return LLVM::PtrToIntOp::create(b, b.getI32Type(), mine);
  }

  /// Copies the thread's part of the row that lies `row` rows after `dest`.
  static void copyRow(ThreadBuilder &b, const IndexedRows &source, Value index,
                      Value base, Value dest, int64_t row,
                      cta::BufferType buffer) {
    Value size = LLVM::TruncOp::create(b, b.getI32Type(), source.count(b));
    Value valid = compare(b, LLVM::ICmpPredicate::ult, index, size);
    // An invalid row copies 0 bytes and zero-fills 16, from an address that
    // does not depend on the index.
    Value safe = LLVM::SelectOp::create(b, valid, index, b.i32(0));
    Value bytes = LLVM::SelectOp::create(b, valid, b.i32(16), b.i32(0));
    int64_t width = buffer.getElementType().getIntOrFloatBitWidth() / 8;
    Value from = b.offset(base, source.getOffset(b, safe, width));
    int64_t rows = buffer.getLayout().getRows();
    // Inline assembly: nvvm.cp.async takes 64-bit addresses of shared memory
    // and lets LLVM move their computation, which adds instructions in seesaw.
    for (int64_t block = 0; block < buffer.getShape()[1] * width / 128; ++block)
      b.assembly("cp.async.cg.shared.global [$0+" +
                     std::to_string((block * rows + row) * 128) + "], [$1+" +
                     std::to_string(block * 128) + "], 16, $2;",
                 "r,l,r,~{memory}", {dest, from, bytes}, Type());
  }
};

/// TMA loads: one thread issues a copy for each swizzled block of 128 bytes per
/// row.
struct CopyPattern : GlobalPattern<cta::CopyAsyncOp> {
  using GlobalPattern::GlobalPattern;
  LogicalResult
  matchAndRewrite(cta::CopyAsyncOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!op.getMap() || !op.getBarrier() || !op.getBarrierIndex() ||
        !kernel.tensorMaps.contains(op.getMap()))
      return op.emitOpError("expected a tensor map and a barrier");
    ThreadBuilder b(op, rewriter);
    cta::BufferType buffer = op.getDest().getType();
    if (buffer.getShape().size() != 2 || !buffer.getLayout())
      return op.emitOpError()
             << "expected a matrix with a layout, got " << buffer;
    Value map = kernel.tensorMaps.lookup(op.getMap());
    Value barrier = b.offset(adaptor.getBarrier(),
                             b.mul(adaptor.getBarrierIndex(), b.i32(8)));
    // TMA coordinates, innermost first.
    SmallVector<Value> coordinates;
    for (Value index : llvm::reverse(op.getIndices()))
      coordinates.push_back(
          LLVM::TruncOp::create(b, b.getI32Type(), b.toI64(index)));
    int64_t columns = 8 * 128 / buffer.getElementType().getIntOrFloatBitWidth();
    b.ifElected([&] {
      for (int64_t block = 0; block < buffer.getShape()[1] / columns; ++block) {
        SmallVector<Value> at(coordinates);
        at[0] = b.add(at[0], b.i32(columns * block));
        Value dest = b.offset(adaptor.getDest(),
                              block * buffer.getLayout().getRows() * 128);
        emitCopy(b, dest, map, barrier, at);
      }
    });
    rewriter.eraseOp(op);
    return success();
  }

  /// Inline assembly: NVVM's op takes 64-bit addresses, with which ptxas
  /// allocates registers differently and seesaw's code grows by 128 bytes.
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

/// Tensor maps are kernel parameters: the op itself lowers to nothing.
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
  patterns.add<LoadSharedPattern, TensorMapPattern>(types, context);
  patterns.add<CopyPattern, DimPattern, GatherPattern, LoadPattern,
               ScalarLoadPattern>(types, context, kernel);
}
