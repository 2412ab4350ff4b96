//===- SequenceGrid.cpp - grids over tiles of sequences ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Operators/SequenceGrid.h"

using namespace mlir;
using namespace mla;

static Value add(TileBuilder &b, Value x, Value y) {
  return arith::AddIOp::create(b, x, y);
}
static Value subtract(TileBuilder &b, Value x, Value y) {
  return arith::SubIOp::create(b, x, y);
}
static Value choose(TileBuilder &b, Value condition, Value yes, Value no) {
  return arith::SelectOp::create(b, condition, yes, no);
}

void SequenceGrid::build(function_ref<void(Value)> buildPoint) {
  zero = index(0);
  buildOrder();
  items = arith::MulIOp::create(b, heads, blocks);
  auto grid = scf::ForallOp::create(
      b, SmallVector<OpFoldResult>{items}, /*outputs=*/ValueRange(),
      /*mapping=*/std::nullopt, [&](OpBuilder &, Location, ValueRange ivs) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(ivs[0].getParentBlock());
        buildPoint(ivs[0]);
        scf::InParallelOp::create(b);
      });
  if (options.isCausal)
    grid->setAttr(tile::kLongestFirstAttr, b.getUnitAttr());
}

/// CTAs that run at the same time work on the heads of one section, so that
/// the rows that they share stay in the L2 cache. Causal tiles have different
/// numbers of steps: the longest of a section come first, so that short ones
/// fill the gaps at its end. Otherwise a section is one head. Every CTA
/// computes this before its first load, so it is one division of 32 bits.
void SequenceGrid::buildOrder() {
  Value batches = b.createDim(tiled.tensor, 0), rows = getRows(tiled);
  heads = arith::MulIOp::create(b, batches, index(options.heads));
  blocks = arith::CeilDivUIOp::create(b, rows, index(options.rows));
  if (isPacked()) {
    // Sequence r has the tiles from floordiv(bounds[r], rows) + r on, at least
    // as many as it needs.
    heads = index(options.heads);
    blocks = add(b, arith::DivUIOp::create(b, rows, index(options.rows)),
                 b.createDim(tiled.bounds, 0));
    // None without rows: copies of tiles have to begin inside the tensor.
    constexpr int64_t kMoreThanAllTiles = int64_t(1) << 31;
    blocks = arith::MinUIOp::create(
        b, blocks, arith::MulIOp::create(b, rows, index(kMoreThanAllTiles)));
    buildSearchSteps();
  }
  section = b.createI32(1);
  if (!options.isCausal)
    return;
  // As many rows that loops go over are cached.
  Value size =
      arith::MaxUIOp::create(b, b.toI32(getRows(looped)), b.createI32(1));
  Value fit = arith::DivUIOp::create(
      b, b.createI32(options.cachedBytes / options.loopBytes), size);
  fit = arith::MaxUIOp::create(b, fit, b.createI32(1));
  section = arith::MinUIOp::create(
      b, arith::MulIOp::create(b, fit, b.createI32(options.sharedBy)),
      b.toI32(heads));
}

/// ceil(log2(number of sequences)).
void SequenceGrid::buildSearchSteps() {
  Value rest = arith::MaxSIOp::create(
      b, subtract(b, b.createDim(tiled.bounds, 0), index(2)), zero);
  searchSteps = zero;
  for (int64_t bits : {16, 8, 4, 2, 1}) {
    Value high = arith::DivUIOp::create(b, rest, index(int64_t(1) << bits));
    Value isLong =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ne, high, zero);
    searchSteps = add(b, searchSteps, choose(b, isLong, index(bits), zero));
    rest = choose(b, isLong, high, rest);
  }
  searchSteps = add(b, searchSteps, rest);
}

