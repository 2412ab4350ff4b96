//===- ValueTest.cpp - MMAs, boxes and layouts against plain loops --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TestSupport.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mla;
using namespace mla::sim;

static std::string str(int64_t value) { return std::to_string(value); }

namespace {
class ValueTest : public SimulatorTest {
protected:
  /// An operand in shared memory, k or mn dimension contiguous, `mn` by `k`.
  struct Stored {
    int64_t mn, k;
    bool kMajor;

    int64_t rows() const { return kMajor ? mn : k; }
    int64_t columns() const { return kMajor ? k : mn; }
    std::string shape() const {
      return str(rows()) + "x" + str(columns()) + "xbf16";
    }
    std::string buffer() const {
      return llvm::formatv("!cta.buffer<{0}, #cta.shared_layout<swizzle = 128, "
                           "rows = {1}>>",
                           shape(), rows());
    }
    int64_t bytes() const { return rows() * ((columns() + 63) / 64) * 128; }
    std::string descriptor() const {
      return llvm::formatv("!cta.descriptor<{0}, {1}, offset = 0, leading = "
                           "{2}, stride = 1024, step = {3}, block_step = {4}>",
                           shape(), kMajor ? "k" : "mn", 128 * rows(),
                           kMajor ? 32 : 2048, kMajor ? 128 * rows() : 8192);
    }
    std::string fragment() const {
      return "tensor<" + shape() + ", #cta.layout<acc>>";
    }
    /// Loads it from `memref`, stores it and makes the descriptor %`name`d.
    std::string store(const std::string &name,
                      const std::string &memref) const {
      return llvm::formatv(
          R"(
        %{0}x = tile.load %{1}[%c0, %c0] : memref<{2}> -> {3}
        cta.store_shared %{0}x to %{0} : {3}, {4}
        %{0}d = cta.descriptor %{0} : {4} -> {5}
      )",
          name, memref, shape(), fragment(), buffer(), descriptor());
    }
  };

  /// out = X + A B (+ A B, as a chain). `a` empty: from registers.
  static Case makeProduct(std::optional<Stored> a, Stored b, bool addsTo,
                          unsigned chain) {
    int64_t n = b.mn, k = b.k;
    std::string flight = "!cta.in_flight<tensor<64x" + str(n) +
                         "xf32, #cta.layout<acc>>>",
                acc = "tensor<64x" + str(n) + "xf32, #cta.layout<acc>>";
    Stored plain{64, k, true};
    Case test;
    test.parameters = "%A: memref<" + (a ? *a : plain).shape() +
                      ">, %B: memref<" + b.shape() + ">, %X: memref<64x" +
                      str(n) + "xf32>, %out: memref<64x" + str(n) + "xf32>";
    test.body = "%b = cta.buffer \"b\" at 0 : " + b.buffer() + "\n";
    if (a)
      test.body += "%a = cta.buffer \"a\" at " + str(b.bytes()) + " : " +
                   a->buffer() + "\n";
    test.body += "%bar = cta.named_barrier \"bar\" id 1 threads 128\n"
                 "cta.role \"math\" warps 4 registers 240 {\n";
    test.body += b.store("b", "B");
    std::string type, operand = "%ad";
    if (a) {
      test.body += a->store("a", "A");
      type = a->descriptor();
    } else {
      type = "tensor<64x" + str(k) + "xbf16, #cta.layout<a_operand>>";
      test.body += "%ax = tile.load %A[%c0, %c0] : memref<" + plain.shape() +
                   "> -> " + plain.fragment() +
                   "\n%ad = cta.convert_layout %ax : " + plain.fragment() +
                   " -> " + type + "\n";
    }
    test.body += "%x = tile.load %X[%c0, %c0] : memref<64x" + str(n) +
                 "xf32> -> " + acc + "\n";
    test.body += "cta.fence_async\ncta.named_sync %bar\ncta.mma_fence\n";
    std::string last = addsTo ? "acc %x : " + acc : "";
    for (unsigned i = 0; i < chain; ++i) {
      test.body += "%f" + str(i) + " = cta.mma_async %ad, %bd " + last +
                   (a && !a->kMajor ? " transpose_a" : "") +
                   (b.kMajor ? " transpose_b" : "") + " : " + type + ", " +
                   b.descriptor() + " -> " + flight + "\ncta.mma_commit\n";
      last = "acc %f" + str(i) + " : " + flight;
    }
    test.body += "%r = cta.mma_wait %f" + str(chain - 1) +
                 " pending 0 : " + flight +
                 "\ntile.store %r, %out[%c0, %c0] : " + acc + ", memref<64x" +
                 str(n) + "xf32>\n}";
    Doubles av = makeValues(64 * k, 1), bv = makeValues(n * k, 2),
            xv = makeValues(64 * n, 3);
    auto shape = [](const Stored &s) {
      return std::vector<int64_t>{s.rows(), s.columns()};
    };
    test.arrays = {bf16(shape(a ? *a : plain), av), bf16(shape(b), bv),
                   interp::f32({64, n}, xv), interp::out({64, n})};
    Doubles product = multiply(av, bv, 64, n, k, a && !a->kMajor, b.kMajor);
    for (size_t i = 0; i < product.size(); ++i)
      test.results[3].push_back((addsTo ? xv[i] : 0) + chain * product[i]);
    return test;
  }

