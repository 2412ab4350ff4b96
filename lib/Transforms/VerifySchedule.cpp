//===- VerifySchedule.cpp - names of a schedule, in its program -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A row or ring whose name matches nothing would be ignored, and what it was
// meant for would go elsewhere. It is looked for in the program as the rewrites
// leave it: folding may take ops away that the schedule is right to name.
//
//===----------------------------------------------------------------------===//

#include "Placement.h"
#include "TileRewrites.h"
#include "mla/Support/Names.h"

namespace mla {
#define GEN_PASS_DEF_VERIFYSCHEDULE
#include "mla/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

namespace {
/// Holds the names of a schedule against the labels of a program.
class NameChecker {
public:
  NameChecker(scf::ForallOp program, ScheduleAttr schedule)
      : program(program), schedule(schedule) {}

  LogicalResult run();

private:
  /// Notes which rows place `op`, and what a row may be called because of it.
  void visit(Operation *op);
  void use(PlaceAttr row) {
    if (row)
      used.insert(row.getLabel());
  }
  StringAttr getName(const Twine &name) {
    return StringAttr::get(program.getContext(), name);
  }

  std::string listRows(StringRef row);
  LogicalResult checkRow(PlaceAttr row);
  LogicalResult checkRole(RoleAttr role);
  LogicalResult checkRing(RingAttr ring);
  InFlightDiagnostic fail() {
    return program.emitOpError() << "schedule " << schedule.getName() << ": ";
  }
  static SmallVector<StringRef> getValues(const SetVector<StringAttr> &attrs) {
    return llvm::map_to_vector(attrs,
                               [](StringAttr attr) { return attr.getValue(); });
  }

  scf::ForallOp program;
  ScheduleAttr schedule;
  /// Of tiles, and of rows that something would answer to.
  SetVector<StringAttr> tiles, names;
  /// Names of the rows that something answers to.
  DenseSet<StringAttr> used;
};
} // namespace

void NameChecker::visit(Operation *op) {
  StringRef label = tile::getLabel(op);
  if (label.empty() || !touchesTiles(op))
    return;
  use(schedule.lookup(label));
  for (StringRef prefix = label; !prefix.empty();
       prefix = prefix.contains('.') ? prefix.rsplit('.').first : StringRef())
    names.insert(getName(prefix));
  // Which tiles leave their rings for registers is known later: it is for
  // --mla-schedule to check.
  if (op->getNumResults()) {
    tiles.insert(getName(label));
    used.insert(getName(label + ".load"));
  }
  if (auto dot = dyn_cast<tile::DotOp>(op); dot && isAwaited(dot, schedule)) {
    names.insert(getName(label + ".wait"));
    use(schedule.lookup((label + ".wait").str()));
  }
  // V may have all columns of the tile, which has no tail then.
  if (isGatheredMatrix(op) && schedule.asksFor("split-tail"))
    used.insert(getName(label + ".t"));
}

/// What a row that names nothing may have been meant to be.
std::string NameChecker::listRows(StringRef row) {
  SmallVector<StringRef> all = getValues(names);
  SmallVector<std::string> loads;
  if (row.rsplit('.').second.edit_distance("load") <= 2)
    for (StringAttr tile : tiles)
      loads.push_back((tile.getValue() + ".load").str());
  llvm::append_range(all, loads);
  return listNames(row, all);
}

LogicalResult NameChecker::checkRow(PlaceAttr row) {
  if (used.contains(row.getLabel()))
    return success();
  if (names.contains(row.getLabel()))
    return fail() << "row " << row.getLabel()
                  << " places nothing: all ops of that name have longer rows";
  StringRef product = row.getLabel();
  if (product.consume_back(".wait") && names.contains(getName(product)))
    return fail() << "row " << row.getLabel() << " places nothing: no product "
                  << "labelled '" << product << "' is waited for";
  return fail() << "row " << row.getLabel()
                << " names nothing in the program, expected "
                << listRows(row.getLabel());
}

LogicalResult NameChecker::checkRole(RoleAttr role) {
  auto runsIn = [&](PlaceAttr row) {
    return llvm::is_contained(row.getRoles(), role.getName());
  };
  if (llvm::any_of(schedule.getTable(), runsIn))
    return success();
  return fail() << "role " << role.getName()
                << " is in no row: nothing would run in it";
}

LogicalResult NameChecker::checkRing(RingAttr ring) {
  if (!tiles.contains(ring.getLabel()))
    return fail() << "ring " << ring.getLabel()
                  << " names no tile of the program, expected "
                  << listNames(ring.getLabel(), getValues(tiles));
  if (ring.getAliases() && !tiles.contains(ring.getAliases()))
    return fail() << "ring " << ring.getLabel() << " aliases "
                  << ring.getAliases()
                  << ", which names no tile of the program, expected "
                  << listNames(ring.getAliases(), getValues(tiles));
  return success();
}

LogicalResult NameChecker::run() {
  program.walk([&](Operation *op) { visit(op); });
  for (PlaceAttr row : schedule.getTable())
    if (failed(checkRow(row)))
      return failure();
  for (RoleAttr role : schedule.getRoles())
    if (failed(checkRole(role)))
      return failure();
  for (RingAttr ring : schedule.getRings())
    if (failed(checkRing(ring)))
      return failure();
  return success();
}

LogicalResult mla::checkNames(scf::ForallOp program, ScheduleAttr schedule) {
  return NameChecker(program, schedule).run();
}

namespace {
struct VerifySchedulePass : mla::impl::VerifyScheduleBase<VerifySchedulePass> {
  void runOnProgram() override {
    func::FuncOp func = getOperation();
    auto schedule = func->getAttrOfType<ScheduleAttr>(kScheduleAttr);
    if (!schedule || func->hasAttr(kScheduleVerifiedAttr) || isScheduled(func))
      return;
    for (scf::ForallOp program : func.getOps<scf::ForallOp>())
      if (failed(checkRewritten(program, schedule)) ||
          failed(checkNames(program, schedule)))
        return signalPassFailure();
    func->setAttr(kScheduleVerifiedAttr, UnitAttr::get(&getContext()));
  }
};
} // namespace
