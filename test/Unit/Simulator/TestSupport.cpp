//===- TestSupport.cpp - simulates cta programs given as text -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

using namespace mlir;
using namespace mla;
using namespace mla::sim;

/// Types that the programs share.
static constexpr llvm::StringLiteral kTypes = R"(
#sw = #cta.shared_layout<swizzle = 128, rows = 64>
#dense = #cta.shared_layout<swizzle = 0, rows = 64>
!ring = !cta.ring<2x64x64xbf16, #sw>
!tile = !cta.buffer<64x64xbf16, #sw>
!vec = !cta.buffer<64xf32, #dense>
!k = !cta.descriptor<64x64xbf16, k, offset = 0, leading = 16, stride = 1024, step = 32, block_step = 8192>
!mn = !cta.descriptor<64x64xbf16, mn, offset = 0, leading = 8192, stride = 1024, step = 2048, block_step = 8192>
!acc = tensor<64x64xf32, #cta.layout<acc>>
!bf = tensor<64x64xbf16, #cta.layout<acc>>
!a = tensor<64x64xbf16, #cta.layout<a_operand>>
!row = tensor<64xf32, #cta.layout<row>>
!col = tensor<64xf32, #cta.layout<column>>
!flight = !cta.in_flight<!acc>
!b1 = !cta.mbarrier<1>
!b2 = !cta.mbarrier<2>
)";

std::string Case::getText() const {
  std::string text = kTypes.str() + "func.func @f(" + parameters + ")";
  if (!attributes.empty())
    text += " attributes {" + attributes + "}";
  text += " {\n";
  for (int64_t n : {0, 1, 2, 3, 64})
    text += "%c" + std::to_string(n) + " = arith.constant " +
            std::to_string(n) + " : index\n";
  for (int64_t n : {0, 1, 2, 3})
    text += "%i" + std::to_string(n) + " = arith.constant " +
            std::to_string(n) + " : i32\n";
  return text + before + "scf.forall " + grid + " {\n" + body +
         "\n}\nreturn\n}\n";
}

std::vector<Options> mla::sim::getTimings() {
  std::vector<Options> all(23);
  all[0].timing = Timing::Earliest;
  all[1].timing = Timing::Latest;
  all[2].timing = Timing::Modelled;
  for (unsigned n = 3; n < all.size(); ++n)
    all[n].seed = n;
  for (Options &options : all)
    options.stepLimit = 20'000;
  return all;
}

std::string mla::sim::describe(const Options &options) {
  switch (options.timing) {
  case Timing::Earliest:
    return "earliest";
  case Timing::Latest:
    return "latest";
  case Timing::Modelled:
    return "modelled";
  case Timing::Random:
    return "seed " + std::to_string(options.seed);
  }
  llvm_unreachable("covered switch");
}

SimulatorTest::SimulatorTest()
    : handler(&context, [this](Diagnostic &diagnostic) {
        errors.push_back(diagnostic.str());
        for (Diagnostic &note : diagnostic.getNotes())
          notes.push_back(note.str());
        return success();
      }) {
  context.printOpOnDiagnostic(false);
  context.loadDialect<cta::CTADialect, tile::TileDialect, func::FuncDialect,
                      scf::SCFDialect, math::MathDialect, affine::AffineDialect,
                      memref::MemRefDialect>();
}

bool SimulatorTest::parse(const std::string &text) {
  errors.clear();
  module = parseSourceString<ModuleOp>(text, &context, "test");
  if (!module)
    ADD_FAILURE() << "does not parse: " << llvm::join(errors, "\n") << "\n"
                  << text;
  return module.get() != nullptr;
}

bool SimulatorTest::simulate(std::vector<Array> &arrays,
                             ArrayRef<interp::Argument> scalars,
                             const Options &options) {
  errors.clear();
  notes.clear();
  std::vector<interp::Argument> arguments(arrays.begin(), arrays.end());
  llvm::append_range(arguments, scalars);
  auto function = *module->getOps<func::FuncOp>().begin();
  return succeeded(mla::sim::simulate(function, arguments, options));
}

void SimulatorTest::expectRight(const Case &test) {
  if (!parse(test))
    return;
  for (const Options &options : getTimings()) {
    SCOPED_TRACE(describe(options));
    std::vector<Array> arrays = test.arrays;
    ASSERT_TRUE(simulate(arrays, test.scalars, options))
        << llvm::join(errors, "\n") << "\n"
        << llvm::join(notes, "\n");
    EXPECT_TRUE(errors.empty()) << errors.front();
    for (const auto &[number, expected] : test.results) {
      Doubles got = arrays[number].values();
      ASSERT_EQ(got.size(), expected.size());
      for (size_t n = 0; n < got.size(); ++n)
        ASSERT_EQ(got[n], expected[n]) << "array " << number << " at " << n;
    }
  }
}