  /// Under a few timings: the rules have tests of their own.
  void expectValues(const Case &test) {
    ASSERT_TRUE(parse(test));
    for (Timing timing : {Timing::Earliest, Timing::Latest, Timing::Random}) {
      Options options;
      options.timing = timing;
      std::vector<Array> arrays = test.arrays;
      ASSERT_TRUE(simulate(arrays, test.scalars, options))
          << llvm::join(errors, "\n");
      for (const auto &[number, expected] : test.results) {
        Doubles got = arrays[number].values();
        ASSERT_EQ(got.size(), expected.size());
        for (size_t n = 0; n < got.size(); ++n)
          ASSERT_EQ(got[n], expected[n]) << "array " << number << " at " << n;
      }
    }
  }
};
} // namespace

TEST_F(ValueTest, Products) {
  for (int64_t n : {8, 64, 96, 256})
    for (int64_t k : {64, 128})
      for (bool bKMajor : {false, true}) {
        Stored b{n, k, bKMajor};
        SCOPED_TRACE("n " + str(n) + ", k " + str(k) + (bKMajor ? ", k" : ""));
        expectValues(makeProduct(std::nullopt, b, false, 1));
        expectValues(makeProduct(Stored{64, k, true}, b, false, 1));
        expectValues(makeProduct(Stored{64, k, false}, b, false, 1));
      }
}

TEST_F(ValueTest, AccumulatorsAndChains) {
  Stored b{64, 64, false};
  for (bool addsTo : {false, true})
    for (unsigned chain : {1u, 2u, 5u}) {
      expectValues(makeProduct(std::nullopt, b, addsTo, chain));
      expectValues(makeProduct(Stored{64, 64, true}, b, addsTo, chain));
    }
}

TEST_F(ValueTest, SumsAscend) {
  // 2^24 + 1 - 2^24 is 0 or 1, by the order of the terms.
  Case test = makeProduct(std::nullopt, {8, 64, false}, false, 1);
  Doubles a(64 * 64), b(64 * 8, 1);
  for (size_t r = 0; r < 64; ++r) {
    a[r * 64] = 16777216;
    a[r * 64 + (r % 2 ? 1 : 3)] = 1;
    a[r * 64 + 2] = -16777216;
  }
  test.arrays[0] = bf16({64, 64}, a);
  test.arrays[1] = bf16({64, 8}, b);
  for (size_t n = 0; n < 64 * 8; ++n)
    test.results[3][n] = n / 8 % 2 ? 0 : 1;
  expectValues(test);
}

