//===- CycleModel.cpp - cycles on sm_90 -------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "CycleModel.h"
#include "mla/Dialect/CTA/CTA.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mla;
using namespace mla::sim;

static double getElements(Type type) {
  auto shaped = dyn_cast<RankedTensorType>(type);
  return shaped ? static_cast<double>(shaped.getNumElements()) : 1;
}

static double getBytes(Type type) {
  if (auto buffer = dyn_cast<cta::BufferType>(type))
    return static_cast<double>(buffer.getBytes());
  auto tensor = cast<RankedTensorType>(type);
  return getElements(type) *
         std::max(1u, tensor.getElementType().getIntOrFloatBitWidth() / 8);
}

double CycleModel::getIssue(Operation *op) const {
  if (isa<math::Exp2Op, math::ExpOp, math::Log2Op, math::TanhOp, arith::DivFOp>(
          op))
    return std::max(scalar,
                    getElements(op->getResult(0).getType()) / specialOps);
  // Values that loops and branches carry stay in their registers.
  if (isa<scf::ForOp, scf::IfOp, scf::WhileOp>(op))
    return scalar;
  if (isa<tile::LoadOp, memref::LoadOp>(op))
    return globalLatency;
  if (auto store = dyn_cast<tile::StoreOp>(op))
    return getBytes(store.getTile().getType()) / globalBytes;
  if (auto store = dyn_cast<cta::StoreSharedOp>(op))
    return sync + getBytes(store.getDest().getType()) / sharedBytes;
  if (auto load = dyn_cast<cta::LoadSharedOp>(op))
    return sync + getBytes(load.getSource().getType()) / sharedBytes;
  if (auto gather = dyn_cast<cta::GatherAsyncOp>(op))
    // 16 bytes per thread and instruction; each scheduler issues one
    // instruction per cycle.
    return getBytes(gather.getDest().getType()) / (4 * 32 * 16) * 4;
  if (auto reduce = dyn_cast<tile::ReduceOp>(op))
    return sync + getElements(reduce.getSource().getType()) / floatOps;
  if (auto fold = dyn_cast<tile::FoldOp>(op))
    return getElements(fold.getSource().getType()) / floatOps;
  // Ops without an instruction.
  if (isa<arith::ConstantOp, cta::SlotOp, cta::DescriptorOp, cta::ViewOp,
          cta::ConvertLayoutOp, tile::BroadcastOp, tensor::SplatOp>(op))
    return 0;
  if (op->getDialect() && op->getDialect()->getNamespace() == "cta")
    return sync;
  if (op->getNumResults() == 0)
    return scalar;
  Type result = op->getResult(0).getType();
  return std::max(scalar, getElements(result) / floatOps);
}

/// The bytes that a copy moves; 0 for other ops.
static double getCopyBytes(Operation *op) {
  return TypeSwitch<Operation *, double>(op)
      .Case<cta::CopyAsyncOp, cta::GatherAsyncOp, cta::BulkLoadOp>(
          [](auto copy) { return getBytes(copy.getDest().getType()); })
      .Case<cta::StoreAsyncOp, cta::BulkStoreOp>(
          [](auto copy) { return getBytes(copy.getSource().getType()); })
      .Default([](Operation *) { return 0; });
}

/// Elements of a shared operand of an MMA.
static double getOperandElements(Type type) {
  ArrayRef<int64_t> shape = isa<cta::DescriptorType>(type)
                                ? cast<cta::DescriptorType>(type).getShape()
                                : cast<cta::BufferType>(type).getShape();
  return static_cast<double>(shape[0] * shape[1]);
}

double CycleModel::getDuration(Operation *op) const {
  auto mma = dyn_cast<cta::MmaAsyncOp>(op);
  if (!mma)
    return getCopyBytes(op) / copyBytes;
  // Each instruction of 64 rows reads its A, unless it is in registers, and all
  // of its B.
  double rows = static_cast<double>(
      mma.getResult().getType().getFragment().getDimSize(0));
  double b = getOperandElements(mma.getB().getType());
  double read = rows / 64 * b;
  if (!isa<RankedTensorType>(mma.getA().getType()))
    read += getOperandElements(mma.getA().getType());
  return std::max(rows * b / multiplyAdds, 2 * read / sharedBytes);
}

double CycleModel::getLatency(Operation *op) const {
  if (isa<cta::MmaAsyncOp>(op))
    return mmaLatency;
  return getCopyBytes(op) > 0 ? copyLatency : 0;
}
