//===- KernelRunner.cpp - runs kernels that a builder makes -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "KernelRunner.h"
#include "mla/Operators/Operators.h"
#include "mla/Pipelines/Pipelines.h"
#include "mla/Simulator/Simulator.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"

using namespace mlir;
using namespace mla;

KernelRunner::KernelRunner(
    function_ref<SmallVector<Type>(Builder &)> types,
    function_ref<LogicalResult(TileBuilder &, ValueRange)> build,
    function_ref<ScheduleAttr(MLIRContext &)> getSchedule)
    : handler(&context, [this](Diagnostic &diagnostic) {
        errors += diagnostic.str() + "\n";
        return success();
      }) {
  context.printOpOnDiagnostic(false);
  DialectRegistry registry;
  registerDialects(registry);
  context.appendDialectRegistry(registry);
  context.loadAllAvailableDialects();
  Location loc = UnknownLoc::get(&context);
  Builder attributes(&context);
  tile = ModuleOp::create(loc);
  TileBuilder b(loc, tile->getBodyRegion());
  auto func = func::FuncOp::create(
      b, "kernel", b.getFunctionType(types(attributes), TypeRange()));
  func->setAttr(kScheduleAttr, getSchedule(context));
  b.setInsertionPointToStart(func.addEntryBlock());
  auto end = func::ReturnOp::create(b);
  b.setInsertionPoint(end);
  if (failed(build(b, func.getArguments())) || failed(verify(*tile))) {
    tile = {};
    return;
  }
  cta = tile->clone();
  PassManager pm(&context);
  buildCTAPipeline(pm, KernelPipelineOptions());
  if (failed(pm.run(*cta)))
    cta = {};
}

static func::FuncOp getKernel(ModuleOp module) {
  return *module.getOps<func::FuncOp>().begin();
}

bool KernelRunner::interpret(ArrayRef<interp::Argument> arguments) {
  return tile && succeeded(interp::interpret(getKernel(*tile), arguments));
}

bool KernelRunner::simulate(ArrayRef<interp::Argument> arguments,
                            uint64_t seed) {
  sim::Options options;
  options.seed = seed;
  return cta && succeeded(sim::simulate(getKernel(*cta), arguments, options));
}
