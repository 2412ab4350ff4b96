//===- Host.cpp - plain attention in the harness --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Hand-written tile programs of attention have no mla operator. A program whose
// operator name is `dense_attention`, `dense_attention_causal` or
// `dense_attention_soft_cap` is checked against this reference.
//
//===----------------------------------------------------------------------===//

#include "mla/Harness/Operands.h"
#include "mla/Harness/OperatorHost.h"
#include "mla/Harness/Parallel.h"
#include "mla/Harness/Tolerances.h"
#include "mla/Operators/Flops.h"
#include <algorithm>

namespace mla::harness {

namespace {

/// q [heads, s_q, d], k [heads, s_kv, d], v [heads, s_kv, d_v] as doubles.
struct Operand {
  std::vector<double> values;
  int64_t heads = 0, rows = 0, columns = 0;

  const double *row(int64_t head, int64_t row) const {
    return values.data() + (head * rows + row) * columns;
  }
};

Status readOperand(const Operands &operands, const char *name, Operand &out) {
  const HostTensor *tensor = nullptr;
  MLA_RETURN_IF_ERROR(operands.need(name, 3, 3, tensor));
  out.heads = tensor->shape[0];
  out.rows = tensor->shape[1];
  out.columns = tensor->shape[2];
  out.values.resize(tensor->elements());
  for (int64_t i = 0; i < tensor->elements(); ++i)
    out.values[i] = tensor->get(tensor->offsetOf(i));
  return Status();
}

/// Which attention a program computes.
struct Variant {
  const char *name, *summary;
  /// The logits are tanh(scale q k^T).
  bool softCap = false;
  /// Query i attends to key j iff j <= i + s_kv - s_q.
  bool causal = false;

