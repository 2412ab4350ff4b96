//===- ForeignOps.h - ops where no pass expects them -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TEST_FUZZ_FOREIGNOPS_H
#define MLA_TEST_FUZZ_FOREIGNOPS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringMap.h"
#include <random>
#include <vector>

namespace mla::fuzz {

/// Ops to insert: each op of each function of the files added, a few of a name.
class ForeignOps {
public:
  explicit ForeignOps(mlir::MLIRContext &context) : context(context) {}

  /// Adds the ops of `text`, whose parts are divided by "// -----".
  mlir::LogicalResult addFile(llvm::StringRef text);

  size_t size() const { return ops.size(); }
  mlir::Operation *operator[](size_t i) const { return ops[i]; }

private:
  /// Enough for the forms of an op; more would crowd out the others.
  static constexpr unsigned kMostOfAName = 3;

  mlir::MLIRContext &context;
  std::vector<mlir::OwningOpRef<mlir::ModuleOp>> sources;
  llvm::StringMap<unsigned> counts;
  std::vector<mlir::Operation *> ops;
};

/// Every op of `module` but the module itself: an op may be inserted before it.
std::vector<mlir::Operation *> findPlaces(mlir::ModuleOp module);

/// Inserts a copy of `foreign` before `place`. An operand is a value of its
/// type that is in scope there, drawn by `random`; where there is none, a new
/// argument of the function, or a copy of the op that defines it in the file it
/// is from. A call of @self calls the function that it lands in. In every other
/// case an op behind it takes its result in place of an operand. Fails where an
/// operand cannot be had; whether the result verifies is for the caller to see.
mlir::LogicalResult insertForeignOp(mlir::Operation *foreign,
                                    mlir::Operation *place,
                                    std::mt19937 &random);

} // namespace mla::fuzz

#endif // MLA_TEST_FUZZ_FOREIGNOPS_H
