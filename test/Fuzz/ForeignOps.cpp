//===- ForeignOps.cpp - ops where no pass expects them --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "ForeignOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace mla::fuzz;

LogicalResult ForeignOps::addFile(StringRef text) {
  SmallVector<StringRef> parts;
  text.split(parts, "// -----");
  for (StringRef part : parts) {
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(part, &context);
    if (!module)
      return failure();
    module->walk([&](Operation *op) {
      if (op != *module &&
          counts[op->getName().getStringRef()]++ < kMostOfAName)
        ops.push_back(op);
    });
    sources.push_back(std::move(module));
  }
  return success();
}

std::vector<Operation *> mla::fuzz::findPlaces(ModuleOp module) {
  std::vector<Operation *> places;
  module->walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (op != module)
      places.push_back(op);
  });
  return places;
}

namespace {
/// One insertion.
class Inserter {
public:
  Inserter(Operation *place, std::mt19937 &random)
      : builder(place), func(place->getParentOfType<func::FuncOp>()),
        random(random) {
    collectScope(place);
  }

  LogicalResult insert(Operation *foreign);

  /// Gives a result of the op inserted last to one of the ops behind it, so
  /// that it is not dead; does nothing where none takes its type.
  void useResult();

private:
  /// The values that an op before `place` may use.
  void collectScope(Operation *place);
  /// Maps `value` to one that is in scope.
  LogicalResult provide(Value value);
  LogicalResult callItself(func::CallOp call);

  OpBuilder builder;
  Operation *inserted = nullptr;
  func::FuncOp func;
  std::mt19937 &random;
  SmallVector<Value> scope;
  IRMapping mapping;
};
} // namespace

void Inserter::collectScope(Operation *place) {
  for (Operation *op = place; op && !isa<ModuleOp>(op);
       op = op->getParentOp()) {
    llvm::append_range(scope, op->getBlock()->getArguments());
    for (Operation &before : *op->getBlock()) {
      if (&before == op)
        break;
      llvm::append_range(scope, before.getResults());
    }
    if (op->getParentOp()->hasTrait<OpTrait::IsIsolatedFromAbove>())
      break;
  }
}

LogicalResult Inserter::provide(Value value) {
  if (mapping.contains(value))
    return success();
  SmallVector<Value> same;
  for (Value other : scope)
    if (other.getType() == value.getType())
      same.push_back(other);
  if (!same.empty()) {
    mapping.map(value, same[random() % same.size()]);
    return success();
  }
  Type type = value.getType();
  if (func && (isa<MemRefType>(type) || type.isIntOrIndexOrFloat())) {
    unsigned last = func.getNumArguments();
    if (failed(func.insertArgument(last, type, {}, func.getLoc())))
      return failure();
    mapping.map(value, func.getArgument(last));
    return success();
  }
  Operation *definition = value.getDefiningOp();
  return definition ? insert(definition) : failure();
}

/// A call of the function that it stands in, with its own arguments.
LogicalResult Inserter::callItself(func::CallOp call) {
  if (!func)
    return failure();
  inserted =
      func::CallOp::create(builder, call.getLoc(), func, func.getArguments());
  return success();
}

LogicalResult Inserter::insert(Operation *foreign) {
  if (auto call = dyn_cast<func::CallOp>(foreign))
    if (call.getCallee() == "self")
      return callItself(call);
  SetVector<Value> used(foreign->operand_begin(), foreign->operand_end());
  getUsedValuesDefinedAbove(foreign->getRegions(), used);
  for (Value value : used)
    if (failed(provide(value)))
      return failure();
  inserted = builder.clone(*foreign, mapping);
  return success();
}

void Inserter::useResult() {
  SmallVector<std::pair<OpOperand *, Value>> uses;
  for (Operation *op = inserted->getNextNode(); op; op = op->getNextNode())
    op->walk([&](Operation *user) {
      for (OpOperand &operand : user->getOpOperands())
        for (Value result : inserted->getResults())
          if (result.getType() == operand.get().getType())
            uses.emplace_back(&operand, result);
    });
  if (uses.empty())
    return;
  auto [operand, result] = uses[random() % uses.size()];
  operand->set(result);
}

LogicalResult mla::fuzz::insertForeignOp(Operation *foreign, Operation *place,
                                         std::mt19937 &random) {
  Inserter inserter(place, random);
  if (failed(inserter.insert(foreign)))
    return failure();
  if (random() % 2)
    inserter.useResult();
  return success();
}
