//===- Operators.cpp - operators as IR, without writing IR ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/JIT/Operators.h"
#include "mla/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;
using namespace mla;

/// A memref with run-time strides in all dimensions but the last.
static MemRefType getTensor(Builder &b, Type element,
                            ArrayRef<std::optional<int64_t>> sizes) {
  SmallVector<int64_t> shape, strides(sizes.size(), ShapedType::kDynamic);
  for (std::optional<int64_t> size : sizes)
    shape.push_back(size.value_or(ShapedType::kDynamic));
  strides.back() = 1;
  if (sizes.size() == 1)
    return MemRefType::get(shape, element);
  return MemRefType::get(shape, element,
                         StridedLayoutAttr::get(b.getContext(), 0, strides));
}

OwningOpRef<ModuleOp> mla::buildSparsePrefill(MLIRContext &context,
                                              const SparsePrefillShape &shape) {
  context.loadDialect<func::FuncDialect, memref::MemRefDialect, MLADialect>();
  ImplicitLocOpBuilder b(UnknownLoc::get(&context), &context);
  OwningOpRef<ModuleOp> module = ModuleOp::create(b.getLoc());
  b.setInsertionPointToEnd(module->getBody());
  Type element = shape.dtype == "f16" ? Type(b.getF16Type()) : b.getBF16Type();
  Type f32 = b.getF32Type(), i32 = b.getI32Type();
  SmallVector<Type> types{
      getTensor(b, element, {shape.numQueries, shape.heads, shape.dimQK}),
      getTensor(b, element, {shape.numRows, 1, shape.dimQK}),
      getTensor(b, i32, {shape.numQueries, 1, shape.topk}), f32};
  // One that may be left out has size 0 then: a run-time size.
  if (shape.topkLength)
    types.push_back(getTensor(
        b, i32, {shape.topkLengthOptional ? std::nullopt : shape.numQueries}));
  if (shape.attnSink)
    types.push_back(getTensor(
        b, f32,
        {shape.attnSinkOptional ? std::nullopt : std::optional(shape.heads)}));
  types.push_back(
      getTensor(b, element, {shape.numQueries, shape.heads, shape.dimV}));
  types.append(2, getTensor(b, f32, {shape.numQueries, shape.heads}));
  auto func =
      func::FuncOp::create(b, "sparse_prefill", b.getFunctionType(types, {}));
  Block *entry = func.addEntryBlock();
  b.setInsertionPointToEnd(entry);
  SmallVector<Value> args = llvm::to_vector_of<Value>(entry->getArguments());
  size_t next = 4;
  Value length = shape.topkLength ? args[next++] : Value();
  Value sink = shape.attnSink ? args[next++] : Value();
  auto op = SparsePrefillOp::create(
      b, args[0], args[1], args[2], args[3], length, sink, args[next],
      args[next + 1], args[next + 2], ScheduleAttr(), shape.topkLengthOptional,
      shape.attnSinkOptional, shape.lseBase, shape.emptyLse);
  func::ReturnOp::create(b);
  if (failed(verify(*module)) || failed(checkCovered(op)))
    return {};
  return module;
}
