//===- SplitTail.cpp - splits off columns that V does not use ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "ProgramState.h"
#include "TileRewrites.h"
#include "mla/Support/Names.h"

namespace mla {
#define GEN_PASS_DEF_SPLITTAIL
#include "mla/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

static RankedTensorType getTile(Value v) {
  return cast<RankedTensorType>(v.getType());
}

/// The number of columns, from column 0, that are read as V; nothing if the
/// tile has a use that cannot be split.
static std::optional<int64_t> getValueColumns(Operation *gather) {
  int64_t columns = 0;
  for (Operation *user : gather->getUsers()) {
    if (auto view = dyn_cast<tile::ViewOp>(user)) {
      if (llvm::any_of(view.getOffsets(), [](int64_t at) { return at; }))
        return std::nullopt;
      columns = std::max(columns, getTile(view.getResult()).getDimSize(1));
      continue;
    }
    auto dot = dyn_cast<tile::DotOp>(user);
    if (!dot || dot.getA() == gather->getResult(0))
      return std::nullopt;
    if (!dot.getTransposeB()) // All columns are read as V.
      columns = getTile(gather->getResult(0)).getDimSize(1);
  }
  return columns;
}

/// Whether the schedule has a row for the tail of the tile.
static bool hasTailRow(ScheduleAttr schedule, Operation *gather) {
  std::string tail = (tile::getLabel(gather) + ".t").str();
  PlaceAttr row = schedule.lookup(tail);
  return row && row.getLabel() == tail;
}

namespace {
/// Splits a gathered tile at column `at`.
class TailSplitter {
public:
  TailSplitter(Operation *gather, int64_t at)
      : gather(gather), at(at), b(gather->getLoc(), gather) {}

  void run() {
    int64_t columns = getTile(gather->getResult(0)).getDimSize(1);
    // The slot of the tail is released first, so it is refilled first.
    Value tail = gatherPart(at, columns - at, ".t");
    Value head = gatherPart(0, at, "");
    for (Operation *user : llvm::make_early_inc_range(gather->getUsers())) {
      if (auto dot = dyn_cast<tile::DotOp>(user))
        splitScores(dot, head, tail);
      else
        cast<tile::ViewOp>(user).getSourceMutable().assign(head);
    }
    eraseGathered(gather);
  }

private:
  void label(Operation *from, Operation *to, StringRef suffix) {
    to->setAttr(tile::kLabelAttr,
                b.getStringAttr(tile::getLabel(from) + suffix));
  }

  Value gatherPart(int64_t first, int64_t count, StringRef suffix) {
    Operation *part = gatherColumns(b, gather, first, count);
    label(gather, part, suffix);
    return part->getResult(0);
  }

  /// Computes the scores from the tail, then adds those from the other columns.
  void splitScores(tile::DotOp dot, Value head, Value tail) {
    b.setInsertionPoint(dot);
    auto multiply = [&](Value keys, int64_t first, Value acc,
                        StringRef suffix) {
      tile::DotOp part = multiplyColumns(b, dot, keys, first, acc);
      label(dot, part, suffix);
      return part.getResult();
    };
    Value sum = multiply(tail, at, dot.getAcc(), ".t");
    dot.replaceAllUsesWith(multiply(head, 0, sum, ""));
    dot.erase();
  }

  Operation *gather;
  int64_t at;
  ImplicitLocOpBuilder b;
};

struct SplitTailPass : mla::impl::SplitTailBase<SplitTailPass> {
  void runOnProgram() override {
    func::FuncOp func = getOperation();
    ScheduleAttr schedule = getScheduleWith(func, "split-tail");
    if (!schedule)
      return;
    SmallVector<Operation *> whole;
    SmallVector<StringRef> labels;
    func.walk([&](Operation *gather) {
      if (!isGatheredMatrix(gather))
        return;
      labels.push_back(tile::getLabel(gather));
      if (hasTailRow(schedule, gather))
        whole.push_back(gather);
    });
    if (whole.empty()) {
      InFlightDiagnostic diag = emitRewriteError(func, schedule, "split-tail");
      if (labels.empty())
        diag << "expected a gathered tile, got none";
      else
        diag << "expected a row 'L.t' of a gathered tile L ("
             << listNames("", labels) << "), got none";
      return signalPassFailure();
    }
    for (Operation *gather : whole)
      if (failed(split(gather)))
        return signalPassFailure();
    setRewritten(func, "split-tail");
  }

  /// A tile whose columns V uses entirely has no tail and is unchanged.
  LogicalResult split(Operation *gather) {
    std::optional<int64_t> columns = getValueColumns(gather);
    if (!columns || !*columns)
      return gather->emitOpError(
          "expected a tile that tile.dot reads as K, and from "
          "column 0 as V, because the schedule has a row "
          "for its tail");
    if (*columns == getTile(gather->getResult(0)).getDimSize(1))
      return success();
    decided(gather->getLoc(), "split")
        << remark::metric("Tile", tile::getLabel(gather))
        << remark::metric("Column", *columns);
    TailSplitter(gather, *columns).run();
    return success();
  }
};
} // namespace
