//===- DecodeCombineTest.cpp - the merge of pieces of mla.decode ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "CombineKernel.h"
#include "HostPlan.h"
#include "KernelRunner.h"
#include "mla/Transforms/ScheduleText.h"
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <random>

using namespace mlir;
using namespace mla;

namespace {
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
/// What the kernel must leave alone.
constexpr float kUntouched = -77;
constexpr int64_t kColumns = 128;

float roundToBF16(float value) {
  return interp::roundTo(interp::ElementType::BF16,
                         interp::Lane::ofFloat(value))
      .f;
}

uint16_t toBF16(float value) {
  return static_cast<uint16_t>(
      interp::toBits(interp::ElementType::BF16, interp::Lane::ofFloat(value)));
}

float fromBF16(uint16_t bits) {
  return interp::fromBits(interp::ElementType::BF16, bits).f;
}

struct Case {
  const char *name;
  std::vector<int32_t> lengths;
  int64_t ctas = 1, tiles = 1, queries = 1, heads = 3, kvHeads = 1;
  bool isF32 = false, hasSink = false, isSinkOmitted = false;
  LseOptions lse = {};
  /// A share of pieces without a token, and of NaN.
  double empty = 0, nan = 0;
};

/// One run of the kernel, on the pieces of a plan with random values.
class Merge {
public:
  explicit Merge(const Case &c) : c(c), random(5) {
    input.lengths = c.lengths;
    input.ctas = c.ctas;
    input.tiles = c.tiles;
    input.maxTokens = 1 << 20;
    plan = makeHostPlan(input);
    parts = std::max<int64_t>(1, c.ctas / c.tiles);
    b = static_cast<int64_t>(c.lengths.size());
    rows = c.queries * c.heads;
    partialOut.assign(parts * 2 * rows * kColumns, kNaN);
    partialLse.assign(parts * 2 * rows, kNaN);
    outWritten.resize(partialOut.size());
    lseWritten.resize(partialLse.size());
    out.assign(b * rows * kColumns, toBF16(kUntouched));
    // Strides of [b, s_q, h_q] as a view of [b, h_q, s_q].
    lse.assign(b * rows, kUntouched);
    std::uniform_real_distribution<float> value(-2, 2);
    for (int64_t h = 0; h < c.heads; ++h)
      sink.push_back(h == 0   ? std::numeric_limits<float>::infinity()
                     : h == 1 ? -std::numeric_limits<float>::infinity()
                              : value(random));
    for (const HostPiece &piece : plan.getPieces(input))
      if (piece.slot >= 0)
        for (int64_t row = 0; row < rows; ++row)
          fill(piece.slot * rows + row);
  }

  std::vector<interp::Argument> getArguments() {
    using interp::Argument;
    using interp::ElementType;
    for (float value : partialOut)
      partialBits.push_back(toBF16(value));
    int64_t queries = c.queries, heads = c.heads;
    std::vector<Argument> arguments{
        Argument::array(ElementType::I32, plan.rows.data(),
                        {c.ctas, kPlanWords}),
        Argument::array(c.isF32 ? ElementType::F32 : ElementType::BF16,
                        c.isF32 ? static_cast<void *>(partialOut.data())
                                : partialBits.data(),
                        {parts, 2, rows, kColumns}),
        Argument::array(ElementType::F32, partialLse.data(), {parts, 2, rows}),
        Argument::array(ElementType::BF16, out.data(),
                        {b, queries, heads, kColumns}),
        Argument::array(ElementType::F32, lse.data(), {b, queries, heads},
                        {heads * queries, 1, queries}),
        Argument::array(ElementType::F32, sink.data(),
                        {c.isSinkOmitted ? 0 : heads})};
    // The pieces are all that may be read. The attention kernel has written the
    // outputs of other requests.
    arguments[1].written = &outWritten;
    arguments[2].written = &lseWritten;
    allOut.resize(out.size(), true);
    allLse.resize(lse.size(), true);
    arguments[3].written = &allOut;
    arguments[4].written = &allLse;
    return arguments;
  }

