//===- Bench.cpp - the command `bench` ------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Cases.h"
#include "PeerLibrary.h"
#include "mla/Harness/Gpu.h"
#include "mla/Harness/Plot.h"
#include "mla/Harness/Tool.h"

#include <algorithm>
#include <ostream>

using namespace mla::runtime;

namespace mla::harness {

namespace {

constexpr const char *kModes[] = {"b2b", "gap"};

/// Peers whose outputs are further from ours than this do other work. Rounding
/// to bf16 alone is a hundredth of it.
constexpr double kAgreement = 1e-4;

using Peers = std::vector<std::unique_ptr<PeerLibrary>>;

/// A kernel or a peer, ready to be launched on its arguments, and its samples
/// by mode.
struct Contestant {
  /// How reports name it.
  std::string label;
  /// The kernel's symbol; a peer's library.
  std::string code;
  Launch launch;
  double flops = 0;
  Sizes sizes;
  std::vector<CheckResult> agreement;
  /// Why a peer takes no part.
  std::string skipped;
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

  /// Loads the kernels and puts their arguments on the device. Peers get the
  /// arguments of the first kernel, and have to compute what it does.
  Status prepare(const std::vector<Subject> &subjects, const Peers &peers,
                 const Sizes &sizes) {
    std::vector<HostArgument> first;
    for (const Subject &subject : subjects) {
      std::vector<HostArgument> arguments;
      MLA_RETURN_IF_ERROR(addKernel(subject, sizes, arguments));
      if (contestants.size() == 1 && !peers.empty())
        first = std::move(arguments);
    }
    return peers.empty() ? Status()
                         : addPeers(subjects.front().descriptor.operatorName,
                                    peers, first);
  }

  /// Times them in turns, so that drift of clocks and temperature meets all.
  /// Each round begins with another one: the first finds a rested chip.
  Status measure() {
    size_t count = contestants.size();
    for (int round = 0; round < options.rounds; ++round)
      for (int mode = 0; mode < 2; ++mode)
        for (size_t n = 0; n < count; ++n) {
          Contestant &contestant =
              contestants[(n + static_cast<size_t>(round)) % count];
          if (contestant.skipped.empty())
            MLA_RETURN_IF_ERROR(measure(contestant, mode));
        }
    return Status();
  }

  void report(std::vector<BenchReport> &reports) const {
    for (const Contestant &contestant : contestants)
      for (int mode = 0; mode < 2; ++mode) {
        BenchReport report;
        report.package = contestant.label;
        report.kernel = contestant.code;
        report.device = context.deviceName();
        report.sizes = contestant.sizes;
        report.skipped = contestant.skipped;
        if (report.skipped.empty())
          summarize(contestant, mode, report);
        reports.push_back(report);
        if (!report.skipped.empty())
          break;
      }
  }

private:
  /// Kernels that take the same arguments share them: less memory, less
  /// set-up, same data.
  Status addKernel(const Subject &subject, const Sizes &sizes,
                   std::vector<HostArgument> &arguments) {
    Contestant contestant;
    contestant.label = subject.label;
    contestant.code = subject.descriptor.kernel;
    contestant.sizes = sizes;
    std::unique_ptr<GpuKernel> &kernel = kernels.emplace_back();
    MLA_RETURN_IF_ERROR(GpuKernel::create(context, subject, kernel));
    MLA_RETURN_IF_ERROR(makeArguments(subject.descriptor, contestant.sizes,
                                      options.inputs, arguments)
                            .within(subject.label));
    contestant.flops = countFlops(subject.descriptor.operatorName, arguments);
    std::unique_ptr<GpuArguments> &slot =
        shared[signatureOf(subject, arguments)];
    if (!slot)
      MLA_RETURN_IF_ERROR(GpuArguments::create(context, arguments, slot));
    if (contestants.empty())
      firstArguments = slot.get();
    contestant.launch = [kernel = kernel.get(), device = slot.get()] {
      return kernel->launch(*device);
    };
    contestants.push_back(std::move(contestant));
    return Status();
  }

  /// Runs the first kernel once, then each peer, on the same buffers.
  Status addPeers(const std::string &operatorName, const Peers &peers,
                  const std::vector<HostArgument> &arguments) {
    std::vector<HostArgument> expected = arguments;
    MLA_RETURN_IF_ERROR(runOnce(contestants.front(), expected));
    peerArguments = std::make_unique<PeerArguments>(operatorName, arguments,
                                                    *firstArguments);
    for (const std::unique_ptr<PeerLibrary> &peer : peers) {
      Contestant contestant = contestants.front();
      contestant.label = labelOf(*peer);
      contestant.code = peer->path();
      contestant.launch = [this, peer = peer.get()] {
        return peer->launch(*peerArguments, context.stream());
      };
      // Outputs hold NaN again, so that a peer that writes nothing shows.
      MLA_RETURN_IF_ERROR(firstArguments->refill(arguments));
      std::vector<HostArgument> got = arguments;
      Status status = runOnce(contestant, got);
      if (status.code() == MLA_INVALID_ARGUMENT)
        contestant.skipped = status.message();
      else
        MLA_RETURN_IF_ERROR(status);
      if (status.ok())
        MLA_RETURN_IF_ERROR(compare(got, expected, contestant));
      contestants.push_back(std::move(contestant));
    }
    return Status();
  }

