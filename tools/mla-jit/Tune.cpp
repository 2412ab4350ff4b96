//===- Tune.cpp - the command `tune` ----------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Tune.h"
#include "TuneFlags.h"
#include "mla/Harness/Tune.h"
#include "mla/Pipelines/Parse.h"
#include "mla/Support/Files.h"
#include "mla/Transforms/OperatorQueries.h"
#include "mla/Tuning/CostModel.h"
#include "mla/Tuning/TuningTable.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include <ctime>

using namespace mla;

namespace {

/// Ways to compile the operator, and what is known of each.
struct Contender {
  Choice choice;
  /// By case; none for a schedule from a file.
  std::vector<std::optional<Prediction>> predictions;
};

/// One run of the command.
class Tuning {
public:
  Tuning(TuneFlags &flags, harness::ToolOptions &options,
         mlir::MLIRContext &context)
      : flags(flags), options(options), context(context) {}

  llvm::Error run();
  /// A kernel computed something else than the reference.
  bool anyWrong() const {
    return llvm::any_of(candidates, [](const harness::Candidate &candidate) {
      return candidate.wrong;
    });
  }

private:
  llvm::Error readOperator();
  llvm::Error fillSizes(harness::Sizes &sizes);
  llvm::Error addContenders();
  void compile(const Choice &choice, harness::Candidate &candidate);
  Problem makeProblem(const harness::Sizes &sizes);
  void printCase(size_t number);
  std::string printPrediction(size_t contender, size_t number);
  std::string printTimes(size_t contender, size_t number);
  llvm::Error printDecision();
  void printSkipped();
  llvm::Error failAll();
  llvm::Error measure();

  TuneFlags &flags;
  harness::ToolOptions &options;
  mlir::MLIRContext &context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  OperatorInterface op;
  std::unique_ptr<harness::GpuContext> gpu;
  /// The table to write.
  TuningTable table;
  /// Both by contender.
  std::vector<Contender> contenders;
  std::vector<harness::Candidate> candidates;
};

llvm::Error makeError(const llvm::Twine &message) {
  return llvm::createStringError(message);
}

llvm::Error toError(const harness::Status &status) {
  return status.ok() ? llvm::Error::success() : makeError(status.message());
}

} // namespace

//===----------------------------------------------------------------------===//
// The operator and the ways to compile it
//===----------------------------------------------------------------------===//

llvm::Error Tuning::readOperator() {
  const std::string &operand = options.operands.front();
  if (isOperatorName(operand)) {
    module = buildOperator(context, flags.op.getSpec());
    if (!module)
      return makeError("cannot make IR of '" + operand + "'");
  } else {
    module = parseProgramFile(operand, context);
  }
  if (!module)
    return makeError("cannot parse '" + operand + "'");
  int64_t count = 0;
  module->walk([&](OperatorInterface found) {
    op = found;
    ++count;
  });
  if (count != 1)
    return makeError("'" + operand + "': expected one mla operator, got " +
                     llvm::Twine(count));
  if (op.getScheduleAttr())
    return makeError("'" + operand +
                     "': expected an operator without a schedule, got " +
                     op.getScheduleAttr().getName().str());
  for (harness::Sizes &sizes : options.cases)
    if (llvm::Error error = fillSizes(sizes))
      return error;
  return llvm::Error::success();
}

/// A run-time size that no option gives is that of a typical problem.
llvm::Error Tuning::fillSizes(harness::Sizes &sizes) {
  std::vector<std::string> names;
  mlir::FailureOr<Problem> typical =
      getExpectedProblem(op, flags.compile.options.expectSizes);
  if (failed(typical))
    return makeError("option '--expect-sizes': see above");
  for (const SizeInfo &size : op.getOperator().table.sizes)
    if (mlir::ShapedType::isDynamic(getSize(op, size.name))) {
      names.emplace_back(size.name);
      sizes.emplace(size.name, typical->getSize(size.name));
    }
  for (const auto &[name, size] : sizes)
    if (!llvm::is_contained(names, name))
      return makeError("size '" + name +
                       "': the operator has no such run-time size; it has: " +
                       (names.empty() ? "none" : llvm::join(names, ", ")) +
                       harness::suggest(name, names));
  return llvm::Error::success();
}

Problem Tuning::makeProblem(const harness::Sizes &sizes) {
  // Its text was read for the sizes of the cases.
  Problem problem = *getExpectedProblem(op, flags.compile.options.expectSizes);
  for (const auto &[name, size] : sizes)
    problem.sizes[name] = size;
  return problem;
}

/// What the cost model says of a schedule that ships.
static std::optional<Prediction> predictChoice(const Operator &op,
                                               const Choice &choice,
                                               const Problem &problem) {
  if (isScheduleFile(choice.schedule))
    return std::nullopt;
  return op.predict(choice, problem, Machine());
}

