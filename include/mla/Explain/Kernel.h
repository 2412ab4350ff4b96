//===- Kernel.h - facts about a kernel from its IR --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Facts about a verified `cta` program that do not depend on a run: roles,
// allocations of shared memory, barriers with their counts, and labels of ops.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_EXPLAIN_KERNEL_H
#define MLA_EXPLAIN_KERNEL_H

#include "mla/Dialect/CTA/CTA.h"
#include "mla/Support/Target.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mla::explain {

/// Values of run-time sizes by name.
using Sizes = std::map<std::string, int64_t>;

struct Role {
  std::string name;
  int64_t warps, registers;
  cta::RoleOp op;
  /// Registers of all its threads.
  int64_t totalRegisters() const { return 32 * warps * registers; }
};

/// A named piece of shared memory: a ring, a buffer, an array of mbarriers.
struct Allocation {
  enum class Kind { Ring, Buffer, Barrier };
  Kind kind;
  std::string name;
  int64_t offset, slots, slotBytes;
  /// "64x576 bf16"; empty for barriers.
  std::string type;
  /// Bytes of the swizzle; 0 for none.
  int64_t swizzle = 0;
  /// The allocation whose bytes it shares, if any.
  std::string aliases;
  mlir::Operation *op;

  int64_t end() const { return offset + slots * slotBytes; }
};

/// The arrivals of one role in one phase of a barrier.
struct Arrival {
  std::string role;
  int64_t count;
  /// "4 warps", "128 threads, as their copies land", ...
  std::string how;
};

struct Barrier {
  std::string name;
  int64_t slots, count;
  /// In bytes of shared memory; none for a named barrier.
  std::optional<int64_t> offset;
  std::vector<Arrival> arrivals;
  std::vector<std::string> waiters;
  mlir::Operation *op;
};

struct Kernel {
  /// Handles; their methods are not const.
  mutable mlir::func::FuncOp func;
  mutable mlir::scf::ForallOp grid;
  std::string operatorName, schedule;
  const TargetSpec *target = &kDefaultTarget;
  int64_t sharedBytes = 0;
  /// CTAs of a cluster.
  int64_t clusterSize = 1;
  std::vector<Role> roles;
  /// By ascending offset.
  std::vector<Allocation> allocations;
  std::vector<Barrier> barriers;

  const Barrier *findBarrier(mlir::Operation *op) const;
  int64_t threads() const;
};

/// Fails with a diagnostic unless `func` has passed --mla-verify-async.
mlir::FailureOr<Kernel> readKernel(mlir::func::FuncOp func);

/// The grid's extents: "s_q × 2", and their values; none if `sizes` lacks a
/// size.
std::string describeGrid(const Kernel &kernel);
std::optional<std::vector<int64_t>> evaluateGrid(const Kernel &kernel,
                                                 const Sizes &sizes);

/// The sizes that only the grids of a program's kernels range over, so that a
/// CTA does the same for any value of them: how much of each the first cluster
/// of every kernel needs. `sizes` has the program's sizes by name.
std::map<std::string, int64_t> findGridSizes(llvm::ArrayRef<Kernel> kernels,
                                             const Sizes &sizes);

/// The name of an argument of the function ("kv"; "arg1" without one), and of
/// its dimensions' sizes.
std::string getArgumentName(mlir::func::FuncOp func, unsigned argument);
std::optional<std::vector<int64_t>>
evaluateShape(mlir::func::FuncOp func, unsigned argument, const Sizes &sizes);

//===----------------------------------------------------------------------===//
// Labels of ops
//===----------------------------------------------------------------------===//

/// What an op is counted and coloured as.
enum class Category { Math, MMA, Copy, Shared, Global, Sync, Wait };
/// "math", "mma", ...: also a class of the page's style sheet.
llvm::StringRef getCategoryName(Category category);
Category getCategory(mlir::Operation *op);

/// The label of ops that only count, address, or end a block.
inline constexpr llvm::StringLiteral kBookkeeping = "counts, addresses";

/// The op's `tile.label`, or what it does to which ring, barrier or argument:
/// "wait k.full", "gather kv", "store p".
std::string getOpLabel(mlir::Operation *op);

/// The op's location, "file:line:col"; empty if unknown.
std::string getOpLocation(mlir::Operation *op);

/// The cta.ring, cta.buffer, cta.mbarrier or cta.named_barrier that a value
/// comes from through views, descriptors and loop carries; null if none.
mlir::Operation *findRoot(mlir::Value value);

/// The MMA whose result a wait returns; null if not found.
cta::MmaAsyncOp findMMA(mlir::Value inFlight);

} // namespace mla::explain

#endif // MLA_EXPLAIN_KERNEL_H
