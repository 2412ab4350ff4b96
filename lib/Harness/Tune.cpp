//===- Tune.cpp - find the fastest of several kernels ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Harness/Tune.h"
#include "Cases.h"
#include "mla/Harness/Progress.h"

#include <cmath>
#include <exception>

using namespace mla::runtime;

namespace mla::harness {

namespace {

/// Several tiles, the last one not full.
constexpr int64_t kCheckedSize = 200;

Sizes cutDown(Sizes sizes) {
  for (auto &[name, size] : sizes)
    size = std::min(size, kCheckedSize);
  return sizes;
}

/// Poison and invalid entries as `run` has them by default, unlike the inputs
/// that are timed.
ToolOptions checkOptions(const ToolOptions &options) {
  ToolOptions check;
  check.check = true;
  check.inputs.seed = options.inputs.seed;
  check.inputs.scale = options.inputs.scale;
  check.inputs.magnitude = options.inputs.magnitude;
  check.inputs.extremes = options.inputs.extremes;
  return check;
}

Status checkCandidate(const GpuContext &context, const ToolOptions &options,
                      Candidate &candidate) {
  Executor executor = gpuExecutor(context, candidate.subject);
  for (const Sizes &sizes : options.cases) {
    RunReport report;
    MLA_RETURN_IF_ERROR(runCase(candidate.subject, executor,
                                checkOptions(options), cutDown(sizes), report)
                            .within(candidate.subject.label));
    for (const CheckResult &output : report.outputs)
      if (!output.pass && !candidate.wrong) {
        candidate.wrong = true;
        candidate.skipped = "output '" + output.name + "' is wrong at " +
                            sizesText(report.sizes) + ": " + output.message;
      }
  }
  return Status();
}

Status timeCandidates(const GpuContext &context, ToolOptions options,
                      const Sizes &sizes, std::vector<Candidate> &candidates) {
  options.modes = {Mode::BackToBack, Mode::Gap};
  std::vector<Candidate *> left;
  std::vector<Subject> subjects;
  for (Candidate &candidate : candidates)
    if (candidate.skipped.empty()) {
      left.push_back(&candidate);
      subjects.push_back(candidate.subject);
    }
  if (left.empty())
    return invalidArgument("expected a candidate that can be timed, got none");
  std::vector<BenchReport> reports;
  MLA_RETURN_IF_ERROR(benchCase(context, subjects, options, sizes, reports));
  for (size_t i = 0; i < left.size(); ++i)
    left[i]->times.push_back(
        {reports[2 * i].medianMs, reports[2 * i + 1].medianMs});
  return Status();
}

} // namespace

double Candidate::meanMs() const {
  double sum = 0;
  for (const CandidateTimes &one : times)
    sum += std::log(one.backToBackMs);
  return std::exp(sum / static_cast<double>(times.size()));
}

Status tuneCandidates(const GpuContext &context, const ToolOptions &options,
                      std::vector<Candidate> &candidates) {
  // Memory that the sizes ask for may not be there.
  try {
    WorkProgress progress("tuning");
    for (Candidate &candidate : candidates)
      if (candidate.skipped.empty()) {
        progress.update(": checking " + candidate.subject.label);
        MLA_RETURN_IF_ERROR(checkCandidate(context, options, candidate));
      }
    for (const Sizes &sizes : options.cases) {
      progress.update(": timing " + sizesText(sizes));
      MLA_RETURN_IF_ERROR(timeCandidates(context, options, sizes, candidates));
    }
  } catch (const std::exception &error) {
    return Status(MLA_OUT_OF_MEMORY, error.what());
  }
  return Status();
}

const Candidate *findFastest(const std::vector<Candidate> &candidates) {
  const Candidate *best = nullptr;
  for (const Candidate &candidate : candidates)
    if (candidate.skipped.empty() &&
        (!best || candidate.meanMs() < best->meanMs()))
      best = &candidate;
  return best;
}

} // namespace mla::harness
