//===- TestSupport.h - simulates cta programs given as text -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A test of a rule has a right program, which must compute its values under
// every timing, and copies of it with one change, which must be reported under
// every timing.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_TEST_UNIT_SIMULATOR_TESTSUPPORT_H
#define MLA_TEST_UNIT_SIMULATOR_TESTSUPPORT_H

#include "../Interpreter/TestSupport.h"
#include "mla/Dialect/CTA/CTA.h"
#include "mla/Simulator/Simulator.h"

namespace mla::sim {

using interp::Array;
using interp::Doubles;
using interp::ElementType;

inline Array bf16(std::vector<int64_t> shape, Doubles values) {
  return Array(ElementType::BF16, std::move(shape), std::move(values));
}

/// Small integers: exact in every element type, as are their sums.
inline Doubles makeValues(size_t count, unsigned seed = 1) {
  Doubles values(count);
  uint32_t state = seed;
  for (double &value : values) {
    state = state * 1664525 + 1013904223;
    value = static_cast<double>(state >> 24 & 7) - 3;
  }
  return values;
}

/// a [m, k] times b [k, n], either stored transposed on request.
inline Doubles multiply(const Doubles &a, const Doubles &b, size_t m, size_t n,
                        size_t k, bool transposeA = false,
                        bool transposeB = false) {
  Doubles c(m * n);
  for (size_t i = 0; i < m; ++i)
    for (size_t j = 0; j < n; ++j)
      for (size_t x = 0; x < k; ++x)
        c[i * n + j] += (transposeA ? a[x * m + i] : a[i * k + x]) *
                        (transposeB ? b[j * k + x] : b[x * n + j]);
  return c;
}

/// The part of `text` with `from`, which occurs once, replaced.
inline std::string replace(std::string text, llvm::StringRef from,
                           llvm::StringRef to) {
  size_t at = text.find(from.str());
  EXPECT_NE(at, std::string::npos) << "not there: " << from.str();
  if (at == std::string::npos)
    return text;
  EXPECT_EQ(text.find(from.str(), at + 1), std::string::npos)
      << "there twice: " << from.str();
  return text.replace(at, from.size(), to.str());
}

/// A function of one grid, its arguments, and their expected values.
struct Case {
  /// The function's parameters; after %c0 to %c3, %c64 (index) and %i0 to %i3
  /// (i32); and the grid's body.
  std::string parameters, before, body;
  std::string grid = "(%cta) in (1)";
  std::string attributes = "cta.verified";
  /// Arrays, then scalars.
  std::vector<Array> arrays;
  std::vector<interp::Argument> scalars;
  /// Values expected, by the array's number.
  std::map<size_t, Doubles> results;

  /// This case with one place of the body, or before it, replaced.
  Case with(llvm::StringRef from, llvm::StringRef to) const {
    Case other = *this;
    bool inBody = body.find(from.str()) != std::string::npos;
    std::string &text = inBody ? other.body : other.before;
    text = replace(text, from, to);
    return other;
  }
  Case without(llvm::StringRef line) const { return with(line, ""); }
  std::string getText() const;
};

/// "load" copies blocks of 64 rows of %A, which is `a`, into a ring of two
/// slots; "math" multiplies each block with its transpose and stores the sum in
/// %out.
Case makeCopyPipeline(Array a);

/// A case that copies X to out, both vectors of 64 elements.
Case makePassing(std::string body);

/// The contents of a report.
struct Blame {
  /// One of these: what is found first may depend on the timing.
  std::vector<std::string> messages;
  /// The op at fault, its role, an op of a note; "" for any.
  std::string op = "", role = "", note = "";
};

/// Messages for a tile that is read too early: before anything has been
/// written, or while it is written. It depends on the timing which comes first.
inline const std::vector<std::string> kNotThere = {
    "without knowing that their last write is done",
    "which nothing has written"};

class SimulatorTest : public ::testing::Test {
protected:
  SimulatorTest();

  bool parse(const std::string &text);
  bool parse(const Case &test) { return parse(test.getText()); }
  /// Simulates what has been parsed.
  bool simulate(std::vector<Array> &arrays,
                llvm::ArrayRef<interp::Argument> scalars,
                const Options &options);

  /// Right under every timing.
  void expectRight(const Case &test);
  /// Reported under every timing.
  void expectWrong(const Case &test, const Blame &blame);
  /// Reported under some timing.
  void expectWrongUnder(const Case &test, const Blame &blame,
                        llvm::ArrayRef<Options> timings);
  void expectBlame(const Blame &blame);

  mlir::MLIRContext context;
  std::vector<std::string> errors, notes;
  mlir::ScopedDiagnosticHandler handler;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

/// Earliest, latest, modelled, and 20 random ones.
std::vector<Options> getTimings();
std::string describe(const Options &options);

} // namespace mla::sim

#endif // MLA_TEST_UNIT_SIMULATOR_TESTSUPPORT_H
