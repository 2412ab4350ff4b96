//===- Opt.cpp - fuzz target: mla-opt --------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// An input is IR whose first line is a comment with the passes to run, as
// "// mla-tile,mla-schedule". Refusing it with a diagnostic is right; a
// signal, a sanitizer's report, a hang or a memory hog is a fault.
//
//===----------------------------------------------------------------------===//

#include "IRMutator.h"
#include "PassList.h"
#include "mla/Conversion/Passes.h"
#include "mla/Pipelines/Parse.h"
#include "mla/Pipelines/Pipelines.h"
#include "mla/Support/TextFault.h"
#include "mla/Transforms/Passes.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include <algorithm>
#include <cstring>

using namespace mla;
using namespace mla::fuzz;

/// What the mutator puts into the first line: the project's passes, by CMake
/// from their .td files, and what stands between them.
static constexpr llvm::StringLiteral kPasses[] = {
#include "passes.inc"
    "canonicalize",
    "cse",
    "mla-cta-pipeline",
    "mla-kernel-pipeline",
    "mla-kernel-pipeline{schedule=swapped:block_kv=64:depth=2}",
    "mla-choose-schedule{schedule=shared-p:block_kv=32:depth=3}",
    "mla-choose-schedule{expect-sizes=s_kv=8192}",
    "mla-tile{threshold=8}",
    "mla-persist"};

static const mlir::DialectRegistry &getRegistry() {
  static const mlir::DialectRegistry registry = [] {
    registerMLATransformsPasses();
    registerMLAConversionPasses();
    registerPipelines();
    mlir::registerCanonicalizerPass();
    mlir::registerCSEPass();
    mlir::DialectRegistry registry;
    registerDialects(registry);
    return registry;
  }();
  return registry;
}

static void runPasses(llvm::StringRef pipeline, llvm::StringRef text) {
  // A context for each input, so that none depends on those before it.
  mlir::MLIRContext context(getRegistry(),
                            mlir::MLIRContext::Threading::DISABLED);
  // Printing a diagnostic prints what it names.
  mlir::ScopedDiagnosticHandler drop(
      &context, [](mlir::Diagnostic &diagnostic) {
        llvm::raw_null_ostream() << diagnostic;
        for (mlir::Diagnostic &note : diagnostic.getNotes())
          llvm::raw_null_ostream() << note;
        return mlir::success();
      });
  mlir::OwningOpRef<mlir::ModuleOp> module =
      mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  if (!module)
    return;
  mlir::PassManager pm(&context, mlir::ModuleOp::getOperationName(),
                       mlir::OpPassManager::Nesting::Implicit);
  llvm::raw_null_ostream null;
  if (succeeded(addPasses(pipeline, pm)) && succeeded(pm.run(*module)))
    module->print(null);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  llvm::StringRef text(reinterpret_cast<const char *>(data), size);
  if (findTextFault(text))
    return -1; // Not for the corpus.
  runPasses(splitPasses(text).first, text);
  return 0;
}

static size_t copyOut(const std::string &text, uint8_t *data, size_t limit) {
  size_t size = std::min(text.size(), limit);
  std::memcpy(data, text.data(), size);
  return size;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size,
                                          size_t limit, unsigned seed) {
  llvm::StringRef text(reinterpret_cast<const char *>(data), size);
  return copyOut(IRMutator(seed, kPasses).mutate(text), data, limit);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t aSize,
                                            const uint8_t *b, size_t bSize,
                                            uint8_t *out, size_t limit,
                                            unsigned seed) {
  llvm::StringRef text(reinterpret_cast<const char *>(a), aSize);
  llvm::StringRef donor(reinterpret_cast<const char *>(b), bSize);
  return copyOut(IRMutator(seed, kPasses).cross(text, donor), out, limit);
}
