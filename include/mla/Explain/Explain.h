//===- Explain.h - pictures of a kernel -------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_EXPLAIN_EXPLAIN_H
#define MLA_EXPLAIN_EXPLAIN_H

#include "mla/Explain/Timeline.h"
#include "mla/Explain/Work.h"
#include "llvm/Support/raw_ostream.h"

namespace mla::explain {

/// Writes `trace` in the Chrome trace-event format, as Perfetto opens it: a
/// process for each CTA, a thread for each track, one microsecond for each
/// cycle.
void writeChromeTrace(const sim::Trace &trace, llvm::raw_ostream &os);

/// All that a page shows.
struct Report {
  Kernel kernel;
  const sim::Trace *trace;
  Timeline timeline;
  Work work;
  GpuRates machine;
  /// Of the whole problem, and those that the traced run differs in.
  Sizes sizes, traceSizes;
  /// The file that the kernel came from.
  std::string source;
};

/// Fails with a diagnostic unless `func` is a verified CTA program, whose run
/// `trace` is.
mlir::FailureOr<Report> makeReport(mlir::func::FuncOp func,
                                   const sim::Trace &trace, const Sizes &sizes);

/// Writes one HTML page that needs nothing else; it is well-formed XML too.
/// Several kernels are compared in a table, then shown one after the other.
void writePage(llvm::ArrayRef<Report> reports, llvm::raw_ostream &os);

} // namespace mla::explain

#endif // MLA_EXPLAIN_EXPLAIN_H
