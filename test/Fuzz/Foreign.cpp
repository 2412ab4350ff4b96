//===- Foreign.cpp - fuzz program: ops where no pass expects them ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Inserts one op of any registered dialect at one place of one program, and
// gives the result to everything that takes IR: each pass alone, compile, run
// on the simulator and the interpreter, explain, mutate. They may take it or
// refuse it with an error; a signal, an exit or a hang is a fault. Each trial
// runs in a process of its own, and depends on nothing but the seed and its
// number.
//
//===----------------------------------------------------------------------===//

#include "ForeignOps.h"
#include "IRTools.h"
#include "mla/Conversion/Passes.h"
#include "mla/Pipelines/Pipelines.h"
#include "mla/Transforms/Passes.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include <chrono>
#include <csignal>
#include <deque>
#include <fcntl.h>
#include <map>
#include <optional>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace mla;
using namespace mla::fuzz;
using llvm::StringRef;

namespace {

constexpr StringRef kUsage =
    R"(usage: mla-fuzz-foreign --programs DIR --finds DIR [options] FOREIGN.mlir...

  --programs DIR   the programs to insert into
  --finds DIR      receives the IR of each fault, and beside it what was said
  --trials N       insertions that verify (without end)
  --seconds N      stops after that long
  --jobs N         trials at once (1)
  --seed N         (1)
  --only N         the trial of that number alone, in this process
  --verbose        a line a trial

Exits with 1 if a trial ended by a signal, by an exit of a library or after 20
seconds.
)";

/// How a trial's process ends; anything else is a fault.
enum Outcome { kAccepted = 40, kRefused, kNotIR };

constexpr unsigned kSeconds = 20;
constexpr rlim_t kMemory = rlim_t(4) << 30;

struct Options {
  std::string programs, finds;
  std::vector<std::string> foreign;
  uint64_t trials = UINT64_MAX, seconds = 1 << 30, jobs = 1, seed = 1;
  std::optional<uint64_t> only;
  bool verbose = false;
};

struct Program {
  std::string name;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

/// What a trial inserts, and where.
struct Trial {
  const Program *program;
  mlir::Operation *foreign;
  /// The number of the op that it is inserted before, and what encloses that.
  size_t place;
  StringRef where;
  std::mt19937 random;
};

} // namespace

/// Inserts the op and gives the IR, which is written to `file`, to the tools.
static Outcome runTrial(Trial trial, StringRef file) {
  mlir::OwningOpRef<mlir::ModuleOp> module =
      trial.program->module.get().clone();
  mlir::MLIRContext &context = *module->getContext();
  {
    // What does not verify is no IR.
    mlir::ScopedDiagnosticHandler drop(&context, [](mlir::Diagnostic &) {});
    if (failed(insertForeignOp(trial.foreign, findPlaces(*module)[trial.place],
                               trial.random)) ||
        failed(mlir::verify(*module)))
      return kNotIR;
  }
  std::error_code error;
  llvm::raw_fd_ostream(file, error) << *module;
  return giveToTools(*module, file) ? kAccepted : kRefused;
}

//===----------------------------------------------------------------------===//
// Trials
//===----------------------------------------------------------------------===//

/// What encloses `op`.
static StringRef describePlace(mlir::Operation *op) {
  if (!op->getParentOfType<mlir::func::FuncOp>())
    return "module";
  if (op->getParentOfType<cta::RoleOp>())
    return llvm::isa<cta::RoleOp>(op->getParentOp()) ? "role" : "role, nested";
  if (op->getParentOfType<mlir::scf::ForallOp>())
    return llvm::isa<mlir::scf::ForallOp>(op->getParentOp()) ? "grid"
                                                             : "grid, nested";
  return "function";
}

/// Draws trial `number`: each kind of place is as likely as the others, however
/// few ops stand there.
static Trial draw(const Options &options, llvm::ArrayRef<Program> programs,
                  const ForeignOps &foreign, uint64_t number) {
  std::mt19937 random(options.seed * 1'000'003 + number);
  const Program &program = programs[random() % programs.size()];
  std::map<StringRef, std::vector<size_t>> places;
  for (auto [i, op] : llvm::enumerate(findPlaces(*program.module)))
    places[describePlace(op)].push_back(i);
  auto kind = std::next(places.begin(), random() % places.size());
  size_t place = kind->second[random() % kind->second.size()];
  mlir::Operation *op = foreign[random() % foreign.size()];
  return {&program, op, place, kind->first, random};
}

