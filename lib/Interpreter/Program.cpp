//===- Program.cpp - functions translated for execution ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Interpreter/Program.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/DenseMap.h"

using namespace mlir;
using namespace mla::interp;

DenseTile::DenseTile(RankedTensorType tensor)
    : type(*getElementType(tensor.getElementType())), shape(tensor.getShape()) {
  if (isFloat(type))
    floats.resize(tensor.getNumElements());
  else
    ints.resize(tensor.getNumElements());
}

TilePtr mla::interp::makeResult(const Instruction &in, unsigned n) {
  return std::make_shared<DenseTile>(
      cast<RankedTensorType>(in.op->getResult(n).getType()));
}

//===----------------------------------------------------------------------===//
// Elementwise ops and constants
//===----------------------------------------------------------------------===//

static LogicalResult runElementwise(Frame &frame, const Instruction &in) {
  SmallVector<const Datum *, 3> operands;
  for (Slot slot : in.operands)
    operands.push_back(&frame.get(slot));
  const char *error = nullptr;
  SmallVector<Lane, 3> lanes(operands.size());
  // A scalar among tensors (the condition of a select) applies to all elements.
  auto evaluate = [&](int64_t n) {
    for (auto [lane, operand] : llvm::zip_equal(lanes, operands))
      lane = operand->tile ? operand->tile->get(n) : operand->scalar;
    return (*in.elementwise)(lanes.data(), error);
  };
  if (!isa<RankedTensorType>(in.op->getResult(0).getType())) {
    frame.set(in.results[0], evaluate(0));
  } else {
    TilePtr result = makeResult(in);
    for (int64_t n = 0, size = result->size(); n < size; ++n)
      result->set(n, evaluate(n));
    frame.set(in.results[0], std::move(result));
  }
  return error ? frame.fail(in, error) : success();
}

static LogicalResult runConstant(Frame &frame, const Instruction &in) {
  frame.set(in.results, in.constant);
  return success();
}

static Datum makeConstant(arith::ConstantOp op) {
  Datum datum;
  auto elements = dyn_cast<DenseElementsAttr>(op.getValue());
  if (!elements) {
    datum.scalar = fromAttribute(op.getValue());
    return datum;
  }
  auto tile = std::make_shared<DenseTile>(cast<RankedTensorType>(op.getType()));
  for (auto [n, value] : llvm::enumerate(elements.getValues<Attribute>()))
    tile->set(n, fromAttribute(value));
  datum.tile = std::move(tile);
  return datum;
}

//===----------------------------------------------------------------------===//
// Translation
//===----------------------------------------------------------------------===//

const Vocabulary &mla::interp::getTileVocabulary() {
  static const Vocabulary vocabulary = [] {
    Vocabulary tile;
    tile.owner = "interpreter";
    addControlOps(tile.handlers);
    addMemoryOps(tile.handlers);
    addTileOps(tile.handlers);
    tile.handlers["arith.constant"] = runConstant;
    return tile;
  }();
  return vocabulary;
}

namespace {
/// Translates a function in one walk and assigns slots.
class Translator {
public:
  Translator(func::FuncOp function, const Vocabulary &vocabulary)
      : function(function), vocabulary(vocabulary) {}

  FailureOr<Program> translate() {
    Program program;
    if (failed(translateRegion(function, function.getBody(), program.body)))
      return failure();
    program.numSlots = slots.size();
    return program;
  }

private:
  LogicalResult translateRegion(Operation *op, Region &region, Code &code);
  LogicalResult translateTerminator(Operation *op, Code &code);
  LogicalResult translateOp(Operation *op, Instruction &instruction);
  /// Assigns a slot to `value`, which `op` defines.
  FailureOr<Slot> define(Operation *op, Value value);

  SmallVector<Slot, 4> lookup(OperandRange operands) const {
    return llvm::map_to_vector<4>(operands,
                                  [&](Value v) { return slots.at(v); });
  }

  func::FuncOp function;
  const Vocabulary &vocabulary;
  llvm::DenseMap<Value, Slot> slots;
};
} // namespace

FailureOr<Slot> Translator::define(Operation *op, Value value) {
  Type type = value.getType();
  auto shaped = dyn_cast<ShapedType>(type);
  bool known = !shaped || isa<MemRefType>(type) ||
               (isa<RankedTensorType>(type) && shaped.hasStaticShape());
  bool opaque = vocabulary.isOpaque && vocabulary.isOpaque(type);
  if (!opaque && (!known || !getElementType(getElementTypeOrSelf(type))))
    return op->emitOpError() << "has a value of type " << type << ", which the "
                             << vocabulary.owner << " does not support";
  return slots.try_emplace(value, slots.size()).first->second;
}

