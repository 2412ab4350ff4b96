//===- mla-opt.cpp - run the compiler's passes ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Conversion/Passes.h"
#include "mla/Transforms/Passes.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  registry.insert<mla::MLADialect, mla::tile::TileDialect, mla::cta::CTADialect,
                  mlir::func::FuncDialect, mlir::scf::SCFDialect,
                  mlir::math::MathDialect, mlir::tensor::TensorDialect,
                  mlir::memref::MemRefDialect, mlir::arith::ArithDialect>();
  mla::registerMLATransformsPasses();
  mla::registerMLAConversionPasses();
  mlir::registerTransformsPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(
      argc, argv, "MLA compiler: multi-head latent attention for Hopper\n",
      registry));
}
