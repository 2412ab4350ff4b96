//===- Emit.cpp - the commands `emit` and `schedule` ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Commands.h"
#include "Flags.h"
#include "OperatorFlags.h"
#include "Session.h"
#include "mla/Support/Files.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mla;

//===----------------------------------------------------------------------===//
// emit
//===----------------------------------------------------------------------===//

namespace {
struct EmitOptions {
  OperatorFlags flags;
  std::string output = "-", op;
};
} // namespace

static int emit(const EmitOptions &options) {
  Session session;
  auto module = buildOperator(session.context, options.flags.getSpec());
  if (!module)
    return cli::kExitFailure;
  return finish(writeOutput(
      options.output, [&](llvm::raw_ostream &os) { os << *module << "\n"; }));
}

void mla::addEmitCommand(cli::Tool &tool) {
  auto options = std::make_shared<EmitOptions>();
  cli::Command &command =
      tool.command("emit", "write an operator's IR", kCompileHeading);
  command
      .describe("Writes a function with the operator. Sizes and options have "
                "the names below; they may follow the operator's name, "
                "as in OPERATOR:h_q=64,attn_sink.")
      .example("mla-jit emit sparse_prefill --sizes h_q=64,d_qk=576 -o "
               "op.mlir")
      .operands(
          "OPERATOR",
          [options](const std::string &word) {
            std::string fault = cli::readOnce("operator", options->op)(word);
            return fault.empty() ? options->flags.parseOperand(word) : fault;
          },
          {getOperatorNames()});
  command
      .option("-o", "FILE", cli::readText(options->output),
              "output file (default: standard output)")
      .offerFiles();
  options->flags.declareSizes(command);
  options->flags.declareOptions(command, "--sizes ");
  command.notes(OperatorFlags::describeSizes());
  command.check([options, &command] {
    if (options->op.empty())
      return "expected an OPERATOR, " + listOperators(getOperators(), "");
    std::string fault = options->flags.resolve();
    options->flags.noteOldSpellings(command);
    return fault;
  });
  command.action(
      [options](std::ostream &, std::ostream &) { return emit(*options); });
}

//===----------------------------------------------------------------------===//
// schedule
//===----------------------------------------------------------------------===//

namespace {
struct ScheduleOptions {
  std::string output = "-";
  std::vector<std::string> names;
  const NamedSchedule *schedule = nullptr;

  std::string resolve();
};
} // namespace

std::string ScheduleOptions::resolve() {
  if (names.size() != 2)
    return "expected OPERATOR and NAME, got " + std::to_string(names.size()) +
           " words";
  if (std::string fault = checkOperator(names[0]); !fault.empty())
    return fault;
  const Operator *op = findOperator(getOperators(), names[0]);
  schedule = findSchedule(*op, names[1]);
  return schedule ? ""
                  : "unknown schedule '" + names[1] + "' of " + names[0] +
                        ", expected " + listSchedules(*op, names[1]);
}

/// "  combine: a, b", a line for each operator.
static std::string listAllSchedules() {
  std::string text = "\nSchedules:\n";
  for (const Operator *op : getOperators()) {
    auto names = llvm::map_range(op->schedules,
                                 [](const NamedSchedule &s) { return s.name; });
    text +=
        llvm::formatv("  {0,-23}{1}\n", op->getName(), llvm::join(names, ", "));
  }
  return text;
}

void mla::addScheduleCommand(cli::Tool &tool) {
  auto options = std::make_shared<ScheduleOptions>();
  cli::Command &command =
      tool.command("schedule", "write a schedule's text", kCompileHeading);
  std::vector<std::string> words = getOperatorNames();
  llvm::append_range(words, getSchedules());
  command
      .describe("Writes the text of a schedule that ships with an operator. "
                "--schedule=FILE of other commands takes a changed copy.")
      .example("mla-jit schedule sparse_prefill seesaw -o mine.mlir")
      .operands("OPERATOR NAME",
                [options](const std::string &word) {
                  options->names.push_back(word);
                  return "";
                },
                {words})
      .notes(listAllSchedules());
  command
      .option("-o", "FILE", cli::readText(options->output),
              "output file (default: standard output)")
      .offerFiles();
  command.check([options] { return options->resolve(); });
  command.action([options](std::ostream &, std::ostream &) {
    return finish(writeOutput(options->output, [&](llvm::raw_ostream &os) {
      os << options->schedule->text;
    }));
  });
}