LogicalResult Translator::translateRegion(Operation *op, Region &region,
                                          Code &code) {
  if (region.empty())
    return success();
  if (!region.hasOneBlock())
    return op->emitOpError("expected regions of one block");
  Block &block = region.front();
  for (BlockArgument argument : block.getArguments()) {
    FailureOr<Slot> slot = define(op, argument);
    if (failed(slot))
      return failure();
    code.arguments.push_back(*slot);
  }
  Operation *terminator =
      block.mightHaveTerminator() ? block.getTerminator() : nullptr;
  for (Operation &nested : block)
    if (&nested != terminator &&
        failed(translateOp(&nested, code.instructions.emplace_back())))
      return failure();
  return terminator ? translateTerminator(terminator, code) : success();
}

LogicalResult Translator::translateTerminator(Operation *op, Code &code) {
  if (auto parallel = dyn_cast<scf::InParallelOp>(op)) {
    if (!parallel.getRegion().front().empty())
      return op->emitOpError() << "with shared outputs is not supported by the "
                               << vocabulary.owner;
  } else if (!isa<func::ReturnOp, scf::YieldOp>(op) &&
             !vocabulary.terminators.contains(op->getName().getStringRef())) {
    return op->emitOpError() << "is not supported by the " << vocabulary.owner;
  }
  code.terminator = op;
  code.yields = lookup(op->getOperands());
  return success();
}

LogicalResult Translator::translateOp(Operation *op, Instruction &in) {
  in.op = op;
  in.operands = lookup(op->getOperands());
  for (Value result : op->getResults()) {
    FailureOr<Slot> slot = define(op, result);
    if (failed(slot))
      return failure();
    in.results.push_back(*slot);
  }
  in.handler = vocabulary.handlers.lookup(op->getName().getStringRef());
  if (!in.handler) {
    in.elementwise = Elementwise::lookup(op);
    if (!in.elementwise)
      return op->emitOpError()
             << "is not supported by the " << vocabulary.owner;
    in.handler = runElementwise;
  }
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    if (!isa<IntegerAttr, FloatAttr, DenseElementsAttr>(constant.getValue()))
      return op->emitOpError() << "has a value of a kind that the "
                               << vocabulary.owner << " does not support";
    in.constant = makeConstant(constant);
  }
  for (Region &region : op->getRegions())
    if (failed(translateRegion(op, region, in.bodies.emplace_back())))
      return failure();
  return success();
}

FailureOr<Program> mla::interp::translate(func::FuncOp function,
                                          const Vocabulary &vocabulary) {
  if (function.isExternal())
    return function.emitOpError("expected a function with a body");
  if (function.getNumResults())
    return function.emitOpError() << "expected a function without results, got "
                                  << function.getNumResults();
  return Translator(function, vocabulary).translate();
}

//===----------------------------------------------------------------------===//
// Frame
//===----------------------------------------------------------------------===//

Frame Frame::makeWorker(const Frame &parent) {
  Frame copy = parent;
  copy.worker = true;
  return copy;
}

LogicalResult Frame::execute(const Code &code) {
  for (const Instruction &in : code.instructions)
    if (failed(takeStep(in.op)) || failed(in.handler(*this, in)))
      return failure();
  return code.terminator ? takeStep(code.terminator) : success();
}

LogicalResult Frame::takeStep(Operation *op) {
  uint64_t limit = run.options.stepLimit;
  if (!limit || run.steps.fetch_add(1, std::memory_order_relaxed) < limit)
    return success();
  error = Failure{op, ("step limit of " + Twine(limit) + " exceeded").str()};
  return failure();
}

LogicalResult Frame::fail(const Instruction &in, const Twine &message) {
  error = Failure{in.op, message.str()};
  return failure();
}

SmallVector<int64_t> Frame::getInts(ArrayRef<Slot> from) const {
  return llvm::map_to_vector(from, [&](Slot slot) { return getInt(slot); });
}

SmallVector<Datum> Frame::collect(ArrayRef<Slot> from) const {
  return llvm::map_to_vector(from, [&](Slot slot) { return slots[slot]; });
}

void Frame::set(ArrayRef<Slot> to, ArrayRef<Datum> values) {
  for (auto [slot, value] : llvm::zip_equal(to, values))
    slots[slot] = value;
}

void Frame::setArguments(ArrayRef<Slot> to, ArrayRef<Argument> arguments) {
  for (auto [slot, argument] : llvm::zip_equal(to, arguments)) {
    if (argument.isArray)
      set(slot, &argument);
    else
      set(slot, argument.value);
  }
}
