//===- Autotuner.cpp - the fastest schedule of an operator ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Autotuner/Autotuner.h"
#include "Report.h"
#include "mla/Harness/Progress.h"
#include "mla/Harness/Tune.h"
#include "mla/Pipelines/Parse.h"
#include "mla/Support/NearNames.h"
#include "mla/Transforms/OperatorQueries.h"
#include "mla/Tuning/TuningTable.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include <ctime>

using namespace mla;

namespace {

/// A schedule to try.
struct Contender {
  Choice choice;
  /// By case; none for a schedule from a file.
  std::vector<std::optional<Prediction>> predictions;
};

/// One run of autotune(), on a copy of the options in which defaults are filled
/// in.
class Tuning {
public:
  Tuning(const AutotuneOptions &options, mlir::MLIRContext &context,
         llvm::raw_ostream &out, llvm::raw_ostream &notes)
      : options(options), context(context), out(out), notes(notes) {}

  llvm::Error run();
  bool anyWrong() const {
    return llvm::any_of(candidates, [](const harness::Candidate &candidate) {
      return candidate.wrong;
    });
  }

private:
  llvm::Error readOperator();
  llvm::Error fillSizes(harness::Sizes &sizes);
  llvm::Error readTable();
  llvm::Error findGpu();
  llvm::Error addContenders();
  void compile(const Choice &choice, harness::Candidate &candidate);
  Problem makeProblem(const harness::Sizes &sizes);
  void printCase(size_t number);
  llvm::Error printDecision();
  void printSkipped();
  llvm::Error failAll();
  llvm::Error measure();
  TuningEntry makeEntry(const harness::Candidate &best);

