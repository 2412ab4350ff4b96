//===- Score.h - how many mutations are found, and by what ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_MUTATION_SCORE_H
#define MLA_MUTATION_SCORE_H

#include "mla/Mutation/Mutation.h"
#include "mlir/IR/DialectRegistry.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

namespace mla::mutation {

/// The verdict on one mutation.
struct Result {
  std::string id, kernel, kind;
  /// The error of the IR's verifiers or of --mla-verify-async; "" if both
  /// accept it.
  std::string verifier;
  /// The error of the simulator, or the output that differs; "" if nothing is
  /// wrong, or if nothing was simulated.
  std::string simulator;
  /// Why a mutation that both accept is equivalent; "" if no rule says so.
  std::string equivalent;
  double seconds = 0;

  bool isFound() const { return !verifier.empty() || !simulator.empty(); }
  bool survives() const { return !isFound() && equivalent.empty(); }
};

/// Runs all kernels of a program under every timing; returns what is wrong, or
/// "". Threads call it at once.
using Simulate = std::function<std::string(mlir::ModuleOp)>;

struct ScoreOptions {
  /// If null, nothing is simulated, and nothing counts as equivalent.
  Simulate simulate;
  /// Skip the simulation of what the verifier refuses.
  bool quick = false;
  /// The kinds to try; all if empty.
  std::vector<std::string> kinds;
  /// Only mutations whose identifier contains it.
  std::string filter;
  /// Tries this many mutations, drawn from `seed`; 0 for all.
  uint64_t sample = 0;
  uint64_t seed = 0;
  /// 0: one for each core.
  unsigned threads = 0;
  /// Called after each mutation, under a lock.
  std::function<void(const Result &result, size_t done, size_t total)> progress;
};

/// Tries the mutations of the program in `text` (a module). The results are in
/// the order of enumerate() for any number of threads.
llvm::Expected<std::vector<Result>> score(llvm::StringRef text,
                                          const mlir::DialectRegistry &registry,
                                          const ScoreOptions &options);

/// Returns the rule by which `mutation` changes nothing that can be observed,
/// in words, or "". `damaged` is the mutated kernel, which --mla-verify-async
/// accepts and which ran to its end.
std::string explainEquivalence(const Mutation &mutation,
                               mlir::func::FuncOp kernel,
                               mlir::func::FuncOp damaged);

/// The results for one kernel.
struct KernelScore {
  std::string name;
  std::vector<Result> results;
};

/// Markdown: kind x kernel, the reasons with their counts, and the survivors.
void printTable(llvm::raw_ostream &os, llvm::ArrayRef<KernelScore> kernels);
llvm::json::Value toJSON(llvm::ArrayRef<KernelScore> kernels);

} // namespace mla::mutation

#endif // MLA_MUTATION_SCORE_H
