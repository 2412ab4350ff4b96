//===- SplitSums.cpp - one partial sum per tile of a pair -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A sum or maximum (a statistic) with several terms per iteration is a chain:
// the term of one tile depends on that of the previous one, which may be in
// another role. Both operations are associative, so each term gets a partial
// statistic of its own, and these are combined after the loop.
//
//===----------------------------------------------------------------------===//

#include "ProgramState.h"
#include "TileRewrites.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/PatternMatch.h"

namespace mla {
#define GEN_PASS_DEF_SPLITSUMS
#include "mla/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

namespace {
/// The ops by which one iteration updates a carried statistic, from the loop's
/// argument to its yield. Each op is the only user of the previous one.
struct Chain {
  unsigned number = 0; ///< Of the loop's argument.
  SmallVector<Operation *> ops;
  /// The ops that add a term; the others rescale a sum.
  SmallVector<Operation *> terms;

  bool isMax = false;
};
} // namespace

/// The chain of argument `number` of the loop, if it has more than one term.
static std::optional<Chain> findChain(scf::ForOp loop, unsigned number) {
  Value value = loop.getRegionIterArg(number);
  Value last = loop.getYieldedValues()[number];
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || type.getRank() != 1 || !type.getElementType().isF32())
    return {};
  Chain chain;
  chain.number = number;
  while (value != last) {
    Operation *op = value.hasOneUse() ? *value.user_begin() : nullptr;
    if (!op || op->getBlock() != loop.getBody() ||
        !isa<arith::AddFOp, arith::MulFOp, arith::MaximumFOp>(op))
      return {};
    chain.ops.push_back(op);
    if (!isa<arith::MulFOp>(op))
      chain.terms.push_back(op);
    value = op->getResult(0);
  }
  if (chain.terms.size() < 2 || !value.hasOneUse())
    return {};
  chain.isMax = isa<arith::MaximumFOp>(chain.terms.front());
  for (Operation *op : chain.ops)
    if (isa<arith::MaximumFOp>(op) != chain.isMax)
      return {};
  return chain;
}

/// The components that the labels of all terms share: "softmax.sum" for
/// "softmax.0.sum" and "softmax.1.sum".
static std::string getCommonLabel(ArrayRef<Operation *> terms) {
  SmallVector<StringRef> common;
  tile::getLabel(terms[0]).split(common, '.');
  for (Operation *term : terms.drop_front()) {
    SmallVector<StringRef> parts;
    tile::getLabel(term).split(parts, '.');
    llvm::erase_if(common,
                   [&](StringRef s) { return !llvm::is_contained(parts, s); });
  }
  return llvm::join(common, ".");
}

/// Clones the chain, starting from `value`, with `term` as its only term and
/// with the label of `term`; returns the result.
static Value emitPartial(const Chain &chain, Operation *term, Value value) {
  Value link = chain.ops.front()->getBlock()->getArgument(chain.number + 1);
  for (Operation *op : chain.ops) {
    if (op == term || isa<arith::MulFOp>(op)) {
      IRMapping map;
      map.map(link, value);
      Operation *copy = OpBuilder(op).clone(*op, map);
      copyLabel(term, copy);
      value = copy->getResult(0);
    }
    link = op->getResult(0);
  }
  return value;
}

/// The initial value of an additional partial statistic.
static Value createNeutral(OpBuilder &b, const Chain &chain, Value init) {
  if (chain.isMax)
    return init;
  auto type = cast<ShapedType>(init.getType());
  return arith::ConstantOp::create(b, init.getLoc(),
                                   DenseElementsAttr::get(type, 0.0f));
}

/// Splits one statistic. The first partial one takes its place, the others are
/// carried as additional values. Returns the new loop.
static scf::ForOp split(scf::ForOp loop, const Chain &chain) {
  IRRewriter rewriter(loop.getContext());
  rewriter.setInsertionPoint(loop);
  Value init = loop.getInitArgs()[chain.number];
  SmallVector<Value> inits(chain.terms.size() - 1,
                           createNeutral(rewriter, chain, init));
  unsigned first = loop.getNumResults();
  scf::ForOp result = cast<scf::ForOp>(*loop.replaceWithAdditionalYields(
      rewriter, inits, /*replaceInitOperandUsesInLoop=*/false,
      [&](OpBuilder &, Location, ArrayRef<BlockArgument> args) {
        SmallVector<Value> partials;
        for (auto [arg, term] :
             llvm::zip_equal(args, ArrayRef(chain.terms).drop_front()))
          partials.push_back(emitPartial(chain, term, arg));
        return partials;
      }));
  Value arg = result.getRegionIterArg(chain.number);
  Value partial = emitPartial(chain, chain.terms.front(), arg);
  result.getBody()->getTerminator()->setOperand(chain.number, partial);
  std::string label = getCommonLabel(chain.terms);
  for (Operation *op : llvm::reverse(chain.ops))
    op->erase();

  ImplicitLocOpBuilder b(result.getLoc(), result);
  b.setInsertionPointAfter(result);
  Value own = result.getResult(chain.number), total = own;
  SmallPtrSet<Operation *, 4> sums;
  for (unsigned i = 0; i < inits.size(); ++i) {
    Value next = result.getResult(first + i);
    total = chain.isMax ? arith::MaximumFOp::create(b, total, next).getResult()
                        : arith::AddFOp::create(b, total, next).getResult();
    if (!label.empty())
      total.getDefiningOp()->setAttr(tile::kLabelAttr, b.getStringAttr(label));
    sums.insert(total.getDefiningOp());
  }
  own.replaceAllUsesExcept(total, sums);
  return result;
}

/// Splits all statistics of `loop`; returns how many.
static int64_t splitAll(scf::ForOp loop) {
  int64_t found = 0;
  for (unsigned i = 0, end = loop.getNumResults(); i < end; ++i)
    if (std::optional<Chain> chain = findChain(loop, i)) {
      loop = split(loop, *chain);
      ++found;
    }
  return found;
}

namespace {
struct SplitSumsPass : mla::impl::SplitSumsBase<SplitSumsPass> {
  void runOnProgram() override {
    func::FuncOp func = getOperation();
    ScheduleAttr schedule = getScheduleWith(func, "split-sums");
    if (!schedule)
      return;
    for (scf::ForallOp program : func.getOps<scf::ForallOp>()) {
      SmallVector<scf::ForOp> loops = getCarryingLoops(program);
      int64_t split = 0;
      for (scf::ForOp loop : loops)
        split += splitAll(loop);
      decided(program.getLoc(), "split") << remark::metric("Sums", split);
      if (split || loops.empty())
        continue;
      emitRewriteError(program, schedule, "split-sums")
          << "expected a loop that carries a sum or a maximum of more than one "
             "term per iteration, got none";
      return signalPassFailure();
    }
    setRewritten(func, "split-sums");
  }
};
} // namespace
