//===- GridExpression.cpp - a grid's size as an expression ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "GridExpression.h"
#include "KernelContext.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mla;

namespace {
/// Writes a value as the text of an expression, in brackets where it is a
/// factor.
class ExpressionWriter {
public:
  explicit ExpressionWriter(const runtime::KernelDescriptor &program)
      : program(program) {}

  /// Empty for a value that no expression can express.
  std::string write(OpFoldResult bound);

private:
  std::string write(memref::DimOp dim);
  std::string call(StringRef name, Operation *op);

  const runtime::KernelDescriptor &program;
};
} // namespace

/// `text`, in brackets if it is a sum.
static std::string asFactor(std::string text) {
  return text.find(" + ") == std::string::npos ? text : "(" + text + ")";
}

std::string ExpressionWriter::call(StringRef name, Operation *op) {
  std::string a = write(op->getOperand(0)), b = write(op->getOperand(1));
  return a.empty() || b.empty() ? "" : (name + "(" + a + ", " + b + ")").str();
}

std::string ExpressionWriter::write(memref::DimOp dim) {
  auto source = dyn_cast<BlockArgument>(dim.getSource());
  std::optional<int64_t> number = dim.getConstantIndex();
  auto func = source ? dyn_cast<func::FuncOp>(source.getOwner()->getParentOp())
                     : nullptr;
  if (!func || !number || *number < 0 ||
      *number >= cast<ShapedType>(source.getType()).getRank())
    return "";
  std::string name = getArgumentName(func, source.getArgNumber());
  for (const runtime::ArgumentDescriptor &argument : program.arguments)
    if (argument.name == name) {
      const runtime::Size &size = argument.shape[*number];
      return size.isFixed() ? std::to_string(size.fixed)
                            : program.sizeNames[size.symbol];
    }
  for (const runtime::WorkspaceDescriptor &workspace : program.workspaces)
    if (workspace.name == name)
      return workspace.shape[*number].text();
  return "";
}

std::string ExpressionWriter::write(OpFoldResult bound) {
  if (std::optional<int64_t> constant = getConstantIntValue(bound))
    return *constant < 0 ? "" : std::to_string(*constant);
  Operation *op = cast<Value>(bound).getDefiningOp();
  if (!op)
    return "";
  auto infix = [&](StringRef sign, auto operand) -> std::string {
    std::string a = operand(write(op->getOperand(0)));
    std::string b = operand(write(op->getOperand(1)));
    return a.empty() || b.empty() ? "" : (a + sign + b).str();
  };
  return llvm::TypeSwitch<Operation *, std::string>(op)
      .Case([&](memref::DimOp dim) { return write(dim); })
      .Case([](tile::SmCountOp) { return std::string(runtime::kSmsName); })
      .Case<arith::IndexCastOp, arith::IndexCastUIOp>(
          [&](Operation *cast) { return write(cast->getOperand(0)); })
      .Case([&](arith::AddIOp) {
        return infix(" + ", [](std::string text) { return text; });
      })
      .Case([&](arith::MulIOp) { return infix(" * ", asFactor); })
      .Case<arith::CeilDivUIOp, arith::CeilDivSIOp>(
          [&](Operation *div) { return call("ceildiv", div); })
      .Case<arith::DivUIOp, arith::DivSIOp, arith::FloorDivSIOp>(
          [&](Operation *div) { return call("floordiv", div); })
      .Case<arith::MinUIOp, arith::MinSIOp>(
          [&](Operation *min) { return call("min", min); })
      .Case<arith::MaxUIOp, arith::MaxSIOp>(
          [&](Operation *max) { return call("max", max); })
      .Default([](Operation *) { return std::string(); });
}

FailureOr<runtime::Expression>
mla::makeGridExpression(scf::ForallOp grid,
                        const runtime::KernelDescriptor &program) {
  std::string product;
  SmallVector<OpFoldResult> bounds = grid.getMixedUpperBound();
  for (OpFoldResult bound : bounds) {
    std::string text = ExpressionWriter(program).write(bound);
    if (text.empty())
      return grid.emitOpError(
          "expected bounds of constants, sizes of arguments (memref.dim) and "
          "tile.sm_count by +, *, /, min and max");
    // Omits factors of 1.
    if (text == "1" && bounds.size() > 1)
      continue;
    product += product.empty() ? "" : " * ";
    product += bounds.size() > 1 ? asFactor(text) : text;
  }
  runtime::Expression expression;
  runtime::Status status = runtime::Expression::parse(
      product.empty() ? "1" : product, program.sizeNames, expression);
  if (!status.ok())
    return grid.emitOpError() << status.message();
  return expression;
}
