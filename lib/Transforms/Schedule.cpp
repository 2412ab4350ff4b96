//===- Schedule.cpp - place tile ops into roles -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Each role gets the part of the tile program that its placement gives it, in
// program order.
//
//===----------------------------------------------------------------------===//

#include "RoleEmitter.h"
#include "TileRewrites.h"

namespace mla {
#define GEN_PASS_DEF_SCHEDULE
#include "mla/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

/// Erases the tile program that the roles have replaced.
static LogicalResult eraseTiles(scf::ForallOp program) {
  llvm::SetVector<Operation *> dead;
  for (Operation &op : program.getBody()->without_terminator())
    if (touchesTiles(&op) || isa<scf::ForOp>(op) ||
        (isa<scf::IfOp>(op) && isAroundTiles(&op)))
      dead.insert(&op);
  for (Operation *op : dead)
    for (Operation *user : op->getUsers())
      if (!dead.contains(program.getBody()->findAncestorOpInBlock(*user))) {
        InFlightDiagnostic diag = op->emitOpError(
            "expected no result that is needed besides by tiles");
        diag.attachNote(user->getLoc()) << "needed here";
        return diag;
      }
  for (Operation *op : llvm::reverse(dead)) {
    op->dropAllUses();
    op->erase();
  }
  return success();
}

static LogicalResult schedule(scf::ForallOp program, ScheduleAttr schedule) {
  PlacementAnalysis placement(program, schedule);
  if (failed(placement.run()))
    return failure();
  // Unless that was before the program was folded.
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
  return eraseTiles(program);
}

/// A kernel that may begin before the one in front of it has ended waits for
/// it, before it reads anything.
static LogicalResult waitForKernelsBefore(scf::ForallOp program) {
  for (auto &op : *program->getBlock())
    if (isa<memref::LoadOp>(op))
      return op.emitOpError(
          "expected no loads in front of the grid of a kernel "
          "that is launched with programmatic dependence");
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
      // Nothing to place, unless an operator was never tiled.
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
      programs[1].emitOpError("expected one scf.forall a function");
      return signalPassFailure();
    }
    if (failed(checkRewritten(programs[0], attr)) ||
        failed(schedule(programs[0], attr)) || failed(checkInstructions(func)))
      return signalPassFailure();
    if (func->hasAttr(kProgrammaticAttr) &&
        failed(waitForKernelsBefore(programs[0])))
      return signalPassFailure();
    func.walk([&](scf::ForOp loop) {
      if (loop->getParentOfType<cta::RoleOp>())
        loop->setAttr(cta::kStageAttr, UnitAttr::get(&getContext()));
    });
  }
};
} // namespace
