//===- ChooseSchedule.cpp - an operator's schedule --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Transforms/Passes.h"
#include "mla/Tuning/TuningTable.h"

namespace mla {
#define GEN_PASS_DEF_CHOOSESCHEDULE
#include "mla/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

ShapeClass mla::getShapeClass(SparsePrefillOp op) {
  auto dim = [](Value v, unsigned d) {
    return cast<MemRefType>(v.getType()).getDimSize(d);
  };
  ShapeClass shape;
  shape.heads = dim(op.getQ(), 1);
  shape.dimQK = dim(op.getQ(), 2);
  shape.dimV = dim(op.getOut(), 2);
  if (int64_t topk = dim(op.getIndices(), 2); !ShapedType::isDynamic(topk))
    shape.topk = topk;
  shape.topkLength = static_cast<bool>(op.getTopkLength());
  return shape;
}

Problem mla::getExpectedProblem(SparsePrefillOp op, int64_t expectSKV) {
  Problem problem{getShapeClass(op)};
  int64_t rows = cast<MemRefType>(op.getKv().getType()).getDimSize(0);
  problem.rows = ShapedType::isDynamic(rows) ? expectSKV : rows;
  return problem;
}

static std::string getTargetName(SparsePrefillOp op) {
  return std::string(getTarget(op->getParentOfType<func::FuncOp>()).name);
}

/// Whether the schedule leaves it open how many slots the ring has.
static bool isDeepenable(RingAttr ring) { return !ring.getOver(); }

/// The rings with \p depth slots, if it is not 0.
static SmallVector<RingAttr> withDepth(ArrayRef<RingAttr> rings,
                                       int64_t depth) {
  SmallVector<RingAttr> result(rings);
  for (RingAttr &ring : result)
    if (depth && isDeepenable(ring))
      ring = RingAttr::get(ring.getContext(), ring.getLabel(), depth, 0,
                           StringAttr(), -1);
  return result;
}

namespace {
struct ChooseSchedulePass : mla::impl::ChooseScheduleBase<ChooseSchedulePass> {
  using ChooseScheduleBase::ChooseScheduleBase;

  void runOnProgram() override {
    getOperation().walk([&](SparsePrefillOp op) {
      if (op.getScheduleAttr())
        return;
      FailureOr<Decision> choice = choose(op);
      ScheduleAttr made = succeeded(choice) ? make(*choice, op) : nullptr;
      if (!made)
        return signalPassFailure();
      op.setScheduleAttr(made);
    });
  }

private:
  FailureOr<Decision> choose(SparsePrefillOp op) const {
    Decision decision{{schedule}, ""};
    if (std::string fault = findFault(Gpu{getTargetName(op), gpu});
        !fault.empty())
      return op.emitError(fault);
    if (schedule == "auto") {
      if (expectSKV < 1)
        return op.emitError("expected expect-s-kv >= 1, got ")
               << expectSKV.getValue();
      llvm::Expected<TuningTable> table = TuningTable::load(tuningTable);
      if (!table)
        return op.emitError(llvm::toString(table.takeError()));
      Problem problem = getExpectedProblem(op, expectSKV);
      // The model multiplies them, two at a time.
      const ShapeClass &shape = problem.shape;
      for (int64_t size : {problem.rows, shape.heads, shape.dimQK, shape.dimV,
                           shape.topk.value_or(0)})
        if (!llvm::isInt<32>(size))
          return op.emitError("expected sizes below 2^31, got ") << size;
      decision = decide(problem, {getTargetName(op), gpu}, *table);
    }
    Choice &choice = decision.choice;
    if (tileKeys)
      choice.keys = tileKeys;
    if (stages)
      choice.stages = stages;
    if (choice.stages < 0 || !llvm::isInt<32>(choice.stages))
      return op.emitError("expected stages of 0 or more, below 2^31, got ")
             << choice.stages;
    return decision;
  }

  static ScheduleAttr make(const Decision &decision, SparsePrefillOp op) {
    const Choice &choice = decision.choice;
    ScheduleAttr named = getNamedSchedule(choice.schedule, op.getLoc());
    if (!named)
      return nullptr;
    if (choice.stages && llvm::none_of(named.getRings(), isDeepenable)) {
      InFlightDiagnostic diag =
          op.emitError("schedule ")
          << named.getName() << " has no ring that could have another number "
          << "of slots: expected stages = 0, got " << choice.stages;
      if (!decision.source.empty())
        diag << " (schedule chosen by " << decision.source << ")";
      return nullptr;
    }
    return ScheduleAttr::get(named.getContext(), named.getName(),
                             choice.keys ? choice.keys : named.getKeys(),
                             named.getRoles(), named.getTable(),
                             withDepth(named.getRings(), choice.stages),
                             named.getRewrites());
  }
};
} // namespace