TEST_F(ValueTest, BoxesPastTheEdge) {
  constexpr int64_t kRows = 100, kColumns = 72;
  for (auto [row, column] :
       std::vector<std::pair<int64_t, int64_t>>{{0, 0},
                                                {64, 64},
                                                {-10, 16},
                                                {90, -8},
                                                {-63, -56},
                                                {100, 0},
                                                {0, 72},
                                                {-64, 0},
                                                {INT32_MAX, 0},
                                                {INT32_MIN, 8}}) {
    SCOPED_TRACE(str(row) + ", " + str(column));
    Case test;
    test.parameters =
        "%A: memref<2x?x72xbf16>, %out: memref<64x64xbf16>, %row: "
        "index, %column: index";
    test.before = "%map = cta.tensor_map %A box [1, 64, 64] swizzle 128 : "
                  "memref<2x?x72xbf16>\n";
    test.body = R"(
      %t = cta.buffer "t" at 0 : !tile
      %full = cta.mbarrier "full" count 1 at 8192 : !b1
      cta.mbarrier_init %full : !b1
      cta.mbarrier_init_fence
      cta.sync
      cta.role "one" warps 4 registers 216 {
        cta.arrive_expect %full[%i0] bytes 8192 : !b1
        cta.copy_async %A[%c1, %row, %column] to %t map %map signals %full[%i0] : !b1 : memref<2x?x72xbf16>, !tile
        cta.mbarrier_wait %full[%i0] parity %i0 : !b1
        %x = cta.load_shared %t : !tile -> !bf
        tile.store %x, %out[%c0, %c0] : !bf, memref<64x64xbf16>
      }
    )";
    Doubles a = makeValues(2 * kRows * kColumns);
    test.arrays = {bf16({2, kRows, kColumns}, a),
                   bf16({64, 64}, Doubles(64 * 64, interp::kNaN))};
    test.scalars = {interp::index(row), interp::index(column)};
    for (int64_t r = row; r < row + 64; ++r)
      for (int64_t c = column; c < column + 64; ++c)
        test.results[1].push_back(
            r < 0 || r >= kRows || c < 0 || c >= kColumns
                ? 0
                : a[static_cast<size_t>((kRows + r) * kColumns + c)]);
    expectValues(test);
    if (row || column)
      continue;
    // A box starts at 16 bytes in its last dimension, and anywhere else in the
    // others.
    test.scalars[1] = interp::index(4);
    expectWrong(test, {{"expected a box that starts at a multiple of 16 bytes "
                        "in its last dimension, got byte 8"},
                       "cta.copy_async",
                       "one"});
  }
}

