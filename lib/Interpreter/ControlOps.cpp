//===- ControlOps.cpp - loops, branches and the grid ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Interpreter/Program.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include <algorithm>
#include <thread>

using namespace mlir;
using namespace mla::interp;

//===----------------------------------------------------------------------===//
// scf.for and scf.if
//===----------------------------------------------------------------------===//

/// `upper - lower` may overflow an int64_t, but fits a uint64_t.
uint64_t mla::interp::getTripCount(int64_t lower, int64_t upper, int64_t step) {
  if (lower >= upper)
    return 0;
  uint64_t distance =
      static_cast<uint64_t>(upper) - static_cast<uint64_t>(lower);
  return (distance - 1) / static_cast<uint64_t>(step) + 1;
}

static LogicalResult runFor(Frame &frame, const Instruction &in) {
  auto op = cast<scf::ForOp>(in.op);
  ElementType type = *getElementType(op.getInductionVar().getType());
  int64_t lower = frame.getInt(in.operands[0]);
  int64_t upper = frame.getInt(in.operands[1]);
  int64_t step = frame.getInt(in.operands[2]);
  if (step <= 0)
    return frame.fail(in, "expected a positive step, got " + Twine(step));
  if (op.getUnsignedCmp() && (lower < 0 || upper < 0))
    return frame.fail(in, "has unsigned bounds beyond the signed range, which "
                          "the interpreter does not support");
  const Code &body = in.bodies[0];
  SmallVector<Datum> carried =
      frame.collect(ArrayRef(in.operands).drop_front(3));
  uint64_t trips = getTripCount(lower, upper, step);
  for (uint64_t n = 0; n < trips; ++n) {
    int64_t iv = lower + static_cast<int64_t>(n * static_cast<uint64_t>(step));
    frame.set(body.arguments[0], roundTo(type, Lane::ofInt(iv)));
    frame.set(ArrayRef(body.arguments).drop_front(), carried);
    if (failed(frame.execute(body)))
      return failure();
    carried = frame.collect(body.yields);
  }
  frame.set(in.results, carried);
  return success();
}

static LogicalResult runIf(Frame &frame, const Instruction &in) {
  const Code &body = in.bodies[frame.getInt(in.operands[0]) ? 0 : 1];
  if (failed(frame.execute(body)))
    return failure();
  frame.set(in.results, frame.collect(body.yields));
  return success();
}

//===----------------------------------------------------------------------===//
// scf.forall
//===----------------------------------------------------------------------===//

SmallVector<int64_t> Grid::locate(uint64_t point) const {
  SmallVector<int64_t> at(counts.size());
  for (size_t d = counts.size(); d--;) {
    auto count = static_cast<uint64_t>(counts[d]);
    at[d] = lower[d] + static_cast<int64_t>(point % count) * step[d];
    point /= count;
  }
  return at;
}

std::optional<uint64_t> GridQueue::take() {
  if (stop.load(std::memory_order_relaxed))
    return std::nullopt;
  uint64_t point = next.fetch_add(1, std::memory_order_relaxed);
  return point < numPoints ? std::optional(point) : std::nullopt;
}

void GridQueue::report(uint64_t point, const Failure &why) {
  std::lock_guard<std::mutex> lock(mutex);
  stop = true;
  if (!failure || point < failedPoint) {
    failedPoint = point;
    failure = why;
  }
}

void mla::interp::runOnThreads(unsigned threads, uint64_t limit,
                               llvm::function_ref<void()> task) {
  if (!threads)
    threads = std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::thread> others;
  for (uint64_t n = 1; n < std::min<uint64_t>(threads, limit); ++n)
    others.emplace_back([=] { task(); });
  task();
  for (std::thread &thread : others)
    thread.join();
}

