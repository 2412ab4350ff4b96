//===- Tile.cpp - lowers operators to tile programs -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "LaunchInterface.h"
#include "mla/Support/Names.h"
#include "mla/Transforms/OperatorQueries.h"

namespace mla {
#define GEN_PASS_DEF_TILE
#include "mla/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

/// Checks that the operator has each tile size that its schedule names.
static LogicalResult checkTileSizes(OperatorInterface op) {
  ScheduleAttr schedule = op.getScheduleAttr();
  ArrayRef<StringRef> known = op.getOperator().tileSizes;
  for (NamedAttribute size : schedule.getTile() ? schedule.getTile().getValue()
                                                : ArrayRef<NamedAttribute>())
    if (!llvm::is_contained(known, size.getName()))
      return op->emitOpError()
             << "schedule " << schedule.getName() << ": unknown tile size '"
             << size.getName().strref() << "', expected "
             << listNames(size.getName(), known);
  return success();
}

namespace {
struct TilePass : mla::impl::TileBase<TilePass> {
  using TileBase::TileBase;

  void runOnProgram() override {
    SmallVector<OperatorInterface> ops;
    getOperation().walk([&](OperatorInterface op) { ops.push_back(op); });
    if (ops.size() > 1) {
      ops[1]->emitOpError(
          "expected one mla operator per function, got a second one");
      return signalPassFailure();
    }
    if (!ops.empty() && failed(tile(ops.front())))
      signalPassFailure();
  }

private:
  LogicalResult tile(OperatorInterface op) {
    func::FuncOp func = getOperation();
    ScheduleAttr schedule = op.getScheduleAttr();
    if (!schedule)
      return op->emitOpError("expected a schedule; run --mla-choose-schedule "
                             "first");
    // Checked even if the schedule does not use it. The negated form also
    // rejects NaN.
    if (!(threshold >= 0 && threshold <= tile::kMaxThreshold))
      return op->emitOpError()
             << "expected a threshold in [0, " << tile::kMaxThreshold
             << "], got " << threshold.getValue();
    if (failed(noteLaunchInterface(op, func)) || failed(checkCovered(op)) ||
        failed(checkTileSizes(op)))
      return failure();
    if (failed(op.buildTileProgram({schedule, threshold})))
      return failure();
    func->setAttr(kScheduleAttr, schedule);
    return success();
  }
};
} // namespace
