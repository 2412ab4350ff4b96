//===- SyncLowering.cpp - synchronisation, one to one -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Each op of this file becomes one instruction (an arrival of a warp two:
// __syncwarp first). No synchronisation is created, moved or merged.
//
//===----------------------------------------------------------------------===//

#include "KernelContext.h"

using namespace mlir;
using namespace mla;

namespace {

/// Suspend-time hint of mbarrier waits, in nanoseconds.
constexpr int64_t kWaitHint = 10000000;

Value isLeader(ThreadBuilder &b, Value number) {
  return LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::eq, number, b.i32(0));
}

/// Address of mbarrier `index` of an array.
Value getBarrier(ThreadBuilder &b, Value array, Value index) {
  return b.offset(array, b.mul(index, b.i32(8)));
}

struct RingPattern : OpConversionPattern<cta::RingOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(cta::RingOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!op.getOffset())
      return op.emitOpError("expected a place in shared memory; run "
                            "--mla-stage-shared first");
    ThreadBuilder b(op, rewriter);
    rewriter.replaceOp(op, b.sharedPointer(*op.getOffset()));
    return success();
  }
};

struct BufferPattern : OpConversionPattern<cta::BufferOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(cta::BufferOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op, rewriter);
    if (op.getBase()) {
      rewriter.replaceOp(op, b.offset(adaptor.getBase(), *op.getByte()));
      return success();
    }
    if (!op.getOffset())
      return op.emitOpError("expected a place in shared memory");
    rewriter.replaceOp(op, b.sharedPointer(*op.getOffset()));
    return success();
  }
};

struct SlotPattern : OpConversionPattern<cta::SlotOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(cta::SlotOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op, rewriter);
    int64_t bytes = op.getSlot().getType().getBytes();
    rewriter.replaceOp(op, b.offset(adaptor.getRing(),
                                    b.mul(adaptor.getIndex(), b.i32(bytes))));
    return success();
  }
};

/// The byte offset in `type` of a view at `offsets`. The view has whole rows,
/// or starts at a row and a column where the swizzle repeats.
std::optional<int64_t> getViewOffset(cta::BufferType type,
                                     ArrayRef<int64_t> offsets) {
  constexpr int64_t kRowBytes = 128;
  int64_t width = type.getElementType().getIntOrFloatBitWidth();
  if (type.getShape().size() == 1)
    return offsets[0] * width / 8;
  cta::SharedLayoutAttr layout = type.getLayout();
  int64_t column = offsets[1] * width / 8;
  if (type.getShape().size() != 2 || !layout || layout.getSwizzle() != 128 ||
      offsets[0] % 8 || column % kRowBytes)
    return std::nullopt;
  return column * layout.getRows() + offsets[0] * kRowBytes;
}

/// Views of vectors, and of matrices that are filled. (Views that MMAs read
/// have become offsets in descriptors.)
struct ViewPattern : OpConversionPattern<cta::ViewOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(cta::ViewOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    cta::BufferType type = op.getResult().getType();
    std::optional<int64_t> offset = getViewOffset(type, op.getOffsets());
    if (!offset)
      return op.emitOpError() << "is lowered for parts of vectors, and of "
                                 "swizzled matrices from a multiple of 8 rows "
                                 "and 128 bytes on, got "
                              << type;
    ThreadBuilder b(op, rewriter);
    rewriter.replaceOp(op, b.offset(adaptor.getSource(), *offset));
    return success();
  }
};

struct MBarrierPattern : OpConversionPattern<cta::MBarrierOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(cta::MBarrierOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op, rewriter);
    rewriter.replaceOp(op, b.sharedPointer(op.getOffset()));
    return success();
  }
};

struct MBarrierInitPattern : OpConversionPattern<cta::MBarrierInitOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(cta::MBarrierInitOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto declaration = op.getBarrier().getDefiningOp<cta::MBarrierOp>();
    if (!declaration)
      return op.emitOpError("expected a barrier declared by cta.mbarrier");
    ThreadBuilder b(op, rewriter);
    b.ifThen(isLeader(b, b.thread()), [&] {
      for (int64_t i = 0; i < op.getBarrier().getType().getSize(); ++i)
        NVVM::MBarrierInitOp::create(b, b.offset(adaptor.getBarrier(), 8 * i),
                                     b.i32(declaration.getCount()), Value());
    });
    rewriter.eraseOp(op);
    return success();
  }
};

struct MBarrierWaitPattern : OpConversionPattern<cta::MBarrierWaitOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(cta::MBarrierWaitOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op, rewriter);
    // As nvvm.mbarrier.try_wait.parity, whose branches are bra.uni: after them
    // ptxas keeps no value of a loop in uniform registers.
    b.assembly("{ .reg .pred done; "
               "WAIT: mbarrier.try_wait.parity.shared.b64 done, [$0], $1, $2; "
               "@done bra DONE; bra WAIT; DONE: }",
               "r,r,n,~{memory}",
               {getBarrier(b, adaptor.getBarrier(), adaptor.getIndex()),
                adaptor.getParity(), b.i32(kWaitHint)},
               Type());
    rewriter.eraseOp(op);
    return success();
  }
};

