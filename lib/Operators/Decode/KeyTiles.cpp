//===- KeyTiles.cpp - tiles of the cache ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "KeyTiles.h"

using namespace mlir;
using namespace mla;

bool KeyTiles::mayCopy(const DecodeTiling &tiling, ScheduleAttr schedule) {
  bool isAligned =
      !isPaged() || (pageSize % kPlanUnit == 0 && kPlanUnit % blockKV == 0);
  bool isFaster = tiling.rowTiles > 1 || schedule.getTileSize("copy_pages");
  return isAligned && isFaster && !schedule.getTileSize("gather_pages");
}

void KeyTiles::buildSizes() {
  if (!isPaged())
    return;
  pages = b.createDim(op.getKCache(), 0);
  maxPages = b.createDim(op.getBlockTable(), 1);
}

KeyTiles::Tile KeyTiles::build(const Range &range, Value t) {
  Rows rows = buildRows(range, t);
  return {rows.rows, buildKeys(range, rows)};
}

KeyTiles::Rows KeyTiles::buildRows(const Range &range, Value t) {
  if (!isPaged())
    return buildRowsFrom(t, arith::SubIOp::create(b, range.end, t));
  if (copiesBlocks)
    return buildRowsOfPage(range, t);
  return {buildRowsOfPages(range, t), Value()};
}

Value KeyTiles::buildRowsOfPages(const Range &range, Value t) {
  RankedTensorType type = b.getVector(blockKV);
  Value token =
      arith::AddIOp::create(b, tile::IotaOp::create(b, type), splatKeys(t));
  Value size = splatKeys(pageSize);
  Value slot = arith::DivUIOp::create(b, token, size);
  Value page =
      b.label(tile::GatherOp::create(b, type, op.getBlockTable(), slot,
                                     ValueRange{range.request}, /*dim=*/1),
              "indices");
  Value row = arith::AddIOp::create(b, arith::MulIOp::create(b, page, size),
                                    arith::RemUIOp::create(b, token, size));
  // Unsigned, so that negative pages are invalid.
  Value isPage = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, page,
                                       splatKeys(pages));
  Value isToken = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, token,
                                        splatKeys(range.end));
  return arith::SelectOp::create(b, arith::AndIOp::create(b, isToken, isPage),
                                 row, splatKeys(-1));
}

KeyTiles::Rows KeyTiles::buildRowsOfPage(const Range &range, Value t) {
  // The extra iteration may be past the table's end.
  Value slot = arith::MinSIOp::create(
      b, arith::DivUIOp::create(b, t, b.createI32(pageSize)),
      arith::SubIOp::create(b, b.toI32(maxPages), b.createI32(1)));
  Value page = b.load(op.getBlockTable(), {range.request, b.toIndex(slot)});
  Value first = arith::AddIOp::create(
      b, arith::MulIOp::create(b, page, b.createI32(pageSize)),
      arith::RemUIOp::create(b, t, b.createI32(pageSize)));
  Value isPage =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ult, page, b.toI32(pages));
  Value left = arith::SelectOp::create(
      b, isPage, arith::SubIOp::create(b, range.end, t), b.createI32(0));
  return buildRowsFrom(first, left);
}

KeyTiles::Rows KeyTiles::buildRowsFrom(Value first, Value left) {
  Value number = tile::IotaOp::create(b, b.getVector(blockKV));
  Value row = arith::AddIOp::create(b, number, splatKeys(first));
  Value isToken = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, number,
                                        splatKeys(left));
  Value rows = b.label(arith::SelectOp::create(b, isToken, row, splatKeys(-1)),
                       "indices");
  if (!copiesBlocks)
    return {rows, Value()};
  Value isWhole = arith::CmpIOp::create(b, arith::CmpIPredicate::sge, left,
                                        b.createI32(blockKV));
  return {rows, arith::SelectOp::create(b, isWhole, first, b.createI32(-1))};
}

Value KeyTiles::buildKeys(const Range &range, const Rows &rows) {
  SmallVector<Value> at{range.kvHead, b.createIndex(0)};
  // Row indices are tokens of the request.
  if (!isPaged())
    at.insert(at.begin(), range.request);
  return gatherColumns(b, op, blockKV, op.getKCache(), op.getKRope(), "k",
                       [&](RankedTensorType type, Value source) {
                         return tile::GatherOp::create(
                             b, type, source, rows.rows, at, isPaged() ? 0 : 1,
                             rows.block);
                       });
}

Value mla::gatherColumns(
    DecodeBuilder &b, DecodeOp op, int64_t rows, Value first, Value second,
    StringRef label,
    function_ref<tile::GatherOp(RankedTensorType, Value)> gather) {
  int64_t columns = getSize(op, "d_qk");
  tile::GatherOp left = gather(b.getTile(first, {rows, columns}), first);
  if (!second)
    return b.label(left, label);
  int64_t further = getSize(op, "d_rope");
  tile::GatherOp right = gather(b.getTile(second, {rows, further}), second);
  RankedTensorType type = b.getTile(first, {rows, columns + further});
  return b.label(
      tile::ConcatOp::create(b, type, ValueRange{left, right}, /*dim=*/1),
      label);
}
