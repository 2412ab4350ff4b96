//===- Contestant.cpp - what `bench` times, and how -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Contestant.h"

#include <algorithm>

using namespace mla::runtime;

namespace mla::harness {

bool ContestantTimer::isAskedFor(Mode mode) const {
  return std::count(options.modes.begin(), options.modes.end(), mode) > 0;
}

Launch ContestantTimer::launchOf(const Contestant &contestant) const {
  return [this, &contestant] { return contestant.launch(options.phase); };
}

Before ContestantTimer::flushBefore() const {
  return [this] { return flush->write(); };
}

Status ContestantTimer::prepare(std::vector<Contestant> &contestants) {
  for (Mode mode : {Mode::Flush, Mode::GraphFlush})
    if (isAskedFor(mode) && !flush)
      MLA_RETURN_IF_ERROR(
          L2Flush::create(context, flush)
              .within(std::string("mode '") + nameOf(mode) + "'"));
  for (auto [mode, launches] :
       {std::pair(Mode::Graph, options.iterations), {Mode::GraphFlush, 1}})
    if (isAskedFor(mode))
      for (Contestant &contestant : contestants)
        if (contestant.skipped.empty())
          MLA_RETURN_IF_ERROR(capture(contestant, mode, launches));
  return Status();
}

/// Our kernels can always be captured; a peer may make calls that cannot.
Status ContestantTimer::capture(Contestant &contestant, Mode mode,
                                int launches) const {
  std::unique_ptr<LaunchGraph> graph;
  Status status = LaunchGraph::create(context, contestant.label,
                                      launchOf(contestant), launches, graph);
  if (contestant.isPeer && !status.ok() && status.code() != MLA_DEVICE_LOST) {
    contestant.skippedModes[mode] = "cannot be captured: " + status.message();
    return Status();
  }
  contestant.graphs[mode] = std::move(graph);
  return status.within(std::string("mode '") + nameOf(mode) + "'");
}

Status ContestantTimer::measure(Contestant &contestant, Mode mode) const {
  // Contestants may share the memory of their plans.
  if (options.phase == MLA_PHASE_LAUNCH)
    MLA_RETURN_IF_ERROR(contestant.launch(MLA_PHASE_PLAN));
  switch (mode) {
  case Mode::Graph:
    return measureGraph(contestant);
  case Mode::GraphFlush:
    return measureFlushedGraph(contestant);
  default:
    return measureLaunches(contestant, mode);
  }
}

Status ContestantTimer::measureLaunches(Contestant &contestant,
                                        Mode mode) const {
  Samples ignored;
  Launch launch = launchOf(contestant);
  MLA_RETURN_IF_ERROR(timeLaunches(context, contestant.label, launch,
                                   options.warmup, /*before=*/nullptr,
                                   ignored));
  Before before;
  if (mode == Mode::Gap)
    before = idleBefore(context, options.gapMs);
  else if (mode == Mode::Flush)
    before = flushBefore();
  return timeLaunches(context, contestant.label, launch, options.iterations,
                      before, contestant.samples[mode]);
}

/// Times a replay of the same number of launches. The first replay uploads the
/// graph, so at least one is not timed; the timed one is queued behind it,
/// which hides its own launch.
Status ContestantTimer::measureGraph(Contestant &contestant) const {
  const LaunchGraph &graph = *contestant.graphs[Mode::Graph];
  int launches = 0;
  do {
    MLA_RETURN_IF_ERROR(graph.replay().within(contestant.label));
    launches += options.iterations;
  } while (launches < options.warmup);
  Samples whole;
  MLA_RETURN_IF_ERROR(timeLaunches(
      context, contestant.label,
      [&] { return graph.replay().within(contestant.label); }, /*count=*/1,
      /*before=*/nullptr, whole));
  contestant.samples[Mode::Graph].ms.push_back(whole.ms.front() /
                                               options.iterations);
  return Status();
}

/// Times replays one by one. The flush, which takes longer than the host needs
/// for a replay, hides the launch of the graph.
Status ContestantTimer::measureFlushedGraph(Contestant &contestant) const {
  const LaunchGraph &graph = *contestant.graphs[Mode::GraphFlush];
  Launch replay = [&] { return graph.replay().within(contestant.label); };
  Samples ignored;
  MLA_RETURN_IF_ERROR(timeLaunches(context, contestant.label, replay,
                                   std::max(options.warmup, 1),
                                   /*before=*/nullptr, ignored));
  return timeLaunches(context, contestant.label, replay, options.iterations,
                      flushBefore(), contestant.samples[Mode::GraphFlush]);
}

} // namespace mla::harness
