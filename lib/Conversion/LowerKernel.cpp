//===- LowerKernel.cpp - one kernel to NVVM ---------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "LowerKernel.h"
#include "KernelContext.h"
#include "RegisterBudget.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "llvm/Support/Debug.h"

#define DEBUG_TYPE "convert-mla-to-nvvm"

using namespace mlir;
using namespace mla;

namespace {
/// Lowers one kernel.
class KernelLowering {
public:
  explicit KernelLowering(KernelInterface &kernel)
      : func(kernel.func), target(getTarget(func)), grid(kernel.grid),
        roles(kernel.roles), threads(kernel.threads), context(kernel) {}

  LogicalResult run();

private:
  /// Replaces a grid size that depends on the number of SMs, which only the
  /// launch knows, by %nctaid.
  LogicalResult readGridSize();
  /// Appends the kernel's parameters after the function's arguments.
  void addParameters();
  void addTensorParameters(BlockArgument arg);
  void addTensorMapParameters();
  LogicalResult lowerOps();
  void inlineRoles();
  /// Computes the grid's induction variables from the number of the CTA:
  /// row-major, the last dimension varies fastest.
  SmallVector<Value> computeIndices(ImplicitLocOpBuilder &b, Value block);
  void readIndicesInRoles();
  void inlineGrid();
  /// Erases the arguments that parameters have replaced and marks the kernel.
  void finishSignature();

  func::FuncOp func;
  const TargetSpec &target;
  scf::ForallOp grid;
  ArrayRef<cta::RoleOp> roles;
  int64_t threads;
  /// The registers of the role if there is only one, otherwise 0.
  int64_t onlyRoleRegisters = 0;
  KernelContext context;
  SmallVector<ArgumentUse> uses;
  SmallVector<unsigned> mapParameters;
};
} // namespace

LogicalResult mla::lowerKernel(KernelInterface &kernel) {
  return KernelLowering(kernel).run();
}

LogicalResult KernelLowering::run() {
  if (roles.size() == 1)
    onlyRoleRegisters = cta::RoleOp(roles.front()).getRegisters();
  for (BlockArgument arg : func.getArguments())
    uses.push_back(getArgumentUse(arg));
  if (failed(readGridSize()))
    return failure();
  addParameters();
  if (failed(lowerOps()))
    return failure();
  inlineElected(func);
  readIndicesInRoles();
  inlineRoles();
  inlineGrid();
  finishSignature();
  return success();
}

//===----------------------------------------------------------------------===//
// Signature
//===----------------------------------------------------------------------===//

LogicalResult KernelLowering::readGridSize() {
  auto counts = func.getOps<tile::SmCountOp>();
  if (!counts.empty() && grid.getRank() == 1) {
    ImplicitLocOpBuilder b(grid.getLoc(), grid);
    for (Value bound : grid.getDynamicUpperBound()) {
      Value ctas = NVVM::GridDimXOp::create(b, b.getI32Type());
      bound.replaceAllUsesWith(
          arith::IndexCastUIOp::create(b, b.getIndexType(), ctas));
    }
  }
  // Erases the computation of the grid's size: tile.sm_count has no lowering.
  for (Operation &op :
       llvm::make_early_inc_range(llvm::reverse(func.getBody().front())))
    if (!counts.empty() && isOpTriviallyDead(&op))
      op.erase();
  WalkResult others = func.walk([](tile::SmCountOp op) -> WalkResult {
    return op.emitOpError("is lowered where the size of a grid of one "
                          "dimension is computed of it");
  });
  return failure(others.wasInterrupted());
}

void KernelLowering::addTensorParameters(BlockArgument arg) {
  auto type = cast<MemRefType>(arg.getType());
  Block &entry = func.getBody().front();
  Type i64 = IntegerType::get(func.getContext(), 64);
  Builder b(func.getContext());
  GlobalTensor tensor;
  tensor.elementType = getRegisterType(type.getElementType());
  ArgumentUse use = uses[arg.getArgNumber()];
  if (use.address)
    tensor.base = entry.addArgument(i64, arg.getLoc());
  if (!use.layout)
    return;
  auto [strides, offset] = type.getStridesAndOffset();
  for (int64_t d = 0; d < type.getRank(); ++d)
    tensor.sizes.push_back(
        type.isDynamicDim(d)
            ? OpFoldResult(entry.addArgument(i64, arg.getLoc()))
            : OpFoldResult(b.getIndexAttr(type.getDimSize(d))));
  for (int64_t stride : strides)
    tensor.strides.push_back(
        ShapedType::isDynamic(stride)
            ? OpFoldResult(entry.addArgument(i64, arg.getLoc()))
            : OpFoldResult(b.getIndexAttr(stride)));
  context.tensors[arg] = tensor;
}

void KernelLowering::addTensorMapParameters() {
  auto pointer = LLVM::LLVMPointerType::get(func.getContext());
  Block &entry = func.getBody().front();
  func.walk([&](cta::TensorMapOp map) {
    Value parameter = entry.addArgument(pointer, map.getLoc());
    mapParameters.push_back(cast<BlockArgument>(parameter).getArgNumber());
    context.tensorMaps[map.getResult()] = parameter;
  });
}

