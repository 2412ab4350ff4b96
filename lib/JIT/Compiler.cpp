//===- Compiler.cpp - from IR to a kernel package ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/JIT/Compiler.h"
#include "mla/Conversion/LaunchDescriptor.h"
#include "mla/Conversion/Passes.h"
#include "mla/Dialect/MLA/MLA.h"
#include "mla/Pipelines/Pipelines.h"
#include "mla/Support/Files.h"
#include "mla/Target/PTX.h"
#include "mla/Target/Ptxas.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <chrono>

using namespace mlir;
using namespace mla;
using llvm::createStringError;
namespace json = llvm::json;

namespace {

constexpr llvm::StringLiteral kLLVMFile = "kernel.ll", kPTXFile = "kernel.ptx",
                              kLogFile = "ptxas.log";

llvm::Error writeInto(llvm::StringRef folder, llvm::StringRef name,
                      llvm::StringRef bytes) {
  llvm::SmallString<128> path(folder);
  llvm::sys::path::append(path, name);
  return mla::writeFile(path, bytes);
}

/// Whether the dump has a file for `name`, a pass or a file of
/// getDumpedFiles().
bool isDumped(const CompileOptions &options, StringRef name) {
  return !options.dumpFolder.empty() &&
         (options.dumpOnly.empty() ||
          llvm::is_contained(options.dumpOnly, name));
}

llvm::Error removeFile(llvm::StringRef folder, llvm::StringRef name) {
  llvm::SmallString<128> path(folder);
  llvm::sys::path::append(path, name);
  if (std::error_code error = llvm::sys::fs::remove(path))
    return createStringError("cannot remove '" + path +
                             "': " + error.message());
  return llvm::Error::success();
}

/// Writes the module after each pass as NN-pass-name.mlir.
class StageDumper : public PassInstrumentation {
public:
  StageDumper(ModuleOp module, const CompileOptions &options)
      : module(module), options(options) {}

  void runAfterPass(Pass *pass, Operation *) override {
    StringRef name = pass->getArgument();
    if (name.empty() || name == "canonicalize" || name == "cse")
      return;
    ++count;
    if (!isDumped(options, name))
      return;
    std::string file = llvm::formatv("{0:2}-{1}.mlir", count, name);
    std::replace(file.begin(), file.end(), ' ', '0');
    std::string text;
    llvm::raw_string_ostream(text) << module;
    if (!failure.empty())
      return;
    if (llvm::Error error = writeInto(options.dumpFolder, file, text))
      failure = llvm::toString(std::move(error));
  }

  /// The first file that could not be written, or "".
  std::string failure;

private:
  ModuleOp module;
  const CompileOptions &options;
  int count = 0;
};

} // namespace

llvm::ArrayRef<llvm::StringLiteral> mla::getDumpedFiles() {
  static constexpr llvm::StringLiteral kFiles[] = {kLLVMFile, kPTXFile,
                                                   kLogFile};
  return kFiles;
}

/// Sets the options of the passes.
static void setOptions(KernelPipelineOptions &pipeline,
                       const CompileOptions &options) {
  pipeline.target = options.target;
  pipeline.schedule = options.schedule;
  pipeline.threshold = options.threshold;
  pipeline.expectSizes = options.expectSizes;
  pipeline.gpu = options.gpu;
  pipeline.tuningTable = options.tuningTable;
}

/// Checks that a schedule is chosen only for an operator that carries none.
static llvm::Error checkOptions(ModuleOp module,
                                const CompileOptions &options) {
  std::string got = "none";
  WalkResult open = module.walk([&](Operation *op) {
    auto own = op->getAttrOfType<ScheduleAttr>(kScheduleAttr);
    if (auto mlaOperator = dyn_cast<OperatorInterface>(op)) {
      own = mlaOperator.getScheduleAttr();
      if (!own)
        return WalkResult::interrupt();
    }
    if (own)
      got = "schedule '" + own.getName().str() + "'";
    return WalkResult::advance();
  });
  if (options.schedule == CompileOptions().schedule || open.wasInterrupted())
    return llvm::Error::success();
  return createStringError(
      "option 'schedule': expected an mla operator without "
      "a schedule, got " +
      got);
}

LogicalResult mla::lowerToTile(ModuleOp module, const CompileOptions &options) {
  if (llvm::Error error = checkOptions(module, options))
    return module.emitError(llvm::toString(std::move(error)));
  KernelPipelineOptions pipeline;
  setOptions(pipeline, options);
  PassManager pm(module.getContext());
  buildTilePipeline(pm, pipeline);
  return pm.run(module);
}

LogicalResult mla::lowerToCTA(ModuleOp module, const CompileOptions &options) {
  if (llvm::Error error = checkOptions(module, options))
    return module.emitError(llvm::toString(std::move(error)));
  KernelPipelineOptions pipeline;
  setOptions(pipeline, options);
  PassManager pm(module.getContext());
  buildCTAPipeline(pm, pipeline);
  return pm.run(module);
}

