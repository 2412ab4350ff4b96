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
#include "mla/Tuning/Choice.h"
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

/// The schedules that ship with the project, by name. Null and an error at
/// `loc` that lists the names for an unknown one.
ScheduleAttr getNamedSchedule(llvm::StringRef name, mlir::Location loc);

/// The sizes of tiles that a schedule may set.
llvm::ArrayRef<llvm::StringRef> getTileSizeNames();

/// Fails with an error that names the size if no kernel can be made of `op`.
mlir::LogicalResult checkCovered(SparsePrefillOp op);

/// What --mla-choose-schedule goes by: of the sizes that are typically known at
/// run time only, s_kv decides; `expectSKV` if the operator leaves it open.
ShapeClass getShapeClass(SparsePrefillOp op);
Problem getExpectedProblem(SparsePrefillOp op, int64_t expectSKV);
} // namespace mla

#endif // MLA_TRANSFORMS_PASSES_H
