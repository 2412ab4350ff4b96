//===- mla-jit.cpp - emit, compile, run and time kernels --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Explain.h"
#include "Flags.h"
#include "Info.h"
#include "InterpreterExecutor.h"
#include "Mutate.h"
#include "PackageCommand.h"
#include "SimulatorExecutor.h"
#include "Tune.h"
#include "mla/Harness/Gpu.h"
#include "mla/Harness/Tool.h"
#include "mla/JIT/CachedCompile.h"
#include "mla/Pipelines/Pipelines.h"
#include "mla/Runtime/Files.h"
#include "mla/Support/Files.h"
#include "mla/Target/Sass.h"
#include "mla/Tuning/Choice.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include <chrono>
#include <iostream>
#include <new>

using namespace mla;

namespace {

constexpr llvm::StringLiteral kUsage =
    R"(mla-jit: compiles multi-head latent attention for Hopper GPUs

usage: mla-jit emit sparse_prefill [options]  write an operator's IR
       mla-jit compile FILE.mlir -o DIR       IR to a kernel package
       mla-jit package KERNEL... -o DIR       several kernels to one folder
       mla-jit run FILE.mlir|DIR [options]    run, and check with --check
       mla-jit bench FILE.mlir|DIR [options]  time on the GPU
       mla-jit tune FILE.mlir|sparse_prefill [options]
                                              which schedule is the fastest
       mla-jit plot RESULTS.jsonl... -o FILE.svg [options]
                                              draw what bench printed
       mla-jit explain FILE.mlir -o FILE.html [options]
                                              a page with pictures of the kernel
       mla-jit mutate FILE.mlir [options]     which damage is found, and by what
       mla-jit info [--json]                  versions, ptxas, driver, cache
       mla-jit cache list|clear               kernels that run and bench keep

mla-jit COMMAND --help lists the options of a command.
)";

int fail(const llvm::Twine &message) {
  llvm::errs() << "error: " << message << "\n";
  return 1;
}

/// The context and the printing of diagnostics: one line each.
class Session {
public:
  Session()
      : handler(&context, [](mlir::Diagnostic &diagnostic) {
          llvm::errs() << diagnostic.getLocation() << ": "
                       << (diagnostic.getSeverity() ==
                                   mlir::DiagnosticSeverity::Error
                               ? "error: "
                               : "note: ")
                       << diagnostic.str() << "\n";
          for (mlir::Diagnostic &note : diagnostic.getNotes())
            llvm::errs() << note.getLocation() << ": note: " << note.str()
                         << "\n";
        }) {
    mlir::DialectRegistry registry;
    registerDialects(registry);
    context.appendDialectRegistry(registry);
    context.printOpOnDiagnostic(false);
  }

  mlir::OwningOpRef<mlir::ModuleOp> parse(llvm::StringRef path) {
    return parseFile(path, context);
  }

  mlir::MLIRContext context;

private:
  mlir::ScopedDiagnosticHandler handler;
};

//===----------------------------------------------------------------------===//
// emit
//===----------------------------------------------------------------------===//

constexpr llvm::StringLiteral kEmitHelp =
    R"(usage: mla-jit emit sparse_prefill [options]

Writes a function with the operator. A size of '?' is known at run time.

  -o FILE         output file (default: standard output)
)";

int emit(std::vector<std::string> words) {
  OperatorFlags flags;
  std::string output = "-", op;
  for (size_t i = 0; i < words.size(); ++i) {
    std::string error;
    if (words[i] == "--help" || words[i] == "-h")
      return llvm::outs() << kEmitHelp << OperatorFlags::kHelp, 0;
    if (words[i] == "-o" && i + 1 < words.size())
      output = words[++i];
    else if (flags.parse(words[i], error)) {
      if (!error.empty())
        return fail(error);
    } else if (words[i].rfind("-", 0) != 0 && op.empty())
      op = words[i];
    else
      return fail("unknown option '" + words[i] +
                  "' (see mla-jit emit --help)");
  }
  if (llvm::Error error = checkOperator(op))
    return fail(llvm::toString(std::move(error)));
  Session session;
  auto module = buildSparsePrefill(session.context, flags.shape);
  if (!module)
    return 1;
  if (llvm::Error error = writeOutput(
          output, [&](llvm::raw_ostream &os) { os << *module << "\n"; }))
    return fail(llvm::toString(std::move(error)));
  return 0;
}

//===----------------------------------------------------------------------===//
// compile
//===----------------------------------------------------------------------===//

