//===- Interpreter.cpp - executes tile programs on the CPU ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Interpreter/Interpreter.h"
#include "mla/Dialect/MLA/MLA.h"
#include "mla/Interpreter/Program.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mla;
using namespace mla::interp;

Argument Argument::integer(ElementType type, int64_t value) {
  Argument argument;
  argument.elementType = type;
  argument.value = roundTo(type, Lane::ofInt(value));
  return argument;
}

Argument Argument::floating(ElementType type, float value) {
  Argument argument;
  argument.elementType = type;
  argument.value = roundTo(type, Lane::ofFloat(value));
  return argument;
}

Argument Argument::array(ElementType type, void *data, ArrayRef<int64_t> shape,
                         ArrayRef<int64_t> strides) {
  Argument argument;
  argument.elementType = type;
  argument.isArray = true;
  argument.data = data;
  argument.shape.assign(shape.begin(), shape.end());
  argument.strides.assign(strides.begin(), strides.end());
  if (!strides.empty())
    return argument;
  argument.strides.resize(shape.size());
  int64_t stride = 1;
  for (size_t d = shape.size(); d--; stride *= shape[d])
    argument.strides[d] = stride;
  return argument;
}

//===----------------------------------------------------------------------===//
// Arguments against the function's signature
//===----------------------------------------------------------------------===//

namespace {
/// Checks argument `number`, naming it in errors.
struct ArgumentChecker {
  func::FuncOp function;
  unsigned number;
  const Argument &argument;

  LogicalResult check();

private:
  LogicalResult checkArray(MemRefType type);
  InFlightDiagnostic error();
};
} // namespace

InFlightDiagnostic ArgumentChecker::error() {
  InFlightDiagnostic diag = function.emitOpError();
  diag << "argument " << number;
  if (auto name = function.getArgAttrOfType<StringAttr>(number, kArgNameAttr))
    diag << " (" << name.getValue() << ")";
  diag << ": ";
  return diag;
}

LogicalResult ArgumentChecker::check() {
  Type type = function.getArgumentTypes()[number];
  if (isa<MemRefType>(type) != argument.isArray)
    return error() << "expected " << type << ", got "
                   << (argument.isArray ? "an array" : "a scalar");
  if (getElementType(getElementTypeOrSelf(type)) != argument.elementType)
    return error() << "expected element type " << getElementTypeOrSelf(type)
                   << ", got " << stringify(argument.elementType);
  return argument.isArray ? checkArray(cast<MemRefType>(type)) : success();
}

LogicalResult ArgumentChecker::checkArray(MemRefType type) {
  size_t rank = type.getRank();
  if (argument.shape.size() != rank || argument.strides.size() != rank)
    return error() << "expected rank " << rank << ", got "
                   << argument.shape.size() << " sizes and "
                   << argument.strides.size() << " strides";
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(type.getStridesAndOffset(strides, offset)))
    return error() << "expected a strided layout, got " << type;
  for (size_t d = 0; d < rank; ++d) {
    int64_t size = argument.shape[d];
    if (size < 0 || (!type.isDynamicDim(d) && type.getDimSize(d) != size))
      return error() << "expected " << type << ", got size " << size
                     << " in dimension " << d;
  }
  for (size_t d = 0; d < rank; ++d)
    // The stride of a dimension of size 1 is never used.
    if (argument.shape[d] > 1 && !ShapedType::isDynamic(strides[d]) &&
        strides[d] != argument.strides[d])
      return error() << "expected stride " << strides[d] << " in dimension "
                     << d << ", got " << argument.strides[d];
  if (!argument.data && !llvm::is_contained(argument.shape, 0))
    return error() << "expected an address, got null";
  return success();
}

LogicalResult mla::interp::checkArguments(func::FuncOp function,
                                          ArrayRef<Argument> arguments) {
  if (arguments.size() != function.getNumArguments())
    return function.emitOpError() << "expected " << function.getNumArguments()
                                  << " arguments, got " << arguments.size();
  for (auto [number, argument] : llvm::enumerate(arguments))
    if (failed(
            ArgumentChecker{function, static_cast<unsigned>(number), argument}
                .check()))
      return failure();
  return success();
}

LogicalResult mla::interp::interpret(func::FuncOp function,
                                     ArrayRef<Argument> arguments,
                                     const Options &options) {
  FailureOr<Program> program = translate(function);
  if (failed(program) || failed(checkArguments(function, arguments)))
    return failure();
  Run run;
  run.options = options;
  Frame frame(run, program->numSlots);
  frame.setArguments(program->body.arguments, arguments);
  if (succeeded(frame.execute(program->body)))
    return success();
  const Failure &failed = *frame.getFailure();
  return failed.op->emitOpError() << failed.message;
}
