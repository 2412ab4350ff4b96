//===- MemoryAccess.h - what loads and stores share -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_CONVERSION_MEMORYACCESS_H
#define MLA_LIB_CONVERSION_MEMORYACCESS_H

#include "KernelContext.h"

namespace mla {

/// A pattern that knows the kernel's memref arguments.
template <typename OpTy>
struct GlobalPattern : mlir::OpConversionPattern<OpTy> {
  GlobalPattern(mlir::TypeConverter &types, mlir::MLIRContext *context,
                KernelContext &kernel, mlir::PatternBenefit benefit = 1)
      : mlir::OpConversionPattern<OpTy>(types, context, benefit),
        kernel(kernel) {}

  KernelContext &kernel;
};

inline mlir::Value compare(ThreadBuilder &b,
                           mlir::LLVM::ICmpPredicate predicate, mlir::Value x,
                           mlir::Value y) {
  return mlir::LLVM::ICmpOp::create(b, predicate, x, y);
}

/// The register layout of one access: where the fragment's dimensions lie in
/// the memref, and which of them need a bounds check.
struct GlobalBox {
  const GlobalTensor &tensor;
  llvm::SmallVector<mlir::Value> indices; ///< i64, of the box's first element
  mlir::RankedTensorType fragment;

  int64_t leading() const { return indices.size() - fragment.getRank(); }

  /// Indices of register `reg`.
  llvm::SmallVector<mlir::Value> locate(ThreadBuilder &b, int64_t reg) const {
    llvm::SmallVector<mlir::Value> at(indices);
    for (int64_t d = 0; d < fragment.getRank(); ++d) {
      Coordinate c = getCoordinate(b, fragment, d, reg);
      // The offset comes last, so that registers share all but a constant.
      mlir::Value first = b.add(at[leading() + d], b.toI64(c.base));
      at[leading() + d] = b.add(first, b.i64(c.offset));
    }
    return at;
  }

  /// Whether dimension `d` of the fragment can leave the memref.
  bool needsCheck(int64_t d) const {
    std::optional<int64_t> size =
        mlir::getConstantIntValue(tensor.sizes[leading() + d]);
    std::optional<int64_t> start =
        mlir::getConstantIntValue(mlir::OpFoldResult(indices[leading() + d]));
    return !size || !start || *start < 0 ||
           *start + fragment.getDimSize(d) > *size;
  }

  /// True where `at` lies in the memref; null if it always does.
  mlir::Value isInside(ThreadBuilder &b, mlir::ValueRange at, int64_t d) const {
    if (!needsCheck(d))
      return {};
    return compare(b, mlir::LLVM::ICmpPredicate::ult, at[leading() + d],
                   b.toI64(tensor.sizes[leading() + d]));
  }
};

/// `indices` as i64. Constants are looked up by bounds checks: they stay
/// visible.
llvm::SmallVector<mlir::Value> toI64(ThreadBuilder &b,
                                     mlir::ValueRange indices);

/// What a load or store of a tile takes for its memref: its dimensions in the
/// order in which the tile spans the last ones, ended by the bounds.
class GlobalWindow {
public:
  template <typename OpTy>
  GlobalWindow(ThreadBuilder &b, const GlobalTensor &whole, OpTy op,
               mlir::RankedTensorType fragment)
      : tensor(whole), box{tensor, {}, fragment} {
    init(b, whole, toI64(b, op.getIndices()), op.getBounds(), op.getDims());
  }
  GlobalWindow(const GlobalWindow &) = delete;

private:
  void init(ThreadBuilder &b, const GlobalTensor &whole,
            mlir::ValueRange indices, mlir::ValueRange bounds,
            std::optional<llvm::ArrayRef<int64_t>> dims);

  GlobalTensor tensor;

public:
  GlobalBox box;
};

/// Rows of a memref by index: through its first `leading` dimensions, in
/// row-major order.
class IndexedRows {
public:
  IndexedRows(const GlobalTensor &tensor, size_t leading)
      : tensor(tensor), leading(leading) {}

  /// The number of rows that an i32 can tell apart, as i64.
  mlir::Value count(ThreadBuilder &b) const;
  /// Where row `index`, an i32 that is not negative, begins: the distance from
  /// row 0 in units of `unit` bytes an element, as i64.
  mlir::Value getOffset(ThreadBuilder &b, mlir::Value index,
                        int64_t unit) const;

private:
  const GlobalTensor &tensor;
  size_t leading;
};

/// Whether `columns` elements from `indices` on lie inside each row of the
/// memref, side by side, and start at a multiple of `unit` elements in every
/// row. (Run-time strides are multiples of 16 bytes: the launch checks that.)
bool areColumnsWhole(const GlobalTensor &tensor,
                     llvm::ArrayRef<mlir::Value> indices, int64_t columns,
                     int64_t unit);

/// Bytes of the accesses that a load or store of a fragment with a direct
/// layout is made of.
int64_t getAccessBytes(tile::LoadOp load);
int64_t getAccessBytes(tile::StoreOp store);

} // namespace mla

#endif // MLA_LIB_CONVERSION_MEMORYACCESS_H