namespace {
/// How the process of a trial ended.
struct Ending {
  int status;
  std::string output;

  bool hasCode(Outcome outcome) const {
    return WIFEXITED(status) && WEXITSTATUS(status) == outcome;
  }
  bool isFault() const {
    return !hasCode(kAccepted) && !hasCode(kRefused) && !hasCode(kNotIR);
  }
  std::string describe() const;
};
} // namespace

std::string Ending::describe() const {
  if (hasCode(kAccepted))
    return "accepted";
  if (hasCode(kRefused))
    return "refused";
  std::string how =
      !WIFSIGNALED(status) ? "exit"
      : llvm::is_contained({SIGALRM, SIGXCPU, SIGKILL}, WTERMSIG(status))
          ? "hang"
          : strsignal(WTERMSIG(status));
  // The tool that was announced last.
  StringRef tool = StringRef(output).rsplit("[").second.split("]").first;
  return how + " in " + tool.str();
}

namespace {
/// A trial on its way, in a process of its own.
class Running {
public:
  Running(uint64_t number, Trial trial, std::string file);

  /// Waits for the end.
  Ending finish();

  uint64_t number;
  Trial trial;
  /// Receives the IR.
  std::string file;

private:
  pid_t child;
  int output;
};
} // namespace

/// Runs in the child, with limits.
[[noreturn]] static void runLimited(const Trial &trial, StringRef file) {
  rlimit memory{kMemory, kMemory}, seconds{kSeconds, kSeconds}, core{0, 0};
  setrlimit(RLIMIT_AS, &memory);
  setrlimit(RLIMIT_CPU, &seconds);
  setrlimit(RLIMIT_CORE, &core);
  // One that sleeps takes no CPU time; a busy machine takes its time.
  alarm(10 * kSeconds);
  _exit(runTrial(trial, file));
}

Running::Running(uint64_t number, Trial trial, std::string path)
    : number(number), trial(std::move(trial)), file(std::move(path)) {
  int ends[2];
  if (pipe(ends))
    llvm::report_fatal_error("no pipe");
  child = fork();
  if (child == 0) {
    close(ends[0]);
    dup2(ends[1], STDERR_FILENO);
    dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
    runLimited(this->trial, file);
  }
  close(ends[1]);
  output = ends[0];
}

Ending Running::finish() {
  Ending ending;
  char buffer[4096];
  for (ssize_t got; (got = read(output, buffer, sizeof buffer)) > 0;)
    ending.output.append(buffer, got);
  close(output);
  waitpid(child, &ending.status, 0);
  return ending;
}

static bool parse(int argc, char **argv, Options &options) {
  for (int i = 1; i < argc; ++i) {
    StringRef word = argv[i];
    bool last = i + 1 == argc;
    if (word == "--verbose")
      options.verbose = true;
    else if (word == "--programs" && !last)
      options.programs = argv[++i];
    else if (word == "--finds" && !last)
      options.finds = argv[++i];
    else if (word == "--trials" && !last)
      StringRef(argv[++i]).getAsInteger(10, options.trials);
    else if (word == "--seconds" && !last)
      StringRef(argv[++i]).getAsInteger(10, options.seconds);
    else if (word == "--jobs" && !last)
      StringRef(argv[++i]).getAsInteger(10, options.jobs);
    else if (word == "--seed" && !last)
      StringRef(argv[++i]).getAsInteger(10, options.seed);
    else if (word == "--only" && !last)
      StringRef(argv[++i]).getAsInteger(10, options.only.emplace());
    else if (!word.starts_with("-"))
      options.foreign.push_back(word.str());
    else
      return false;
  }
  return !options.programs.empty() && !options.finds.empty() &&
         !options.foreign.empty();
}