SequenceTile SequenceGrid::findTile(Value item) {
  // Numbers of items have 31 bits, and a division of 32 bits is much shorter.
  Value number = b.toI32(item);
  // Counted from the last tile. The section that may have fewer heads than the
  // others comes first: at the end of the grid its few tiles would leave CTAs
  // without work.
  if (options.isCausal)
    number = subtract(b, b.toI32(items), add(b, number, b.createI32(1)));
  auto divide = [&](Value &rest, Value by) {
    Value quotient = arith::DivUIOp::create(b, rest, by);
    rest = subtract(b, rest, arith::MulIOp::create(b, quotient, by));
    return quotient;
  };
  Value width = section;
  Value perSection = arith::MulIOp::create(b, width, b.toI32(blocks));
  Value first = arith::MulIOp::create(b, divide(number, perSection), width);
  // The last section may have fewer heads.
  width = arith::MinUIOp::create(b, width, subtract(b, b.toI32(heads), first));
  Value block = divide(number, width);
  if (options.isCausal && !options.isLastLongest)
    block = subtract(b, b.toI32(blocks), add(b, block, b.createI32(1)));
  block = b.toIndex(block);
  Value headOfBatch = add(b, first, number);
  SequenceTile tile;
  if (isPacked()) {
    tile.batch = zero;
    tile.head = b.toIndex(headOfBatch);
    findSequence(block, tile);
    return tile;
  }
  Value perBatch = b.createI32(options.heads);
  tile.batch = b.toIndex(divide(headOfBatch, perBatch));
  tile.head = b.toIndex(headOfBatch);
  tile.tiled = {zero, getRows(tiled)};
  tile.looped = {zero, getRows(looped)};
  findRow(block, blocks, tile);
  return tile;
}

Value SequenceGrid::getFirstSlot(Value number) {
  Value begin = loadBound(tiled, number);
  return add(b, arith::DivUIOp::create(b, begin, index(options.rows)), number);
}

void SequenceGrid::findSequence(Value slot, SequenceTile &tile) {
  Value count = b.createDim(tiled.bounds, 0);
  // The last sequence whose first slot is not above `slot`, by bisection.
  auto search = scf::ForOp::create(
      b, zero, searchSteps, index(1),
      ValueRange{zero, subtract(b, count, index(1))},
      [&](OpBuilder &nested, Location, Value, ValueRange range) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPoint(nested.getInsertionBlock(),
                            nested.getInsertionPoint());
        Value middle =
            arith::DivUIOp::create(b, add(b, range[0], range[1]), index(2));
        Value isBelow = arith::CmpIOp::create(b, arith::CmpIPredicate::sle,
                                              getFirstSlot(middle), slot);
        scf::YieldOp::create(b,
                             ValueRange{choose(b, isBelow, middle, range[0]),
                                        choose(b, isBelow, range[1], middle)});
      });
  Value number = search.getResult(0);
  // Without sequences there is no next bound.
  Value next = arith::MinSIOp::create(b, add(b, number, index(1)),
                                      subtract(b, count, index(1)));
  tile.tiled = loadRange(tiled, number, next);
  tile.looped = loadRange(looped, number, next);
  findRow(subtract(b, slot, getFirstSlot(number)),
          arith::CeilDivUIOp::create(b, tile.tiled.size, index(options.rows)),
          tile);
}

Value SequenceGrid::loadBound(SequenceTensor of, Value number) {
  Value bound = b.toIndex(memref::LoadOp::create(b, of.bounds, number));
  return arith::MinSIOp::create(b, arith::MaxSIOp::create(b, bound, zero),
                                getRows(of));
}

SequenceRange SequenceGrid::loadRange(SequenceTensor of, Value number,
                                      Value next) {
  Value begin = loadBound(of, number);
  Value end = loadBound(of, next);
  return {begin, arith::MaxSIOp::create(b, subtract(b, end, begin), zero)};
}

void SequenceGrid::findRow(Value block, Value count, SequenceTile &tile) {
  if (isPacked())
    tile.isAny =
        arith::CmpIOp::create(b, arith::CmpIPredicate::slt, block, count);
  tile.row = arith::MulIOp::create(b, block, index(options.rows));
  if (isPacked())
    tile.row = choose(b, tile.isAny, tile.row, tile.tiled.size);
}
