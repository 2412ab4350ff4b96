//===- Timeline.h - tracks, spans and loops of a trace ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_EXPLAIN_TIMELINE_H
#define MLA_EXPLAIN_TIMELINE_H

#include "mla/Explain/Kernel.h"
#include "mla/Simulator/Trace.h"

namespace mla::explain {

/// A track of the trace: a role, or one of its queues of asynchronous ops.
struct Track {
  enum class Kind { Role, MMAs, Copies };
  Kind kind = Kind::Role;
  std::string role;
  unsigned cta = 0;
  /// Index into sim::Trace::tracks.
  unsigned number = 0;
};

/// Consecutive events of one track with the same label.
struct Span {
  unsigned track;
  Category category;
  std::string label;
  double begin, end;
  llvm::SmallVector<mlir::Operation *, 4> ops;
  /// Of the first event.
  mlir::scf::ForOp loop;
  llvm::SmallVector<int64_t, 2> iteration;
};

/// One trip of a role's main loop.
struct Trip {
  int64_t number;
  double begin, end;
};

/// A step of a role's main loop.
struct Step {
  std::string label;
  Category category;
  /// Average cycles per trip, and how many of them the role waits.
  double cycles = 0, waited = 0;
  llvm::SmallVector<mlir::Operation *, 4> ops;
  /// The condition that ends a wait: "softmax and output release k".
  std::string reason;
};

/// The main loop of a role: the one that takes most of its cycles.
struct RoleLoop {
  unsigned track;
  std::vector<Trip> trips;
  /// Cycles from trip to trip in the steady state.
  double period = 0;
  std::vector<Step> steps;

  double waiting() const;
};

struct Timeline {
  /// In the order of the roles, each followed by its MMAs and copies.
  std::vector<Track> tracks;
  std::vector<Span> spans;
  std::vector<RoleLoop> loops;
  double end = 0;
  /// A window of a few trips in the middle of the run of a role that issues
  /// MMAs, and the cycles of such a trip.
  double steadyBegin = 0, steadyEnd = 0;
  double period = 0;

  const RoleLoop *findLoop(unsigned track) const;
  /// The share of [begin, end) in which a queue of `kind` of CTA 0 is busy.
  double getBusyShare(Track::Kind kind, double begin, double end) const;
};

Timeline buildTimeline(const Kernel &kernel, const sim::Trace &trace);

//===----------------------------------------------------------------------===//
// Lives of slots
//===----------------------------------------------------------------------===//

/// An op that reads or writes a slot, and when it runs.
struct Access {
  mlir::Operation *op;
  double begin, end;
};

/// One use of a slot: from the first byte written to the release.
struct Life {
  /// Number of the use, counted over all slots of the allocation.
  int64_t use = 0;
  Access fill;
  std::vector<Access> reads;
  /// When the last role released the slot; negative if none does.
  double released = -1;

  /// The end of the last read; of the fill if there is none.
  double lastRead() const;
};

/// The lives of every slot of `allocation`, slot by slot. Empty for barriers.
std::vector<std::vector<Life>> findLives(const Kernel &kernel,
                                         const sim::Trace &trace,
                                         const Allocation &allocation);

} // namespace mla::explain

#endif // MLA_EXPLAIN_TIMELINE_H