static std::vector<Program> readPrograms(const Options &options,
                                         mlir::MLIRContext &context) {
  std::vector<std::string> files;
  std::error_code error;
  for (llvm::sys::fs::directory_iterator it(options.programs, error), end;
       it != end && !error; it.increment(error))
    files.push_back(it->path());
  llvm::sort(files);
  std::vector<Program> programs;
  for (const std::string &file : files)
    if (auto module = mlir::parseSourceFile<mlir::ModuleOp>(file, &context))
      programs.push_back(
          {llvm::sys::path::filename(file).str(), std::move(module)});
  return programs;
}

namespace {
/// Runs trials and counts how they end.
class Runner {
public:
  Runner(const Options &options, llvm::ArrayRef<Program> programs,
         const ForeignOps &foreign)
      : options(options), programs(programs), foreign(foreign) {}

  /// Whether there was no fault.
  bool run();

private:
  void start();
  void take(Running trial);
  void keep(const Running &trial, StringRef line, const Ending &ending);

  const Options &options;
  llvm::ArrayRef<Program> programs;
  const ForeignOps &foreign;
  /// In the order of their numbers, in which they are reported.
  std::deque<Running> running;
  std::map<std::string, uint64_t> counts;
  uint64_t next = 0, done = 0, faults = 0;
};
} // namespace

void Runner::start() {
  std::string file =
      llvm::formatv("{0}/trial-{1}.mlir", options.finds, next % options.jobs);
  running.emplace_back(next, draw(options, programs, foreign, next), file);
  ++next;
}

/// Writes IR and report of a fault.
void Runner::keep(const Running &trial, StringRef line, const Ending &ending) {
  std::string find =
      llvm::formatv("{0}/{1}-{2}", options.finds, options.seed, trial.number);
  std::error_code error = llvm::sys::fs::rename(trial.file, find + ".mlir");
  llvm::raw_fd_ostream(find + ".log", error) << line << ending.output;
}

void Runner::take(Running trial) {
  Ending ending = trial.finish();
  if (ending.hasCode(kNotIR))
    return;
  ++done;
  ++counts[ending.describe()];
  std::string line =
      llvm::formatv("{0}: {1} in {2}, {3}: {4}\n", trial.number,
                    trial.trial.foreign->getName(), trial.trial.program->name,
                    trial.trial.where, ending.describe());
  if (options.verbose || ending.isFault())
    llvm::outs() << line;
  if (!ending.isFault())
    return;
  ++faults;
  keep(trial, line, ending);
}

bool Runner::run() {
  auto begin = std::chrono::steady_clock::now();
  auto isOver = [&] {
    return done + running.size() >= options.trials ||
           std::chrono::steady_clock::now() - begin >=
               std::chrono::seconds(options.seconds);
  };
  while (!isOver() || !running.empty()) {
    while (running.size() < options.jobs && !isOver())
      start();
    take(std::move(running.front()));
    running.pop_front();
  }
  for (auto &[what, count] : counts)
    llvm::outs() << llvm::formatv("{0,6} {1}\n", count, what);
  llvm::outs() << llvm::formatv("{0} insertions, {1} faults\n", done, faults);
  return !faults;
}

int main(int argc, char **argv) {
  Options options;
  if (!parse(argc, argv, options))
    return llvm::errs() << kUsage, 2;
  registerMLATransformsPasses();
  registerMLAConversionPasses();
  mlir::DialectRegistry registry;
  registerDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  context.printOpOnDiagnostic(false);
  std::vector<Program> programs = readPrograms(options, context);
  ForeignOps foreign(context);
  for (const std::string &file : options.foreign) {
    auto buffer = llvm::MemoryBuffer::getFile(file);
    if (!buffer || failed(foreign.addFile((*buffer)->getBuffer())))
      return llvm::errs() << "cannot read " << file << "\n", 2;
  }
  if (programs.empty())
    return llvm::errs() << "no programs in " << options.programs << "\n", 2;
  if (std::error_code error = llvm::sys::fs::create_directories(options.finds))
    return llvm::errs() << options.finds << ": " << error.message() << "\n", 2;
  if (options.only)
    return runTrial(draw(options, programs, foreign, *options.only),
                    options.finds + "/current.mlir");
  return !Runner(options, programs, foreign).run();
}
