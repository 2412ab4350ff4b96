//===- Pipeline.cpp - software pipelining of role loops ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Transforms/Passes.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Dialect/SCF/Transforms/Transforms.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

namespace mla {
#define GEN_PASS_DEF_PIPELINE
#include "mla/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

namespace {
/// Where an op of a loop body goes.
struct StagePosition {
  int64_t stage = 0, order = 0;
};
} // namespace

/// The op of `body` that defines `v`, or null.
static Operation *getBodyDef(Value v, Block *body) {
  Operation *def = v.getDefiningOp();
  return def ? body->findAncestorOpInBlock(*def) : nullptr;
}

/// Each stage is a copy of the body in front of the loop.
static constexpr int64_t kMaxStages = 64;

/// A mark of the schedule, unless it is no number of 32 bits.
static std::optional<int64_t> readMark(Operation &op, StringRef name) {
  auto attr = op.getAttrOfType<IntegerAttr>(name);
  std::optional<int64_t> value =
      attr ? attr.getValue().trySExtValue() : std::nullopt;
  return value && llvm::isInt<32>(*value) ? value : std::nullopt;
}

/// Reads the marks of the schedule. An unmarked op runs as late as its operands
/// and in the stage of its first user; any op runs no later than its users of
/// the same stage. The first stage that has an op is number 0.
static FailureOr<DenseMap<Operation *, StagePosition>> readSlots(Block *body) {
  DenseMap<Operation *, StagePosition> slots;
  for (Operation &op : body->without_terminator()) {
    StagePosition &slot = slots[&op];
    if (op.hasAttr(cta::kStageAttr)) {
      std::optional<int64_t> stage = readMark(op, cta::kStageAttr);
      std::optional<int64_t> order = readMark(op, cta::kOrderAttr);
      if (!stage || !order)
        return op.emitOpError() << "expected " << cta::kStageAttr << " and "
                                << cta::kOrderAttr << ", numbers of 32 bits";
      slot = {*stage, *order};
      continue;
    }
    for (Value operand : op.getOperands())
      if (Operation *def = getBodyDef(operand, body)) {
        slot.order = std::max(slot.order, slots[def].order);
        slot.stage = std::max(slot.stage, slots[def].stage);
      }
  }
  int64_t firstStage = std::numeric_limits<int64_t>::max();
  for (Operation &op : llvm::reverse(body->without_terminator())) {
    SmallVector<StagePosition> users;
    for (Operation *user : op.getUsers())
      if (auto it = slots.find(body->findAncestorOpInBlock(*user));
          it != slots.end())
        users.push_back(it->second);
    StagePosition &slot = slots[&op];
    if (!op.hasAttr(cta::kStageAttr) && !users.empty())
      slot.stage =
          llvm::min_element(users, [](StagePosition a, StagePosition b) {
            return a.stage < b.stage;
          })->stage;
    for (StagePosition user : users)
      if (user.stage == slot.stage)
        slot.order = std::min(slot.order, user.order);
    if (op.hasAttr(cta::kStageAttr) || !users.empty())
      firstStage = std::min(firstStage, slot.stage);
  }
  for (auto &[op, slot] : slots)
    slot.stage = std::max<int64_t>(slot.stage - firstStage, 0);
  return slots;
}

static void eraseMarks(Operation *root) {
  root->walk([](Operation *op) {
    op->removeAttr(cta::kStageAttr);
    op->removeAttr(cta::kOrderAttr);
  });
}

/// Puts `loop` under a guard: the pipelined loop is entered only with at least
/// `stages` iterations; fewer run the loop as it was.
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

/// A loop around others keeps the order of its ops, whose marks come from the
/// rows of what the inner ones do with them.
static bool isInnermost(scf::ForOp loop) {
  return !loop.getBody()
              ->walk([](scf::ForOp) { return WalkResult::interrupt(); })
              .wasInterrupted();
}

/// Whether `op` may run for an iteration that does not exist. What a load finds
/// outside of its memref is padding, so it may.
static bool mayRunAhead(Operation *op) {
  return isPure(op) || isa<tile::LoadOp, tile::GatherOp>(op);
}

static LogicalResult pipelineLoop(scf::ForOp loop) {
  if (!isInnermost(loop)) {
    eraseMarks(loop);
    return success();
  }
  Block *body = loop.getBody();
  FailureOr<DenseMap<Operation *, StagePosition>> read = readSlots(body);
  if (failed(read))
    return failure();
  DenseMap<Operation *, StagePosition> &slots = *read;
  SmallVector<Operation *> ops;
  int64_t stages = 0;
  for (Operation &op : body->without_terminator()) {
    ops.push_back(&op);
    stages = std::max(stages, slots[&op].stage);
  }
  if (stages >= kMaxStages)
    return loop.emitOpError() << "expected at most " << kMaxStages
                              << " stages, got " << stages + 1;
  llvm::stable_sort(ops, [&](Operation *a, Operation *b) {
    return slots[a].order < slots[b].order;
  });
  if (stages == 0) {
    for (Operation *op : ops)
      op->moveBefore(body->getTerminator());
    eraseMarks(loop);
    return success();
  }
  IRRewriter rewriter(loop.getContext());
  // Where all that runs ahead may do so past the end, the loop needs neither a
  // guard nor an epilogue.
  bool hasEpilogue =
      loop.getNumResults() != 0 || llvm::any_of(ops, [&](Operation *op) {
        return slots[op].stage < stages && !mayRunAhead(op);
      });
  if (hasEpilogue)
    loop = guardTripCount(rewriter, loop, stages);
  scf::PipeliningOption options;
  options.getScheduleFn = [&](scf::ForOp, auto &schedule) {
    for (Operation *op : ops)
      schedule.push_back({op, static_cast<unsigned>(slots[op].stage)});
  };
  // The guard makes every predicate true: the loop has enough iterations.
  // Without one, what a predicate would keep from running is harmless.
  llvm::SetVector<Value> predicates;
  options.supportDynamicLoops = true;
  options.peelEpilogue = hasEpilogue;
  options.predicateFn = [&](RewriterBase &, Operation *op, Value predicate) {
    predicates.insert(predicate);
    return op;
  };
  Operation *parent = loop->getParentOp();
  Location loc = loop.getLoc();
  rewriter.setInsertionPoint(loop);
  if (failed(scf::pipelineForLoop(rewriter, loop, options)))
    return emitError(loc) << "cannot pipeline the loop: an op would run before "
                             "a value of the same iteration that it uses";
  for (Value predicate : predicates) {
    OpBuilder b(predicate.getContext());
    b.setInsertionPointAfterValue(predicate);
    Value yes = arith::ConstantIntOp::create(b, loc, 1, 1);
    predicate.replaceAllUsesWith(yes);
  }
  eraseMarks(parent);
  // With every predicate true the selects of the epilogue choose the new value.
  parent->walk([](arith::SelectOp select) {
    if (matchPattern(select.getCondition(), m_One())) {
      select.getResult().replaceAllUsesWith(select.getTrueValue());
      select.erase();
    }
  });
  return success();
}

namespace {
struct PipelinePass : mla::impl::PipelineBase<PipelinePass> {
  void runOnProgram() override {
    SmallVector<scf::ForOp> loops;
    getOperation().walk([&](scf::ForOp loop) {
      if (loop->hasAttr(cta::kStageAttr))
        loops.push_back(loop);
    });
    for (scf::ForOp loop : loops)
      if (failed(pipelineLoop(loop)))
        return signalPassFailure();
  }
};
} // namespace
