//===- Simulator.cpp - runs CTA programs on the CPU -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Simulator/Simulator.h"
#include "GridRunner.h"
#include "Handlers.h"
#include "mla/Dialect/Levels/Levels.h"

using namespace mlir;
using namespace mla;
using namespace mla::sim;
using namespace mla::interp;

//===----------------------------------------------------------------------===//
// What a program may consist of
//===----------------------------------------------------------------------===//

static bool isOpaqueType(Type type) {
  return isa<cta::RingType, cta::BufferType, cta::InFlightType,
             cta::MBarrierType, cta::NamedBarrierType, cta::TensorMapType,
             cta::DescriptorType>(type);
}

/// The handler of ops whose regions the role or the simulator enters.
static LogicalResult runElsewhere(Frame &, const Instruction &) {
  return success();
}

static const Vocabulary &getVocabulary() {
  static const Vocabulary vocabulary = [] {
    Vocabulary cta = getTileVocabulary();
    cta.owner = "simulator";
    cta.isOpaque = isOpaqueType;
    for (StringRef terminator : {"cta.yield", "scf.condition"})
      cta.terminators.insert(terminator);
    for (StringRef op : {"cta.role", "cta.elect", "scf.while"})
      cta.handlers[op] = runElsewhere;
    addBarrierOps(cta.handlers);
    addBulkStoreOps(cta.handlers);
    addClusterOps(cta.handlers);
    addCopyOps(cta.handlers);
    addGlobalOps(cta.handlers);
    addMmaOps(cta.handlers);
    addSharedOps(cta.handlers);
    return cta;
  }();
  return vocabulary;
}

static FailureOr<scf::ForallOp> findGrid(func::FuncOp function) {
  if (function.isExternal())
    return function.emitOpError("expected a function with a body");
  if (!function->hasAttr(cta::kVerifiedAttr))
    return function.emitOpError("expected a verified cta program; run "
                                "--mla-cta-pipeline first");
  if (failed(verifyLevel(function)))
    return failure();
  auto grids = function.getOps<scf::ForallOp>();
  if (!llvm::hasSingleElement(grids))
    return function.emitOpError("expected one scf.forall");
  scf::ForallOp grid = *grids.begin();
  if (grid.getBody()->getOps<cta::RoleOp>().empty())
    return grid.emitOpError("expected roles; run --mla-schedule first");
  return grid;
}

//===----------------------------------------------------------------------===//
// Entry
//===----------------------------------------------------------------------===//

/// Outside the grid there is no role: the interpreter's handlers run its ops.
static Handler getHandlerOutside(const Instruction &in) {
  Handler handler =
      getTileVocabulary().handlers.lookup(in.op->getName().getStringRef());
  return handler ? handler : in.handler;
}

/// Executes the function's own block, then the grid.
static LogicalResult execute(const Plan &plan, Frame &frame) {
  for (const Instruction &in : plan.program->body.instructions) {
    if (&in == plan.grid) {
      if (failed(runGrid(plan, frame)))
        return failure();
    } else if (failed(getHandlerOutside(in)(frame, in))) {
      return failure();
    }
  }
  return success();
}

LogicalResult mla::sim::simulate(func::FuncOp function,
                                 ArrayRef<Argument> arguments,
                                 const Options &options) {
  FailureOr<scf::ForallOp> grid = findGrid(function);
  if (failed(grid))
    return failure();
  FailureOr<Program> program = translate(function, getVocabulary());
  if (failed(program) || failed(checkArguments(function, arguments)))
    return failure();
  Plan plan;
  plan.options = options;
  plan.arguments = arguments;
  if (failed(makePlan(plan, function, *grid, *program)))
    return failure();
  if (options.trace)
    options.trace->kernel = function.getSymName().str();
  Run run;
  run.options.sms = options.sms;
  Frame frame(run, program->numSlots);
  frame.setArguments(program->body.arguments, arguments);
  if (succeeded(execute(plan, frame)))
    return success();
  // An error of the grid itself has been reported where it was found.
  if (!frame.getFailure())
    return failure();
  const Failure &why = *frame.getFailure();
  InFlightDiagnostic diagnostic = why.op->emitOpError() << why.message;
  for (const auto &[op, text] : why.notes)
    diagnostic.attachNote(op->getLoc()) << text;
  return diagnostic;
}
