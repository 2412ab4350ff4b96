//===- Explain.cpp - the command `explain` ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Explain.h"
#include "Command.h"
#include "InterpreterExecutor.h"
#include "mla/Conversion/LaunchDescriptor.h"
#include "mla/Dialect/Tile/Tile.h"
#include "mla/Explain/Explain.h"
#include "mla/Harness/Inputs.h"
#include "mla/Pipelines/Parse.h"
#include "mla/Simulator/Simulator.h"
#include "mla/Support/Files.h"
#include "mlir/Pass/PassManager.h"

using namespace mla;

namespace {

constexpr llvm::StringLiteral kHelp =
    R"(usage: mla-jit explain FILE.mlir... -o FILE.html [options]

Writes a page about the kernel of FILE.mlir (mla, tile or verified cta IR): its
roles over time, shared memory byte by byte, barriers, and the roofline. Times
are those of the simulator's cost model. Several files, or several schedules of
one, are compared on one page.

  -o FILE                the page
  --sizes NAME=N,...     the run-time sizes (default: s_q=4096, or 264 for
                         persistent CTAs, s_kv=8192, topk=2048, others 1024)
  --size NAME=N          the same, one by one
  --trace=FILE.json      the trace too, as Perfetto opens it (of one kernel)
)";

int fail(const llvm::Twine &message) {
  llvm::errs() << "error: " << message << "\n";
  return 1;
}

struct ExplainOptions {
  std::vector<std::string> inputs;
  std::string output, trace;
  explain::Sizes sizes;
};

/// What is wrong with the options as a whole, or an empty text.
std::string findFault(const ExplainOptions &options,
                      const CompileFlags &flags) {
  if (options.inputs.empty() || options.output.empty())
    return "expected mla-jit explain FILE.mlir -o FILE.html";
  if (!options.trace.empty() &&
      options.inputs.size() * flags.schedules.size() > 1)
    return "option '--trace': expected one kernel with it, got " +
           std::to_string(options.inputs.size() * flags.schedules.size());
  return flags.findFault();
}

/// Returns the exit code where the command ends here.
std::optional<int> parseOptions(const std::vector<std::string> &words,
                                CompileFlags &flags, ExplainOptions &out) {
  auto option = [&](const Option &option, std::string &error) {
    if (option.name == "-o")
      out.output = option.value.str();
    else if (option.name == "--size" || option.name == "--sizes")
      error = harness::readSizes(option.value.str(), out.sizes);
    else if (option.name == "--trace")
      out.trace = option.value.str();
    else
      flags.parse(option.word, error);
  };
  auto operand = [&](const std::string &word) {
    out.inputs.push_back(word);
    return "";
  };
  if (std::optional<int> code = readCommand(
          {"explain", (kHelp + flags.help()).str(), option, operand}, words))
    return code;
  if (std::string fault = findFault(out, flags); !fault.empty())
    return failUsage("explain", fault);
  return std::nullopt;
}

/// What a size is without --size: enough work to fill a GPU; of a program whose
/// CTAs are persistent, a few tiles each, since all of them are in the trace.
int64_t getDefaultSize(const std::string &name, bool persistent) {
  return name == "s_q"    ? (persistent ? 264 : 4096)
         : name == "s_kv" ? 8192
         : name == "topk" ? 2048
                          : 1024;
}

/// One kernel on its way from IR to a page.
class Explanation {
public:
  Explanation(const std::string &input, const std::string &schedule,
              const ExplainOptions &options, const ExplainTools &tools)
      : input(input), options(options), context(tools.context),
        compile(tools.flags.options) {
    compile.schedule = schedule;
  }

  llvm::Error lower();

  /// Of the lowered program.
  bool isPersistent() {
    return llvm::any_of(func.getOps<mlir::scf::ForallOp>(),
                        [](mlir::scf::ForallOp grid) {
                          return grid->hasAttr(tile::kPersistentAttr);
                        });
  }

  /// Runs the lowered program. Sizes by default are those for persistent CTAs
  /// if the kernel, or one that it is compared with, has them.
  llvm::Expected<explain::Report> run(bool anyPersistent) {
    persistentSizes = anyPersistent;
    if (llvm::Error error = simulate())
      return error;
    return makeReport();
  }

  sim::Trace trace;

private:
  llvm::Error chooseSizes(const runtime::KernelDescriptor &descriptor);
  llvm::Error simulate();
  llvm::Expected<explain::Report> makeReport();

  std::string input;
  const ExplainOptions &options;
  mlir::MLIRContext &context;
  CompileOptions compile;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp func;
  explain::Sizes sizes, traceSizes;
  bool persistentSizes = false;
};

llvm::Error makeError(const llvm::Twine &message) {
  return llvm::createStringError(message);
}

} // namespace

