//===- Edits.h - small changes of operands ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_MUTATION_EDITS_H
#define MLA_LIB_MUTATION_EDITS_H

#include "mla/Dialect/CTA/CTA.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"

namespace mla::mutation {

inline std::optional<int64_t> getConstant(mlir::Value value) {
  mlir::APInt constant;
  if (!mlir::matchPattern(value, mlir::m_ConstantInt(&constant)))
    return std::nullopt;
  return constant.getSExtValue();
}
inline bool isConstant(mlir::Value value) {
  return getConstant(value).has_value();
}

/// The number of mbarriers in the array `barrier`.
inline int64_t getBarrierCount(mlir::Value barrier) {
  return mlir::cast<cta::MBarrierType>(barrier.getType()).getSize();
}

/// Replaces i32 operands of one op with values computed before it.
class Edit {
public:
  explicit Edit(mlir::Operation *op) : op(op), b(op->getLoc(), op) {}

  void setConstant(unsigned operand, int64_t value) {
    op->setOperand(operand, constant(value));
  }
  /// The other parity.
  void flip(unsigned operand) {
    if (std::optional<int64_t> old = getConstant(op->getOperand(operand)))
      return setConstant(operand, *old ^ 1);
    op->setOperand(operand, mlir::arith::XOrIOp::create(
                                b, op->getOperand(operand), constant(1)));
  }
  /// The next of `size` slots or barriers, modulo `size`. If there is only one,
  /// the index after it, which is out of bounds.
  void setNext(unsigned operand, int64_t size) {
    if (std::optional<int64_t> old = getConstant(op->getOperand(operand)))
      return setConstant(operand, size > 1 ? (*old + 1) % size : *old + 1);
    mlir::Value next =
        mlir::arith::AddIOp::create(b, op->getOperand(operand), constant(1));
    setModulo(operand, next, size);
  }
  void setModulo(unsigned operand, mlir::Value value, int64_t size) {
    op->setOperand(operand,
                   mlir::arith::RemUIOp::create(b, value, constant(size)));
  }

private:
  mlir::Value constant(int64_t value) {
    return mlir::arith::ConstantIntOp::create(b, value, 32);
  }

  mlir::Operation *op;
  mlir::ImplicitLocOpBuilder b;
};

} // namespace mla::mutation

#endif // MLA_LIB_MUTATION_EDITS_H
