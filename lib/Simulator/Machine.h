//===- Machine.h - the CTAs that run together -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A Machine holds the CTAs of one cluster (or of the whole grid, where CTAs
// communicate through global memory), and advances their roles and asynchronous
// ops in an order that Options::timing chooses.
//
// Memory is checked when an op is issued: its accesses are recorded under the
// agent that makes them (Clock.h), so a race is found in any order of events.
// Data moves when an asynchronous op lands; until then its destination holds
// poison.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_SIMULATOR_MACHINE_H
#define MLA_LIB_SIMULATOR_MACHINE_H

#include "Barriers.h"
#include "Plan.h"
#include "Role.h"
#include <random>

namespace mla::sim {

/// An asynchronous op between issue and completion.
struct Flight {
  mlir::Operation *op;
  Role *role;
  TraceKind kind;
  /// Whether it may land now: older ones of its queue may have to land first.
  std::function<bool()> ready;
  std::function<mlir::LogicalResult()> land;
  Iteration iteration;
  /// With Timing::Modelled: when it begins and lands.
  double begin = 0, end = 0;
};

/// The last cta.store_release to an element: what its thread knew.
struct Flag {
  Epoch writer;
  EventId event = kNoEvent;
  Knowledge knowledge;
};

struct Cta {
  Cta(unsigned number, int64_t sharedBytes)
      : number(number), bytes(sharedBytes, 0xFF), shadow(false) {}

  /// Its numbers in the machine and in its cluster, and that of the cluster's
  /// first CTA.
  unsigned number;
  unsigned rank = 0, clusterFirst = 0;
  llvm::SmallVector<int64_t, 3> coordinates;
  std::vector<uint8_t> bytes;
  Shadow shadow;
  std::vector<MBarrier> barriers;
  std::map<int64_t, NamedBarrier> named;
  /// Runs the ops before the roles; then the roles start.
  std::unique_ptr<Role> prologue;
  std::vector<std::unique_ptr<Role>> roles;
  bool started = false, left = false;
  uint64_t steps = 0;
  /// What the roles knew when they ended.
  Clock atEnd;
  unsigned rolesDone = 0;
};

class Machine {
public:
  /// `points` are the grid points of the CTAs, in clusters of `clusterSize`;
  /// `values` holds the values that are computed outside the grid.
  Machine(const Plan &plan, const interp::Frame &values,
          llvm::ArrayRef<llvm::SmallVector<int64_t>> points,
          unsigned clusterSize, uint64_t seed, Trace *trace);

  mlir::LogicalResult run();

  /// Adds an asynchronous op; lands it at once with Timing::Earliest.
  mlir::LogicalResult launch(Flight flight);
  void fail(interp::Failure why);
  const std::optional<interp::Failure> &getFailure() const { return failure; }

  Agent getFirstAgent(const Cta &cta) const {
    return cta.number * plan.agentsPerCta();
  }
  const Footprint &getFootprint(mlir::Type type) const {
    return plan.footprints.find(type)->second;
  }
  void recordAccess(mlir::Operation *op, const Cta &cta, ByteRange range,
                    bool write);

  const Plan &plan;
  std::vector<std::unique_ptr<Cta>> ctas;
  std::vector<Event> events;
  /// Shadows of the arrays that the kernel writes.
  llvm::DenseMap<const interp::Argument *, Shadow> globals;
  /// Flags by address.
  llvm::DenseMap<const void *, Flag> flags;
  /// The barrier of each cluster, by its first CTA.
  struct ClusterBarrier {
    int64_t arrived = 0, expected = 0;
    Time generation = 0;
    Knowledge arriving, completed;
  };
  std::map<unsigned, ClusterBarrier> clusterBarriers;
  Trace *trace;
  double now = 0;

private:
  /// What can advance: a role, or a flight by its index.
  struct Actor {
    Role *role;
    size_t flight;
  };
  llvm::SmallVector<Actor, 16> collectActors();
  /// Advances one of `actors`, which Options::timing chooses.
  mlir::LogicalResult proceed(llvm::ArrayRef<Actor> actors);
  Actor draw(llvm::ArrayRef<Actor> actors);
  Actor pickNext(llvm::ArrayRef<Actor> actors);
  Actor pickEarliestInTime(llvm::ArrayRef<Actor> actors);
  double getTime(const Actor &actor) const;
  /// Up to `limit` steps of a role, until it blocks.
  mlir::LogicalResult runBurst(Role &role, unsigned limit);
  mlir::LogicalResult runStep(Role &role);
  mlir::LogicalResult land(size_t flight);

  mlir::LogicalResult startRoles(Cta &cta);
  /// The end of a role; that of the last one is the end of its CTA.
  mlir::LogicalResult finishRole(Role &role);
  mlir::LogicalResult leave(Cta &cta, Role &last);
  mlir::LogicalResult reportDeadlock();

  void schedule(Flight &flight);
  void recordEvent(const Role &role, mlir::Operation *op,
                   const Iteration &iteration, TraceKind kind, double begin,
                   double end);
  unsigned getTrack(const Role &role, TraceKind kind);
  bool isModelled() const { return plan.options.timing == Timing::Modelled; }

  std::vector<Flight> flights;
  std::optional<interp::Failure> failure;
  std::mt19937_64 random;
  uint64_t seed;
  uint64_t turn = 0;
  llvm::DenseMap<std::pair<const Role *, unsigned>, unsigned> tracks;
  std::vector<double> trackEnds;
  /// With Timing::Modelled: when an engine of a CTA's SM is free again.
  std::map<std::pair<unsigned, TraceKind>, double> engines;
};

} // namespace mla::sim

#endif // MLA_LIB_SIMULATOR_MACHINE_H
