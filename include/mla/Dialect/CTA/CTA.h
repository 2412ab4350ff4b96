//===- CTA.h - the program of one CTA ---------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_CTA_CTA_H
#define MLA_DIALECT_CTA_CTA_H

#include "mla/Dialect/Tile/Tile.h"
#include "mla/Support/Target.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/TensorEncoding.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "mla/Dialect/CTA/CTADialect.h.inc"
#include "mla/Dialect/CTA/CTAEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "mla/Dialect/CTA/CTAAttrs.h.inc"
#define GET_TYPEDEF_CLASSES
#include "mla/Dialect/CTA/CTATypes.h.inc"
#define GET_OP_CLASSES
#include "mla/Dialect/CTA/CTAOps.h.inc"

namespace mla::cta {
/// Shared memory that a CTA can have on any target, in bytes: the limit of
/// types and ops. Passes ask the function's target (getTarget).
inline constexpr int64_t kMaxSharedBytes =
    getLargest(&TargetSpec::sharedBytesPerCTA);
/// Discardable attribute of a function: bytes of shared memory it uses.
inline constexpr llvm::StringLiteral kSharedBytesAttr = "cta.shared_bytes";
/// Discardable attribute of a function: CTAs of a cluster in each dimension of
/// the grid.
inline constexpr llvm::StringLiteral kClusterAttr = "cta.cluster";
/// Discardable attribute of a function that --mla-verify-async has passed.
inline constexpr llvm::StringLiteral kVerifiedAttr = "cta.verified";
/// Discardable attribute of a grid: its roles load the bounds of a loop over
/// work. In them, numbers of thread and CTA are read where they are used and do
/// not occupy registers across the inner loops.
inline constexpr llvm::StringLiteral kLoadedWorkAttr = "cta.loaded_work";
/// Discardable attributes of an op in a role's loop: its place in the software
/// pipeline. --mla-schedule sets them, --mla-pipeline uses them up.
inline constexpr llvm::StringLiteral kStageAttr = "cta.stage";
inline constexpr llvm::StringLiteral kOrderAttr = "cta.order";

/// Discardable attributes of a load in a role: how many threads stand side by
/// side along the tile's last dimension, and how many neighbouring elements
/// each takes. --mla-schedule sets them where the schedule says so,
/// --mla-assign-layouts uses them up.
inline constexpr llvm::StringLiteral kThreadsAttr = "cta.threads";
inline constexpr llvm::StringLiteral kVectorAttr = "cta.vector";

/// Whether `op` only names something: a ring, a tile, barriers.
bool isDeclaration(mlir::Operation *op);

/// The named layout of a fragment, or nothing for a plain tensor or a direct
/// layout.
std::optional<FragmentLayout> getLayout(mlir::Type type);

/// The direct layout of a fragment, or null.
DirectLayoutAttr getDirectLayout(mlir::Type type);

/// Whether `type` is a fragment with a layout of either kind.
bool hasLayout(mlir::Type type);

/// Whether several warps hold parts of what `reduce`, on a fragment with a
/// layout, combines.
bool crossesWarps(tile::ReduceOp reduce);

/// `type` with another layout.
mlir::RankedTensorType withLayout(mlir::RankedTensorType type,
                                  FragmentLayout layout);
mlir::RankedTensorType withLayout(mlir::RankedTensorType type,
                                  mlir::Attribute layout);
} // namespace mla::cta

#endif // MLA_DIALECT_CTA_CTA_H
