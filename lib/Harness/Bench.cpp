//===- Bench.cpp - the command `bench` ------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Cases.h"
#include "Contestant.h"
#include "PeerLibrary.h"
#include "mla/Harness/CommandLine.h"
#include "mla/Harness/Gpu.h"
#include "mla/Harness/OperatorHost.h"
#include "mla/Harness/Progress.h"
#include "mla/Tuning/GpuRates.h"

#include <algorithm>
#include <ostream>

using namespace mla::runtime;

namespace mla::harness {

namespace {

/// A larger cosine difference means that a peer computes something else.
/// Rounding to bf16 causes a hundredth of it.
constexpr double kAgreement = 1e-4;

using Peers = std::vector<std::unique_ptr<PeerLibrary>>;

/// Sorts `values`.
double medianOf(std::vector<double> &values) {
  std::sort(values.begin(), values.end());
  size_t count = values.size();
  return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

/// Kernels of the same signature can share arguments: same operator, names,
/// types and shapes, in the same order.
std::string signatureOf(const Subject &subject,
                        const std::vector<HostArgument> &arguments) {
  std::string text = subject.descriptor.operatorText();
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

bool hasPlan(const KernelDescriptor &kernel) {
  return std::any_of(kernel.kernels.begin(), kernel.kernels.end(),
                     [](const EntryDescriptor &entry) {
                       return entry.phase == MLA_PHASE_PLAN;
                     });
}

/// Outputs that the plan phase writes: what they hold is for our own kernels,
/// and is no result.
std::set<std::string> findPlanOutputs(const KernelDescriptor &kernel) {
  std::set<std::string> names;
  auto add = [&](int tensor) {
    if (static_cast<size_t>(tensor) < kernel.arguments.size() &&
        kernel.arguments[tensor].access != MLA_READ)
      names.insert(kernel.arguments[tensor].name);
  };
  for (const EntryDescriptor &entry : kernel.kernels) {
    if (entry.phase != MLA_PHASE_PLAN)
      continue;
    for (const ParameterDescriptor &parameter : entry.parameters)
      if (parameter.kind == ParameterDescriptor::Kind::Pointer)
        add(parameter.index);
    for (const TensorMapDescriptor &map : entry.tensorMaps)
      add(map.tensor);
  }
  return names;
}

/// The same arguments, of which only outputs have values: the others may take
/// gigabytes.
std::vector<HostArgument>
copyOutputs(const std::vector<HostArgument> &arguments) {
  std::vector<HostArgument> copies(arguments.size());
  for (size_t i = 0; i < arguments.size(); ++i)
    if (arguments[i].isTensor && arguments[i].access != MLA_READ)
      copies[i] = arguments[i];
  return copies;
}

/// All kernels and peers at one set of sizes.
class BenchCase {
public:
  /// `progress` may be null.
  BenchCase(const GpuContext &context, const ToolOptions &options,
            Progress *progress)
      : context(context), options(options), progress(progress),
        timer(context, options) {}

  /// Loads the kernels and puts their arguments on the device. Peers get the
  /// arguments of the first kernel, and have to compute what it does.
  Status prepare(const std::vector<Subject> &subjects, const Peers &peers,
                 const Sizes &sizes) {
    tell("inputs");
    std::vector<HostArgument> first;
    for (const Subject &subject : subjects) {
      std::vector<HostArgument> arguments;
      MLA_RETURN_IF_ERROR(addKernel(subject, sizes, arguments));
      if (contestants.size() == 1 && !peers.empty())
        first = std::move(arguments);
    }
    if (!peers.empty())
      MLA_RETURN_IF_ERROR(addPeers(subjects.front().descriptor, peers, first));
    return timer.prepare(contestants);
  }

  /// Times them in turns, so that drift of clocks and temperature affects all
  /// alike. Each round begins with another one, because the first runs on a
  /// cooler chip.
  Status measure() {
    size_t count = contestants.size();
    for (int round = 0; round < options.rounds; ++round)
      for (Mode mode : options.modes) {
        tell("round " + std::to_string(round + 1) + " of " +
             std::to_string(options.rounds) + ", " + nameOf(mode));
        for (size_t n = 0; n < count; ++n) {
          Contestant &contestant =
              contestants[(n + static_cast<size_t>(round)) % count];
          if (contestant.skipped.empty() &&
              !contestant.skippedModes.count(mode))
            MLA_RETURN_IF_ERROR(timer.measure(contestant, mode));
        }
      }
    return Status();
  }

  void report(std::vector<BenchReport> &reports) {
    for (Contestant &contestant : contestants)
      for (Mode mode : options.modes) {
        BenchReport report;
        report.package = contestant.label;
        report.kernel = contestant.code;
        report.device = context.deviceName();
        report.phase = options.phase;
        report.sizes = contestant.sizes;
        report.leftOut = options.inputs.leftOut;
        report.skipped = contestant.skipped;
        if (report.skipped.empty())
          summarize(contestant, mode, report);
        reports.push_back(report);
        if (!contestant.skipped.empty())
          break;
      }
  }

private:
  void tell(const std::string &what) {
    if (progress)
      progress->show(what);
  }

  /// Kernels of the same signature share their arguments, which saves memory
  /// and time and gives them the same data.
  Status addKernel(const Subject &subject, const Sizes &sizes,
                   std::vector<HostArgument> &arguments) {
    Contestant contestant;
    contestant.label = subject.label;
    contestant.code = subject.descriptor.name();
    // Sizes may come from files, too.
    contestant.sizes = sizes.empty() && options.inputs.files.empty()
                           ? defaultSizes(subject.descriptor)
                           : sizes;
    std::unique_ptr<GpuKernel> &kernel = kernels.emplace_back();
    MLA_RETURN_IF_ERROR(GpuKernel::create(context, subject, kernel));
    MLA_RETURN_IF_ERROR(
        makeCaseArguments(subject, options.inputs, contestant.sizes, arguments)
            .within(subject.label));
    contestant.flops = countFlops(subject.descriptor, arguments);
    contestant.bytes = countBytes(subject.descriptor, arguments);
    std::unique_ptr<GpuArguments> &slot =
        shared[signatureOf(subject, arguments)];
    if (!slot)
      MLA_RETURN_IF_ERROR(GpuArguments::create(context, arguments, slot));
    MLA_RETURN_IF_ERROR(kernel->reserve(*slot));
    if (contestants.empty())
      firstArguments = slot.get();
    contestant.launch = [kernel = kernel.get(),
                         device = slot.get()](mlaPhase phase) {
      return kernel->launch(*device, phase);
    };
    contestants.push_back(std::move(contestant));
    return Status();
  }

  /// Runs the first kernel once, then each peer, on the same buffers.
  Status addPeers(const KernelDescriptor &kernel, const Peers &peers,
                  const std::vector<HostArgument> &arguments) {
    planOutputs = findPlanOutputs(kernel);
    std::vector<HostArgument> expected = copyOutputs(arguments);
    MLA_RETURN_IF_ERROR(runOnce(contestants.front(), expected));
    peerArguments = std::make_unique<PeerArguments>(
        kernel.operatorText(), arguments, *firstArguments, planOutputs);
    for (const std::unique_ptr<PeerLibrary> &peer : peers) {
      Contestant contestant = contestants.front();
      contestant.isPeer = true;
      contestant.label = labelOf(*peer);
      contestant.code = peer->path();
      // Outputs hold NaN again, to detect a peer that writes nothing.
      MLA_RETURN_IF_ERROR(firstArguments->refill(arguments));
      std::vector<HostArgument> got = copyOutputs(arguments);
      Status status = preparePeer(*peer, contestant);
      if (status.ok())
        status = runOnce(contestant, got);
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

  Status preparePeer(const PeerLibrary &peer, Contestant &contestant) {
    std::unique_ptr<PeerCase> prepared;
    MLA_RETURN_IF_ERROR(peer.prepare(*peerArguments, prepared));
    contestant.launch = [this, peerCase = prepared.get()](mlaPhase phase) {
      return peerCase->launch(phase, context.stream());
    };
    peerCases.push_back(std::move(prepared));
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
    MLA_RETURN_IF_ERROR(contestant.launch(MLA_PHASE_ALL));
    MLA_RETURN_IF_ERROR(context.synchronize().within(contestant.label));
    return firstArguments->download(outputs);
  }

  /// Refuses a peer that computes something else.
  Status compare(const std::vector<HostArgument> &got,
                 const std::vector<HostArgument> &expected,
                 Contestant &contestant) const {
    for (size_t i = 0; i < got.size(); ++i) {
      if (!got[i].isTensor || got[i].access == MLA_READ ||
          planOutputs.count(got[i].name))
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

  void summarize(Contestant &contestant, Mode mode, BenchReport &report) const {
    report.mode = nameOf(mode);
    auto skipped = contestant.skippedModes.find(mode);
    if (skipped != contestant.skippedModes.end()) {
      report.skipped = skipped->second;
      return;
    }
    Samples &samples = contestant.samples[mode];
    report.medianMs = medianOf(samples.ms);
    report.minMs = samples.ms.front();
    report.samples = static_cast<int>(samples.ms.size());
    // The rate that a program sees which launches one kernel after the other.
    if (mode == Mode::BackToBack)
      report.hostUs = medianOf(samples.hostUs);
    if (mode == Mode::Graph || mode == Mode::GraphFlush)
      report.graphLaunches = mode == Mode::Graph ? options.iterations : 1;
    report.flops = contestant.flops;
    report.bytes = contestant.bytes;
    if (const GpuRates *machine = findGpuRates(context.deviceName()))
      report.limitTflops = machine->measuredTensorFlops * 1e-12;
    report.agreement = contestant.agreement;
  }

  const GpuContext &context;
  const ToolOptions &options;
  Progress *progress;
  std::vector<std::unique_ptr<GpuKernel>> kernels;
  /// By signature.
  std::map<std::string, std::unique_ptr<GpuArguments>> shared;
  const GpuArguments *firstArguments = nullptr;
  std::set<std::string> planOutputs;
  std::unique_ptr<PeerArguments> peerArguments;
  std::vector<std::unique_ptr<PeerCase>> peerCases;
  std::vector<Contestant> contestants;
  ContestantTimer timer;
};

Status benchCase(const GpuContext &context,
                 const std::vector<Subject> &subjects, const Peers &peers,
                 const ToolOptions &options, const Sizes &sizes,
                 Progress *progress, std::vector<BenchReport> &reports) {
  BenchCase one(context, options, progress);
  MLA_RETURN_IF_ERROR(one.prepare(subjects, peers, sizes));
  MLA_RETURN_IF_ERROR(one.measure());
  one.report(reports);
  return Status();
}

Status openPeers(const ToolOptions &options, Peers &peers) {
  for (const std::string &path : options.peers)
    MLA_RETURN_IF_ERROR(PeerLibrary::open(path, peers.emplace_back()));
  return Status();
}

/// Checks that need no GPU.
Status checkRequest(const std::vector<Subject> &subjects,
                    const ToolOptions &options, Peers &peers) {
  MLA_RETURN_IF_ERROR(checkBenchOptions(options));
  MLA_RETURN_IF_ERROR(openPeers(options, peers));
  for (const Subject &subject : subjects)
    if (subject.cubin.empty())
      return invalidArgument(subject.label +
                             ": expected code for the GPU, got none");
  for (const Subject &subject : subjects)
    if (options.phase == MLA_PHASE_PLAN && !hasPlan(subject.descriptor))
      return invalidArgument(subject.label + ": expected a kernel of the phase "
                                             "'plan', got none");
  return Status();
}

/// Measures case by case, and prints results as they come.
Status benchCases(const std::vector<Subject> &subjects, const Peers &peers,
                  const ToolOptions &options, std::ostream &out,
                  std::ostream &err) {
  std::unique_ptr<GpuContext> context;
  if (Status status = GpuContext::create(context); !status.ok())
    return Status(status.code(),
                  "bench needs a GPU (" + status.message() + ")");
  Progress progress(err, options.progress);
  std::vector<BenchReport> all;
  for (size_t number = 0; number < options.cases.size(); ++number) {
    const Sizes &sizes = options.cases[number];
    progress.enter("; case " + std::to_string(number + 1) + " of " +
                   std::to_string(options.cases.size()) + ", " +
                   sizesText(sizes));
    size_t before = all.size();
    MLA_RETURN_IF_ERROR(
        benchCase(*context, subjects, peers, options, sizes, &progress, all));
    progress.clear();
    for (size_t i = before; i < all.size(); ++i) {
      std::string line = jsonLine(all[i]);
      out << line << std::flush;
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
  return benchCase(context, subjects, Peers(), options, sizes,
                   /*progress=*/nullptr, reports);
}

Status checkBenchOptions(const ToolOptions &options) {
  Peers peers;
  return openPeers(options, peers);
}

int benchSubjects(const std::vector<Subject> &subjects,
                  const ToolOptions &options, std::ostream &out,
                  std::ostream &err) {
  Peers peers;
  Status status = checkRequest(subjects, options, peers);
  if (status.ok())
    status = benchCases(subjects, peers, options, out, err);
  if (status.ok())
    return kExitSuccess;
  err << "error: " << status.message() << "\n";
  return kExitFailure;
}

} // namespace mla::harness
