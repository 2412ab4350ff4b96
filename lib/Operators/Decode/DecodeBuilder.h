//===- DecodeBuilder.h - builds integers and tiles --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_OPERATORS_DECODE_DECODEBUILDER_H
#define MLA_LIB_OPERATORS_DECODE_DECODEBUILDER_H

#include "mla/Operators/TileBuilder.h"

namespace mla {

/// A builder of tile programs that count in i32.
class DecodeBuilder : public TileBuilder {
public:
  using TileBuilder::TileBuilder;

  mlir::Value load(mlir::Value memref, mlir::ValueRange at) {
    return mlir::memref::LoadOp::create(*this, memref, at);
  }

  /// The type of a vector of i32.
  mlir::RankedTensorType getVector(int64_t size) {
    return mlir::RankedTensorType::get({size}, getI32Type());
  }
  mlir::Value splat(int64_t value, int64_t size) {
    return createSplat(createI32(value), {size});
  }
  mlir::Value splat(mlir::Value number, int64_t size) {
    return createSplat(toI32(number), {size});
  }
  /// A tile of the operand's elements.
  mlir::RankedTensorType getTile(mlir::Value operand,
                                 llvm::ArrayRef<int64_t> shape) {
    return mlir::RankedTensorType::get(
        shape, mlir::getElementTypeOrSelf(operand.getType()));
  }
};

} // namespace mla

#endif // MLA_LIB_OPERATORS_DECODE_DECODEBUILDER_H
