//===- Run.cpp - the command `run` ----------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Cases.h"
#include "mla/Harness/CommandLine.h"
#include "mla/Harness/Npy.h"
#include "mla/Harness/OperatorHost.h"
#include "mla/Harness/Progress.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <ostream>

using namespace mla::runtime;

namespace mla::harness {

namespace {

/// Whether the launch writes the argument: not if it omits it.
bool isOutput(const HostArgument &argument) {
  return argument.isTensor && argument.access != MLA_READ && !argument.leftOut;
}

/// One subject at one set of sizes.
class Case {
public:
  Case(const Subject &subject, const Sizes &sizes, const ToolOptions &options)
      : subject(subject), options(options) {
    report.package = subject.label;
    report.kernel = subject.descriptor.name();
    report.sizes = sizes;
    report.seed = options.inputs.seed;
    report.leftOut = options.inputs.leftOut;
  }

  RunReport report;

  /// Runs it; `folder` takes the outputs unless it is empty.
  Status run(const Executor &executor, const std::string &folder) {
    std::vector<HostArgument> arguments;
    MLA_RETURN_IF_ERROR(
        makeCaseArguments(subject, options.inputs, report.sizes, arguments));
    const std::vector<HostArgument> before =
        options.repeats > 1 ? arguments : std::vector<HostArgument>();
    MLA_RETURN_IF_ERROR(executor(arguments, report.ms));
    MLA_RETURN_IF_ERROR(repeat(executor, before, arguments));
    if (!folder.empty())
      MLA_RETURN_IF_ERROR(writeOutputs(arguments, folder));
    return options.check ? check(arguments) : Status();
  }

private:
  /// Runs it again on the same arguments, outputs and their poison included.
  Status repeat(const Executor &executor,
                const std::vector<HostArgument> &before,
                const std::vector<HostArgument> &first) {
    for (int run = 1; run < options.repeats; ++run) {
      std::vector<HostArgument> again = before;
      double ms = 0;
      MLA_RETURN_IF_ERROR(executor(again, ms));
      for (size_t i = 0; i < first.size(); ++i)
        if (again[i].tensor.storage != first[i].tensor.storage)
          report.differs = first[i].name + " in run " + std::to_string(run + 1);
      if (!report.differs.empty()) {
        report.pass = false;
        return Status();
      }
      report.repeats = run + 1;
    }
    return Status();
  }

  static Status writeOutputs(const std::vector<HostArgument> &arguments,
                             const std::string &folder) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error)
      return Status(MLA_NOT_FOUND, "cannot create folder '" + folder +
                                       "': " + error.message());
    for (const HostArgument &argument : arguments)
      if (isOutput(argument))
        MLA_RETURN_IF_ERROR(
            writeNpy(folder + "/" + argument.name + ".npy", argument.tensor));
    return Status();
  }

  /// The expected outputs: from the files of --expect, the others from the
  /// reference.
  Status findExpected(const std::vector<HostArgument> &arguments,
                      std::vector<ExpectedOutput> &expected) const {
    MLA_RETURN_IF_ERROR(readExpected(options, arguments, expected));
    auto outputs = std::count_if(arguments.begin(), arguments.end(), isOutput);
    if (!expected.empty() && static_cast<int64_t>(expected.size()) == outputs)
      return Status();
    Reference reference = subject.reference ? subject.reference
                                            : findReference(subject.descriptor);
    if (!reference)
      return invalidArgument(
          "operator '" + subject.descriptor.operatorText() +
          "' has no reference to check against; expected --expect "
          "NAME=FILE.npy for each output; of operators: " +
          describeUnknownOperator(subject.descriptor.operatorName));
    WorkProgress progress("computing the reference");
    std::vector<ExpectedOutput> computed;
    MLA_RETURN_IF_ERROR(reference(arguments, computed));
    // The first entry with a name is used.
    std::move(computed.begin(), computed.end(), std::back_inserter(expected));
    return Status();
  }

  Status check(const std::vector<HostArgument> &arguments) {
    std::vector<ExpectedOutput> expected;
    MLA_RETURN_IF_ERROR(findExpected(arguments, expected));
    report.checked = true;
    for (const HostArgument &argument : arguments) {
      if (!isOutput(argument))
        continue;
      const ExpectedOutput *want = nullptr;
      for (const ExpectedOutput &output : expected)
        if (!want && output.name == argument.name)
          want = &output;
      // An output that nothing checks must not count as right.
      if (!want)
        return invalidArgument("output '" + argument.name +
                               "': the reference does not compute it");
      report.outputs.push_back(checkOutput(argument.tensor, *want));
      report.pass &= report.outputs.back().pass;
    }
    if (report.outputs.empty())
      return invalidArgument("the kernel has no output to check");
    return Status();
  }

  const Subject &subject;
  const ToolOptions &options;
};

} // namespace

Status makeCaseArguments(const Subject &subject, InputOptions inputs,
                         Sizes &sizes, std::vector<HostArgument> &out) {
  if (subject.memoryLimit)
    inputs.memoryLimit = subject.memoryLimit;
  return makeArguments(subject.descriptor, sizes, inputs, out);
}

Status runCase(const Subject &subject, const Executor &executor,
               const ToolOptions &options, const Sizes &sizes,
               RunReport &report) {
  Case one(subject, sizes, options);
  Status status = one.run(executor, /*folder=*/"");
  report = one.report;
  return status;
}

int runSubjects(const std::vector<Subject> &subjects,
                const ToolOptions &options, std::ostream &out,
                std::ostream &err) {
  std::unique_ptr<GpuContext> gpu;
  size_t total = subjects.size() * options.cases.size(), number = 0;
  bool allPass = true;
  for (const Subject &subject : subjects) {
    Executor executor = subject.executor;
    if (!executor) {
      if (!gpu)
        if (Status status = GpuContext::create(gpu); !status.ok()) {
          err << "error: " << subject.label << ": needs a GPU ("
              << status.message() << ")\n";
          return kExitFailure;
        }
      executor = gpuExecutor(*gpu, subject);
    }
    for (const Sizes &sizes : options.cases) {
      std::string folder = options.outputFolder;
      if (!folder.empty() && total > 1)
        folder += "/" + std::to_string(number);
      ++number;
      Case one(subject, sizes, options);
      Status status = one.run(executor, folder);
      if (!status.ok()) {
        err << "error: " << subject.label
            << (sizes.empty() ? "" : " (" + sizesText(sizes) + ")") << ": "
            << status.message() << "\n";
        return kExitFailure;
      }
      out << jsonLine(one.report) << std::flush;
      // Stop if stdout takes no more; the tool reports why.
      if (!out)
        return kExitFailure;
      allPass &= one.report.pass;
    }
  }
  return allPass ? kExitSuccess : kExitFailure;
}

} // namespace mla::harness
