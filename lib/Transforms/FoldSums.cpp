//===- FoldSums.cpp - keeps row sums in the threads' columns ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "CarriedSums.h"
#include "ProgramState.h"

namespace mla {
#define GEN_PASS_DEF_FOLDSUMS
#include "mla/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

/// Columns after which an accumulator's layout repeats: a thread holds the same
/// ones of each block.
static constexpr int64_t kBlockColumns = 8;

/// The folded type of the tiles that `reduce` sums along their rows; null where
/// there is nothing to fold.
static RankedTensorType getFoldedType(tile::ReduceOp reduce) {
  auto type = cast<RankedTensorType>(reduce.getSource().getType());
  if (type.getRank() != 2 || reduce.getDim() != 1)
    return {};
  int64_t columns = type.getDimSize(1);
  if (columns <= kBlockColumns || columns % kBlockColumns)
    return {};
  return type.clone({type.getDimSize(0), kBlockColumns});
}

namespace {
struct FoldSumsPass : mla::impl::FoldSumsBase<FoldSumsPass> {
  void runOnProgram() override {
    func::FuncOp func = getOperation();
    if (!getScheduleWith(func, "fold-sums"))
      return;
    auto getTerm = [](ImplicitLocOpBuilder &b, Value tile,
                      RankedTensorType type) -> Value {
      return tile::FoldOp::create(b, type, tile);
    };
    FailureOr<int64_t> folded =
        reduceAfterLoops(func, "fold-sums", {getFoldedType, getTerm});
    if (failed(folded))
      return signalPassFailure();
    decided(func.getLoc(), "folded") << remark::metric("Sums", *folded);
  }
};
} // namespace
