//===- PrefillBackward.cpp - supported shapes and predicted time ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Program.h"
#include "mla/Operators/AttentionCosts.h"
#include "mla/Operators/Flops.h"
#include "mla/Operators/Sequences.h"
#include "llvm/Support/MathExtras.h"

using namespace mla;

static constexpr NamedSchedule kSchedules[] = {
#include "Schedules.inc"
};

static constexpr llvm::StringLiteral kSeparate = "separate";

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

/// Of the 240 registers of a consumer's thread, those of accumulators: ptxas
/// gives them no number below 24, and addresses take some more.
static constexpr int64_t kAccumulatorRegisters = 208;

/// The same where a producer that gathers has more registers.
static constexpr int64_t kQueryRegisters = 176;

/// Bytes of a row in shared memory, which holds blocks of 64 columns.
static int64_t getRowBytes(int64_t columns) {
  return 2 * static_cast<int64_t>(llvm::alignTo(columns, 64));
}

static bool fitsShared(int64_t bytes) {
  constexpr int64_t kBarrierBytes = 1024;
  return bytes + kBarrierBytes <= kDefaultTarget.sharedBytesPerCTA;
}

bool BackwardTiling::isWide(int64_t dimQK, int64_t dimV) {
  // With scores and dP of 32 queries.
  return (dimQK + dimV) / 2 + 32 > kAccumulatorRegisters;
}

/// Gathers, which load the last tile of a packed sequence, have a multiple of
/// 32 rows.
static bool isGathered(int64_t rows) { return rows % 32 == 0; }

int64_t BackwardTiling::chooseBlockQ(int64_t dimQK, int64_t dimV,
                                     bool isSeparate, bool isPacked,
                                     bool isGrouped) {
  int64_t qkBytes = getRowBytes(dimQK), vBytes = getRowBytes(dimV);
  int64_t accumulator = (isSeparate ? std::max(dimQK, dimV) : dimQK + dimV) / 2;
  for (int64_t rows : {64, 48, 32}) {
    // Three slots of Q and dO; a thread holds 1/128 of 64 rows of scores and of
    // dP.
    int64_t bytes = (kTileRows + 3 * rows) * (qkBytes + vBytes);
    if (isPacked && !isGathered(rows))
      continue;
    // The producer of a gather leaves the consumers fewer registers, and so do
    // the numbers of heads.
    int64_t most = (isPacked || isGrouped) && rows > 32 ? kQueryRegisters
                                                        : kAccumulatorRegisters;
    if (fitsShared(bytes) && accumulator + rows <= most)
      return rows;
  }
  return 16;
}

int64_t BackwardTiling::chooseBlockKV(int64_t dimQK, int64_t dimV,
                                      bool isPacked) {
  int64_t qkBytes = getRowBytes(dimQK), vBytes = getRowBytes(dimV);
  for (int64_t rows : {64, 48, 32}) {
    int64_t bytes =
        kTileRows * (qkBytes + vBytes) + rows * (3 * qkBytes + 2 * vBytes);
    if (isPacked && !isGathered(rows))
      continue;
    if (fitsShared(bytes) && dimQK / 2 + rows <= kQueryRegisters)
      return rows;
  }
  return 16;
}

mlir::FailureOr<BackwardTiling> BackwardTiling::get(PrefillBackwardOp op,
                                                    ScheduleAttr schedule) {
  int64_t dimQK = mla::getSize(op, "d_qk"), dimV = mla::getSize(op, "d_v");
  BackwardTiling tiling;
  tiling.isSeparate = !schedule.lookup("dv");
  bool isPacked = static_cast<bool>(op.getCuSeqlensQ());
  bool isGrouped = mla::getSize(op, "h_q") != mla::getSize(op, "h_kv");
  tiling.blockQ = schedule.getTileSize("block_q").value_or(
      chooseBlockQ(dimQK, dimV, tiling.isSeparate, isPacked, isGrouped));
  tiling.blockKV = schedule.getTileSize("block_kv")
                       .value_or(chooseBlockKV(dimQK, dimV, isPacked));
  using Named = std::pair<llvm::StringRef, int64_t>;
  for (auto [name, size] :
       {Named("block_q", tiling.blockQ), Named("block_kv", tiling.blockKV)})
    if (size < 16 || size > 128 || size % 16)
      return op.emitOpError()
             << "expected tile size '" << name
             << "' a multiple of 16 in [16, 128], got " << size;
  // Each half of the L2 cache, of 25 MB, keeps what its SMs read.
  constexpr int64_t kCachedKilobytes = 22 << 10;
  tiling.cachedBytes =
      schedule.getTileSize("cached_kb").value_or(kCachedKilobytes) << 10;
  return tiling;
}

