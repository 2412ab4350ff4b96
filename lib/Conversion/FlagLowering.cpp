//===- FlagLowering.cpp - flags in global memory ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Atomic accesses of LLVM at the scope of the GPU: ld.acquire.gpu and
// st.release.gpu.
//
//===----------------------------------------------------------------------===//

#include "MemoryAccess.h"

using namespace mlir;
using namespace mla;

namespace {

/// LLVM's name for the scope of one GPU.
constexpr StringRef kGpuScope = "device";

struct LoadAcquirePattern : GlobalPattern<cta::LoadAcquireOp> {
  using GlobalPattern::GlobalPattern;
  LogicalResult
  matchAndRewrite(cta::LoadAcquireOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    const GlobalTensor *tensor = kernel.lookup(op, op.getMemref());
    if (!tensor)
      return failure();
    ThreadBuilder b(op, rewriter);
    Type type = op.getResult().getType();
    rewriter.replaceOpWithNewOp<LLVM::LoadOp>(
        op, type, b.elementPointer(*tensor, toI64(b, op.getIndices())),
        /*alignment=*/type.getIntOrFloatBitWidth() / 8, /*isVolatile=*/false,
        /*isNonTemporal=*/false, /*isInvariant=*/false,
        /*isInvariantGroup=*/false, LLVM::AtomicOrdering::acquire, kGpuScope);
    return success();
  }
};

struct StoreReleasePattern : GlobalPattern<cta::StoreReleaseOp> {
  using GlobalPattern::GlobalPattern;
  LogicalResult
  matchAndRewrite(cta::StoreReleaseOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    const GlobalTensor *tensor = kernel.lookup(op, op.getMemref());
    if (!tensor)
      return failure();
    ThreadBuilder b(op, rewriter);
    Type type = op.getValue().getType();
    rewriter.replaceOpWithNewOp<LLVM::StoreOp>(
        op, adaptor.getValue(),
        b.elementPointer(*tensor, toI64(b, op.getIndices())),
        /*alignment=*/type.getIntOrFloatBitWidth() / 8, /*isVolatile=*/false,
        /*isNonTemporal=*/false, /*isInvariantGroup=*/false,
        LLVM::AtomicOrdering::release, kGpuScope);
    return success();
  }
};

} // namespace

void mla::populateFlagPatterns(TypeConverter &types,
                               RewritePatternSet &patterns,
                               KernelContext &kernel) {
  patterns.add<LoadAcquirePattern, StoreReleasePattern>(
      types, patterns.getContext(), kernel);
}
