//===- Explain.cpp - the command `explain` ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Explain.h"
#include "InterpreterExecutor.h"
#include "mla/Dialect/Tile/Tile.h"
#include "mla/Explain/Explain.h"
#include "mla/Harness/Inputs.h"
#include "mla/Simulator/Simulator.h"
#include "mla/Support/Files.h"
#include "mlir/Pass/PassManager.h"

using namespace mla;

namespace {

constexpr llvm::StringLiteral kHelp =
    R"(usage: mla-jit explain FILE.mlir -o FILE.html [options]

Writes a page about the kernel of FILE.mlir (mla, tile or verified cta IR): its
roles over time, shared memory byte by byte, barriers, and the roofline. Times
are those of the simulator's cost model.

  -o FILE                the page
  --size NAME=N          a run-time size; may be repeated (default: s_q=4096, or
                         264 for persistent CTAs, s_kv=8192, topk=2048,
                         others 1024)
  --sizes NAME=N,...     several at once
  --trace=FILE.json      the trace too, as Perfetto opens it
)";

int fail(const llvm::Twine &message) {
  llvm::errs() << "error: " << message << "\n";
  return 1;
}

struct ExplainOptions {
  std::string input, output, trace;
  explain::Sizes sizes;
};

/// Reads "NAME=N,...".
std::string parseSizes(llvm::StringRef text, explain::Sizes &sizes) {
  llvm::SmallVector<llvm::StringRef> parts;
  text.split(parts, ',');
  for (llvm::StringRef part : parts) {
    auto [name, value] = part.split('=');
    int64_t number;
    if (name.empty() || value.getAsInteger(10, number) || number < 0)
      return ("expected NAME=N with N of 0 or more, got '" + part + "'").str();
    sizes[name.str()] = number;
  }
  return "";
}

/// Returns an empty text, or what is wrong with the command line.
std::string parseOptions(const std::vector<std::string> &words,
                         const ExplainTools &tools, ExplainOptions &out) {
  for (size_t i = 0; i < words.size(); ++i) {
    auto [name, value] = llvm::StringRef(words[i]).split('=');
    std::string error;
    bool hasNext = i + 1 < words.size();
    if (name == "-o" && hasNext)
      out.output = words[++i];
    else if ((name == "--size" || name == "--sizes") &&
             (!value.empty() || hasNext))
      error = parseSizes(value.empty() ? words[++i] : value, out.sizes);
    else if (name == "--trace" && !value.empty())
      out.trace = value.str();
    else if (!name.starts_with("-") && out.input.empty())
      out.input = words[i];
    else if (!tools.parseFlag(words[i], error))
      error = "unknown option '" + words[i] + "' (see mla-jit explain --help)";
    if (!error.empty())
      return error;
  }
  if (out.input.empty() || out.output.empty())
    return "expected mla-jit explain FILE.mlir -o FILE.html";
  return "";
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
  Explanation(const ExplainOptions &options, const ExplainTools &tools)
      : options(options), tools(tools) {}

  llvm::Error run() {
    if (llvm::Error error = lower())
      return error;
    if (llvm::Error error = simulate())
      return error;
    return write();
  }

private:
  llvm::Error lower();
  llvm::Error chooseSizes(const runtime::KernelDescriptor &descriptor);
  llvm::Error simulate();
  llvm::Error write();

  const ExplainOptions &options;
  const ExplainTools &tools;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp func;
  explain::Sizes sizes, traceSizes;
  sim::Trace trace;
};

llvm::Error makeError(const llvm::Twine &message) {
  return llvm::createStringError(message);
}

} // namespace

/// Runs the passes up to the verified CTA program, unless it is one already.
llvm::Error Explanation::lower() {
  module = parseFile(options.input, tools.context);
  if (!module)
    return makeError("cannot parse '" + options.input + "'");
  auto funcs = module->getOps<mlir::func::FuncOp>();
  if (!llvm::hasSingleElement(funcs))
    return makeError("'" + options.input + "': expected one function, got " +
                     llvm::Twine(std::distance(funcs.begin(), funcs.end())));
  func = *funcs.begin();
  if (func->hasAttr(cta::kVerifiedAttr))
    return llvm::Error::success();
  if (mlir::failed(lowerToCTA(*module, tools.compile)))
    return makeError("the passes failed");
  return llvm::Error::success();
}

/// Fills in defaults. The trace is of one cluster, so its run has no more of
/// them than that.
llvm::Error
Explanation::chooseSizes(const runtime::KernelDescriptor &descriptor) {
  sizes = options.sizes;
  bool persistent = llvm::any_of(func.getOps<mlir::scf::ForallOp>(),
                                 [](mlir::scf::ForallOp grid) {
                                   return grid->hasAttr(tile::kPersistentAttr);
                                 });
  for (const std::string &name : descriptor.sizeNames)
    sizes.emplace(name, getDefaultSize(name, persistent));
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
  CompileOptions compile = tools.compile;
  compile.descriptorOnly = true;
  llvm::Expected<CompiledKernel> kernel = compileKernel(*module, compile);
  if (!kernel)
    return kernel.takeError();
  runtime::KernelDescriptor descriptor;
  if (harness::Status status =
          runtime::parseDescriptor(kernel->descriptor, descriptor);
      !status.ok())
    return makeError(status.message());
  if (llvm::Error error = chooseSizes(descriptor))
    return error;
  // Every entry valid: what a CTA does is then what it does at most.
  harness::InputOptions inputs;
  inputs.poison = false;
  inputs.invalidShare = 0;
  std::vector<harness::HostArgument> arguments;
  if (harness::Status status =
          harness::makeArguments(descriptor, traceSizes, inputs, arguments);
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

llvm::Error Explanation::write() {
  mlir::FailureOr<explain::Report> report =
      explain::makeReport(func, trace, sizes);
  if (mlir::failed(report))
    return makeError("nothing to explain");
  report->traceSizes = traceSizes;
  if (llvm::Error error =
          writeOutput(options.output, [&](llvm::raw_ostream &os) {
            explain::writePage(*report, os);
          }))
    return error;
  if (options.trace.empty())
    return llvm::Error::success();
  return writeOutput(options.trace, [&](llvm::raw_ostream &os) {
    explain::writeChromeTrace(trace, os);
  });
}

int explainCommand(const std::vector<std::string> &words,
                   const ExplainTools &tools) {
  for (const std::string &word : words)
    if (word == "--help" || word == "-h")
      return llvm::outs() << kHelp << tools.flagHelp, 0;
  ExplainOptions options;
  if (std::string error = parseOptions(words, tools, options); !error.empty())
    return fail(error);
  if (llvm::Error error = Explanation(options, tools).run())
    return fail(llvm::toString(std::move(error)));
  return 0;
}
