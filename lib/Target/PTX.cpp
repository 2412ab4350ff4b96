//===- PTX.cpp - MLIR's LLVM dialect to LLVM IR to PTX --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Target/PTX.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Operation.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"
#include <mutex>

using llvm::createStringError;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

extern "C" {
void LLVMInitializeNVPTXTargetInfo();
void LLVMInitializeNVPTXTarget();
void LLVMInitializeNVPTXTargetMC();
void LLVMInitializeNVPTXAsmPrinter();
}

static constexpr llvm::StringLiteral kTriple("nvptx64-nvidia-cuda");

//===----------------------------------------------------------------------===//
// Target machine
//===----------------------------------------------------------------------===//

static void initializeNVPTX() {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
  });
}

/// For an unknown name LLVM prints a warning and uses a default; for a PTX
/// version that is too low it ends the process.
static Error checkNames(const llvm::Target &target,
                        const mla::TargetOptions &options) {
  std::unique_ptr<llvm::MCSubtargetInfo> info(
      target.createMCSubtargetInfo(llvm::Triple(kTriple), "", ""));
  if (!info)
    return createStringError("LLVM has no subtarget information for " +
                             kTriple);
  if (!info->isCPUStringValid(options.chip))
    return createStringError("expected a GPU that LLVM knows, got '" +
                             options.chip + "'");
  llvm::SmallVector<StringRef> features;
  StringRef(options.features).split(features, ',', -1, /*KeepEmpty=*/false);
  for (StringRef feature : features) {
    StringRef name = feature.trim();
    if ((!name.consume_front("+") && !name.consume_front("-")) ||
        llvm::none_of(info->getAllProcessorFeatures(),
                      [&](const llvm::SubtargetFeatureKV &known) {
                        return name == known.Key;
                      }))
      return createStringError("expected a feature such as '+ptx88', got '" +
                               feature + "'");
    unsigned version = 0;
    if (name.consume_front("ptx") && !name.getAsInteger(10, version) &&
        version < 80)
      return createStringError("expected PTX 8.0 or newer, got '" + feature +
                               "'");
  }
  if (options.optLevel > 3)
    return createStringError(
        "expected an optimisation level from 0 to 3, got " +
        llvm::Twine(options.optLevel));
  return Error::success();
}

/// Short pointers are a command-line option of the back end, which reads it
/// only when a target machine is constructed. It is set for that time, under a
/// lock, and restored.
static Expected<std::unique_ptr<llvm::TargetMachine>>
constructTargetMachine(const llvm::Target &target,
                       const mla::TargetOptions &options) {
  static std::mutex mutex;
  std::lock_guard<std::mutex> lock(mutex);
  auto &registered = llvm::cl::getRegisteredOptions();
  auto found = registered.find("nvptx-short-ptr");
  if (found == registered.end())
    return createStringError("this LLVM has no option 'nvptx-short-ptr'");
  auto *shortPointers = static_cast<llvm::cl::opt<bool> *>(found->second);
  bool before = *shortPointers;
  shortPointers->setValue(options.shortPointers);
  llvm::scope_exit restore([&] { shortPointers->setValue(before); });
  return std::unique_ptr<llvm::TargetMachine>(target.createTargetMachine(
      llvm::Triple(kTriple), options.chip, options.features,
      llvm::TargetOptions(), /*RM=*/std::nullopt, /*CM=*/std::nullopt,
      static_cast<llvm::CodeGenOptLevel>(options.optLevel)));
}

static Expected<std::unique_ptr<llvm::TargetMachine>>
createTargetMachine(const mla::TargetOptions &options) {
  initializeNVPTX();
  std::string message;
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(llvm::Triple(kTriple), message);
  if (!target)
    return createStringError(message);
  if (Error error = checkNames(*target, options))
    return std::move(error);
  auto machine = constructTargetMachine(*target, options);
  if (machine && !*machine)
    return createStringError("LLVM has no target machine for " + kTriple);
  return machine;
}

Expected<std::string> mla::dataLayoutString(const TargetOptions &options) {
  auto machine = createTargetMachine(options);
  if (!machine)
    return machine.takeError();
  return (*machine)->createDataLayout().getStringRepresentation();
}

//===----------------------------------------------------------------------===//
// MLIR to LLVM IR
//===----------------------------------------------------------------------===//

static void registerTranslations(mlir::MLIRContext &context) {
  mlir::DialectRegistry registry;
  mlir::registerBuiltinDialectTranslation(registry);
  mlir::registerGPUDialectTranslation(registry);
  mlir::registerLLVMDialectTranslation(registry);
  mlir::registerNVVMDialectTranslation(registry);
  context.appendDialectRegistry(registry);
}

/// LLVM's verifier does not check that the constraints of inline assembly match
/// its operands (LLVM checks that when it parses text), and the back end
/// crashes or generates wrong code if they do not.
static Error verifyInlineAsm(const llvm::Function &function) {
  for (const llvm::Instruction &instruction : llvm::instructions(function)) {
    auto *call = llvm::dyn_cast<llvm::CallBase>(&instruction);
    if (!call || !call->isInlineAsm())
      continue;
    auto *code = llvm::cast<llvm::InlineAsm>(call->getCalledOperand());
    if (Error error = llvm::InlineAsm::verify(code->getFunctionType(),
                                              code->getConstraintString()))
      return createStringError(
          "invalid inline assembly in '" + function.getName() +
          "': " + llvm::toString(std::move(error)) + "; constraints '" +
          code->getConstraintString() + "'");
  }
  return Error::success();
}

static Error verify(const llvm::Module &module) {
  std::string message;
  llvm::raw_string_ostream stream(message);
  if (llvm::verifyModule(module, &stream))
    return createStringError("invalid LLVM IR: " + StringRef(message).rtrim());
  for (const llvm::Function &function : module)
    if (Error error = verifyInlineAsm(function))
      return error;
  return Error::success();
}

