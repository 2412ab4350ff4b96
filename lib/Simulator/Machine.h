//===- Machine.h - the CTAs that run together -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A Machine holds the CTAs of one cluster (or of the whole grid, where CTAs
// talk through global memory), and advances their roles and what is in flight
// in an order that Options::timing chooses.
//
// Memory is checked when an op is issued: its accesses are recorded under the
// agent that makes them (Clock.h), so a race is found in any order of events.
// Data moves when an asynchronous op lands; until then its destination holds
// poison.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_SIMULATOR_MACHINE_H
#define MLA_LIB_SIMULATOR_MACHINE_H

#include "CycleModel.h"
#include "Layout.h"
#include "mla/Interpreter/Program.h"
#include "mla/Simulator/Simulator.h"
#include <deque>
#include <random>

namespace mla::sim {

class Machine;
class Role;
struct Cta;

using Iteration = llvm::SmallVector<int64_t, 2>;

/// An op that touched memory, for messages.
struct Event {
  mlir::Operation *op;
  const Role *role;
  Iteration iteration;
};

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// A place in shared memory, or an mbarrier slot, of one CTA of the machine.
/// Fits the scalar of a Datum.
struct Ref {
  unsigned cta;
  int64_t at;

  interp::Lane pack() const {
    return interp::Lane::ofInt(static_cast<int64_t>(cta) << 32 | at);
  }
  static Ref unpack(interp::Lane lane) {
    return {static_cast<unsigned>(lane.i >> 32), lane.i & 0xFFFFFFFF};
  }
};

/// A warpgroup product: its operands while in flight, then its result.
struct Product {
  /// The group it was committed with, from 1 on; 0 while uncommitted.
  Time group = 0;
  bool landed = false;
  /// A younger product adds to its accumulator.
  bool continued = false;
  interp::TilePtr result;
  /// Registers that it reads or writes until it is waited for.
  std::shared_ptr<const interp::DenseTile> a, acc;
  std::shared_ptr<Product> previous;
  EventId event = kNoEvent;
};

//===----------------------------------------------------------------------===//
// Barriers
//===----------------------------------------------------------------------===//

struct MBarrier {
  cta::MBarrierOp declaration;
  int64_t index = 0;
  /// Of copies that it counts.
  Agent agent = 0;
  /// Who initialised it, and when it was fenced for others than the threads of
  /// its CTA; time 0 while nobody has.
  Epoch initialised, fenced;
  /// Completed phases.
  Time phase = 0;
  int64_t missing = 0;
  int64_t bytes = 0;
  /// Copies in flight that this phase counts, and the last one of all phases.
  int64_t copies = 0;
  Time lastCopyPhase = 0;
  EventId lastCopy = kNoEvent;
  /// What arrivals have made known, those of this phase and, after the last
  /// completion, those before it: arrivals are read-modify-writes, so a later
  /// phase brings what an earlier one brought. Peers' arrivals count for who
  /// waits with cluster scope.
  Knowledge arriving, arrivingPeers;
  Knowledge completed, completedPeers;
  /// Who arrived in this phase, and in the one before: who arrives now has to
  /// come after those, or might have been counted among them.
  Clock arrivals, lastArrivals;
};

/// Who meets once at a named barrier learns what the others knew there.
struct Meeting {
  Knowledge knowledge;
  bool over = false;
};

struct NamedBarrier {
  int64_t threads = 0;
  int64_t arrived = 0;
  std::shared_ptr<Meeting> meeting = std::make_shared<Meeting>();
  /// As of an mbarrier.
  Clock arrivals, lastArrivals;
  /// Roles that have arrived at this meeting.
  llvm::SmallVector<const Role *, 4> roles;
};

//===----------------------------------------------------------------------===//
// In flight
//===----------------------------------------------------------------------===//

/// An asynchronous op between issue and completion.
struct Flight {
  mlir::Operation *op;
  Role *role;
  TraceKind kind;
  /// May it land now? Others of its queue may have to land before.
  std::function<bool()> ready;
  std::function<mlir::LogicalResult()> land;
  Iteration iteration;
  /// With Timing::Modelled: when it begins and lands.
  double begin = 0, end = 0;
};

/// A role that waits.
struct Wait {
  std::function<bool()> ready;
  std::function<mlir::LogicalResult()> resume;
  /// What for, in words.
  std::function<std::string()> describe;
  double since = 0;
};

//===----------------------------------------------------------------------===//
// Roles
//===----------------------------------------------------------------------===//

/// A bulk store in flight.
struct Bulk {
  Time group;
  bool read = false, written = false;
};

struct Warp {
  Agent agent;
  Knowledge knows;
  /// What its last fence_gpu covered, and what its relaxed reads will bring at
  /// the next one.
  Knowledge released, acquired;
  /// Bulk stores of its elected lane: one agent for what they read, one for
  /// what they write.
  Agent bulkReadAgent = 0, bulkWriteAgent = 0;
  Time bulkGroups = 0;
  bool bulkOpen = false;
  std::vector<std::shared_ptr<Bulk>> bulks;
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
  /// Waits for something that is not there.
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
  /// It polls: let others go on first.
  bool polled = false;
  double time = 0;

