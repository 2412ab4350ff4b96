//===- SlotProtocol.cpp - who holds which slot of a ring when ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// An abstract interpretation of one role. For each ring it counts the role's
// waits and arrivals, and compares these counts with the values that slots and
// parities are computed from. A count is a symbol plus a number; two counts
// with the same symbol can be compared. At the head of a loop, counts and
// carried values that advance alike share a new symbol: which ones do is found
// by partition refinement, first taking all to stay as they are.
//
// A ring over another is counted by the barriers of the ring below, in the
// roles that write or read it: see RingBarriers.
//
//===----------------------------------------------------------------------===//

#include "SlotProtocol.h"
#include "AsyncAnalysis.h"
#include "SlotState.h"
#include "mlir/IR/Matchers.h"
#include <map>

using namespace mlir;
using namespace mla;
using namespace mla::slots;

static Event getPublication(ArrivalKind kind) {
  switch (kind) {
  case ArrivalKind::Warps:
    return PublishedByWarps;
  case ArrivalKind::Copies:
    return PublishedCopies;
  case ArrivalKind::Bytes:
    return PublishedBytes;
  }
  llvm_unreachable("covered switch");
}

namespace {
/// Groups older than this count as one.
constexpr size_t kMaxGroups = 8;
/// Rounds after which a loop that keeps piling up products is given up: it
/// hands on slots that they still read, and is refused for that.
constexpr int kMaxRounds = 16;

/// A count or a carried value in a loop.
struct Cell {
  Count entry, head, end;
  /// Cells of one class share a symbol at the head; those of class 0 stay.
  unsigned group = 0;
};

class Interpreter {
public:
  Interpreter(cta::RoleOp role, ArrayRef<RingBarriers> all)
      : rings(all), publications(all.size()), isOwnReader(all.size()) {
    state.counts.resize(kEvents * rings.size());
    for (auto [i, ring] : llvm::enumerate(rings)) {
      for (ArrivalKind kind : kArrivalKinds)
        if (hasArrival(role, ring.full, kind))
          publications[i].push_back(getPublication(kind));
      if (!ring.isBorrowing()) {
        isOwnReader[i] = !publications[i].empty() && ring.isReadBy(role);
        continue;
      }
      // What a role does not write, or read, it does not begin with either.
      if (ring.isWrittenBy(role))
        count(i, Acquired) = Count{0, ring.firstAcquired};
      else
        ring.acquired = {};
      if (ring.isReadBy(role))
        count(i, Released) = Count{0, ring.firstReleased};
      else
        ring.released = {};
    }
  }

  LogicalResult run(Block &block) {
    visit(block);
    return success(!failed);
  }

private:
  // Ops.
  void visit(Block &block);
  void visit(Operation *op);
  void visitWait(cta::MBarrierWaitOp wait);
  void visitArrival(Operation *op);
  void checkTraceable(Operation *op, Value buffer);
  void read(Operation *op, Value buffer);
  void readUnder(Operation *op, Value buffer, const Slot &slot);
  void write(Operation *op, Value buffer);
  void visitProduct(cta::MmaAsyncOp mma);
  void commit();
  void waitForGroups(size_t pending);
  void visitIf(scf::IfOp op);
  void visitLoop(scf::ForOp loop);

  // Loops.
  SmallVector<Cell> getCells(scf::ForOp loop);
  void enterLoop(scf::ForOp loop, MutableArrayRef<Cell> cells,
                 const State &before);
  void leaveBody(scf::ForOp loop, MutableArrayRef<Cell> cells);
  bool refine(MutableArrayRef<Cell> cells);

  // Values.
  std::optional<Count> evaluate(Value value);
  std::optional<Count> evaluateIndex(Value index, int64_t depth);
  std::optional<Count> evaluateCarried(Value value);
  std::optional<Slot> evaluateSlot(Value buffer);
  bool isSlotOf(Value index, Count count, int64_t depth);
  bool isParityOf(Value parity, Count count, int64_t depth, bool writer);

  // State.
  Count &count(unsigned ring, Event event) {
    return state.counts[kEvents * ring + event];
  }
  int64_t depth(unsigned ring) {
    cta::RingOp op = rings[ring].ring;
    return op.getResult().getType().getDepth();
  }
  bool isHeld(const Slot &slot, Event from, Event until);
  bool isHeldToFill(const Slot &slot);
  bool isDeadlock(unsigned ring, bool writer);
  bool mayEqual(const Slot &a, const Slot &b);
  bool isInFlight(const Slot &slot);