Expected<std::unique_ptr<llvm::Module>>
mla::translateToLLVMIR(mlir::Operation *module, llvm::LLVMContext &context) {
  mlir::MLIRContext &mlirContext = *module->getContext();
  registerTranslations(mlirContext);

  std::string message;
  llvm::raw_string_ostream stream(message);
  mlir::ScopedDiagnosticHandler handler(
      &mlirContext, [&](mlir::Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() != mlir::DiagnosticSeverity::Error)
          return mlir::failure();
        stream << (message.empty() ? "" : "\n") << diagnostic.getLocation()
               << ": " << diagnostic;
        return mlir::success();
      });
  // MLIR would verify as well, but print the errors.
  std::unique_ptr<llvm::Module> result = mlir::translateModuleToLLVMIR(
      module, context, "mla", /*disableVerification=*/true);
  if (!result)
    return createStringError("translation to LLVM IR failed: " + message);
  if (Error error = verify(*result))
    return std::move(error);
  return std::move(result);
}

//===----------------------------------------------------------------------===//
// LLVM IR to PTX
//===----------------------------------------------------------------------===//

namespace {
/// Collects LLVM's errors. Without a handler LLVM prints them and ends the
/// process.
struct ErrorCollector : llvm::DiagnosticHandler {
  ErrorCollector(std::string &message, llvm::DiagnosticHandler *previous)
      : message(message), previous(previous) {}

  bool handleDiagnostics(const llvm::DiagnosticInfo &info) override {
    if (info.getSeverity() != llvm::DS_Error) {
      if (previous)
        previous->handleDiagnostics(info);
      return true;
    }
    llvm::raw_string_ostream stream(message);
    llvm::DiagnosticPrinterRawOStream printer(stream);
    stream << (message.empty() ? "" : "\n");
    info.print(printer);
    return true;
  }

  std::string &message;
  llvm::DiagnosticHandler *previous;
};
} // namespace

/// Fills in triple and layout, and refuses a module made for others: with the
/// wrong width of shared pointers LLVM generates wrong code without an error.
static Error prepareModule(llvm::Module &module,
                           const llvm::TargetMachine &machine) {
  const llvm::Triple &triple = module.getTargetTriple();
  if (!triple.empty() && triple != machine.getTargetTriple())
    return createStringError("expected target triple '" + kTriple + "', got '" +
                             triple.str() + "'");
  llvm::DataLayout layout = machine.createDataLayout();
  if (!module.getDataLayoutStr().empty() && module.getDataLayout() != layout)
    return createStringError("expected data layout '" +
                             layout.getStringRepresentation() + "', got '" +
                             module.getDataLayoutStr() + "'");
  module.setTargetTriple(machine.getTargetTriple());
  module.setDataLayout(layout);
  if (llvm::none_of(module, [](const llvm::Function &function) {
        return !function.isDeclaration() &&
               function.getCallingConv() == llvm::CallingConv::PTX_Kernel;
      }))
    return createStringError(
        "expected a module that defines a kernel, got none");
  return verify(module);
}

static llvm::OptimizationLevel optimizationLevel(unsigned level) {
  switch (level) {
  case 0:
    return llvm::OptimizationLevel::O0;
  case 1:
    return llvm::OptimizationLevel::O1;
  case 2:
    return llvm::OptimizationLevel::O2;
  default:
    return llvm::OptimizationLevel::O3;
  }
}

static void optimize(llvm::Module &module, llvm::TargetMachine &machine,
                     const mla::TargetOptions &options) {
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = options.vectorizeLoops;
  tuning.LoopInterleaving = options.vectorizeLoops;
  tuning.SLPVectorization = options.vectorizeSLP;
  tuning.LoopUnrolling = options.unrollLoops;

  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager callGraph;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(callGraph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, callGraph, modules);
  builder.buildPerModuleDefaultPipeline(optimizationLevel(options.optLevel))
      .run(module, modules);
}

static Expected<std::string> runBackEnd(llvm::Module &module,
                                        llvm::TargetMachine &machine) {
  llvm::SmallString<0> ptx;
  llvm::raw_svector_ostream stream(ptx);
  llvm::legacy::PassManager passes;
  passes.add(new llvm::TargetLibraryInfoWrapperPass(machine.getTargetTriple()));
  if (machine.addPassesToEmitFile(passes, stream, /*DwoOut=*/nullptr,
                                  llvm::CodeGenFileType::AssemblyFile))
    return createStringError("the NVPTX back end cannot emit assembly");
  passes.run(module);
  return ptx.str().str();
}

Expected<std::string> mla::emitPTX(llvm::Module &module,
                                   const TargetOptions &options,
                                   std::string *optimizedIR) {
  auto machine = createTargetMachine(options);
  if (!machine)
    return machine.takeError();
  if (Error error = prepareModule(module, **machine))
    return std::move(error);

  llvm::LLVMContext &context = module.getContext();
  std::string message;
  std::unique_ptr<llvm::DiagnosticHandler> previous =
      context.getDiagnosticHandler();
  context.setDiagnosticHandler(
      std::make_unique<ErrorCollector>(message, previous.get()));
  llvm::scope_exit restore(
      [&] { context.setDiagnosticHandler(std::move(previous)); });

  optimize(module, **machine, options);
  if (optimizedIR) {
    optimizedIR->clear();
    llvm::raw_string_ostream stream(*optimizedIR);
    module.print(stream, /*AAW=*/nullptr);
  }
  Expected<std::string> ptx = runBackEnd(module, **machine);
  if (ptx && !message.empty())
    return createStringError("LLVM failed: " + message);
  return ptx;
}
