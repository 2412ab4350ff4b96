//===- PrefillBackwardTest.cpp - the reference of prefill's gradients -----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Sample.h"

#include "mla/Harness/OperatorHost.h"

#include <cmath>
#include <functional>
#include <limits>

using namespace mla::harness;

namespace {

mla::runtime::KernelDescriptor
backwardDescriptor(const mla::runtime::OperatorOptions &options) {
  mla::runtime::KernelDescriptor d;
  d.kernels.emplace_back().symbol = d.operatorName = "prefill_backward";
  d.options = options;
  // f32, so that out and lse are as exact as the test needs them.
  addTensor(d, "q", MLA_F32, {"b", "s_q", "h_q", "d_qk"});
  addTensor(d, "k", MLA_F32, {"b", "s_kv", "h_kv", "d_qk"});
  addTensor(d, "v", MLA_F32, {"b", "s_kv", "h_kv", "d_v"});
  addTensor(d, "out", MLA_F32, {"b", "s_q", "h_q", "d_v"});
  addTensor(d, "dout", MLA_F32, {"b", "s_q", "h_q", "d_v"});
  addTensor(d, "lse", MLA_F32, {"b", "s_q", "h_q"});
  mla::runtime::ArgumentDescriptor scale;
  scale.name = "scale";
  scale.isTensor = false;
  d.arguments.push_back(scale);
  addTensor(d, "dlse", MLA_F32, {"b", "s_q", "h_q"});
  addTensor(d, "dq", MLA_F32, {"b", "s_q", "h_q", "d_qk"}, MLA_WRITE);
  addTensor(d, "dk", MLA_F32, {"b", "s_kv", "h_kv", "d_qk"}, MLA_WRITE);
  addTensor(d, "dv", MLA_F32, {"b", "s_kv", "h_kv", "d_v"}, MLA_WRITE);
  return d;
}

constexpr int64_t kQueries = 4, kKeys = 3, kHeads = 2, kDepth = 3, kWidth = 2;
constexpr double kScale = 0.5;

/// One batch of kQueries queries and kKeys keys, two query heads per KV head;
/// with a causal mask the first query has no key.
class Problem {
public:
  explicit Problem(const mla::runtime::OperatorOptions &options)
      : descriptor(backwardDescriptor(options)),
        isCausal(options.count("causal")),
        unit(options.count("lse_base") ? std::log(2.0) : 1) {
    InputOptions inputs;
    inputs.scale = kScale;
    inputs.poison = false;
    inputs.magnitude = 1;
    Sizes sizes{{"b", 1},        {"s_q", kQueries}, {"s_kv", kKeys},
                {"h_q", kHeads}, {"h_kv", 1},       {"d_qk", kDepth},
                {"d_v", kWidth}};
    Status status = makeArguments(descriptor, sizes, inputs, arguments);
    EXPECT_TRUE(status.ok()) << status.message();
    for (const char *name : {"q", "k", "v"})
      read(name, values[name]);
    std::vector<double> out, lse;
    attend(out, lse);
    write("out", out);
    write("lse", lse);
    status = findReference(descriptor)(arguments, expected);
    EXPECT_TRUE(status.ok()) << status.message();
  }

  HostTensor &tensor(const char *name) { return tensorOf(arguments, name); }
  const ExpectedOutput &gradient(const std::string &name) const {
    for (const ExpectedOutput &output : expected)
      if (output.name == name)
        return output;
    return expected.front();
  }

  /// The derivative of sum(out * dout) + sum(lse * dlse) by differences.
  double differentiate(const char *name, size_t element) {
    constexpr double kStep = 1e-4;
    double &value = values[name][element], before = value;
    value = before + kStep;
    double above = loss();
    value = before - kStep;
    double below = loss();
    value = before;
    return (above - below) / (2 * kStep);
  }

private:
  void read(const char *name, std::vector<double> &to) {
    const HostTensor &from = tensor(name);
    for (int64_t i = 0; i < from.elements(); ++i)
      to.push_back(from.get(from.offsetOf(i)));
  }
  void write(const char *name, const std::vector<double> &from) {
    HostTensor &to = tensor(name);
    for (int64_t i = 0; i < to.elements(); ++i)
      to.set(to.offsetOf(i), from[i]);
  }
  int64_t seen(int64_t query) const {
    return isCausal ? std::max<int64_t>(0, query + 1 + kKeys - kQueries)
                    : kKeys;
  }

  void attend(std::vector<double> &out, std::vector<double> &lse) {
    out.assign(kQueries * kHeads * kWidth, 0);
    lse.assign(kQueries * kHeads, std::numeric_limits<double>::infinity());
    for (int64_t row = 0; row < kQueries * kHeads; ++row) {
      double sum = 0;
      for (int64_t key = 0; key < seen(row / kHeads); ++key) {
        double score = 0;
        for (int64_t d = 0; d < kDepth; ++d)
          score += kScale * values["q"][row * kDepth + d] *
                   values["k"][key * kDepth + d];
        sum += std::exp(score);
        for (int64_t c = 0; c < kWidth; ++c)
          out[row * kWidth + c] +=
              std::exp(score) * values["v"][key * kWidth + c];
      }
      if (sum == 0)
        continue;
      lse[row] = std::log(sum) / unit;
      for (int64_t c = 0; c < kWidth; ++c)
        out[row * kWidth + c] /= sum;
    }
  }

  double loss() {
    std::vector<double> out, lse, dout, dlse;
    attend(out, lse);
    read("dout", dout);
    read("dlse", dlse);
    double sum = 0;
    for (size_t i = 0; i < out.size(); ++i)
      sum += out[i] * dout[i];
    for (size_t i = 0; i < lse.size(); ++i)
      if (std::isfinite(lse[i]))
        sum += lse[i] * dlse[i];
    return sum;
  }

  mla::runtime::KernelDescriptor descriptor;
  bool isCausal;
  double unit;
  std::vector<HostArgument> arguments;
  std::vector<ExpectedOutput> expected;
  std::map<std::string, std::vector<double>> values;
};

void expectDerivatives(const mla::runtime::OperatorOptions &options) {
  Problem problem(options);
  for (const char *name : {"q", "k", "v"}) {
    const ExpectedOutput &output = problem.gradient(std::string("d") + name);
    ASSERT_EQ(output.name, std::string("d") + name);
    for (size_t i = 0; i < output.values.size(); ++i)
      EXPECT_NEAR(output.values[i], problem.differentiate(name, i), 2e-6)
          << output.name << " " << i;
  }
}

TEST(PrefillBackward, GradientsAreDerivatives) { expectDerivatives({}); }

TEST(PrefillBackward, CausalWithAQueryWithoutKeys) {
  expectDerivatives({{"causal", "yes"}});
}

TEST(PrefillBackward, LseInBase2) {
  expectDerivatives({{"causal", "yes"}, {"lse_base", "2"}});
}

TEST(PrefillBackward, TolerancesAreSmallBesideTheGradients) {
  Problem problem({{"causal", "yes"}});
  for (const char *name : {"dq", "dk", "dv"}) {
    const ExpectedOutput &output = problem.gradient(name);
    double size = 0, tolerance = 0;
    for (size_t i = 0; i < output.values.size(); ++i) {
      size += std::abs(output.values[i]);
      tolerance += output.absoluteAt(i);
    }
    EXPECT_GT(size, 0) << name;
    EXPECT_LT(tolerance, 1e-4 * size) << name;
  }
}

} // namespace
