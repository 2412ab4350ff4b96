//===- MmaLowering.cpp - wgmma ----------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// wgmma as inline assembly: nvvm.wgmma.mma_async takes A only from shared
// memory and its accumulators as a struct, and its wait has no operands, so
// that LLVM would move readers of the accumulator above it. Here the wait ties
// the accumulator it returns.
//
//===----------------------------------------------------------------------===//

#include "KernelContext.h"

using namespace mlir;
using namespace mla;

namespace {

/// Writes "$first, $first+1, ..." for `count` operands.
std::string listOperands(int64_t first, int64_t count) {
  std::string text;
  for (int64_t i = 0; i < count; ++i)
    text += (i ? ", $" : "$") + std::to_string(first + i);
  return text;
}

/// Constraints: `count` outputs, then inputs tied to them.
std::string tiedConstraints(int64_t count) {
  std::string text;
  for (int64_t i = 0; i < count; ++i)
    text += i ? ",=f" : "=f";
  for (int64_t i = 0; i < count; ++i)
    text += "," + std::to_string(i);
  return text;
}

LLVM::LLVMStructType getStruct(MLIRContext *context, int64_t count) {
  return LLVM::LLVMStructType::getLiteral(
      context, SmallVector<Type>(count, Float32Type::get(context)));
}

SmallVector<Value> unpackStruct(ThreadBuilder &b, Value value, int64_t count) {
  SmallVector<Value> values;
  for (int64_t i = 0; i < count; ++i)
    values.push_back(LLVM::ExtractValueOp::create(b, value, i));
  return values;
}

/// One wgmma instruction: operands as descriptors (base and byte offset) or
/// registers, the accumulator as scalars.
struct Step {
  Value aDescriptor, bDescriptor;
  SmallVector<Value> aRegisters;
  int64_t aOffset = 0, bOffset = 0;
  bool aTransposed = false, bTransposed = false;
};

/// Writes the descriptor of operand `$operand` plus `bytes` to `result`. The
/// address is in the lower half and does not overflow it, so that 32 bits are
/// added: an addition of 64 bits is two dependent instructions, for each
/// operand of each wgmma.
std::string offsetDescriptor(StringRef result, int64_t operand, int64_t bytes) {
  return "mov.b64 {l, h}, $" + std::to_string(operand) + "; add.u32 l, l, " +
         std::to_string(bytes >> 4) + "; mov.b64 " + result.str() +
         ", {l, h}; ";
}

/// `type` is the element type of A and B in PTX: "bf16" or "f16".
SmallVector<Value> emitStep(ThreadBuilder &b, const Step &step, StringRef type,
                            ArrayRef<Value> acc, int64_t count) {
  bool hasAcc = !acc.empty();
  // Inputs follow the outputs and the accumulators tied to them.
  int64_t next = hasAcc ? 2 * count : count;
  std::string constraints;
  if (hasAcc) {
    constraints = tiedConstraints(count);
  } else {
    // Outputs are written before the inputs are dead: early clobber.
    for (int64_t i = 0; i < count; ++i)
      constraints += i ? ",=&f" : "=&f";
  }
  SmallVector<Value> operands(acc);
  std::string setup = "{ .reg .b64 da, db; .reg .b32 l, h; .reg .pred p; "
                      "setp.ne.b32 p, " +
                      std::string(hasAcc ? "1" : "0") + ", 0; ";
  std::string a;
  if (step.aDescriptor) {
    setup += offsetDescriptor("da", next++, step.aOffset);
    operands.push_back(step.aDescriptor);
    constraints += ",l";
    a = "da";
  } else {
    a = "{" + listOperands(next, 4) + "}";
    next += 4;
    llvm::append_range(operands, step.aRegisters);
    constraints += ",r,r,r,r";
  }
  setup += offsetDescriptor("db", next, step.bOffset);
  operands.push_back(step.bDescriptor);
  constraints += ",l";
  std::string text = setup + "wgmma.mma_async.sync.aligned.m64n" +
                     std::to_string(2 * count) + "k16.f32." + type.str() + "." +
                     type.str() + " {" + listOperands(0, count) + "}, " + a +
                     ", db, p, 1, 1, ";
  if (step.aDescriptor)
    text += step.aTransposed ? "1, " : "0, ";
  text += step.bTransposed ? "1; }" : "0; }";
  Operation *call =
      b.assembly(text, constraints, operands, getStruct(b.getContext(), count));
  return unpackStruct(b, call->getResult(0), count);
}

/// Byte offset of rows [64 block, 64 block + 64) of operand A: 8 rows of a
/// K-major one are `stride` apart, 64 of an MN-major one `leading`.
int64_t getBlockOffset(cta::DescriptorType type, int64_t block) {
  return block * (type.getMajor() == cta::Major::mn ? type.getLeading()
                                                    : 8 * type.getStride());
}

/// Byte offset of k-step `k` of an operand. A K-major operand may start inside
/// a block of 128 bytes and continue in the next block.
int64_t getStepOffset(cta::DescriptorType type, int64_t k) {
  int64_t start = type.getOffset() % 128;
  int64_t step = k + start / type.getStep();
  return type.getOffset() - start + step / 4 * type.getBlockStep() +
         step % 4 * type.getStep();
}

/// A descriptor as a base plus a constant byte offset. Descriptors of one
/// layout then share the base, in one pair of registers.
struct SplitDescriptor {
  SplitDescriptor(Value descriptor) : base(descriptor) {
    APInt units;
    auto sum = descriptor.getDefiningOp<LLVM::AddOp>();
    if (sum && matchPattern(sum.getRhs(), m_ConstantInt(&units))) {
      base = sum.getLhs();
      offset = units.getSExtValue() << 4;
    }
  }
  Value base;
  int64_t offset = 0;
};

/// The registers that `mma` accumulates into. Each value is pinned to its own
/// register before the fence in front of `mma`: equal values (such as initial
/// zeros) may share a register, and ptxas would copy them after the fence,
/// which does not cover those writes.
SmallVector<Value> takeAccumulators(ThreadBuilder &b, cta::MmaAsyncOp mma,
                                    Value acc) {
  if (!acc)
    return {};
  OpBuilder::InsertionGuard guard(b);
  Operation *fence = mma->getPrevNode();
  while (fence && !isa<NVVM::WgmmaFenceAlignedOp>(fence))
    fence = fence->getPrevNode();
  bool pin = fence && isa<RankedTensorType>(mma.getAcc().getType());
  if (pin)
    b.setInsertionPoint(fence);
  int64_t count = getNumRegisters(mma.getResult().getType().getFragment());
  SmallVector<Value> values;
  for (int64_t i = 0; i < count; ++i)
    values.push_back(b.extract(acc, i));
  if (!pin)
    return values;
  Operation *pinned = b.assembly("", tiedConstraints(count) + ",~{memory}",
                                 values, getStruct(b.getContext(), count));
  return unpackStruct(b, pinned->getResult(0), count);
}

struct MmaAsyncPattern : OpConversionPattern<cta::MmaAsyncOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(cta::MmaAsyncOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto bType = dyn_cast<cta::DescriptorType>(op.getB().getType());
    auto aType = dyn_cast<cta::DescriptorType>(op.getA().getType());
    Type element = bType ? bType.getElementType() : Type();
    if (!element || !(element.isBF16() || element.isF16()))
      return op.emitOpError(
          "is lowered for bf16 or f16 operands with descriptors");
    if (auto a = dyn_cast<RankedTensorType>(op.getA().getType());
        !aType && (!a || !isPacked(a) ||
                   cta::getLayout(a) != cta::FragmentLayout::a_operand))
      return op.emitOpError()
             << "is lowered for A with a descriptor, or a bf16 or f16 "
                "fragment of layout a_operand, got "
             << op.getA().getType();
    ThreadBuilder b(op, rewriter);
    RankedTensorType result = op.getResult().getType().getFragment();
    int64_t blocks = result.getDimSize(0) / 64;
    int64_t count = getNumRegisters(result) / blocks;
    int64_t steps = bType.getShape()[op.getTransposeB() ? 1 : 0] / 16;
    SmallVector<SmallVector<Value>> acc(blocks);
    for (auto [i, value] :
         llvm::enumerate(takeAccumulators(b, op, adaptor.getAcc())))
      acc[i / count].push_back(value);
    // Blocks are the inner loop, so that consecutive instructions are
    // independent.
    for (int64_t k = 0; k < steps; ++k)
      for (int64_t block = 0; block < blocks; ++block) {
        Step step;
        SplitDescriptor bDescriptor(adaptor.getB());
        step.bDescriptor = bDescriptor.base;
        step.bOffset = bDescriptor.offset + getStepOffset(bType, k);
        step.bTransposed = bType.getMajor() == cta::Major::mn;
        if (aType) {
          SplitDescriptor aDescriptor(adaptor.getA());
          step.aDescriptor = aDescriptor.base;
          step.aOffset = aDescriptor.offset + getStepOffset(aType, k) +
                         getBlockOffset(aType, block);
          step.aTransposed = aType.getMajor() == cta::Major::mn;
        } else {
          for (int64_t i = 0; i < 4; ++i)
            step.aRegisters.push_back(b.extract(adaptor.getA(), 4 * k + i));
        }
        acc[block] = emitStep(b, step, element.isBF16() ? "bf16" : "f16",
                              acc[block], count);
      }
    SmallVector<Value> values;
    for (ArrayRef<Value> block : acc)
      llvm::append_range(values, block);
    rewriter.replaceOp(op, b.pack(values));
    return success();
  }
};