  /// The peer's name, with its library if another contestant has that name.
  std::string labelOf(const PeerLibrary &peer) const {
    for (const Contestant &contestant : contestants)
      if (contestant.label == peer.name())
        return peer.name() + " (" + peer.path() + ")";
    return peer.name();
  }

  Status runOnce(const Contestant &contestant,
                 std::vector<HostArgument> &outputs) const {
    MLA_RETURN_IF_ERROR(contestant.launch());
    MLA_RETURN_IF_ERROR(context.synchronize().within(contestant.label));
    return firstArguments->download(outputs);
  }

  /// The comparison is of the same work, or it is none.
  Status compare(const std::vector<HostArgument> &got,
                 const std::vector<HostArgument> &expected,
                 Contestant &contestant) const {
    for (size_t i = 0; i < got.size(); ++i) {
      if (!got[i].isTensor || got[i].access == MLA_READ)
        continue;
      CheckResult result = checkAgreement(got[i].name, got[i].tensor,
                                          expected[i].tensor, kAgreement);
      if (!result.pass)
        return Status(MLA_INVALID_ARGUMENT,
                      contestant.label + ": output '" + result.name +
                          "' is not that of " + contestants.front().label +
                          ": " + result.message);
      contestant.agreement.push_back(result);
    }
    return Status();
  }

  /// One contestant's launches of one round and mode, after some that do not
  /// count.
  Status measure(Contestant &contestant, int mode) {
    double gapMs = mode == 0 ? 0 : options.gapMs;
    std::vector<double> ignored;
    MLA_RETURN_IF_ERROR(timeLaunches(context, contestant.label,
                                     contestant.launch, options.warmup, 0,
                                     ignored));
    return timeLaunches(context, contestant.label, contestant.launch,
                        options.iterations, gapMs, contestant.samples[mode]);
  }

  static void summarize(const Contestant &contestant, int mode,
                        BenchReport &report) {
    std::vector<double> samples = contestant.samples[mode];
    std::sort(samples.begin(), samples.end());
    size_t count = samples.size();
    report.mode = kModes[mode];
    report.samples = static_cast<int>(count);
    report.medianMs = (samples[(count - 1) / 2] + samples[count / 2]) / 2;
    report.minMs = samples.front();
    report.flops = contestant.flops;
    report.agreement = contestant.agreement;
  }

  const GpuContext &context;
  const ToolOptions &options;
  std::vector<std::unique_ptr<GpuKernel>> kernels;
  /// By signature.
  std::map<std::string, std::unique_ptr<GpuArguments>> shared;
  const GpuArguments *firstArguments = nullptr;
  std::unique_ptr<PeerArguments> peerArguments;
  std::vector<Contestant> contestants;
};

Status benchCase(const GpuContext &context,
                 const std::vector<Subject> &subjects, const Peers &peers,
                 const ToolOptions &options, const Sizes &sizes,
                 std::vector<BenchReport> &reports) {
  BenchCase one(context, options);
  MLA_RETURN_IF_ERROR(one.prepare(subjects, peers, sizes));
  MLA_RETURN_IF_ERROR(one.measure());
  one.report(reports);
  return Status();
}

/// What can be wrong before anything runs.
Status checkRequest(const std::vector<Subject> &subjects,
                    const ToolOptions &options, Peers &peers) {
  for (const std::string &path : options.peers)
    MLA_RETURN_IF_ERROR(PeerLibrary::open(path, peers.emplace_back()));
  if (!options.plot.file.empty()) {
    std::string swept;
    MLA_RETURN_IF_ERROR(
        findSweptSize(options.cases, swept).within("option '--plot'"));
  }
  for (const Subject &subject : subjects)
    if (subject.cubin.empty())
      return invalidArgument(subject.label +
                             ": expected code for the GPU, got none");
  return Status();
}

/// Measures case by case; results are told as they come.
Status benchCases(const std::vector<Subject> &subjects, const Peers &peers,
                  const ToolOptions &options, std::ostream &out,
                  std::string &lines) {
  std::unique_ptr<GpuContext> context;
  MLA_RETURN_IF_ERROR(GpuContext::create(context));
  std::vector<BenchReport> all;
  for (const Sizes &sizes : options.cases) {
    size_t before = all.size();
    MLA_RETURN_IF_ERROR(
        benchCase(*context, subjects, peers, options, sizes, all));
    for (size_t i = before; i < all.size(); ++i) {
      std::string line = jsonLine(all[i]);
      out << line << std::flush;
      lines += line;
    }
  }
  out << "\n" << benchTable(all);
  return Status();
}

} // namespace

Status benchCase(const GpuContext &context,
                 const std::vector<Subject> &subjects,
                 const ToolOptions &options, const Sizes &sizes,
                 std::vector<BenchReport> &reports) {
  return benchCase(context, subjects, Peers(), options, sizes, reports);
}

int benchSubjects(const std::vector<Subject> &subjects,
                  const ToolOptions &options, std::ostream &out,
                  std::ostream &err) {
  Peers peers;
  std::string lines;
  Status status = checkRequest(subjects, options, peers);
  if (status.ok())
    status = benchCases(subjects, peers, options, out, lines);
  if (status.ok() && !options.plot.file.empty())
    status = plotLines(lines, options.plot);
  if (status.ok())
    return kExitSuccess;
  err << "error: " << status.message() << "\n";
  return kExitFailure;
}

} // namespace mla::harness