  /// The number of keys that query `row` attends to, the first ones.
  int64_t countKeys(int64_t row, int64_t numQueries, int64_t numKeys) const {
    return causal
               ? std::clamp<int64_t>(row + 1 + numKeys - numQueries, 0, numKeys)
               : numKeys;
  }
};

/// The norm of each row of an operand.
std::vector<double> rowNorms(const Operand &operand) {
  std::vector<double> norms(operand.heads * operand.rows);
  for (size_t i = 0; i < norms.size(); ++i)
    norms[i] = norm(operand.row(0, static_cast<int64_t>(i)), operand.columns);
  return norms;
}

/// out = softmax(scale q k^T) v for q [heads, s_q, d], k [heads, s_kv, d], v
/// [heads, s_kv, d_v], and lse [heads, s_q] if the kernel has that output. A
/// query without keys has out 0 and lse -inf.
Status computeReference(const runtime::KernelDescriptor &kernel,
                        const std::vector<HostArgument> &arguments,
                        const Variant &variant,
                        std::vector<ExpectedOutput> &expected) {
  Operands operands(kernel.operatorName, arguments);
  Operand q, k, v;
  MLA_RETURN_IF_ERROR(readOperand(operands, "q", q));
  MLA_RETURN_IF_ERROR(readOperand(operands, "k", k));
  MLA_RETURN_IF_ERROR(readOperand(operands, "v", v));
  double scale = 0;
  MLA_RETURN_IF_ERROR(findScale(arguments, kernel.constants, scale)
                          .within(kernel.operatorName));
  // The kernel rounds the weights to the type of V.
  mlaDType dtype = findArgument(arguments, "v")->tensor.dtype;
  std::vector<double> out(q.heads * q.rows * v.columns);
  std::vector<double> lse(q.heads * q.rows);
  std::vector<double> outAbsolute(lse.size()), lseAbsolute(lse.size());
  std::vector<double> kNorms = rowNorms(k), vNorms = rowNorms(v);
  parallelFor(q.heads * q.rows, 8, [&](int64_t begin, int64_t end) {
    std::vector<double> weights(k.rows);
    for (int64_t item = begin; item < end; ++item) {
      int64_t head = item / q.rows;
      const double *query = q.row(head, item % q.rows);
      double most = -std::numeric_limits<double>::infinity(), sum = 0;
      double kNorm = 0, vSize = 0, totalSize = 0;
      int64_t keys = variant.countKeys(item % q.rows, q.rows, k.rows);
      for (int64_t key = 0; key < keys; ++key) {
        double dot = 0;
        for (int64_t d = 0; d < q.columns; ++d)
          dot += query[d] * k.row(head, key)[d];
        weights[key] = variant.softCap ? std::tanh(scale * dot) : scale * dot;
        most = std::max(most, weights[key]);
        kNorm = std::max(kNorm, kNorms[head * k.rows + key]);
      }
      for (int64_t key = 0; key < keys; ++key)
        sum += weights[key] = std::exp(weights[key] - most);
      double *result = out.data() + item * v.columns;
      for (int64_t key = 0; key < keys; ++key) {
        for (int64_t d = 0; d < v.columns; ++d)
          result[d] += weights[key] / sum * v.row(head, key)[d];
        double size = vNorms[head * k.rows + key];
        vSize += weights[key] / sum * size;
        totalSize += size / std::sqrt(static_cast<double>(v.columns));
      }
      lse[item] = most + std::log(sum);
      double error = scoreError(scale, norm(query, q.columns), kNorm);
      outAbsolute[item] = outTolerance(
          dtype, error, vSize / std::sqrt(static_cast<double>(v.columns)),
          keys ? totalSize / sum : 0);
      lseAbsolute[item] = statTolerance(error);
    }
  });
  addExpected(
      arguments,
      {"out", std::move(out), getOutTolerance(dtype), std::move(outAbsolute)},
      expected);
  addExpected(arguments,
              {"lse", std::move(lse), kStatTolerance, std::move(lseAbsolute)},
              expected);
  return Status();
}

class DenseAttentionHost : public OperatorHost {
public:
  explicit DenseAttentionHost(const Variant &variant)
      : OperatorHost({variant.name,
                      variant.summary,
                      /*options=*/{},
                      {{"heads", 128}, {"s_q", 4096}, {"s_kv", 4096}},
                      /*extremes=*/{},
                      /*bytesNote=*/""}),
        variant(variant) {}

  Status reference(const runtime::KernelDescriptor &kernel,
                   const std::vector<HostArgument> &arguments,
                   std::vector<ExpectedOutput> &expected) const override {
    return computeReference(kernel, arguments, variant, expected);
  }

  double flops(const runtime::KernelDescriptor &,
               const std::vector<HostArgument> &arguments) const override {
    Operands operands(info.name, arguments);
    const HostTensor *q = nullptr, *k = nullptr, *v = nullptr;
    if (!operands.need("q", 3, 3, q).ok() ||
        !operands.need("k", 3, 3, k).ok() || !operands.need("v", 3, 3, v).ok())
      return 0;
    double pairs = 0;
    for (int64_t row = 0; row < q->shape[1]; ++row)
      pairs +=
          static_cast<double>(variant.countKeys(row, q->shape[1], k->shape[1]));
    pairs *= static_cast<double>(q->shape[0]);
    return countAttentionFlops(pairs, q->shape[2], v->shape[2]);
  }

private:
  Variant variant;
};

constexpr Variant kVariants[] = {
    {"dense_attention", "attention over all KV rows"},
    {"dense_attention_causal", "attention over the KV rows up to the query's",
     /*softCap=*/false, /*causal=*/true},
    {"dense_attention_soft_cap",
     "attention over all KV rows, with tanh of the scores", /*softCap=*/true},
};

} // namespace

void addDenseAttentionHosts(OperatorHosts &hosts) {
  for (const Variant &variant : kVariants)
    hosts.push_back(std::make_unique<DenseAttentionHost>(variant));
}

} // namespace mla::harness