llvm::Error Tuning::addContenders() {
  const Operator &known = op.getOperator();
  if (flags.schedules.empty())
    for (const NamedSchedule &schedule : known.schedules)
      flags.schedules.push_back(schedule.name.str());
  for (const std::string &schedule : flags.schedules) {
    // The options have been checked.
    Contender contender{llvm::cantFail(parseChoice(schedule)), {}};
    const std::string &name = contender.choice.schedule;
    if (!isScheduleFile(name) && !findSchedule(known, name))
      return makeError("unknown schedule '" + name + "' of " + known.getName() +
                       ", expected " + listSchedules(known, name));
    for (const harness::Sizes &sizes : options.cases)
      contender.predictions.push_back(
          predictChoice(known, contender.choice, makeProblem(sizes)));
    compile(contender.choice, candidates.emplace_back());
    contenders.push_back(std::move(contender));
  }
  return llvm::Error::success();
}

/// Compiles the operator one way; why it cannot be done goes to the candidate.
void Tuning::compile(const Choice &choice, harness::Candidate &candidate) {
  CompileOptions compile = flags.compile.options;
  compile.schedule = describe(choice);
  compile.descriptorOnly = flags.dryRun;
  candidate.subject.label = describe(choice);
  std::string reason;
  mlir::ScopedDiagnosticHandler quiet(&context, [&](mlir::Diagnostic &diag) {
    if (reason.empty() && diag.getSeverity() == mlir::DiagnosticSeverity::Error)
      reason = diag.str();
    return mlir::success();
  });
  llvm::Expected<CompiledKernel> kernel = compileKernel(*module, compile);
  if (!kernel) {
    std::string error = llvm::toString(kernel.takeError());
    candidate.skipped = reason.empty() ? error : reason;
    return;
  }
  if (!flags.dryRun && kernel->cubin.empty())
    candidate.skipped = kernel->missingCubin;
  candidate.subject.cubin = std::move(kernel->cubin);
  harness::Status status = runtime::parseDescriptor(
      kernel->descriptor, candidate.subject.descriptor);
  if (!status.ok())
    candidate.skipped = status.message();
}

//===----------------------------------------------------------------------===//
// What is printed
//===----------------------------------------------------------------------===//

static std::string joinSizes(const harness::Sizes &sizes) {
  std::vector<std::string> parts;
  for (const auto &[name, size] : sizes)
    parts.push_back(name + "=" + std::to_string(size));
  return llvm::join(parts, ",");
}

std::string Tuning::printPrediction(size_t contender, size_t number) {
  if (!contenders[contender].predictions[number])
    return "not predicted: the schedule is a file";
  const Prediction &p = *contenders[contender].predictions[number];
  return llvm::formatv("{0,8:f3} {1,7:f0} {2,8} {3,7:f0} {4,6} {5,7:f0} "
                       "{6,8:f0} {7,7:f0} {8,7:f0}",
                       p.ms, p.flops / p.ms / 1e9, p.waves, p.edges, p.tiles,
                       p.tensor, p.exposed, p.refill, p.gather);
}

std::string Tuning::printTimes(size_t contender, size_t number) {
  const std::optional<Prediction> &predicted =
      contenders[contender].predictions[number];
  const harness::CandidateTimes &got = candidates[contender].times[number];
  // They are the operator's, whatever the schedule.
  const Operator &known = op.getOperator();
  double flops = known
                     .predict({known.schedules[0].name.str(), {}},
                              makeProblem(options.cases[number]), Machine())
                     .flops /
                 1e9;
  return llvm::formatv(
      "{0,9} {1,8:f3} {2,7:f0} {3,8:f3} {4,7:f0}",
      predicted ? llvm::formatv("{0:f3}", predicted->ms).str() : "-",
      got.backToBackMs, flops / got.backToBackMs, got.gapMs, flops / got.gapMs);
}

void Tuning::printCase(size_t number) {
  size_t width = 8;
  for (const harness::Candidate &candidate : candidates)
    width = std::max(width, candidate.subject.label.size());
  auto line = [&](llvm::StringRef name, const std::string &rest) {
    llvm::outs() << "  " << llvm::left_justify(name, width) << " " << rest
                 << "\n";
  };
  llvm::outs() << "\n" << joinSizes(options.cases[number]) << "\n";
  line(
      "schedule",
      flags.dryRun
          ? "      ms TFLOP/s    waves   edges  tiles  tensor  exposed  refill "
            " gather"
          : "predicted   b2b ms TFLOP/s   gap ms TFLOP/s");
  for (size_t i = 0; i < candidates.size(); ++i) {
    const std::string &skipped = candidates[i].skipped;
    line(candidates[i].subject.label, !skipped.empty() ? "skipped: " + skipped
                                      : flags.dryRun
                                          ? printPrediction(i, number)
                                          : printTimes(i, number));
  }
}

