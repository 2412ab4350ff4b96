//===- Schedules.cpp - the schedules of mla.sparse_prefill ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A schedule is data: the text below is what stands in the IR behind
// --mla-choose-schedule. What each costs is in ScheduleCosts.cpp.
//
//===----------------------------------------------------------------------===//

#include "Schedules.h"

using namespace mla;
using llvm::StringLiteral;

// In all of them the producer has the indices of the next tiles before it asks
// for these: a gather that waits for its indices is late by a trip to memory.

/// One warpgroup computes scores and softmax and hands P and the rescale factor
/// to the other through shared memory; both accumulate half of the output
/// columns. The next scores are issued behind the product with V, whose tile is
/// handed back as soon as it is done; nothing is in flight over the back edge,
/// which ptxas would serialise.
static constexpr StringLiteral kSharedP = R"(#mla.schedule<"shared-p",
  roles = [
    <"softmax", warps = 4, registers = 216>,
    <"output", warps = 4, registers = 216>,
    <"producer", warps = 4, registers = 72>],
  table = [
    <"q" in ["producer"]>,
    <"indices" in ["producer"], stage = 0, order = 1>,
    <"k" in ["producer"], stage = 1>,
    <"valid" in ["producer"], stage = 1>,
    <"qk" in ["softmax"], stage = 0, order = 1>,
    <"qk.wait" in ["softmax"], stage = 0, order = 3>,
    <"mask" in ["softmax"], stage = 1>,
    <"softmax" in ["softmax"], stage = 1>,
    <"p" in ["softmax"], stage = 1>,
    <"rescale" in ["softmax", "output"], split = 1, stage = 1>,
    <"pv" in ["softmax", "output"], split = 1, stage = 1>,
    <"pv.wait" in ["softmax", "output"], split = 1, stage = 1, order = 2>,
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
    <"indices" in ["producer"], stage = 0, order = 1>,
    <"k" in ["producer"], stage = 1>,
    <"valid" in ["producer"], stage = 1>,
    <"qk" in ["left", "right"], stage = 0, order = 1>,
    <"qk.wait" in ["left", "right"], stage = 0, order = 3>,
    <"mask" in ["left", "right"], stage = 1>,
    <"softmax" in ["left", "right"], stage = 1>,
    <"p" in ["left", "right"], stage = 1>,
    <"rescale" in ["left", "right"], split = 1, stage = 1>,
    <"pv" in ["left", "right"], split = 1, stage = 1>,
    <"pv.wait" in ["left", "right"], split = 1, stage = 1, order = 2>,
    <"stats" in ["left"]>,
    <"inverse" in ["left", "right"]>,
    <"normalise" in ["left", "right"], split = 1>,
    <"out" in ["left", "right"], split = 1>],
  rings = [<"k", depth = 2>, <"valid", depth = 2>]>)";

