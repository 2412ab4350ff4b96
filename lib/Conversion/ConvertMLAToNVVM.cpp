//===- ConvertMLAToNVVM.cpp - a CTA program becomes a kernel ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "KernelContext.h"
#include "KernelSymbol.h"
#include "mla/Dialect/Levels/Levels.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mla {
#define GEN_PASS_DEF_CONVERTMLATONVVM
#include "mla/Conversion/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

/// Registers of each thread at launch. The warps of a CTA are dealt out to the
/// parts of an SM, each of which gives out its registers evenly, in units.
static int64_t getRegistersAtLaunch(const TargetSpec &target, int64_t threads) {
  int64_t warps = llvm::divideCeil(threads, target.partitions * 32);
  int64_t each = target.registersPerSM / target.partitions / 32 / warps;
  auto unit = static_cast<uint64_t>(target.registerUnit);
  return std::min<int64_t>(
      llvm::alignDown(static_cast<uint64_t>(each), unit),
      static_cast<int64_t>(llvm::alignTo(target.registersPerThread, unit)));
}

/// Whether a role sets its registers: a warpgroup does, as a whole.
static bool setsRegisters(cta::RoleOp role) { return role.getWarps() % 4 == 0; }

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

/// The layouts of fragments count rows and gathered rows in one warpgroup.
static LogicalResult checkFragment(Operation *op, Type type, cta::RoleOp role) {
  /// Far more than there are registers.
  constexpr int64_t kMaxElements = 1 << 18;
  if (auto inFlight = dyn_cast<cta::InFlightType>(type))
    type = inFlight.getFragment();
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return success();
  std::optional<cta::FragmentLayout> layout = cta::getLayout(type);
  if (!cta::hasLayout(type))
    return op->emitOpError() << "expected a fragment with a layout, got "
                             << type << "; run --mla-assign-layouts first";
  if (!tensor.getElementType().isIntOrFloat())
    return op->emitOpError() << "is lowered for fragments of integers or "
                                "floating-point numbers, got "
                             << type;
  int64_t most = kMaxElements;
  for (int64_t size : tensor.getShape()) {
    if (size < 1 || size > most)
      return op->emitOpError() << "is lowered for fragments of 1 to "
                               << kMaxElements << " elements, got " << type;
    most /= size;
  }
  // Constants may stand in front of the roles.
  int64_t warps = role ? role.getWarps() : 4;
  if (auto direct = cta::getDirectLayout(type)) {
    for (int64_t d = 0; role && d < direct.getRank(); ++d)
      if (direct.getSpan(d) > 32 * warps)
        return op->emitOpError()
               << "expected a layout of at most " << 32 * warps
               << " threads, those of the role, got " << type;
    return success();
  }
  ArrayRef<int64_t> shape = tensor.getShape();
  auto isShaped = [&](ArrayRef<int64_t> units) {
    return shape.size() == units.size() &&
           llvm::all_of(llvm::zip(shape, units), [](auto pair) {
             auto [size, unit] = pair;
             return size % unit == 0;
           });
  };
  bool good = false;
  switch (*layout) {
  case cta::FragmentLayout::acc:
    good = isShaped({64, 8});
    break;
  case cta::FragmentLayout::acc_transposed:
    good = isShaped({8, 64});
    break;
  case cta::FragmentLayout::a_operand:
    good = isShaped({64, 8}) && shape[0] == 64;
    break;
  case cta::FragmentLayout::row:
    good = isShaped({64});
    break;
  case cta::FragmentLayout::column:
    good = isShaped({8});
    break;
  case cta::FragmentLayout::warp_column:
    good = isShaped({32});
    break;
  case cta::FragmentLayout::gather:
    good = isShaped({32});
    break;
  }
  // Each warp holds all columns.
  if (good && (warps == 4 || *layout == cta::FragmentLayout::column))
    return success();
  return op->emitOpError() << "is lowered for fragments of a multiple of 64 "
                              "rows (gathers: 32), columns a multiple of 8, in "
                              "a role of 4 warps; got "
                           << type << " in one of " << warps;
}

namespace {
/// Converts one function.
class KernelConverter {
public:
  explicit KernelConverter(func::FuncOp func)
      : func(func), target(getTarget(func)) {}