llvm::Error Tuning::printDecision() {
  const CompileOptions &compile = flags.compile.options;
  llvm::Expected<TuningTable> known =
      TuningTable::load(compile.tuningTable, getOperators());
  if (!known)
    return known.takeError();
  Decision decision =
      decide(op.getOperator(), *getExpectedProblem(op, compile.expectSizes),
             {compile.target, compile.gpu}, *known);
  llvm::outs() << "\nms: waves x (edges + tiles x max(tensor + exposed + "
                  "refill, gather)), cycles at "
               << llvm::formatv("{0:f2}", Machine().clockGHz) << " GHz\n";
  llvm::outs() << "chosen: " << describe(decision.choice) << ", by "
               << decision.source << "\n";
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Measuring
//===----------------------------------------------------------------------===//

/// Today, as in "2026-11-21".
static std::string getDate() {
  char text[16];
  std::time_t now = std::time(nullptr);
  std::strftime(text, sizeof(text), "%Y-%m-%d", std::localtime(&now));
  return text;
}

void Tuning::printSkipped() {
  for (const harness::Candidate &candidate : candidates)
    if (!candidate.skipped.empty())
      llvm::errs() << "note: " << candidate.subject.label << ": "
                   << candidate.skipped << "\n";
}

/// Nothing is chosen of candidates that cannot be compiled.
llvm::Error Tuning::failAll() {
  printSkipped();
  return makeError("expected a schedule that compiles, got none for " +
                   describe(getShapeClass(op)));
}

llvm::Error Tuning::measure() {
  if (llvm::Error error =
          toError(harness::tuneCandidates(*gpu, options, candidates))) {
    printSkipped();
    return error;
  }
  std::vector<std::string> sizes;
  for (size_t i = 0; i < options.cases.size(); ++i) {
    printCase(i);
    sizes.push_back(joinSizes(options.cases[i]));
  }
  const harness::Candidate *best = harness::findFastest(candidates);
  TuningEntry entry;
  entry.shape = getShapeClass(op);
  entry.gpu = {flags.compile.options.target, flags.compile.options.gpu};
  entry.choice = contenders[best - candidates.data()].choice;
  entry.ms = best->meanMs();
  entry.sizes = llvm::join(sizes, ";");
  entry.date = getDate();
  entry.version = getVersion().str();
  llvm::outs() << "\nfastest: " << best->subject.label << "\n";
  if (flags.table.empty())
    return llvm::Error::success();
  table.set(entry);
  return table.write(flags.table);
}

llvm::Error Tuning::run() {
  if (llvm::Error error = readOperator())
    return error;
  // What is wrong shows before minutes are spent.
  if (!flags.table.empty()) {
    bool exists = llvm::sys::fs::exists(flags.table);
    llvm::Expected<TuningTable> read =
        exists ? TuningTable::load(flags.table, getOperators()) : TuningTable();
    if (!read)
      return read.takeError();
    table = std::move(*read);
  }
  std::string &name = flags.compile.options.gpu;
  if (!flags.dryRun) {
    if (harness::Status status = harness::GpuContext::create(gpu); !status.ok())
      return makeError("tune needs a GPU (" + status.message() +
                       "); --dry-run does without");
    name = getGpuName(gpu->deviceName());
    if (name.empty() && !flags.table.empty())
      return makeError("option '--table': tuning tables have no name for the "
                       "GPU '" +
                       gpu->deviceName() + "'");
  }
  if (llvm::Error error = addContenders())
    return error;
  if (llvm::all_of(candidates, [](const harness::Candidate &candidate) {
        return !candidate.skipped.empty();
      }))
    return failAll();
  llvm::outs() << describe(getShapeClass(op)) << ", "
               << flags.compile.options.target
               << (name.empty() ? "" : " " + name) << "\n";
  if (!flags.dryRun)
    return measure();
  for (size_t i = 0; i < options.cases.size(); ++i)
    printCase(i);
  return printDecision();
}

int tuneCommand(const std::vector<std::string> &words,
                mlir::MLIRContext &context) {
  TuneFlags flags;
  harness::ToolConfig config;
  config.commandName = "tune";
  config.operandName = "FILE.mlir|OPERATOR";
  config.optionHelp = TuneFlags::help();
  config.option = [&](const std::string &word, std::string &error) {
    return flags.parse(word, error);
  };
  // Sizes, inputs and how to time are said as for `bench`.
  std::vector<std::string> all{"bench"};
  all.insert(all.end(), words.begin(), words.end());
  harness::ToolOptions options;
  std::string fault = harness::parseToolOptions(config, all, options);
  if (options.help)
    return llvm::outs() << config.optionHelp << "\n"
                        << harness::kExitCodeHelp,
           harness::kExitSuccess;
  if (fault.empty())
    fault = findTuneFault(flags, options);
  if (!fault.empty()) {
    llvm::errs() << "error: " << fault << " (see mla-jit tune --help)\n";
    return harness::kExitUsage;
  }
  Tuning tuning(flags, options, context);
  if (llvm::Error error = tuning.run()) {
    llvm::errs() << "error: " << llvm::toString(std::move(error)) << "\n";
    return harness::kExitFailure;
  }
  return tuning.anyWrong() ? harness::kExitFailure : harness::kExitSuccess;
}
