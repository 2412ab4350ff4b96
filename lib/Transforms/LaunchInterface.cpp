//===- LaunchInterface.cpp - what a launch has to know ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "LaunchInterface.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mla;

/// Names the function's arguments after the operands they are, so that the
/// launch descriptor and the runtime's errors speak of "kv", not of argument 1.
static void nameArguments(SparsePrefillOp op, func::FuncOp func) {
  struct Operand {
    Value value;
    StringRef name;
    SmallVector<StringRef> dims;
  };
  const Operand operands[] = {
      {op.getQ(), "q", {"s_q", "h_q", "d_qk"}},
      {op.getKv(), "kv", {"s_kv", "h_kv", "d_qk"}},
      {op.getIndices(), "indices", {"s_q", "h_kv", "topk"}},
      {op.getScale(), "scale", {}},
      {op.getTopkLength(), "topk_length", {"s_q"}},
      {op.getAttnSink(), "attn_sink", {"h_q"}},
      {op.getOut(), "out", {"s_q", "h_q", "d_v"}},
      {op.getMaxLogits(), "max_logits", {"s_q", "h_q"}},
      {op.getLse(), "lse", {"s_q", "h_q"}}};
  auto getShape = [](const Operand &operand) {
    auto type = operand.value ? dyn_cast<MemRefType>(operand.value.getType())
                              : MemRefType();
    return type ? type.getShape() : ArrayRef<int64_t>();
  };
  // A size that one operand fixes holds for the other operands too.
  llvm::StringMap<int64_t> fixed;
  for (const Operand &operand : operands)
    for (auto [dim, size] : llvm::zip(operand.dims, getShape(operand)))
      if (!ShapedType::isDynamic(size))
        fixed[dim] = size;
  Builder b(func.getContext());
  for (const Operand &operand : operands) {
    auto arg = dyn_cast_or_null<BlockArgument>(operand.value);
    if (!arg || arg.getOwner() != &func.getBody().front())
      continue;
    unsigned number = arg.getArgNumber();
    func.setArgAttr(number, kArgNameAttr, b.getStringAttr(operand.name));
    SmallVector<Attribute> dims;
    for (auto [dim, size] : llvm::zip(operand.dims, getShape(operand)))
      dims.push_back(ShapedType::isDynamic(size) && fixed.contains(dim)
                         ? Attribute(b.getIndexAttr(fixed[dim]))
                         : b.getStringAttr(dim));
    if (!dims.empty())
      func.setArgAttr(number, kArgDimsAttr, b.getArrayAttr(dims));
    // A masked score is -inf before it is scaled: the sign must survive.
    if (operand.value == op.getScale())
      func.setArgAttr(number, kArgPositiveAttr, b.getUnitAttr());
    if ((operand.value == op.getTopkLength() && op.getTopkLengthOptional()) ||
        (operand.value == op.getAttnSink() && op.getAttnSinkOptional()))
      func.setArgAttr(number, kArgOptionalAttr, b.getUnitAttr());
  }
}

/// The operator's options that differ from their defaults.
static DictionaryAttr getOptions(SparsePrefillOp op) {
  Builder b(op.getContext());
  SmallVector<NamedAttribute> options;
  if (op.getEmptyLse() != "+inf")
    options.push_back(b.getNamedAttr("empty_lse", op.getEmptyLseAttr()));
  if (op.getLseBase() != "e")
    options.push_back(b.getNamedAttr("lse_base", op.getLseBaseAttr()));
  return b.getDictionaryAttr(options);
}

/// Records the value of a scale that is a constant. It is not an argument of
/// the kernel, so the launch descriptor is the only place where a caller or a
/// reference can read it.
static LogicalResult noteConstants(SparsePrefillOp op, func::FuncOp func) {
  FloatAttr scale;
  if (!matchPattern(op.getScale(), m_Constant(&scale)))
    return success();
  // A launch refuses the same values of an argument.
  APFloat value = scale.getValue();
  if (!value.isFinite() || value.isNegative() || value.isZero())
    return op.emitOpError("expected a scale above 0 that is finite, got ")
           << scale;
  Builder b(func.getContext());
  func->setAttr(kConstantsAttr,
                b.getDictionaryAttr(b.getNamedAttr("scale", scale)));
  return success();
}

LogicalResult mla::noteLaunchInterface(SparsePrefillOp op, func::FuncOp func) {
  nameArguments(op, func);
  Builder b(func.getContext());
  func->setAttr(kOperatorAttr, b.getStringAttr("sparse_prefill"));
  if (DictionaryAttr options = getOptions(op); !options.empty())
    func->setAttr(kOptionsAttr, options);
  return noteConstants(op, func);
}
