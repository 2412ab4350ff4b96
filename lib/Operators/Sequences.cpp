//===- Sequences.cpp - operators over whole sequences -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Operators/Sequences.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mla;

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

std::string mla::findSequenceShapeFault(const ShapeClass &shape) {
  for (StringRef name : {"d_qk", "d_v"})
    if (int64_t size = *shape.getSize(name); size % 16)
      return llvm::formatv("expected {0} a multiple of 16, got {1}", name,
                           size);
  int64_t heads = *shape.getSize("h_q"), kvHeads = *shape.getSize("h_kv");
  if (heads % kvHeads)
    return llvm::formatv("expected h_q a multiple of h_kv, got {0} and {1}",
                         heads, kvHeads);
  return "";
}

bool mla::isCausal(const Problem &problem) {
  return llvm::is_contained(
      problem.shape.options,
      std::pair<std::string, std::string>("causal", "yes"));
}

bool mla::isPacked(const Problem &problem) {
  return llvm::any_of(problem.shape.options, [](const auto &option) {
    return option.first == "cu_seqlens_q" && option.second != kAbsent;
  });
}

//===----------------------------------------------------------------------===//
// cu_seqlens
//===----------------------------------------------------------------------===//

LogicalResult mla::verifySequenceBounds(OperatorInterface op,
                                        SequenceBounds bounds) {
  auto describe = [](Value v) { return v ? "present" : "absent"; };
  if (!bounds.q != !bounds.k)
    return op->emitOpError()
           << "expected both cu_seqlens_q and cu_seqlens_k or neither, got "
           << describe(bounds.q) << " and " << describe(bounds.k);
  if (bounds.isQOptional || bounds.isKOptional)
    return op->emitOpError("expected cu_seqlens of every launch or of none, "
                           "got one that a launch may omit");
  int64_t batch = getSize(op, "b");
  if (bounds.q && !ShapedType::isDynamic(batch) && batch != 1)
    return op->emitOpError() << "expected b = 1 with cu_seqlens, got " << batch;
  return success();
}

static void mark(func::FuncOp func, ValueRange operands, StringRef attribute) {
  for (Value operand : operands)
    if (auto argument = dyn_cast<BlockArgument>(operand))
      func.setArgAttr(argument.getArgNumber(), attribute,
                      UnitAttr::get(func.getContext()));
}

void mla::markCopiedInside(func::FuncOp func, ValueRange inputs) {
  mark(func, inputs, kArgCopiedInsideAttr);
}

void mla::markPartlyWritten(func::FuncOp func, ValueRange outputs) {
  mark(func, outputs, kArgPartlyWrittenAttr);
}

void mla::limitToOneBatch(OperatorInterface op, func::FuncOp func) {
  if (!ShapedType::isDynamic(getSize(op, "b")))
    return;
  Builder b(func.getContext());
  NamedAttrList limits(func->getAttrOfType<DictionaryAttr>(kSizeLimitsAttr));
  limits.set("b", b.getDenseI64ArrayAttr({1, 1}));
  func->setAttr(kSizeLimitsAttr, limits.getDictionary(func.getContext()));
}

//===----------------------------------------------------------------------===//
// Loads
//===----------------------------------------------------------------------===//

Value mla::loadRows(TileBuilder &b, Value operand, int64_t rows, ValueRange at,
                    ValueRange bound, StringRef label) {
  auto type = cast<MemRefType>(operand.getType());
  // Shared memory holds blocks of 64 columns. Columns beyond the memref are 0.
  int64_t columns = type.getDimSize(3);
  auto padded = static_cast<int64_t>(llvm::alignTo(columns, 64));
  Value tile = b.label(
      tile::LoadOp::create(
          b, RankedTensorType::get({rows, padded}, type.getElementType()),
          operand, at, bound, b.getDenseI64ArrayAttr({1, 3}),
          /*padding=*/TypedAttr()),
      label);
  if (columns == padded)
    return tile;
  return tile::ViewOp::create(
      b, RankedTensorType::get({rows, columns}, type.getElementType()), tile,
      ArrayRef<int64_t>{0, 0});
}
