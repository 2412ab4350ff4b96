//===- SplitWidth.cpp - splits gathered tiles and outputs -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "ProgramState.h"
#include "TileRewrites.h"
#include "mlir/IR/IRMapping.h"
#include <array>

namespace mla {
#define GEN_PASS_DEF_SPLITWIDTH
#include "mla/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

static constexpr StringLiteral kSuffix[] = {".l", ".r"};

static RankedTensorType getTile(Value v) {
  return dyn_cast<RankedTensorType>(v.getType());
}

/// The order in which the parts of `op` are computed: right first for the
/// second tile of a pair. The slot of its right part is released last, so
/// refilling it first leaves the longest time for the other.
static std::array<int, 2> getOrder(Operation *op) {
  bool second = tile::getLabel(op).ends_with(".1");
  return {second ? 1 : 0, second ? 0 : 1};
}

namespace {
/// The left and right part of a value.
using Halves = std::array<Value, 2>;

/// Splits the gathered tiles of a program, then the values computed from V.
class WidthSplitter {
public:
  WidthSplitter(scf::ForallOp program, ScheduleAttr schedule)
      : program(program), schedule(schedule),
        b(program.getLoc(), program.getContext()) {}

  LogicalResult run();

  size_t countGathers() const { return gathers.size(); }
  int64_t getWidth() const { return width; }

private:
  /// Finds the gathered tiles, and the values computed from a dot with V.
  LogicalResult findValues();
  bool isWide(Value v) const { return wide.contains(v); }

  void splitGather(Operation *gather);
  /// Replaces `dot`, a product with the transpose of K, by a chain of two.
  void splitScores(tile::DotOp dot, const Halves &keys);

  LogicalResult splitBlock(Block *block);
  LogicalResult splitLoop(scf::ForOp loop);
  /// `values`, which correspond to the carried values of `loop`, with each wide
  /// one replaced by its halves.
  FailureOr<SmallVector<Value>> splitCarried(scf::ForOp loop, ValueRange values,
                                             Operation *user);
  LogicalResult splitOp(Operation *op);
  LogicalResult splitStore(tile::StoreOp store);
  /// Fails with an error if an op that stays uses one that was split.
  LogicalResult checkDead();
  void eraseDead();
  /// Part `part` of a wide value. Null with an error at `user` if the value
  /// cannot be split.
  Value getHalf(Value v, int part, Operation *user);
  /// Part `part` of V, a view of a gathered tile.
  Value getHalfOfView(tile::ViewOp view, int part);
  RankedTensorType halve(RankedTensorType type) const {
    return RankedTensorType::get({type.getDimSize(0), width / 2},
                                 type.getElementType());
  }

