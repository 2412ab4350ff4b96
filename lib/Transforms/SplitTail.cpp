//===- SplitTail.cpp - columns of K beyond V, apart -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Transforms/Passes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mla {
#define GEN_PASS_DEF_SPLITTAIL
#include "mla/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

static RankedTensorType getTile(Value v) {
  return cast<RankedTensorType>(v.getType());
}

/// Columns of the tile that are read as V, from the first on; nothing if it is
/// read in a way that cannot be split.
static std::optional<int64_t> getValueColumns(tile::GatherOp gather) {
  int64_t columns = 0;
  for (Operation *user : gather->getUsers()) {
    if (auto view = dyn_cast<tile::ViewOp>(user)) {
      if (llvm::any_of(view.getOffsets(), [](int64_t at) { return at; }))
        return std::nullopt;
      columns = std::max(columns, getTile(view.getResult()).getDimSize(1));
      continue;
    }
    auto dot = dyn_cast<tile::DotOp>(user);
    if (!dot || dot.getA() == gather.getResult() || !dot.getTransposeB())
      return std::nullopt;
  }
  return columns;
}

namespace {
/// Takes the columns of a gathered tile from `at` on apart.
class TailSplitter {
public:
  TailSplitter(tile::GatherOp gather, int64_t at)
      : gather(gather), at(at), b(gather.getLoc(), gather) {}

  void run() {
    int64_t columns = getTile(gather.getResult()).getDimSize(1);
    // The tail is asked for first: it is handed back first, too.
    Value tail = gatherColumns(at, columns - at, ".t");
    Value head = gatherColumns(0, at, "");
    for (Operation *user : llvm::make_early_inc_range(gather->getUsers())) {
      if (auto dot = dyn_cast<tile::DotOp>(user))
        splitScores(dot, head, tail);
      else
        cast<tile::ViewOp>(user).getSourceMutable().assign(head);
    }
    gather.erase();
  }

private:
  void label(Operation *from, Operation *to, StringRef suffix) {
    to->setAttr(tile::kLabelAttr,
                b.getStringAttr(tile::getLabel(from) + suffix));
  }

  Value gatherColumns(int64_t first, int64_t count, StringRef suffix) {
    RankedTensorType type = getTile(gather.getResult());
    SmallVector<Value> indices(gather.getIndices());
    if (first)
      indices.back() = arith::AddIOp::create(
          b, indices.back(), arith::ConstantIndexOp::create(b, first));
    auto part = tile::GatherOp::create(
        b,
        RankedTensorType::get({type.getDimSize(0), count},
                              type.getElementType()),
        gather.getSource(), gather.getRows(), indices);
    label(gather, part, suffix);
    return part.getResult();
  }

  /// The sum over the columns of K as that over the tail, then the others.
  void splitScores(tile::DotOp dot, Value head, Value tail) {
    b.setInsertionPoint(dot);
    RankedTensorType a = getTile(dot.getA());
    auto multiply = [&](Value keys, int64_t column, Value acc,
                        StringRef suffix) {
      auto type = RankedTensorType::get(
          {a.getDimSize(0), getTile(keys).getDimSize(1)}, a.getElementType());
      Value view = tile::ViewOp::create(b, type, dot.getA(),
                                        ArrayRef<int64_t>{0, column});
      auto part = tile::DotOp::create(b, dot.getType(), view, keys, acc, false,
                                      /*transposeB=*/true);
      label(dot, part, suffix);
      return part.getResult();
    };
    Value sum = multiply(tail, at, dot.getAcc(), ".t");
    dot.replaceAllUsesWith(multiply(head, 0, sum, ""));
    dot.erase();
  }

  tile::GatherOp gather;
  int64_t at;
  ImplicitLocOpBuilder b;
};

struct SplitTailPass : mla::impl::SplitTailBase<SplitTailPass> {
  void runOnOperation() override {
    func::FuncOp func = getOperation();
    auto schedule = func->getAttrOfType<ScheduleAttr>(kScheduleAttr);
    if (!schedule || !schedule.asksFor("split-tail"))
      return;
    SmallVector<std::pair<tile::GatherOp, int64_t>> found;
    func.walk([&](tile::GatherOp gather) {
      std::string tail = (tile::getLabel(gather) + ".t").str();
      PlaceAttr row = schedule.lookup(tail);
      bool asked = row && row.getLabel() == tail;
      std::optional<int64_t> columns = getValueColumns(gather);
      if (asked && columns && *columns &&
          *columns < getTile(gather.getResult()).getDimSize(1))
        found.push_back({gather, *columns});
    });
    for (auto [gather, columns] : found)
      TailSplitter(gather, columns).run();
  }
};
} // namespace
