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
    if (!tensor || type.getRank() != 1 || isPacked(type) ||
        type.getElementType().isInteger(1))
      return op.emitOpError("is lowered for vectors of i32 or f32");
    ThreadBuilder b(op, rewriter);
    b.readThreadAnew();
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
    b.readThreadAnew();
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
    } else if (layout == FragmentLayout::row && !isPacked(type)) {
      storeRows(b, box, adaptor.getTile());
    } else {
      return op.emitOpError() << "is not lowered for " << type;
    }
    rewriter.eraseOp(op);
    return success();
  }

  static void storeAccumulator(ThreadBuilder &b, const Box &box,
                               Value fragment) {
    bool packed = isPacked(box.fragment);
    for (int64_t row = 0; row < 2; ++row) {
      SmallVector<Value> at = box.locate(b, 2 * row);
      Value pointer = b.elementPointer(box.tensor, at);
      auto store = [&] {
        for (int64_t i = 2 * row; i < getNumRegisters(box.fragment); i += 4) {
          Value value = packed ? b.extract(fragment, i / 2)
                               : b.pack({b.extract(fragment, i),
                                         b.extract(fragment, i + 1)});
          int64_t bytes = i / 4 * 8 * (packed ? 2 : 4);
          LLVM::StoreOp::create(b, value, b.offset(pointer, bytes));
        }
      };
      if (Value inside = box.isInside(b, at, 0))
        b.ifThen(inside, store);
      else
        store();
    }
  }

  /// 8 bytes a lane, so that a quad fills a sector of 32 bytes. Neighbouring
  /// lanes trade: the even one takes the columns that both hold of one group of
  /// 8, the odd one those of the next group.
  static void storePackedWide(ThreadBuilder &b, const Box &box,
                              Value fragment) {
    Value odd = compare(b, LLVM::ICmpPredicate::ne,
                        LLVM::AndOp::create(b, b.lane(), b.i32(1)), b.i32(0));
    Value shift = LLVM::SelectOp::create(b, odd, b.i32(12), b.i32(0));
    int64_t groups = box.fragment.getDimSize(1) / 8;
    for (int64_t row = 0; row < 2; ++row) {
      SmallVector<Value> at = box.locate(b, 2 * row);
      Value pointer = b.offset(b.elementPointer(box.tensor, at), shift);
      SmallVector<Value> pairs;
      for (int64_t group = 0; group < groups; group += 2) {
        Value mine = b.extract(fragment, 2 * group + row);
        Value next = b.extract(fragment, 2 * group + 2 + row);
        Value sent = LLVM::SelectOp::create(b, odd, mine, next);
        Value got =
            NVVM::ShflOp::create(b, b.getI32Type(), b.i32(-1), sent, b.i32(1),
                                 b.i32(31), NVVM::ShflKind::bfly, UnitAttr());
        pairs.push_back(b.pack({LLVM::SelectOp::create(b, odd, got, mine),
                                LLVM::SelectOp::create(b, odd, next, got)}));
      }
      auto store = [&] {
        for (auto [n, pair] : llvm::enumerate(pairs))
          LLVM::StoreOp::create(b, pair, b.offset(pointer, int64_t(n) * 32));
      };
      if (Value inside = box.isInside(b, at, 0))
        b.ifThen(inside, store);
      else
        store();
    }
  }

  /// One lane of each quad stores: all four hold the value.
  static void storeRows(ThreadBuilder &b, const Box &box, Value fragment) {
    Value inQuad = LLVM::AndOp::create(b, b.lane(), b.i32(3));
    Value first = compare(b, LLVM::ICmpPredicate::eq, inQuad, b.i32(0));
    for (int64_t i = 0; i < 2; ++i) {
      SmallVector<Value> at = box.locate(b, i);
      b.ifThen(both(b, first, box.isInside(b, at, 0)), [&] {
        LLVM::StoreOp::create(b, b.extract(fragment, i),
                              b.elementPointer(box.tensor, at));
      });
    }
  }
};

