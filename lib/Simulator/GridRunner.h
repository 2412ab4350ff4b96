//===- GridRunner.h - runs a grid cluster by cluster ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_SIMULATOR_GRIDRUNNER_H
#define MLA_LIB_SIMULATOR_GRIDRUNNER_H

#include "Plan.h"

namespace mla::sim {

/// Runs the plan's grid, one machine at a time on each thread. `frame` holds
/// the values that are computed outside the grid, and receives the error.
mlir::LogicalResult runGrid(const Plan &plan, interp::Frame &frame);

} // namespace mla::sim

#endif // MLA_LIB_SIMULATOR_GRIDRUNNER_H
