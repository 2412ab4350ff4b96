//===- MemoryAccess.h - shared by loads and stores --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_CONVERSION_MEMORYACCESS_H
#define MLA_LIB_CONVERSION_MEMORYACCESS_H

#include "KernelContext.h"

namespace mla {

/// A pattern with access to the kernel's memref arguments.
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

/// The condition that both are true; null is true.
mlir::Value both(ThreadBuilder &b, mlir::Value x, mlir::Value y);

/// How the fragment's first dimension counts through dimension `outer` of the
/// memref and the one that it covers (tile::Merge).
struct MergedRows {
  size_t outer;
  int64_t width;
  mlir::Value start;       ///< i64, of the `width` elements
  mlir::OpFoldResult size; ///< of the dimension that the fragment covers
};

/// One access of a fragment to a memref: the position of its registers, and
/// which dimensions need a bounds check.
struct GlobalBox {
  const GlobalTensor &tensor;
  llvm::SmallVector<mlir::Value> indices; ///< i64, of the box's first element
  mlir::RankedTensorType fragment;
  /// With merged rows, the size and the index of the fragment's first dimension
  /// are those of the merged one, until getPointer() divides the index.
  std::optional<MergedRows> merged = std::nullopt;

  int64_t leading() const { return indices.size() - fragment.getRank(); }

  /// Indices of register `reg`.
  llvm::SmallVector<mlir::Value> locate(ThreadBuilder &b, int64_t reg) const {
    llvm::SmallVector<mlir::Value> at(indices);
    for (int64_t d = 0; d < fragment.getRank(); ++d) {
      Coordinate c = getCoordinate(b, fragment, d, reg);
      // The constant is added last, so that registers share the rest of the
      // sum.
      mlir::Value first = b.add(at[leading() + d], b.toI64(c.base));
      at[leading() + d] = b.add(first, b.i64(c.offset));
    }
    return at;
  }

  /// Whether dimension `d` of the fragment can exceed the memref.
  bool needsCheck(int64_t d) const {
    std::optional<int64_t> size =
        mlir::getConstantIntValue(tensor.sizes[leading() + d]);
    std::optional<int64_t> start =
        mlir::getConstantIntValue(mlir::OpFoldResult(indices[leading() + d]));
    return !size || !start || *start < 0 ||
           *start + fragment.getDimSize(d) > *size;
  }

  /// Whether `at` is in bounds along dimension `d`; null if it always is.
  mlir::Value isInside(ThreadBuilder &b, mlir::ValueRange at, int64_t d) const {
    mlir::Value inside;
    if (needsCheck(d))
      inside = compare(b, mlir::LLVM::ICmpPredicate::ult, at[leading() + d],
                       b.toI64(tensor.sizes[leading() + d]));
    return d == 0 && merged ? both(b, inside, isInsideMerged(b, at)) : inside;
  }

  /// A pointer to the element at `at`.
  mlir::Value getPointer(ThreadBuilder &b, mlir::ValueRange at) const {
    if (!merged)
      return b.elementPointer(tensor, at);
    return b.elementPointer(tensor, divide(b, at));
  }

private:
  /// The indices in the memref of the element with the merged index in `at`.
  llvm::SmallVector<mlir::Value> divide(ThreadBuilder &b,
                                        mlir::ValueRange at) const;
  /// Whether the index in the dimension that the fragment covers is in bounds;
  /// null if it always is.
  mlir::Value isInsideMerged(ThreadBuilder &b, mlir::ValueRange at) const;
};

/// `indices` as i64. Constants stay constants, for bounds checks.
llvm::SmallVector<mlir::Value> toI64(ThreadBuilder &b,
                                     mlir::ValueRange indices);

/// The memref as a load or store of a tile sees it: its dimensions permuted so
/// that the tile spans the last ones, and its sizes limited by the bounds.
class GlobalWindow {
public:
  template <typename OpTy>
  GlobalWindow(ThreadBuilder &b, const GlobalTensor &whole, OpTy op,
               mlir::RankedTensorType fragment)
      : tensor(whole), box{tensor, {}, fragment} {
    std::optional<tile::Merge> merge;
    if constexpr (std::is_same_v<OpTy, tile::StoreOp>)
      merge = op.getMerged();
    init(b, whole, toI64(b, op.getIndices()), op.getBounds(), op.getDims(),
         merge);
  }
  GlobalWindow(const GlobalWindow &) = delete;

private:
  void init(ThreadBuilder &b, const GlobalTensor &whole,
            mlir::ValueRange indices, mlir::ValueRange bounds,
            std::optional<llvm::ArrayRef<int64_t>> dims,
            std::optional<tile::Merge> merge);
  /// Makes the fragment's first dimension count through dimension `outer` too.
  void mergeRows(ThreadBuilder &b, size_t outer, int64_t width);

  GlobalTensor tensor;

public:
  GlobalBox box;
};

/// Rows of a memref by index; an index counts through `leading` dimensions from
/// `first` on in row-major order.
class IndexedRows {
public:
  IndexedRows(const GlobalTensor &tensor, size_t first, size_t leading)
      : sizes(llvm::ArrayRef(tensor.sizes).slice(first, leading)),
        strides(llvm::ArrayRef(tensor.strides).slice(first, leading)) {}

  /// The number of rows, at most the largest i32, as i64.
  mlir::Value count(ThreadBuilder &b) const;
  /// The distance of row `index`, a non-negative i32, from row 0, as i64. An
  /// element counts as `unit`: 1, or its size in bytes.
  mlir::Value getOffset(ThreadBuilder &b, mlir::Value index,
                        int64_t unit) const;

private:
  llvm::ArrayRef<mlir::OpFoldResult> sizes, strides;
};

/// Whether `columns` elements from `indices` on are in bounds and contiguous in
/// each row of the memref, and start at a multiple of `unit` elements in every
/// row. (Run-time strides are multiples of 16 bytes, which the launch checks.)
bool areColumnsWhole(const GlobalTensor &tensor,
                     llvm::ArrayRef<mlir::Value> indices, int64_t columns,
                     int64_t unit);

/// Bytes per access of a load or store of a fragment with a direct layout.
int64_t getAccessBytes(tile::LoadOp load);
int64_t getAccessBytes(tile::StoreOp store);

} // namespace mla

#endif // MLA_LIB_CONVERSION_MEMORYACCESS_H
