//===- OperatorHost.h - an operator as the harness sees it ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The part of an operator that needs no LLVM: inputs, a reference with its
// tolerances, and counts of FLOPs and bytes. It is in the operator's folder, in
// files lib/Operators/FOLDER/Host*.cpp, one of which defines
//
//   void mla::harness::addFOLDERHosts(OperatorHosts &hosts);
//
// The build compiles these files into the harness and calls that function of
// every folder that has such files: a new operator is listed nowhere else.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_HARNESS_OPERATORHOST_H
#define MLA_HARNESS_OPERATORHOST_H

#include "mla/Harness/Inputs.h"
#include "mla/Harness/Reference.h"

#include <memory>

namespace mla::harness {

/// An option of an operator and its values, the default first.
struct OptionValues {
  std::string name;
  std::vector<std::string> values;
};

/// Edge values that random inputs do not have; InputOptions::extremes selects
/// them by name.
struct Extreme {
  /// On the command line.
  std::string name;
  /// In the help.
  std::string meaning;
};

/// Facts about an operator.
struct OperatorInfo {
  std::string name;
  /// One line of the help: what it computes.
  std::string summary;
  /// Those that the reference knows.
  std::vector<OptionValues> options;
  /// The run-time sizes that `bench` times unless others are given.
  Sizes defaultSizes;
  std::vector<Extreme> extremes;
  /// For the help: the arguments that OperatorHost::bytes does not count
  /// exactly once; may be empty.
  std::string bytesNote;
};

/// An operator, known by KernelDescriptor::operatorName. Arguments are found by
/// name (mla/Harness/Operands.h): a kernel may lack optional ones.
class OperatorHost {
public:
  explicit OperatorHost(OperatorInfo info) : info(std::move(info)) {}
  virtual ~OperatorHost() = default;

  const OperatorInfo info;

  /// Fills the inputs that files do not give. They are allocated, and hold
  /// poison if options.poison is set; outputs and scalars have their values.
  /// Default: fillPlain of each.
  virtual Status fill(const runtime::KernelDescriptor &kernel,
                      const InputOptions &options,
                      std::vector<HostArgument> &arguments) const;

  /// Computes the outputs in double precision, with their tolerances. The
  /// options of the kernel are checked by checkOptions.
  virtual Status reference(const runtime::KernelDescriptor &kernel,
                           const std::vector<HostArgument> &arguments,
                           std::vector<ExpectedOutput> &expected) const = 0;

  /// Floating-point operations for these arguments, as papers count them (2 for
  /// each multiply-add of the dot products); 0 for arguments that are not the
  /// operator's.
  virtual double flops(const runtime::KernelDescriptor &kernel,
                       const std::vector<HostArgument> &arguments) const = 0;

  /// Bytes that have to be moved; 0 for arguments that are not the operator's.
  /// Default: each tensor once, without padding.
  virtual double bytes(const runtime::KernelDescriptor &kernel,
                       const std::vector<HostArgument> &arguments) const;
};

using OperatorHosts = std::vector<std::unique_ptr<const OperatorHost>>;

/// All operators, by name.
const OperatorHosts &operatorHosts();

/// The operator of a name, or null.
const OperatorHost *findOperatorHost(const std::string &name);

/// "expected one of ..., got 'NAME'", those with a similar name first: the
/// error for a name that findOperatorHost does not find.
std::string describeUnknownOperator(const std::string &name);

/// The names of the extremes that some operator has.
std::vector<std::string> extremeNames();

/// Refuses options and values that the operator does not list.
Status checkOptions(const OperatorInfo &info,
                    const runtime::OperatorOptions &options);

/// The default sizes of a kernel's operator that are run-time sizes of the
/// kernel; empty for an unknown operator.
Sizes defaultSizes(const runtime::KernelDescriptor &kernel);

} // namespace mla::harness

#endif // MLA_HARNESS_OPERATORHOST_H
