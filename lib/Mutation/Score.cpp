//===- Score.cpp - how many mutations are found, and by what ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Mutation/Score.h"
#include "mla/Transforms/Passes.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include <atomic>
#include <chrono>
#include <mutex>
#include <random>
#include <thread>

using namespace mlir;
using namespace mla;
using namespace mla::mutation;

namespace {
/// Keeps the first error of its context and prints none.
class ErrorCollector {
public:
  explicit ErrorCollector(MLIRContext *context)
      : handler(context, [this](Diagnostic &diagnostic) {
          if (first.empty() &&
              diagnostic.getSeverity() == DiagnosticSeverity::Error)
            first = diagnostic.str();
        }) {}

  std::string first;

private:
  ScopedDiagnosticHandler handler;
};

/// The context, program and mutations of one thread.
class Worker {
public:
  Worker(const DialectRegistry &registry, const ScoreOptions &options)
      : context(registry, MLIRContext::Threading::DISABLED), options(options) {
    context.printOpOnDiagnostic(false);
  }

  llvm::Error load(StringRef text) {
    ErrorCollector errors(&context);
    module = parseSourceString<ModuleOp>(text, &context);
    if (!module)
      return llvm::createStringError("cannot parse the program: " +
                                     errors.first);
    if (findKernels(*module).empty())
      return llvm::createStringError("expected a cta program with roles");
    mutations = enumerate(*module);
    return llvm::Error::success();
  }

  Result judge(const Mutation &mutation);

  std::vector<Mutation> mutations;

private:
  /// Returns the error of --mla-verify-async; "" if it accepts the program.
  std::string verify(ModuleOp damaged);
  /// Returns what is wrong when the program runs, or "".
  std::string simulate(ModuleOp damaged, func::FuncOp kernel);

  MLIRContext context;
  const ScoreOptions &options;
  OwningOpRef<ModuleOp> module;
};
} // namespace

std::string Worker::verify(ModuleOp damaged) {
  ErrorCollector errors(&context);
  PassManager pm(&context);
  pm.nest<func::FuncOp>().addPass(createVerifyAsync());
  return failed(pm.run(damaged)) ? errors.first : "";
}

std::string Worker::simulate(ModuleOp damaged, func::FuncOp kernel) {
  // The simulator runs verified kernels only.
  kernel->setAttr(cta::kVerifiedAttr, UnitAttr::get(&context));
  ErrorCollector errors(&context);
  std::string wrong = options.simulate(damaged);
  if (!wrong.empty() && !errors.first.empty())
    wrong += ": " + errors.first;
  return wrong;
}

Result Worker::judge(const Mutation &mutation) {
  auto start = std::chrono::steady_clock::now();
  Result result;
  result.id = mutation.id;
  result.kernel = mutation.kernel;
  result.kind = mutation.kind;
  OwningOpRef<ModuleOp> damaged = apply(*module, mutation);
  func::FuncOp kernel = findKernel(*damaged, mutation);
  bool isValid;
  {
    ErrorCollector errors(&context);
    isValid = succeeded(mlir::verify(*damaged));
    result.verifier = errors.first;
  }
  if (isValid) {
    result.verifier = verify(*damaged);
    if (options.simulate && !(options.quick && !result.verifier.empty()))
      result.simulator = simulate(*damaged, kernel);
  }
  // Some rules assume that the program has run to its end.
  if (!result.isFound() && options.simulate)
    result.equivalent =
        explainEquivalence(mutation, findKernel(*module, mutation), kernel);
  result.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
          .count();
  return result;
}

/// The indices of the mutations to try, ascending.
static std::vector<size_t> select(const std::vector<Mutation> &mutations,
                                  const ScoreOptions &options) {
  std::vector<size_t> chosen;
  for (auto [i, mutation] : llvm::enumerate(mutations))
    if ((options.kinds.empty() ||
         llvm::is_contained(options.kinds, mutation.kind)) &&
        StringRef(mutation.id).contains(options.filter))
      chosen.push_back(i);
  if (options.sample && options.sample < chosen.size()) {
    // Not std::shuffle, which differs between standard libraries.
    std::mt19937_64 random(options.seed);
    for (size_t i = 0; i < options.sample; ++i)
      std::swap(chosen[i], chosen[i + random() % (chosen.size() - i)]);
    chosen.resize(options.sample);
    llvm::sort(chosen);
  }
  return chosen;
}

llvm::Expected<std::vector<Result>>
mutation::score(StringRef text, const DialectRegistry &registry,
                const ScoreOptions &options) {
  unsigned threads =
      options.threads ? options.threads : std::thread::hardware_concurrency();
  std::vector<std::unique_ptr<Worker>> workers;
  for (unsigned i = 0; i < std::max(1u, threads); ++i) {
    workers.push_back(std::make_unique<Worker>(registry, options));
    if (llvm::Error error = workers.back()->load(text))
      return error;
  }
  std::vector<size_t> chosen = select(workers[0]->mutations, options);
  std::vector<Result> results(chosen.size());
  std::atomic<size_t> next = 0, done = 0;
  std::mutex lock;
  auto work = [&](Worker &worker) {
    for (size_t i; (i = next++) < chosen.size();) {
      results[i] = worker.judge(worker.mutations[chosen[i]]);
      std::lock_guard<std::mutex> guard(lock);
      ++done;
      if (options.progress)
        options.progress(results[i], done, chosen.size());
    }
  };
  std::vector<std::thread> running;
  running.reserve(workers.size());
  for (const std::unique_ptr<Worker> &worker : workers)
    running.emplace_back(work, std::ref(*worker));
  for (std::thread &thread : running)
    thread.join();
  return results;
}
