//===- WgmmaDescriptors.cpp - creates wgmma descriptors ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Transforms/Passes.h"
#include "mlir/IR/Builders.h"

namespace mla {
#define GEN_PASS_DEF_WGMMADESCRIPTORS
#include "mla/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

/// Bytes of a swizzle atom: 8 rows of 128 bytes.
static constexpr int64_t kAtomBytes = 1024;
static constexpr int64_t kBlockColumns = 64;

/// The descriptor of `buffer`, an operand of `mma` read along `major`.
static FailureOr<Value> describe(cta::MmaAsyncOp mma, Value buffer,
                                 cta::Major major) {
  ArrayRef<int64_t> shape = cast<cta::BufferType>(buffer.getType()).getShape();
  int64_t row = 0, column = 0;
  while (auto view = buffer.getDefiningOp<cta::ViewOp>()) {
    row += view.getOffsets()[0];
    column += view.getOffsets()[1];
    buffer = view.getSource();
  }
  auto root = cast<cta::BufferType>(buffer.getType());
  cta::SharedLayoutAttr layout = root.getLayout();
  if (!layout || layout.getSwizzle() != 128)
    return mma.emitOpError() << "expected operands with the 128-byte swizzle "
                                "(--mla-stage-shared), got "
                             << root;
  // A start address between atoms would change the swizzle phase. Along the
  // contiguous dimension, a K-major operand may start at any k-step, an
  // MN-major one only at a block.
  int64_t columnUnit = major == cta::Major::k ? 16 : kBlockColumns;
  if (row % 8 || column % columnUnit)
    return mma.emitOpError()
           << "expected an operand that starts at a row "
              "multiple of 8 and a column multiple of "
           << columnUnit << ", got [" << row << ", " << column << "]";
  int64_t blockBytes = layout.getRows() * 128;
  int64_t offset = column / kBlockColumns * blockBytes +
                   column % kBlockColumns * 2 + row * 128;
  MLIRContext *context = mma.getContext();
  // K-major: k is along a row, so a k-step of 16 elements is 32 bytes, up to
  // the next block of columns. The hardware ignores the leading offset (PTX
  // ISA, Strides), which is set as for MN-major operands, so that the
  // descriptors of one slot differ only in the address. MN-major: k is along
  // the columns, so a k-step of 16 rows is 2,048 bytes.
  bool alongRow = major == cta::Major::k;
  auto type = cta::DescriptorType::getChecked(
      [&] { return mma.emitOpError(); }, context, shape, root.getElementType(),
      major, offset, /*leading=*/blockBytes, /*stride=*/kAtomBytes,
      /*step=*/alongRow ? 32 : 2 * kAtomBytes,
      /*blockStep=*/alongRow ? blockBytes : 8 * kAtomBytes);
  if (!type)
    return failure();
  OpBuilder b(mma);
  return cta::DescriptorOp::create(b, mma.getLoc(), type, buffer).getResult();
}

static LogicalResult describeOperands(cta::MmaAsyncOp mma) {
  auto replace = [&](OpOperand &operand, bool kIsContiguous) -> LogicalResult {
    if (!isa<cta::BufferType>(operand.get().getType()))
      return success();
    FailureOr<Value> descriptor = describe(
        mma, operand.get(), kIsContiguous ? cta::Major::k : cta::Major::mn);
    if (failed(descriptor))
      return failure();
    operand.set(*descriptor);
    return success();
  };
  if (failed(replace(mma.getAMutable(), !mma.getTransposeA())))
    return failure();
  return replace(mma.getBMutable(), mma.getTransposeB());
}

namespace {
struct WgmmaDescriptorsPass
    : mla::impl::WgmmaDescriptorsBase<WgmmaDescriptorsPass> {
  void runOnProgram() override {
    WalkResult result = getOperation().walk(
        [](cta::MmaAsyncOp mma) { return WalkResult(describeOperands(mma)); });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
