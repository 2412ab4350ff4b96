//===- CTAOps.cpp - roles, fragments, MMAs ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Dialect/CTA/CTA.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mla::cta;

LogicalResult RoleOp::verify() {
  constexpr int64_t kMaxWarps = getLargest(&TargetSpec::warpsPerCTA);
  constexpr int64_t kMaxRegisters = getLargest(&TargetSpec::registersPerThread);
  auto warps = static_cast<int64_t>(getWarps());
  auto registers = static_cast<int64_t>(getRegisters());
  if (warps < 1 || warps > kMaxWarps)
    return emitOpError() << "expected 1 to " << kMaxWarps << " warps, got "
                         << warps;
  if (registers < 1 || registers > kMaxRegisters)
    return emitOpError() << "expected 1 to " << kMaxRegisters
                         << " registers, got " << registers;
  return success();
}

LogicalResult ViewOp::verify() {
  BufferType source = getSource().getType(), result = getResult().getType();
  size_t rank = source.getShape().size();
  if (getOffsets().size() != rank || result.getShape().size() != rank ||
      source.getElementType() != result.getElementType() ||
      source.getLayout() != result.getLayout())
    return emitOpError() << "expected " << rank << " offsets and a result of "
                         << "rank " << rank << " with the element type and "
                         << "layout of " << source;
  for (auto [d, offset] : llvm::enumerate(getOffsets()))
    if (offset < 0 || offset > source.getShape()[d] - result.getShape()[d])
      return emitOpError() << "expected " << result.getShape()[d]
                           << " elements from " << offset
                           << " inside dimension " << d << " of " << source;
  return success();
}

static LogicalResult verifySameTile(Operation *op, Type fragment,
                                    BufferType buffer) {
  auto tensor = cast<RankedTensorType>(fragment);
  if (tensor.getShape() != buffer.getShape() ||
      tensor.getElementType() != buffer.getElementType())
    return op->emitOpError() << "expected a fragment and a buffer of the same "
                                "shape and element type, got "
                             << tensor << " and " << buffer;
  return success();
}

LogicalResult StoreSharedOp::verify() {
  return verifySameTile(*this, getFragment().getType(), getDest().getType());
}

LogicalResult LoadSharedOp::verify() {
  return verifySameTile(*this, getFragment().getType(), getSource().getType());
}

LogicalResult ConvertLayoutOp::verify() {
  auto source = cast<RankedTensorType>(getSource().getType());
  auto result = cast<RankedTensorType>(getResult().getType());
  if (source.getShape() != result.getShape() ||
      source.getElementType() != result.getElementType())
    return emitOpError() << "expected one shape and element type, got "
                         << source << " and " << result;
  if (getLayout(source) == FragmentLayout::acc &&
      getLayout(result) == FragmentLayout::a_operand)
    return success();
  return emitOpError() << "expected layouts acc and a_operand, got " << source
                       << " and " << result;
}

LogicalResult ReduceWarpOp::verify() {
  auto source = cast<RankedTensorType>(getSource().getType());
  auto result = cast<RankedTensorType>(getResult().getType());
  if (std::optional<uint64_t> dim = getDim()) {
    SmallVector<int64_t> expected(source.getShape());
    if (*dim < expected.size() && result.getRank() == source.getRank()) {
      expected[*dim] = result.getDimSize(*dim);
      if (ArrayRef(expected) == result.getShape() &&
          expected[*dim] <= source.getDimSize(*dim) &&
          source.getElementType() == result.getElementType())
        return success();
    }
    return emitOpError() << "expected a result that differs from the source in "
                            "no dimension but "
                         << *dim << ", which is no larger" << ", got " << source
                         << " and " << result;
  }
  if (source.getRank() == 2 && source.getDimSize(0) % 64 == 0 &&
      result.getRank() == 1 && result.getDimSize(0) % 4 == 0 &&
      result.getDimSize(0) / 4 == source.getDimSize(1) &&
      source.getElementType() == result.getElementType())
    return success();
  return emitOpError() << "expected a matrix with a multiple of 64 rows and a "
                          "vector of 4 values a column, got "
                       << source << " and " << result;
}

static ArrayRef<int64_t> getOperandShape(Type type) {
  return TypeSwitch<Type, ArrayRef<int64_t>>(type)
      .Case<BufferType, DescriptorType>([](auto t) { return t.getShape(); })
      .Default([](Type t) { return cast<RankedTensorType>(t).getShape(); });
}

static Type getOperandElement(Type type) {
  return TypeSwitch<Type, Type>(type)
      .Case<BufferType, DescriptorType>(
          [](auto t) { return t.getElementType(); })
      .Default([](Type t) { return getElementTypeOrSelf(t); });
}

LogicalResult MmaAsyncOp::verify() {
  ArrayRef<int64_t> a = getOperandShape(getA().getType());
  ArrayRef<int64_t> b = getOperandShape(getB().getType());
  RankedTensorType result = getResult().getType().getFragment();
  if (a.size() != 2 || b.size() != 2 || result.getRank() != 2)
    return emitOpError("expected operands and result of rank 2");
  Type aElement = getOperandElement(getA().getType());
  Type bElement = getOperandElement(getB().getType());
  if (aElement != bElement)
    return emitOpError() << "expected operands of one element type, got "
                         << aElement << " and " << bElement;
  int64_t m = a[getTransposeA() ? 1 : 0], ka = a[getTransposeA() ? 0 : 1];
  int64_t kb = b[getTransposeB() ? 1 : 0], n = b[getTransposeB() ? 0 : 1];
  if (getTransposeA() && isa<RankedTensorType>(getA().getType()))
    return emitOpError("expected A in shared memory to transpose it");
  bool inRegisters = isa<RankedTensorType>(getA().getType());
  if (m < 64 || m % 64 || (inRegisters && m != 64))
    return emitOpError() << "expected "
                         << (inRegisters ? "64 rows (one warpgroup)"
                                         : "a multiple of 64 rows")
                         << ", got " << m;
  if (n % 8 || n < 8 || n > 256)
    return emitOpError() << "expected a multiple of 8 columns in [8, 256], got "
                         << n;
  if (ka != kb || ka % 16)
    return emitOpError() << "expected equal reduction sizes, a multiple of 16, "
                            "got "
                         << ka << " and " << kb;
  if (result.getDimSize(0) != m || result.getDimSize(1) != n ||
      !result.getElementType().isF32())
    return emitOpError() << "expected a " << m << "x" << n
                         << "xf32 result, got " << result;
  if (!getAcc())
    return success();
  Type acc = getAcc().getType();
  if (auto inFlight = dyn_cast<InFlightType>(acc))
    acc = inFlight.getFragment();
  if (acc != result)
    return emitOpError() << "expected acc of type " << result << ", got "
                         << acc;
  return success();
}