struct MmaWaitPattern : OpConversionPattern<cta::MmaWaitOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(cta::MmaWaitOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!op.getPending())
      return op.emitOpError("expected a pending count; run "
                            "--mla-insert-mma-sync first");
    ThreadBuilder b(op, rewriter);
    int64_t count = getNumRegisters(op.getSource().getType().getFragment());
    SmallVector<Value> values;
    for (int64_t i = 0; i < count; ++i)
      values.push_back(b.extract(adaptor.getSource(), i));
    Operation *wait = b.assembly("wgmma.wait_group.sync.aligned " +
                                     std::to_string(*op.getPending()) + ";",
                                 tiedConstraints(count) + ",~{memory}", values,
                                 getStruct(b.getContext(), count));
    rewriter.replaceOp(op, b.pack(unpackStruct(b, wait->getResult(0), count)));
    return success();
  }
};

/// Where a slot of a ring with a known place begins: `offset` + index *
/// `bytes`.
struct SlotPlace {
  int64_t offset, bytes;
  Value index;
};

std::optional<SlotPlace> getPlace(Value buffer) {
  auto slot = buffer.getDefiningOp<cta::SlotOp>();
  auto ring = slot ? slot.getRing().getDefiningOp<cta::RingOp>() : nullptr;
  if (!ring || !ring.getOffset())
    return std::nullopt;
  return SlotPlace{static_cast<int64_t>(*ring.getOffset()),
                   slot.getSlot().getType().getBytes(), slot.getIndex()};
}