/// Adds what the machine code is like: information, and no reason to fail.
void addSass(const CompiledKernel &kernel, llvm::json::Object &report) {
  if (kernel.cubin.empty())
    return;
  auto start = std::chrono::steady_clock::now();
  llvm::Expected<SassReport> sass = disassembleCubin(kernel.cubin);
  if (!sass) {
    report["missingSass"] =
        llvm::json::fixUTF8(llvm::toString(sass.takeError()));
    return;
  }
  std::chrono::duration<double> spent =
      std::chrono::steady_clock::now() - start;
  (*report.getObject("seconds"))["nvdisasm"] = spent.count();
  report["instructions"] = sass->instructions;
  report["loops"] = llvm::json::Array(sass->loops);
}

int compile(std::vector<std::string> words) {
  CompileFlags flags;
  std::string input, output;
  for (size_t i = 0; i < words.size(); ++i) {
    std::string error;
    if (words[i] == "--help" || words[i] == "-h")
      return llvm::outs() << "usage: mla-jit compile FILE.mlir -o DIR "
                             "[options]\n\nCompiles the kernel of FILE.mlir "
                             "into a package and prints its report as one "
                             "JSON line.\n\n"
                          << CompileFlags::kHelp,
             0;
    if (words[i] == "-o" && i + 1 < words.size())
      output = words[++i];
    else if (flags.parse(words[i], error)) {
      if (!error.empty())
        return fail(error);
    } else if (words[i].rfind("-", 0) != 0 && input.empty())
      input = words[i];
    else
      return fail("unknown option '" + words[i] +
                  "' (see mla-jit compile --help)");
  }
  if (input.empty() || output.empty())
    return fail("expected mla-jit compile FILE.mlir -o DIR");
  Session session;
  auto module = session.parse(input);
  if (!module)
    return fail("cannot parse '" + input + "'");
  llvm::Expected<CompiledKernel> kernel = compileKernel(*module, flags.options);
  if (!kernel)
    return fail(llvm::toString(kernel.takeError()));
  if (llvm::Error error = writeKernel(*kernel, output))
    return fail(llvm::toString(std::move(error)));
  llvm::json::Value report = summarize(*kernel);
  addSass(*kernel, *report.getAsObject());
  llvm::outs() << report << "\n";
  return 0;
}

//===----------------------------------------------------------------------===//
// run, bench and plot
//===----------------------------------------------------------------------===//

enum class Device { Auto, Gpu, Sim, Interpreter };

/// Makes what the harness runs out of IR files and packages.
class Loader {
public:
  CompileFlags flags;
  SimulatorFlags simulator;
  Device device = Device::Auto;
  bool useCache = true;

  harness::Status load(const std::string &operand, harness::Subject &out) {
    if (llvm::sys::fs::is_directory(operand))
      return harness::loadPackageSubject(operand, out);
    auto module = session.parse(operand);
    if (!module)
      return runtime::invalidArgument("cannot parse '" + operand + "'");
    out.label = operand;
    out.memoryLimit = simulator.memoryLimit;
    if (device == Device::Auto)
      device = hasGpu() ? Device::Gpu : Device::Sim;
    if (device == Device::Gpu)
      return compile(*module, out);
    CompileOptions options = flags.options;
    options.descriptorOnly = true;
    llvm::Expected<CompiledKernel> kernel = compileKernel(*module, options);
    if (!kernel)
      return runtime::invalidArgument(operand + ": " +
                                      llvm::toString(kernel.takeError()));
    harness::Status status = device == Device::Interpreter
                                 ? interpret(std::move(module), out)
                                 : simulate(std::move(module), out);
    if (!status.ok())
      return status;
    return runtime::parseDescriptor(kernel->descriptor, out.descriptor);
  }

private:
  /// For the GPU, by way of the cache; dumps need a compilation.
  harness::Status compile(mlir::ModuleOp module, harness::Subject &out) {
    CachedCompileOptions options;
    options.compile = flags.options;
    if (options.compile.gpu.empty())
      options.compile.gpu = findGpuName();
    options.warn = [](CacheTrouble, const std::string &message) {
      llvm::errs() << "note: " << message << "\n";
    };
    bool cached = useCache && flags.options.dumpFolder.empty();
    DiskCache cache(cached ? defaultCacheFolder() : "", kDefaultCacheBytes);
    CachedKernel kernel;
    if (harness::Status status = compileCached(module, options, cache, kernel);
        !status.ok())
      return status.within(out.label);
    out.cubin = std::move(kernel.cubin);
    return runtime::parseDescriptor(kernel.descriptor, out.descriptor);
  }

  static bool hasGpu() {
    std::unique_ptr<harness::GpuContext> context;
    harness::Status status = harness::GpuContext::create(context);
    if (!status.ok())
      llvm::errs() << "note: no GPU (" << status.message()
                   << "): running on the simulator\n";
    return status.ok();
  }

