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
    getOperation().walk([&](OperatorInterface op) {
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
  FailureOr<Decision> choose(OperatorInterface op) const {
    Decision decision{{schedule}, ""};
    if (std::string fault = findFault(Gpu{target, gpu}); !fault.empty())
      return op->emitError(fault);
    if (schedule == "auto") {
      if (expectSKV < 1)
        return op->emitError("expected expect-s-kv >= 1, got ")
               << expectSKV.getValue();
      llvm::Expected<TuningTable> table =
          TuningTable::load(tuningTable, getKnownOperators(op->getContext()));
      if (!table)
        return op->emitError(llvm::toString(table.takeError()));
      Problem problem = getExpectedProblem(op, expectSKV);
      // The model multiplies them, two at a time.
      for (const auto &[name, size] : problem.sizes)
        if (!llvm::isInt<32>(size))
          return op->emitError("expected sizes below 2^31, got ") << size;
      decision = decide(op.getOperator(), problem, {target, gpu}, *table);
    }
    Choice &choice = decision.choice;
    if (tileKeys)
      choice.keys = tileKeys;
    if (stages)
      choice.stages = stages;
    if (choice.stages < 0 || !llvm::isInt<32>(choice.stages))
      return op->emitError("expected stages of 0 or more, below 2^31, got ")
             << choice.stages;
    return decision;
  }

  static ScheduleAttr make(const Decision &decision, OperatorInterface op) {
    const Choice &choice = decision.choice;
    ScheduleAttr named = getNamedSchedule(op, choice.schedule);
    if (!named)
      return nullptr;
    if (choice.stages && llvm::none_of(named.getRings(), isDeepenable)) {
      InFlightDiagnostic diag =
          op->emitError("schedule ")
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
