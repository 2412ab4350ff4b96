//===- VerifySchedule.cpp - checks names in schedules -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A row or ring whose name matches nothing would have no effect, silently.
// Names are checked after the rewrites, and before folding, which may remove
// ops that the schedule names.
//
//===----------------------------------------------------------------------===//

#include "VerifySchedule.h"
#include "Placement.h"
#include "ProgramState.h"
#include "TileRewrites.h"
#include "mla/Support/Names.h"

namespace mla {
#define GEN_PASS_DEF_VERIFYSCHEDULE
#include "mla/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

namespace {
/// Checks the names in a schedule against the labels in a program.
class NameChecker {
public:
  NameChecker(scf::ForallOp program, ScheduleAttr schedule)
      : program(program), schedule(schedule) {}

  LogicalResult run();

private:
  /// Records the rows that match `op`, and the names by which rows could.
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
  /// Labels of tiles, and names that a row could have.
  SetVector<StringAttr> tiles, names;
  /// Rows that match something.
  DenseSet<StringAttr> used;
};
} // namespace

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

LogicalResult mla::checkNames(scf::ForallOp program, ScheduleAttr schedule) {
  return NameChecker(program, schedule).run();
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

void NameChecker::visit(Operation *op) {
  StringRef label = tile::getLabel(op);
  if (label.empty() || !touchesTiles(op))
    return;
  use(schedule.lookup(label));
  for (StringRef prefix = label; !prefix.empty();
       prefix = prefix.contains('.') ? prefix.rsplit('.').first : StringRef())
    names.insert(getName(prefix));
  // --mla-schedule checks that a row `L.load` places a load.
  if (op->getNumResults()) {
    tiles.insert(getName(label));
    used.insert(getName(label + ".load"));
  }
  if (auto dot = dyn_cast<tile::DotOp>(op); dot && isAwaited(dot, schedule)) {
    names.insert(getName(label + ".wait"));
    use(schedule.lookup((label + ".wait").str()));
  }
  // Without a tail if V uses all columns of the tile.
  if (isGatheredMatrix(op) && schedule.asksFor("split-tail"))
    used.insert(getName(label + ".t"));
}

/// Lists the names that were possibly intended by `row`.
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
                  << " matches no op: longer rows match all ops with that name";
  StringRef product = row.getLabel();
  if (product.consume_back(".wait") && names.contains(getName(product)))
    return fail() << "row " << row.getLabel()
                  << " matches no op: no MMA labelled '" << product
                  << "' is waited for";
  return fail() << "row " << row.getLabel()
                << " matches nothing in the program, expected "
                << listRows(row.getLabel());
}

LogicalResult NameChecker::checkRole(RoleAttr role) {
  auto runsIn = [&](PlaceAttr row) {
    return llvm::is_contained(row.getRoles(), role.getName());
  };
  if (llvm::any_of(schedule.getTable(), runsIn))
    return success();
  return fail() << "role " << role.getName()
                << " is in no row: it would run nothing";
}

LogicalResult NameChecker::checkRing(RingAttr ring) {
  if (!tiles.contains(ring.getLabel()))
    return fail() << "ring " << ring.getLabel()
                  << " matches no tile of the program, expected "
                  << listNames(ring.getLabel(), getValues(tiles));
  if (ring.getAliases() && !tiles.contains(ring.getAliases()))
    return fail() << "ring " << ring.getLabel() << " aliases "
                  << ring.getAliases()
                  << ", which matches no tile of the program, expected "
                  << listNames(ring.getAliases(), getValues(tiles));
  return success();
}
