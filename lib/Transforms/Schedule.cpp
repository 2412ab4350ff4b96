//===- Schedule.cpp - splits tile programs into roles -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// PlacementAnalysis assigns ops to roles, a RoleEmitter per role emits them in
// program order, and Channels holds the rings between roles.
//
//===----------------------------------------------------------------------===//

#include "ProgramState.h"
#include "RoleEmitter.h"
#include "VerifySchedule.h"

namespace mla {
#define GEN_PASS_DEF_SCHEDULE
#include "mla/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

/// Erases the tile program, which the roles replace.
static LogicalResult eraseTiles(scf::ForallOp program) {
  llvm::SetVector<Operation *> dead;
  for (Operation &op : program.getBody()->without_terminator())
    if (touchesTiles(&op) ||
        (isa<scf::ForOp, scf::IfOp>(op) && isAroundTiles(&op)))
      dead.insert(&op);
  for (Operation *op : dead)
    for (Operation *user : op->getUsers())
      if (!dead.contains(program.getBody()->findAncestorOpInBlock(*user))) {
        InFlightDiagnostic diag =
            op->emitOpError("expected results that only ops on tiles use");
        diag.attachNote(user->getLoc()) << "used here";
        return diag;
      }
  for (Operation *op : llvm::reverse(dead)) {
    op->dropAllUses();
    op->erase();
  }
  return success();
}

/// Whether `v` bounds a loop around another loop.
static bool boundsOuterLoop(Value v) {
  return llvm::any_of(v.getUses(), [](OpOperand &use) {
    auto loop = dyn_cast<scf::ForOp>(use.getOwner());
    return loop && use.getOperandNumber() < loop.getNumControlOperands() &&
           !loop.getBody()->getOps<scf::ForOp>().empty();
  });
}

/// Moves loads of the bounds of outer loops from in front of the roles into
/// each of them. Such a value is live in all of a role, and one register for
/// all roles is one of the few that the role with the fewest registers has.
static void loadBoundsInRoles(scf::ForallOp program) {
  SmallVector<memref::LoadOp> loads(program.getOps<memref::LoadOp>());
  for (memref::LoadOp load : loads) {
    if (!boundsOuterLoop(load.getResult()))
      continue;
    for (auto role : program.getOps<cta::RoleOp>()) {
      auto isInRole = [&](OpOperand &use) {
        return role->isProperAncestor(use.getOwner());
      };
      if (llvm::none_of(load->getUses(), isInRole))
        continue;
      auto b = OpBuilder::atBlockBegin(&role.getBody().front());
      Operation *copy = b.clone(*load);
      load.getResult().replaceUsesWithIf(copy->getResult(0), isInRole);
    }
    if (load->use_empty())
      load.erase();
    program->setAttr(cta::kLoadedWorkAttr, UnitAttr::get(program.getContext()));
  }
}

static LogicalResult schedule(scf::ForallOp program, ScheduleAttr schedule) {
  PlacementAnalysis placement(program, schedule);
  if (failed(placement.run()))
    return failure();
  // --mla-verify-schedule has checked the names before folding, if it has run.
  if (!program->getParentOp()->hasAttr(kScheduleVerifiedAttr) &&
      failed(checkNames(program, schedule)))
    return failure();
  Channels channels(program, schedule);
  SmallVector<std::unique_ptr<RoleEmitter>> emitters;
  for (unsigned role = 0; role < schedule.getRoles().size(); ++role) {
    emitters.push_back(std::make_unique<RoleEmitter>(program, schedule, role,
                                                     placement, channels));
    if (failed(emitters.back()->emit()))
      return failure();
  }
  for (auto &emitter : emitters)
    if (failed(emitter->fillChannels()))
      return failure();
  if (failed(channels.checkUse()))
    return failure();
  channels.share();
  if (failed(eraseTiles(program)))
    return failure();
  loadBoundsInRoles(program);
  return success();
}

/// With programmatic dependent launch, a kernel may start before the preceding
/// one has ended, and must wait for it before it reads memory.
static LogicalResult waitForPrecedingKernel(scf::ForallOp program) {
  for (auto &op : *program->getBlock())
    if (isa<memref::LoadOp>(op))
      return op.emitOpError(
          "expected no loads in front of the grid of a kernel "
          "with programmatic dependent launch");
  auto b = OpBuilder::atBlockBegin(program.getBody());
  cta::LaunchWaitOp::create(b, program.getLoc());
  return success();
}

namespace {
struct SchedulePass : mla::impl::ScheduleBase<SchedulePass> {
  void runOnProgram() override {
    func::FuncOp func = getOperation();
    SmallVector<scf::ForallOp> programs(func.getOps<scf::ForallOp>());
    if (programs.empty()) {
      // Nothing to do, unless there is an operator that was not tiled.
      func.walk([&](Operation *op) {
        if (!isa_and_nonnull<MLADialect>(op->getDialect()))
          return;
        op->emitOpError("expected a tile program; run --mla-tile first");
        signalPassFailure();
      });
      return;
    }
    if (!programs[0].getOps<cta::RoleOp>().empty())
      return; // Scheduled already.
    auto attr = func->getAttrOfType<ScheduleAttr>(kScheduleAttr);
    if (!attr) {
      func.emitOpError() << "expected attribute " << kScheduleAttr;
      return signalPassFailure();
    }
    if (programs.size() > 1) {
      programs[1].emitOpError("expected one scf.forall per function");
      return signalPassFailure();
    }
    if (failed(checkRewritten(programs[0], attr)) ||
        failed(schedule(programs[0], attr)) || failed(checkInstructions(func)))
      return signalPassFailure();
    if (func->hasAttr(kProgrammaticAttr) &&
        failed(waitForPrecedingKernel(programs[0])))
      return signalPassFailure();
    func.walk([&](scf::ForOp loop) {
      if (loop->getParentOfType<cta::RoleOp>())
        loop->setAttr(cta::kStageAttr, UnitAttr::get(&getContext()));
    });
    noteDecisions();
  }

private:
  void noteDecisions() {
    getOperation().walk([&](cta::RingOp ring) {
      decided(ring.getLoc(), "ring")
          << remark::metric("Ring", ring.getName())
          << remark::metric("Type", Type(ring.getResult().getType()));
    });
    getOperation().walk([&](cta::RoleOp role) {
      int64_t mmas = 0;
      role.walk([&](cta::MmaAsyncOp) { ++mmas; });
      decided(role.getLoc(), "role") << remark::metric("Role", role.getName())
                                     << remark::metric("MMAs", mmas);
    });
  }
};
} // namespace