void KernelLowering::addParameters() {
  Block &entry = func.getBody().front();
  SmallVector<BlockArgument> arguments(entry.getArguments());
  for (BlockArgument arg : arguments) {
    if (isa<MemRefType>(arg.getType()))
      addTensorParameters(arg);
    else
      arg.replaceAllUsesWith(entry.addArgument(arg.getType(), arg.getLoc()));
  }
  addTensorMapParameters();
}

void KernelLowering::finishSignature() {
  Block &entry = func.getBody().front();
  unsigned original = func.getNumArguments();
  entry.eraseArguments(0, original);
  OpBuilder b(func);
  auto type =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(func.getContext()),
                                  llvm::to_vector(entry.getArgumentTypes()));
  auto kernel =
      LLVM::LLVMFuncOp::create(b, func.getLoc(), func.getSymName(), type);
  kernel.getBody().takeBody(func.getBody());
  Operation *end = entry.getTerminator();
  b.setInsertionPoint(end);
  LLVM::ReturnOp::create(b, end->getLoc(), ValueRange());
  end->erase();
  // A CUtensorMap is passed by value: 128 bytes, which TMA reads from the
  // parameter space.
  for (unsigned number : mapParameters) {
    unsigned i = number - original;
    auto bytes = LLVM::LLVMArrayType::get(b.getI8Type(), 128);
    kernel.setArgAttr(i, "llvm.byval", TypeAttr::get(bytes));
    kernel.setArgAttr(i, "llvm.align", b.getI64IntegerAttr(64));
    kernel.setArgAttr(i, "nvvm.grid_constant", b.getUnitAttr());
  }
  kernel->setAttr("nvvm.kernel", b.getUnitAttr());
  kernel->setAttr("nvvm.reqntid",
                  b.getDenseI32ArrayAttr({static_cast<int32_t>(threads)}));
  // A single role's register count limits the kernel's, so that several CTAs
  // can share an SM. With several roles, one CTA per SM may use all registers.
  if (onlyRoleRegisters)
    kernel->setAttr("nvvm.maxnreg", b.getI32IntegerAttr(onlyRoleRegisters));
  else
    kernel->setAttr("nvvm.minctasm", b.getI32IntegerAttr(1));
  func.erase();
}

//===----------------------------------------------------------------------===//
// Body
//===----------------------------------------------------------------------===//

static void addTypeConversions(TypeConverter &types) {
  types.addConversion([](Type type) { return type; });
  auto fragment = [](RankedTensorType type) -> Type {
    if (!cta::hasLayout(type))
      return {};
    int64_t count = getNumRegisters(type);
    Type i32 = IntegerType::get(type.getContext(), 32);
    if (isPacked(type))
      return VectorType::get(count / 2, i32);
    if (isBits(type))
      return VectorType::get(getNumWords(type), i32);
    return VectorType::get(count, getRegisterType(type.getElementType()));
  };
  types.addConversion(fragment);
  types.addConversion([=](cta::InFlightType type) -> Type {
    return fragment(type.getFragment());
  });
  auto shared = [](Type type) -> Type {
    return LLVM::LLVMPointerType::get(
        type.getContext(),
        static_cast<unsigned>(NVVM::NVVMMemorySpace::Shared));
  };
  types.addConversion([=](cta::RingType type) { return shared(type); });
  types.addConversion([=](cta::BufferType type) { return shared(type); });
  types.addConversion([=](cta::MBarrierType type) { return shared(type); });
  types.addConversion([](cta::NamedBarrierType type) -> Type {
    return IntegerType::get(type.getContext(), 32);
  });
  types.addConversion([](cta::DescriptorType type) -> Type {
    return IntegerType::get(type.getContext(), 64);
  });
  types.addConversion([](cta::TensorMapType type) -> Type {
    return LLVM::LLVMPointerType::get(type.getContext());
  });
}

LogicalResult KernelLowering::lowerOps() {
  MLIRContext *ctx = func.getContext();
  TypeConverter types;
  addTypeConversions(types);
  ConversionTarget legal(*ctx);
  legal.addLegalDialect<LLVM::LLVMDialect, NVVM::NVVMDialect>();
  legal.addIllegalDialect<cta::CTADialect, tile::TileDialect>();
  legal.addIllegalOp<memref::DimOp, memref::LoadOp, math::ExpOp, math::Exp2Op,
                     math::Log2Op>();
  // Roles and the grid are inlined afterwards.
  legal.addLegalOp<cta::ElectOp, cta::RoleOp, cta::YieldOp>();
  legal.markUnknownOpDynamicallyLegal([&](Operation *op) {
    return isa<func::FuncOp>(op) || types.isLegal(op);
  });
  RewritePatternSet patterns(ctx);
  populateBitPatterns(types, patterns);
  populateBulkPatterns(types, patterns, context);
  populateDirectPatterns(types, patterns, context);
  populateElementwisePatterns(types, patterns);
  populateFlagPatterns(types, patterns, context);
  populateCopyPatterns(types, patterns, context);
  populateMemoryPatterns(types, patterns, context);
  populateStorePatterns(types, patterns, context);
  populateMmaPatterns(types, patterns);
  populateNamedBarrierPatterns(types, patterns);
  populateReductionPatterns(types, patterns);
  populateSyncPatterns(types, patterns);
  scf::populateSCFStructuralTypeConversionsAndLegality(types, patterns, legal);
  return applyFullConversion(func, legal, std::move(patterns));
}

