//===- MLA.h - the mla dialect ----------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_MLA_H
#define MLA_DIALECT_MLA_MLA_H

#include "mla/Tuning/Operator.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
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
/// Options of --mla-tile.
struct TilingOptions {
  ScheduleAttr schedule;
  /// Threshold of the lazy softmax (tile.online_softmax), in base 2.
  double threshold;

  /// KV rows per tile.
  int64_t getBlockKV() const {
    return schedule.getTileSize("block_kv").value_or(kUsualBlockKV);
  }
  /// Whether heads are the columns of MMAs, not the rows.
  bool isABSwapped() const { return schedule.asksFor("swap-ab"); }
  /// The threshold if the schedule has the lazy softmax.
  std::optional<float> getLazyThreshold() const {
    return schedule.asksFor("lazy-rescale")
               ? std::optional(static_cast<float>(threshold))
               : std::nullopt;
  }
};

/// The static value of the size `name` of the operator's table, or
/// ShapedType::kDynamic if no operand's type has one.
int64_t getSize(OperatorInterface op, llvm::StringRef name);

/// The name of the attribute with which a launch may omit the optional operand
/// `name`: "<name>_optional".
std::string getOptionalAttrName(llvm::StringRef name);

/// The names of passes that a schedule may list in `after`.
llvm::ArrayRef<llvm::StringRef> getRewriteNames();

/// Discardable attribute of a function: its target, a name in the table of
/// targets (a string).
inline constexpr llvm::StringLiteral kTargetAttr = "mla.target";
/// Discardable attribute of a function: its #mla.schedule.
inline constexpr llvm::StringLiteral kScheduleAttr = "mla.schedule";
/// Discardable attribute of a function: the rewrites of its schedule (an array
/// of strings) that have been applied.
inline constexpr llvm::StringLiteral kRewrittenAttr = "mla.rewritten";
/// Discardable attribute of a function: --mla-verify-schedule has accepted its
/// schedule. Later folding may remove labelled ops, so rows without an op are
/// no error after that.
inline constexpr llvm::StringLiteral kScheduleVerifiedAttr =
    "mla.schedule_verified";
/// Discardable attributes of a function argument: its name (a string) and the
/// names of its run-time sizes (an array of strings, "" for a static one; an
/// integer where each launch must pass exactly that size).
inline constexpr llvm::StringLiteral kArgNameAttr = "mla.name";
inline constexpr llvm::StringLiteral kArgDimsAttr = "mla.dims";
/// Discardable attribute of a scalar argument: a launch is refused unless the
/// value is above 0.
inline constexpr llvm::StringLiteral kArgPositiveAttr = "mla.positive";
/// Discardable attribute of a memref argument: a launch may omit it; its sizes
/// are then 0.
inline constexpr llvm::StringLiteral kArgOptionalAttr = "mla.optional";
/// Discardable attribute of a memref argument that the kernel writes: elements
/// may stay unwritten, such as rows of a packed batch that are no sequence's.
inline constexpr llvm::StringLiteral kArgPartlyWrittenAttr =
    "mla.partly_written";
/// Discardable attribute of a memref argument: copies of its tiles begin inside
/// it, so that nothing is copied if it is empty.
inline constexpr llvm::StringLiteral kArgCopiedInsideAttr = "mla.copied_inside";
/// Discardable attribute of a memref argument: it is a workspace that the
/// kernels of a program share, not an argument of the program. Its `mla.dims`
/// are expressions over the arguments' sizes (mla/Runtime/Expression.h).
inline constexpr llvm::StringLiteral kArgWorkspaceAttr = "mla.workspace";
/// Discardable attribute of a function, a kernel of a program: the phase in
/// which it runs, "plan" or "launch" (the default).
inline constexpr llvm::StringLiteral kPhaseAttr = "mla.phase";
/// Discardable attribute of a function, a kernel of a program: it is launched
/// with programmatic dependent launch.
inline constexpr llvm::StringLiteral kProgrammaticAttr = "mla.programmatic";
/// Discardable attributes of a function: the operator that it implements, and
/// the options that differ from their default (a dictionary of strings).
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