  // Products.
  Agent productAgent = 0;
  Time committedGroups = 0;
  std::deque<std::shared_ptr<Product>> products;
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

//===----------------------------------------------------------------------===//
// CTAs
//===----------------------------------------------------------------------===//

struct Cta {
  Cta(unsigned number, int64_t sharedBytes)
      : number(number), bytes(sharedBytes, 0xFF), shadow(false) {}

  /// In the machine, and in its cluster.
  unsigned number;
  unsigned rank = 0, clusterFirst = 0, clusterSize = 1;
  llvm::SmallVector<int64_t, 3> coordinates;
  std::vector<uint8_t> bytes;
  Shadow shadow;
  std::vector<MBarrier> barriers;
  std::map<int64_t, NamedBarrier> named;
  /// Runs what stands before the roles; then they start.
  std::unique_ptr<Role> prologue;
  std::vector<std::unique_ptr<Role>> roles;
  bool started = false, left = false;
  /// Accesses that peers have made to this CTA's shared memory.
  Clock peerAccesses;
  EventId lastPeerAccess = kNoEvent;
  uint64_t steps = 0;
  /// What the roles knew when they ended.
  Clock atEnd;
  unsigned rolesDone = 0;
};

/// What is the same for all machines of a run.
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
  /// Those of what each warp of a role holds, by type, layout and number of
  /// warps.
  llvm::DenseMap<std::pair<mlir::Type, std::pair<mlir::Attribute, unsigned>>,
                 std::vector<Footprint>>
      warpFootprints;
  /// Arguments that the kernel writes, by number.
  llvm::SmallVector<unsigned, 4> written;
  CycleModel costs;

  /// Each warp with reads and writes of its bulk stores, each role's queues of
  /// products and cp.async, the barriers.
  static constexpr unsigned kPerWarp = 3, kQueues = 2;
  unsigned agentsPerCta() const {
    return kPerWarp * warps +
           kQueues * static_cast<unsigned>(roles.size() + 1) + numBarriers;
  }
};

//===----------------------------------------------------------------------===//
// Machine
//===----------------------------------------------------------------------===//

class Machine {
public:
  /// `points` are the grid's, in clusters of `clusterSize`; `values` holds
  /// what stands before the grid.
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
  MBarrier &getBarrier(Ref ref) { return ctas[ref.cta]->barriers[ref.at]; }
  const Footprint &getFootprint(mlir::Type type) const {
    return plan.footprints.find(type)->second;
  }
  void recordAccess(mlir::Operation *op, const Cta &cta, ByteRange range,
                    bool write);

