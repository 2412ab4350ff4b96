//===- Schedules.cpp - the schedules that ship with the project -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A schedule is data: the text below is what stands in the IR after --mla-tile.
//
//===----------------------------------------------------------------------===//

#include "mla/Transforms/Passes.h"
#include "mlir/AsmParser/AsmParser.h"

using namespace mlir;
using namespace mla;

namespace {
struct NamedSchedule {
  StringLiteral name;
  StringLiteral text;
};
} // namespace

/// One warpgroup computes scores and softmax and hands P and the rescale factor
/// to the other through shared memory; both accumulate half of the output
/// columns. Each product with V runs on while the next scores are computed.
static constexpr StringLiteral kSharedP = R"(#mla.schedule<"shared-p",
  roles = [
    <"softmax", warps = 4, registers = 216>,
    <"output", warps = 4, registers = 216>,
    <"producer", warps = 4, registers = 72>],
  table = [
    <"q" in ["producer"]>,
    <"k" in ["producer"]>,
    <"valid" in ["producer"]>,
    <"qk" in ["softmax"], order = 0>,
    <"qk.wait" in ["softmax"], order = 2>,
    <"mask" in ["softmax"], order = 2>,
    <"softmax" in ["softmax"], order = 2>,
    <"p" in ["softmax"], order = 2>,
    <"rescale" in ["softmax", "output"], split = 1, order = 2>,
    <"pv" in ["softmax", "output"], split = 1, order = 2>,
    <"pv.wait" in ["softmax", "output"], split = 1, stage = 1, order = 1>,
    <"stats" in ["softmax"]>,
    <"inverse" in ["softmax"]>,
    <"normalise" in ["softmax", "output"], split = 1>,
    <"out" in ["softmax", "output"], split = 1>],
  rings = [<"k", depth = 2>, <"valid", depth = 2>]>)";

/// Two warpgroups compute the same scores, each for its half of the output
/// columns: nothing but the KV tile is shared.
static constexpr StringLiteral kSplitColumns = R"(#mla.schedule<"split-columns",
  roles = [
    <"left", warps = 4, registers = 216>,
    <"right", warps = 4, registers = 216>,
    <"producer", warps = 4, registers = 72>],
  table = [
    <"q" in ["producer"]>,
    <"k" in ["producer"]>,
    <"valid" in ["producer"]>,
    <"qk" in ["left", "right"], order = 0>,
    <"qk.wait" in ["left", "right"], order = 2>,
    <"mask" in ["left", "right"], order = 2>,
    <"softmax" in ["left", "right"], order = 2>,
    <"p" in ["left", "right"], order = 2>,
    <"rescale" in ["left", "right"], split = 1, order = 2>,
    <"pv" in ["left", "right"], split = 1, order = 2>,
    <"pv.wait" in ["left", "right"], split = 1, stage = 1, order = 1>,
    <"stats" in ["left"]>,
    <"inverse" in ["left", "right"]>,
    <"normalise" in ["left", "right"], split = 1>,
    <"out" in ["left", "right"], split = 1>],
  rings = [<"k", depth = 2>, <"valid", depth = 2>]>)";

static constexpr NamedSchedule kSchedules[] = {
    {"shared-p", kSharedP}, {"split-columns", kSplitColumns}};

ScheduleAttr mla::getNamedSchedule(StringRef name, Location loc) {
  for (const NamedSchedule &schedule : kSchedules)
    if (schedule.name == name)
      return dyn_cast_or_null<ScheduleAttr>(
          parseAttribute(schedule.text, loc.getContext()));
  InFlightDiagnostic diag = emitError(loc)
                            << "unknown schedule '" << name << "', expected ";
  llvm::interleave(
      kSchedules, [&](const NamedSchedule &s) { diag << s.name; },
      [&] { diag << " or "; });
  return {};
}
