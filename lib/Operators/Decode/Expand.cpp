//===- Expand.cpp - mla.decode as a program of three kernels --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "CombineKernel.h"
#include "PlanKernel.h"
#include "Program.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace mla;

static constexpr llvm::StringLiteral kPartialOut = "partial_out";
static constexpr llvm::StringLiteral kPartialLse = "partial_lse";
/// The other kernels' names end with these.
static constexpr llvm::StringLiteral kPlanSuffix = "_plan";
static constexpr llvm::StringLiteral kCombineSuffix = "_combine";

FailureOr<DecodeTiling> DecodeTiling::get(DecodeOp op,
                                          const TilingOptions &options) {
  DecodeTiling tiling;
  tiling.queries = getSize(op, "s_q");
  tiling.kvHeads = getSize(op, "h_kv");
  tiling.heads = getSize(op, "h_q") / tiling.kvHeads;
  FailureOr<int64_t> rows = getTileHeads(op, tiling.getRows(), options);
  if (failed(rows))
    return failure();
  tiling.tileRows = *rows;
  tiling.rowTiles = llvm::divideCeil(tiling.getRows(), tiling.tileRows);
  return tiling;
}

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

Value mla::buildRoom(TileBuilder &b, Value kCache, Value blockTable) {
  Value one = b.createIndex(1);
  Value pageSize = memref::DimOp::create(b, kCache, one);
  if (!blockTable)
    return pageSize;
  Value pages = memref::DimOp::create(b, blockTable, one);
  return arith::MulIOp::create(b, pages, pageSize);
}

void mla::nameRequests(DecodeOp op) {
  if (op.getBlockTable())
    return;
  auto func = op->getParentOfType<func::FuncOp>();
  Builder b(op.getContext());
  int64_t size = getSize(op, "b");
  auto requests = ShapedType::isDynamic(size) ? Attribute(b.getStringAttr("b"))
                                              : b.getIndexAttr(size);
  for (Value operand : {op.getKCache(), op.getKRope()}) {
    auto arg = dyn_cast_or_null<BlockArgument>(operand);
    if (!arg || arg.getOwner() != &func.getBody().front())
      continue;
    unsigned number = arg.getArgNumber();
    auto known = func.getArgAttrOfType<ArrayAttr>(number, kArgDimsAttr);
    SmallVector<Attribute> dims(known.begin(), known.end());
    dims[0] = requests;
    func.setArgAttr(number, kArgDimsAttr, b.getArrayAttr(dims));
  }
}

LseOptions mla::getDecodeLse(DecodeOp op) {
  return {op.getLseBase() == "2", op.getEmptyLse() == "-inf"};
}

DecodePartials mla::getDecodePartials(DecodeOp op) {
  auto func = op->getParentOfType<func::FuncOp>();
  return {findArgument(func, kPartialOut), findArgument(func, kPartialLse)};
}

namespace {
/// Adds the workspaces and the other two kernels.
class Expansion {
public:
  Expansion(DecodeOp op, func::FuncOp func, const DecodeTiling &tiling)
      : op(op), func(func), tiling(tiling), b(op.getContext()) {}

  LogicalResult run();

private:
  LogicalResult addWorkspaces();
  LogicalResult addWorkspace(StringRef name, ArrayRef<int64_t> shape,
                             Type element);
  /// A function with the same arguments, and a builder in its body.
  TileBuilder createKernel(StringRef suffix, ScheduleAttr schedule);
  /// The argument of `kernel` that `operand` is in the op's function.
  Value getArgument(TileBuilder &kernel, Value operand);
  LogicalResult buildPlan();
  LogicalResult buildCombine();

  DecodeOp op;
  func::FuncOp func;
  const DecodeTiling &tiling;
  Builder b;
};
} // namespace

LogicalResult Expansion::addWorkspace(StringRef name, ArrayRef<int64_t> shape,
                                      Type element) {
  std::string parts =
      llvm::formatv("max(1, floordiv(ctas, {0}))", tiling.getTiles());
  SmallVector<Attribute> dims(shape.size(), b.getStringAttr(""));
  dims[0] = b.getStringAttr(parts);
  auto named = [&](StringRef attribute, Attribute value) {
    return b.getNamedAttr(attribute, value);
  };
  return func.insertArgument(
      func.getNumArguments(), MemRefType::get(shape, element),
      b.getDictionaryAttr({named(kArgNameAttr, b.getStringAttr(name)),
                           named(kArgWorkspaceAttr, b.getUnitAttr()),
                           named(kArgDimsAttr, b.getArrayAttr(dims))}),
      op.getLoc());
}

