//===- ReduceAcrossWarps.cpp - lowers cross-warp reductions -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Transforms/Passes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mla {
#define GEN_PASS_DEF_REDUCEACROSSWARPS
#include "mla/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

namespace {
/// Lowers one reduction that crosses the warps of a role.
class WarpsReducer {
public:
  WarpsReducer(tile::ReduceOp reduce, cta::RoleOp role)
      : reduce(reduce), role(role), b(reduce.getLoc(), reduce) {}

  /// Lowers a reduction along the rows of an accumulator.
  LogicalResult reduceRows();
  /// Lowers a reduction of a fragment with a direct layout.
  LogicalResult reduceDirect(cta::DirectLayoutAttr layout);

private:
  /// Sends `part`, the partial results of each warp, through a ring that only
  /// this role uses; returns the awaited slot.
  Value exchange(TypedValue<RankedTensorType> part);
  cta::RingOp createRing(RankedTensorType parts);
  std::string makeName();
  /// Loads the partial result of warp `warp` into all warps.
  Value loadPart(Value parts, int64_t warp, RankedTensorType type);
  Value combine(Value x, Value y);
  /// Gives `op` the stage and order of the reduction.
  template <typename OpTy> OpTy mark(OpTy op) {
    for (StringRef name : {cta::kStageAttr, cta::kOrderAttr})
      if (Attribute attr = reduce->getAttr(name))
        op->setAttr(name, attr);
    return op;
  }

  tile::ReduceOp reduce;
  cta::RoleOp role;
  ImplicitLocOpBuilder b;
};
} // namespace

std::string WarpsReducer::makeName() {
  StringRef label = tile::getLabel(reduce);
  std::string base = (label.empty() ? "reduce" : label).str() + ".warps";
  // Names are unique, because messages refer to rings by name.
  std::string name = base;
  auto taken = [&](cta::RingOp ring) { return ring.getName() == name; };
  for (int n = 1; llvm::any_of(role->getBlock()->getOps<cta::RingOp>(), taken);
       ++n)
    name = base + "." + std::to_string(n);
  return name;
}

cta::RingOp WarpsReducer::createRing(RankedTensorType parts) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(*role->getBlock()->getOps<cta::RoleOp>().begin());
  auto type = cta::RingType::get(b.getContext(), /*depth=*/1, parts.getShape(),
                                 parts.getElementType(), {});
  return cta::RingOp::create(b, type, b.getStringAttr(makeName()),
                             /*offset=*/IntegerAttr(), /*aliases=*/Value());
}

Value WarpsReducer::loadPart(Value parts, int64_t warp, RankedTensorType type) {
  auto part =
      cta::BufferType::get(b.getContext(), type.getShape(),
                           type.getElementType(), cta::SharedLayoutAttr());
  int64_t offset = warp * type.getDimSize(0);
  Value view = mark(
      cta::ViewOp::create(b, part, parts, b.getDenseI64ArrayAttr({offset})));
  return mark(cta::LoadSharedOp::create(b, type, view));
}

Value WarpsReducer::combine(Value x, Value y) {
  if (reduce.getKind() == tile::ReduceKind::max)
    return mark(arith::MaximumFOp::create(b, x, y));
  return mark(arith::AddFOp::create(b, x, y));
}

Value WarpsReducer::exchange(TypedValue<RankedTensorType> part) {
  Value ring = createRing(part.getType());
  Value slot = mark(cta::AcquireOp::create(b, ring));
  mark(cta::StoreSharedOp::create(b, part, slot));
  return mark(cta::AwaitOp::create(b, ring));
}

LogicalResult WarpsReducer::reduceRows() {
  auto source = cast<RankedTensorType>(reduce.getSource().getType());
  auto type = cast<RankedTensorType>(reduce.getResult().getType());
  auto warps = static_cast<int64_t>(role.getWarps());
  if (!source.getElementType().isF32() || warps != 4)
    return reduce.emitOpError()
           << "expected a reduction of f32 rows in a role of 4 warps, got "
           << source << " in a role of " << warps << " warps";
  // Keeps the size computations from overflowing; shared memory is smaller.
  if (type.getDimSize(0) > cta::kMaxSharedBytes)
    return reduce.emitOpError() << "expected at most " << cta::kMaxSharedBytes
                                << " columns, got " << type.getDimSize(0);
  auto parts = RankedTensorType::get({warps * type.getDimSize(0)},
                                     type.getElementType());
  if (cta::hasLayout(source))
    parts = cta::withLayout(parts, cta::FragmentLayout::warp_column);
  auto part = mark(cta::ReduceWarpOp::create(
      b, parts, reduce.getKind(), reduce.getSource(), IntegerAttr()));
  Value all = exchange(part.getResult());
  SmallVector<Value> loaded;
  for (int64_t warp = 0; warp < warps; ++warp)
    loaded.push_back(loadPart(all, warp, type));
  Value result = loaded[0];
  for (Value next : ArrayRef(loaded).drop_front())
    result = combine(result, next);
  reduce.replaceAllUsesWith(result);
  reduce.erase();
  return success();
}

LogicalResult WarpsReducer::reduceDirect(cta::DirectLayoutAttr layout) {
  auto source = cast<RankedTensorType>(reduce.getSource().getType());
  auto dim = static_cast<int64_t>(reduce.getDim());
  // One element per group of threads in the same warp.
  int64_t group = std::max<int64_t>(layout.getStrides()[dim], 32);
  SmallVector<int64_t> shape(source.getShape());
  shape[dim] = layout.getSpan(dim) / group;
  auto getType = [&](int64_t threads, int64_t stride) {
    SmallVector<int64_t> counts(layout.getThreads());
    SmallVector<int64_t> strides(layout.getStrides());
    counts[dim] = threads;
    strides[dim] = stride;
    bool last = dim == layout.getRank() - 1;
    return RankedTensorType::get(
        shape, source.getElementType(),
        cta::DirectLayoutAttr::get(b.getContext(), counts, strides,
                                   last ? 1 : layout.getVector()));
  };
  auto part = mark(
      cta::ReduceWarpOp::create(b, getType(shape[dim], group), reduce.getKind(),
                                reduce.getSource(), b.getI64IntegerAttr(dim)));
  Value all = exchange(part.getResult());
  auto loaded = mark(cta::LoadSharedOp::create(b, getType(1, 1), all));
  reduce.getSourceMutable().assign(loaded);
  return success();
}

namespace {
struct ReduceAcrossWarpsPass
    : mla::impl::ReduceAcrossWarpsBase<ReduceAcrossWarpsPass> {
  void runOnProgram() override {
    SmallVector<tile::ReduceOp> reductions;
    getOperation().walk([&](tile::ReduceOp reduce) {
      if (reduce->getParentOfType<cta::RoleOp>())
        reductions.push_back(reduce);
    });
    for (tile::ReduceOp reduce : reductions)
      if (failed(run(reduce)))
        return signalPassFailure();
  }

private:
  LogicalResult run(tile::ReduceOp reduce) {
    auto source = cast<RankedTensorType>(reduce.getSource().getType());
    auto layout = cta::getDirectLayout(source);
    bool crosses = layout ? cta::crossesWarps(reduce)
                          : reduce.getDim() == 0 && source.getRank() == 2;
    if (!crosses)
      return success();
    decided(reduce.getLoc(), "exchanged")
        << remark::metric("Reduction", tile::getLabel(reduce));
    WarpsReducer reducer(reduce, reduce->getParentOfType<cta::RoleOp>());
    return layout ? reducer.reduceDirect(layout) : reducer.reduceRows();
  }
};
} // namespace
