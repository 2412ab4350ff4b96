//===- MLA.h - what attention to compute ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_MLA_H
#define MLA_DIALECT_MLA_MLA_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "mla/Dialect/MLA/MLADialect.h.inc"
#define GET_ATTRDEF_CLASSES
#include "mla/Dialect/MLA/MLAAttrs.h.inc"
#define GET_OP_CLASSES
#include "mla/Dialect/MLA/MLAOps.h.inc"

namespace mla {
/// What a schedule may ask for in `after`.
llvm::ArrayRef<llvm::StringRef> getRewriteNames();

/// Discardable attribute of a function: its #mla.schedule.
inline constexpr llvm::StringLiteral kScheduleAttr = "mla.schedule";
/// Discardable attribute of a function: the rewrites of its schedule (an array
/// of strings) that have been made.
inline constexpr llvm::StringLiteral kRewrittenAttr = "mla.rewritten";
/// Discardable attribute of a function: --mla-verify-schedule has accepted its
/// schedule. Ops that fold away later leave rows behind that are no mistake.
inline constexpr llvm::StringLiteral kScheduleVerifiedAttr =
    "mla.schedule_verified";
/// Discardable attributes of a function argument: its name (a string) and the
/// names of its run-time sizes (an array of strings, "" for a static one; an
/// integer where a launch has to give that very size).
inline constexpr llvm::StringLiteral kArgNameAttr = "mla.name";
inline constexpr llvm::StringLiteral kArgDimsAttr = "mla.dims";
/// Discardable attribute of a scalar argument: the kernel is right only for
/// values above 0, and a launch with another one is refused.
inline constexpr llvm::StringLiteral kArgPositiveAttr = "mla.positive";
/// Discardable attribute of a memref argument: a launch may leave it out, and
/// its sizes are 0 then.
inline constexpr llvm::StringLiteral kArgOptionalAttr = "mla.optional";
/// Discardable attribute of a memref argument: it is no argument of the program
/// but memory between its kernels. Its `mla.dims` are expressions over the
/// arguments' sizes (mla/Runtime/Expression.h).
inline constexpr llvm::StringLiteral kArgWorkspaceAttr = "mla.workspace";
/// Discardable attribute of a function, a kernel of a program: the phase in
/// which it runs, "plan" or "launch" (the default).
inline constexpr llvm::StringLiteral kPhaseAttr = "mla.phase";
/// Discardable attribute of a function, a kernel of a program: it is launched with
/// programmatic dependence.
inline constexpr llvm::StringLiteral kProgrammaticAttr = "mla.programmatic";
/// Discardable attributes of a function: the operator it was made from, and
/// those of its options that are not the default (a dictionary of strings).
inline constexpr llvm::StringLiteral kOperatorAttr = "mla.operator";
inline constexpr llvm::StringLiteral kOptionsAttr = "mla.options";
/// Discardable attribute of a function: the values of the operator's scalar
/// operands that are constants (a dictionary of floats by operand name).
inline constexpr llvm::StringLiteral kConstantsAttr = "mla.constants";
} // namespace mla

#endif // MLA_DIALECT_MLA_MLA_H
