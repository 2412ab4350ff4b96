//===- Expand.cpp - mla.prefill_backward as a program of kernels ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Program.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace mla;

static constexpr llvm::StringLiteral kLseLog2 = "lse_log2";
static constexpr llvm::StringLiteral kDelta = "delta";
/// The other kernels' names end with these.
static constexpr llvm::StringLiteral kDeltaSuffix = "_delta";
static constexpr llvm::StringLiteral kQuerySuffix = "_dq";
static constexpr llvm::StringLiteral kValueSuffix = "_dv";

/// The function's argument with that name, or null.
static Value findArgument(func::FuncOp func, StringRef name) {
  for (BlockArgument arg : func.getArguments()) {
    auto known =
        func.getArgAttrOfType<StringAttr>(arg.getArgNumber(), kArgNameAttr);
    if (known && known == name)
      return arg;
  }
  return {};
}

/// The op's operands as values of a kernel with the same arguments, whose
/// builder is `b`.
static BackwardOperands collectOperands(PrefillBackwardOp op, TileBuilder &b) {
  auto kernel = cast<func::FuncOp>(b.getInsertionBlock()->getParentOp());
  auto get = [&](Value operand) -> Value {
    if (auto arg = dyn_cast_or_null<BlockArgument>(operand))
      return kernel.getArgument(arg.getArgNumber());
    // A constant scale.
    if (!operand || op->getBlock() == b.getInsertionBlock())
      return operand;
    return b.clone(*operand.getDefiningOp())->getResult(0);
  };
  BackwardOperands operands;
  operands.q = get(op.getQ());
  operands.k = get(op.getK());
  operands.v = get(op.getV());
  operands.out = get(op.getOut());
  operands.dout = get(op.getDout());
  operands.lse = get(op.getLse());
  operands.scale = get(op.getScale());
  operands.dlse = get(op.getDlse());
  operands.cuSeqlensQ = get(op.getCuSeqlensQ());
  operands.cuSeqlensK = get(op.getCuSeqlensK());
  operands.dq = get(op.getDq());
  operands.dk = get(op.getDk());
  operands.dv = get(op.getDv());
  operands.lseLog2 = findArgument(kernel, kLseLog2);
  operands.delta = findArgument(kernel, kDelta);
  operands.heads = getSize(op, "h_q");
  operands.kvHeads = getSize(op, "h_kv");
  operands.dimQK = getSize(op, "d_qk");
  operands.dimV = getSize(op, "d_v");
  operands.isCausal = op.getCausal() == "yes";
  operands.isBase2 = op.getLseBase() == "2";
  return operands;
}

namespace {
/// Adds the workspaces and the other kernels.
class Expansion {
public:
  Expansion(PrefillBackwardOp op, func::FuncOp func,
            const BackwardTiling &tiling)
      : op(op), func(func), tiling(tiling), b(op.getContext()) {}

  LogicalResult run();

private:
  LogicalResult addWorkspace(StringRef name);
  /// Marks arguments that a launch treats in another way than by default.
  void markArguments();
  /// A function with the same arguments, before or behind that of the op, and a
  /// builder in its body.
  TileBuilder createKernel(StringRef suffix, ScheduleAttr schedule,
                           bool isFirst);

  PrefillBackwardOp op;
  func::FuncOp func;
  const BackwardTiling &tiling;
  Builder b;
};
} // namespace

LogicalResult Expansion::addWorkspace(StringRef name) {
  auto getDim = [&](StringRef size) {
    int64_t known = getSize(op, size);
    return ShapedType::isDynamic(known) ? size : StringRef();
  };
  SmallVector<Attribute> dims;
  SmallVector<int64_t> shape;
  for (StringRef size : {"b", "h_q", "s_q"}) {
    dims.push_back(b.getStringAttr(getDim(size)));
    shape.push_back(getSize(op, size));
  }
  auto named = [&](StringRef attribute, Attribute value) {
    return b.getNamedAttr(attribute, value);
  };
  return func.insertArgument(
      func.getNumArguments(), MemRefType::get(shape, b.getF32Type()),
      b.getDictionaryAttr({named(kArgNameAttr, b.getStringAttr(name)),
                           named(kArgWorkspaceAttr, b.getUnitAttr()),
                           named(kArgDimsAttr, b.getArrayAttr(dims))}),
      op.getLoc());
}

