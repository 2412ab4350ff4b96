//===- mla-opt.cpp - run the compiler's passes ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Conversion/Passes.h"
#include "mla/Pipelines/Parse.h"
#include "mla/Pipelines/Pipelines.h"
#include "mla/Transforms/Passes.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/Support/MemoryBuffer.h"

/// Whether MLIR's parser survives the file; standard input is not looked at.
static bool isSafeToParse(llvm::StringRef path) {
  auto file = llvm::MemoryBuffer::getFile(path);
  if (!file)
    return true; // MLIR says why it cannot be read.
  std::optional<mla::TextFault> fault =
      mla::findTextFault((*file)->getBuffer());
  if (fault)
    llvm::errs() << path << ":" << fault->line
                 << ":1: error: " << fault->message << "\n";
  return !fault;
}

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mla::registerDialects(registry);
  mla::registerMLATransformsPasses();
  mla::registerMLAConversionPasses();
  mla::registerPipelines();
  mlir::registerTransformsPasses();
  auto [input, output] = mlir::registerAndParseCLIOptions(
      argc, argv, "MLA compiler: multi-head latent attention for Hopper\n",
      registry);
  if (input != "-" && !isSafeToParse(input))
    return 1;
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, input, output, registry));
}
