//===- CopyLowering.cpp - gathers and TMA loads -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "MemoryAccess.h"

using namespace mlir;
using namespace mla;

namespace {

/// Checks that a copy by TMA has what it needs.
template <typename OpTy>
LogicalResult checkSignals(OpTy op, const KernelContext &kernel) {
  if (op.getMap() && op.getBarrier() && op.getBarrierIndex() &&
      kernel.tensorMaps.contains(op.getMap()))
    return success();
  return op.emitOpError("expected a tensor map and a barrier");
}

/// Address of the mbarrier that a copy signals.
template <typename Adaptor>
Value getSignalled(ThreadBuilder &b, Adaptor adaptor) {
  return b.offset(adaptor.getBarrier(),
                  b.mul(adaptor.getBarrierIndex(), b.i32(8)));
}

/// Inline assembly: NVVM's op takes 64-bit addresses, with which ptxas
/// allocates registers differently and seesaw's code grows by 128 bytes.
void emitCopy(ThreadBuilder &b, Value dest, Value map, Value barrier,
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

/// Copies a matrix by TMA: a copy for each swizzled block of 128 bytes per row.
/// `coordinates` are the indices (i32) of its first element, innermost first.
void copyBoxes(ThreadBuilder &b, Value dest, cta::BufferType buffer, Value map,
               Value barrier, ArrayRef<Value> coordinates) {
  int64_t columns = 8 * 128 / buffer.getElementType().getIntOrFloatBitWidth();
  for (int64_t block = 0; block < buffer.getShape()[1] / columns; ++block) {
    SmallVector<Value> at(coordinates);
    at[0] = b.add(at[0], b.i32(columns * block));
    Value box = b.offset(dest, block * buffer.getLayout().getRows() * 128);
    emitCopy(b, box, map, barrier, at);
  }
}

/// Gathers rows by cp.async. 8 threads copy a row: of each block of 128 bytes,
/// 16 bytes per thread. Rows of one block are copied by TMA instead.
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
    int64_t rows = buffer.getShape()[0];
    if (!role || role.getWarps() != 4 || rows % (rows < 32 ? 8 : 32) ||
        (bits != 8 && bits != 16))
      return op.emitOpError("is lowered for a role of 4 warps and rows of "
                            "elements of one or two bytes, 8, 16, 24 or a "
                            "multiple of 32 of them");
    ThreadBuilder b(op, rewriter);
    // Row 0, and the dimensions that the row index counts through.
    size_t leading = op.getRowDims();
    SmallVector<Value> at = toI64(b, op.getIndices());
    at.insert(at.begin() + op.getDim(), leading, b.i64(0));
    // Columns past the end of the memref arrive as zeros.
    int64_t unit = 128 / bits;
    int64_t columns = countColumns(*tensor, at, buffer.getShape()[1]);
    if (columns % unit || !areColumnsWhole(*tensor, at, columns, unit))
      return op.emitOpError("expected columns inside the memref, or up to its "
                            "end, from a multiple of 16 bytes on and as many: "
                            "only rows are checked");
    auto gather = [&] {
      gatherRows(b, op, adaptor, *tensor, at, leading, columns);
    };
    if (!op.getBlock()) {
      gather();
    } else {
      if (failed(checkSignals(op, kernel)))
        return failure();
      Value isBlock =
          compare(b, LLVM::ICmpPredicate::sge, adaptor.getBlock(), b.i32(0));
      auto branch = scf::IfOp::create(b, isBlock, /*withElseRegion=*/true);
      b.setInsertionPointToStart(branch.thenBlock());
      copyBlock(b, op, adaptor, *tensor);
      b.setInsertionPointToStart(branch.elseBlock());
      gather();
    }
    rewriter.eraseOp(op);
    return success();
  }

  /// How many of `columns` columns from `at` on the memref has, as far as that
  /// is known.
  static int64_t countColumns(const GlobalTensor &tensor, ArrayRef<Value> at,
                              int64_t columns) {
    std::optional<int64_t> size = getConstantIntValue(tensor.sizes.back());
    std::optional<int64_t> start = getConstantIntValue(OpFoldResult(at.back()));
    return size && start ? std::min(columns, *size - *start) : columns;
  }

