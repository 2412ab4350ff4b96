//===- InsertAsyncFences.cpp - fences generic writes ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "AsyncAnalysis.h"

namespace mla {
#define GEN_PASS_DEF_INSERTASYNCFENCES
#include "mla/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

namespace {
struct InsertAsyncFencesPass
    : mla::impl::InsertAsyncFencesBase<InsertAsyncFencesPass> {
  void runOnProgram() override {
    int64_t fences = 0;
    findUnfencedPublications(getOperation(), [&](Operation *op) {
      OpBuilder b(op);
      cta::FenceAsyncOp::create(b, op->getLoc());
      ++fences;
    });
    decided(getOperation().getLoc(), "fenced")
        << remark::metric("Fences", fences);
  }
};
} // namespace
