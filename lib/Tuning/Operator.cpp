//===- Operator.cpp - an operator without its IR --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Tuning/Operator.h"
#include "mla/Support/Names.h"
#include "mla/Tuning/TuningTable.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mla;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

const Operator *mla::findOperator(OperatorList operators, StringRef name) {
  for (const Operator *op : operators)
    if (op->getName() == name)
      return op;
  return nullptr;
}

std::string mla::listOperators(OperatorList operators, StringRef name) {
  return listNames(name, llvm::map_to_vector(operators, [](const Operator *op) {
                     return op->getName();
                   }));
}

const NamedSchedule *mla::findSchedule(const Operator &op, StringRef name) {
  for (const NamedSchedule &schedule : op.schedules)
    if (schedule.name == name)
      return &schedule;
  return nullptr;
}

std::string mla::listSchedules(const Operator &op, StringRef name) {
  return listNames(name, llvm::map_to_vector(op.schedules,
                                             [](const NamedSchedule &schedule) {
                                               return StringRef(schedule.name);
                                             }));
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

ShapeClass mla::getUsualShape(const Operator &op) {
  ShapeClass shape;
  shape.op = op.getName().str();
  for (const SizeInfo &size : op.table.sizes)
    if (size.isTuned)
      shape.sizes.emplace_back(size.name, size.usual ? std::optional(size.usual)
                                                     : std::nullopt);
  for (const OptionInfo &option : op.table.options)
    if (option.isTuned)
      shape.options.emplace_back(option.name, option.values[0]);
  return shape;
}

Problem mla::getTypicalProblem(const Operator &op, const ShapeClass &shape) {
  Problem problem{shape, {}};
  for (const SizeInfo &size : op.table.sizes)
    problem.sizes.emplace(size.name, size.typical ? size.typical : size.usual);
  return problem;
}

std::string mla::findFault(const Operator &op, const ShapeClass &shape) {
  for (const auto &[name, value] : shape.sizes) {
    const SizeInfo *size = findEntry(op.table.sizes, name);
    if (!size || !value)
      continue;
    // Only a run-time size may be 0.
    int64_t least = std::max<int64_t>(1, size->least);
    if (*value < least || *value > size->most)
      return llvm::formatv("expected {0} <= {1} <= {2}, got {3}", least, name,
                           size->most, *value);
  }
  return op.findFault ? op.findFault(shape) : "";
}

//===----------------------------------------------------------------------===//
// Choice of a schedule
//===----------------------------------------------------------------------===//

Decision mla::decide(const Operator &op, const Problem &problem, const Gpu &gpu,
                     const TuningTable &table) {
  if (const TuningEntry *entry = table.find(problem.shape, gpu))
    return {entry->choice,
            "the tuning table, line " + std::to_string(entry->line)};
  if (op.choose)
    return {op.choose(problem), "the operator's rule"};
  const NamedSchedule *best = nullptr;
  double bestMs = 0;
  for (const NamedSchedule &schedule : op.schedules) {
    double ms = op.predict({schedule.name.str(), {}}, problem, GpuRates()).ms;
    if (!best || ms < bestMs) {
      best = &schedule;
      bestMs = ms;
    }
  }
  return {{best->name.str(), {}}, "the cost model"};
}
