//===- MLA.h - what attention to compute ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_MLA_H
#define MLA_DIALECT_MLA_MLA_H

#include "mla/Tuning/Operator.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace mla {
struct TilingOptions;
class OperatorInterface;

/// Checks operands and options against the operator's table.
mlir::LogicalResult verifyOperator(OperatorInterface op);
} // namespace mla

#include "mla/Dialect/MLA/MLADialect.h.inc"
#define GET_ATTRDEF_CLASSES
#include "mla/Dialect/MLA/MLAAttrs.h.inc"

#include "mla/Dialect/MLA/Operators.h.inc"

namespace mla {
/// How --mla-tile makes a tile program.
struct TilingOptions {
  ScheduleAttr schedule;
  /// How far weights may grow before a softmax that the schedule wants lazy
  /// rescales, in powers of two.
  double threshold;

  /// KV rows of a tile.
  int64_t getKeys() const {
    return schedule.getTileSize("keys").value_or(kUsualTileKeys);
  }
  /// Heads will be the columns of products.
  bool areOperandsSwapped() const { return schedule.asksFor("swap-operands"); }
  /// The threshold, if the softmax is lazy.
  std::optional<float> getLazyThreshold() const {
    return schedule.asksFor("lazy-rescale")
               ? std::optional(static_cast<float>(threshold))
               : std::nullopt;
  }
};

/// A size of the operator, by the name that the table has: that of the first
/// operand that fixes it, else dynamic.
int64_t getSize(OperatorInterface op, llvm::StringRef name);

/// The attribute by which a launch may leave out the optional operand `name`.
std::string getOptionalAttrName(llvm::StringRef name);

/// What a schedule may ask for in `after`.
llvm::ArrayRef<llvm::StringRef> getRewriteNames();

/// Discardable attribute of a function: the target it is compiled for, a name
/// in the table of targets (a string).
inline constexpr llvm::StringLiteral kTargetAttr = "mla.target";
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
/// Discardable attribute of a function, a kernel of a program: it is launched
/// with programmatic dependence.
inline constexpr llvm::StringLiteral kProgrammaticAttr = "mla.programmatic";
/// Discardable attributes of a function: the operator it was made from, and
/// those of its options that are not the default (a dictionary of strings).
inline constexpr llvm::StringLiteral kOperatorAttr = "mla.operator";
inline constexpr llvm::StringLiteral kOptionsAttr = "mla.options";
/// Discardable attribute of a function: the values of the operator's scalar
/// operands that are constants (a dictionary of floats by operand name).
inline constexpr llvm::StringLiteral kConstantsAttr = "mla.constants";
/// Discardable attribute of a function: the run-time sizes that the kernel does
/// not cover in full, by name (a dictionary of array<i64: SMALLEST, LARGEST>).
/// A launch with another value is refused.
inline constexpr llvm::StringLiteral kSizeLimitsAttr = "mla.size_limits";
} // namespace mla

#endif // MLA_DIALECT_MLA_MLA_H
