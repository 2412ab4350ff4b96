//===- Expand.cpp - mla.prefill_backward as a program of kernels ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Program.h"
#include "mla/Operators/ProgramBuilder.h"
#include "mla/Operators/Sequences.h"

using namespace mlir;
using namespace mla;

static constexpr llvm::StringLiteral kLseLog2 = "lse_log2";
static constexpr llvm::StringLiteral kDelta = "delta";
/// The other kernels' names end with these.
static constexpr llvm::StringLiteral kDeltaSuffix = "_delta";
static constexpr llvm::StringLiteral kQuerySuffix = "_dq";
static constexpr llvm::StringLiteral kValueSuffix = "_dv";

/// The op's operands as values of a kernel with the same arguments, whose
/// builder is `b`.
static BackwardOperands collectOperands(PrefillBackwardOp op, TileBuilder &b) {
  func::FuncOp kernel = ProgramBuilder::getKernel(b);
  auto get = [&](Value operand) {
    return ProgramBuilder::getOperand(b, operand);
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

/// Marks the arguments of all kernels.
static void markArguments(PrefillBackwardOp op, func::FuncOp func) {
  markCopiedInside(func, {op.getQ(), op.getK(), op.getV(), op.getDout()});
  if (op.getCuSeqlensQ())
    markPartlyWritten(func, {op.getDq(), op.getDk(), op.getDv()});
}

/// Two vectors [b, h_q, s_q].
static LogicalResult addWorkspaces(PrefillBackwardOp op,
                                   ProgramBuilder &program) {
  SmallVector<std::string> dims;
  SmallVector<int64_t> shape;
  for (StringRef size : {"b", "h_q", "s_q"}) {
    shape.push_back(getSize(op, size));
    dims.push_back(ShapedType::isDynamic(shape.back()) ? size.str() : "");
  }
  auto type = MemRefType::get(shape, Float32Type::get(op.getContext()));
  return success(succeeded(program.addWorkspace(kLseLog2, type, dims)) &&
                 succeeded(program.addWorkspace(kDelta, type, dims)));
}

/// Adds the other kernels, which work with the same tiles.
static void addKernels(PrefillBackwardOp op, func::FuncOp func,
                       const BackwardTiling &tiling, ProgramBuilder &program) {
  using Place = ProgramBuilder::Place;
  MLIRContext &context = *op.getContext();
  // The CTAs of all kernels but the first start while those of the kernel
  // before them end.
  auto startEarly = [&](func::FuncOp kernel) {
    kernel->setAttr(kProgrammaticAttr, UnitAttr::get(&context));
  };
  TileBuilder delta = program.createKernel(
      kDeltaSuffix, getDeltaSchedule(context), Place::beforeOperator);
  buildDeltaKernel(delta, collectOperands(op, delta));
  startEarly(func);
  TileBuilder queries = program.createKernel(
      kQuerySuffix, getQuerySchedule(context), Place::afterOperator);
  startEarly(ProgramBuilder::getKernel(queries));
  buildQueryKernel(queries, collectOperands(op, queries), tiling);
  if (!tiling.isSeparate)
    return;
  TileBuilder values = program.createKernel(
      kValueSuffix, getValueSchedule(context), Place::afterOperator);
  startEarly(ProgramBuilder::getKernel(values));
  buildKeyKernel(values, collectOperands(op, values), tiling,
                 {/*dk=*/false, /*dv=*/true});
}

LogicalResult PrefillBackwardOp::expandProgram(func::FuncOp func) {
  if (findArgument(func, kDelta))
    return success();
  FailureOr<BackwardTiling> tiling =
      BackwardTiling::get(*this, getScheduleAttr());
  if (failed(tiling))
    return failure();
  ProgramBuilder program(*this, func);
  if (failed(program.checkNames({kDeltaSuffix, kQuerySuffix, kValueSuffix})))
    return failure();
  markArguments(*this, func);
  if (failed(addWorkspaces(*this, program)))
    return failure();
  addKernels(*this, func, *tiling, program);
  return success();
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
  if (getCuSeqlensQ())
    limitToOneBatch(*this, ProgramBuilder::getKernel(b));
  buildKeyKernel(b, operands, *tiling,
                 {/*dk=*/true, /*dv=*/!tiling->isSeparate});
  erase();
  return success();
}