void Expansion::markArguments() {
  auto mark = [&](Value operand, StringRef attribute) {
    if (auto argument = dyn_cast<BlockArgument>(operand))
      func.setArgAttr(argument.getArgNumber(), attribute, b.getUnitAttr());
  };
  // No tile is copied that begins behind the last row, so that the tensors may
  // have none.
  for (Value input : {op.getQ(), op.getK(), op.getV(), op.getDout()})
    mark(input, kArgCopiedInsideAttr);
  if (!op.getCuSeqlensQ())
    return;
  // Packed tensors have one batch, and may have rows that are no sequence's.
  for (Value output : {op.getDq(), op.getDk(), op.getDv()})
    mark(output, kArgPartlyWrittenAttr);
  NamedAttrList limits(func->getAttrOfType<DictionaryAttr>(kSizeLimitsAttr));
  if (ShapedType::isDynamic(getSize(op, "b")))
    limits.set("b", b.getDenseI64ArrayAttr({1, 1}));
  func->setAttr(kSizeLimitsAttr, limits.getDictionary(op.getContext()));
}

TileBuilder Expansion::createKernel(StringRef suffix, ScheduleAttr schedule,
                                    bool isFirst) {
  OpBuilder builder(func);
  if (!isFirst)
    builder.setInsertionPointAfter(func);
  auto kernel = func::FuncOp::create(builder, op.getLoc(),
                                     (func.getSymName() + suffix).str(),
                                     func.getFunctionType());
  kernel.setAllArgAttrs(func.getAllArgAttrs());
  for (StringRef name : {StringRef(kTargetAttr), StringRef(kOperatorAttr),
                         StringRef(kOptionsAttr), StringRef(kConstantsAttr),
                         StringRef(kSizeLimitsAttr)})
    if (Attribute value = func->getAttr(name))
      kernel->setAttr(name, value);
  kernel->setAttr(kScheduleAttr, schedule);
  // Its CTAs start while those of the kernel in front of it end.
  if (!isFirst)
    kernel->setAttr(kProgrammaticAttr, b.getUnitAttr());
  builder.setInsertionPointToStart(kernel.addEntryBlock());
  auto end = func::ReturnOp::create(builder, op.getLoc());
  return TileBuilder(op.getLoc(), end);
}

LogicalResult Expansion::run() {
  auto module = func->getParentOfType<ModuleOp>();
  for (StringRef suffix : {kDeltaSuffix, kQuerySuffix, kValueSuffix})
    if (SymbolTable::lookupSymbolIn(module, (func.getSymName() + suffix).str()))
      return op.emitOpError()
             << "expected a module without a function '" << func.getSymName()
             << suffix << "', the name of a kernel of the program";
  markArguments();
  if (failed(addWorkspace(kLseLog2)) || failed(addWorkspace(kDelta)))
    return failure();
  MLIRContext &context = *op.getContext();
  TileBuilder delta =
      createKernel(kDeltaSuffix, getDeltaSchedule(context), /*isFirst=*/true);
  buildDeltaKernel(delta, collectOperands(op, delta));
  func->setAttr(kProgrammaticAttr, b.getUnitAttr());
  TileBuilder queries =
      createKernel(kQuerySuffix, getQuerySchedule(context), /*isFirst=*/false);
  buildQueryKernel(queries, collectOperands(op, queries), tiling);
  if (!tiling.isSeparate)
    return success();
  TileBuilder values =
      createKernel(kValueSuffix, getValueSchedule(context), /*isFirst=*/false);
  buildKeyKernel(values, collectOperands(op, values), tiling,
                 {/*dk=*/false, /*dv=*/true});
  return success();
}

LogicalResult PrefillBackwardOp::expandProgram(func::FuncOp func) {
  if (findArgument(func, kDelta))
    return success();
  FailureOr<BackwardTiling> tiling =
      BackwardTiling::get(*this, getScheduleAttr());
  if (failed(tiling))
    return failure();
  return Expansion(*this, func, *tiling).run();
}

LogicalResult
PrefillBackwardOp::buildTileProgram(const TilingOptions &options) {
  FailureOr<BackwardTiling> tiling =
      BackwardTiling::get(*this, options.schedule);
  if (failed(tiling))
    return failure();
  TileBuilder b(getLoc(), *this);
  BackwardOperands operands = collectOperands(*this, b);
  if (!operands.delta)
    return emitOpError("expected the workspaces of a program; run "
                       "--mla-expand-operators first");
  buildKeyKernel(b, operands, *tiling,
                 {/*dk=*/true, /*dv=*/!tiling->isSeparate});
  erase();
  return success();
}
