//===- OperatorHost.cpp - the operators that the harness knows ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Harness/OperatorHost.h"

#include "mla/Harness/Fill.h"
#include "mla/Harness/Operands.h"
#include "mla/Support/NearNames.h"

#include <algorithm>

using namespace mla::runtime;

namespace mla::harness {

// OperatorFolders.inc, which CMake writes, has MLA_OPERATOR_FOLDER(FOLDER) for
// each folder of lib/Operators with a host.
#define MLA_OPERATOR_FOLDER(folder) void add##folder##Hosts(OperatorHosts &);
#include "OperatorFolders.inc"
#undef MLA_OPERATOR_FOLDER

static OperatorHosts collectHosts() {
  OperatorHosts hosts;
#define MLA_OPERATOR_FOLDER(folder) add##folder##Hosts(hosts);
#include "OperatorFolders.inc"
#undef MLA_OPERATOR_FOLDER
  std::sort(hosts.begin(), hosts.end(), [](const auto &a, const auto &b) {
    return a->info.name < b->info.name;
  });
  return hosts;
}

Status OperatorHost::fill(const KernelDescriptor &, const InputOptions &options,
                          std::vector<HostArgument> &arguments) const {
  for (const HostArgument &argument : arguments)
    if (HostTensor *tensor = findGenerated(arguments, options, argument.name);
        tensor && argument.access != MLA_WRITE)
      fillPlain(*tensor, streamSeed(options.seed, argument.name),
                options.magnitude);
  return Status();
}

double OperatorHost::bytes(const KernelDescriptor &,
                           const std::vector<HostArgument> &arguments) const {
  int64_t bytes = 0;
  for (const HostArgument &argument : arguments)
    bytes += bytesOf(argument);
  return static_cast<double>(bytes);
}

const OperatorHosts &operatorHosts() {
  static const OperatorHosts hosts = collectHosts();
  return hosts;
}

const OperatorHost *findOperatorHost(const std::string &name) {
  for (const auto &host : operatorHosts())
    if (host->info.name == name)
      return host.get();
  return nullptr;
}

std::string describeUnknownOperator(const std::string &name) {
  std::vector<std::string> names;
  for (const auto &host : operatorHosts())
    names.push_back(host->info.name);
  return "expected " + listNames(name, names) + ", got '" + name + "'";
}

std::vector<std::string> extremeNames() {
  std::vector<std::string> names;
  for (const auto &host : operatorHosts())
    for (const Extreme &extreme : host->info.extremes)
      if (!std::count(names.begin(), names.end(), extreme.name))
        names.push_back(extreme.name);
  return names;
}

Status checkOptions(const OperatorInfo &info, const OperatorOptions &options) {
  std::vector<std::string> names;
  for (const OptionValues &known : info.options)
    names.push_back(known.name);
  for (const auto &[name, value] : options) {
    auto known = std::find(names.begin(), names.end(), name);
    if (known == names.end())
      return invalidArgument(info.name + ": expected as an option " +
                             listNames(name, names) + ", got '" + name + "'");
    const std::vector<std::string> &values =
        info.options[known - names.begin()].values;
    if (!std::count(values.begin(), values.end(), value))
      return invalidArgument(info.name + ": option '" + name + "': expected " +
                             listNames(value, values) + ", got '" + value +
                             "'");
  }
  return Status();
}

Sizes defaultSizes(const KernelDescriptor &kernel) {
  Sizes sizes;
  if (const OperatorHost *host = findOperatorHost(kernel.operatorName))
    for (const auto &[name, size] : host->info.defaultSizes)
      if (std::count(kernel.sizeNames.begin(), kernel.sizeNames.end(), name))
        sizes[name] = size;
  return sizes;
}

} // namespace mla::harness