  void check() const {
    for (int64_t r = 0; r < b; ++r)
      for (int64_t row = 0; row < rows; ++row)
        checkRow(r, row);
  }

private:
  void fill(int64_t at) {
    outWritten.set(at * kColumns, (at + 1) * kColumns);
    lseWritten.set(at);
    std::uniform_real_distribution<double> chance(0, 1);
    std::normal_distribution<float> value(0, 1), logit(0, 3);
    bool isEmpty = chance(random) < c.empty;
    bool isNaN = chance(random) < c.nan;
    partialLse[at] = isEmpty ? -std::numeric_limits<float>::infinity()
                     : isNaN ? kNaN
                             : logit(random);
    for (int64_t column = 0; column < kColumns; ++column) {
      float x = value(random);
      partialOut[at * kColumns + column] =
          isEmpty || (column == 7 && chance(random) < c.nan) ? kNaN
          : c.isF32                                          ? x
                                                             : roundToBF16(x);
    }
  }

  /// Rows of partials are (KV head, query, head of the KV head).
  void checkRow(int64_t r, int64_t row) const {
    int64_t perHead = c.heads / c.kvHeads;
    int64_t query = row / perHead % c.queries;
    int64_t head = row / (perHead * c.queries) * perHead + row % perHead;
    const uint16_t *got =
        out.data() + ((r * c.queries + query) * c.heads + head) * kColumns;
    float gotLse = lse[(r * c.heads + head) * c.queries + query];
    std::vector<int64_t> slots;
    for (const HostPiece &piece : plan.getPieces(input))
      if (piece.request == r && piece.slot >= 0)
        slots.push_back(piece.slot * rows + row);
    if (slots.empty()) {
      EXPECT_EQ(gotLse, kUntouched) << "request " << r << ", row " << row;
      EXPECT_EQ(fromBF16(got[0]), kUntouched);
      return;
    }
    double max = std::numeric_limits<float>::lowest(), sum = 0;
    bool isNaN = false;
    for (int64_t slot : slots) {
      isNaN |= std::isnan(partialLse[slot]);
      max = std::max<double>(max, partialLse[slot]);
    }
    for (int64_t slot : slots)
      sum += std::exp(partialLse[slot] - max);
    double total = sum;
    if (c.hasSink && !c.isSinkOmitted)
      total += std::exp(sink[head] - max);
    for (int64_t column = 0; column < kColumns; ++column) {
      double want = 0;
      for (int64_t slot : slots)
        if (partialLse[slot] != -std::numeric_limits<float>::infinity())
          want += std::exp(partialLse[slot] - max) / total *
                  partialOut[slot * kColumns + column];
      expectNear(fromBF16(got[column]),
                 isNaN      ? kNaN
                 : sum == 0 ? 0
                            : want,
                 r, row, 1e-2);
    }
    double natural = max + std::log(sum);
    double want = sum == 0 ? (c.lse.isEmptyNegative ? -1 : 1) *
                                 std::numeric_limits<double>::infinity()
                           : natural * (c.lse.isBase2 ? 1.4426950408889634 : 1);
    expectNear(gotLse, isNaN ? kNaN : want, r, row, 1e-4);
  }

  static void expectNear(double got, double want, int64_t r, int64_t row,
                         double tolerance) {
    if (std::isnan(want) || std::isinf(want))
      EXPECT_TRUE(std::isnan(want) ? std::isnan(got) : got == want)
          << got << " for " << want << ", request " << r << ", row " << row;
    else
      EXPECT_NEAR(got, want, tolerance * (1 + std::abs(want)))
          << "request " << r << ", row " << row;
  }

