//===- Pipelines.h - the passes in order ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_PIPELINES_PIPELINES_H
#define MLA_PIPELINES_PIPELINES_H

#include "mla/Support/Target.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

namespace mla {

/// Options of the named pipelines.
struct KernelPipelineOptions
    : mlir::PassPipelineOptions<KernelPipelineOptions> {
  Option<std::string> target{*this, "target",
                             llvm::cl::desc("GPU to compile for (sm_90a)"),
                             llvm::cl::init(std::string(kDefaultTarget.name))};
  Option<std::string> schedule{
      *this, "schedule",
      llvm::cl::desc("schedule of an operator that carries none: a name, a "
                     "file or auto, and :PARAMETER=N to change it"),
      llvm::cl::init("auto")};
  Option<std::string> expectSizes{
      *this, "expect-sizes",
      llvm::cl::desc("NAME=N,...: sizes to choose for, if only known at run "
                     "time")};
  Option<double> threshold{
      *this, "threshold",
      llvm::cl::desc(
          "how far, in powers of two, weights may grow before a lazy "
          "softmax rescales"),
      llvm::cl::init(8)};
  Option<std::string> gpu{*this, "gpu",
                          llvm::cl::desc("name of the GPU, if known")};
  Option<std::string> tuningTable{
      *this, "tuning-table",
      llvm::cl::desc("a file, instead of the tuning table that ships")};
};

/// mla IR to a tile program.
void buildTilePipeline(mlir::OpPassManager &pm,
                       const KernelPipelineOptions &options);

/// mla or tile IR to a verified CTA program.
void buildCTAPipeline(mlir::OpPassManager &pm,
                      const KernelPipelineOptions &options);

/// mla or tile IR to a kernel in the llvm and nvvm dialects.
void buildKernelPipeline(mlir::OpPassManager &pm,
                         const KernelPipelineOptions &options);

/// The names of the passes of buildKernelPipeline() that a dump has a file for,
/// in order.
std::vector<std::string> listKernelPasses();

/// Registers --mla-cta-pipeline and --mla-kernel-pipeline.
void registerPipelines();

/// The dialects of the project and those that its passes use.
void registerDialects(mlir::DialectRegistry &registry);

} // namespace mla

#endif // MLA_PIPELINES_PIPELINES_H