FailureOr<Grid> mla::interp::makeGrid(Frame &frame, const Instruction &in) {
  auto op = cast<scf::ForallOp>(in.op);
  // Operands hold the dynamic bounds: lower, then upper, then steps.
  ArrayRef<Slot> dynamic = in.operands;
  auto resolve = [&](ArrayRef<int64_t> values) {
    return llvm::map_to_vector(values, [&](int64_t value) {
      if (!ShapedType::isDynamic(value))
        return value;
      int64_t result = frame.getInt(dynamic.front());
      dynamic = dynamic.drop_front();
      return result;
    });
  };
  Grid grid;
  grid.lower = resolve(op.getStaticLowerBound());
  SmallVector<int64_t> upper = resolve(op.getStaticUpperBound());
  grid.step = resolve(op.getStaticStep());
  for (auto [lo, up, step] : llvm::zip_equal(grid.lower, upper, grid.step)) {
    if (step <= 0)
      return frame.fail(in, "expected a positive step, got " + Twine(step));
    uint64_t count = getTripCount(lo, up, step);
    grid.counts.push_back(static_cast<int64_t>(count));
    if (count && grid.numPoints > UINT64_MAX / count)
      return frame.fail(in, "expected a grid of less than 2^64 points");
    grid.numPoints *= count;
  }
  return grid;
}

/// Executes points until the queue is empty.
static void work(Frame frame, const Grid &grid, const Code &body,
                 GridQueue &queue) {
  while (std::optional<uint64_t> point = queue.take()) {
    for (auto [slot, at] : llvm::zip_equal(body.arguments, grid.locate(*point)))
      frame.set(slot, Lane::ofInt(at));
    if (failed(frame.execute(body)))
      queue.report(*point, *frame.getFailure());
  }
}

static LogicalResult runForall(Frame &frame, const Instruction &in) {
  FailureOr<Grid> grid = makeGrid(frame, in);
  if (failed(grid))
    return failure();
  GridQueue queue(grid->numPoints);
  runOnThreads(
      frame.isWorker() ? 1 : frame.getOptions().threads, grid->numPoints,
      [&] { work(Frame::makeWorker(frame), *grid, in.bodies[0], queue); });
  if (!queue.getFailure())
    return success();
  frame.adopt(*queue.getFailure());
  return failure();
}

//===----------------------------------------------------------------------===//
// affine.apply
//===----------------------------------------------------------------------===//

/// The value of `expr`, or none if a divisor is not positive.
static std::optional<int64_t> evaluate(AffineExpr expr, unsigned numDims,
                                       ArrayRef<int64_t> operands) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return constant.getValue();
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return operands[dim.getPosition()];
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return operands[numDims + symbol.getPosition()];
  auto binary = cast<AffineBinaryOpExpr>(expr);
  std::optional<int64_t> a = evaluate(binary.getLHS(), numDims, operands);
  std::optional<int64_t> b = evaluate(binary.getRHS(), numDims, operands);
  if (!a || !b)
    return std::nullopt;
  auto ua = static_cast<uint64_t>(*a), ub = static_cast<uint64_t>(*b);
  if (expr.getKind() == AffineExprKind::Add)
    return static_cast<int64_t>(ua + ub);
  if (expr.getKind() == AffineExprKind::Mul)
    return static_cast<int64_t>(ua * ub);
  if (*b <= 0)
    return std::nullopt;
  int64_t remainder = *a % *b;
  if (expr.getKind() == AffineExprKind::Mod)
    return remainder < 0 ? remainder + *b : remainder;
  if (expr.getKind() == AffineExprKind::FloorDiv)
    return *a / *b - (remainder < 0);
  return *a / *b + (remainder > 0);
}

static LogicalResult runApply(Frame &frame, const Instruction &in) {
  AffineMap map = cast<affine::AffineApplyOp>(in.op).getAffineMap();
  std::optional<int64_t> value =
      evaluate(map.getResult(0), map.getNumDims(), frame.getInts(in.operands));
  if (!value)
    return frame.fail(in, "expected a positive divisor");
  frame.set(in.results[0], Lane::ofInt(*value));
  return success();
}

void mla::interp::addControlOps(HandlerTable &table) {
  table["scf.for"] = runFor;
  table["scf.if"] = runIf;
  table["scf.forall"] = runForall;
  table["affine.apply"] = runApply;
}
