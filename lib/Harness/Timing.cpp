//===- Timing.cpp - what a launch takes -----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Timing.h"

#include <chrono>
#include <thread>

using namespace mla::runtime;

namespace mla::harness {

namespace {

/// Number of launches, with the events around them, that every driver queues
/// before a call has to wait for the device.
constexpr int kQueuedLaunches = 200;

/// Several times the L2 of any GPU.
constexpr size_t kFlushBytes = size_t(256) << 20;

/// Pairs of events around launches, freed at the end.
class EventPairs {
public:
  explicit EventPairs(const Driver &driver) : driver(driver) {}
  ~EventPairs() {
    for (CudaEvent event : events)
      (void)driver.cuEventDestroy(event);
  }
  EventPairs(const EventPairs &) = delete;
  EventPairs &operator=(const EventPairs &) = delete;

  Status create(int pairs) {
    for (int i = 0; i < 2 * pairs; ++i) {
      CudaEvent event = nullptr;
      MLA_DRIVER_CALL(driver, cuEventCreate, &event, 0u);
      events.push_back(event);
    }
    return Status();
  }
  CudaEvent start(int pair) const { return events[2 * pair]; }
  CudaEvent stop(int pair) const { return events[2 * pair + 1]; }

  Status elapsed(int pair, double &ms) const {
    float value = 0;
    MLA_DRIVER_CALL(driver, cuEventElapsedTime, &value, start(pair),
                    stop(pair));
    ms = value;
    return Status();
  }

private:
  const Driver &driver;
  std::vector<CudaEvent> events;
};

/// An entry point that older drivers lack.
template <typename Entry> Status expectEntry(Entry entry, const char *symbol) {
  return entry ? Status()
               : Status(MLA_UNSUPPORTED_DRIVER,
                        std::string("the CUDA driver lacks ") + symbol);
}
#define MLA_EXPECT_ENTRY(driver, entry)                                        \
  MLA_RETURN_IF_ERROR(expectEntry((driver).entry, #entry))

} // namespace

Status timeLaunches(const GpuContext &context, const std::string &label,
                    const Launch &launch, int count, const Before &before,
                    Samples &samples) {
  using Clock = std::chrono::steady_clock;
  const Driver &driver = context.driver();
  EventPairs events(driver);
  MLA_RETURN_IF_ERROR(events.create(count));
  // Allocate all samples now, not between launches.
  samples.hostUs.reserve(samples.hostUs.size() + count);
  for (int i = 0; i < count; ++i) {
    if (before)
      MLA_RETURN_IF_ERROR(before());
    MLA_DRIVER_CALL(driver, cuEventRecord, events.start(i), context.stream());
    Clock::time_point called = Clock::now();
    MLA_RETURN_IF_ERROR(launch());
    std::chrono::duration<double, std::micro> took = Clock::now() - called;
    MLA_DRIVER_CALL(driver, cuEventRecord, events.stop(i), context.stream());
    if (i < kQueuedLaunches)
      samples.hostUs.push_back(took.count());
  }
  // Faults inside kernels are reported here.
  MLA_RETURN_IF_ERROR(driver
                          .check(driver.cuStreamSynchronize(context.stream()),
                                 "cuStreamSynchronize")
                          .within(label));
  for (int i = 0; i < count; ++i) {
    double value = 0;
    MLA_RETURN_IF_ERROR(events.elapsed(i, value));
    samples.ms.push_back(value);
  }
  return Status();
}

Before idleBefore(const GpuContext &context, double ms) {
  return [&context, ms] {
    MLA_DRIVER_CALL(context.driver(), cuStreamSynchronize, context.stream());
    std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(ms));
    return Status();
  };
}

Status L2Flush::create(const GpuContext &context,
                       std::unique_ptr<L2Flush> &out) {
  MLA_EXPECT_ENTRY(context.driver(), cuMemsetD8Async);
  std::unique_ptr<L2Flush> made(new L2Flush(context));
  const Driver &driver = context.driver();
  MLA_RETURN_IF_ERROR(
      driver.check(driver.cuMemAlloc(&made->buffer, kFlushBytes), "cuMemAlloc")
          .within("256 MiB to write over the L2"));
  out = std::move(made);
  return Status();
}

L2Flush::~L2Flush() {
  if (buffer)
    (void)context.driver().cuMemFree(buffer);
}

Status L2Flush::write() const {
  MLA_DRIVER_CALL(context.driver(), cuMemsetD8Async, buffer,
                  static_cast<unsigned char>(0), kFlushBytes, context.stream());
  return Status();
}

Status LaunchGraph::create(const GpuContext &context, const std::string &label,
                           const Launch &launch, int count,
                           std::unique_ptr<LaunchGraph> &out) {
  const Driver &driver = context.driver();
  MLA_EXPECT_ENTRY(driver, cuStreamBeginCapture);
  MLA_EXPECT_ENTRY(driver, cuStreamEndCapture);
  MLA_EXPECT_ENTRY(driver, cuGraphInstantiate);
  MLA_EXPECT_ENTRY(driver, cuGraphLaunch);
  MLA_EXPECT_ENTRY(driver, cuGraphDestroy);
  MLA_EXPECT_ENTRY(driver, cuGraphExecDestroy);
  std::unique_ptr<LaunchGraph> made(new LaunchGraph(context));
  // Errors of launches name the kernel.
  Status launched;
  Status captured = made->capture(launch, count, launched);
  MLA_RETURN_IF_ERROR(launched);
  MLA_RETURN_IF_ERROR(captured.within(label));
  out = std::move(made);
  return Status();
}

Status LaunchGraph::capture(const Launch &launch, int count, Status &launched) {
  const Driver &driver = context.driver();
  // Calls that a graph cannot repeat, such as allocations, fail in this thread.
  MLA_DRIVER_CALL(driver, cuStreamBeginCapture, context.stream(),
                  int(kCudaCaptureThreadLocal));
  for (int i = 0; i < count && launched.ok(); ++i)
    launched = launch();
  // Also after a failure: the stream is unusable until the capture ends.
  MLA_DRIVER_CALL(driver, cuStreamEndCapture, context.stream(), &graph);
  MLA_DRIVER_CALL(driver, cuGraphInstantiate, &executable, graph, 0ull);
  return Status();
}

LaunchGraph::~LaunchGraph() {
  if (executable)
    (void)context.driver().cuGraphExecDestroy(executable);
  if (graph)
    (void)context.driver().cuGraphDestroy(graph);
}

Status LaunchGraph::replay() const {
  MLA_DRIVER_CALL(context.driver(), cuGraphLaunch, executable,
                  context.stream());
  return Status();
}

} // namespace mla::harness
