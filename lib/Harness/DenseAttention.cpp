//===- DenseAttention.cpp - reference of plain attention --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Attention written by hand as a tile program has no mla operator; programs
// that call themselves `dense_attention` are checked against this.
//
//===----------------------------------------------------------------------===//

#include "Tolerances.h"
#include "mla/Harness/Parallel.h"

#include <algorithm>
#include <cmath>
#include <limits>

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

Status readOperand(const std::vector<HostArgument> &arguments,
                   const std::string &name, Operand &out) {
  const HostArgument *argument = findArgument(arguments, name);
  if (!argument || !argument->isTensor || argument->tensor.rank() != 3)
    return runtime::invalidArgument("argument '" + name +
                                    "': expected a tensor of rank 3");
  const HostTensor &tensor = argument->tensor;
  out.heads = tensor.shape[0];
  out.rows = tensor.shape[1];
  out.columns = tensor.shape[2];
  out.values.resize(tensor.elements());
  for (int64_t i = 0; i < tensor.elements(); ++i)
    out.values[i] = tensor.get(tensor.offsetOf(i));
  return Status();
}

double norm(const double *values, int64_t count) {
  double squares = 0;
  for (int64_t i = 0; i < count; ++i)
    squares += values[i] * values[i];
  return std::sqrt(squares);
}

/// The norms of an operand's rows.
std::vector<double> rowNorms(const Operand &operand) {
  std::vector<double> norms(operand.heads * operand.rows);
  for (size_t i = 0; i < norms.size(); ++i)
    norms[i] = norm(operand.row(0, static_cast<int64_t>(i)), operand.columns);
  return norms;
}

} // namespace

Status denseAttentionReference(const std::vector<HostArgument> &arguments,
                               bool softCap,
                               std::vector<ExpectedOutput> &expected,
                               const Constants &constants) {
  Operand q, k, v;
  MLA_RETURN_IF_ERROR(readOperand(arguments, "q", q));
  MLA_RETURN_IF_ERROR(readOperand(arguments, "k", k));
  MLA_RETURN_IF_ERROR(readOperand(arguments, "v", v));
  double scale = 0;
  MLA_RETURN_IF_ERROR(findScale(arguments, constants, scale));
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
      double kNorm = 0, vSize = 0;
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
        vSize += weights[key] / sum * vNorms[head * k.rows + key];
      }
      lse[item] = most + std::log(sum);
      double error = scoreError(scale, norm(query, q.columns), kNorm);
      outAbsolute[item] = outTolerance(
          error, vSize / std::sqrt(static_cast<double>(v.columns)));
      lseAbsolute[item] = statTolerance(error);
    }
  });
  expected.clear();
  expected.push_back(
      {"out", std::move(out), kOutTolerance, std::move(outAbsolute)});
  if (findArgument(arguments, "lse"))
    expected.push_back(
        {"lse", std::move(lse), kStatTolerance, std::move(lseAbsolute)});
  return Status();
}

} // namespace mla::harness
