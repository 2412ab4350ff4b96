//===- FakeTrace.h - a kernel and an invented run of it ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The library is tested without the simulator: it does not depend on correct
// times.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_UNIT_EXPLAIN_FAKETRACE_H
#define MLA_UNIT_EXPLAIN_FAKETRACE_H

#include "mla/Explain/Explain.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace mla::explain {

/// sparse_prefill, 128 heads, d 576/512, as a verified program, and its trace.
struct Subject {
  Subject(llvm::StringRef schedule = "shared-p", int64_t trips = 10);

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp func;
  sim::Trace trace;
};

/// Runs the roles one by one, each loop `trips` times, each branch as taken.
/// Each kind of op takes a fixed time; MMAs and copies run one after another in
/// their role's queue.
sim::Trace makeFakeTrace(mlir::func::FuncOp func, int64_t trips);

} // namespace mla::explain

#endif // MLA_UNIT_EXPLAIN_FAKETRACE_H
