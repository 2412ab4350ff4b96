//===- DecodePlanTest.cpp - the plan of mla.decode --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "HostPlan.h"
#include "KernelRunner.h"
#include "PlanKernel.h"
#include "llvm/ADT/STLExtras.h"
#include <gtest/gtest.h>
#include <limits>
#include <random>

using namespace mlir;
using namespace mla;

namespace {
constexpr int32_t kMost = std::numeric_limits<int32_t>::max();
constexpr int32_t kLeast = std::numeric_limits<int32_t>::min();

std::vector<int32_t> repeat(int32_t length, int64_t count) {
  return std::vector<int32_t>(count, length);
}

/// Lengths up to `most`, most of them short.
std::vector<int32_t> makeRagged(int64_t count, int32_t most, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<int32_t> lengths;
  for (int64_t r = 0; r < count; ++r)
    lengths.push_back(static_cast<int32_t>(
        random() % (random() % 4 ? most / 8 + 1 : most + 1)));
  return lengths;
}

struct Case {
  const char *name;
  HostPlanInput input;
};

HostPlanInput make(std::vector<int32_t> lengths, int64_t ctas,
                   int64_t tiles = 1, int64_t maxTokens = 1 << 20) {
  HostPlanInput input;
  input.lengths = std::move(lengths);
  input.ctas = ctas;
  input.tiles = tiles;
  input.maxTokens = maxTokens;
  return input;
}

std::vector<Case> getCases() {
  std::vector<Case> cases{
      {"no request", make({}, 132)},
      {"one long request", make({32768}, 132)},
      {"one short request", make({1}, 132)},
      {"one empty request", make({0}, 8)},
      {"one part", make({100, 0, 5000, 64}, 1)},
      {"more tiles than CTAs", make({100, 700}, 3, 8)},
      {"even, a part each", make(repeat(4096, 128), 132)},
      {"even, exactly a part each", make(repeat(4096, 132), 132)},
      {"even, two parts each", make(repeat(4096, 64), 132)},
      {"even, tiles", make(repeat(4096, 32), 132, 2)},
      {"even, several a part", make(repeat(1000, 300), 132)},
      {"all empty", make(repeat(0, 70), 132)},
      {"empty without a gap", make(repeat(0, 70), 132)},
      {"ragged", make(makeRagged(128, 16384, 1), 132)},
      {"ragged, few parts", make(makeRagged(40, 16384, 2), 132, 16)},
      {"ragged, several tiles of requests",
       make(makeRagged(300, 9000, 3), 132)},
      {"ragged, unused rows", make(makeRagged(9, 9000, 4), 37, 5)},
      {"one among empty ones", make({0, 0, 0, 30000, 0, 0}, 40)},
      {"garbage", make({-1, kMost, kLeast, 5, kMost - 1, -64}, 132)},
      {"garbage, the largest cache",
       make({kMost, kLeast, kMost, kMost}, 132, 1, kMost - 256)},
      {"no room in the cache", make({100, 200, 300}, 10, 1, 0)},
  };
  cases[12].input.overhead = 0;
  return cases;
}

/// The kernels, each lowered once per set of options.
class Plans : public ::testing::Test {
protected:
  static KernelRunner &get(const HostPlanInput &input) {
    static std::map<std::tuple<int64_t, int64_t, int64_t, int64_t, bool>,
                    std::unique_ptr<KernelRunner>>
        runners;
    auto &runner = runners[{input.tiles, input.overhead, input.slack,
                            input.slackDivisor, input.isBatchInvariant}];
    if (!runner)
      runner = std::make_unique<KernelRunner>(
          [](Builder &b) -> SmallVector<Type> {
            auto any = ShapedType::kDynamic;
            auto vector = MemRefType::get({any}, b.getI32Type());
            return {vector, b.getIndexType(),
                    MemRefType::get({any, kPlanWords}, b.getI32Type())};
          },
          [&](TileBuilder &b, ValueRange args) {
            buildPlanKernel(b, {args[0], args[1], args[2]},
                            {input.tiles, input.overhead, input.slack,
                             input.slackDivisor, input.isBatchInvariant});
            return success();
          },
          getPlanSchedule);
    return *runner;
  }