  func::FuncOp getFunction() { return func; }
  /// Checks the function, which is left as it is.
  LogicalResult check();
  /// After check, of a converter that stays where it is.
  KernelInterface getInterface() const {
    return {func, grid, threads, context};
  }
  /// After check.
  LogicalResult convert();

private:
  /// The forms of functions and grids that a launch has.
  LogicalResult checkFunction();
  /// What roles take is what others give back: more would never come.
  LogicalResult checkRegisters();
  /// The launch alone knows the number of SMs: a kernel whose grid depends on
  /// it reads the grid's size.
  LogicalResult readGridSize();
  /// Appends the kernel's parameters behind the function's arguments.
  void addParameters();
  void addTensorParameters(BlockArgument arg);
  void addTensorMapParameters();
  /// Erases the arguments that parameters have replaced and marks the kernel.
  void finishSignature();
  LogicalResult lowerOps();
  void inlineRoles();
  void inlineGrid();

  func::FuncOp func;
  const TargetSpec &target;
  scf::ForallOp grid;
  SmallVector<cta::RoleOp> roles;
  int64_t threads = 0, onlyRoleRegisters = 0;
  KernelContext context;
  SmallVector<unsigned> mapParameters;
};
} // namespace

LogicalResult KernelConverter::checkFunction() {
  if (!func.getBody().hasOneBlock() || func.getNumResults())
    return func.emitOpError("expected one block and no results");
  if (grid.getNumResults() || !grid.isNormalized())
    return grid.emitOpError("expected a grid from 0 in steps of 1, without "
                            "results");
  if (grid.getBody()->getOps<cta::RoleOp>().empty())
    return grid.emitOpError("expected roles; run --mla-schedule first");
  for (Type type : func.getArgumentTypes()) {
    auto memref = dyn_cast<MemRefType>(type);
    if (memref ? !memref.getElementType().isIntOrFloat() || !memref.isStrided()
               : !type.isIntOrFloat())
      return func.emitOpError() << "expected arguments that are numbers or "
                                   "strided memrefs of numbers, got "
                                << type;
  }
  WalkResult maps = func.walk([&](cta::TensorMapOp map) -> WalkResult {
    if (llvm::is_contained(func.getArguments(), map.getSource()))
      return WalkResult::advance();
    return map.emitOpError("expected an argument of the function");
  });
  return failure(maps.wasInterrupted());
}

LogicalResult KernelConverter::check() {
  if (!func->hasAttr(cta::kVerifiedAttr))
    return func.emitOpError("expected a verified CTA program; run "
                            "--mla-verify-async first");
  auto grids = func.getOps<scf::ForallOp>();
  if (!llvm::hasSingleElement(grids))
    return func.emitOpError("expected one scf.forall");
  grid = *grids.begin();
  if (failed(checkFunction()))
    return failure();
  for (auto role : grid.getBody()->getOps<cta::RoleOp>()) {
    int64_t warps = role.getWarps();
    // Products and setmaxnreg are of 4 warps from a multiple of 4 on.
    if (warps % 4 == 0 && threads % 128)
      return role.emitOpError("expected roles of whole warpgroups in front of "
                              "the others");
    roles.push_back(role);
    threads += 32 * warps;
  }
  WalkResult fragments = func.walk([&](Operation *op) {
    auto role = op->getParentOfType<cta::RoleOp>();
    SmallVector<Type> used(op->getOperandTypes());
    llvm::append_range(used, op->getResultTypes());
    for (Type type : used)
      if (failed(checkFragment(op, type, role)))
        return WalkResult::interrupt();
    return WalkResult(checkInstruction(op));
  });
  if (fragments.wasInterrupted())
    return failure();
  if (threads > target.threadsPerCTA())
    return func.emitOpError() << "expected at most " << target.threadsPerCTA()
                              << " threads, roles have " << threads;
  if (failed(checkRegisters()))
    return failure();
  if (roles.size() == 1)
    onlyRoleRegisters = roles[0].getRegisters();
  func.walk([&](Operation *op) {
    TypeSwitch<Operation *>(op)
        .Case<tile::StoreOp, cta::StoreAsyncOp, cta::BulkStoreOp>(
            [&](auto store) { context.written.insert(store.getDest()); })
        .Case<cta::StoreReleaseOp>(
            [&](auto store) { context.written.insert(store.getMemref()); });
    context.waits |= isa<cta::LaunchWaitOp>(op);
  });
  return success();
}