//===----------------------------------------------------------------------===//
// Passes
//===----------------------------------------------------------------------===//

/// After the passes have failed: names the schedule's parameters without which
/// they succeed. Empty if there are none.
static std::string blameParameters(ModuleOp source,
                                   const CompileOptions &options) {
  llvm::Expected<Choice> asked = parseChoice(options.schedule);
  if (!asked)
    return llvm::consumeError(asked.takeError()), "";
  ScopedDiagnosticHandler quiet(source.getContext(),
                                [](Diagnostic &) { return success(); });
  auto takes = [&](const Choice &choice) {
    CompileOptions others = options;
    others.schedule = describe(choice);
    OwningOpRef<ModuleOp> copy = source.clone();
    return succeeded(lowerToCTA(*copy, others));
  };
  // A failure after the verified CTA program has another cause.
  if (asked->parameters.empty() || takes(*asked))
    return "";
  auto say = [](const Choice &choice) {
    return ": the schedule does not take " + describe(choice).substr(1);
  };
  for (size_t i = 0; i < asked->parameters.size(); ++i) {
    Choice others = *asked;
    others.parameters.erase(others.parameters.begin() + i);
    if (takes(others))
      return say({"", {asked->parameters[i]}});
  }
  return takes({asked->schedule, {}}) ? say({"", asked->parameters}) : "";
}

using PipelineBuilder = void (*)(OpPassManager &,
                                 const KernelPipelineOptions &);

/// Runs the passes of `build` on a copy of `source`, and dumps the IR after
/// each if options.dumpFolder is set.
static llvm::Expected<OwningOpRef<ModuleOp>>
runPasses(ModuleOp source, const CompileOptions &options,
          PipelineBuilder build) {
  OwningOpRef<ModuleOp> module = source.clone();
  KernelPipelineOptions pipeline;
  setOptions(pipeline, options);
  PassManager pm(source.getContext());
  build(pm, pipeline);
  StageDumper *dumper = nullptr;
  if (!options.dumpFolder.empty()) {
    if (std::error_code error = llvm::sys::fs::create_directories(
            options.dumpFolder,
            /*IgnoreExisting=*/true, llvm::sys::fs::all_all))
      return createStringError("cannot create folder '" + options.dumpFolder +
                               "': " + error.message());
    auto owned = std::make_unique<StageDumper>(*module, options);
    dumper = owned.get();
    pm.addInstrumentation(std::move(owned));
    // A dump prints the whole module: no function may change meanwhile.
    source.getContext()->disableMultithreading();
  }
  if (failed(pm.run(*module)))
    return createStringError("the passes failed" +
                             blameParameters(source, options));
  if (dumper && !dumper->failure.empty())
    return createStringError(dumper->failure);
  return std::move(module);
}

llvm::Expected<LoweredProgram>
mla::lowerProgram(ModuleOp module, ProgramLevel level,
                  const CompileOptions &options) {
  if (llvm::Error error = checkOptions(module, options))
    return std::move(error);
  llvm::Expected<OwningOpRef<ModuleOp>> lowered =
      runPasses(module, options, buildCTAPipeline);
  if (!lowered)
    return lowered.takeError();
  FailureOr<runtime::KernelDescriptor> descriptor = describeLaunch(**lowered);
  if (failed(descriptor))
    return createStringError("no launch descriptor");
  if (level == ProgramLevel::Tile) {
    CompileOptions quiet = options;
    quiet.dumpFolder.clear();
    lowered = runPasses(module, quiet, buildTilePipeline);
    if (!lowered)
      return lowered.takeError();
  }
  return LoweredProgram{std::move(*lowered), std::move(*descriptor)};
}

//===----------------------------------------------------------------------===//
// Compilation
//===----------------------------------------------------------------------===//

namespace {
/// One compilation, step by step.
class Compilation {
public:
  Compilation(ModuleOp source, const CompileOptions &options)
      : source(source), options(options) {}

  llvm::Expected<CompiledKernel> run();

private:
  llvm::Error runPasses();
  llvm::Error generatePTX();
  llvm::Error assemble();
  llvm::Error dump(llvm::StringRef name, llvm::StringRef bytes) {
    return isDumped(options, name) ? writeInto(options.dumpFolder, name, bytes)
                                   : llvm::Error::success();
  }
  /// Runs `step` and records its time.
  llvm::Error timed(llvm::StringRef name, llvm::Error (Compilation::*step)()) {
    if (options.progress)
      options.progress(name, -1);
    auto start = std::chrono::steady_clock::now();
    llvm::Error error = (this->*step)();
    std::chrono::duration<double> spent =
        std::chrono::steady_clock::now() - start;
    kernel.seconds.push_back({name.str(), spent.count()});
    if (options.progress)
      options.progress(name, spent.count());
    return error;
  }

