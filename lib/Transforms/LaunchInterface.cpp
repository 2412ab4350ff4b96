//===- LaunchInterface.cpp - records what a launch needs --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "LaunchInterface.h"
#include "mla/Transforms/OperatorQueries.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mla;

/// The names of the argument's dimensions, or their sizes where another operand
/// determines them.
static ArrayAttr getDimensions(OperatorInterface op, const OperandInfo &info,
                               MemRefType type) {
  Builder b(op->getContext());
  SmallVector<Attribute> dims;
  for (auto [name, size] : llvm::zip(info.dims, type.getShape())) {
    int64_t fixed = getSize(op, name);
    dims.push_back(ShapedType::isDynamic(size) && !ShapedType::isDynamic(fixed)
                       ? Attribute(b.getIndexAttr(fixed))
                       : b.getStringAttr(name));
  }
  return b.getArrayAttr(dims);
}

/// Names the function's arguments after the operands, for the launch descriptor
/// and the runtime's errors.
static void nameArguments(OperatorInterface op, func::FuncOp func) {
  Builder b(func.getContext());
  const OperatorTable &table = op.getOperator().table;
  for (auto [info, operand] :
       llvm::zip(table.operands, op.getTableOperands())) {
    auto arg = dyn_cast_or_null<BlockArgument>(operand);
    if (!arg || arg.getOwner() != &func.getBody().front())
      continue;
    unsigned number = arg.getArgNumber();
    func.setArgAttr(number, kArgNameAttr, b.getStringAttr(info.name));
    if (auto type = dyn_cast<MemRefType>(arg.getType()))
      func.setArgAttr(number, kArgDimsAttr, getDimensions(op, info, type));
    if (info.isPositive)
      func.setArgAttr(number, kArgPositiveAttr, b.getUnitAttr());
    if (info.isOptional && op->hasAttr(getOptionalAttrName(info.name)))
      func.setArgAttr(number, kArgOptionalAttr, b.getUnitAttr());
  }
}

/// The operator's options that are not at their defaults.
static DictionaryAttr getOptions(OperatorInterface op) {
  Builder b(op->getContext());
  SmallVector<NamedAttribute> options;
  for (const OptionInfo &option : op.getOperator().table.options) {
    auto value = op->getAttrOfType<StringAttr>(option.name);
    if (option.kind == OptionKind::Attribute && value &&
        value.getValue() != StringRef(option.values[0]))
      options.push_back(b.getNamedAttr(option.name, value));
  }
  return b.getDictionaryAttr(options);
}

/// The limits of those run-time sizes that kernels do not cover in full.
static DictionaryAttr getSizeLimits(OperatorInterface op) {
  constexpr int64_t kMaxSize = std::numeric_limits<int32_t>::max();
  Builder b(op->getContext());
  const OperatorTable &table = op.getOperator().table;
  SmallVector<NamedAttribute> limits;
  for (const SizeInfo &size : table.sizes)
    if ((size.least > 0 || size.most < kMaxSize) && usesSize(op, size.name) &&
        ShapedType::isDynamic(getSize(op, size.name)))
      limits.push_back(b.getNamedAttr(
          size.name, b.getDenseI64ArrayAttr({size.least, size.most})));
  return b.getDictionaryAttr(limits);
}

/// Records the values of constant scalar operands. They are not kernel
/// arguments, so a caller can read them only from the launch descriptor.
static LogicalResult noteConstants(OperatorInterface op, func::FuncOp func) {
  Builder b(func.getContext());
  SmallVector<NamedAttribute> constants;
  const OperatorTable &table = op.getOperator().table;
  for (auto [info, operand] :
       llvm::zip(table.operands, op.getTableOperands())) {
    FloatAttr constant;
    if (!operand || !matchPattern(operand, m_Constant(&constant)))
      continue;
    // The runtime rejects the same values of an argument.
    APFloat value = constant.getValue();
    if (info.isPositive &&
        (!value.isFinite() || value.isNegative() || value.isZero()))
      return op->emitOpError("expected a ")
             << info.name << " above 0 that is finite, got " << constant;
    constants.push_back(b.getNamedAttr(info.name, constant));
  }
  if (!constants.empty())
    func->setAttr(kConstantsAttr, b.getDictionaryAttr(constants));
  return success();
}

LogicalResult mla::noteLaunchInterface(OperatorInterface op,
                                       func::FuncOp func) {
  nameArguments(op, func);
  Builder b(func.getContext());
  func->setAttr(kOperatorAttr, b.getStringAttr(op.getOperator().getName()));
  if (DictionaryAttr options = getOptions(op); !options.empty())
    func->setAttr(kOptionsAttr, options);
  if (DictionaryAttr limits = getSizeLimits(op); !limits.empty())
    func->setAttr(kSizeLimitsAttr, limits);
  return noteConstants(op, func);
}