//===----------------------------------------------------------------------===//
// Predicted time
//===----------------------------------------------------------------------===//

/// Queries per step of dK and dV; keys per step of dQ; kilobytes of what the
/// loops of CTAs of a causal grid read at the same time.
static constexpr llvm::StringRef kTileSizes[] = {"block_q", "block_kv",
                                                 "cached_kb"};

static bool isGrouped(const Problem &problem) {
  return problem.getSize("h_q") != problem.getSize("h_kv");
}

/// The tiles of the kernels of dK and dV and of dQ have about the same work, so
/// that the program counts as one kernel whose steps do both.
static Prediction predict(const Choice &choice, const Problem &problem,
                          const GpuRates &machine) {
  // Fitted to an H200: causal sequences of 2,048 to 32,768 tokens with 16 heads
  // of 192 and 128 columns, and of 4,096 and 8,192 with 128.
  constexpr double kExposed = 850, kPrologueEpilogue = 27000;
  int64_t dimQK = problem.getSize("d_qk"), dimV = problem.getSize("d_v");
  bool isSeparate = choice.schedule == kSeparate;
  int64_t blockQ = choice.getParameter(
      "block_q",
      BackwardTiling::chooseBlockQ(dimQK, dimV, isSeparate, isPacked(problem),
                                   isGrouped(problem)));
  int64_t sQ = problem.getSize("s_q"), sKV = problem.getSize("s_kv");
  auto heads =
      static_cast<double>(problem.getSize("b") * problem.getSize("h_q"));
  double part = isCausal(problem) ? 0.5 : 1;
  Prediction result;
  // Scores twice or three times, dP twice, and one product for each gradient.
  int64_t scores = isSeparate ? 3 : 2;
  result.tensor =
      static_cast<double>(scores) * countMmaCycles(kTileRows, blockQ, dimQK) +
      2 * countMmaCycles(kTileRows, blockQ, dimV) +
      2 * countMmaCycles(kTileRows, dimQK, blockQ) +
      countMmaCycles(kTileRows, dimV, blockQ);
  result.exposed = kExposed;
  result.prologueEpilogue = kPrologueEpilogue;
  result.tiles = std::max<int64_t>(
      1, static_cast<int64_t>(
             part * static_cast<double>(llvm::divideCeil(sQ, blockQ))));
  int64_t items = static_cast<int64_t>(heads) *
                  static_cast<int64_t>(llvm::divideCeil(sKV, kTileRows));
  result.waves = llvm::divideCeil(items, machine.sms);
  result.flops =
      part * countAttentionBackwardFlops(heads * static_cast<double>(sQ) *
                                             static_cast<double>(sKV),
                                         dimQK, dimV);
  double cycles =
      result.prologueEpilogue +
      static_cast<double>(result.tiles) * (result.tensor + result.exposed);
  result.ms =
      static_cast<double>(result.waves) * cycles / (machine.clockGHz * 1e6);
  return result;
}

static Choice choose(const Problem &problem) {
  int64_t dimQK = problem.getSize("d_qk"), dimV = problem.getSize("d_v");
  if (BackwardTiling::isWide(dimQK, dimV))
    return {kSeparate.str(), {}};
  if (!isPacked(problem))
    return {"two-consumers", {}};
  constexpr int64_t kWidestPacked = 256;
  if (dimQK + dimV <= kWidestPacked)
    return {"packed", {}};
  // With grouped heads, ptxas would spill.
  return {isGrouped(problem) ? kSeparate.str() : "packed-wide", {}};
}

const Operator &PrefillBackwardOp::getOperator() {
  static const Operator op{kPrefillBackwardTable,  kSchedules, kTileSizes,
                           findSequenceShapeFault, predict,
                           /*tuning=*/"",          choose};
  return op;
}

//===----------------------------------------------------------------------===//
// Verification
//===----------------------------------------------------------------------===//

mlir::LogicalResult PrefillBackwardOp::verify() {
  return verifySequenceBounds(*this, {getCuSeqlensQ(), getCuSeqlensK(),
                                      getCuSeqlensQOptional(),
                                      getCuSeqlensKOptional()});
}
