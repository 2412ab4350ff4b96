//===- BulkLowering.cpp - bulk copies and groups of bulk stores -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// cp.async.bulk in both directions, TMA stores, and the groups of stores. (TMA
// loads: CopyLowering.cpp.)
//
//===----------------------------------------------------------------------===//

#include "MemoryAccess.h"

using namespace mlir;
using namespace mla;

namespace {

/// Address of the element of a memref at which a bulk copy starts.
Value getElement(ThreadBuilder &b, const GlobalTensor &tensor,
                 ValueRange indices) {
  return b.elementPointer(tensor, toI64(b, indices));
}

struct BulkLoadPattern : GlobalPattern<cta::BulkLoadOp> {
  using GlobalPattern::GlobalPattern;
  LogicalResult
  matchAndRewrite(cta::BulkLoadOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    const GlobalTensor *tensor = kernel.lookup(op, op.getSource());
    if (!tensor)
      return failure();
    if (!op.getBarrier())
      return op.emitOpError("expected a barrier");
    ThreadBuilder b(op, rewriter);
    Value barrier = b.offset(adaptor.getBarrier(),
                             b.mul(adaptor.getBarrierIndex(), b.i32(8)));
    Value source = getElement(b, *tensor, op.getIndices());
    b.ifElected([&] {
      NVVM::CpAsyncBulkGlobalToSharedClusterOp::create(
          b, b.clusterPointer(adaptor.getDest()), source, barrier,
          b.i32(op.getDest().getType().getBytes()), /*multicastMask=*/Value(),
          /*l2CacheHint=*/Value());
    });
    rewriter.eraseOp(op);
    return success();
  }
};

struct BulkStorePattern : GlobalPattern<cta::BulkStoreOp> {
  using GlobalPattern::GlobalPattern;
  LogicalResult
  matchAndRewrite(cta::BulkStoreOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    const GlobalTensor *tensor = kernel.lookup(op, op.getDest());
    if (!tensor)
      return failure();
    ThreadBuilder b(op, rewriter);
    NVVM::CpAsyncBulkSharedCTAToGlobalOp::create(
        b, getElement(b, *tensor, op.getIndices()), adaptor.getSource(),
        b.i32(op.getSource().getType().getBytes()), /*l2CacheHint=*/Value(),
        /*byteMask=*/Value());
    rewriter.eraseOp(op);
    return success();
  }
};

/// One copy for each swizzled block of 128 bytes, as TMA loads.
struct StoreAsyncPattern : GlobalPattern<cta::StoreAsyncOp> {
  using GlobalPattern::GlobalPattern;
  LogicalResult
  matchAndRewrite(cta::StoreAsyncOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!op.getMap() || !kernel.tensorMaps.contains(op.getMap()))
      return op.emitOpError("expected a tensor map");
    cta::BufferType buffer = op.getSource().getType();
    cta::SharedLayoutAttr layout = buffer.getLayout();
    int64_t columns = 8 * 128 / buffer.getElementType().getIntOrFloatBitWidth();
    if (buffer.getShape().size() != 2 || !layout ||
        layout.getSwizzle() != 128 || buffer.getShape()[1] % columns)
      return op.emitOpError()
             << "is lowered for matrices with a swizzle of 128 "
                "bytes and a multiple of "
             << columns << " columns, got " << buffer;
    ThreadBuilder b(op, rewriter);
    // TMA coordinates, innermost first.
    SmallVector<Value> coordinates;
    for (Value index : llvm::reverse(op.getIndices()))
      coordinates.push_back(
          LLVM::TruncOp::create(b, b.getI32Type(), b.toI64(index)));
    for (int64_t block = 0; block < buffer.getShape()[1] / columns; ++block) {
      SmallVector<Value> at(coordinates);
      at[0] = b.add(at[0], b.i32(columns * block));
      NVVM::CpAsyncBulkTensorSharedCTAToGlobalOp::create(
          b, kernel.tensorMaps.lookup(op.getMap()),
          b.offset(adaptor.getSource(), block * layout.getRows() * 128), at,
          /*l2CacheHint=*/Value(), NVVM::TMAStoreMode::TILE,
          /*predicate=*/Value());
    }
    rewriter.eraseOp(op);
    return success();
  }
};

struct BulkCommitPattern : OpConversionPattern<cta::BulkCommitOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(cta::BulkCommitOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<NVVM::CpAsyncBulkCommitGroupOp>(op);
    return success();
  }
};

struct BulkWaitPattern : OpConversionPattern<cta::BulkWaitOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(cta::BulkWaitOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<NVVM::CpAsyncBulkWaitGroupOp>(
        op, rewriter.getI32IntegerAttr(op.getPending()),
        op.getRead() ? rewriter.getUnitAttr() : UnitAttr());
    return success();
  }
};

} // namespace

void mla::populateBulkPatterns(TypeConverter &types,
                               RewritePatternSet &patterns,
                               KernelContext &kernel) {
  MLIRContext *context = patterns.getContext();
  patterns.add<BulkCommitPattern, BulkWaitPattern>(types, context);
  patterns.add<BulkLoadPattern, BulkStorePattern, StoreAsyncPattern>(
      types, context, kernel);
}
