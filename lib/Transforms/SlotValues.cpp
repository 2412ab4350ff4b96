//===- SlotValues.cpp - evaluates slot indices and parities -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "SlotValues.h"
#include "AsyncAnalysis.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mla;
using namespace mla::slots;

static std::optional<int64_t> getConstant(Value value) {
  APInt constant;
  if (!matchPattern(value, m_ConstantInt(&constant)))
    return std::nullopt;
  return constant.getSExtValue();
}

std::optional<Count> SlotValues::lookup(Value value) {
  auto number = rings.numbers.find(value);
  if (number == rings.numbers.end())
    return std::nullopt;
  auto it = state.values.find(number->second);
  if (it == state.values.end())
    return std::nullopt;
  return it->second;
}

std::optional<Count> SlotValues::evaluate(Value value) {
  if (std::optional<int64_t> constant = getConstant(value))
    return Count{0, *constant};
  if (std::optional<Count> known = lookup(value))
    return known;
  if (auto add = value.getDefiningOp<arith::AddIOp>())
    if (std::optional<int64_t> by = getConstant(add.getRhs()))
      if (std::optional<Count> base = evaluate(add.getLhs()))
        return *base + *by;
  return std::nullopt;
}

std::optional<Count> SlotValues::evaluateIndex(Value index, int64_t depth) {
  if (std::optional<int64_t> constant = getConstant(index)) {
    if (*constant < depth)
      return Count{0, *constant};
  } else if (auto rem = index.getDefiningOp<arith::RemUIOp>()) {
    if (getConstant(rem.getRhs()) == depth)
      return evaluate(rem.getLhs());
  }
  return std::nullopt;
}

Value slots::getWhole(Value buffer) {
  while (Operation *def = buffer.getDefiningOp()) {
    if (!isa<cta::ViewOp, cta::DescriptorOp>(def))
      break;
    buffer = def->getOperand(0);
  }
  return buffer;
}

std::optional<Slot> SlotValues::evaluateSlot(Value buffer) {
  buffer = getWhole(buffer);
  if (!isa<cta::BufferType>(buffer.getType()))
    return std::nullopt;
  Value ring = getRing(buffer);
  const auto *it = llvm::find_if(rings.rings, [&](RingBarriers known) {
    return known.ring.getResult() == ring;
  });
  if (it == rings.rings.end())
    return std::nullopt;
  unsigned number = it - rings.rings.begin();
  std::optional<Count> count;
  if (auto slot = buffer.getDefiningOp<cta::SlotOp>())
    count = evaluateIndex(slot.getIndex(), rings.depth(number));
  else
    count = lookup(buffer);
  return Slot{number, count.value_or(Count{kUnknown, 0})};
}

std::optional<Count> SlotValues::evaluateCarried(Value value) {
  if (value.getType().isSignlessInteger(32))
    return evaluate(value);
  std::optional<Slot> slot = evaluateSlot(value);
  if (!slot || slot->count.symbol == kUnknown)
    return std::nullopt;
  for (Event event : {Awaited, Acquired}) {
    Count last = state.count(slot->ring, event) + -1;
    if (last.symbol == slot->count.symbol && last.offset >= 0)
      return last +
             -modulo(last.offset - slot->count.offset, rings.depth(slot->ring));
  }
  return slot->count;
}

bool SlotValues::isSlotOf(Value index, Count count, int64_t depth) {
  std::optional<Count> got = evaluateIndex(index, depth);
  if (!got || (depth > 1 && got->symbol != count.symbol))
    return false;
  return depth == 1 || modulo(got->offset - count.offset, depth) == 0;
}

/// parity = (count / depth [+ 1 for a writer]) mod 2.
bool SlotValues::isParityOf(Value parity, Count count, int64_t depth,
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

void SlotValues::assign(ValueRange targets, ValueRange sources) {
  SmallVector<std::optional<Count>> counts;
  for (Value source : sources)
    counts.push_back(evaluateCarried(source));
  for (auto [target, count] : llvm::zip(targets, counts)) {
    unsigned number = rings.numbers.lookup(target);
    state.values.erase(number);
    if (count)
      state.values[number] = *count;
  }
}
