//===- ChooseSchedule.cpp - an operator's schedule --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

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
    });
  }

private:
  FailureOr<Decision> choose(OperatorInterface op) const {
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

  FailureOr<Decision> decideFor(OperatorInterface op) const {
    llvm::Expected<TuningTable> table =
        TuningTable::load(tuningTable, getKnownOperators(op->getContext()));
    if (!table)
      return op->emitError(llvm::toString(table.takeError()));
    FailureOr<Problem> problem = getExpectedProblem(op, expectSizes);
    if (failed(problem))
      return failure();
    // The model multiplies them, two at a time.
    for (const auto &[name, size] : problem->sizes)
      if (!llvm::isInt<32>(size))
        return op->emitError("expected sizes below 2^31, got ") << size;
    return decide(op.getOperator(), *problem, {getTargetName(op), gpu}, *table);
  }

  /// Parameters that the user gives replace those of the table.
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
