//===- NamedBarrierLowering.cpp - bar.sync and bar.arrive -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "KernelContext.h"

using namespace mlir;
using namespace mla;

namespace {

/// A declaration becomes the barrier's number; uses read the declaration.
struct NamedBarrierPattern : OpConversionPattern<cta::NamedBarrierOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(cta::NamedBarrierOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op, rewriter);
    rewriter.replaceOp(op, b.i32(op.getId()));
    return success();
  }
};

struct NamedSyncPattern : OpConversionPattern<cta::NamedSyncOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(cta::NamedSyncOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op, rewriter);
    auto barrier = op.getBarrier().getDefiningOp<cta::NamedBarrierOp>();
    NVVM::BarrierOp::create(b, TypeRange(), b.i32(barrier.getId()),
                            b.i32(barrier.getThreads()), {}, Value());
    rewriter.eraseOp(op);
    return success();
  }
};

struct NamedArrivePattern : OpConversionPattern<cta::NamedArriveOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(cta::NamedArriveOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op, rewriter);
    auto barrier = op.getBarrier().getDefiningOp<cta::NamedBarrierOp>();
    NVVM::BarrierArriveOp::create(b, b.i32(barrier.getId()),
                                  b.i32(barrier.getThreads()));
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void mla::populateNamedBarrierPatterns(TypeConverter &types,
                                       RewritePatternSet &patterns) {
  patterns.add<NamedArrivePattern, NamedBarrierPattern, NamedSyncPattern>(
      types, patterns.getContext());
}
