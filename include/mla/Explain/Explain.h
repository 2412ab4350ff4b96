//===- Explain.h - traces, data and pages about kernels ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_EXPLAIN_EXPLAIN_H
#define MLA_EXPLAIN_EXPLAIN_H

#include "mla/Explain/Timeline.h"
#include "mla/Explain/Work.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

namespace mla::explain {

/// Writes the traces of a program's kernels, in order, in the Chrome
/// trace-event format, which Perfetto opens. The kernels follow one another on
/// one timeline. Each CTA is a process, each track a thread, and each cycle a
/// microsecond.
void writeChromeTrace(llvm::ArrayRef<sim::Trace> traces, llvm::raw_ostream &os);

/// A kernel and a run of it.
struct Report {
  Kernel kernel;
  const sim::Trace *trace;
  Timeline timeline;
  Work work;
  GpuRates machine;
  /// Of the problem, and of the traced run, which may have a smaller grid.
  Sizes sizes, traceSizes;
};

/// Fails with a diagnostic unless `func` is a verified CTA program, of which
/// `trace` has to be a run.
mlir::FailureOr<Report> makeReport(mlir::func::FuncOp func,
                                   const sim::Trace &trace, const Sizes &sizes);

/// Kernels in the order in which they are launched.
struct Program {
  /// The file that the program came from.
  std::string source;
  std::vector<Report> kernels;
};

//===----------------------------------------------------------------------===//
// Data and pages
//
// The data are JSON in the format of docs/Explain.md. A page is the template in
// lib/Explain/page, filled with data: it needs no other file and no network.
//===----------------------------------------------------------------------===//

inline constexpr llvm::StringLiteral kDataFormat = "mla-explain";
inline constexpr int64_t kDataVersion = 1;

/// One element of "programs".
llvm::json::Object describeProgram(const Program &program);

/// The data of several programs, which the page compares.
llvm::json::Value makeData(llvm::json::Array programs);

/// Reads "programs" from data; `source` replaces the programs' own. Errors: not
/// JSON, another format or version, a field that is missing or of another kind.
llvm::Expected<llvm::json::Array> readPrograms(llvm::StringRef text,
                                               llvm::StringRef source);

void writeData(const llvm::json::Value &data, llvm::raw_ostream &os);
void writePage(const llvm::json::Value &data, llvm::raw_ostream &os);

} // namespace mla::explain

#endif // MLA_EXPLAIN_EXPLAIN_H
