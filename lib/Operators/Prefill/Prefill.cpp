//===- Prefill.cpp - supported shapes and predicted time ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Tiling.h"
#include "mla/Operators/Flops.h"
#include "mla/Operators/Sequences.h"
#include "llvm/Support/MathExtras.h"

using namespace mla;

static constexpr NamedSchedule kSchedules[] = {
#include "Schedules.inc"
};

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

int64_t mla::choosePrefillBlockKV(int64_t rows, int64_t dimQK, int64_t dimV) {
  // Of the 232 registers of a consumer's thread; the rest are addresses, row
  // statistics and temporaries.
  constexpr int64_t kTileRegisters = 176;
  constexpr int64_t kBarrierBytes = 1024, kBytes = 2;
  // Slots are blocks of 64 columns.
  int64_t qkBytes = kBytes * static_cast<int64_t>(llvm::alignTo(dimQK, 64));
  int64_t vBytes = kBytes * static_cast<int64_t>(llvm::alignTo(dimV, 64));
  for (int64_t blockKV : {128, 96, 64}) {
    int64_t shared =
        rows * qkBytes + 2 * blockKV * (qkBytes + vBytes) + kBarrierBytes;
    // A thread holds 1/128 of 64 rows of scores, of P, and of the output.
    int64_t registers = blockKV / 2 + blockKV / 4 + dimV / 2;
    if (shared <= kDefaultTarget.sharedBytesPerCTA &&
        registers <= kTileRegisters)
      return blockKV;
  }
  return 32;
}

//===----------------------------------------------------------------------===//
// Predicted time
//===----------------------------------------------------------------------===//

/// Keys per tile; kilobytes of keys and values of the heads that CTAs of a
/// causal grid work on at the same time.
static constexpr llvm::StringRef kTileSizes[] = {"block_kv", "cached_kb"};

namespace {
/// Costs of a schedule in cycles, fitted to an H200 with 16 heads: `exposed`
/// per KV tile from 8,192 tokens, `prologueEpilogue` per output tile from
/// 4,096.
struct PrefillCosts {
  llvm::StringLiteral name;
  int64_t rows;
  double exposed, prologueEpilogue;
};
} // namespace

static constexpr PrefillCosts kCosts[] = {
    {"persistent", 128, 560, 1500},
    {"two-consumers", 128, 560, 3500},
};

static Prediction predict(const Choice &choice, const Problem &problem,
                          const GpuRates &machine) {
  const PrefillCosts &costs =
      *llvm::find_if(kCosts, [&](const PrefillCosts &known) {
        return known.name == choice.schedule;
      });
  int64_t dimQK = problem.getSize("d_qk"), dimV = problem.getSize("d_v");
  int64_t blockKV = choice.getParameter(
      "block_kv", choosePrefillBlockKV(costs.rows, dimQK, dimV));
  int64_t sQ = problem.getSize("s_q"), sKV = problem.getSize("s_kv");
  auto heads =
      static_cast<double>(problem.getSize("b") * problem.getSize("h_q"));
  // Of the keys, a query attends to this part.
  double part = isCausal(problem) ? 0.5 : 1;

  Prediction result;
  // P is in registers, so the MMA with V reads only V from shared memory.
  constexpr double kFlopsPerCycle = 4096;
  result.tensor =
      countMmaCycles(costs.rows, blockKV, dimQK) +
      countAttentionFlops(static_cast<double>(costs.rows * blockKV), 0, dimV) /
          kFlopsPerCycle;
  result.exposed = costs.exposed;
  result.prologueEpilogue = costs.prologueEpilogue;
  result.tiles = std::max<int64_t>(
      1, static_cast<int64_t>(
             part * static_cast<double>(llvm::divideCeil(sKV, blockKV))));
  int64_t items = static_cast<int64_t>(heads) *
                  static_cast<int64_t>(llvm::divideCeil(sQ, costs.rows));
  result.waves = llvm::divideCeil(items, machine.sms);
  result.flops = part * countAttentionFlops(heads * static_cast<double>(sQ) *
                                                static_cast<double>(sKV),
                                            dimQK, dimV);
  double cycles =
      result.prologueEpilogue +
      static_cast<double>(result.tiles) * (result.tensor + result.exposed);
  result.ms =
      static_cast<double>(result.waves) * cycles / (machine.clockGHz * 1e6);
  return result;
}

/// "persistent" where all tiles take about the same time: its CTAs get their
/// tiles in a fixed order. The hardware gives tiles with different numbers of
/// keys to CTAs that are free. With a wider V, ptxas spills in "persistent".
static Choice choose(const Problem &problem) {
  constexpr int64_t kWidestV = 160;
  bool isUneven = isPacked(problem) || isCausal(problem);
  return {isUneven || problem.getSize("d_v") > kWidestV ? "two-consumers"
                                                        : "persistent",
          {}};
}

const Operator &PrefillOp::getOperator() {
  static const Operator op{
      kPrefillTable, kSchedules,    kTileSizes, findSequenceShapeFault,
      predict,       /*tuning=*/"", choose};
  return op;
}

//===----------------------------------------------------------------------===//
// Verification
//===----------------------------------------------------------------------===//

mlir::LogicalResult PrefillOp::verify() {
  return verifySequenceBounds(*this, {getCuSeqlensQ(), getCuSeqlensK(),
                                      getCuSeqlensQOptional(),
                                      getCuSeqlensKOptional()});
}

mlir::FailureOr<PrefillTiling>
PrefillTiling::get(PrefillOp op, const TilingOptions &options) {
  PrefillTiling tiling;
  PlaceAttr consumers = options.schedule.lookup("qk");
  tiling.rows =
      kConsumerRows *
      (consumers ? static_cast<int64_t>(consumers.getRoles().size()) : 1);
  tiling.blockKV =
      options.schedule.getTileSize("block_kv")
          .value_or(choosePrefillBlockKV(tiling.rows, getSize(op, "d_qk"),
                                         getSize(op, "d_v")));
  if (tiling.blockKV < 32 || tiling.blockKV > 256 || tiling.blockKV % 32)
    return op.emitOpError() << "expected tile size 'block_kv' a multiple of 32 "
                               "in [32, 256], got "
                            << tiling.blockKV;
  // Each half of the L2 cache, of 25 MB, keeps what its SMs read.
  constexpr int64_t kCachedKilobytes = 22 << 10;
  tiling.cachedBytes =
      options.schedule.getTileSize("cached_kb").value_or(kCachedKilobytes)
      << 10;
  return tiling;
}
