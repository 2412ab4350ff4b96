//===- Replicas.cpp - tiles that can be computed again ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Replicas.h"

using namespace mlir;
using namespace mla;

bool mla::isReplica(Operation *op) {
  if (auto broadcast = dyn_cast_or_null<tile::BroadcastOp>(op))
    return broadcast.getSource().getType().getRank() == 0;
  return isa_and_nonnull<arith::ConstantOp, tensor::SplatOp, tile::IotaOp>(
             op) &&
         isa<RankedTensorType>(op->getResult(0).getType());
}

/// Whether `op` loads a vector from memory that the kernel does not write, so
/// that it may be loaded again.
static bool isRepeatableLoad(Operation *op) {
  if (!isa<tile::LoadOp, tile::GatherOp>(op))
    return false;
  return llvm::all_of(op->getOperand(0).getUsers(), [](Operation *user) {
    return isa<tile::LoadOp, tile::GatherOp, memref::DimOp, memref::LoadOp>(
        user);
  });
}

bool mla::collectVectorOps(Value vector, SetVector<Operation *> &ops) {
  auto type = dyn_cast<RankedTensorType>(vector.getType());
  if (!type || type.getRank() == 0)
    return true;
  Operation *op = vector.getDefiningOp();
  if (!op || type.getRank() > 1 ||
      !(isReplica(op) || OpTrait::hasElementwiseMappableTraits(op) ||
        isRepeatableLoad(op)))
    return false;
  if (!llvm::all_of(op->getOperands(), [&](Value operand) {
        return collectVectorOps(operand, ops);
      }))
    return false;
  ops.insert(op);
  return true;
}
