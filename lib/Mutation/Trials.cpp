//===- Trials.cpp - runs damaged programs and compares ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Trials.h"
#include "mla/Executors/KernelSequence.h"
#include "mla/Harness/Check.h"

using namespace mla;
using namespace mla::mutation;

/// Far above what a program needs at the sizes of a case: it stops a loop that
/// never ends.
static constexpr uint64_t kStepLimit = 1'000'000;

static llvm::Error makeError(const llvm::Twine &message) {
  return llvm::createStringError(message);
}
static llvm::Error toError(const harness::Status &status) {
  return status.ok() ? llvm::Error::success() : makeError(status.message());
}

Trials::Trials(const runtime::KernelDescriptor &descriptor, unsigned seeds)
    : descriptor(descriptor),
      timings{{sim::Timing::Earliest}, {sim::Timing::Latest}} {
  for (unsigned seed = 0; seed < seeds; ++seed)
    timings.push_back({sim::Timing::Random, seed});
  for (sim::Options &timing : timings)
    timing.stepLimit = kStepLimit;
}

/// Runs the kernels in order. What the simulator says goes to the context.
harness::Status Trials::simulate(mlir::ModuleOp module,
                                 std::vector<harness::HostArgument> &arguments,
                                 const sim::Options &options) const {
  KernelSequence sequence;
  MLA_RETURN_IF_ERROR(
      sequence.create(module, descriptor, arguments, options.sms));
  for (const KernelSequence::Step &step : sequence.steps())
    if (failed(sim::simulate(step.kernel, step.arguments, options)))
      return runtime::invalidArgument("the simulator stopped");
  return sequence.checkWritten();
}

llvm::Error Trials::prepareCase(mlir::ModuleOp undamaged, harness::Sizes sizes,
                                const harness::InputOptions &inputs) {
  Case &added = cases.emplace_back();
  if (llvm::Error error = toError(
          harness::makeArguments(descriptor, sizes, inputs, added.inputs)))
    return error;
  added.outputs = added.inputs;
  if (harness::Status status =
          simulate(undamaged, added.outputs, timings.front());
      !status.ok())
    return makeError("the undamaged program fails: " + status.message());
  harness::Reference reference = harness::findReference(descriptor);
  if (!reference)
    return llvm::Error::success();
  std::vector<harness::ExpectedOutput> expected;
  if (llvm::Error error = toError(reference(added.inputs, expected)))
    return error;
  for (const harness::ExpectedOutput &output : expected) {
    harness::CheckResult check = harness::checkOutput(
        harness::findArgument(added.outputs, output.name)->tensor, output);
    if (!check.pass)
      return makeError("the undamaged program is wrong: " + output.name + ": " +
                       check.message);
  }
  return llvm::Error::success();
}

llvm::Error Trials::prepare(mlir::ModuleOp undamaged,
                            const MutateProgram &program) {
  if (program.cases.empty())
    return makeError(program.file + ": expected --sizes");
  for (const harness::Sizes &sizes : program.cases)
    if (llvm::Error error = prepareCase(undamaged, sizes, program.inputs))
      return makeError(program.file + ": " + llvm::toString(std::move(error)));
  if (std::string wrong = run(undamaged); !wrong.empty())
    return makeError(program.file + ": the undamaged program: " + wrong);
  return llvm::Error::success();
}

std::string Trials::run(mlir::ModuleOp module) const {
  static constexpr const char *kTimings[] = {"random", "earliest", "latest"};
  for (const Case &one : cases)
    for (const sim::Options &options : timings) {
      std::vector<harness::HostArgument> arguments = one.inputs;
      std::string timing = kTimings[static_cast<int>(options.timing)];
      if (!simulate(module, arguments, options).ok())
        return "simulator, " + timing;
      for (auto [got, want] : llvm::zip(arguments, one.outputs))
        if (got.tensor.storage != want.tensor.storage)
          return "values of '" + got.name + "', " + timing;
    }
  return "";
}
