//===- IndexFacts.cpp - range and divisibility of an index ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "IndexFacts.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/Support/CheckedArithmetic.h"
#include "llvm/Support/MathExtras.h"
#include <numeric>

using namespace mlir;
using namespace mla;

/// A loop variable that starts at a multiple of the step and stays below `end`.
static IndexFacts getCounter(OpFoldResult end, int64_t multiple) {
  IndexFacts facts;
  facts.multiple = multiple;
  if (std::optional<int64_t> size = getConstantIntValue(end))
    facts.most = std::max<int64_t>(*size - 1, 0);
  return facts;
}

static std::optional<IndexFacts> getArgumentFacts(BlockArgument arg) {
  Operation *parent = arg.getOwner()->getParentOp();
  if (auto grid = dyn_cast_or_null<scf::ForallOp>(parent)) {
    unsigned n = arg.getArgNumber();
    if (!grid.isNormalized() || n >= grid.getRank())
      return std::nullopt;
    return getCounter(grid.getMixedUpperBound()[n], 1);
  }
  auto loop = dyn_cast_or_null<scf::ForOp>(parent);
  if (!loop || arg != loop.getInductionVar())
    return std::nullopt;
  std::optional<IndexFacts> lower = getIndexFacts(loop.getLowerBound());
  std::optional<IndexFacts> step = getIndexFacts(loop.getStep());
  if (!lower || !step)
    return std::nullopt;
  return getCounter(OpFoldResult(loop.getUpperBound()),
                    std::gcd(lower->multiple, step->multiple));
}

std::optional<IndexFacts> mla::getIndexFacts(Value index) {
  if (std::optional<int64_t> constant =
          getConstantIntValue(OpFoldResult(index)))
    return *constant < 0 ? std::nullopt
                         : std::optional(IndexFacts{*constant, *constant});
  if (auto arg = dyn_cast<BlockArgument>(index))
    return getArgumentFacts(arg);
  Operation *op = index.getDefiningOp();
  if (!op)
    return std::nullopt;
  if (auto cast = dyn_cast<arith::IndexCastOp>(op))
    return getIndexFacts(cast.getIn());
  if (auto rem = dyn_cast<arith::RemUIOp>(op))
    return getCounter(OpFoldResult(rem.getRhs()), 1);
  if (!isa<arith::AddIOp, arith::MulIOp>(op))
    return std::nullopt;
  std::optional<IndexFacts> lhs = getIndexFacts(op->getOperand(0));
  std::optional<IndexFacts> rhs = getIndexFacts(op->getOperand(1));
  if (!lhs || !rhs)
    return std::nullopt;
  bool sum = isa<arith::AddIOp>(op);
  IndexFacts facts;
  if (lhs->most && rhs->most)
    facts.most = sum ? llvm::checkedAdd(*lhs->most, *rhs->most)
                     : llvm::checkedMul(*lhs->most, *rhs->most);
  if (sum)
    facts.multiple = std::gcd(lhs->multiple, rhs->multiple);
  else
    facts.multiple = llvm::checkedMul(lhs->multiple, rhs->multiple).value_or(1);
  return facts;
}
