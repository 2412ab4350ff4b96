//===- GridRunner.cpp - runs a grid cluster by cluster ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "GridRunner.h"
#include "Coverage.h"
#include "Machine.h"
#include <atomic>
#include <thread>

using namespace mlir;
using namespace mla;
using namespace mla::sim;
using namespace mla::interp;

/// The points of `grid` ordered by cluster; `dims` is a cluster's size in each
/// dimension.
static FailureOr<std::vector<SmallVector<int64_t>>>
orderByCluster(scf::ForallOp op, const Grid &grid, ArrayRef<int64_t> dims) {
  size_t rank = grid.counts.size();
  SmallVector<int64_t> clusters, inside(dims);
  inside.resize(rank, 1);
  for (size_t d = 0; d < rank; ++d) {
    if (inside[d] < 1 || grid.counts[d] % inside[d])
      return op.emitOpError() << "expected a multiple of " << inside[d]
                              << " CTAs, the cluster's size, in dimension " << d
                              << ", got " << grid.counts[d];
    clusters.push_back(grid.counts[d] / inside[d]);
  }
  // Points are visited in ascending order, also within a cluster.
  std::map<int64_t, std::vector<SmallVector<int64_t>>> byCluster;
  for (uint64_t n = 0; n < grid.numPoints; ++n) {
    SmallVector<int64_t> point = grid.locate(n);
    int64_t number = 0;
    for (size_t d = 0; d < rank; ++d)
      number = number * clusters[d] +
               (point[d] - grid.lower[d]) / grid.step[d] / inside[d];
    byCluster[number].push_back(std::move(point));
  }
  std::vector<SmallVector<int64_t>> points;
  for (auto &[number, cluster] : byCluster)
    llvm::append_range(points, cluster);
  return points;
}

namespace {
class GridRunner {
public:
  GridRunner(const Plan &plan, const Frame &values)
      : plan(plan), values(values) {}

  LogicalResult run(Frame &frame);

private:
  LogicalResult checkMemory(unsigned threads) const;
  void work(GridQueue &queue);

  const Plan &plan;
  const Frame &values;
  std::vector<SmallVector<int64_t>> points;
  unsigned clusterSize = 1;
  size_t perMachine = 1;
  std::atomic<uint64_t> done = 0;
  Coverage coverage;
};
} // namespace

LogicalResult GridRunner::checkMemory(unsigned threads) const {
  // Bytes and their shadow: at worst a segment for every 64 bytes.
  uint64_t perCta = plan.sharedBytes * 4 + plan.agentsPerCta() * 4096;
  if (!threads)
    threads = std::max(1u, std::thread::hardware_concurrency());
  threads = std::min<uint64_t>(threads, points.size() / perMachine);
  uint64_t bytes = perCta * perMachine * threads;
  uint64_t limit = plan.options.memoryLimit, taken = plan.options.memoryTaken;
  if (!limit || (taken <= limit && bytes <= limit - taken))
    return success();
  InFlightDiagnostic error = plan.grid->op->emitOpError()
                             << "needs about " << bytes << " bytes to simulate "
                             << perMachine << " CTAs at a time on " << threads
                             << " threads";
  if (taken)
    error << " besides " << taken << " of arguments";
  return error << ", the limit is " << limit;
}

void GridRunner::work(GridQueue &queue) {
  while (std::optional<uint64_t> n = queue.take()) {
    ArrayRef<SmallVector<int64_t>> group =
        ArrayRef(points).slice(*n * perMachine, perMachine);
    Machine machine(plan, values, group, clusterSize,
                    plan.options.seed * 1000003 + *n,
                    *n ? nullptr : plan.options.trace);
    if (failed(machine.run()))
      queue.report(*n, *machine.getFailure());
    else if (std::optional<Failure> overlap = coverage.add(machine))
      queue.report(*n, *overlap);
    if (plan.options.progress)
      plan.options.progress(++done * perMachine, points.size());
  }
}

LogicalResult GridRunner::run(Frame &frame) {
  FailureOr<Grid> grid = makeGrid(frame, *plan.grid);
  if (failed(grid))
    return failure();
  SmallVector<int64_t> dims;
  if (auto cluster =
          plan.function->getAttrOfType<DenseI64ArrayAttr>(cta::kClusterAttr))
    llvm::append_range(dims, cluster.asArrayRef());
  Operation *op = plan.grid->op;
  if (dims.size() > grid->counts.size())
    return op->emitOpError()
           << "expected a cluster of at most " << grid->counts.size()
           << " dimensions, got " << dims.size();
  // The coordinates are there twice while they are sorted.
  uint64_t limit = plan.options.memoryLimit;
  if (limit && grid->numPoints > limit / (2 * sizeof(points.front())))
    return op->emitOpError()
           << "has " << grid->numPoints
           << " CTAs, too many for the memory limit of " << limit;
  auto ordered = orderByCluster(cast<scf::ForallOp>(op), *grid, dims);
  if (failed(ordered))
    return failure();
  points = std::move(*ordered);
  for (int64_t size : dims)
    clusterSize *= size;
  perMachine = plan.needsWholeGrid ? points.size() : clusterSize;
  uint64_t machines = points.empty() ? 0 : points.size() / perMachine;
  if (machines && failed(checkMemory(plan.options.threads)))
    return failure();
  if (plan.options.firstClusterOnly)
    machines = std::min<uint64_t>(machines, 1);
  GridQueue queue(machines);
  runOnThreads(plan.options.threads, machines, [&] { work(queue); });
  std::optional<Failure> error = queue.getFailure();
  if (!error && !plan.options.firstClusterOnly)
    error = coverage.findGap(plan);
  if (!error) {
    coverage.noteWorkspaces();
    return success();
  }
  frame.adopt(*error);
  return failure();
}

LogicalResult mla::sim::runGrid(const Plan &plan, Frame &frame) {
  return GridRunner(plan, frame).run(frame);
}
