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
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"

static int fail(llvm::Error error) {
  llvm::errs() << "error: " << llvm::toString(std::move(error)) << "\n";
  return 1;
}

/// Hides the options that LLVM's code generators register. `--help` begins with
/// the project's own passes and lists MLIR's options after them;
/// `--help-hidden` lists all.
static void hideCodeGeneratorOptions() {
  for (auto &[name, option] : llvm::cl::getRegisteredOptions())
    if (llvm::is_contained(option->Categories, &llvm::cl::getGeneralCategory()))
      option->setHiddenFlag(llvm::cl::Hidden);
}

/// Does what MlirOptMain does, with three differences: the size of the input is
/// limited, input that would crash MLIR's parser is an error, and so is a
/// failure to write the output.
static int run(int argc, char **argv, mlir::DialectRegistry &registry) {
  // Before MLIR registers its options.
  hideCodeGeneratorOptions();
  std::string help = mlir::registerCLIOptions(
      "MLA compiler: multi-head latent attention for Hopper\n\n" +
          mla::describePasses(),
      registry);
  auto [input, output] = mlir::parseCLIOptions(argc, argv, help);
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
  // Directly to the stream: with --split-input-file, modules in front of an
  // invalid one are printed.
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
  return mla::finishOutput(run(argc, argv, registry));
}