/// Fragments through shared memory: vectors by ordinary accesses (those of i1
/// apart, BitLowering.cpp), packed accumulators by stmatrix into the swizzled
/// tile.
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
    else if (layout == FragmentLayout::row || layout == FragmentLayout::gather)
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
    for (int64_t k = 0; k < type.getDimSize(1) / 16; ++k) {
      Value at = b.add(chunk, b.i32(2 * (k % 4)));
      at = LLVM::XOrOp::create(b, at, phase);
      Value bytes = b.add(rowBytes, b.mul(at, b.i32(16)));
      Value pointer = b.offset(b.offset(dest, bytes), k / 4 * blockBytes);
      SmallVector<Value> registers;
      for (int64_t i = 0; i < 4; ++i)
        registers.push_back(b.extract(fragment, 4 * k + i));
      NVVM::StMatrixOp::create(b, pointer, registers, NVVM::MMALayout::row,
                               shape, NVVM::LdStMatrixEltType::B16);
    }
  }

  static void storeVector(ThreadBuilder &b, RankedTensorType type,
                          Value fragment, Value dest) {
    // Neighbouring threads hold the same elements: the first of them stores.
    int64_t sharers = *cta::getLayout(type) == FragmentLayout::row ? 4 : 8;
    Value inGroup = LLVM::AndOp::create(b, b.lane(), b.i32(sharers - 1));
    Value first = compare(b, LLVM::ICmpPredicate::eq, inGroup, b.i32(0));
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

struct LoadSharedPattern : OpConversionPattern<cta::LoadSharedOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(cta::LoadSharedOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    RankedTensorType type = getFragment(op.getFragment());
    FragmentLayout layout = *cta::getLayout(type);
    Type element = type.getElementType();
    if (element.isInteger(1))
      return rewriter.notifyMatchFailure(op, "bits");
    if (type.getRank() != 1 || isPacked(type))
      return op.emitOpError() << "is not lowered for " << type;
    ThreadBuilder b(op, rewriter);
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
      for (int64_t j = 0; j < group; ++j)
        values.push_back(group == 1 ? loaded : b.extract(loaded, j));
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
    if (role.getWarps() != 4 || buffer.getShape()[0] % 32 ||
        buffer.getElementType().getIntOrFloatBitWidth() != 16)
      return op.emitOpError("is lowered for a role of 4 warps and rows of "
                            "two-byte elements, a multiple of 32 of them");
    ThreadBuilder b(op, rewriter);
    SmallVector<Value> at{b.i64(0)};
    llvm::append_range(at, toI64(b, op.getIndices()));
    if (!areColumnsWhole(*tensor, at, buffer.getShape()[1], 8))
      return op.emitOpError("expected columns inside the memref, from a "
                            "multiple of 16 bytes on: only rows are checked");
    Value chunk = LLVM::AndOp::create(b, b.lane(), b.i32(7));
    Value base =
        b.offset(b.elementPointer(*tensor, at), b.mul(chunk, b.i32(16)));
    // Every other row of a thread is row lane / 8 of 8, those between are 4
    // further: bit 2 of the swizzled chunk, which the slot's place leaves
    // alone.
    Value even =
        locateFirst(b, op.getRows().getType(), chunk, adaptor.getDest());
    Value odd = LLVM::XOrOp::create(b, even, b.i32(4 * 16));
    int64_t rows = buffer.getShape()[0];
    for (int64_t i = 0; i < rows / 16; ++i)
      copyRow(b, *tensor, b.extract(adaptor.getRows(), i), base,
              i % 2 ? odd : even, 4 * i, buffer);
    rewriter.eraseOp(op);
    return success();
  }

  /// Where the thread's chunk of its first row goes.
  static Value locateFirst(ThreadBuilder &b, RankedTensorType rows, Value chunk,
                           Value dest) {
    Value phase = LLVM::LShrOp::create(b, b.lane(), b.i32(3));
    Value swizzled = LLVM::XOrOp::create(b, chunk, phase);
    Value row = getCoordinate(b, rows, 0, 0).base;
    Value mine = b.offset(
        dest, b.add(b.mul(row, b.i32(128)), b.mul(swizzled, b.i32(16))));
    return LLVM::PtrToIntOp::create(b, b.getI32Type(), mine);
  }

  /// The row \p row rows behind that of \p dest.
  static void copyRow(ThreadBuilder &b, const GlobalTensor &tensor, Value index,
                      Value base, Value dest, int64_t row,
                      cta::BufferType buffer) {
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
    int64_t rows = buffer.getShape()[0];
    for (int64_t block = 0; block < buffer.getShape()[1] / 64; ++block)
      b.assembly("cp.async.cg.shared.global [$0+" +
                     std::to_string((block * rows + row) * 128) + "], [$1+" +
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
