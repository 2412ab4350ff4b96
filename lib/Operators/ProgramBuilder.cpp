//===- ProgramBuilder.cpp - operators of several kernels --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Operators/ProgramBuilder.h"

using namespace mlir;
using namespace mla;

Value mla::findArgument(func::FuncOp func, StringRef name) {
  for (BlockArgument arg : func.getArguments()) {
    auto known =
        func.getArgAttrOfType<StringAttr>(arg.getArgNumber(), kArgNameAttr);
    if (known && known == name)
      return arg;
  }
  return {};
}

LogicalResult
ProgramBuilder::checkNames(ArrayRef<llvm::StringLiteral> suffixes) {
  auto module = func->getParentOfType<ModuleOp>();
  for (StringRef suffix : suffixes)
    if (SymbolTable::lookupSymbolIn(module, (func.getSymName() + suffix).str()))
      return op->emitOpError()
             << "expected a module without a function '" << func.getSymName()
             << suffix << "', the name of a kernel of the program";
  return success();
}

LogicalResult ProgramBuilder::addWorkspace(StringRef name, MemRefType type,
                                           ArrayRef<std::string> dims) {
  Builder b(op->getContext());
  SmallVector<Attribute> names;
  for (const std::string &dim : dims)
    names.push_back(b.getStringAttr(dim));
  auto named = [&](StringRef attribute, Attribute value) {
    return b.getNamedAttr(attribute, value);
  };
  return func.insertArgument(
      func.getNumArguments(), type,
      b.getDictionaryAttr({named(kArgNameAttr, b.getStringAttr(name)),
                           named(kArgWorkspaceAttr, b.getUnitAttr()),
                           named(kArgDimsAttr, b.getArrayAttr(names))}),
      op->getLoc());
}

TileBuilder ProgramBuilder::createKernel(StringRef suffix,
                                         ScheduleAttr schedule, Place place) {
  OpBuilder builder(func);
  if (place == Place::afterOperator)
    builder.setInsertionPointAfter(func);
  auto kernel = func::FuncOp::create(builder, op->getLoc(),
                                     (func.getSymName() + suffix).str(),
                                     func.getFunctionType());
  kernel.setAllArgAttrs(func.getAllArgAttrs());
  for (StringRef name : {StringRef(kTargetAttr), StringRef(kOperatorAttr),
                         StringRef(kOptionsAttr), StringRef(kConstantsAttr)})
    if (Attribute value = func->getAttr(name))
      kernel->setAttr(name, value);
  kernel->setAttr(kScheduleAttr, schedule);
  builder.setInsertionPointToStart(kernel.addEntryBlock());
  auto end = func::ReturnOp::create(builder, op->getLoc());
  return TileBuilder(op->getLoc(), end);
}

func::FuncOp ProgramBuilder::getKernel(TileBuilder &b) {
  return cast<func::FuncOp>(b.getInsertionBlock()->getParentOp());
}

Value ProgramBuilder::getOperand(TileBuilder &b, Value operand) {
  if (auto arg = dyn_cast_or_null<BlockArgument>(operand))
    return getKernel(b).getArgument(arg.getArgNumber());
  if (!operand || operand.getParentBlock() == b.getInsertionBlock())
    return operand;
  return b.clone(*operand.getDefiningOp())->getResult(0);
}