/// Two tiles of KV an iteration. Each warpgroup computes the scores of one of
/// them and accumulates half of the output columns, so each hands its P to the
/// other; a tile's half is handed back when its last product is done. "left"
/// goes first and publishes P relative to its own maximum; where the maximum of
/// "right" grows further, only the accumulators are rescaled. Each adds up the
/// weights of its own tile. Rescaling is lazy: most often there is none.
static constexpr StringLiteral kSeesaw =
    R"(#mla.schedule<"seesaw" after ["pair-tiles", "split-width", "split-tail", "persist", "split-sums", "lazy-rescale"],
  roles = [
    <"left", warps = 4, registers = 224>,
    <"right", warps = 4, registers = 216>,
    <"producer", warps = 4, registers = 64>],
  table = [
    <"q" in ["producer"]>,
    <"indices" in ["producer"], stage = 0, order = 1>,
    <"k" in ["producer"], stage = 1>,
    <"k.1.r.t" in ["producer"], stage = 1>,
    <"k.1.l" in ["producer"], stage = 1, order = 2>,
    <"valid" in ["producer"], stage = 1>,
    <"valid.1" in ["producer"], stage = 1, order = 2>,

    <"qk.0" in ["left"], stage = 0, order = 5>,
    <"qk.0.r" in ["left"], stage = 0, order = 7>,
    <"qk.0.r.wait" in ["left"], stage = 0, order = 8>,
    <"valid.0.load" in ["left"], stage = 0, order = 7>,
    <"mask.0" in ["left"], stage = 1>,
    <"softmax.0" in ["left"], stage = 1>,
    <"softmax.0.max" in ["left", "right"], stage = 1>,
    <"softmax.0.rescale" in ["left", "right"], stage = 1>,
    <"top.0" in ["left"], stage = 1, order = 3>,
    <"softmax.0.sum" in ["left"], stage = 1, order = 3>,
    <"softmax.0.rowsum" in ["left"], stage = 1, order = 1>,
    <"p.0" in ["left"], stage = 1>,

    <"qk.1" in ["right"], stage = 1, order = -1>,
    <"valid.1.load" in ["right"], stage = 1, order = -2>,
    <"mask.1" in ["right"], stage = 1, order = -1>,
    <"softmax.1" in ["right"], stage = 1, order = 2>,
    <"softmax.1.rowmax" in ["right"], stage = 1>,
    <"softmax.1.max" in ["left", "right"], stage = 1, order = 2>,
    <"softmax.1.rescale" in ["left", "right"], stage = 1, order = 2>,
    <"top.1" in ["right"], stage = 1, order = 3>,
    <"softmax.1.sum" in ["right"], stage = 1, order = 3>,
    <"softmax.1.rowsum" in ["right"], stage = 1, order = 3>,
    <"p.1" in ["right"], stage = 1, order = 2>,

    <"rescale.0.l" in ["left"], stage = 1>,
    <"pv.0.l" in ["left"], stage = 1>,
    <"pv.0.l.wait" in ["left"], stage = 1, order = 2>,
    <"rescale.1.l" in ["left"], stage = 1, order = 4>,
    <"pv.1.l" in ["left"], stage = 1, order = 4>,
    <"pv.1.l.wait" in ["left"], stage = 1, order = 6>,

    <"rescale.0.r" in ["right"], stage = 1, order = 1>,
    <"pv.0.r" in ["right"], stage = 1, order = 1>,
    <"pv.0.r.wait" in ["right"], stage = 1, order = 4>,
    <"rescale.1.r" in ["right"], stage = 1, order = 5>,
    <"pv.1.r" in ["right"], stage = 1, order = 5>,
    <"pv.1.r.wait" in ["right"], stage = 1, order = 6>,

    <"softmax.sum" in ["right"]>,
    <"top" in ["right"]>,
    <"stats" in ["right"]>,
    <"inverse" in ["right"]>,
    <"normalise.l" in ["left"]>,
    <"normalise.r" in ["right"]>,
    <"out.l" in ["left"]>,
    <"out.r" in ["right"]>],
  rings = [
    <"p.0", depth = 1, over = "k.0.r", byte = 32768>]>)";

/// For few heads: they are the columns of products whose rows are keys, for the
/// scores, and dimensions, for the output. One warpgroup computes the scores
/// and the softmax, runs ahead, and hands P and the rescale factors to the
/// other, which accumulates the whole output. The gather is what takes the
/// time: as many bytes as fit are on their way, in parts that are handed back
/// apart.
static constexpr StringLiteral kSwapped =
    R"(#mla.schedule<"swapped" after ["split-width", "defer-sums", "swap-operands"],
  roles = [
    <"scores", warps = 4, registers = 144>,
    <"output", warps = 4, registers = 240>,
    <"producer", warps = 4, registers = 120>],
  table = [
    <"q" in ["producer"]>,
    <"indices" in ["producer"], stage = 0, order = 1>,
    <"k" in ["producer"], stage = 1>,
    <"valid" in ["producer"], stage = 1>,
    <"qk" in ["scores"]>,
    <"valid.load" in ["scores"], order = -1>,
    <"mask" in ["scores"]>,
    <"softmax" in ["scores"]>,
    <"p" in ["scores"]>,
    <"softmax.sum" in ["scores"], order = 1>,
    <"rescale.r" in ["output"]>,
    <"pv.r" in ["output"]>,
    <"rescale.l" in ["output"], order = 1>,
    <"pv.l" in ["output"], order = 1>,
    <"pv.r.wait" in ["output"], order = 2>,
    <"pv.l.wait" in ["output"], order = 3>,
    <"stats" in ["scores"]>,
    <"inverse" in ["scores"]>,
    <"normalise" in ["output"]>,
    <"out" in ["output"]>],
  rings = [
    <"k.l", depth = 2 to 3>,
    <"k.r", depth = 2 to 3>,
    <"valid", depth = 3>,
    <"p", depth = 1 to 2>,
    <"softmax.rescale", depth = 2>]>)";

static constexpr NamedSchedule kSchedules[] = {{"seesaw", kSeesaw},
                                               {"shared-p", kSharedP},
                                               {"split-columns", kSplitColumns},
                                               {"swapped", kSwapped}};

llvm::ArrayRef<NamedSchedule> mla::getSparsePrefillSchedules() {
  return kSchedules;
}
