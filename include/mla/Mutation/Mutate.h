//===- Mutate.h - the mutation score of program files -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_MUTATION_MUTATE_H
#define MLA_MUTATION_MUTATE_H

#include "mla/Harness/Inputs.h"
#include "mla/Mutation/Score.h"

namespace mla::mutation {

/// A program and the inputs to simulate it with.
struct MutateProgram {
  /// mla, tile or cta IR.
  std::string file;
  /// Its column in the table.
  std::string name;
  /// The schedule of an operator that carries none.
  std::string schedule = "auto";
  /// Run-time sizes, by case. At least one to simulate.
  std::vector<harness::Sizes> cases;
  harness::InputOptions inputs;
};

struct MutateOptions {
  std::vector<MutateProgram> programs;
  /// What to try. `simulate` and `progress` are set by mutatePrograms().
  ScoreOptions score;
  /// Whether to simulate what --mla-verify-async accepts.
  bool simulate = true;
  /// Random timings to simulate besides the earliest and the latest.
  unsigned seeds = 2;
  /// Receives a line for each mutation tried; null for none.
  llvm::raw_ostream *progress = nullptr;
};

/// Tries the mutations of all kernels of all programs. Each mutation damages
/// one kernel; the simulator then runs all kernels of the program and compares
/// the outputs with those of the undamaged program. Returns one score for each
/// kernel. Fails if a program cannot be compiled, or if the undamaged program
/// fails or, where its operator has a reference, is wrong.
llvm::Expected<std::vector<KernelScore>>
mutatePrograms(const MutateOptions &options);

/// Writes the identifiers of the mutations of all programs, one in a line.
llvm::Error listMutations(const MutateOptions &options, llvm::raw_ostream &os);

} // namespace mla::mutation

#endif // MLA_MUTATION_MUTATE_H