static void setRegisters(OpBuilder &b, Location loc, int64_t registers,
                         int64_t atLaunch) {
  LLVM_DEBUG(llvm::dbgs() << DEBUG_TYPE ": setmaxnreg " << registers << ", "
                          << atLaunch << " at launch\n");
  NVVM::SetMaxRegisterOp::create(b, loc, registers,
                                 registers > atLaunch
                                     ? NVVM::SetMaxRegisterAction::increase
                                     : NVVM::SetMaxRegisterAction::decrease);
}

/// Replaces each role by a branch that its warps take.
void KernelLowering::inlineRoles() {
  ImplicitLocOpBuilder b(func.getLoc(), roles.front());
  auto i32 = [&](int64_t value) {
    return LLVM::ConstantOp::create(b, b.getI32Type(),
                                    b.getI32IntegerAttr(value))
        .getResult();
  };
  // The shuffle tells ptxas that the branch is warp-uniform.
  Value warp = LLVM::LShrOp::create(
      b, NVVM::ThreadIdXOp::create(b, b.getI32Type()), i32(5));
  warp = NVVM::ShflOp::create(b, b.getI32Type(), i32(-1), warp, i32(0), i32(31),
                              NVVM::ShflKind::idx, UnitAttr());
  int64_t atLaunch = getRegistersAtLaunch(target, threads);
  int64_t end = 0;
  for (cta::RoleOp role : roles) {
    end += role.getWarps();
    if (role != roles.back()) {
      Value mine =
          LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::slt, warp, i32(end));
      auto branch = scf::IfOp::create(b, mine, /*withElseRegion=*/true);
      b.setInsertionPointToStart(branch.thenBlock());
    }
    int64_t registers = role.getRegisters();
    // A single role needs no setmaxnreg: maxnreg sets its registers at launch.
    if (roles.size() > 1 && setsRegisters(role) && registers != atLaunch)
      setRegisters(b, role.getLoc(), registers, atLaunch);
    Block *block = b.getInsertionBlock();
    block->getOperations().splice(b.getInsertionPoint(),
                                  role.getBody().front().getOperations());
    if (role != roles.back())
      b.setInsertionPointToStart(
          cast<scf::IfOp>(block->getParentOp()).elseBlock());
    role.erase();
  }
}

SmallVector<Value> KernelLowering::computeIndices(ImplicitLocOpBuilder &b,
                                                  Value block) {
  Value rest = arith::IndexCastUIOp::create(b, b.getIndexType(), block);
  SmallVector<OpFoldResult> bounds = grid.getMixedUpperBound();
  SmallVector<Value> indices(bounds.size(), rest);
  for (size_t d = bounds.size(); d-- > 1;) {
    Value size = getValueOrCreateConstantIndexOp(b, b.getLoc(), bounds[d]);
    indices[d] = arith::RemUIOp::create(b, rest, size);
    rest = arith::DivUIOp::create(b, rest, size);
  }
  indices[0] = rest;
  return indices;
}

/// In a grid with loaded work, each role reads the number of its CTA: a value
/// that all roles share needs a register that even the smallest of them has.
void KernelLowering::readIndicesInRoles() {
  if (!grid->hasAttr(cta::kLoadedWorkAttr))
    return;
  for (cta::RoleOp role : roles) {
    Block &body = role.getBody().front();
    OpBuilder start = OpBuilder::atBlockBegin(&body);
    ThreadBuilder b(&body.front(), start);
    Value block = b.assembly("mov.u32 $0, %ctaid.x;", "=r", {}, b.getI32Type())
                      ->getResult(0);
    SmallVector<Value> indices = computeIndices(b, block);
    for (auto [iv, index] : llvm::zip(grid.getInductionVars(), indices))
      iv.replaceUsesWithIf(index, [&](OpOperand &use) {
        return role->isProperAncestor(use.getOwner());
      });
  }
}

/// Replaces the forall by its body.
void KernelLowering::inlineGrid() {
  ImplicitLocOpBuilder b(grid.getLoc(), grid);
  Value block = NVVM::BlockIdXOp::create(b, b.getI32Type());
  for (auto [iv, index] :
       llvm::zip(grid.getInductionVars(), computeIndices(b, block)))
    iv.replaceAllUsesWith(index);
  Block *body = grid.getBody();
  body->getTerminator()->erase();
  grid->getBlock()->getOperations().splice(grid->getIterator(),
                                           body->getOperations());
  grid.erase();
}
