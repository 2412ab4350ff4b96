//===- Trials.h - runs damaged programs and compares ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_MUTATION_TRIALS_H
#define MLA_LIB_MUTATION_TRIALS_H

#include "mla/Harness/HostTensor.h"
#include "mla/Mutation/Mutate.h"
#include "mla/Simulator/Simulator.h"

namespace mla::mutation {

/// Simulates programs on the cases, under every timing, and compares their
/// outputs with those of the undamaged program.
class Trials {
public:
  /// `descriptor` is that of the program and has to outlive the trials.
  Trials(const runtime::KernelDescriptor &descriptor, unsigned seeds);

  /// Runs the undamaged program under every timing, and checks it against the
  /// reference of its operator, if there is one.
  llvm::Error prepare(mlir::ModuleOp undamaged, const MutateProgram &program);

  /// Returns what is wrong with the program, or "". Threads may call it at
  /// once.
  std::string run(mlir::ModuleOp module) const;

private:
  struct Case {
    std::vector<harness::HostArgument> inputs;
    /// The inputs after a run of the undamaged program.
    std::vector<harness::HostArgument> outputs;
  };

  llvm::Error prepareCase(mlir::ModuleOp undamaged, harness::Sizes sizes,
                          const harness::InputOptions &inputs);
  harness::Status simulate(mlir::ModuleOp module,
                           std::vector<harness::HostArgument> &arguments,
                           const sim::Options &options) const;

  const runtime::KernelDescriptor &descriptor;
  std::vector<sim::Options> timings;
  std::vector<Case> cases;
};

} // namespace mla::mutation

#endif // MLA_LIB_MUTATION_TRIALS_H
