//===- Host.cpp - plain attention in the harness --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Hand-written tile programs of attention have no mla operator. A program whose
// operator name is `dense_attention` is checked against this reference.
//
//===----------------------------------------------------------------------===//

#include "mla/Harness/Operands.h"
#include "mla/Harness/OperatorHost.h"
#include "mla/Harness/Parallel.h"
#include "mla/Harness/Tolerances.h"
#include "mla/Operators/Flops.h"

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

/// The norm of each row of an operand.
std::vector<double> rowNorms(const Operand &operand) {
  std::vector<double> norms(operand.heads * operand.rows);
  for (size_t i = 0; i < norms.size(); ++i)
    norms[i] = norm(operand.row(0, static_cast<int64_t>(i)), operand.columns);
  return norms;
}

/// out = softmax(scale q k^T) v for q [heads, s_q, d], k [heads, s_kv, d], v
/// [heads, s_kv, d_v], and lse [heads, s_q] if the kernel has that output. With
/// `softCap` the logits are tanh(scale q k^T).
Status computeReference(const runtime::KernelDescriptor &kernel,
                        const std::vector<HostArgument> &arguments,
                        bool softCap, std::vector<ExpectedOutput> &expected) {
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
      for (int64_t key = 0; key < k.rows; ++key) {
        double dot = 0;
        for (int64_t d = 0; d < q.columns; ++d)
          dot += query[d] * k.row(head, key)[d];
        weights[key] = softCap ? std::tanh(scale * dot) : scale * dot;
        most = std::max(most, weights[key]);
        kNorm = std::max(kNorm, kNorms[head * k.rows + key]);
      }
      for (double &weight : weights)
        sum += weight = std::exp(weight - most);
      double *result = out.data() + item * v.columns;
      for (int64_t key = 0; key < k.rows; ++key) {
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
          totalSize / sum);
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
  DenseAttentionHost(const char *name, const char *summary, bool softCap)
      : OperatorHost({name,
                      summary,
                      /*options=*/{},
                      {{"heads", 128}, {"s_q", 4096}, {"s_kv", 4096}},
                      /*extremes=*/{},
                      /*bytesNote=*/""}),
        softCap(softCap) {}

  Status reference(const runtime::KernelDescriptor &kernel,
                   const std::vector<HostArgument> &arguments,
                   std::vector<ExpectedOutput> &expected) const override {
    return computeReference(kernel, arguments, softCap, expected);
  }

  double flops(const runtime::KernelDescriptor &,
               const std::vector<HostArgument> &arguments) const override {
    Operands operands(info.name, arguments);
    const HostTensor *q = nullptr, *k = nullptr, *v = nullptr;
    if (!operands.need("q", 3, 3, q).ok() ||
        !operands.need("k", 3, 3, k).ok() || !operands.need("v", 3, 3, v).ok())
      return 0;
    double pairs = static_cast<double>(q->shape[0]) *
                   static_cast<double>(q->shape[1]) *
                   static_cast<double>(k->shape[1]);
    return countAttentionFlops(pairs, q->shape[2], v->shape[2]);
  }

private:
  bool softCap;
};

} // namespace

void addDenseAttentionHosts(OperatorHosts &hosts) {
  hosts.push_back(std::make_unique<DenseAttentionHost>(
      "dense_attention", "attention over all KV rows", /*softCap=*/false));
  hosts.push_back(std::make_unique<DenseAttentionHost>(
      "dense_attention_soft_cap",
      "attention over all KV rows, with tanh of the scores",
      /*softCap=*/true));
}

} // namespace mla::harness
