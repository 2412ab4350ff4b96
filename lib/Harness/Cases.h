//===- Cases.h - one set of sizes, run or timed -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_HARNESS_CASES_H
#define MLA_LIB_HARNESS_CASES_H

#include "Report.h"
#include "mla/Harness/Gpu.h"
#include "mla/Harness/Tool.h"

namespace mla::harness {

/// Makes the arguments of `subject`, within its memory limit.
Status makeCaseArguments(const Subject &subject, InputOptions inputs,
                         Sizes &sizes, std::vector<HostArgument> &out);

/// Runs `subject` once and, if the options say so, checks it.
Status runCase(const Subject &subject, const Executor &executor,
               const ToolOptions &options, const Sizes &sizes,
               RunReport &report);

/// Reads the files of --expect into expected values of the outputs.
Status readExpected(const ToolOptions &options,
                    const std::vector<HostArgument> &arguments,
                    std::vector<ExpectedOutput> &expected);

/// Times the subjects in turns; appends for each a report of each mode, in the
/// order of options.modes.
Status benchCase(const GpuContext &context,
                 const std::vector<Subject> &subjects,
                 const ToolOptions &options, const Sizes &sizes,
                 std::vector<BenchReport> &reports);

} // namespace mla::harness

#endif // MLA_LIB_HARNESS_CASES_H