TEST_F(ValueTest, EveryLayoutHoldsEveryType) {
  struct Kind {
    const char *name;
    ElementType type;
  };
  for (Kind kind :
       {Kind{"bf16", ElementType::BF16}, Kind{"f32", ElementType::F32},
        Kind{"i32", ElementType::I32}, Kind{"i1", ElementType::I1},
        Kind{"f16", ElementType::F16}, Kind{"f8E4M3FN", ElementType::F8E4M3FN}})
    for (int64_t swizzle : {0, 128}) {
      SCOPED_TRACE(std::string(kind.name) + ", swizzle " + str(swizzle));
      // Stored by rows, read back as a whole and through a view of rows.
      std::string element = kind.name;
      std::string layout =
          "#cta.shared_layout<swizzle = " + str(swizzle) + ", rows = 64>";
      auto buffer = [&](int64_t rows) {
        return "!cta.buffer<" + str(rows) + "x128x" + element + ", " + layout +
               ">";
      };
      auto tensor = [&](int64_t rows) {
        return "tensor<" + str(rows) + "x128x" + element +
               ", #cta.layout<acc>>";
      };
      auto memref = [&](int64_t rows) {
        return "memref<" + str(rows) + "x128x" + element + ">";
      };
      Case test;
      test.parameters = "%X: " + memref(64) + ", %out: " + memref(64) +
                        ", %part: " + memref(16);
      test.body = llvm::formatv(
          R"(
        %t = cta.buffer "t" at 1024 : {0}
        %bar = cta.named_barrier "bar" id 1 threads 128
        cta.role "one" warps 4 registers 216 {{
          %x = tile.load %X[%c0, %c0] : {1} -> {2}
          cta.store_shared %x to %t : {2}, {0}
          cta.named_sync %bar
          %y = cta.load_shared %t : {0} -> {2}
          tile.store %y, %out[%c0, %c0] : {2}, {1}
          %v = cta.view %t [40, 0] : {0} -> {3}
          %z = cta.load_shared %v : {3} -> {4}
          tile.store %z, %part[%c0, %c0] : {4}, {5}
        })",
          buffer(64), memref(64), tensor(64), buffer(16), tensor(16),
          memref(16));
      Doubles x = makeValues(64 * 128);
      if (kind.type == ElementType::I1)
        for (double &value : x)
          value = value > 0 ? -1 : 0;
      test.arrays = {Array(kind.type, {64, 128}, x),
                     Array(kind.type, {64, 128}, 1),
                     Array(kind.type, {16, 128}, 1)};
      test.results[1] = x;
      test.results[2].assign(x.begin() + 40 * 128, x.begin() + 56 * 128);
      expectValues(test);
    }
}

/// Rows of e4m3 through a swizzled slot, widened to bf16: by TMA, and gathered,
/// of which the last are none.
TEST_F(ValueTest, RowsOfBytes) {
  constexpr int64_t kRows = 100, kColumns = 128;
  const std::string fill[] = {
      R"(
        cta.arrive_expect %full[%i0] bytes 8192 : !b1
        cta.copy_async %A[%c2, %c0] to %t map %map signals %full[%i0] : !b1 : memref<100x128xf8E4M3FN>, !bytes)",
      R"(
        %rows = tile.load %indices[%c0] : memref<64xi32> -> tensor<64xi32, #cta.layout<gather>>
        cta.gather_async %A[%rows] [%c0] to %t : memref<100x128xf8E4M3FN>, tensor<64xi32, #cta.layout<gather>>, !bytes
        cta.arrive_copies %full[%i0] : !b1)"};
  for (bool gather : {false, true}) {
    SCOPED_TRACE(gather ? "gathered" : "copied");
    Case test;
    test.parameters = "%A: memref<100x128xf8E4M3FN>, %indices: memref<64xi32>, "
                      "%out: memref<64x128xbf16>";
    test.before = "%map = cta.tensor_map %A box [64, 128] swizzle 128 : "
                  "memref<100x128xf8E4M3FN>\n";
    test.body = R"(
      %t = cta.buffer "t" at 0 : !bytes
      %full = cta.mbarrier "full" count )" +
                std::string(gather ? "128" : "1") + R"( at 8192 : !b1
      cta.mbarrier_init %full : !b1
      cta.mbarrier_init_fence
      cta.sync
      cta.role "one" warps 4 registers 216 {)" +
                fill[gather] + R"(
        cta.mbarrier_wait %full[%i0] parity %i0 : !b1
        %x = cta.load_shared %t : !bytes -> tensor<64x128xf8E4M3FN, #cta.layout<acc>>
        %y = arith.extf %x : tensor<64x128xf8E4M3FN, #cta.layout<acc>> to tensor<64x128xbf16, #cta.layout<acc>>
        tile.store %y, %out[%c0, %c0] : tensor<64x128xbf16, #cta.layout<acc>>, memref<64x128xbf16>
      })";
    size_t at = 0;
    constexpr llvm::StringLiteral kBytes =
        "!cta.buffer<64x128xf8E4M3FN, #cta.shared_layout<swizzle = 128, rows = "
        "64>>";
    while ((at = test.body.find("!bytes")) != std::string::npos)
      test.body.replace(at, 6, kBytes.str());
    Doubles a = makeValues(kRows * kColumns), indices(64);
    // The least and the largest magnitude.
    a[2 * kColumns] = 0x1p-9;
    a[2 * kColumns + 1] = -448;
    for (int64_t row = 0; row < 64; ++row)
      indices[row] = row < 60 ? static_cast<double>((2 + 7 * row) % kRows)
                              : (row % 2 ? -1 : kRows);
    for (int64_t row = 0; row < 64; ++row) {
      auto from = static_cast<int64_t>(gather ? indices[row] : 2 + row);
      for (int64_t c = 0; c < kColumns; ++c)
        test.results[2].push_back(
            from < 0 || from >= kRows
                ? 0
                : a[static_cast<size_t>(from * kColumns + c)]);
    }
    test.arrays = {Array(ElementType::F8E4M3FN, {kRows, kColumns}, a),
                   Array(ElementType::I32, {64}, indices),
                   bf16({64, 128}, Doubles(64 * 128, interp::kNaN))};
    expectValues(test);
  }
}

