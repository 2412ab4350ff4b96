//===- Pipeline.cpp - software pipelining of role loops ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Transforms/Passes.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Dialect/SCF/Transforms/Transforms.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

namespace mla {
#define GEN_PASS_DEF_PIPELINE
#include "mla/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

/// The prologue has a copy of the body for each stage, so this limits code
/// size.
static constexpr int64_t kMaxStages = 64;

namespace {
/// The stage of an op of a loop body, and its position in the new body.
struct Place {
  int64_t stage = 0, order = 0;
};
} // namespace

namespace {
/// Pipelines one innermost loop.
class LoopPipeliner {
public:
  explicit LoopPipeliner(scf::ForOp loop) : loop(loop) {}

  LogicalResult run();

  int64_t getStages() const { return lastStage + 1; }
  bool hasEpilogue() const { return peels; }

private:
  /// Reads the stages and orders of the loop's ops.
  LogicalResult read();
  LogicalResult pipeline();

  scf::ForOp loop;
  DenseMap<Operation *, Place> places;
  /// The ops of the loop, by order.
  SmallVector<Operation *> ops;
  int64_t lastStage = 0;
  /// Whether the loop needs a guard and an epilogue.
  bool peels = false;
};

struct PipelinePass : mla::impl::PipelineBase<PipelinePass> {
  void runOnProgram() override;
};
} // namespace

static bool isInnermost(scf::ForOp loop);
static bool mayRunAhead(Operation *op);
static FailureOr<DenseMap<Operation *, Place>> readPlaces(Block *body);
static scf::ForOp guardTripCount(RewriterBase &rewriter, scf::ForOp loop,
                                 int64_t stages);
static void peelLastIteration(RewriterBase &rewriter, scf::ForOp loop);
static void eraseMarks(Operation *root);

void PipelinePass::runOnProgram() {
  SmallVector<scf::ForOp> loops;
  getOperation().walk([&](scf::ForOp loop) {
    if (loop->hasAttr(cta::kStageAttr))
      loops.push_back(loop);
  });
  for (scf::ForOp loop : loops) {
    // The ops of an outer loop have attributes too: a tile that an inner loop
    // uses is awaited with the attributes of its user. They have no meaning.
    if (!isInnermost(loop)) {
      eraseMarks(loop);
      continue;
    }
    Location loc = loop.getLoc();
    LoopPipeliner pipeliner(loop);
    if (failed(pipeliner.run()))
      return signalPassFailure();
    decided(loc, "loop") << remark::metric("Stages", pipeliner.getStages())
                         << remark::metric("Epilogue", pipeliner.hasEpilogue());
  }
}

LogicalResult LoopPipeliner::run() {
  if (failed(read()))
    return failure();
  if (lastStage > 0)
    return pipeline();
  for (Operation *op : ops)
    op->moveBefore(loop.getBody()->getTerminator());
  eraseMarks(loop);
  return success();
}

LogicalResult LoopPipeliner::read() {
  FailureOr<DenseMap<Operation *, Place>> found = readPlaces(loop.getBody());
  if (failed(found))
    return failure();
  places = std::move(*found);
  for (Operation &op : loop.getBody()->without_terminator()) {
    ops.push_back(&op);
    lastStage = std::max(lastStage, places[&op].stage);
  }
  if (lastStage >= kMaxStages)
    return loop.emitOpError() << "expected at most " << kMaxStages
                              << " stages, got " << lastStage + 1;
  llvm::stable_sort(ops, [&](Operation *a, Operation *b) {
    return places[a].order < places[b].order;
  });
  return success();
}

LogicalResult LoopPipeliner::pipeline() {
  IRRewriter rewriter(loop.getContext());
  peels = loop.getNumResults() != 0 || llvm::any_of(ops, [&](Operation *op) {
            return places[op].stage < lastStage && !mayRunAhead(op);
          });
  if (peels)
    loop = guardTripCount(rewriter, loop, lastStage);
  scf::PipeliningOption options;
  options.getScheduleFn = [&](scf::ForOp, auto &schedule) {
    for (Operation *op : ops)
      schedule.push_back({op, static_cast<unsigned>(places[op].stage)});
  };
  // All predicates can be true. With a guard, the loop has enough iterations;
  // without one, every op may run past the end.
  llvm::SetVector<Value> predicates;
  options.supportDynamicLoops = true;
  options.peelEpilogue = peels;
  options.predicateFn = [&](RewriterBase &, Operation *op, Value predicate) {
    predicates.insert(predicate);
    return op;
  };
  Operation *parent = loop->getParentOp();
  Location loc = loop.getLoc();
  rewriter.setInsertionPoint(loop);
  bool peelsLast = loop->hasAttr(tile::kPeelLastAttr);
  FailureOr<scf::ForOp> pipelined =
      scf::pipelineForLoop(rewriter, loop, options);
  if (failed(pipelined))
    return emitError(loc) << "cannot pipeline the loop: an op would run before "
                             "a value of the same iteration that it uses";
  for (Value predicate : predicates) {
    OpBuilder b(predicate.getContext());
    b.setInsertionPointAfterValue(predicate);
    Value yes = arith::ConstantIntOp::create(b, loc, 1, 1);
    predicate.replaceAllUsesWith(yes);
  }
  if (peelsLast && peels)
    peelLastIteration(rewriter, *pipelined);
  eraseMarks(parent);
  // In the epilogue, selects by predicates yield the newer value.
  parent->walk([](arith::SelectOp select) {
    if (matchPattern(select.getCondition(), m_One())) {
      select.getResult().replaceAllUsesWith(select.getTrueValue());
      select.erase();
    }
  });
  return success();
}

static bool isInnermost(scf::ForOp loop) {
  return !loop.getBody()
              ->walk([](scf::ForOp) { return WalkResult::interrupt(); })
              .wasInterrupted();
}

/// Whether `op` may run for an iteration past the end of the loop. Loads may:
/// elements outside of the memref are padding.
static bool mayRunAhead(Operation *op) {
  return isPure(op) || isa<tile::LoadOp, tile::GatherOp>(op);
}

/// The op of `body` that defines `v`, or null.
static Operation *getBodyDef(Value v, Block *body) {
  Operation *def = v.getDefiningOp();
  return def ? body->findAncestorOpInBlock(*def) : nullptr;
}

/// The attribute `name` of `op`; nothing if it is not a 32-bit integer.
static std::optional<int64_t> readMark(Operation &op, StringRef name) {
  auto attr = op.getAttrOfType<IntegerAttr>(name);
  std::optional<int64_t> value =
      attr ? attr.getValue().trySExtValue() : std::nullopt;
  return value && llvm::isInt<32>(*value) ? value : std::nullopt;
}

/// Reads stages and orders. An op without them, such as an address computation,
/// gets the stage of its earliest user, and the order of its latest operand. An
/// op never comes after a user of the same stage. Stages are renumbered from 0.
static FailureOr<DenseMap<Operation *, Place>> readPlaces(Block *body) {
  DenseMap<Operation *, Place> places;
  for (Operation &op : body->without_terminator()) {
    Place &place = places[&op];
    if (op.hasAttr(cta::kStageAttr)) {
      std::optional<int64_t> stage = readMark(op, cta::kStageAttr);
      std::optional<int64_t> order = readMark(op, cta::kOrderAttr);
      if (!stage || !order)
        return op.emitOpError()
               << "expected 32-bit integers as " << cta::kStageAttr << " and "
               << cta::kOrderAttr;
      place = {*stage, *order};
      continue;
    }
    for (Value operand : op.getOperands())
      if (Operation *def = getBodyDef(operand, body)) {
        place.order = std::max(place.order, places[def].order);
        place.stage = std::max(place.stage, places[def].stage);
      }
  }
  int64_t firstStage = std::numeric_limits<int64_t>::max();
  for (Operation &op : llvm::reverse(body->without_terminator())) {
    SmallVector<Place> users;
    for (Operation *user : op.getUsers())
      if (auto it = places.find(body->findAncestorOpInBlock(*user));
          it != places.end())
        users.push_back(it->second);
    Place &place = places[&op];
    if (!op.hasAttr(cta::kStageAttr) && !users.empty())
      place.stage = llvm::min_element(users, [](Place a, Place b) {
                      return a.stage < b.stage;
                    })->stage;
    for (Place user : users)
      if (user.stage == place.stage)
        place.order = std::min(place.order, user.order);
    if (op.hasAttr(cta::kStageAttr) || !users.empty())
      firstStage = std::min(firstStage, place.stage);
  }
  for (auto &[op, place] : places)
    place.stage = std::max<int64_t>(place.stage - firstStage, 0);
  return places;
}

static void eraseMarks(Operation *root) {
  root->walk([](Operation *op) {
    op->removeAttr(cta::kStageAttr);
    op->removeAttr(cta::kOrderAttr);
  });
}

/// Moves the last iteration of `loop` behind it. Both stand under a condition
/// that there is an iteration.
static void peelLastIteration(RewriterBase &rewriter, scf::ForOp loop) {
  OpBuilder::InsertionGuard guard(rewriter);
  ImplicitLocOpBuilder b(loop.getLoc(), rewriter);
  b.setInsertionPoint(loop);
  Value lower = loop.getLowerBound(), upper = loop.getUpperBound();
  Value step = loop.getStep();
  Value any = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, lower, upper);
  auto branch = scf::IfOp::create(b, loop.getResultTypes(), any,
                                  /*addThenBlock=*/true, /*addElseBlock=*/true);
  rewriter.replaceAllUsesWith(loop.getResults(), branch.getResults());
  b.setInsertionPointToEnd(branch.elseBlock());
  scf::YieldOp::create(b, loop.getInitArgs());

