//===- mla-opt.cpp - run the compiler's passes ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Conversion/Passes.h"
#include "mla/Pipelines/Pipelines.h"
#include "mla/Transforms/Passes.h"
#include "mla/Tuning/TuningTable.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/Support/CommandLine.h"

int main(int argc, char **argv) {
  llvm::cl::AddExtraVersionPrinter([](llvm::raw_ostream &os) {
    os << "  mla version " << mla::getVersion() << "\n";
  });
  mlir::DialectRegistry registry;
  mla::registerDialects(registry);
  mla::registerMLATransformsPasses();
  mla::registerMLAConversionPasses();
  mla::registerPipelines();
  mlir::registerTransformsPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(
      argc, argv, "MLA compiler: multi-head latent attention for Hopper\n",
      registry));
}
