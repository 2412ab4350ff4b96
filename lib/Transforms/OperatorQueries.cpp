//===- OperatorQueries.cpp - shapes and schedules of operators --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Transforms/OperatorQueries.h"
#include "mla/Support/Names.h"
#include "mla/Transforms/ScheduleText.h"

using namespace mlir;
using namespace mla;

OperatorList mla::getKnownOperators(MLIRContext *context) {
  return context->getOrLoadDialect<MLADialect>()->getOperators();
}

ScheduleAttr mla::getNamedSchedule(OperatorInterface op, StringRef name) {
  const Operator &info = op.getOperator();
  if (const NamedSchedule *schedule = findSchedule(info, name))
    return parseSchedule(schedule->text, name, *op->getContext());
  op->emitError("unknown schedule '")
      << name << "', expected " << listSchedules(info, name);
  return {};
}

static bool hasOperand(OperatorInterface op, StringRef name) {
  const OperatorTable &table = op.getOperator().table;
  for (auto [info, operand] : llvm::zip(table.operands, op.getTableOperands()))
    if (StringRef(info.name) == name)
      return static_cast<bool>(operand);
  return false;
}

bool mla::usesSize(OperatorInterface op, std::string_view size) {
  const OperatorTable &table = op.getOperator().table;
  return llvm::any_of(llvm::zip(table.operands, op.getTableOperands()),
                      [&](auto pair) {
                        auto [info, operand] = pair;
                        return operand && llvm::is_contained(info.dims, size);
                      });
}

ShapeClass mla::getShapeClass(OperatorInterface op) {
  ShapeClass shape = getUsualShape(op.getOperator());
  for (auto &[name, value] : shape.sizes) {
    int64_t size = getSize(op, name);
    value = ShapedType::isDynamic(size) ? std::nullopt : std::optional(size);
  }
  const OperatorTable &table = op.getOperator().table;
  for (auto &[name, text] : shape.options) {
    const OptionInfo *option = findEntry(table.options, name);
    if (option->kind == OptionKind::Presence)
      text = hasOperand(op, name) ? kPresent : kAbsent;
    else if (auto value = op->getAttrOfType<StringAttr>(name))
      text = value.str();
  }
  return shape;
}

FailureOr<Problem> mla::getExpectedProblem(OperatorInterface op,
                                           StringRef expected) {
  llvm::Expected<ExpectedSizes> sizes = parseExpectedSizes(expected);
  if (!sizes)
    return op->emitError(llvm::toString(sizes.takeError()));
  Problem problem = getTypicalProblem(op.getOperator(), getShapeClass(op));
  for (const auto &[name, size] : *sizes) {
    auto known = problem.sizes.find(name);
    if (known == problem.sizes.end()) {
      SmallVector<StringRef> names;
      for (const auto &other : problem.sizes)
        names.push_back(other.first);
      return op->emitError("expected sizes: unknown size '")
             << name << "', expected " << listNames(name, names);
    }
    known->second = size;
  }
  for (auto &[name, value] : problem.sizes)
    if (int64_t size = getSize(op, name); !ShapedType::isDynamic(size))
      value = size;
  return problem;
}

LogicalResult mla::checkCovered(OperatorInterface op) {
  const Operator &info = op.getOperator();
  if (std::string fault = findFault(info, getShapeClass(op)); !fault.empty())
    return op->emitOpError(fault);
  for (const SizeInfo &known : info.table.sizes) {
    int64_t size = getSize(op, known.name);
    if (known.isFixed() && usesSize(op, known.name) && size != known.usual)
      return op->emitOpError()
             << "expected " << known.name << " = " << known.usual << ", got "
             << (ShapedType::isDynamic(size) ? std::string("a dynamic size")
                                             : std::to_string(size));
  }
  return success();
}