/// PTX ISA, Matrix descriptor format: start address, leading and stride byte
/// offsets in units of 16 bytes, swizzle mode 1 (128 bytes) in bits 62-63.
struct DescriptorPattern : OpConversionPattern<cta::DescriptorOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(cta::DescriptorOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op, rewriter);
    cta::DescriptorType type = op.getResult().getType();
    uint64_t fixed = uint64_t(1) << 62 | uint64_t(type.getStride() >> 4) << 32 |
                     uint64_t(type.getLeading() >> 4) << 16;
    std::optional<SlotPlace> place = getPlace(op.getSource());
    std::optional<int64_t> index =
        place ? getConstantIntValue(place->index) : std::nullopt;
    Value source = place ? b.sharedPointer(0) : adaptor.getSource();
    Value address = LLVM::PtrToIntOp::create(b, b.getI32Type(), source);
    // In a cluster the address has bits above the descriptor's field.
    address = LLVM::AndOp::create(b, address, b.i32(0x3FFFF));
    address = LLVM::LShrOp::create(b, address, b.i32(4));
    // Computed from the index in units of 16 bytes and 32 bits: ptxas then
    // keeps the descriptors of a loop in uniform registers.
    if (place && !index) {
      Value units = b.mul(rewriter.getRemappedValue(place->index),
                          b.i32(place->bytes >> 4));
      units = LLVM::AddOp::create(b, units, b.i32(place->offset >> 4));
      address = LLVM::AddOp::create(b, address, units);
    }
    Value wide = LLVM::ZExtOp::create(b, b.getI64Type(), address);
    Value descriptor = LLVM::OrOp::create(b, wide, b.i64(fixed));
    if (index)
      descriptor = LLVM::AddOp::create(
          b, descriptor, b.i64((place->offset + *index * place->bytes) >> 4));
    rewriter.replaceOp(op, descriptor);
    return success();
  }
};
} // namespace

void mla::populateMmaPatterns(TypeConverter &types,
                              RewritePatternSet &patterns) {
  patterns.add<DescriptorPattern, MmaAsyncPattern, MmaWaitPattern>(
      types, patterns.getContext());
}