  const Plan &plan;
  std::vector<std::unique_ptr<Cta>> ctas;
  std::vector<Event> events;
  /// Of the arrays that the kernel writes.
  llvm::DenseMap<const interp::Argument *, Shadow> globals;
  /// What atomics on an element have made known, by address.
  llvm::DenseMap<const void *, Knowledge> cells;
  /// Per cluster: clocks of the cluster barrier.
  struct ClusterBarrier {
    int64_t arrived = 0, expected = 0;
    Time generation = 0;
    Knowledge arriving, completed;
  };
  std::map<unsigned, ClusterBarrier> clusterBarriers;
  Trace *trace;
  double now = 0;

private:
  /// What may go on: a role, or a flight by its index.
  struct Actor {
    Role *role;
    size_t flight;
  };
  llvm::SmallVector<Actor, 16> collectActors();
  /// Lets one of `actors` go on, as Options::timing chooses.
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

//===----------------------------------------------------------------------===//
// Barriers, for handlers
//===----------------------------------------------------------------------===//

/// As in: mbarrier "k.full"[1].
std::string describe(const MBarrier &barrier);

/// Whether all of `warps` know that others than threads may use the barrier.
bool isFenced(const MBarrier &barrier, llvm::ArrayRef<Warp> warps);

/// The mbarrier that the operands `barrier` and `index` name, ready for use.
mlir::FailureOr<Ref> getBarrier(Role &role, const interp::Instruction &in,
                                interp::Slot barrier, interp::Slot index);

/// Whether an op of `knowledge` comes after the barrier's last phase, so that
/// it counts in the present one.
mlir::LogicalResult checkPhase(Role &role, mlir::Operation *op,
                               const MBarrier &barrier,
                               const Knowledge &knowledge);

/// `count` arrivals that bring `knowledge`, and `bytes` that are to come.
mlir::LogicalResult arriveOn(Role &role, mlir::Operation *op, MBarrier &barrier,
                             int64_t count, const Knowledge &knowledge,
                             int64_t bytes = 0, bool fromPeer = false);

/// A copy that `barrier` counts begins, and ends with `bytes` after what its
/// `issuer` knew.
Epoch beginCopy(MBarrier &barrier, EventId event);
mlir::LogicalResult endCopy(Role &role, mlir::Operation *op, MBarrier &barrier,
                            int64_t bytes, const Knowledge &issuer);

/// The arrivals of `warps`, one each, on the mbarrier that the op names.
mlir::LogicalResult arriveByWarps(Role &role, const interp::Instruction &in,
                                  llvm::ArrayRef<Warp> warps,
                                  int64_t bytes = 0);

mlir::LogicalResult waitOn(Role &role, const interp::Instruction &in,
                           bool ofCluster);

//===----------------------------------------------------------------------===//
// Access to memory, for handlers
//===----------------------------------------------------------------------===//

/// Reads or writes one tile; how the access is made.
struct Touch {
  mlir::Operation *op;
  EventId event;
  bool write;
  Proxy proxy = Proxy::Generic;
  /// Who is remembered: the queue of an asynchronous op, or the warp.
  std::optional<Epoch> epoch = {};
  /// Of a write: a later access of the async proxy needs a fence.
  bool needsFence = false;
};

/// What all of `warps` know.
Knowledge getCommon(llvm::ArrayRef<Warp> warps);

/// Checks and records an access to shared memory, made by `warps` together:
/// each of them has to know that it may.
mlir::LogicalResult touchShared(Role &role, llvm::ArrayRef<Warp> warps,
                                Ref base, const Footprint &footprint,
                                const Touch &touch);
/// The same by ordinary loads or stores: each warp its rows of a fragment in
/// `layout`.
mlir::LogicalResult touchByWarp(Role &role, Ref base, cta::BufferType buffer,
                                mlir::Attribute layout, const Touch &touch);
/// Elements between shared memory and a tile.
void loadTile(const Cta &cta, int64_t base, const Footprint &footprint,
              interp::DenseTile &tile);
void storeTile(Cta &cta, int64_t base, const Footprint &footprint,
               const interp::DenseTile &tile);
void poison(Cta &cta, int64_t base, const Footprint &footprint);

/// Checks and records an access to bytes of `array`, counted from its first
/// element, if the kernel writes it.
mlir::LogicalResult touchGlobal(Role &role, llvm::ArrayRef<Warp> warps,
                                const interp::Argument &array, ByteRange bytes,
                                const Touch &touch);
/// The same access to a box of `array` or of a window of it. Without `layout`
/// the executing warps make it together.
mlir::LogicalResult touchGlobal(Role &role, const interp::Argument &array,
                                const interp::Box &box, mlir::Attribute layout,
                                const Touch &touch);

/// Handlers by op name, from one file each.
void addBarrierOps(interp::HandlerTable &table);
void addClusterOps(interp::HandlerTable &table);
void addCopyOps(interp::HandlerTable &table);
void addGlobalOps(interp::HandlerTable &table);
void addProductOps(interp::HandlerTable &table);
void addSharedOps(interp::HandlerTable &table);

} // namespace mla::sim

#endif // MLA_LIB_SIMULATOR_MACHINE_H