LogicalResult Expansion::addWorkspaces() {
  int64_t rows = tiling.getRows() * tiling.kvHeads;
  Type element = op.getPartials() == "f32"
                     ? b.getF32Type()
                     : getElementTypeOrSelf(op.getOut().getType());
  if (failed(addWorkspace(kPartialOut,
                          {ShapedType::kDynamic, 2, rows, getSize(op, "d_v")},
                          element)))
    return failure();
  return addWorkspace(kPartialLse, {ShapedType::kDynamic, 2, rows},
                      b.getF32Type());
}

TileBuilder Expansion::createKernel(StringRef suffix, ScheduleAttr schedule) {
  OpBuilder builder(func);
  if (suffix == kCombineSuffix)
    builder.setInsertionPointAfter(func);
  auto kernel = func::FuncOp::create(builder, op.getLoc(),
                                     (func.getSymName() + suffix).str(),
                                     func.getFunctionType());
  kernel.setAllArgAttrs(func.getAllArgAttrs());
  for (StringRef name : {StringRef(kTargetAttr), StringRef(kOperatorAttr),
                         StringRef(kOptionsAttr), StringRef(kConstantsAttr)})
    if (Attribute value = func->getAttr(name))
      kernel->setAttr(name, value);
  kernel->setAttr(kScheduleAttr, schedule);
  builder.setInsertionPointToStart(kernel.addEntryBlock());
  auto end = func::ReturnOp::create(builder, op.getLoc());
  return TileBuilder(op.getLoc(), end);
}

Value Expansion::getArgument(TileBuilder &kernel, Value operand) {
  auto arg = dyn_cast_or_null<BlockArgument>(operand);
  return arg ? kernel.getInsertionBlock()->getArgument(arg.getArgNumber())
             : Value();
}

LogicalResult Expansion::buildPlan() {
  TileBuilder k = createKernel(kPlanSuffix, getPlanSchedule(*op.getContext()));
  k.getInsertionBlock()->getParentOp()->setAttr(kPhaseAttr,
                                                b.getStringAttr("plan"));
  PlanOperands operands;
  operands.cacheSeqlens = getArgument(k, op.getCacheSeqlens());
  operands.maxTokens = buildRoom(k, getArgument(k, op.getKCache()),
                                 getArgument(k, op.getBlockTable()));
  operands.plan = getArgument(k, op.getPlan());
  PlanOptions options;
  options.tiles = tiling.getTiles();
  options.overhead = getOverhead(options.tiles);
  options.slackDivisor = getSlackDivisor(options.tiles);
  options.isBatchInvariant = op.getBatchInvariant() == "yes";
  buildPlanKernel(k, operands, options);
  return success();
}

LogicalResult Expansion::buildCombine() {
  ScheduleAttr schedule = getDecodeCombineSchedule(*op.getContext());
  TileBuilder k = createKernel(kCombineSuffix, schedule);
  k.getInsertionBlock()->getParentOp()->setAttr(kProgrammaticAttr,
                                                b.getUnitAttr());
  DecodePartials partials = getDecodePartials(op);
  DecodeCombineOperands operands;
  operands.plan = getArgument(k, op.getPlan());
  operands.partialOut = getArgument(k, partials.out);
  operands.partialLse = getArgument(k, partials.lse);
  operands.out = getArgument(k, op.getOut());
  operands.lse = getArgument(k, op.getLse());
  operands.attnSink = getArgument(k, op.getAttnSink());
  DecodeCombineOptions options;
  options.tiles = tiling.getTiles();
  options.kvHeads = tiling.kvHeads;
  options.lse = getDecodeLse(op);
  return buildDecodeCombineKernel(k, operands, options, schedule);
}

LogicalResult Expansion::run() {
  auto module = func->getParentOfType<ModuleOp>();
  for (StringRef suffix : {kPlanSuffix, kCombineSuffix})
    if (SymbolTable::lookupSymbolIn(module, (func.getSymName() + suffix).str()))
      return op.emitOpError()
             << "expected a module without a function '" << func.getSymName()
             << suffix << "', the name of a kernel of the program";
  nameRequests(op);
  if (failed(addWorkspaces()) || failed(buildPlan()))
    return failure();
  return buildCombine();
}

LogicalResult DecodeOp::expandProgram(func::FuncOp func) {
  if (getDecodePartials(*this).out)
    return success();
  FailureOr<DecodeTiling> tiling =
      DecodeTiling::get(*this, {getScheduleAttr(), /*threshold=*/0});
  if (failed(tiling))
    return failure();
  return Expansion(*this, func, *tiling).run();
}
