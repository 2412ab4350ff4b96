//===- Expand.cpp - mla.decode as a program of three kernels --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "CombineKernel.h"
#include "PlanKernel.h"
#include "Program.h"
#include "mla/Operators/ProgramBuilder.h"
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
      : op(op), program(op, func), tiling(tiling), b(op.getContext()) {}

  LogicalResult run();

private:
  LogicalResult addWorkspaces();
  void buildPlan();
  LogicalResult buildCombine();

  DecodeOp op;
  ProgramBuilder program;
  const DecodeTiling &tiling;
  Builder b;
};
} // namespace

LogicalResult Expansion::addWorkspaces() {
  int64_t rows = tiling.getRows() * tiling.kvHeads;
  Type element = op.getPartials() == "f32"
                     ? b.getF32Type()
                     : getElementTypeOrSelf(op.getOut().getType());
  std::string parts =
      llvm::formatv("max(1, floordiv(ctas, {0}))", tiling.getTiles());
  auto out = MemRefType::get(
      {ShapedType::kDynamic, 2, rows, getSize(op, "d_v")}, element);
  auto lse = MemRefType::get({ShapedType::kDynamic, 2, rows}, b.getF32Type());
  if (failed(program.addWorkspace(kPartialOut, out, {parts, "", "", ""})))
    return failure();
  return program.addWorkspace(kPartialLse, lse, {parts, "", ""});
}

void Expansion::buildPlan() {
  TileBuilder k =
      program.createKernel(kPlanSuffix, getPlanSchedule(*op.getContext()),
                           ProgramBuilder::Place::beforeOperator);
  ProgramBuilder::getKernel(k)->setAttr(kPhaseAttr, b.getStringAttr("plan"));
  auto getArgument = [&](Value operand) {
    return ProgramBuilder::getOperand(k, operand);
  };
  PlanOperands operands;
  operands.cacheSeqlens = getArgument(op.getCacheSeqlens());
  operands.maxTokens = buildRoom(k, getArgument(op.getKCache()),
                                 getArgument(op.getBlockTable()));
  operands.plan = getArgument(op.getPlan());
  PlanOptions options;
  options.tiles = tiling.getTiles();
  options.overhead = getOverhead(options.tiles);
  options.slackDivisor = getSlackDivisor(options.tiles);
  options.isBatchInvariant = op.getBatchInvariant() == "yes";
  buildPlanKernel(k, operands, options);
}

LogicalResult Expansion::buildCombine() {
  ScheduleAttr schedule = getDecodeCombineSchedule(*op.getContext());
  TileBuilder k = program.createKernel(kCombineSuffix, schedule,
                                       ProgramBuilder::Place::afterOperator);
  ProgramBuilder::getKernel(k)->setAttr(kProgrammaticAttr, b.getUnitAttr());
  auto getArgument = [&](Value operand) {
    return ProgramBuilder::getOperand(k, operand);
  };
  DecodePartials partials = getDecodePartials(op);
  DecodeCombineOperands operands;
  operands.plan = getArgument(op.getPlan());
  operands.partialOut = getArgument(partials.out);
  operands.partialLse = getArgument(partials.lse);
  operands.out = getArgument(op.getOut());
  operands.lse = getArgument(op.getLse());
  operands.attnSink = getArgument(op.getAttnSink());
  DecodeCombineOptions options;
  options.tiles = tiling.getTiles();
  options.kvHeads = tiling.kvHeads;
  options.lse = getDecodeLse(op);
  return buildDecodeCombineKernel(k, operands, options, schedule);
}

LogicalResult Expansion::run() {
  if (failed(program.checkNames({kPlanSuffix, kCombineSuffix})))
    return failure();
  nameRequests(op);
  if (failed(addWorkspaces()))
    return failure();
  buildPlan();
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
