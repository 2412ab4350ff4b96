//===- Coverage.h - what a grid has written ---------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_SIMULATOR_COVERAGE_H
#define MLA_LIB_SIMULATOR_COVERAGE_H

#include "Machine.h"

namespace mla::sim {

/// The bytes of each output that the machines of a run have written.
class Coverage {
public:
  /// Adds what `machine` wrote; an error if another machine wrote some of the
  /// same bytes.
  std::optional<interp::Failure> add(const Machine &machine);
  /// An error for the first element of an output that no machine wrote.
  /// Workspaces and arguments with mla.partly_written may have unwritten
  /// elements.
  std::optional<interp::Failure> findGap(const Plan &plan) const;
  /// Marks the elements of workspaces that have been written.
  void noteWorkspaces() const;

private:
  struct Written {
    int64_t end;
    mlir::Operation *op;
  };
  using Ranges = std::map<int64_t, Written>;
  static std::optional<interp::Failure> insert(Ranges &ranges, ByteRange bytes,
                                               mlir::Operation *op);
  std::mutex mutex;
  std::map<const interp::Argument *, Ranges> outputs;
};

} // namespace mla::sim

#endif // MLA_LIB_SIMULATOR_COVERAGE_H