  const Case &c;
  std::mt19937 random;
  HostPlanInput input;
  HostPlan plan;
  int64_t parts, b, rows;
  std::vector<float> partialOut, partialLse, lse, sink;
  std::vector<uint16_t> partialBits, out;
  llvm::BitVector outWritten, lseWritten, allOut, allLse;
};

std::unique_ptr<KernelRunner>
makeKernel(const Case &c,
           function_ref<ScheduleAttr(MLIRContext &)> getSchedule =
               getDecodeCombineSchedule) {
  return std::make_unique<KernelRunner>(
      [&](Builder &b) -> SmallVector<Type> {
        auto any = ShapedType::kDynamic;
        int64_t rows = c.queries * c.heads;
        Type f32 = b.getF32Type(), bf16 = b.getBF16Type();
        auto strided =
            StridedLayoutAttr::get(b.getContext(), 0, {any, any, any});
        return {MemRefType::get({any, kPlanWords}, b.getI32Type()),
                MemRefType::get({any, 2, rows, kColumns}, c.isF32 ? f32 : bf16),
                MemRefType::get({any, 2, rows}, f32),
                MemRefType::get({any, c.queries, c.heads, kColumns}, bf16),
                MemRefType::get({any, c.queries, c.heads}, f32, strided),
                MemRefType::get({any}, f32)};
      },
      [&](TileBuilder &b, ValueRange args) {
        DecodeCombineOptions options{c.tiles, c.kvHeads, c.lse};
        return buildDecodeCombineKernel(b,
                                        {args[0], args[1], args[2], args[3],
                                         args[4],
                                         c.hasSink ? args[5] : Value()},
                                        options, getSchedule(*b.getContext()));
      },
      getSchedule);
}

std::vector<Case> getCases() {
  std::vector<Case> cases;
  auto add = [&](const char *name, std::vector<int32_t> lengths, int64_t ctas) {
    cases.push_back({name, std::move(lengths), ctas});
    return &cases.back();
  };
  add("nothing was cut", {64, 64, 64, 64}, 4);
  add("two pieces", {640, 640}, 4);
  Case *c = add("pieces of several requests", {700, 0, 3000, 64, 1500}, 9);
  c->heads = 20;
  c = add("two blocks of rows a query, two queries", {2000, 900}, 4);
  c->heads = 18;
  c->queries = 2;
  c->empty = 0.3;
  c = add("KV heads", {2000, 900}, 10);
  c->heads = 6;
  c->kvHeads = 2;
  c->queries = 2;
  c->tiles = 2;
  c = add("more than a few pieces", {64 * 12}, 12);
  c->empty = 0.3;
  c = add("many pieces", {64 * 140}, 140);
  c->isF32 = true;
  c->lse.isBase2 = true;
  c = add("f32 partials, few pieces", {1000, 1000}, 6);
  c->isF32 = true;
  c->lse.isBase2 = c->lse.isEmptyNegative = true;
  c->empty = 0.6;
  for (int64_t ctas : {4, 12}) {
    c = add("sink", {64 * 12}, ctas);
    c->hasSink = true;
    c->empty = 0.5;
    c = add("an omitted sink", {64 * 12}, ctas);
    c->hasSink = c->isSinkOmitted = true;
    c = add("without a token", {64 * 12}, ctas);
    c->empty = 1;
    c->hasSink = true;
    c = add("NaN", {64 * 12}, ctas);
    c->nan = 0.15;
    c->heads = 9;
  }
  return cases;
}
} // namespace

TEST(DecodeCombine, InterpretedKernelMergesThePieces) {
  for (const Case &c : getCases()) {
    SCOPED_TRACE(c.name);
    Merge merge(c);
    auto kernel = makeKernel(c);
    EXPECT_TRUE(kernel->interpret(merge.getArguments())) << kernel->getErrors();
    merge.check();
  }
}

TEST(DecodeCombine, SimulatedKernelMergesThePieces) {
  for (const Case &c : getCases()) {
    SCOPED_TRACE(c.name);
    Merge merge(c);
    auto kernel = makeKernel(c);
    EXPECT_TRUE(kernel->simulate(merge.getArguments())) << kernel->getErrors();
    merge.check();
  }
}

TEST(DecodeCombine, UnsupportedTileSizesAreRefused) {
  for (auto [name, size, error] :
       {std::tuple("rows", 12,
                   "expected tile size 'rows' a power of two in [8, 64] for "
                   "these columns, got 12"),
        {"rows", 128,
         "expected tile size 'rows' a power of two in [8, 64] for these "
         "columns, got 128"},
        {"pieces", 9, "expected tile size 'pieces' in [1, 8], got 9"},
        {"columns", 96,
         "expected tile size 'columns' a multiple of 64 that divides d_v = "
         "128, got 96"}}) {
    Case c{"", {640}, 4};
    auto kernel =
        makeKernel(c, [&, name = name, size = size](MLIRContext &context) {
          std::string text = "#mla.schedule<\"s\" tile = {" +
                             std::string(name) + " = " + std::to_string(size) +
                             "}, roles = [<\"reduce\", warps = 4, registers = "
                             "96>], table = [<\"out\" in [\"reduce\"]>]>";
          if (StringRef(name) != "columns")
            text.replace(text.find("{") + 1, 0, "columns = 128, ");
          return parseSchedule(text, "s", context);
        });
    EXPECT_NE(kernel->getErrors().find(error), std::string::npos)
        << kernel->getErrors();
  }
}