  /// Empty if there is no GPU; the harness says so when it runs.
  static std::string findGpuName() {
    std::unique_ptr<harness::GpuContext> context;
    return harness::GpuContext::create(context).ok()
               ? getGpuName(context->deviceName())
               : "";
  }

  harness::Status simulate(mlir::OwningOpRef<mlir::ModuleOp> module,
                           harness::Subject &out) {
    if (mlir::failed(lowerToCTA(*module, flags.options)))
      return runtime::invalidArgument(out.label + ": the passes failed");
    out.executor = makeSimulatorExecutor(
        std::make_shared<mlir::OwningOpRef<mlir::ModuleOp>>(std::move(module)),
        simulator);
    return harness::Status();
  }

  harness::Status interpret(mlir::OwningOpRef<mlir::ModuleOp> module,
                            harness::Subject &out) {
    if (mlir::failed(lowerToTile(*module, flags.options)))
      return runtime::invalidArgument(out.label + ": the passes failed");
    out.executor = makeInterpreterExecutor(
        std::make_shared<mlir::OwningOpRef<mlir::ModuleOp>>(std::move(module)));
    return harness::Status();
  }

  Session session;
};

int runTool(const std::vector<std::string> &words) {
  Loader loader;
  harness::ToolConfig config;
  config.name = "mla-jit";
  config.summary = "runs, checks and times kernels";
  config.operandName = "FILE.mlir|PACKAGE";
  config.load = [&](const std::string &operand, harness::Subject &out) {
    return loader.load(operand, out);
  };
  config.option = [&](const std::string &word, std::string &error) {
    llvm::StringRef device = word;
    if (word == "--no-cache")
      return loader.useCache = false, true;
    if (!device.consume_front("--device="))
      return loader.flags.parse(word, error) ||
             loader.simulator.parse(word, error);
    if (device == "auto")
      loader.device = Device::Auto;
    else if (device == "gpu")
      loader.device = Device::Gpu;
    else if (device == "sim")
      loader.device = Device::Sim;
    else if (device == "interpreter")
      loader.device = Device::Interpreter;
    else
      error =
          "expected --device=auto, gpu, sim or interpreter, got '" + word + "'";
    return true;
  };
  config.optionHelp =
      (R"(  --device=NAME          gpu, sim: the cta program on the CPU, every rule of
                         the machine enforced, interpreter: the tile program on
                         the CPU, or auto (default): gpu if there is one, else
                         sim
  --no-cache             compile for the GPU even if the cache has the kernel
)" + CompileFlags::kHelp +
       SimulatorFlags::kHelp)
          .str();
  return harness::runTool(config, words, std::cout, std::cerr);
}

//===----------------------------------------------------------------------===//
// explain
//===----------------------------------------------------------------------===//

int explainKernel(const std::vector<std::string> &words) {
  Session session;
  CompileFlags flags;
  auto parse = [&](llvm::StringRef word, std::string &error) {
    return flags.parse(word, error);
  };
  return explainCommand(
      words, {session.context, flags.options, parse, CompileFlags::kHelp});
}

int packageKernels(const std::vector<std::string> &words) {
  Session session;
  CompileFlags flags;
  auto parse = [&](llvm::StringRef word, std::string &error) {
    return flags.parse(word, error);
  };
  return packageCommand(
      words, {session.context, flags.options, parse, CompileFlags::kHelp});
}

int runCommand(std::vector<std::string> words) {
  std::string command = words.empty() ? "--help" : words.front();
  if (command == "run" || command == "bench" || command == "plot")
    return runTool(words);
  if (command == "--help" || command == "-h" || command == "help") {
    llvm::outs() << kUsage;
    return words.empty() ? 1 : 0;
  }
  words.erase(words.begin());
  if (command == "emit")
    return emit(std::move(words));
  if (command == "compile")
    return compile(std::move(words));
  if (command == "explain")
    return explainKernel(words);
  if (command == "mutate")
    return mutateCommand(words);
  if (command == "tune") {
    Session session;
    return tuneCommand(words, session.context);
  }
  if (command == "package")
    return packageKernels(words);
  if (command == "info")
    return infoCommand(words);
  if (command == "cache")
    return cacheCommand(words);
  return fail("unknown command '" + command +
              "', expected emit, compile, package, run, bench, tune, plot, "
              "explain, mutate, info or cache");
}
} // namespace

int main(int argc, char **argv) {
  runtime::guardStandardStreams();
  llvm::InitLLVM init(argc, argv);
  runtime::ignoreFileSizeSignal();
  // LLVM ends the process where memory runs out; the harness reports it.
  std::set_new_handler(nullptr);
  return finishOutput(
      runCommand(std::vector<std::string>(argv + 1, argv + argc)));
}