  /// Copies `columns` columns of rows from the element at `at`, which has index
  /// 0 in the `leading` dimensions that row indices count through.
  static void gatherRows(ThreadBuilder &b, cta::GatherAsyncOp op,
                         OpAdaptor adaptor, const GlobalTensor &tensor,
                         ArrayRef<Value> at, size_t leading, int64_t columns) {
    RankedTensorType rows = cast<RankedTensorType>(op.getRows().getType());
    Value chunk = LLVM::AndOp::create(b, b.lane(), b.i32(7));
    Value base =
        b.offset(b.elementPointer(tensor, at), b.mul(chunk, b.i32(16)));
    // A thread's rows are 4 apart, so row mod 8 alternates between lane / 8 and
    // lane / 8 + 4. In the latter, bit 2 of the swizzled chunk is flipped: bit
    // 6 of the address, since slots are aligned.
    Value even = locateFirst(b, rows, chunk, adaptor.getDest());
    Value odd = LLVM::XOrOp::create(b, even, b.i32(4 * 16));
    b.ifThen(isFirstWarpWithRow(b, rows), [&] {
      for (int64_t i = 0; i < getNumRegisters(rows); ++i)
        copyRow(b, IndexedRows(tensor, op.getDim(), leading),
                b.extract(adaptor.getRows(), i), base, i % 2 ? odd : even,
                4 * i, op.getDest().getType(), chunk, columns);
    });
  }

  /// Copies the rows of a block by TMA. The thread that expects the bytes
  /// arrives later, so that the phase cannot complete before they arrive.
  void copyBlock(ThreadBuilder &b, cta::GatherAsyncOp op, OpAdaptor adaptor,
                 const GlobalTensor &tensor) const {
    cta::BufferType buffer = op.getDest().getType();
    SmallVector<Value> at;
    for (Value index : toI64(b, op.getIndices()))
      at.push_back(LLVM::TruncOp::create(b, b.getI32Type(), index));
    // Those of the first row in the dimensions that rows count through.
    int64_t first = op.getDim();
    Value row = adaptor.getBlock();
    for (int64_t d = op.getBlockDim(); d > first; --d) {
      Value size = b.i32(*getConstantIntValue(tensor.sizes[d]));
      at.insert(at.begin() + first, LLVM::URemOp::create(b, row, size));
      row = LLVM::UDivOp::create(b, row, size);
    }
    at.insert(at.begin() + first, row);
    SmallVector<Value> coordinates(llvm::reverse(at));
    Value barrier = getSignalled(b, adaptor);
    b.ifElected([&] {
      b.assembly("mbarrier.expect_tx.relaxed.cta.shared::cta.b64 [$0], $1;",
                 "r,r,~{memory}", {barrier, b.i32(buffer.getBytes())}, Type());
      copyBoxes(b, adaptor.getDest(), buffer,
                kernel.tensorMaps.lookup(op.getMap()), barrier, coordinates);
    });
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

  /// Copies the thread's part, which is `chunk` of each block, of `columns`
  /// columns of the row that lies `row` rows after `dest`.
  static void copyRow(ThreadBuilder &b, const IndexedRows &source, Value index,
                      Value base, Value dest, int64_t row,
                      cta::BufferType buffer, Value chunk, int64_t columns) {
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
    for (int64_t block = 0; block < buffer.getShape()[1] * width / 128;
         ++block) {
      int64_t chunks = columns * width / 16 - 8 * block;
      Value read = bytes;
      if (chunks < 8)
        read = LLVM::SelectOp::create(
            b, compare(b, LLVM::ICmpPredicate::slt, chunk, b.i32(chunks)),
            bytes, b.i32(0));
      b.assembly("cp.async.cg.shared.global [$0+" +
                     std::to_string((block * rows + row) * 128) + "], [$1+" +
                     std::to_string(block * 128) + "], 16, $2;",
                 "r,l,r,~{memory}", {dest, from, read}, Type());
    }
  }
};

/// TMA loads, which one thread issues.
struct CopyPattern : GlobalPattern<cta::CopyAsyncOp> {
  using GlobalPattern::GlobalPattern;
  LogicalResult
  matchAndRewrite(cta::CopyAsyncOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (failed(checkSignals(op, kernel)))
      return failure();
    ThreadBuilder b(op, rewriter);
    cta::BufferType buffer = op.getDest().getType();
    if (buffer.getShape().size() != 2 || !buffer.getLayout())
      return op.emitOpError()
             << "expected a matrix with a layout, got " << buffer;
    Value barrier = getSignalled(b, adaptor);
    SmallVector<Value> coordinates;
    for (Value index : llvm::reverse(op.getIndices()))
      coordinates.push_back(
          LLVM::TruncOp::create(b, b.getI32Type(), b.toI64(index)));
    b.ifElected([&] {
      copyBoxes(b, adaptor.getDest(), buffer,
                kernel.tensorMaps.lookup(op.getMap()), barrier, coordinates);
    });
    rewriter.eraseOp(op);
    return success();
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

void mla::populateCopyPatterns(TypeConverter &types,
                               RewritePatternSet &patterns,
                               KernelContext &kernel) {
  MLIRContext *context = patterns.getContext();
  patterns.add<TensorMapPattern>(types, context);
  patterns.add<CopyPattern, GatherPattern>(types, context, kernel);
}
