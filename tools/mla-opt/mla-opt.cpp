//===- mla-opt.cpp - run the compiler's passes ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Conversion/Passes.h"
#include "mla/Pipelines/Parse.h"
#include "mla/Pipelines/Pipelines.h"
#include "mla/Runtime/Files.h"
#include "mla/Support/Files.h"
#include "mla/Support/TextFault.h"
#include "mla/Transforms/Passes.h"
#include "mla/Tuning/TuningTable.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"

static int fail(llvm::Error error) {
  llvm::errs() << "error: " << llvm::toString(std::move(error)) << "\n";
  return 1;
}

/// MLIR's MlirOptMain, but that it reads with a limit, that a text which MLIR's
/// parser does not survive is an error, and so is a file that cannot be
/// written.
static int run(int argc, char **argv, mlir::DialectRegistry &registry) {
  auto [input, output] = mlir::registerAndParseCLIOptions(
      argc, argv, "MLA compiler: multi-head latent attention for Hopper\n",
      registry);
  auto config = mlir::MlirOptMainConfig::createFromCLOptions();
  if (config.shouldShowDialects() || config.shouldListPasses())
    return mlir::asMainReturnCode(
        mlir::MlirOptMain(argc, argv, input, output, registry));
  auto buffer = mla::readFile(input);
  if (!buffer)
    return fail(buffer.takeError());
  if (std::optional<mla::TextFault> fault =
          mla::findTextFault((*buffer)->getBuffer())) {
    llvm::errs() << (*buffer)->getBufferIdentifier() << ":" << fault->line
                 << ":1: error: " << fault->message << "\n";
    return 1;
  }
  // Programs that come before a faulty one are printed, as they are done.
  if (output == "-")
    return mlir::asMainReturnCode(
        mlir::MlirOptMain(llvm::outs(), std::move(*buffer), registry, config));
  std::string text;
  llvm::raw_string_ostream os(text);
  if (failed(mlir::MlirOptMain(os, std::move(*buffer), registry, config)))
    return 1;
  if (llvm::Error error = mla::writeFile(output, text))
    return fail(std::move(error));
  return 0;
}

int main(int argc, char **argv) {
  mla::runtime::guardStandardStreams();
  llvm::InitLLVM init(argc, argv);
  mla::runtime::ignoreFileSizeSignal();
  llvm::cl::AddExtraVersionPrinter([](llvm::raw_ostream &os) {
    os << "  mla version " << mla::getVersion() << "\n";
  });
  mlir::DialectRegistry registry;
  mla::registerDialects(registry);
  mla::registerMLATransformsPasses();
  mla::registerMLAConversionPasses();
  mla::registerPipelines();
  mlir::registerTransformsPasses();
  return mla::finishOutput(run(argc, argv, registry));
}