TEST_F(ValueTest, CopiesAndLoadsAgreeOnSwizzles) {
  // A tile that TMA has swizzled, read without a swizzle, shows where its
  // chunks lie.
  constexpr int64_t swizzle = 128, columns = swizzle / 2;
  std::string shape = "64x" + str(columns) + "xbf16";
  std::string swizzled = "!cta.buffer<" + shape +
                         ", #cta.shared_layout<swizzle = " + str(swizzle) +
                         ", rows = 64>>",
              plain = "!cta.buffer<" + shape + ", #dense>",
              tensor = "tensor<" + shape + ", #cta.layout<acc>>";
  Case test;
  test.parameters = "%A: memref<" + shape + ">, %out: memref<" + shape + ">";
  test.before = "%map = cta.tensor_map %A box [64, " + str(columns) +
                "] swizzle " + str(swizzle) + " : memref<" + shape + ">\n";
  test.body = llvm::formatv(
      R"(
      %t = cta.buffer "t" at 1024 : {0}
      %p = cta.buffer "p" aliases %t[0] : {0} : {1}
      %full = cta.mbarrier "full" count 1 at 0 : !b1
      cta.mbarrier_init %full : !b1
      cta.mbarrier_init_fence
      cta.sync
      cta.role "one" warps 4 registers 216 {{
        cta.arrive_expect %full[%i0] bytes {2} : !b1
        cta.copy_async %A[%c0, %c0] to %t map %map signals %full[%i0] : !b1 : memref<{3}>, {0}
        cta.mbarrier_wait %full[%i0] parity %i0 : !b1
        %x = cta.load_shared %p : {1} -> {4}
        tile.store %x, %out[%c0, %c0] : {4}, memref<{3}>
      })",
      swizzled, plain, 64 * swizzle, shape, tensor);
  Doubles a = makeValues(64 * columns);
  for (size_t n = 0; n < a.size(); ++n)
    a[n] = static_cast<double>(n % 256);
  test.arrays = {bf16({64, columns}, a),
                 bf16({64, columns}, Doubles(a.size(), interp::kNaN))};
  // PTX ISA, tables of the swizzle modes: the 16-byte chunk c of line l of 128
  // bytes goes to c xor l mod 8.
  Doubles &out = test.results[1];
  out.resize(a.size());
  for (int64_t n = 0; n < 64 * columns; ++n) {
    int64_t byte = n * 2, line = byte / 128, chunk = byte % 128 / 16;
    int64_t mask = line % (swizzle / 16);
    int64_t to = line * 128 + (chunk ^ mask) * 16 + byte % 16;
    out[to / 2] = a[n];
  }
  expectValues(test);
}
