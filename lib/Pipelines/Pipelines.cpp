//===- Pipelines.cpp - the passes in order, and why -------------*- C++ -*-===//
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

using namespace mlir;
using namespace mla;

/// MLIR's canonicalizer without the patterns that dissolve a forall of one
/// iteration: it is the grid, however small, and roles stand in it.
static std::unique_ptr<Pass> createFolder() {
  return createCanonicalizerPass(
      GreedyRewriteConfig(),
      {"(anonymous namespace)::ForallOpSingleOrZeroIterationDimsFolder",
       "(anonymous namespace)::ForallOpReplaceConstantInductionVar"});
}

namespace {
/// Folds tile programs. One with roles has been folded, and its loops carry
/// marks for --mla-pipeline, which folding drops.
struct FoldTilesPass : PassWrapper<FoldTilesPass, OperationPass<func::FuncOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(FoldTilesPass)

  void runOnOperation() override {
    for (scf::ForallOp program : getOperation().getOps<scf::ForallOp>())
      if (!program.getOps<cta::RoleOp>().empty())
        return;
    OpPassManager pm(func::FuncOp::getOperationName());
    pm.addPass(createFolder());
    pm.addPass(createCSEPass());
    if (failed(runPipeline(pm, getOperation())))
      signalPassFailure();
  }
};
} // namespace

void mla::buildTilePipeline(OpPassManager &pm,
                            const KernelPipelineOptions &options) {
  OpPassManager &func = pm.nest<func::FuncOp>();
  // First: every other pass asks for the target's limits.
  AttachTargetOptions attach;
  attach.target = options.target;
  func.addPass(createAttachTarget(attach));
  // Before tiling, which goes by the schedule's tile; and while the operator is
  // there to tell the shape.
  ChooseScheduleOptions choose;
  choose.schedule = options.schedule;
  choose.expectSizes = options.expectSizes;
  choose.gpu = options.gpu;
  choose.tuningTable = options.tuningTable;
  func.addPass(createChooseSchedule(choose));
  TileOptions tile;
  tile.threshold = options.threshold;
  func.addPass(createTile(tile));
}

void mla::buildCTAPipeline(OpPassManager &pm,
                           const KernelPipelineOptions &options) {
  buildTilePipeline(pm, options);
  OpPassManager &func = pm.nest<func::FuncOp>();

  // Algorithm. The softmax is decomposed before scheduling because schedules
  // place its parts; folding first keeps labelled ops the only work there is.
  // What the schedule wants of the algorithm. Tiles are paired first, so that
  // the parts of a pair are of the same making.
  func.addPass(createPairTiles());
  func.addPass(createSplitWidth());
  func.addPass(createSplitTail());
  func.addPass(createPersist());
  func.addPass(createDecomposeSoftmax());
  // Sums are parts of the softmax. The partial sums of a loop that is split are
  // deferred like any other; a softmax along columns has no op of its own, so
  // that operands are swapped last.
  func.addPass(createSplitSums());
  func.addPass(createDeferSums());
  func.addPass(createSwapAB());
  // With every label there is, before folding drops some.
  func.addPass(createVerifySchedule());
  func.addPass(std::make_unique<FoldTilesPass>());

  // Roles. Layouts are inferred while each value still has one definition:
  // pipelining copies ops into the prologue and the epilogue. They say which
  // reductions several warps share.
  func.addPass(createSchedule());
  func.addPass(createAssignLayouts());
  func.addPass(createReduceAcrossWarps());
  func.addPass(createPipeline());
  func.addPass(createFolder());
  func.addPass(createCSEPass());

  // Machine. Barriers come after pipelining, which decides in which iteration
  // the last reader of a slot is done. Fences come after descriptors, which say
  // who reads through the async proxy; counts come last, when no product is
  // moved any more.
  func.addPass(createStageShared());
  func.addPass(createMaterializeBarriers());
  func.addPass(createElideBarriers());
  func.addPass(createWgmmaDescriptors());
  func.addPass(createInsertAsyncFences());
  func.addPass(createInsertMmaSync());
  // A slot that every iteration takes anew is carried no more once its two
  // definitions are one.
  func.addPass(createCSEPass());
  func.addPass(createFolder());
  func.addPass(createCSEPass());
  func.addPass(createVerifyAsync());
}

void mla::buildKernelPipeline(OpPassManager &pm,
                              const KernelPipelineOptions &options) {
  buildCTAPipeline(pm, options);
  pm.addPass(createConvertMLAToNVVM());
  // From here on everything is MLIR's own.
  pm.addPass(createFolder());
  pm.addPass(createCSEPass());
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(createConvertNVVMToLLVMPass());
  pm.addPass(createConvertMathToLLVMPass());
  pm.addPass(createArithToLLVMConversionPass());
  pm.addPass(createConvertIndexToLLVMPass());
  pm.addPass(createConvertControlFlowToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addPass(createFolder());
  pm.addPass(createCSEPass());
}

std::vector<std::string> mla::listKernelPasses() {
  OpPassManager pm(ModuleOp::getOperationName());
  KernelPipelineOptions options;
  buildKernelPipeline(pm, options);
  // Passes of nested pipelines can be had as text alone:
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

void mla::registerPipelines() {
  PassPipelineRegistration<KernelPipelineOptions>(
      "mla-cta-pipeline", "mla or tile IR to a verified CTA program",
      buildCTAPipeline);
  PassPipelineRegistration<KernelPipelineOptions>(
      "mla-kernel-pipeline",
      "mla or tile IR to a kernel in the llvm and nvvm dialects",
      buildKernelPipeline);
}

void mla::registerDialects(DialectRegistry &registry) {
  registry.insert<MLADialect, tile::TileDialect, cta::CTADialect,
                  arith::ArithDialect, cf::ControlFlowDialect,
                  func::FuncDialect, LLVM::LLVMDialect, math::MathDialect,
                  memref::MemRefDialect, NVVM::NVVMDialect, scf::SCFDialect,
                  tensor::TensorDialect, vector::VectorDialect>();
  registerOperators(registry);
}