  static HostPlan run(const HostPlanInput &input, bool simulated,
                      uint64_t seed = 0) {
    HostPlan plan;
    std::vector<int32_t> lengths = input.lengths;
    plan.rows.resize(input.ctas);
    for (auto &row : plan.rows)
      row.fill(-77);
    auto b = static_cast<int64_t>(lengths.size());
    // Arrays of no element have an address too.
    lengths.push_back(-77);
    std::vector<interp::Argument> arguments{
        interp::Argument::array(interp::ElementType::I32, lengths.data(), {b}),
        interp::Argument::integer(interp::ElementType::Index, input.maxTokens),
        interp::Argument::array(interp::ElementType::I32, plan.rows.data(),
                                {input.ctas, kPlanWords})};
    KernelRunner &kernel = get(input);
    EXPECT_TRUE(simulated ? kernel.simulate(arguments, seed)
                          : kernel.interpret(arguments))
        << kernel.getErrors();
    return plan;
  }

  static void expectEqual(const HostPlan &got, const HostPlan &want) {
    for (size_t p = 0; p < want.rows.size(); ++p)
      EXPECT_EQ(got.rows[p], want.rows[p]) << "part " << p;
  }
};

/// What the other kernels require of a plan.
void checkPieces(const HostPlanInput &input, const HostPlan &plan) {
  std::vector<HostPiece> pieces = plan.getPieces(input);
  int64_t parts = std::max<int64_t>(1, input.ctas / input.tiles);
  for (int64_t p = parts; p < input.ctas; ++p)
    for (int32_t word : plan.rows[p])
      EXPECT_EQ(word, 0);
  for (size_t r = 0; r < input.lengths.size(); ++r) {
    std::vector<HostPiece> mine;
    for (const HostPiece &piece : pieces)
      if (piece.request == static_cast<int64_t>(r))
        mine.push_back(piece);
    ASSERT_FALSE(mine.empty()) << "request " << r;
    // The pieces follow each other, and cover all tokens.
    int64_t tokens = std::clamp<int64_t>(input.lengths[r], 0, input.maxTokens);
    EXPECT_EQ(mine.front().begin, 0) << "request " << r;
    EXPECT_EQ(mine.back().end, tokens) << "request " << r;
    auto n = static_cast<int64_t>(mine.size());
    for (int64_t i = 0; i + 1 < n; ++i) {
      EXPECT_EQ(mine[i].end, mine[i + 1].begin) << "request " << r;
      EXPECT_LT(mine[i].begin, mine[i].end) << "request " << r;
    }
    int64_t first = mine[0].part;
    for (int64_t i = 0; i < n; ++i) {
      int64_t part = first + i;
      const auto &row = plan.rows[part];
      EXPECT_EQ(mine[i].part, part) << "request " << r;
      EXPECT_EQ(mine[i].slot, n == 1 ? -1
                              : i    ? 2 * part
                                     : 2 * part + 1)
          << "request " << r;
      if (i == 0)
        continue;
      EXPECT_EQ(row[kPlanFirstRequest], static_cast<int32_t>(r));
      EXPECT_EQ(row[kPlanMergePieces], n) << "part " << part;
      EXPECT_EQ(row[kPlanMergeIndex], i) << "part " << part;
    }
  }
  // No part is told to merge without a request that was cut.
  for (int64_t p = 0; p < parts; ++p) {
    bool continued = llvm::any_of(pieces, [&](const HostPiece &piece) {
      return piece.part == p && piece.slot == 2 * p;
    });
    EXPECT_EQ(plan.rows[p][kPlanMergePieces] != 0, continued) << "part " << p;
  }
}

/// No part has more units than its width.
void checkWidth(const HostPlanInput &input, const HostPlan &plan) {
  if (input.isBatchInvariant)
    return;
  std::vector<int64_t> tokens(plan.rows.size());
  for (const HostPiece &piece : plan.getPieces(input))
    tokens[piece.part] += piece.end - piece.begin;
  for (size_t p = 0; p < plan.rows.size(); ++p)
    EXPECT_LE(tokens[p], kPlanUnit * plan.width) << "part " << p;
}

/// Whether the plan shortened a request, so that its sums fit 32 bits. The last
/// piece has the rest of the tokens.
bool isShortened(const HostPlanInput &input) {
  auto b = static_cast<int64_t>(input.lengths.size());
  return llvm::any_of(input.lengths, [&](int64_t length) {
    return std::min(length, input.maxTokens) > kMaxPlanUnits / b * kPlanUnit;
  });
}

int64_t countCut(const HostPlan &plan) {
  return llvm::count_if(
      plan.rows, [](const auto &row) { return row[kPlanMergeIndex] == 1; });
}
} // namespace

