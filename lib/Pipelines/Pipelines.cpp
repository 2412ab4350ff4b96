//===- Pipelines.cpp - pass pipelines ---------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Pipelines/Pipelines.h"
#include "mla/Conversion/Passes.h"
#include "mla/Operators/Operators.h"
#include "mla/Transforms/Passes.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"

using namespace mlir;
using namespace mla;

void mla::buildTilePipeline(OpPassManager &pm,
                            const KernelPipelineOptions &options) {
  OpPassManager &func = pm.nest<func::FuncOp>();
  // First, because the other passes use the target's limits.
  AttachTargetOptions attach;
  attach.target = options.target;
  func.addPass(createAttachTarget(attach));
  // Before tiling, which uses the schedule's tile sizes and replaces the
  // operator, from which the shape is read.
  ChooseScheduleOptions choose;
  choose.schedule = options.schedule;
  choose.expectSizes = options.expectSizes;
  choose.gpu = options.gpu;
  choose.tuningTable = options.tuningTable;
  func.addPass(createChooseSchedule(choose));
  // After the schedule is chosen, which determines the rows of output tiles and
  // with them the sizes of workspaces.
  pm.addPass(createExpandOperators());
  TileOptions tile;
  tile.threshold = options.threshold;
  pm.addNestedPass<func::FuncOp>(createTile(tile));
}

void mla::buildCTAPipeline(OpPassManager &pm,
                           const KernelPipelineOptions &options) {
  buildTilePipeline(pm, options);
  OpPassManager &func = pm.nest<func::FuncOp>();

  // Rewrites of the tile program that the schedule requests. Pairing is first,
  // so that later rewrites apply to both tiles of a pair. The softmax is
  // decomposed because schedules place its parts separately.
  func.addPass(createPairTiles());
  func.addPass(createSplitWidth());
  func.addPass(createSplitTail());
  func.addPass(createPersist());
  func.addPass(createDecomposeSoftmax());
  // After decomposition, which creates the sums. Splitting is first, because
  // partial sums can be deferred or folded too. Operands are swapped last,
  // because tile.online_softmax exists along rows only.
  func.addPass(createSplitSums());
  func.addPass(createDeferSums());
  func.addPass(createFoldSums());
  func.addPass(createSwapAB());
  // Before folding, which can remove labelled ops.
  func.addPass(createVerifySchedule());
  func.addPass(createFoldTiles());

  // Roles. Layouts are assigned before pipelining, which clones ops into the
  // prologue and epilogue, and before lowering cross-warp reductions, which
  // they determine.
  func.addPass(createSchedule());
  func.addPass(createAssignLayouts());
  func.addPass(createReduceAcrossWarps());
  func.addPass(createPipeline());
  func.addPass(createGridCanonicalizer());
  func.addPass(createCSEPass());

  // Hardware resources. Barriers come after pipelining, which determines the
  // iteration in which the last reader of a slot finishes. Fences come after
  // descriptors, which show what is read through the async proxy. Pending
  // counts come last, when the order of MMAs is final.
  func.addPass(createStageShared());
  func.addPass(createMaterializeBarriers());
  func.addPass(createElideBarriers());
  func.addPass(createWgmmaDescriptors());
  func.addPass(createInsertAsyncFences());
  func.addPass(createInsertMmaSync());
  // CSE first: it merges the two definitions of a slot in prologue and loop, so
  // that the canonicalizer can remove the loop argument that carries it.
  func.addPass(createCSEPass());
  func.addPass(createGridCanonicalizer());
  func.addPass(createCSEPass());
  func.addPass(createVerifyAsync());
}

void mla::buildKernelPipeline(OpPassManager &pm,
                              const KernelPipelineOptions &options) {
  buildCTAPipeline(pm, options);
  pm.addPass(createConvertMLAToNVVM());
  // MLIR's own lowerings.
  pm.addPass(createGridCanonicalizer());
  pm.addPass(createCSEPass());
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(createConvertNVVMToLLVMPass());
  pm.addPass(createConvertMathToLLVMPass());
  pm.addPass(createArithToLLVMConversionPass());
  pm.addPass(createConvertIndexToLLVMPass());
  pm.addPass(createConvertControlFlowToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addPass(createGridCanonicalizer());
  pm.addPass(createCSEPass());
}

std::vector<std::string> mla::listKernelPasses() {
  OpPassManager pm(ModuleOp::getOperationName());
  KernelPipelineOptions options;
  buildKernelPipeline(pm, options);
  // Passes of nested pipelines are accessible as text only:
  // "builtin.module(func.func(mla-tile{threshold=8},cse),convert-mla-to-nvvm)".
  std::string text;
  llvm::raw_string_ostream os(text);
  pm.printAsTextualPipeline(os);
  std::string withoutOptions;
  int depth = 0;
  for (char c : text) {
    depth += c == '{';
    if (depth == 0)
      withoutOptions += c;
    depth -= c == '}';
  }
  SmallVector<StringRef> parts;
  llvm::SplitString(withoutOptions, parts, "(),");
  auto isName = [](StringRef part) {
    return llvm::all_of(part,
                        [](char c) { return llvm::isAlnum(c) || c == '-'; });
  };
  std::vector<std::string> names;
  for (StringRef part : parts)
    if (isName(part) && part != "canonicalize" && part != "cse")
      names.push_back(part.str());
  return names;
}

std::string mla::describePasses() {
  std::string text;
  llvm::raw_string_ostream os(text);
  auto describe = [&](const PassRegistryEntry *entry) {
    os << "  --" << llvm::left_justify(entry->getPassArgument(), 26) << " - "
       << entry->getPassDescription() << "\n";
  };
  os << "Pipelines:\n";
  for (StringRef name : {"mla-cta-pipeline", "mla-kernel-pipeline"})
    describe(PassPipelineInfo::lookup(name));
  os << "Passes, in the order of the pipelines:\n";
  for (const std::string &name : listKernelPasses())
    if (StringRef(name).contains("mla-"))
      describe(PassInfo::lookup(name));
  return text;
}

void mla::registerPipelines() {
  PassPipelineRegistration<KernelPipelineOptions>(
      "mla-cta-pipeline", "lower mla or tile IR to a verified cta program",
      buildCTAPipeline);
  PassPipelineRegistration<KernelPipelineOptions>(
      "mla-kernel-pipeline",
      "lower mla or tile IR to a kernel in the llvm and nvvm dialects",
      buildKernelPipeline);
  // MLIR's passes in these pipelines, so that the text of a pipeline parses.
  registerTransformsPasses();
  registerSCFToControlFlowPass();
  registerConvertNVVMToLLVMPass();
  registerConvertMathToLLVMPass();
  registerArithToLLVMConversionPass();
  registerConvertIndexToLLVMPass();
  registerConvertControlFlowToLLVMPass();
  registerReconcileUnrealizedCastsPass();
}

void mla::registerDialects(DialectRegistry &registry) {
  registry.insert<MLADialect, tile::TileDialect, cta::CTADialect,
                  arith::ArithDialect, cf::ControlFlowDialect,
                  func::FuncDialect, LLVM::LLVMDialect, math::MathDialect,
                  memref::MemRefDialect, NVVM::NVVMDialect, scf::SCFDialect,
                  tensor::TensorDialect, vector::VectorDialect>();
  registerOperators(registry);
}