  /// Reports, unless a loop is still being explored.
  void refuse(Operation *op, const Twine &what, unsigned ring) {
    if (quiet || failed)
      return;
    failed = true;
    cta::RingOp named = rings[ring].ring;
    op->emitOpError() << what.str() << " (ring " << named.getNameAttr() << ")";
  }

  SmallVector<RingBarriers> rings;
  /// The ways in which the role publishes slots, ring by ring.
  SmallVector<SmallVector<Event>> publications;
  /// Whether the role reads what it has a part in filling.
  SmallVector<bool> isOwnReader;
  State state;
  llvm::DenseMap<Value, Count> values;
  unsigned symbols = 1;
  int quiet = 0;
  bool failed = false;
};
} // namespace

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

static std::optional<int64_t> getConstant(Value value) {
  APInt constant;
  if (!matchPattern(value, m_ConstantInt(&constant)))
    return std::nullopt;
  return constant.getSExtValue();
}

static int64_t modulo(int64_t a, int64_t b) { return ((a % b) + b) % b; }

std::optional<Count> Interpreter::evaluate(Value value) {
  if (std::optional<int64_t> constant = getConstant(value))
    return Count{0, *constant};
  if (auto it = values.find(value); it != values.end())
    return it->second;
  if (auto add = value.getDefiningOp<arith::AddIOp>())
    if (std::optional<int64_t> by = getConstant(add.getRhs()))
      if (std::optional<Count> base = evaluate(add.getLhs()))
        return *base + *by;
  return std::nullopt;
}

/// The count that `index` is modulo `depth`.
std::optional<Count> Interpreter::evaluateIndex(Value index, int64_t depth) {
  if (std::optional<int64_t> constant = getConstant(index)) {
    if (*constant < depth)
      return Count{0, *constant};
  } else if (auto rem = index.getDefiningOp<arith::RemUIOp>()) {
    if (getConstant(rem.getRhs()) == depth)
      return evaluate(rem.getLhs());
  }
  return std::nullopt;
}

/// What `buffer` is a view or a descriptor of.
static Value getWhole(Value buffer) {
  while (Operation *def = buffer.getDefiningOp()) {
    if (!isa<cta::ViewOp, cta::DescriptorOp>(def))
      break;
    buffer = def->getOperand(0);
  }
  return buffer;
}

/// The slot of a ring that `buffer` is, or a view or a descriptor of.
std::optional<Slot> Interpreter::evaluateSlot(Value buffer) {
  buffer = getWhole(buffer);
  if (!isa<cta::BufferType>(buffer.getType()))
    return std::nullopt;
  Value ring = getRing(buffer);
  const auto *it = llvm::find_if(rings, [&](RingBarriers known) {
    return known.ring.getResult() == ring;
  });
  if (it == rings.end())
    return std::nullopt;
  unsigned number = it - rings.begin();
  std::optional<Count> count;
  if (auto slot = buffer.getDefiningOp<cta::SlotOp>())
    count = evaluateIndex(slot.getIndex(), depth(number));
  else if (auto known = values.find(buffer); known != values.end())
    count = known->second;
  return Slot{number, count.value_or(Count{kUnknown, 0})};
}

/// The count that a value carried by a loop or condition stands for; a slot's
/// is that of the last `depth` accesses, so that it advances as they do.
std::optional<Count> Interpreter::evaluateCarried(Value value) {
  if (value.getType().isSignlessInteger(32))
    return evaluate(value);
  std::optional<Slot> slot = evaluateSlot(value);
  if (!slot || slot->count.symbol == kUnknown)
    return std::nullopt;
  for (Event event : {Awaited, Acquired}) {
    Count last = count(slot->ring, event) + -1;
    if (last.symbol == slot->count.symbol && last.offset >= 0)
      return last +
             -modulo(last.offset - slot->count.offset, depth(slot->ring));
  }
  return slot->count;
}