  b.setInsertionPointToEnd(branch.thenBlock());
  Value end = arith::SubIOp::create(b, upper, step);
  rewriter.moveOpBefore(loop, branch.thenBlock(), branch.thenBlock()->end());
  loop.setUpperBound(end);
  Value one =
      arith::ConstantOp::create(b, rewriter.getIntegerAttr(step.getType(), 1));
  Value distance =
      arith::SubIOp::create(b, arith::SubIOp::create(b, upper, one), lower);
  Value trips = arith::DivUIOp::create(b, distance, step);
  Value last =
      arith::AddIOp::create(b, lower, arith::MulIOp::create(b, trips, step));
  IRMapping values;
  values.map(loop.getInductionVar(), last);
  values.map(loop.getRegionIterArgs(), loop.getResults());
  for (Operation &op : loop.getBody()->without_terminator())
    b.clone(op, values);
  SmallVector<Value> yields =
      llvm::map_to_vector(loop.getYieldedValues(),
                          [&](Value v) { return values.lookupOrDefault(v); });
  scf::YieldOp::create(b, yields);
}

/// Puts `loop` under a condition that it has at least `stages` iterations,
/// which the pipelined loop needs, with a copy of the original loop in the else
/// branch. With one stage, the loop is then empty.
static scf::ForOp guardTripCount(RewriterBase &rewriter, scf::ForOp loop,
                                 int64_t stages) {
  Location loc = loop.getLoc();
  rewriter.setInsertionPoint(loop);
  Value enough;
  {
    Value reach = loop.getLowerBound();
    if (stages > 1) {
      Value count = arith::ConstantIndexOp::create(rewriter, loc, stages - 1);
      Value span = arith::MulIOp::create(rewriter, loc, count, loop.getStep());
      reach = arith::AddIOp::create(rewriter, loc, reach, span);
    }
    enough = arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::slt,
                                   reach, loop.getUpperBound());
  }
  auto guard = scf::IfOp::create(rewriter, loc, loop.getResultTypes(), enough,
                                 /*withElseRegion=*/true);
  // Without results the builder has added the yields already.
  for (Block *block : {guard.thenBlock(), guard.elseBlock()})
    if (!block->empty())
      rewriter.eraseOp(block->getTerminator());
  rewriter.replaceAllUsesWith(loop.getResults(), guard.getResults());
  rewriter.setInsertionPointToEnd(guard.elseBlock());
  if (stages == 1) {
    scf::YieldOp::create(rewriter, loc, loop.getInitArgs());
  } else {
    Operation *copy = rewriter.clone(*loop);
    eraseMarks(copy);
    scf::YieldOp::create(rewriter, loc, copy->getResults());
  }
  rewriter.moveOpBefore(loop, guard.thenBlock(), guard.thenBlock()->end());
  rewriter.setInsertionPointToEnd(guard.thenBlock());
  scf::YieldOp::create(rewriter, loc, loop.getResults());
  return loop;
}
