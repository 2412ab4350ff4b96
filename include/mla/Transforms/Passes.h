//===- Passes.h - passes that lower mla to cta ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TRANSFORMS_PASSES_H
#define MLA_TRANSFORMS_PASSES_H

#include "mla/Dialect/CTA/CTA.h"
#include "mla/Dialect/Levels/ProgramTarget.h"
#include "mla/Dialect/MLA/MLA.h"
#include "mla/Dialect/Tile/Tile.h"
#include "mla/Transforms/ProgramPass.h"
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

/// MLIR's canonicalizer, without the patterns that remove an scf.forall with a
/// single iteration: it is the grid, whatever its size, and contains the roles.
std::unique_ptr<mlir::Pass> createGridCanonicalizer();
} // namespace mla

#endif // MLA_TRANSFORMS_PASSES_H