/// Runs the passes up to the verified CTA program, unless it is one already.
llvm::Error Explanation::lower() {
  module = parseProgramFile(input, context);
  if (!module)
    return makeError("cannot parse '" + input + "'");
  auto funcs = module->getOps<mlir::func::FuncOp>();
  if (!llvm::hasSingleElement(funcs))
    return makeError("'" + input + "': expected a program of one kernel, got " +
                     llvm::Twine(std::distance(funcs.begin(), funcs.end())));
  func = *funcs.begin();
  if (func->hasAttr(cta::kVerifiedAttr))
    return llvm::Error::success();
  if (mlir::failed(lowerToCTA(*module, compile)))
    return makeError("the passes failed");
  return llvm::Error::success();
}

/// Fills in defaults. The trace is of one cluster, so its run has no more of
/// them than that.
llvm::Error
Explanation::chooseSizes(const runtime::KernelDescriptor &descriptor) {
  sizes = options.sizes;
  for (const std::string &name : descriptor.sizeNames)
    sizes.emplace(name, getDefaultSize(name, persistentSizes));
  if (harness::Status status = harness::checkSizes(descriptor, sizes);
      !status.ok())
    return makeError(status.message());
  mlir::FailureOr<explain::Kernel> kernel = explain::readKernel(func);
  if (mlir::failed(kernel))
    return makeError("nothing to explain");
  traceSizes = sizes;
  for (const explain::GridSize &size : explain::findGridSizes(*kernel))
    traceSizes[size.name] =
        std::min(traceSizes[size.name], size.each * kernel->clusterSize);
  return llvm::Error::success();
}

llvm::Error Explanation::simulate() {
  mlir::FailureOr<runtime::KernelDescriptor> descriptor =
      describeLaunch(*module);
  if (mlir::failed(descriptor))
    return makeError("nothing to explain");
  if (!descriptor->workspaces.empty())
    return makeError("'" + input + "': expected a kernel without workspaces");
  if (llvm::Error error = chooseSizes(*descriptor))
    return error;
  // Every entry valid: what a CTA does is then what it does at most.
  harness::InputOptions inputs;
  inputs.poison = false;
  inputs.invalidShare = 0;
  std::vector<harness::HostArgument> arguments;
  if (harness::Status status =
          harness::makeArguments(*descriptor, traceSizes, inputs, arguments);
      !status.ok())
    return makeError(status.message());
  sim::Options simulator;
  simulator.timing = sim::Timing::Modelled;
  simulator.trace = &trace;
  // A grid of persistent CTAs has as many whatever the sizes are.
  simulator.firstClusterOnly = true;
  if (mlir::failed(
          sim::simulate(func, makeInterpreterArguments(arguments), simulator)))
    return makeError("the simulator stopped");
  return llvm::Error::success();
}

llvm::Expected<explain::Report> Explanation::makeReport() {
  mlir::FailureOr<explain::Report> report =
      explain::makeReport(func, trace, sizes);
  if (mlir::failed(report))
    return makeError("nothing to explain");
  report->traceSizes = traceSizes;
  return std::move(*report);
}

/// Explains every input with every schedule, and writes what was found.
static llvm::Error explainAll(const ExplainOptions &options,
                              const ExplainTools &tools) {
  // Reports refer to them.
  std::vector<std::unique_ptr<Explanation>> kernels;
  std::vector<explain::Report> reports;
  for (const std::string &input : options.inputs)
    for (const std::string &schedule : tools.flags.schedules) {
      kernels.push_back(
          std::make_unique<Explanation>(input, schedule, options, tools));
      if (llvm::Error error = kernels.back()->lower())
        return error;
    }
  bool anyPersistent = llvm::any_of(
      kernels, [](const auto &kernel) { return kernel->isPersistent(); });
  for (const auto &kernel : kernels) {
    llvm::Expected<explain::Report> report = kernel->run(anyPersistent);
    if (!report)
      return report.takeError();
    reports.push_back(std::move(*report));
  }
  if (llvm::Error error =
          writeOutput(options.output, [&](llvm::raw_ostream &os) {
            explain::writePage(reports, os);
          }))
    return error;
  if (options.trace.empty())
    return llvm::Error::success();
  return writeOutput(options.trace, [&](llvm::raw_ostream &os) {
    explain::writeChromeTrace(kernels.front()->trace, os);
  });
}

int explainCommand(const std::vector<std::string> &words,
                   const ExplainTools &tools) {
  ExplainOptions options;
  if (std::optional<int> code = parseOptions(words, tools.flags, options))
    return *code;
  if (llvm::Error error = explainAll(options, tools))
    return fail(llvm::toString(std::move(error)));
  return 0;
}
