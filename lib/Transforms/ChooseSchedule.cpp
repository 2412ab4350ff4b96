//===- ChooseSchedule.cpp - attaches schedules to operators -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Transforms/OperatorQueries.h"
#include "mla/Transforms/Passes.h"
#include "mla/Transforms/ScheduleText.h"
#include "mla/Tuning/TuningTable.h"

namespace mla {
#define GEN_PASS_DEF_CHOOSESCHEDULE
#include "mla/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

static std::string getTargetName(OperatorInterface op) {
  return std::string(getTarget(op->getParentOfType<func::FuncOp>()).name);
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
      decided(op.getLoc(), "schedule")
          << remark::metric("Schedule", describe(choice->choice))
          << remark::metric("Source", choice->source.empty() ? "the option"
                                                             : choice->source);
    });
  }

private:
  FailureOr<Decision> choose(OperatorInterface op) {
    llvm::Expected<Choice> asked = parseChoice(schedule);
    if (!asked)
      return op->emitError(llvm::toString(asked.takeError()));
    if (std::string fault = findFault(Gpu{getTargetName(op), gpu});
        !fault.empty())
      return op->emitError(fault);
    if (asked->schedule != "auto")
      return Decision{*asked, ""};
    FailureOr<Decision> decision = decideFor(op);
    if (succeeded(decision))
      override(decision->choice, *asked);
    return decision;
  }

  /// Looks up or predicts the fastest schedule.
  FailureOr<Decision> decideFor(OperatorInterface op) {
    llvm::Expected<TuningTable> table =
        TuningTable::load(tuningTable, getKnownOperators(op->getContext()));
    if (!table)
      return op->emitError(llvm::toString(table.takeError()));
    FailureOr<Problem> problem = getExpectedProblem(op, expectSizes);
    if (failed(problem))
      return failure();
    // Products of two sizes must not overflow in the cost model.
    for (const auto &[name, size] : problem->sizes)
      if (!llvm::isInt<32>(size))
        return op->emitError("expected sizes below 2^31, got ") << size;
    if (getContext().getRemarkEngine())
      notePredictions(op, *problem);
    return decide(op.getOperator(), *problem, {getTargetName(op), gpu}, *table);
  }

  void notePredictions(OperatorInterface op, const Problem &problem) {
    const Operator &info = op.getOperator();
    for (const NamedSchedule &known : info.schedules) {
      Choice choice{known.name.str(), {}};
      decided(op.getLoc(), "prediction")
          << remark::metric("Schedule", choice.schedule)
          << remark::metric("Milliseconds",
                            info.predict(choice, problem, GpuRates()).ms);
    }
  }

  /// Replaces parameters of the table by those of the user.
  static void override(Choice &choice, const Choice &asked) {
    for (const auto &parameter : asked.parameters) {
      llvm::erase_if(choice.parameters, [&](const auto &other) {
        return other.first == parameter.first;
      });
      choice.parameters.push_back(parameter);
    }
  }

  static ScheduleAttr make(const Decision &decision, OperatorInterface op) {
    const Choice &choice = decision.choice;
    ScheduleAttr named = isScheduleFile(choice.schedule)
                             ? readSchedule(choice.schedule, *op->getContext())
                             : getNamedSchedule(op, choice.schedule);
    if (!named)
      return nullptr;
    ArrayRef<StringRef> tileSizes = op.getOperator().tileSizes;
    return withParameters(named, choice.parameters, tileSizes, [&] {
      InFlightDiagnostic diag = op->emitError();
      if (!decision.source.empty())
        diag.attachNote() << "schedule '" << describe(choice)
                          << "' was chosen by " << decision.source;
      return diag;
    });
  }
};
} // namespace
