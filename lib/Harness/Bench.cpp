//===- Bench.cpp - the command `bench` ------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Report.h"
#include "mla/Harness/Gpu.h"
#include "mla/Harness/Tool.h"

#include <algorithm>
#include <ostream>

using namespace mla::runtime;

namespace mla::harness {

namespace {

constexpr const char *kModes[] = {"b2b", "gap"};

/// A kernel with its arguments on the device, and its samples by mode.
struct Contestant {
  const Subject *subject = nullptr;
  std::unique_ptr<GpuKernel> kernel;
  std::shared_ptr<GpuArguments> arguments;
  double flops = 0;
  Sizes sizes;
  std::vector<double> samples[2];
};

/// What makes two kernels' arguments interchangeable: same operator, names,
/// types and shapes, in the same order.
std::string signatureOf(const Subject &subject,
                        const std::vector<HostArgument> &arguments) {
  std::string text = subject.descriptor.operatorName;
  for (const HostArgument &argument : arguments) {
    text += ";" + argument.name + ":";
    text += dtypeName(argument.isTensor ? argument.tensor.dtype
                                        : argument.scalarType);
    text += std::to_string(argument.access);
    for (int64_t size : argument.tensor.shape)
      text += "," + std::to_string(size);
  }
  return text;
}

/// The kernels side by side at one set of sizes.
class BenchCase {
public:
  BenchCase(const GpuContext &context, const ToolOptions &options)
      : context(context), options(options) {}

  /// Loads the kernels and puts their arguments on the device. Kernels that
  /// take the same arguments share them: less memory, less set-up, same data.
  Status prepare(const std::vector<Subject> &subjects, const Sizes &sizes) {
    std::map<std::string, std::shared_ptr<GpuArguments>> shared;
    for (const Subject &subject : subjects) {
      Contestant &contestant = contestants.emplace_back();
      contestant.subject = &subject;
      contestant.sizes = sizes;
      MLA_RETURN_IF_ERROR(
          GpuKernel::create(context, subject, contestant.kernel));
      std::vector<HostArgument> arguments;
      MLA_RETURN_IF_ERROR(makeArguments(subject.descriptor, contestant.sizes,
                                        options.inputs, arguments)
                              .within(subject.label));
      contestant.flops = countFlops(subject.descriptor.operatorName, arguments);
      auto &slot = shared[signatureOf(subject, arguments)];
      if (!slot) {
        std::unique_ptr<GpuArguments> uploaded;
        MLA_RETURN_IF_ERROR(GpuArguments::create(context, arguments, uploaded));
        slot = std::move(uploaded);
      }
      contestant.arguments = slot;
    }
    return Status();
  }

  /// Times them in turns, so that drift of clocks and temperature meets all.
  /// Each round begins with another one: the first finds a rested chip.
  Status measure() {
    size_t count = contestants.size();
    for (int round = 0; round < options.rounds; ++round)
      for (int mode = 0; mode < 2; ++mode)
        for (size_t n = 0; n < count; ++n)
          MLA_RETURN_IF_ERROR(measure(
              contestants[(n + static_cast<size_t>(round)) % count], mode));
    return Status();
  }

  void report(std::vector<BenchReport> &reports) const {
    for (const Contestant &contestant : contestants)
      for (int mode = 0; mode < 2; ++mode) {
        std::vector<double> samples = contestant.samples[mode];
        std::sort(samples.begin(), samples.end());
        size_t count = samples.size();
        BenchReport &report = reports.emplace_back();
        report.package = contestant.subject->label;
        report.kernel = contestant.subject->descriptor.kernel;
        report.device = context.deviceName();
        report.mode = kModes[mode];
        report.sizes = contestant.sizes;
        report.samples = static_cast<int>(count);
        report.medianMs = (samples[(count - 1) / 2] + samples[count / 2]) / 2;
        report.minMs = samples.front();
        report.flops = contestant.flops;
      }
  }

private:
  /// One kernel's launches of one round and mode, after some that do not count.
  Status measure(Contestant &contestant, int mode) {
    double gapMs = mode == 0 ? 0 : options.gapMs;
    std::vector<double> ignored;
    MLA_RETURN_IF_ERROR(contestant.kernel->time(*contestant.arguments,
                                                options.warmup, 0, ignored));
    return contestant.kernel->time(*contestant.arguments, options.iterations,
                                   gapMs, contestant.samples[mode]);
  }

  const GpuContext &context;
  const ToolOptions &options;
  std::vector<Contestant> contestants;
};

} // namespace

int benchSubjects(const std::vector<Subject> &subjects,
                  const ToolOptions &options, std::ostream &out,
                  std::ostream &err) {
  auto fail = [&](const Status &status) {
    err << "error: " << status.message() << "\n";
    return kExitFailure;
  };
  for (const Subject &subject : subjects)
    if (subject.cubin.empty())
      return fail(invalidArgument(subject.label +
                                  ": expected code for the GPU, got none"));
  std::unique_ptr<GpuContext> context;
  if (Status status = GpuContext::create(context); !status.ok())
    return fail(status);
  std::vector<BenchReport> all;
  for (const Sizes &sizes : options.cases) {
    BenchCase benchCase(*context, options);
    Status status = benchCase.prepare(subjects, sizes);
    if (status.ok())
      status = benchCase.measure();
    if (!status.ok())
      return fail(status);
    size_t before = all.size();
    benchCase.report(all);
    for (size_t i = before; i < all.size(); ++i)
      out << jsonLine(all[i]) << std::flush;
  }
  out << "\n" << benchTable(all);
  return kExitSuccess;
}

} // namespace mla::harness