bool Interpreter::isSlotOf(Value index, Count count, int64_t depth) {
  std::optional<Count> got = evaluateIndex(index, depth);
  if (!got || (depth > 1 && got->symbol != count.symbol))
    return false;
  return depth == 1 || modulo(got->offset - count.offset, depth) == 0;
}

/// parity = (count / depth [+ 1 for a writer]) mod 2.
bool Interpreter::isParityOf(Value parity, Count count, int64_t depth,
                             bool writer) {
  if (std::optional<int64_t> constant = getConstant(parity))
    return count.symbol == 0 &&
           (count.offset / depth + writer) % 2 == *constant;
  auto mask = parity.getDefiningOp<arith::AndIOp>();
  if (!mask || getConstant(mask.getRhs()) != 1)
    return false;
  Value round = mask.getLhs();
  int64_t rounds = 0;
  auto add = round.getDefiningOp<arith::AddIOp>();
  if (add && add.getLhs().getDefiningOp<arith::DivUIOp>()) {
    rounds = getConstant(add.getRhs()).value_or(0);
    round = add.getLhs();
  }
  // A division by a depth of 1 folds away.
  if (auto division = round.getDefiningOp<arith::DivUIOp>()) {
    if (getConstant(division.getRhs()) != depth)
      return false;
    round = division.getLhs();
  } else if (depth > 1) {
    return false;
  }
  std::optional<Count> got = evaluate(round);
  if (!got || got->symbol != count.symbol)
    return false;
  int64_t ahead = got->offset - count.offset;
  return ahead % depth == 0 && modulo(ahead / depth + rounds - writer, 2) == 0;
}

//===----------------------------------------------------------------------===//
// Slots
//===----------------------------------------------------------------------===//

/// Whether the role has done `from` for the slot and not yet `until`.
bool Interpreter::isHeld(const Slot &slot, Event from, Event until) {
  Count begin = count(slot.ring, until), end = count(slot.ring, from);
  if (begin.symbol != end.symbol || begin.offset >= end.offset ||
      slot.count.symbol == kUnknown)
    return false;
  if (depth(slot.ring) == 1)
    return true;
  if (slot.count.symbol != end.symbol)
    return false;
  for (int64_t i = begin.offset; i < end.offset; ++i)
    if (modulo(i - slot.count.offset, depth(slot.ring)) == 0)
      return true;
  return false;
}

/// Whether the role has acquired the slot, and still has to publish it in one
/// way at least.
bool Interpreter::isHeldToFill(const Slot &slot) {
  return llvm::any_of(publications[slot.ring], [&](Event published) {
    return isHeld(slot, Acquired, published);
  });
}

/// Whether the next wait is for what the role itself has to do first: hand on
/// an older slot, or fill this one.
bool Interpreter::isDeadlock(unsigned ring, bool writer) {
  Count next = count(ring, writer ? Acquired : Awaited);
  auto lags = [&](Event event, int64_t by) {
    Count done = count(ring, event);
    return done.symbol == next.symbol && next.offset - done.offset >= by;
  };
  if ((!writer || isOwnReader[ring]) && lags(Released, depth(ring)))
    return true;
  return (writer || isOwnReader[ring]) &&
         llvm::any_of(publications[ring], [&](Event published) {
           return lags(published, writer ? depth(ring) : 0);
         });
}

bool Interpreter::mayEqual(const Slot &a, const Slot &b) {
  return a.ring == b.ring &&
         (a.count.symbol != b.count.symbol || a.count.symbol == kUnknown ||
          modulo(a.count.offset - b.count.offset, depth(a.ring)) == 0);
}

