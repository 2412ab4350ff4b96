//===- Mutate.cpp - the mutation score of program files ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Mutation/Mutate.h"
#include "Trials.h"
#include "mla/Conversion/LaunchDescriptor.h"
#include "mla/JIT/Compiler.h"
#include "mla/Pipelines/Parse.h"
#include "mla/Pipelines/Pipelines.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mla;
using namespace mla::mutation;

namespace {
/// A verified cta program as text, which each thread parses into a context of
/// its own, and its launch descriptor.
struct Compiled {
  std::string text;
  runtime::KernelDescriptor descriptor;
};
} // namespace

static llvm::Error makeError(const llvm::Twine &message) {
  return llvm::createStringError(message);
}

static llvm::Expected<Compiled>
compileProgram(const MutateProgram &program,
               const mlir::DialectRegistry &registry) {
  mlir::MLIRContext context(registry);
  auto module = parseProgramFile(program.file, context);
  if (!module)
    return makeError("cannot parse '" + program.file + "'");
  CompileOptions options;
  options.schedule = program.schedule;
  if (findKernels(*module).empty() && failed(lowerToCTA(*module, options)))
    return makeError(program.file + ": the passes failed");
  Compiled compiled;
  llvm::raw_string_ostream(compiled.text) << *module;
  mlir::FailureOr<runtime::KernelDescriptor> descriptor =
      describeLaunch(*module);
  if (failed(descriptor))
    return makeError(program.file + ": expected a kernel");
  compiled.descriptor = std::move(*descriptor);
  return compiled;
}

/// Sorts the results of a program by kernel.
static void addScores(const MutateProgram &program,
                      const runtime::KernelDescriptor &descriptor,
                      std::vector<Result> results,
                      std::vector<KernelScore> &scores) {
  bool several = descriptor.kernels.size() > 1;
  size_t first = scores.size();
  for (const runtime::EntryDescriptor &kernel : descriptor.kernels)
    scores.push_back(
        {several ? program.name + "/" + kernel.symbol : program.name, {}});
  for (Result &result : results)
    for (auto [i, kernel] : llvm::enumerate(descriptor.kernels))
      if (kernel.symbol == result.kernel) {
        scores[first + i].results.push_back(std::move(result));
        break;
      }
}

static llvm::Error scoreProgram(const MutateProgram &program,
                                const MutateOptions &options,
                                const mlir::DialectRegistry &registry,
                                std::vector<KernelScore> &scores) {
  llvm::Expected<Compiled> compiled = compileProgram(program, registry);
  if (!compiled)
    return compiled.takeError();
  ScoreOptions how = options.score;
  Trials trials(compiled->descriptor, options.seeds);
  if (options.simulate) {
    mlir::MLIRContext context(registry);
    auto module =
        mlir::parseSourceString<mlir::ModuleOp>(compiled->text, &context);
    if (llvm::Error error = trials.prepare(*module, program))
      return error;
    how.simulate = [&](mlir::ModuleOp damaged) { return trials.run(damaged); };
  }
  if (options.progress)
    how.progress = [&](const Result &result, size_t done, size_t total) {
      *options.progress << llvm::formatv("{0} {1}/{2} {3} {4:f2}s\n",
                                         program.name, done, total, result.id,
                                         result.seconds);
    };
  auto results = score(compiled->text, registry, how);
  if (!results)
    return results.takeError();
  addScores(program, compiled->descriptor, std::move(*results), scores);
  return llvm::Error::success();
}

llvm::Expected<std::vector<KernelScore>>
mutation::mutatePrograms(const MutateOptions &options) {
  mlir::DialectRegistry registry;
  registerDialects(registry);
  std::vector<KernelScore> scores;
  for (const MutateProgram &program : options.programs)
    if (llvm::Error error = scoreProgram(program, options, registry, scores))
      return error;
  return scores;
}

llvm::Error mutation::listMutations(const MutateOptions &options,
                                    llvm::raw_ostream &os) {
  mlir::DialectRegistry registry;
  registerDialects(registry);
  for (const MutateProgram &program : options.programs) {
    llvm::Expected<Compiled> compiled = compileProgram(program, registry);
    if (!compiled)
      return compiled.takeError();
    mlir::MLIRContext context(registry);
    auto module =
        mlir::parseSourceString<mlir::ModuleOp>(compiled->text, &context);
    for (const Mutation &mutation : enumerate(*module))
      os << mutation.id << "\n";
  }
  return llvm::Error::success();
}