LogicalResult KernelConverter::readGridSize() {
  auto counts = func.getOps<tile::SmCountOp>();
  if (!counts.empty() && grid.getRank() == 1) {
    ImplicitLocOpBuilder b(grid.getLoc(), grid);
    for (Value bound : grid.getDynamicUpperBound()) {
      Value ctas = NVVM::GridDimXOp::create(b, b.getI32Type());
      bound.replaceAllUsesWith(
          arith::IndexCastUIOp::create(b, b.getIndexType(), ctas));
    }
  }
  // What computed the size is of no more use.
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

LogicalResult KernelConverter::checkRegisters() {
  int64_t atLaunch =
      getRegistersAtLaunch(target, std::max<int64_t>(threads, 32));
  int64_t needed = 0;
  for (cta::RoleOp role : roles) {
    auto asked = static_cast<int64_t>(role.getRegisters());
    if (setsRegisters(role) && asked != atLaunch &&
        !target.has(TargetFeature::SetMaxNReg))
      return role.emitOpError()
             << "needs " << getName(TargetFeature::SetMaxNReg) << ", which "
             << target.name << " does not have; expected " << atLaunch
             << " registers, what each thread starts with, got " << asked;
    needed += 32 * role.getWarps() * (setsRegisters(role) ? asked : atLaunch);
  }
  if (needed <= threads * atLaunch)
    return success();
  return func.emitOpError()
         << "needs " << needed << " registers, but " << threads
         << " threads start with " << atLaunch << " each, "
         << threads * atLaunch
         << " in all, and only roles of whole warpgroups give some back";
}

void KernelConverter::addTensorParameters(BlockArgument arg) {
  auto type = cast<MemRefType>(arg.getType());
  Block &entry = func.getBody().front();
  Type i64 = IntegerType::get(func.getContext(), 64);
  Builder b(func.getContext());
  GlobalTensor tensor;
  tensor.elementType = getRegisterType(type.getElementType());
  tensor.base = entry.addArgument(i64, arg.getLoc());
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

void KernelConverter::addTensorMapParameters() {
  auto pointer = LLVM::LLVMPointerType::get(func.getContext());
  Block &entry = func.getBody().front();
  func.walk([&](cta::TensorMapOp map) {
    Value parameter = entry.addArgument(pointer, map.getLoc());
    mapParameters.push_back(cast<BlockArgument>(parameter).getArgNumber());
    context.tensorMaps[map.getResult()] = parameter;
  });
}

void KernelConverter::addParameters() {
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

void KernelConverter::finishSignature() {
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
  // A role by itself takes no more registers than it says, so that as many CTAs
  // fit on an SM as that allows.
  if (onlyRoleRegisters)
    kernel->setAttr("nvvm.maxnreg", b.getI32IntegerAttr(onlyRoleRegisters));
  else
    kernel->setAttr("nvvm.minctasm", b.getI32IntegerAttr(1));
  func.erase();
}

LogicalResult KernelConverter::lowerOps() {
  MLIRContext *ctx = func.getContext();
  TypeConverter types;
  addTypeConversions(types);
  ConversionTarget legal(*ctx);
  legal.addLegalDialect<LLVM::LLVMDialect, NVVM::NVVMDialect>();
  legal.addIllegalDialect<cta::CTADialect, tile::TileDialect>();
  legal.addIllegalOp<memref::DimOp, memref::LoadOp, math::ExpOp, math::Exp2Op,
                     math::Log2Op>();
  // Inlined afterwards, as the grid.
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
  populateMemoryPatterns(types, patterns, context);
  populateStorePatterns(types, patterns, context);
  populateMmaPatterns(types, patterns);
  populateNamedBarrierPatterns(types, patterns);
  populateReductionPatterns(types, patterns);
  populateSyncPatterns(types, patterns);
  scf::populateSCFStructuralTypeConversionsAndLegality(types, patterns, legal);
  return applyFullConversion(func, legal, std::move(patterns));
}

/// Each role becomes the branch of its warps.
void KernelConverter::inlineRoles() {
  ImplicitLocOpBuilder b(func.getLoc(), roles.front());
  auto i32 = [&](int64_t value) {
    return LLVM::ConstantOp::create(b, b.getI32Type(),
                                    b.getI32IntegerAttr(value))
        .getResult();
  };
  // Through a shuffle, so that ptxas knows that the branch is warp-uniform.
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
    // A role by itself has its registers from the launch on.
    if (roles.size() > 1 && setsRegisters(role) && registers != atLaunch)
      NVVM::SetMaxRegisterOp::create(
          b, registers,
          registers > atLaunch ? NVVM::SetMaxRegisterAction::increase
                               : NVVM::SetMaxRegisterAction::decrease);
    Block *block = b.getInsertionBlock();
    block->getOperations().splice(b.getInsertionPoint(),
                                  role.getBody().front().getOperations());
    if (role != roles.back())
      b.setInsertionPointToStart(
          cast<scf::IfOp>(block->getParentOp()).elseBlock());
    role.erase();
  }
}

/// The forall becomes the CTA's number: row-major, the last dimension fastest.
void KernelConverter::inlineGrid() {
  ImplicitLocOpBuilder b(grid.getLoc(), grid);
  Value block = NVVM::BlockIdXOp::create(b, b.getI32Type());
  Value rest = arith::IndexCastUIOp::create(b, b.getIndexType(), block);
  SmallVector<OpFoldResult> bounds = grid.getMixedUpperBound();
  SmallVector<Value> ivs = llvm::to_vector_of<Value>(grid.getInductionVars());
  for (size_t d = ivs.size(); d-- > 0;) {
    if (d == 0) {
      ivs[0].replaceAllUsesWith(rest);
      break;
    }
    Value size = getValueOrCreateConstantIndexOp(b, b.getLoc(), bounds[d]);
    ivs[d].replaceAllUsesWith(arith::RemUIOp::create(b, rest, size));
    rest = arith::DivUIOp::create(b, rest, size);
  }
  Block *body = grid.getBody();
  body->getTerminator()->erase();
  grid->getBlock()->getOperations().splice(grid->getIterator(),
                                           body->getOperations());
  grid.erase();
}

LogicalResult KernelConverter::convert() {
  if (failed(readGridSize()))
    return failure();
  addParameters();
  if (failed(lowerOps()))
    return failure();
  inlineElected(func);
  inlineRoles();
  inlineGrid();
  finishSignature();
  return success();
}

/// All kernels have the same one: its size is that of a launch.
static void declareShared(ModuleOp module) {
  OpBuilder b(module.getBodyRegion());
  auto type = LLVM::LLVMArrayType::get(b.getI8Type(), 0);
  LLVM::GlobalOp::create(
      b, module.getBody()->front().getLoc(), type,
      /*isConstant=*/false, LLVM::Linkage::External, kSharedSymbol, Attribute(),
      /*alignment=*/1024, static_cast<unsigned>(NVVM::NVVMMemorySpace::Shared));
}

namespace {
struct ConvertMLAToNVVMPass
    : mla::impl::ConvertMLAToNVVMBase<ConvertMLAToNVVMPass> {
  using ConvertMLAToNVVMBase::ConvertMLAToNVVMBase;

  void runOnOperation() override {
    if (failed(convert(getOperation())))
      signalPassFailure();
  }

  /// Everything is checked before anything is changed.
  LogicalResult convert(ModuleOp module) {
    std::vector<KernelConverter> converters;
    for (auto func : module.getOps<func::FuncOp>())
      if (!func.getOps<scf::ForallOp>().empty())
        converters.emplace_back(func);
    if (converters.empty())
      return success();
    SmallVector<KernelInterface> interfaces;
    for (KernelConverter &converter : converters) {
      func::FuncOp kernel = converter.getFunction();
      if (failed(verifyLevel(kernel)) || failed(checkKernelSymbol(kernel)))
        return failure();
      expandMath(kernel);
      if (failed(converter.check()))
        return failure();
      interfaces.push_back(converter.getInterface());
    }
    FailureOr<runtime::KernelDescriptor> program = describeProgram(interfaces);
    if (failed(program))
      return failure();
    for (KernelConverter &converter : converters)
      if (failed(converter.convert()))
        return failure();
    declareShared(module);
    module->setAttr(kLaunchAttr,
                    StringAttr::get(module.getContext(),
                                    runtime::writeDescriptor(
                                        *program, /*indented=*/false)));
    return success();
  }

  /// tanh has no instruction of full precision: it is written with exp.
  void expandMath(func::FuncOp kernel) {
    RewritePatternSet patterns(&getContext());
    math::populateExpansionPatterns(patterns, {"tanh"});
    (void)applyPatternsGreedily(kernel, std::move(patterns));
  }
};
} // namespace