static bool contains(const std::string &text, const std::string &part) {
  return text.find(part) != std::string::npos;
}

void SimulatorTest::expectBlame(const Blame &blame) {
  ASSERT_EQ(errors.size(), 1u) << llvm::join(errors, "\n");
  const std::string &error = errors.front();
  std::string all = error + "\n" + llvm::join(notes, "\n");
  EXPECT_TRUE(llvm::any_of(blame.messages,
                           [&](const auto &m) { return contains(error, m); }))
      << all << "\nexpected: " << llvm::join(blame.messages, "\nor: ");
  EXPECT_TRUE(blame.op.empty() || contains(error, "'" + blame.op + "' op"))
      << all;
  EXPECT_TRUE(blame.role.empty() ||
              contains(error, "role \"" + blame.role + "\" of CTA ["))
      << all;
  EXPECT_TRUE(blame.note.empty() ||
              contains(llvm::join(notes, "\n"), blame.note))
      << all << "\nexpected a note: " << blame.note;
}

void SimulatorTest::expectWrongUnder(const Case &test, const Blame &blame,
                                     ArrayRef<Options> timings) {
  if (!parse(test))
    return;
  for (const Options &options : timings) {
    SCOPED_TRACE(describe(options));
    std::vector<Array> arrays = test.arrays;
    ASSERT_FALSE(simulate(arrays, test.scalars, options))
        << "expected: " << llvm::join(blame.messages, "\nor: ");
    expectBlame(blame);
    if (HasFailure())
      return;
  }
}

void SimulatorTest::expectWrong(const Case &test, const Blame &blame) {
  expectWrongUnder(test, blame, getTimings());
}

Case mla::sim::makeCopyPipeline(Array a) {
  Case test;
  test.parameters = "%A: memref<?x64xbf16>, %out: memref<64x64xf32>";
  test.attributes = "cta.verified, cta.shared_bytes = 16448 : i64";
  test.before = R"(
      %map = cta.tensor_map %A box [64, 64] swizzle 128 : memref<?x64xbf16>
      %rows = memref.dim %A, %c0 : memref<?x64xbf16>
      %n = arith.ceildivui %rows, %c64 : index
    )";
  test.body = R"(
      %k = cta.ring "k" at 0 : !ring
      %full = cta.mbarrier "k.full" full(%k : !ring) count 1 bytes 8192 at 16384 : !b2
      %free = cta.mbarrier "k.empty" empty(%k : !ring) count 4 at 16400 : !b2
      cta.mbarrier_init %full : !b2
      cta.mbarrier_init %free : !b2
      cta.mbarrier_init_fence
      cta.sync
      cta.role "load" warps 1 registers 24 {
        scf.for %i = %c0 to %n step %c1 {
          %count = arith.index_cast %i : index to i32
          %index = arith.remui %count, %i2 : i32
          %round = arith.divui %count, %i2 : i32
          %next = arith.addi %round, %i1 : i32
          %parity = arith.andi %next, %i1 : i32
          cta.mbarrier_wait %free[%index] parity %parity : !b2
          %s = cta.slot %k[%index] : !ring
          cta.arrive_expect %full[%index] bytes 8192 : !b2
          %at = arith.muli %i, %c64 : index
          cta.copy_async %A[%at, %c0] to %s map %map signals %full[%index] : !b2 : memref<?x64xbf16>, !tile
        }
      }
      cta.role "math" warps 4 registers 216 {
        %zero = arith.constant dense<0.0> : !acc
        %sum = scf.for %i = %c0 to %n step %c1 iter_args(%o = %zero) -> !acc {
          %count = arith.index_cast %i : index to i32
          %index = arith.remui %count, %i2 : i32
          %round = arith.divui %count, %i2 : i32
          %other = arith.addi %round, %i1 : i32
          %parity = arith.andi %round, %i1 : i32
          cta.mbarrier_wait %full[%index] parity %parity : !b2
          %t = cta.slot %k[%index] : !ring
          %d = cta.descriptor %t : !tile -> !k
          cta.mma_fence
          %f = cta.mma_async %d, %d acc %o : !acc transpose_b : !k, !k -> !flight
          cta.mma_commit
          %r = cta.mma_wait %f pending 0 : !flight
          cta.arrive %free[%index] : !b2
          scf.yield %r : !acc
        }
        tile.store %sum, %out[%c0, %c0] : !acc, memref<64x64xf32>
      }
    )";
  test.arrays = {std::move(a), interp::out({64, 64})};
  return test;
}

Case mla::sim::makePassing(std::string body) {
  Case test;
  test.parameters = "%X: memref<64xf32>, %out: memref<64xf32>";
  test.body = std::move(body);
  test.arrays = {interp::f32({64}, makeValues(64)), interp::out({64})};
  test.results[1] = makeValues(64);
  return test;
}
