//===- Passes.h - the passes between the dialects ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TRANSFORMS_PASSES_H
#define MLA_TRANSFORMS_PASSES_H

#include "mla/Dialect/CTA/CTA.h"
#include "mla/Dialect/Levels/ProgramTarget.h"
#include "mla/Dialect/MLA/MLA.h"
#include "mla/Dialect/Tile/Tile.h"
#include "mla/Transforms/ProgramPass.h"
#include "mla/Tuning/Operator.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Pass/Pass.h"

namespace mla {
#define GEN_PASS_DECL
#include "mla/Transforms/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "mla/Transforms/Passes.h.inc"

/// A schedule that ships with `op`, by its name. Null and an error at `op` that
/// lists the names for an unknown one.
ScheduleAttr getNamedSchedule(OperatorInterface op, llvm::StringRef name);

/// The sizes of tiles that a schedule may set.
llvm::ArrayRef<llvm::StringRef> getTileSizeNames();

/// Fails with an error that names the size if no kernel can be made of `op`.
mlir::LogicalResult checkCovered(OperatorInterface op);

/// What --mla-choose-schedule goes by. Sizes that the operator leaves open are
/// those of `expected` (parseExpectedSizes()), otherwise typical ones. Fails
/// with an error at `op` for a text or name that is wrong.
ShapeClass getShapeClass(OperatorInterface op);
mlir::FailureOr<Problem> getExpectedProblem(OperatorInterface op,
                                            llvm::StringRef expected);

/// The operators that the context knows.
OperatorList getKnownOperators(mlir::MLIRContext *context);
} // namespace mla

#endif // MLA_TRANSFORMS_PASSES_H