struct ArrivePattern : OpConversionPattern<cta::ArriveOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(cta::ArriveOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op, rewriter);
    Value barrier = getBarrier(b, adaptor.getBarrier(), adaptor.getIndex());
    if (b.isElected()) {
      NVVM::MBarrierArriveOp::create(b, b.getI64Type(), barrier);
    } else {
      // A predicate, not a branch: in a loop around a loop, ptxas takes the
      // warp for divergent after such branches, and keeps no value of the loops
      // in uniform registers.
      NVVM::SyncWarpOp::create(b, b.i32(-1));
      b.assembly("{ .reg .pred first; .reg .b64 state; "
                 "setp.eq.s32 first, $1, 0; "
                 "@first mbarrier.arrive.shared.b64 state, [$0]; }",
                 "r,r,~{memory}", {barrier, b.lane()}, Type());
    }
    rewriter.eraseOp(op);
    return success();
  }
};

struct ArriveCopiesPattern : OpConversionPattern<cta::ArriveCopiesOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(cta::ArriveCopiesOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op, rewriter);
    NVVM::CpAsyncMBarrierArriveOp::create(
        b, getBarrier(b, adaptor.getBarrier(), adaptor.getIndex()),
        /*noinc=*/true);
    rewriter.eraseOp(op);
    return success();
  }
};

struct ArriveExpectPattern : OpConversionPattern<cta::ArriveExpectOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(cta::ArriveExpectOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op, rewriter);
    Value barrier = getBarrier(b, adaptor.getBarrier(), adaptor.getIndex());
    b.ifElected([&] {
      OperationState state(op.getLoc(),
                           NVVM::MBarrierArriveExpectTxOp::getOperationName());
      state.addOperands({barrier, b.i32(op.getBytes())});
      b.create(state);
    });
    rewriter.eraseOp(op);
    return success();
  }
};

/// An op without operands that NVVM has as well.
template <typename From, typename To>
struct RenamePattern : OpConversionPattern<From> {
  using OpConversionPattern<From>::OpConversionPattern;
  LogicalResult
  matchAndRewrite(From op, typename From::Adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<To>(op);
    return success();
  }
};

struct ClusterRankPattern : OpConversionPattern<cta::ClusterRankOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(cta::ClusterRankOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    // Clusters are of one dimension.
    rewriter.replaceOpWithNewOp<NVVM::BlockInClusterIdXOp>(
        op, rewriter.getI32Type());
    return success();
  }
};

struct ClusterArrivePattern : OpConversionPattern<cta::ClusterArriveOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(cta::ClusterArriveOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (op.getRelaxed())
      rewriter.replaceOpWithNewOp<NVVM::ClusterArriveRelaxedOp>(
          op, rewriter.getUnitAttr());
    else
      rewriter.replaceOpWithNewOp<NVVM::ClusterArriveOp>(
          op, rewriter.getUnitAttr());
    return success();
  }
};

struct ClusterWaitPattern : OpConversionPattern<cta::ClusterWaitOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(cta::ClusterWaitOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<NVVM::ClusterWaitOp>(op,
                                                     rewriter.getUnitAttr());
    return success();
  }
};

/// Programmatic dependent launch: griddepcontrol.
template <typename From, NVVM::GridDepActionKind kind>
struct GridDependencePattern : OpConversionPattern<From> {
  using OpConversionPattern<From>::OpConversionPattern;
  LogicalResult
  matchAndRewrite(From op, typename From::Adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<NVVM::GriddepcontrolOp>(op, kind);
    return success();
  }
};

struct FenceAsyncPattern : OpConversionPattern<cta::FenceAsyncOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(cta::FenceAsyncOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    MLIRContext *context = op.getContext();
    if (op.getGlobal())
      rewriter.replaceOpWithNewOp<NVVM::FenceProxyOp>(
          op, NVVM::ProxyKindAttr::get(context, NVVM::ProxyKind::async_global),
          NVVM::SharedSpaceAttr());
    else
      rewriter.replaceOpWithNewOp<NVVM::FenceProxyOp>(
          op, NVVM::ProxyKindAttr::get(context, NVVM::ProxyKind::async_shared),
          NVVM::SharedSpaceAttr::get(context, NVVM::SharedSpace::shared_cta));
    return success();
  }
};

} // namespace

void mla::inlineElected(func::FuncOp func) {
  func.walk([](cta::ElectOp op) {
    OpBuilder builder(op);
    ThreadBuilder b(op, builder);
    Value mine = LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::eq, b.thread(),
                                      b.i32(32 * op.getWarp()));
    auto branch = scf::IfOp::create(b, mine, /*withElseRegion=*/false);
    Block &body = op.getBody().front();
    body.getTerminator()->erase();
    Block *then = branch.thenBlock();
    then->getOperations().splice(then->begin(), body.getOperations());
    op.erase();
  });
}

void mla::populateSyncPatterns(TypeConverter &types,
                               RewritePatternSet &patterns) {
  patterns.add<
      ArriveCopiesPattern, ArriveExpectPattern, ArrivePattern, BufferPattern,
      ClusterArrivePattern, ClusterRankPattern, ClusterWaitPattern,
      GridDependencePattern<cta::LaunchWaitOp, NVVM::GridDepActionKind::wait>,
      GridDependencePattern<cta::LaunchDependentsOp,
                            NVVM::GridDepActionKind::launch_dependents>,
      FenceAsyncPattern, MBarrierInitPattern, MBarrierPattern,
      MBarrierWaitPattern, RingPattern, SlotPattern, ViewPattern,
      RenamePattern<cta::MBarrierInitFenceOp, NVVM::FenceMbarrierInitOp>,
      RenamePattern<cta::MmaCommitOp, NVVM::WgmmaGroupSyncAlignedOp>,
      RenamePattern<cta::MmaFenceOp, NVVM::WgmmaFenceAlignedOp>,
      RenamePattern<cta::SyncOp, NVVM::Barrier0Op>>(types,
                                                    patterns.getContext());
}
