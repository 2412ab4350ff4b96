//===- Trace.h - timed events of a simulated run ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_SIMULATOR_TRACE_H
#define MLA_SIMULATOR_TRACE_H

#include "mlir/IR/Operation.h"
#include "llvm/ADT/SmallVector.h"
#include <string>
#include <vector>

namespace mla::sim {

enum class TraceKind {
  /// A role executes an op.
  Compute,
  /// A role waits: for a barrier, an MMA, a group of stores.
  Wait,
  /// A copy in flight, on the track of the role's copy queue.
  Copy,
  /// An MMA in flight, on the track of the role's MMA queue.
  Mma
};

struct TraceEvent {
  /// Index into Trace::tracks.
  unsigned track;
  TraceKind kind;
  mlir::Operation *op;
  /// In cycles with Timing::Modelled, otherwise in scheduler steps.
  double begin, end;
  /// Trip number of each loop around the op, outermost first.
  llvm::SmallVector<int64_t, 2> iteration;
};

/// An access to shared memory: the bounding range of its bytes.
struct TraceAccess {
  mlir::Operation *op;
  unsigned cta;
  int64_t beginByte, endByte;
  double time;
  bool write;
};

/// The events of the first cluster of a run. Those of one track are in order of
/// time and do not overlap.
struct Trace {
  /// The symbol of the kernel that ran.
  std::string kernel;
  /// "softmax", "softmax copies", "softmax products", ...; those of the second
  /// CTA of a cluster and on are prefixed "cta 1: ".
  std::vector<std::string> tracks;
  std::vector<TraceEvent> events;
  std::vector<TraceAccess> accesses;
  /// The end of the last event.
  double end = 0;
};

} // namespace mla::sim

#endif // MLA_SIMULATOR_TRACE_H
