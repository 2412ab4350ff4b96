//===- Report.h - the tables that tuning prints -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_AUTOTUNER_REPORT_H
#define MLA_LIB_AUTOTUNER_REPORT_H

#include "mla/Harness/Tune.h"
#include "mla/Tuning/Choice.h"
#include "mla/Tuning/CostModel.h"
#include "llvm/Support/raw_ostream.h"

namespace mla {

/// "s_kv=8192,s_q=4096".
std::string joinSizes(const harness::Sizes &sizes);

/// One case: a row for each candidate. Predictions are null for schedules from
/// files.
struct CaseReport {
  harness::Sizes sizes;
  llvm::ArrayRef<harness::Candidate> candidates;
  /// Both by candidate; `times` is empty if nothing was measured.
  std::vector<std::optional<Prediction>> predictions;
  std::vector<harness::CandidateTimes> times;
  /// Of the operator, whatever the schedule.
  double flops = 0;

  void print(llvm::raw_ostream &os) const;

private:
  std::string getColumns() const;
  std::string getRow(size_t candidate) const;
};

} // namespace mla

#endif // MLA_LIB_AUTOTUNER_REPORT_H