  AutotuneOptions options;
  mlir::MLIRContext &context;
  llvm::raw_ostream &out, &notes;
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
// The operator and its candidate schedules
//===----------------------------------------------------------------------===//

llvm::Error Tuning::readOperator() {
  std::string source = options.file;
  if (options.spec) {
    source = options.spec->getOperator().getName().str();
    module = buildOperator(context, *options.spec);
    if (!module)
      return makeError("cannot make IR of '" + source + "'");
  } else {
    module = parseProgramFile(source, context);
    if (!module)
      return makeError("cannot parse '" + source + "'");
  }
  int64_t count = 0;
  module->walk([&](OperatorInterface found) {
    op = found;
    ++count;
  });
  if (count != 1)
    return makeError("'" + source + "': expected one mla operator, got " +
                     llvm::Twine(count));
  if (op.getScheduleAttr())
    return makeError("'" + source +
                     "': expected an operator without a schedule, got " +
                     op.getScheduleAttr().getName().str());
  for (harness::Sizes &sizes : options.bench.cases)
    if (llvm::Error error = fillSizes(sizes))
      return error;
  return llvm::Error::success();
}

/// Takes run-time sizes that no option gives from a typical problem.
llvm::Error Tuning::fillSizes(harness::Sizes &sizes) {
  std::vector<std::string> names;
  mlir::FailureOr<Problem> typical =
      getExpectedProblem(op, options.compile.expectSizes);
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
                       suggest(name, names));
  return llvm::Error::success();
}

Problem Tuning::makeProblem(const harness::Sizes &sizes) {
  // fillSizes() has checked the text.
  Problem problem = *getExpectedProblem(op, options.compile.expectSizes);
  for (const auto &[name, size] : sizes)
    problem.sizes[name] = size;
  return problem;
}

/// The cost model knows the schedules that ship.
static std::optional<Prediction> predictChoice(const Operator &op,
                                               const Choice &choice,
                                               const Problem &problem) {
  if (isScheduleFile(choice.schedule))
    return std::nullopt;
  return op.predict(choice, problem, GpuRates());
}

llvm::Error Tuning::addContenders() {
  const Operator &known = op.getOperator();
  if (options.schedules.empty())
    for (const NamedSchedule &schedule : known.schedules)
      options.schedules.push_back(schedule.name.str());
  harness::WorkProgress progress("compiling");
  for (const std::string &schedule : options.schedules) {
    progress.update(" " + schedule);
    llvm::Expected<Choice> choice = parseChoice(schedule);
    if (!choice)
      return choice.takeError();
    Contender contender{*choice, {}};
    const std::string &name = contender.choice.schedule;
    if (!isScheduleFile(name) && !findSchedule(known, name))
      return makeError("unknown schedule '" + name + "' of " + known.getName() +
                       ", expected " + listSchedules(known, name));
    for (const harness::Sizes &sizes : options.bench.cases)
      contender.predictions.push_back(
          predictChoice(known, contender.choice, makeProblem(sizes)));
    compile(contender.choice, candidates.emplace_back());
    contenders.push_back(std::move(contender));
  }
  return llvm::Error::success();
}

/// Compiles the operator with one schedule. A failure makes the candidate
/// skipped, with the reason.
void Tuning::compile(const Choice &choice, harness::Candidate &candidate) {
  CompileOptions compile = options.compile;
  compile.schedule = describe(choice);
  compile.descriptorOnly = options.dryRun;
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
  if (!options.dryRun && kernel->cubin.empty())
    candidate.skipped = kernel->missingCubin;
  candidate.subject.cubin = std::move(kernel->cubin);
  harness::Status status = runtime::parseDescriptor(
      kernel->descriptor, candidate.subject.descriptor);
  if (!status.ok())
    candidate.skipped = status.message();
}

//===----------------------------------------------------------------------===//
// Output
//===----------------------------------------------------------------------===//

void Tuning::printCase(size_t number) {
  CaseReport report;
  report.sizes = options.bench.cases[number];
  report.candidates = candidates;
  // The operator's FLOPs do not depend on the schedule.
  const Operator &known = op.getOperator();
  report.flops = known
                     .predict({known.schedules[0].name.str(), {}},
                              makeProblem(report.sizes), GpuRates())
                     .flops;
  for (const Contender &contender : contenders)
    report.predictions.push_back(contender.predictions[number]);
  if (!options.dryRun)
    for (const harness::Candidate &candidate : candidates)
      report.times.push_back(candidate.skipped.empty()
                                 ? candidate.times[number]
                                 : harness::CandidateTimes());
  report.print(out);
}

llvm::Error Tuning::printDecision() {
  const CompileOptions &compile = options.compile;
  llvm::Expected<TuningTable> known =
      TuningTable::load(compile.tuningTable, getOperators());
  if (!known)
    return known.takeError();
  Decision decision =
      decide(op.getOperator(), *getExpectedProblem(op, compile.expectSizes),
             {compile.target, compile.gpu}, *known);
  out << "\nms: waves x (pro+epilogue + tiles x max(tensor + exposed + "
         "refill, gather)), cycles at "
      << llvm::formatv("{0:f2}", GpuRates().clockGHz) << " GHz\n";
  out << "chosen: " << describe(decision.choice) << ", by " << decision.source
      << "\n";
  return llvm::Error::success();
}

void Tuning::printSkipped() {
  for (const harness::Candidate &candidate : candidates)
    if (!candidate.skipped.empty())
      notes << "note: " << candidate.subject.label << ": " << candidate.skipped
            << "\n";
}

llvm::Error Tuning::failAll() {
  printSkipped();
  return makeError("expected a schedule that compiles, got none for " +
                   describe(getShapeClass(op)));
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

llvm::Error Tuning::readTable() {
  if (options.table.empty() || !llvm::sys::fs::exists(options.table))
    return llvm::Error::success();
  llvm::Expected<TuningTable> read =
      TuningTable::load(options.table, getOperators());
  if (!read)
    return read.takeError();
  table = std::move(*read);
  return llvm::Error::success();
}

llvm::Error Tuning::findGpu() {
  if (harness::Status status = harness::GpuContext::create(gpu); !status.ok())
    return makeError("tune needs a GPU (" + status.message() +
                     "); --dry-run does without");
  options.compile.gpu = getGpuName(gpu->deviceName());
  if (options.compile.gpu.empty() && !options.table.empty())
    return makeError("option '--table': tuning tables have no name for the "
                     "GPU '" +
                     gpu->deviceName() + "'");
  return llvm::Error::success();
}

TuningEntry Tuning::makeEntry(const harness::Candidate &best) {
  TuningEntry entry;
  entry.shape = getShapeClass(op);
  entry.gpu = {options.compile.target, options.compile.gpu};
  entry.choice = contenders[&best - candidates.data()].choice;
  entry.ms = best.meanMs();
  auto cases = llvm::map_range(options.bench.cases, joinSizes);
  entry.sizes = llvm::join(cases, ";");
  entry.date = getDate();
  entry.version = getVersion().str();
  return entry;
}

llvm::Error Tuning::measure() {
  if (llvm::Error error =
          toError(harness::tuneCandidates(*gpu, options.bench, candidates))) {
    printSkipped();
    return error;
  }
  for (size_t i = 0; i < options.bench.cases.size(); ++i)
    printCase(i);
  const harness::Candidate *best = harness::findFastest(candidates);
  out << "\nfastest: " << best->subject.label << "\n";
  if (options.table.empty())
    return llvm::Error::success();
  table.set(makeEntry(*best));
  return table.write(options.table);
}

llvm::Error Tuning::run() {
  if (llvm::Error error = readOperator())
    return error;
  // A bad table is reported before minutes are spent on measuring.
  if (llvm::Error error = readTable())
    return error;
  if (!options.dryRun)
    if (llvm::Error error = findGpu())
      return error;
  if (llvm::Error error = addContenders())
    return error;
  if (llvm::all_of(candidates, [](const harness::Candidate &candidate) {
        return !candidate.skipped.empty();
      }))
    return failAll();
  const std::string &name = options.compile.gpu;
  out << describe(getShapeClass(op)) << ", " << options.compile.target
      << (name.empty() ? "" : " " + name) << "\n";
  if (!options.dryRun)
    return measure();
  for (size_t i = 0; i < options.bench.cases.size(); ++i)
    printCase(i);
  return printDecision();
}

llvm::Expected<bool> mla::autotune(const AutotuneOptions &options,
                                   mlir::MLIRContext &context,
                                   llvm::raw_ostream &out,
                                   llvm::raw_ostream &notes) {
  Tuning tuning(options, context, out, notes);
  if (llvm::Error error = tuning.run())
    return error;
  return !tuning.anyWrong();
}