bool Interpreter::isInFlight(const Slot &slot) {
  auto reads = [&](const Slots &slots) {
    return llvm::any_of(slots,
                        [&](const Slot &read) { return mayEqual(read, slot); });
  };
  return reads(state.open) || llvm::any_of(state.groups, reads);
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

void Interpreter::visitWait(cta::MBarrierWaitOp wait) {
  for (auto [i, ring] : llvm::enumerate(rings)) {
    bool writer = wait.getBarrier() == ring.acquired;
    if (!writer && wait.getBarrier() != ring.full)
      continue;
    Count &next = count(i, writer ? Acquired : Awaited);
    // The barrier of another ring is checked as its own.
    if (!writer || !ring.isBorrowing()) {
      if (!isSlotOf(wait.getIndex(), next, depth(i)))
        refuse(wait, "waits for another slot than the next", i);
      else if (!isParityOf(wait.getParity(), next, depth(i), writer))
        refuse(wait, "waits for another phase than the next", i);
    }
    // The others wait for this role to hand that slot on first.
    if (isDeadlock(i, writer))
      refuse(wait, "waits for a slot that the role holds itself", i);
    next = next + 1;
  }
}

void Interpreter::visitArrival(Operation *op) {
  for (auto [i, ring] : llvm::enumerate(rings)) {
    bool writer = op->getOperand(0) == ring.full;
    if (!writer && op->getOperand(0) != ring.released)
      continue;
    ArrivalKind kind = *getArrivalKind(op);
    Event event = writer ? getPublication(kind) : Released;
    Count &next = count(i, event);
    Slot slot{static_cast<unsigned>(i), next};
    if (!isSlotOf(op->getOperand(1), next, depth(i)))
      refuse(op, "hands on another slot than the next", i);
    else if (!isHeld(slot, writer ? Acquired : Awaited, event))
      refuse(op, "hands on a slot that the role does not hold", i);
    // The place of a ring over another is not the writer's to fill next.
    else if ((!writer || ring.ring.getOver()) && isInFlight(slot))
      refuse(op,
             writer ? "publishes a slot that a product may still read"
                    : "releases a slot that a product may still read",
             i);
    // Bytes are expected before they come; their copies are counted elsewhere.
    Slots &filled = kind == ArrivalKind::Copies ? state.gathered : state.stored;
    if (writer && kind != ArrivalKind::Bytes &&
        llvm::none_of(filled, [&](const Slot &other) {
          return other.count.symbol == slot.count.symbol &&
                 mayEqual(other, slot);
        }))
      refuse(op, "publishes a slot that is not filled", i);
    for (Slots *slots : {&filled, &state.written})
      for (auto it = slots->begin(); it != slots->end();)
        it = mayEqual(*it, slot) ? slots->erase(it) : std::next(it);
    next = next + 1;
  }
}

/// A condition's result may be a slot of either of two rings.
void Interpreter::checkTraceable(Operation *op, Value buffer) {
  Value whole = getWhole(buffer);
  if (quiet || failed || !isa<cta::BufferType>(whole.getType()) ||
      getRing(whole) || whole.getDefiningOp<cta::BufferOp>() ||
      whole.getDefiningOp<cta::JoinOp>())
    return;
  failed = true;
  op->emitOpError("accesses a slot of no ring that can be told");
}

void Interpreter::read(Operation *op, Value buffer) {
  checkTraceable(op, buffer);
  std::optional<Slot> slot = evaluateSlot(buffer);
  if (!slot)
    return;
  if (!isHeld(*slot, Awaited, Released) && !isHeldToFill(*slot))
    refuse(op, "reads a slot that the role does not hold", slot->ring);
  readUnder(op, buffer, *slot);
}

/// What lies below another ring is read by products of that ring's writer
/// alone, before it writes. (Of loads, those of its other warps may come
/// later.)
void Interpreter::readUnder(Operation *op, Value buffer, const Slot &slot) {
  cta::RingOp below = rings[slot.ring].ring;
  for (auto [i, ring] : llvm::enumerate(rings)) {
    if (ring.ring.getOver() != below.getResult() ||
        !mayReadUnder(buffer, below, ring.ring))
      continue;
    Slot top{static_cast<unsigned>(i), count(i, Acquired) + -1};
    bool isWritten = llvm::any_of(
        state.written, [&](const Slot &other) { return mayEqual(other, top); });
    if (!isa<cta::MmaAsyncOp>(op) || !isHeldToFill(top) || isWritten)
      refuse(op, "reads what the ring may have been written over", i);
    state.open.insert(top);
  }
}

void Interpreter::write(Operation *op, Value buffer) {
  checkTraceable(op, buffer);
  std::optional<Slot> slot = evaluateSlot(buffer);
  if (!slot)
    return;
  // A copy comes after the arrival that expects its bytes.
  auto copy = dyn_cast<cta::CopyAsyncOp>(op);
  bool gathers = isa<cta::GatherAsyncOp>(op);
  Event event = copy      ? PublishedBytes
                : gathers ? PublishedCopies
                          : PublishedByWarps;
  Count &published = count(slot->ring, event);
  published = published + (copy ? -1 : 0);
  if (!isHeld(*slot, Acquired, event))
    refuse(op, "writes a slot that the role does not hold", slot->ring);
  else if (isInFlight(*slot))
    refuse(op, "writes a slot that a product may still read", slot->ring);
  published = published + (copy ? 1 : 0);
  if (depth(slot->ring) == 1)
    slot->count = count(slot->ring, Acquired) + -1;
  if (!copy) {
    (gathers ? state.gathered : state.stored).insert(*slot);
    if (rings[slot->ring].ring.getOver())
      state.written.insert(*slot);
  } else if (copy.getBarrier() != rings[slot->ring].full ||
             !isSlotOf(copy.getBarrierIndex(), slot->count, depth(slot->ring)))
    refuse(op, "signals another barrier than that of its slot", slot->ring);
}

void Interpreter::visitProduct(cta::MmaAsyncOp mma) {
  for (Value operand : {mma.getA(), mma.getB()}) {
    read(mma, operand);
    std::optional<Slot> slot = evaluateSlot(operand);
    if (!slot)
      continue;
    // Of one slot it can only be the one that is held.
    if (depth(slot->ring) == 1)
      slot->count =
          count(slot->ring,
                isHeld(*slot, Awaited, Released) ? Awaited : Acquired) +
          -1;
    state.open.insert(*slot);
  }
}

void Interpreter::commit() {
  state.groups.insert(state.groups.begin(), std::move(state.open));
  state.open.clear();
  if (state.groups.size() <= kMaxGroups)
    return;
  Slots oldest = state.groups.pop_back_val();
  state.groups.back().merge(oldest);
}

void Interpreter::waitForGroups(size_t pending) {
  if (pending < state.groups.size())
    state.groups.resize(pending);
}

void Interpreter::visit(Operation *op) {
  if (auto wait = dyn_cast<cta::MBarrierWaitOp>(op))
    visitWait(wait);
  else if (isa<cta::ArriveOp, cta::ArriveCopiesOp, cta::ArriveExpectOp>(op))
    visitArrival(op);
  else if (auto load = dyn_cast<cta::LoadSharedOp>(op))
    read(op, load.getSource());
  else if (auto store = dyn_cast<cta::StoreSharedOp>(op))
    write(op, store.getDest());
  else if (auto gather = dyn_cast<cta::GatherAsyncOp>(op))
    write(op, gather.getDest());
  else if (auto copy = dyn_cast<cta::CopyAsyncOp>(op))
    write(op, copy.getDest());
  else if (auto mma = dyn_cast<cta::MmaAsyncOp>(op))
    visitProduct(mma);
  else if (isa<cta::MmaCommitOp>(op))
    commit();
  else if (isa<cta::MmaWaitOp, cta::MmaWaitReadsOp>(op))
    waitForGroups(op->getAttrOfType<IntegerAttr>("pending").getInt());
  else if (auto loop = dyn_cast<scf::ForOp>(op))
    visitLoop(loop);
  else if (auto branch = dyn_cast<scf::IfOp>(op))
    visitIf(branch);
  else if (auto elect = dyn_cast<cta::ElectOp>(op))
    visit(elect.getBody().front());
}

void Interpreter::visit(Block &block) {
  for (Operation &op : block)
    visit(&op);
}

//===----------------------------------------------------------------------===//
// Conditions and loops
//===----------------------------------------------------------------------===//

void Interpreter::visitIf(scf::IfOp op) {
  State before = state, outcomes[2];
  SmallVector<std::optional<Count>> results[2];
  Block *blocks[] = {op.thenBlock(), op.elseBlock()};
  for (int i : {0, 1}) {
    state = before;
    if (blocks[i]) {
      visit(*blocks[i]);
      for (Value value : blocks[i]->getTerminator()->getOperands())
        results[i].push_back(evaluateCarried(value));
    }
    outcomes[i] = state;
  }
  // Counts that differ alike from branch to branch share a symbol.
  std::map<std::tuple<unsigned, unsigned, int64_t>, unsigned> merged;
  auto merge = [&](Count yes, Count no) -> Count {
    if (yes == no)
      return yes;
    auto [it, isNew] = merged.try_emplace(
        {yes.symbol, no.symbol, yes.offset - no.offset}, symbols);
    symbols += isNew;
    return {it->second, yes.offset};
  };
  SmallVector<Count> counts;
  for (auto [yes, no] : llvm::zip(outcomes[0].counts, outcomes[1].counts))
    counts.push_back(merge(yes, no));
  for (auto [i, result] : llvm::enumerate(op.getResults()))
    if (results[0][i] && results[1][i])
      values[result] = merge(*results[0][i], *results[1][i]);
  state = join(outcomes[0], outcomes[1], counts);
}

/// The role's counts, then the carried values; one without a count gets a
/// symbol of its own.
SmallVector<Cell> Interpreter::getCells(scf::ForOp loop) {
  SmallVector<Cell> cells(state.counts.size());
  for (auto [cell, count] : llvm::zip(cells, state.counts))
    cell.entry = count;
  for (Value init : loop.getInitArgs())
    cells.emplace_back().entry =
        evaluateCarried(init).value_or(Count{symbols++, 0});
  return cells;
}

/// Gives counts and carried values what they are at the head.
void Interpreter::enterLoop(scf::ForOp loop, MutableArrayRef<Cell> cells,
                            const State &before) {
  llvm::DenseMap<unsigned, unsigned> fresh;
  for (Cell &cell : cells) {
    cell.head = cell.entry;
    if (cell.group)
      cell.head.symbol = fresh.try_emplace(cell.group, symbols++).first->second;
  }
  SmallVector<Count> counts;
  for (const Cell &cell : cells.take_front(before.counts.size()))
    counts.push_back(cell.head);
  state = join(before, before, counts);
  for (auto [arg, cell] :
       llvm::zip(loop.getRegionIterArgs(), cells.drop_front(counts.size())))
    values[arg] = cell.head;
}

/// Takes down what they are at the end of the body.
void Interpreter::leaveBody(scf::ForOp loop, MutableArrayRef<Cell> cells) {
  for (auto [cell, count] : llvm::zip(cells, state.counts))
    cell.end = count;
  Operation *yield = loop.getBody()->getTerminator();
  for (auto [cell, value] :
       llvm::zip(cells.drop_front(state.counts.size()), yield->getOperands()))
    cell.end = evaluateCarried(value).value_or(Count{symbols++, 0});
}

/// Splits classes whose cells do not advance alike; true if one was split.
bool Interpreter::refine(MutableArrayRef<Cell> cells) {
  using Key = std::tuple<unsigned, unsigned, unsigned, int64_t>;
  std::map<Key, unsigned> split;
  std::set<unsigned> before;
  bool changed = false;
  for (Cell &cell : cells) {
    before.insert(cell.group);
    if (!cell.group && cell.end == cell.head)
      continue;
    // Class 0 is left for good; another is split if it gets a second key.
    changed |= !cell.group;
    Key key{cell.group, cell.head.symbol, cell.end.symbol,
            cell.end.offset - cell.head.offset};
    cell.group = split.try_emplace(key, split.size() + 1).first->second;
  }
  before.erase(0);
  return changed || split.size() > before.size();
}

void Interpreter::visitLoop(scf::ForOp loop) {
  State before = state;
  SmallVector<Cell> cells = getCells(loop);
  // Which counts advance alike; then what may be in flight at the head.
  ++quiet;
  do {
    enterLoop(loop, cells, before);
    visit(*loop.getBody());
    leaveBody(loop, cells);
  } while (refine(cells));
  enterLoop(loop, cells, before);
  State head = state;
  for (int round = 0;; ++round) {
    visit(*loop.getBody());
    State joined = join(head, state, head.counts);
    if (joined == head || round == kMaxRounds)
      break;
    state = head = joined;
  }
  --quiet;
  state = head;
  visit(*loop.getBody());
  // The loop ends at its head.
  state = head;
  for (auto [result, cell] : llvm::zip(
           loop.getResults(), ArrayRef(cells).drop_front(head.counts.size())))
    values[result] = cell.head;
}

LogicalResult mla::checkSlotProtocol(cta::RoleOp role,
                                     ArrayRef<RingBarriers> rings) {
  return Interpreter(role, rings).run(role.getBody().front());
}
