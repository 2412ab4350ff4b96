//===- Explain.h - pictures of a kernel -------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_EXPLAIN_EXPLAIN_H
#define MLA_EXPLAIN_EXPLAIN_H

#include "mla/Explain/Timeline.h"
#include "mla/Explain/Work.h"
#include "llvm/Support/raw_ostream.h"

namespace mla::explain {

/// Writes the traces of a program's kernels, in order, in the Chrome
/// trace-event format, which Perfetto opens. The kernels follow one another on
/// one timeline. Each CTA is a process, each track a thread, and each cycle a
/// microsecond.
void writeChromeTrace(llvm::ArrayRef<sim::Trace> traces, llvm::raw_ostream &os);

/// All that a page shows.
struct Report {
  Kernel kernel;
  const sim::Trace *trace;
  Timeline timeline;
  Work work;
  Machine machine;
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
