//===- Timing.h - what a launch takes ---------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_HARNESS_TIMING_H
#define MLA_LIB_HARNESS_TIMING_H

#include "mla/Harness/Gpu.h"

namespace mla::harness {

/// Times of each timed launch.
struct Samples {
  /// Milliseconds between the events around it.
  std::vector<double> ms;
  /// Host time of the call. Left out for launches that are queued so far ahead
  /// of the device that the call may have waited for it.
  std::vector<double> hostUs;
};

/// Runs before each launch, outside of the timed interval.
using Before = std::function<Status()>;

/// Launches `count` times and adds a sample for each, without waiting between
/// them. `label` names the kernel in errors that are reported later.
Status timeLaunches(const GpuContext &context, const std::string &label,
                    const Launch &launch, int count, const Before &before,
                    Samples &samples);

/// Waits until the device is done, and then `ms` milliseconds.
Before idleBefore(const GpuContext &context, double ms);

/// Memory that is written to evict everything else from the L2.
class L2Flush {
public:
  /// Errors: too little memory; a driver that cannot write.
  static Status create(const GpuContext &context,
                       std::unique_ptr<L2Flush> &out);
  ~L2Flush();
  L2Flush(const L2Flush &) = delete;
  L2Flush &operator=(const L2Flush &) = delete;

  /// Queues the write on the context's stream.
  Status write() const;

private:
  explicit L2Flush(const GpuContext &context) : context(context) {}

  const GpuContext &context;
  runtime::CudaPointer buffer = 0;
};

/// Launches as a CUDA graph.
class LaunchGraph {
public:
  /// Captures `count` launches of the kernel `label`. Errors: a driver without
  /// graphs; a launch that fails or cannot be captured.
  static Status create(const GpuContext &context, const std::string &label,
                       const Launch &launch, int count,
                       std::unique_ptr<LaunchGraph> &out);
  ~LaunchGraph();
  LaunchGraph(const LaunchGraph &) = delete;
  LaunchGraph &operator=(const LaunchGraph &) = delete;

  /// Queues the graph on the context's stream.
  Status replay() const;

private:
  explicit LaunchGraph(const GpuContext &context) : context(context) {}
  /// Stores the status of the launches in `launched`.
  Status capture(const Launch &launch, int count, Status &launched);

  const GpuContext &context;
  runtime::CudaGraph graph = nullptr;
  runtime::CudaGraphExec executable = nullptr;
};

} // namespace mla::harness

#endif // MLA_LIB_HARNESS_TIMING_H
