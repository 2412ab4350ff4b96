//===- FakeTrace.cpp - a kernel and an invented run of it -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "FakeTrace.h"
#include "mla/Pipelines/Pipelines.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mla;
using namespace mla::explain;

//===----------------------------------------------------------------------===//
// The kernel
//===----------------------------------------------------------------------===//

static constexpr char kSource[] = R"(
func.func @sparse_prefill(%q: memref<?x128x576xbf16, strided<[?, ?, 1]>>,
    %kv: memref<?x1x576xbf16, strided<[?, ?, 1]>>,
    %i: memref<?x1x?xi32, strided<[?, ?, 1]>>, %scale: f32,
    %out: memref<?x128x512xbf16, strided<[?, ?, 1]>>,
    %max: memref<?x128xf32, strided<[?, 1]>>,
    %lse: memref<?x128xf32, strided<[?, 1]>>) {
  mla.sparse_prefill ins(%q, %kv, %i, %scale :
      memref<?x128x576xbf16, strided<[?, ?, 1]>>,
      memref<?x1x576xbf16, strided<[?, ?, 1]>>,
      memref<?x1x?xi32, strided<[?, ?, 1]>>)
    outs(%out, %max, %lse : memref<?x128x512xbf16, strided<[?, ?, 1]>>,
      memref<?x128xf32, strided<[?, 1]>>, memref<?x128xf32, strided<[?, 1]>>)
  return
})";

Subject::Subject(llvm::StringRef schedule, int64_t trips) {
  DialectRegistry registry;
  registerDialects(registry);
  context.appendDialectRegistry(registry);
  module = parseSourceString<ModuleOp>(kSource, &context, "kernel.mlir");
  PassManager pm(&context);
  KernelPipelineOptions options;
  options.schedule = schedule.str();
  buildCTAPipeline(pm, options);
  if (!module || failed(pm.run(*module)))
    return;
  func = *module->getOps<func::FuncOp>().begin();
  trace = makeFakeTrace(func, trips);
}

//===----------------------------------------------------------------------===//
// The trace
//===----------------------------------------------------------------------===//

namespace {
class FakeRun {
public:
  FakeRun(sim::Trace &trace, cta::RoleOp role, int64_t trips)
      : trace(trace), trips(trips), track(trace.tracks.size()) {
    std::string name = role.getName().str();
    trace.tracks.insert(trace.tracks.end(),
                        {name, name + " products", name + " copies"});
    run(role.getBody().front());
    trace.end = std::max(trace.end, std::max(time, queue[0]));
  }

private:
  void run(Block &block) {
    for (Operation &op : block) {
      if (auto loop = dyn_cast<scf::ForOp>(op)) {
        iteration.push_back(0);
        for (; iteration.back() < trips; ++iteration.back())
          run(*loop.getBody());
        iteration.pop_back();
      } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
        run(*branch.thenBlock());
      } else {
        execute(&op);
      }
    }
  }

  void execute(Operation *op) {
    if (auto slot = dyn_cast<cta::SlotOp>(op))
      ++uses[findRoot(slot.getRing())];
    switch (getCategory(op)) {
    case Category::Wait:
      return wait(op);
    case Category::MMA:
      return launch(op, sim::TraceKind::Mma, 1, 150);
    case Category::Copy:
      return launch(op, sim::TraceKind::Copy, 2, 700);
    default:
      emit(op, sim::TraceKind::Compute, track, time, time + 8);
      access(op, time);
      time += 8;
    }
  }

  void wait(Operation *op) {
    double end = time + 40;
    if (auto product = dyn_cast<cta::MmaWaitOp>(op))
      end = std::max(time, ends[findMMA(product.getSource())]);
    emit(op, sim::TraceKind::Wait, track, time, end);
    time = end;
  }

  void launch(Operation *op, sim::TraceKind kind, unsigned number,
              double cycles) {
    emit(op, sim::TraceKind::Compute, track, time, time + 4);
    time += 4;
    double begin = std::max(time, queue[number - 1]);
    emit(op, kind, track + number, begin, begin + cycles);
    access(op, begin);
    queue[number - 1] = ends[op] = begin + cycles;
  }

  void emit(Operation *op, sim::TraceKind kind, unsigned onTrack, double begin,
            double end) {
    trace.events.push_back({onTrack, kind, op, begin, end, iteration});
  }

  /// Records the slots that `op` names; a store or copy writes its last one.
  void access(Operation *op, double when) {
    if (isa<cta::DescriptorOp, cta::SlotOp, cta::ViewOp>(op))
      return;
    bool writes =
        isa<cta::StoreSharedOp, cta::CopyAsyncOp, cta::GatherAsyncOp>(op);
    for (Value operand : op->getOperands())
      if (auto ring = dyn_cast_or_null<cta::RingOp>(findRoot(operand))) {
        cta::RingType type = ring.getResult().getType();
        int64_t bytes = type.getSlotType().getBytes();
        int64_t begin = static_cast<int64_t>(*ring.getOffset()) +
                        (uses[ring] - 1) % type.getDepth() * bytes;
        trace.accesses.push_back({op, 0, begin, begin + bytes, when, writes});
      }
  }

  sim::Trace &trace;
  int64_t trips;
  unsigned track;
  double time = 0, queue[2] = {0, 0};
  SmallVector<int64_t, 2> iteration;
  DenseMap<Operation *, int64_t> uses;
  DenseMap<Operation *, double> ends;
};
} // namespace

sim::Trace explain::makeFakeTrace(func::FuncOp func, int64_t trips) {
  sim::Trace trace;
  func.walk([&](cta::RoleOp role) { FakeRun(trace, role, trips); });
  return trace;
}