  scf::ForallOp program;
  ScheduleAttr schedule;
  ImplicitLocOpBuilder b;
  /// Columns of V. The left part of a gathered tile has half as many.
  int64_t width = 0;
  SmallVector<Operation *> gathers;
  DenseMap<Value, Halves> keys;
  /// Values with as many columns as V, computed from a dot with V.
  SetVector<Value> wide;
  DenseMap<Value, Halves> halves;
  SmallVector<Operation *> dead;
};

struct SplitWidthPass : mla::impl::SplitWidthBase<SplitWidthPass> {
  void runOnProgram() override {
    func::FuncOp func = getOperation();
    ScheduleAttr schedule = getScheduleWith(func, "split-width");
    if (!schedule)
      return;
    for (scf::ForallOp program : func.getOps<scf::ForallOp>()) {
      WidthSplitter splitter(program, schedule);
      if (failed(splitter.run()))
        return signalPassFailure();
      decided(program.getLoc(), "split")
          << remark::metric("Gathers", splitter.countGathers())
          << remark::metric("Columns", splitter.getWidth() / 2);
    }
    setRewritten(func, "split-width");
  }
};
} // namespace

LogicalResult WidthSplitter::run() {
  if (failed(findValues()))
    return failure();
  for (Operation *gather : gathers)
    splitGather(gather);
  if (failed(splitBlock(program.getBody())))
    return failure();
  if (failed(checkDead()))
    return failure();
  eraseDead();
  return success();
}

//===----------------------------------------------------------------------===//
// Values to split
//===----------------------------------------------------------------------===//

/// The gathered tile of which `v` is a view that begins at element [0, 0]; null
/// otherwise.
static Operation *getGatherOfView(Value v) {
  auto view = v.getDefiningOp<tile::ViewOp>();
  if (!view || llvm::any_of(view.getOffsets(), [](int64_t at) { return at; }))
    return nullptr;
  Operation *source = view.getSource().getDefiningOp();
  return source && isGatheredMatrix(source) ? source : nullptr;
}

/// Whether `v` is only read as operand A, as Q is.
static bool isOperandA(Value v) {
  return !v.use_empty() && llvm::all_of(v.getUses(), [](OpOperand &use) {
    auto dot = dyn_cast<tile::DotOp>(use.getOwner());
    return dot && &use == &dot.getAMutable();
  });
}

LogicalResult WidthSplitter::findValues() {
  program.walk([&](Operation *gather) {
    if (isGatheredMatrix(gather) && !isOperandA(gather->getResult(0)))
      gathers.push_back(gather);
  });
  WalkResult result = program.walk([&](tile::DotOp dot) {
    Operation *gather = getGatherOfView(dot.getB());
    if (!gather || dot.getTransposeB())
      return WalkResult::advance();
    int64_t columns = getTile(dot.getB()).getDimSize(1);
    if (columns < 1 || columns % 128 || (width && width != columns)) {
      dot.emitOpError() << "expected V to have a multiple of 128 columns, the "
                           "same for all products, got "
                        << columns;
      return WalkResult::interrupt();
    }
    width = columns;
    wide.insert(dot.getResult());
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return failure();
  if (wide.empty())
    return emitRewriteError(program, schedule, "split-width")
           << "expected a tile.dot with V, a view of a gathered tile from "
              "column 0, got none";
  for (Operation *gather : gathers)
    if (int64_t columns = getTile(gather->getResult(0)).getDimSize(1);
        columns <= width / 2)
      return gather->emitOpError() << "expected more columns than half of V's "
                                   << width << ", got " << columns;
  // An op with several results cannot be split; checkDead() reports it.
  return spreadToUsers(wide, "the output's tiles", [](Value v) {
    Operation *def = v.getDefiningOp();
    return !def || isa<scf::ForOp>(def) || def->getNumResults() == 1;
  });
}

//===----------------------------------------------------------------------===//
// Gathered tiles and scores
//===----------------------------------------------------------------------===//

void WidthSplitter::splitGather(Operation *gather) {
  b.setInsertionPointAfter(gather);
  b.setLoc(gather->getLoc());
  int64_t at[] = {0, width / 2, getTile(gather->getResult(0)).getDimSize(1)};
  Halves parts;
  for (int part : getOrder(gather)) {
    Operation *copy =
        gatherColumns(b, gather, at[part], at[part + 1] - at[part]);
    copyLabel(gather, copy, kSuffix[part]);
    parts[part] = copy->getResult(0);
  }
  keys[gather->getResult(0)] = parts;
  dead.push_back(gather);
  if (auto concat = dyn_cast<tile::ConcatOp>(gather))
    for (Value part : concat.getParts())
      dead.push_back(part.getDefiningOp());
  // A set, because both operands of a product may be the tile.
  SetVector<Operation *> users(gather->user_begin(), gather->user_end());
  for (Operation *user : users)
    if (auto dot = dyn_cast<tile::DotOp>(user))
      if (dot.getB() == gather->getResult(0) && dot.getTransposeB())
        splitScores(dot, parts);
}

void WidthSplitter::splitScores(tile::DotOp dot, const Halves &parts) {
  b.setInsertionPoint(dot);
  b.setLoc(dot.getLoc());
  Value sum = dot.getAcc();
  for (int part : getOrder(dot)) {
    auto piece =
        multiplyColumns(b, dot, parts[part], part ? width / 2 : 0, sum);
    copyLabel(dot, piece, kSuffix[part]);
    sum = piece.getResult();
  }
  dot.replaceAllUsesWith(sum);
  dot.erase();
}

//===----------------------------------------------------------------------===//
// Output
//===----------------------------------------------------------------------===//

Value WidthSplitter::getHalfOfView(tile::ViewOp view, int part) {
  Value piece = keys.lookup(view.getSource())[part];
  RankedTensorType half = halve(getTile(view.getResult()));
  if (getTile(piece) == half)
    return piece;
  return tile::ViewOp::create(b, half, piece, ArrayRef<int64_t>{0, 0});
}

Value WidthSplitter::getHalf(Value v, int part, Operation *user) {
  if (auto it = halves.find(v); it != halves.end())
    return it->second[part];
  RankedTensorType type = halve(getTile(v));
  if (auto broadcast = v.getDefiningOp<tile::BroadcastOp>())
    if (broadcast.getDim() == 1)
      return tile::BroadcastOp::create(b, type, broadcast.getSource(), 1);
  if (Value splat = resizeSplat(b, v, type))
    return splat;
  user->emitOpError() << "has an operand of type " << v.getType()
                      << " whose columns cannot be split";
  return {};
}

LogicalResult WidthSplitter::splitOp(Operation *op) {
  b.setInsertionPoint(op);
  b.setLoc(op->getLoc());
  RankedTensorType type = getTile(op->getResult(0));
  if (!type || type.getRank() != 2 || type.getDimSize(1) != width)
    return op->emitOpError() << "expected a tile of " << width
                             << " columns, computed from the output";
  Halves results;
  for (int part : {0, 1}) {
    IRMapping map;
    for (Value operand : op->getOperands()) {
      RankedTensorType shape = getTile(operand);
      auto dot = dyn_cast<tile::DotOp>(op);
      if (dot && operand == dot.getB() && !getGatherOfView(operand))
        return op->emitOpError("expected V, a view of a gathered tile from "
                               "column 0, as operand B");
      if (dot && operand == dot.getB())
        map.map(operand,
                getHalfOfView(operand.getDefiningOp<tile::ViewOp>(), part));
      else if (shape && shape.getShape() == type.getShape())
        map.map(operand, getHalf(operand, part, op));
      if (map.contains(operand) && !map.lookupOrNull(operand))
        return failure();
    }
    Operation *copy = b.clone(*op, map);
    copy->getResult(0).setType(halve(type));
    copyLabel(op, copy, kSuffix[part]);
    results[part] = copy->getResult(0);
  }
  halves[op->getResult(0)] = results;
  dead.push_back(op);
  return success();
}

LogicalResult WidthSplitter::splitStore(tile::StoreOp store) {
  b.setInsertionPoint(store);
  b.setLoc(store.getLoc());
  for (int part : {0, 1}) {
    Value tile = getHalf(store.getTile(), part, store);
    if (!tile)
      return failure();
    SmallVector<Value> indices =
        moveRight(b, store.getIndices(), part ? width / 2 : 0);
    copyLabel(store,
              tile::StoreOp::create(b, tile, store.getDest(), indices,
                                    store.getBounds(), store.getDimsAttr(),
                                    store.getMergeAttr(),
                                    store.getMergeByAttr()),
              kSuffix[part]);
  }
  dead.push_back(store);
  return success();
}

FailureOr<SmallVector<Value>> WidthSplitter::splitCarried(scf::ForOp loop,
                                                          ValueRange values,
                                                          Operation *user) {
  SmallVector<Value> carried;
  for (auto [arg, value] : llvm::zip_equal(loop.getRegionIterArgs(), values)) {
    if (!isWide(arg)) {
      carried.push_back(value);
      continue;
    }
    for (int part : {0, 1}) {
      carried.push_back(getHalf(value, part, user));
      if (!carried.back())
        return failure();
    }
  }
  return carried;
}

LogicalResult WidthSplitter::splitLoop(scf::ForOp loop) {
  b.setInsertionPoint(loop);
  b.setLoc(loop.getLoc());
  FailureOr<SmallVector<Value>> init =
      splitCarried(loop, loop.getInitArgs(), loop);
  if (failed(init))
    return failure();
  auto copy = scf::ForOp::create(b, loop.getLowerBound(), loop.getUpperBound(),
                                 loop.getStep(), *init);
  copy->setDiscardableAttrs(loop->getDiscardableAttrDictionary());
  Block *from = loop.getBody(), *to = copy.getBody();
  if (!to->empty())
    to->back().erase();
  to->getOperations().splice(to->end(), from->getOperations());
  loop.getInductionVar().replaceAllUsesWith(copy.getInductionVar());
  // The wide arguments of the old loop are erased with the ops that use them.
  unsigned next = 0;
  for (auto [arg, result] :
       llvm::zip_equal(loop.getRegionIterArgs(), loop.getResults())) {
    if (isWide(arg)) {
      halves[arg] = {copy.getRegionIterArg(next),
                     copy.getRegionIterArg(next + 1)};
      halves[result] = {copy.getResult(next), copy.getResult(next + 1)};
      next += 2;
      continue;
    }
    arg.replaceAllUsesWith(copy.getRegionIterArg(next));
    result.replaceAllUsesWith(copy.getResult(next++));
  }
  if (failed(splitBlock(to)))
    return failure();
  auto yield = cast<scf::YieldOp>(to->getTerminator());
  b.setInsertionPoint(yield);
  FailureOr<SmallVector<Value>> yields =
      splitCarried(loop, yield.getOperands(), yield);
  if (failed(yields))
    return failure();
  yield->setOperands(*yields);
  dead.push_back(loop);
  return success();
}

LogicalResult WidthSplitter::splitBlock(Block *block) {
  for (Operation &op :
       llvm::make_early_inc_range(block->without_terminator())) {
    LogicalResult result = success();
    auto isWideOne = [&](Value v) { return isWide(v); };
    if (auto loop = dyn_cast<scf::ForOp>(op)) {
      result = llvm::any_of(loop.getResults(), isWideOne)
                   ? splitLoop(loop)
                   : splitBlock(loop.getBody());
    } else if (auto store = dyn_cast<tile::StoreOp>(op)) {
      if (isWide(store.getTile()))
        result = splitStore(store);
    } else if (llvm::any_of(op.getResults(), isWideOne)) {
      result = splitOp(&op);
    }
    if (failed(result))
      return failure();
  }
  return success();
}

LogicalResult WidthSplitter::checkDead() {
  llvm::SmallPtrSet<Operation *, 16> going(dead.begin(), dead.end());
  auto goes = [&](Operation *op) { return going.contains(op); };
  for (Operation *op : dead)
    for (Operation *user : op->getUsers())
      if (!goes(user) &&
          !(isa<tile::ViewOp>(user) && llvm::all_of(user->getUsers(), goes)))
        return user->emitOpError("cannot use a tile that is split by columns");
  return success();
}

void WidthSplitter::eraseDead() {
  for (Operation *op : dead)
    op->dropAllReferences();
  for (Operation *op : dead) {
    for (Operation *user : llvm::make_early_inc_range(op->getUsers()))
      if (isa<tile::ViewOp>(user) && user->use_empty())
        user->erase();
    op->dropAllUses();
    op->erase();
  }
}
