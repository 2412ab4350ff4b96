//===- Autotuner.h - the fastest schedule of an operator --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_AUTOTUNER_AUTOTUNER_H
#define MLA_AUTOTUNER_AUTOTUNER_H

#include "mla/Harness/Tool.h"
#include "mla/JIT/Compiler.h"
#include "mla/JIT/Operators.h"

namespace mla {

struct AutotuneOptions {
  /// The operator, or else a file with one operator that has no schedule.
  std::optional<OperatorSpec> spec;
  std::string file;
  /// How to compile. The schedule is set for each candidate, the GPU's name to
  /// that of the GPU that measures.
  CompileOptions compile;
  /// Candidates, as parseChoice() reads them: names of schedules or files. All
  /// schedules of the operator if empty.
  std::vector<std::string> schedules;
  /// The tuning table that receives the fastest schedule; empty for none.
  std::string table;
  /// Print the predictions of the cost model, and the schedule chosen by them
  /// or by the tuning table. Needs no GPU.
  bool dryRun = false;
  /// Cases, inputs, and how to time, as for `bench`. Sizes that a case lacks
  /// are the operator's typical ones.
  harness::ToolOptions bench;
};

/// Compiles an operator with each candidate schedule, checks the kernels
/// against the reference, and times them on the GPU in turns. Prints a table to
/// `out`, and to `notes` why candidates were skipped. Returns whether all
/// kernels that ran were right. Fails if nothing could be measured, or if the
/// tuning table cannot be read or written.
llvm::Expected<bool> autotune(const AutotuneOptions &options,
                              mlir::MLIRContext &context,
                              llvm::raw_ostream &out, llvm::raw_ostream &notes);

} // namespace mla

#endif // MLA_AUTOTUNER_AUTOTUNER_H