  ModuleOp source;
  OwningOpRef<ModuleOp> module;
  const CompileOptions &options;
  CompiledKernel kernel;
};
} // namespace

llvm::Error Compilation::runPasses() {
  llvm::Expected<OwningOpRef<ModuleOp>> lowered =
      ::runPasses(source, options, buildKernelPipeline);
  if (!lowered)
    return lowered.takeError();
  module = std::move(*lowered);
  auto launch = (*module)->getAttrOfType<StringAttr>(kLaunchAttr);
  if (!launch)
    return createStringError(kNoKernelMessage);
  kernel.descriptor = (launch.getValue() + "\n").str();
  return llvm::Error::success();
}

llvm::Error Compilation::generatePTX() {
  llvm::LLVMContext context;
  auto llvmModule = translateToLLVMIR(module->getOperation(), context);
  if (!llvmModule)
    return llvmModule.takeError();
  TargetOptions target;
  target.chip = options.target;
  if (const TargetSpec *spec = findTarget(options.target))
    target.features = spec->ptxFeature;
  std::string optimized;
  llvm::Expected<std::string> ptx = emitPTX(
      **llvmModule, target, options.dumpFolder.empty() ? nullptr : &optimized);
  if (!ptx)
    return ptx.takeError();
  kernel.ptx = std::move(*ptx);
  if (llvm::Error error = dump(kLLVMFile, optimized))
    return error;
  return dump(kPTXFile, kernel.ptx);
}

llvm::Error Compilation::assemble() {
  PtxasOptions ptxas;
  ptxas.chip = options.target;
  ptxas.timeoutSeconds = options.ptxasTimeoutSeconds;
  ptxas.limits = std::nullopt; // Checked below, after the report is dumped.
  llvm::Expected<std::string> path = findPtxas(options.ptxas);
  if (!path) {
    if (isPtxasRequested(options.ptxas))
      return path.takeError();
    kernel.missingCubin = llvm::toString(path.takeError());
    return llvm::Error::success();
  }
  ptxas.path = *path;
  llvm::Expected<CubinResult> result = assembleCubin(kernel.ptx, ptxas);
  if (!result)
    return result.takeError();
  kernel.report = std::move(result->report);
  if (llvm::Error error = dump(kLogFile, result->log))
    return error;
  if (llvm::Error error = checkReport(kernel.report, ReportLimits()))
    return error;
  kernel.cubin = std::move(result->cubin);
  runtime::Status sealed =
      runtime::sealDescriptor(kernel.descriptor, kernel.cubin);
  return sealed.ok()
             ? llvm::Error::success()
             : createStringError("'" + *path +
                                 "' wrote a bad cubin: " + sealed.message());
}

llvm::Expected<CompiledKernel> Compilation::run() {
  if (llvm::Error error = checkOptions(source, options))
    return error;
  if (llvm::Error error = timed("passes", &Compilation::runPasses))
    return error;
  if (options.descriptorOnly)
    return std::move(kernel);
  if (llvm::Error error = timed("ptx", &Compilation::generatePTX))
    return error;
  if (options.ptxOnly)
    return std::move(kernel);
  if (llvm::Error error = timed("ptxas", &Compilation::assemble))
    return error;
  return std::move(kernel);
}

llvm::Expected<CompiledKernel>
mla::compileKernel(ModuleOp module, const CompileOptions &options) {
  return Compilation(module, options).run();
}

llvm::Error mla::writeKernel(const CompiledKernel &kernel, StringRef folder) {
  if (std::error_code error = llvm::sys::fs::create_directories(
          folder, /*IgnoreExisting=*/true, llvm::sys::fs::all_all))
    return createStringError("cannot create folder '" + folder +
                             "': " + error.message());
  if (llvm::Error error = writeInto(folder, "kernel.ptx", kernel.ptx))
    return error;
  if (llvm::Error error = kernel.cubin.empty()
                              ? removeFile(folder, "kernel.cubin")
                              : writeInto(folder, "kernel.cubin", kernel.cubin))
    return error;
  return writeInto(folder, "kernel.json", kernel.descriptor);
}

json::Value mla::summarize(const CompiledKernel &kernel) {
  json::Object seconds;
  for (auto &[name, spent] : kernel.seconds)
    seconds[name] = spent;
  json::Object root{{"seconds", std::move(seconds)},
                    {"ptxBytes", static_cast<int64_t>(kernel.ptx.size())},
                    {"cubinBytes", nullptr}};
  runtime::KernelDescriptor launch;
  if (runtime::parseDescriptor(kernel.descriptor, launch).ok()) {
    root["kernel"] = launch.name();
    root["sharedBytes"] = launch.kernels.front().sharedBytes;
  }
  if (kernel.cubin.empty()) {
    root["missingCubin"] = kernel.missingCubin;
  } else {
    root["cubinBytes"] = static_cast<int64_t>(kernel.cubin.size());
    root["report"] = toJSON(kernel.report);
  }
  return root;
}
