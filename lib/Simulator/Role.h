//===- Role.h - warps and the program they run ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_SIMULATOR_ROLE_H
#define MLA_LIB_SIMULATOR_ROLE_H

#include "Values.h"
#include <deque>
#include <functional>

namespace mla::sim {

class Machine;
struct Cta;

struct Warp {
  Agent agent;
  Knowledge knows;
  /// Bulk stores of its lane 0: one agent for their reads, one for their
  /// writes.
  Agent bulkReadAgent = 0, bulkWriteAgent = 0;
  Time bulkGroups = 0;
  bool bulkOpen = false;
  std::vector<std::shared_ptr<BulkStore>> bulks;
};

/// What a blocked role waits for.
struct Wait {
  std::function<bool()> ready;
  std::function<mlir::LogicalResult()> resume;
  /// What for, in words.
  std::function<std::string()> describe;
  double since = 0;
};

/// The program of a group of warps, in lockstep: an interpreter that can stop
/// anywhere.
class Role : public interp::Frame {
public:
  Role(Machine &machine, Cta &cta, const interp::Frame &values,
       std::string name, unsigned number, unsigned firstWarp,
       unsigned numWarps);

  static Role &of(interp::Frame &frame) { return static_cast<Role &>(frame); }

  /// Starts at the top of `code`, up to instruction `end`.
  void enter(const interp::Code &code, size_t begin, size_t end);
  bool isDone() const { return stack.empty(); }
  /// Waits for something that has not happened yet.
  bool isBlocked() const { return wait && !wait->ready(); }
  /// Executes one instruction, or finishes a wait.
  mlir::LogicalResult step();

  /// For handlers of ops that wait. The op is done once `resume` is.
  mlir::LogicalResult waitFor(Wait what);

  /// Records an error with role, CTA and iteration.
  mlir::LogicalResult failAt(mlir::Operation *op, const llvm::Twine &message,
                             llvm::ArrayRef<EventId> others = {});
  EventId makeEvent(mlir::Operation *op);
  Iteration getIteration() const;
  std::string describePlace() const;
  mlir::Operation *getCurrentOp() const;

  /// The warps that execute the current op: one inside cta.elect.
  llvm::MutableArrayRef<Warp> getWarps();
  llvm::MutableArrayRef<Warp> getAllWarps() { return warps; }
  /// Ends the moment of these warps: what they do from now on is later than
  /// what they have published.
  void publish();

  Machine &machine;
  Cta &cta;
  const std::string name;
  const unsigned number;
  const unsigned firstWarp;
  std::optional<Wait> wait;
  /// It polls: others continue first.
  bool polled = false;
  double time = 0;

  // MMAs.
  Agent mmaAgent = 0;
  Time committedGroups = 0;
  std::deque<std::shared_ptr<Mma>> mmas;
  /// Tiles made since the last cta.mma_fence, and whether none was made or read
  /// since: a new accumulator may take over the registers of any of them.
  llvm::DenseSet<const interp::DenseTile *> unfencedTiles;
  bool registersFenced = false;

  // cp.async copies.
  Agent copyAgent = 0;
  Time copiesIssued = 0;
  EventId lastCopy = kNoEvent;
  /// In flight, by number.
  llvm::SmallVector<Time, 8> copiesInFlight;

  // Cluster barrier.
  Time clusterArrivals = 0, clusterWaits = 0;

private:
  struct Activation {
    const interp::Code *code;
    size_t next, end;
    /// The op whose region this is; null for the outermost.
    const interp::Instruction *parent;
    int64_t trip = 0, induction = 0, step = 0;
    uint64_t trips = 0;
    bool isCondition = false;
  };

  mlir::LogicalResult execute(const interp::Instruction &in);
  mlir::LogicalResult checkRegisters(const interp::Instruction &in);
  void noteResults(const interp::Instruction &in);
  mlir::LogicalResult enterOp(const interp::Instruction &in);
  /// At the end of a region: the next iteration, or the parent's results.
  void leave();
  void enterLoopBody(const interp::Instruction &in,
                     llvm::ArrayRef<interp::Datum> carried);

  llvm::SmallVector<Warp, 8> warps;
  llvm::SmallVector<Activation, 4> stack;
  std::optional<unsigned> elected;
};

} // namespace mla::sim

#endif // MLA_LIB_SIMULATOR_ROLE_H
