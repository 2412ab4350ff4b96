//===- Pipelines.h - pass pipelines -----------------------------*- C++ -*-===//
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
      llvm::cl::desc("name or file of a schedule, or auto, for operators "
                     "without one; :PARAMETER=N overrides a parameter"),
      llvm::cl::init("auto")};
  Option<std::string> expectSizes{
      *this, "expect-sizes",
      llvm::cl::desc("NAME=N,...: expected values of sizes known only at run "
                     "time")};
  Option<double> threshold{
      *this, "threshold",
      llvm::cl::desc(
          "log2 of the factor by which weights may grow before a lazy "
          "softmax rescales"),
      llvm::cl::init(8)};
  Option<std::string> gpu{
      *this, "gpu", llvm::cl::desc("name of the GPU (H100, H200), if known")};
  Option<std::string> tuningTable{
      *this, "tuning-table",
      llvm::cl::desc("file to use instead of the built-in tuning table")};
};

/// Lowers mla IR to a tile program.
void buildTilePipeline(mlir::OpPassManager &pm,
                       const KernelPipelineOptions &options);

/// Lowers mla or tile IR to a verified cta program.
void buildCTAPipeline(mlir::OpPassManager &pm,
                      const KernelPipelineOptions &options);

/// Lowers mla or tile IR to a kernel in the llvm and nvvm dialects.
void buildKernelPipeline(mlir::OpPassManager &pm,
                         const KernelPipelineOptions &options);

/// The passes of buildKernelPipeline() after which the IR can be dumped, in
/// order: all but canonicalization and CSE.
std::vector<std::string> listKernelPasses();

/// A list of the registered pipelines, and of the project's passes in pipeline
/// order, with their summaries: the preface of `mla-opt --help`.
std::string describePasses();

/// Registers --mla-cta-pipeline and --mla-kernel-pipeline, and the passes of
/// MLIR that they contain.
void registerPipelines();

/// Registers the project's dialects, those that its passes use, and the
/// operators.
void registerDialects(mlir::DialectRegistry &registry);

} // namespace mla

#endif // MLA_PIPELINES_PIPELINES_H
