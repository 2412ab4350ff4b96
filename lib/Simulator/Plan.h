//===- Plan.h - what all machines of a run share ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_SIMULATOR_PLAN_H
#define MLA_LIB_SIMULATOR_PLAN_H

#include "CycleModel.h"
#include "Layout.h"
#include "mla/Interpreter/Program.h"
#include "mla/Simulator/Simulator.h"

namespace mla::sim {

/// The program and the facts that one walk over it gathers.
struct Plan {
  const interp::Program *program;
  const interp::Instruction *grid;
  const interp::Code *body;
  Options options;
  mlir::func::FuncOp function;
  llvm::ArrayRef<interp::Argument> arguments;
  int64_t sharedBytes = 0;
  unsigned warps = 0;
  /// Instructions of `body` that are roles, by index.
  llvm::SmallVector<size_t, 4> roles;
  /// First slot of each declaration among a CTA's barriers.
  llvm::DenseMap<mlir::Operation *, unsigned> barriers;
  unsigned numBarriers = 0;
  /// Tiles of constants: never in flight.
  llvm::DenseSet<const interp::DenseTile *> constants;
  /// Footprints, by type.
  llvm::DenseMap<mlir::Type, Footprint> footprints;
  /// Footprints of what each warp of a role holds, by type, layout and number
  /// of warps.
  llvm::DenseMap<std::pair<mlir::Type, std::pair<mlir::Attribute, unsigned>>,
                 std::vector<Footprint>>
      warpFootprints;
  /// Arguments that the kernel writes, by number, but for flags.
  llvm::SmallVector<unsigned, 4> written;
  /// CTAs talk through global memory, so that all of them run together.
  bool needsWholeGrid = false;
  CycleModel costs;

  /// Agents: each warp with the reads and writes of its bulk stores, each
  /// role's queues of MMAs and cp.async, the barriers.
  static constexpr unsigned kPerWarp = 3, kQueues = 2;
  unsigned agentsPerCta() const {
    return kPerWarp * warps +
           kQueues * static_cast<unsigned>(roles.size() + 1) + numBarriers;
  }
};

/// Fills in `plan` for `program`, the translation of `function`. Its options
/// and arguments are set already.
mlir::LogicalResult makePlan(Plan &plan, mlir::func::FuncOp function,
                             mlir::scf::ForallOp grid,
                             const interp::Program &program);

} // namespace mla::sim

#endif // MLA_LIB_SIMULATOR_PLAN_H
