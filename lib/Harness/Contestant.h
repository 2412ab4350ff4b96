//===- Contestant.h - what `bench` times, and how ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_HARNESS_CONTESTANT_H
#define MLA_LIB_HARNESS_CONTESTANT_H

#include "Report.h"
#include "Timing.h"
#include "mla/Harness/Tool.h"

#include <map>
#include <memory>

namespace mla::harness {

/// A kernel or a peer, ready to be launched on its arguments, and its samples
/// by mode.
struct Contestant {
  /// Its name in reports.
  std::string label;
  /// The kernel's symbol; a peer's library.
  std::string code;
  /// Queues one launch of the kernels of a phase.
  std::function<Status(mlaPhase)> launch;
  double flops = 0, bytes = 0;
  Sizes sizes;
  std::vector<CheckResult> agreement;
  bool isPeer = false;
  /// Why a peer is not timed, at all or in a mode.
  std::string skipped;
  std::map<Mode, std::string> skippedModes;
  /// Launches as graphs, by the modes that time these.
  std::map<Mode, std::shared_ptr<LaunchGraph>> graphs;
  std::map<Mode, Samples> samples;
};

/// Times contestants in the modes and the phase of the options.
class ContestantTimer {
public:
  ContestantTimer(const GpuContext &context, const ToolOptions &options)
      : context(context), options(options) {}

  /// Prepares what some modes need, before anything is timed.
  Status prepare(std::vector<Contestant> &contestants);

  /// The launches of one round and mode, after untimed ones.
  Status measure(Contestant &contestant, Mode mode) const;

private:
  bool isAskedFor(Mode mode) const;
  Status capture(Contestant &contestant, Mode mode, int launches) const;
  Status measureLaunches(Contestant &contestant, Mode mode) const;
  Status measureGraph(Contestant &contestant) const;
  Status measureFlushedGraph(Contestant &contestant) const;
  Launch launchOf(const Contestant &contestant) const;
  Before flushBefore() const;

  const GpuContext &context;
  const ToolOptions &options;
  std::unique_ptr<L2Flush> flush;
};

} // namespace mla::harness

#endif // MLA_LIB_HARNESS_CONTESTANT_H