TEST_F(Plans, ReferenceHasThePropertiesOfAPlan) {
  for (Case &c : getCases())
    for (bool invariant : {false, true}) {
      SCOPED_TRACE(c.name);
      c.input.isBatchInvariant = invariant;
      HostPlan plan = makeHostPlan(c.input);
      checkPieces(c.input, plan);
      if (!invariant && !isShortened(c.input))
        checkWidth(c.input, plan);
    }
}

TEST_F(Plans, RandomReferencesHaveThePropertiesOfAPlan) {
  std::mt19937 random(7);
  for (int n = 0; n < 500; ++n) {
    HostPlanInput input =
        make(makeRagged(random() % 60 + 1, 1 << random() % 17, random()),
             random() % 140 + 1, random() % 4 + 1);
    input.overhead = random() % 6;
    input.slack = random() % 4;
    input.slackDivisor = random() % 2 * 8;
    input.isBatchInvariant = random() % 4 == 0;
    HostPlan plan = makeHostPlan(input);
    checkPieces(input, plan);
    if (!input.isBatchInvariant)
      checkWidth(input, plan);
    if (HasFailure())
      FAIL() << "case " << n;
  }
}

TEST_F(Plans, EvenBatchesAreCutEvenlyOrNotAtAll) {
  EXPECT_EQ(countCut(makeHostPlan(make(repeat(4096, 128), 132))), 0);
  EXPECT_EQ(countCut(makeHostPlan(make(repeat(4096, 264), 132))), 0);
  HostPlan halves = makeHostPlan(make(repeat(4096, 64), 132));
  EXPECT_EQ(countCut(halves), 64);
  EXPECT_EQ(halves.width, 32);
}

/// Each request's pieces are the same in any batch with the same ctas / b.
TEST_F(Plans, InvariantPlansDoNotDependOnOtherRequests) {
  HostPlanInput alone = make({5000}, 8), among = make({70, 5000, 90000}, 24);
  alone.isBatchInvariant = among.isBatchInvariant = true;
  std::vector<HostPiece> one = makeHostPlan(alone).getPieces(alone), all;
  for (const HostPiece &piece : makeHostPlan(among).getPieces(among))
    if (piece.request == 1)
      all.push_back(piece);
  ASSERT_EQ(one.size(), all.size());
  for (size_t i = 0; i < one.size(); ++i)
    EXPECT_EQ(one[i].end, all[i].end);
}

TEST_F(Plans, InterpretedKernelGivesTheReference) {
  for (Case &c : getCases())
    for (bool invariant : {false, true}) {
      SCOPED_TRACE(c.name);
      c.input.isBatchInvariant = invariant;
      expectEqual(run(c.input, /*simulated=*/false), makeHostPlan(c.input));
    }
}

TEST_F(Plans, SimulatedKernelGivesTheReference) {
  for (Case &c : getCases())
    for (bool invariant : {false, true}) {
      SCOPED_TRACE(c.name);
      c.input.isBatchInvariant = invariant;
      expectEqual(run(c.input, /*simulated=*/true), makeHostPlan(c.input));
    }
}

TEST_F(Plans, RandomInterpretedKernelsGiveTheReference) {
  std::mt19937 random(11);
  for (int n = 0; n < 60; ++n) {
    HostPlanInput input =
        make(makeRagged(random() % 200, 1 << random() % 17, random()),
             random() % 140 + 1, random() % 2 + 1);
    input.isBatchInvariant = random() % 4 == 0;
    expectEqual(run(input, /*simulated=*/false), makeHostPlan(input));
    if (HasFailure())
      FAIL() << "case " << n;
  }
}
