//===- Values.h - events, MMAs and stores in flight -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_SIMULATOR_VALUES_H
#define MLA_LIB_SIMULATOR_VALUES_H

#include "Shadow.h"
#include "mla/Interpreter/Program.h"

namespace mla::sim {

class Role;

/// Trip number of each loop around an op, outermost first.
using Iteration = llvm::SmallVector<int64_t, 2>;

/// An op that touched memory, for messages.
struct Event {
  mlir::Operation *op;
  const Role *role;
  Iteration iteration;
};

/// A warpgroup MMA: its operands while in flight, then its result.
struct Mma {
  /// The group it was committed with, from 1 on; 0 while uncommitted.
  Time group = 0;
  bool landed = false;
  /// A younger MMA adds to its accumulator.
  bool continued = false;
  interp::TilePtr result;
  /// Registers that it reads or writes until it is waited for.
  std::shared_ptr<const interp::DenseTile> a, acc;
  std::shared_ptr<Mma> previous;
  EventId event = kNoEvent;
};

/// A bulk store in flight.
struct BulkStore {
  Time group;
  bool read = false, written = false;
};

} // namespace mla::sim

#endif // MLA_LIB_SIMULATOR_VALUES_H
