//===- CombineProblem.h - arguments of combine and its results --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TEST_UNIT_HARNESS_COMBINEPROBLEM_H
#define MLA_TEST_UNIT_HARNESS_COMBINEPROBLEM_H

#include "Sample.h"

#include "mla/Harness/OperatorHost.h"

#include <cmath>

namespace mla::harness::combine_test {

inline mla::runtime::KernelDescriptor
combineDescriptor(const mla::runtime::OperatorOptions &options = {},
                  mlaDType partials = MLA_F32, mlaDType out = MLA_BF16) {
  mla::runtime::KernelDescriptor d;
  d.kernels.emplace_back().symbol = d.operatorName = "combine";
  d.options = options;
  addTensor(d, "partial_out", partials, {"splits", "rows", "d_v"});
  addTensor(d, "partial_lse", MLA_F32, {"splits", "rows"});
  addTensor(d, "num_splits", MLA_I32, {"rows"});
  d.arguments.back().optional = true;
  addTensor(d, "out", out, {"rows", "d_v"}, MLA_WRITE);
  addTensor(d, "lse", MLA_F32, {"rows"}, MLA_WRITE);
  return d;
}

/// Arguments of combine and their expected outputs.
struct Problem {
  mla::runtime::KernelDescriptor descriptor;
  std::vector<HostArgument> arguments;
  std::vector<ExpectedOutput> expected;

  Problem(int64_t splits, int64_t rows, int64_t columns,
          const InputOptions &inputs = {},
          mla::runtime::KernelDescriptor d = combineDescriptor())
      : descriptor(std::move(d)) {
    Sizes sizes = {{"splits", splits}, {"rows", rows}, {"d_v", columns}};
    Status status = makeArguments(descriptor, sizes, inputs, arguments);
    EXPECT_TRUE(status.ok()) << status.message();
    compute();
  }

  void compute() {
    Status status = findReference(descriptor)(arguments, expected);
    EXPECT_TRUE(status.ok()) << status.message();
    EXPECT_EQ(expected.size(), 2u);
  }

  HostTensor &tensor(const char *name) { return tensorOf(arguments, name); }
  int64_t rows() { return tensor("out").shape[0]; }
  int64_t columns() { return tensor("out").shape[1]; }
  int64_t splits() { return tensor("partial_lse").shape[0]; }
  double partialLse(int64_t split, int64_t row) {
    return tensor("partial_lse").get(split * rows() + row);
  }
  double partialOut(int64_t split, int64_t row, int64_t column) {
    HostTensor &partial = tensor("partial_out");
    return partial.get(
        partial.offsetOf((split * rows() + row) * columns() + column));
  }
  int64_t counted(int64_t row) {
    double count = tensor("num_splits").get(row);
    return static_cast<int64_t>(
        std::fmin(std::fmax(count, 0), static_cast<double>(splits())));
  }
  double out(int64_t row, int64_t column = 0) {
    return expected[0].values[row * columns() + column];
  }
  double lse(int64_t row) { return expected[1].values[row]; }
};

/// One row of three splits, of which two are valid: lse 0 and ln 3, out 4
/// and 8.
inline Problem tiny(const mla::runtime::OperatorOptions &options = {}) {
  Problem problem(3, 1, 1, {}, combineDescriptor(options));
  problem.tensor("num_splits").set(0, 2);
  const double lse[] = {0, std::log(3.0), NAN}, out[] = {4, 8, NAN};
  for (int split = 0; split < 3; ++split) {
    problem.tensor("partial_lse").set(split, lse[split]);
    problem.tensor("partial_out").set(split, out[split]);
  }
  problem.compute();
  return problem;
}

inline constexpr double kTight = 1e-6; // ln 3 is rounded to fp32

} // namespace mla::harness::combine_test

#endif // MLA_TEST_UNIT_HARNESS_COMBINEPROBLEM_H
