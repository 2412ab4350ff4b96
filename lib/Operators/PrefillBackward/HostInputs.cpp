//===- HostInputs.cpp - generated inputs of the backward of prefill -------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Host.h"

#include "mla/Harness/Operands.h"

#include <cmath>
#include <limits>

using namespace mla::runtime;

namespace mla::harness {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// NaN in an element of one row of each sequence and head, which all others
/// depend on: the last query, which attends to all keys, or the first key,
/// which all queries with keys attend to.
struct NanInput {
  const char *extreme, *tensor, *doc;
  bool isKey;
};
constexpr NanInput kNanInputs[] = {
    {"nan-q", "q", "NaN in the last row of q of each sequence", false},
    {"nan-k", "k", "NaN in the first row of k of each sequence", true},
    {"nan-v", "v", "NaN in the first row of v of each sequence", true},
    {"nan-dout", "dout", "NaN in the last row of dout of each sequence", false},
};

/// The logarithm of the sum of exponentials of `count` normals of that standard
/// deviation, about.
double expectedLse(double count, double deviation) {
  double log = std::log(count), most = std::sqrt(2 * log);
  return deviation <= most ? log + deviation * deviation / 2 : deviation * most;
}

/// Calls `visit` with the row's number, its sequence and the number of keys
/// that it attends to, of all rows of queries that are some sequence's.
template <typename Visit>
void forEachQuery(const PrefillView &view, Visit visit) {
  for (const PrefillSequence &sequence : view.sequences())
    for (int64_t query = 0; query < sequence.queries; ++query)
      for (int64_t head = 0; head < view.heads; ++head)
        visit(view.queryRow(sequence, query, head),
              view.seenKeys(sequence, query));
}

/// Normals in rows of sequences; elsewhere with poison NaN.
void fillRows(HostTensor &tensor, const char *name,
              const std::vector<double> &sizes, const InputOptions &options) {
  uint64_t stream = streamSeed(options.seed, name);
  forEachRow(tensor, [&](int64_t row, int64_t offset) {
    double size = sizes[row];
    fillRow(tensor, row, offset, [&](int64_t i) {
      return std::isnan(size) && !options.poison
                 ? 0
                 : static_cast<float>(randomNormal(stream, i) * size);
    });
  });
}

/// A value for each element of a tensor of rows.
void fillEach(HostTensor &tensor, const std::vector<double> &values,
              const InputOptions &options) {
  for (int64_t i = 0; i < tensor.elements(); ++i)
    tensor.set(tensor.offsetOf(i),
               std::isnan(values[i]) && !options.poison ? 0 : values[i]);
}

Status placeNan(const PrefillView &view, const NanInput &input,
                const InputOptions &options,
                std::vector<HostArgument> &arguments) {
  HostTensor *tensor = nullptr;
  MLA_RETURN_IF_ERROR(
      needGenerated(arguments, options, input.tensor, tensor)
          .within(std::string("extreme '") + input.extreme + "'"));
  uint64_t stream = streamSeed(options.seed, input.extreme);
  int64_t columns = tensor->shape[3];
  for (const PrefillSequence &sequence : view.sequences())
    for (int64_t head = 0; head < tensor->shape[2]; ++head) {
      if (sequence.keys == 0 || sequence.queries == 0)
        continue;
      int64_t row = input.isKey
                        ? view.keyRow(sequence, 0, head)
                        : view.queryRow(sequence, sequence.queries - 1, head);
      int64_t column = randomBelow(stream, row, columns);
      tensor->set(tensor->offsetOf(row * columns + column), kNan);
    }
  return Status();
}

} // namespace

std::vector<Extreme> backwardExtremes() {
  std::vector<Extreme> extremes;
  for (const NanInput &input : kNanInputs)
    extremes.push_back({input.extreme, input.doc});
  return extremes;
}

Status fillBackward(const KernelDescriptor &kernel, const InputOptions &options,
                    std::vector<HostArgument> &arguments) {
  InputOptions plain = options;
  plain.extremes.clear();
  MLA_RETURN_IF_ERROR(fillPrefill(kernel, plain, arguments));
  BackwardView view;
  MLA_RETURN_IF_ERROR(BackwardView::create(arguments, kernel.options, view));
  const PrefillView &forward = view.forward;
  double scale = 0;
  MLA_RETURN_IF_ERROR(findScale(arguments, kernel.constants, scale)
                          .within(kernel.operatorName));
  int64_t rows = forward.batches * forward.sQ * forward.heads;
  std::vector<double> lse(rows, kNan), outSizes(rows, kNan),
      gradientSizes(rows, kNan);
  double deviation = scale * options.magnitude * options.magnitude *
                     std::sqrt(static_cast<double>(forward.q->shape[3]));
  bool isNegative = false;
  forEachQuery(forward, [&](int64_t row, int64_t keys) {
    gradientSizes[row] = options.magnitude;
    auto count = static_cast<double>(keys);
    outSizes[row] = keys ? options.magnitude / std::sqrt(count) : 0;
    // Both marks of a query without keys.
    isNegative = !isNegative;
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    lse[row] = keys ? expectedLse(count, deviation) / view.natPerLse
                    : (isNegative ? -kInfinity : kInfinity);
  });
  auto generated = [&](const char *name) {
    return findGenerated(arguments, options, name);
  };
  if (HostTensor *out = generated("out"))
    fillRows(*out, "out", outSizes, options);
  if (HostTensor *dout = generated("dout"))
    fillRows(*dout, "dout", gradientSizes, options);
  if (HostTensor *tensor = generated("lse"))
    fillEach(*tensor, lse, options);
  if (HostTensor *dlse = generated("dlse")) {
    uint64_t stream = streamSeed(options.seed, "dlse");
    for (int64_t row = 0; row < rows; ++row)
      gradientSizes[row] *= randomNormal(stream, row);
    fillEach(*dlse, gradientSizes, options);
  }
  for (const NanInput &input : kNanInputs)
    if (options.extremes.count(input.extreme))
      MLA_RETURN_IF_ERROR(placeNan(forward, input, options, arguments));
  return Status();
}

} // namespace mla::harness
