//===- Inputs.cpp - arguments with seeded random values -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Harness/Inputs.h"

#include "mla/Harness/Fill.h"
#include "mla/Harness/Npy.h"
#include "mla/Harness/OperatorHost.h"
#include "mla/Support/NearNames.h"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <exception>
#include <numeric>

#include <sys/resource.h>
#include <unistd.h>

using namespace mla::runtime;

namespace mla::harness {

uint64_t randomBits(uint64_t seed, uint64_t counter) {
  uint64_t bits = seed + (counter + 1) * 0x9e3779b97f4a7c15ull;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9ull;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebull;
  return bits ^ (bits >> 31);
}

namespace {

/// "s_q, s_kv, topk"
std::string join(const std::vector<std::string> &names) {
  std::string text;
  for (const std::string &name : names)
    text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

/// Takes sizes that the command line lacks from a file's shape.
Status bindSizes(const KernelDescriptor &descriptor,
                 const ArgumentDescriptor &argument, const HostTensor &file,
                 Sizes &sizes) {
  std::string where = "argument '" + argument.name + "'";
  if (file.shape.size() != argument.shape.size())
    return invalidArgument(where + ": expected a file of rank " +
                           std::to_string(argument.shape.size()) + ", got " +
                           std::to_string(file.shape.size()));
  for (size_t dim = 0; dim < file.shape.size(); ++dim) {
    const Size &size = argument.shape[dim];
    int64_t want = size.fixed;
    if (!size.isFixed())
      want = sizes.emplace(descriptor.sizeNames[size.symbol], file.shape[dim])
                 .first->second;
    if (want != file.shape[dim])
      return invalidArgument(where + ": expected a file of size " +
                             std::to_string(want) + " in dim " +
                             std::to_string(dim) + ", got " +
                             std::to_string(file.shape[dim]));
  }
  return Status();
}

Status checkNoneMissing(const KernelDescriptor &descriptor,
                        const Sizes &sizes) {
  std::string missing;
  for (const std::string &name : descriptor.sizeNames)
    if (!sizes.count(name))
      missing += (missing.empty() ? "" : ",") + name + "=N";
  return missing.empty()
             ? Status()
             : invalidArgument("run-time sizes are missing; expected --sizes " +
                               missing);
}

std::vector<int64_t> shapeOf(const ArgumentDescriptor &argument,
                             const KernelDescriptor &descriptor,
                             const Sizes &sizes) {
  std::vector<int64_t> shape;
  shape.reserve(argument.shape.size());
  for (const Size &size : argument.shape)
    shape.push_back(size.isFixed()
                        ? size.fixed
                        : sizes.at(descriptor.sizeNames[size.symbol]));
  return shape;
}

/// "s_q=1 x 1 x topk=64"
std::string shapeText(const ArgumentDescriptor &argument,
                      const KernelDescriptor &descriptor, const Sizes &sizes) {
  std::string text;
  for (const Size &size : argument.shape) {
    text += text.empty() ? "" : " x ";
    if (size.isFixed()) {
      text += std::to_string(size.fixed);
      continue;
    }
    const std::string &name = descriptor.sizeNames[size.symbol];
    text += name + "=" + std::to_string(sizes.at(name));
  }
  return text;
}

/// The value of `key`, or `other` if there is none.
template <typename Value>
Value findOr(const std::map<std::string, Value> &map, const std::string &key,
             Value other) {
  auto found = map.find(key);
  return found == map.end() ? other : found->second;
}

/// The machine's memory, or the process's limit if that is lower.
uint64_t memoryOfMachine() {
  uint64_t bytes = static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                   static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  rlimit limit;
  if (::getrlimit(RLIMIT_AS, &limit) == 0)
    bytes = std::min<uint64_t>(bytes, limit.rlim_cur);
  return bytes;
}

/// Refuses arguments that exceed the memory limit before allocating any. The
/// error names the largest argument.
Status checkMemory(const KernelDescriptor &descriptor, const Sizes &sizes,
                   const InputOptions &options) {
  constexpr uint64_t kMost = std::numeric_limits<int64_t>::max();
  const ArgumentDescriptor *largest = nullptr;
  uint64_t most = 0, sum = 0;
  for (const ArgumentDescriptor &argument : descriptor.arguments) {
    if (!argument.isTensor || options.leftOut.count(argument.name))
      continue;
    uint64_t bytes =
        HostTensor::storageBytes(
            argument.dtype, shapeOf(argument, descriptor, sizes),
            findOr(options.padding, argument.name, int64_t(0)),
            findOr(options.orders, argument.name, std::vector<int>()))
            .value_or(kMost);
    if (!largest || bytes > most) {
      largest = &argument;
      most = bytes;
    }
    sum = std::min(kMost, sum + std::min(kMost, bytes));
  }
  uint64_t limit = options.memoryLimit.value_or(memoryOfMachine());
  if (sum <= limit && sum < kMost)
    return Status();
  auto text = [](uint64_t bytes) {
    return bytes == kMost ? "more than 2^63" : std::to_string(bytes);
  };
  return invalidArgument("argument '" + largest->name + "' (" +
                         shapeText(*largest, descriptor, sizes) + "): takes " +
                         text(most) + " bytes, all arguments " + text(sum) +
                         ", the memory limit is " + std::to_string(limit));
}

/// An empty tensor of the argument's shape; its strides follow the padding, the
/// order and those that the kernel fixes.
Status allocate(const ArgumentDescriptor &argument,
                const KernelDescriptor &descriptor, const Sizes &sizes,
                const InputOptions &options, HostTensor &out) {
  std::string where = "argument '" + argument.name + "'";
  std::vector<int64_t> shape = shapeOf(argument, descriptor, sizes);
  int64_t padding = findOr(options.padding, argument.name, int64_t(0));
  if (padding && shape.size() < 2)
    return invalidArgument(where + ": has no rows to pad");
  out = HostTensor(argument.dtype, shape, padding,
                   findOr(options.orders, argument.name, std::vector<int>()));
  for (size_t dim = 0; dim < shape.size(); ++dim)
    if (shape[dim] > 1 && argument.strides[dim] &&
        *argument.strides[dim] != out.strides[dim])
      return invalidArgument(where + ": the kernel expects stride " +
                             std::to_string(*argument.strides[dim]) +
                             " in dim " + std::to_string(dim) +
                             ", which these sizes, their order and this "
                             "padding do not give (" +
                             std::to_string(out.strides[dim]) + ")");
  return Status();
}

void copyElements(const HostTensor &from, HostTensor &to) {
  int64_t item = itemSize(to.dtype);
  for (int64_t i = 0; i < to.elements(); ++i)
    std::memcpy(to.storage.data() + to.offsetOf(i) * item,
                from.storage.data() + i * item, item);
}

void makeScalar(const ArgumentDescriptor &argument, const InputOptions &options,
                HostArgument &out) {
  out.isTensor = false;
  out.scalarType = argument.dtype;
  out.number = 1;
  out.integer = 1;
  if (argument.name == "scale" && options.scale)
    out.number = *options.scale;
}

/// The default of `scale`, d_qk^-0.5, once q's shape is known.
void setDefaultScale(const InputOptions &options,
                     std::vector<HostArgument> &arguments) {
  HostArgument *scale = findArgument(arguments, "scale");
  const HostArgument *q = findArgument(arguments, "q");
  if (scale && !scale->isTensor && !options.scale && q && q->isTensor &&
      q->tensor.rank() > 0)
    scale->number = 1 / std::sqrt(static_cast<double>(q->tensor.shape.back()));
}

const ArgumentDescriptor *findTensor(const KernelDescriptor &descriptor,
                                     const std::string &name) {
  for (const ArgumentDescriptor &argument : descriptor.arguments)
    if (argument.name == name && argument.isTensor)
      return &argument;
  return nullptr;
}

std::vector<std::string> optionalNames(const KernelDescriptor &descriptor) {
  std::vector<std::string> names;
  for (const ArgumentDescriptor &argument : descriptor.arguments)
    if (argument.optional)
      names.push_back(argument.name);
  return names;
}

std::string numberText(double number) {
  char text[40];
  std::snprintf(text, sizeof(text), "%.9g", number);
  return text;
}

/// Refuses an option that does not apply to the kernel.
Status checkScale(const KernelDescriptor &descriptor,
                  const InputOptions &options) {
  if (!options.scale)
    return Status();
  if (!isScale(*options.scale))
    return invalidArgument("scale: expected a number above 0 that fp32 holds, "
                           "got " +
                           numberText(*options.scale));
  for (const ArgumentDescriptor &argument : descriptor.arguments)
    if (argument.name == "scale" && !argument.isTensor)
      return Status();
  for (const ConstantDescriptor &constant : descriptor.constants)
    if (constant.name == "scale")
      return invalidArgument("scale: the kernel takes none, " +
                             numberText(constant.value) +
                             " is compiled into it");
  return invalidArgument("scale: the kernel has no such argument");
}

/// The error for a name in `what` that is not a tensor argument of the kernel.
Status noSuchTensor(const std::string &what, const KernelDescriptor &descriptor,
                    const std::string &name) {
  std::vector<std::string> names;
  for (const ArgumentDescriptor &argument : descriptor.arguments)
    if (argument.isTensor)
      names.push_back(argument.name);
  return invalidArgument(what + ": the kernel has no such tensor; it has: " +
                         join(names) + suggest(name, names));
}

/// Refuses extremes that the kernel's operator does not have.
Status checkExtremes(const KernelDescriptor &descriptor,
                     const InputOptions &options) {
  std::vector<std::string> names;
  if (const OperatorHost *host = findOperatorHost(descriptor.operatorName))
    for (const Extreme &extreme : host->info.extremes)
      names.push_back(extreme.name);
  for (const std::string &name : options.extremes)
    if (!std::count(names.begin(), names.end(), name))
      return invalidArgument("extreme '" + name + "': the operator '" +
                             descriptor.operatorName +
                             "' has no such inputs; it has: " + join(names));
  return Status();
}

/// Refuses an order that does not name each dimension once.
Status checkOrders(const KernelDescriptor &descriptor,
                   const InputOptions &options) {
  for (const auto &[name, order] : options.orders) {
    const ArgumentDescriptor *argument = findTensor(descriptor, name);
    if (!argument)
      return noSuchTensor("order of '" + name + "'", descriptor, name);
    std::vector<int> dims(argument->shape.size());
    std::iota(dims.begin(), dims.end(), 0);
    if (std::is_permutation(order.begin(), order.end(), dims.begin(),
                            dims.end()))
      continue;
    std::vector<std::string> words;
    for (int dim : order)
      words.push_back(std::to_string(dim));
    return invalidArgument(
        "order of '" + name + "': expected each dimension from 0 to " +
        std::to_string(dims.size() - 1) + " once, got " + join(words));
  }
  return Status();
}

Status checkNames(const KernelDescriptor &descriptor,
                  const InputOptions &options) {
  MLA_RETURN_IF_ERROR(checkExtremes(descriptor, options));
  for (const auto &[name, pad] : options.padding) {
    if (!findTensor(descriptor, name))
      return noSuchTensor("padding of '" + name + "'", descriptor, name);
    if (pad < 0)
      return invalidArgument("padding of '" + name +
                             "': expected 0 or more, got " +
                             std::to_string(pad));
  }
  MLA_RETURN_IF_ERROR(checkOrders(descriptor, options));
  for (const std::string &name : options.leftOut) {
    const ArgumentDescriptor *argument = findTensor(descriptor, name);
    if (!argument || !argument->optional)
      return invalidArgument(
          "argument '" + name + "': " +
          (argument ? "cannot be left out" : "the kernel has no such tensor") +
          "; those that can: " + join(optionalNames(descriptor)));
    if (options.files.count(name) || options.padding.count(name) ||
        options.orders.count(name))
      return invalidArgument(
          "argument '" + name +
          "': is left out and has an input, padding or an order");
  }
  return Status();
}

/// Reads the files; their shapes give the sizes that are missing.
Status readFiles(const KernelDescriptor &descriptor,
                 const InputOptions &options, Sizes &sizes,
                 std::map<std::string, HostTensor> &out) {
  for (const auto &[name, path] : options.files) {
    const ArgumentDescriptor *argument = findTensor(descriptor, name);
    if (!argument)
      return noSuchTensor("input '" + name + "'", descriptor, name);
    if (argument->access == MLA_WRITE)
      return invalidArgument("input '" + name + "': is an output");
    MLA_RETURN_IF_ERROR(
        readNpy(path, argument->dtype, out[name],
                options.memoryLimit.value_or(memoryOfMachine())));
    MLA_RETURN_IF_ERROR(bindSizes(descriptor, *argument, out[name], sizes));
  }
  return Status();
}

/// Makes the arguments; the request has been checked.
Status fillArguments(const KernelDescriptor &descriptor, const Sizes &sizes,
                     const InputOptions &options,
                     const std::map<std::string, HostTensor> &files,
                     std::vector<HostArgument> &out) {
  const OperatorHost *host = findOperatorHost(descriptor.operatorName);
  for (const ArgumentDescriptor &argument : descriptor.arguments) {
    HostArgument &made = out.emplace_back();
    made.name = argument.name;
    made.access = argument.access;
    if (!argument.isTensor) {
      makeScalar(argument, options, made);
      continue;
    }
    if (options.leftOut.count(argument.name)) {
      made.leftOut = true;
      made.tensor = HostTensor(argument.dtype,
                               std::vector<int64_t>(argument.shape.size(), 0));
      continue;
    }
    MLA_RETURN_IF_ERROR(
        allocate(argument, descriptor, sizes, options, made.tensor));
    if (options.poison || argument.access == MLA_WRITE)
      made.tensor.fillWithPoison();
    if (auto file = files.find(argument.name); file != files.end())
      copyElements(file->second, made.tensor);
    else if (argument.access != MLA_WRITE && !host)
      fillPlain(made.tensor, streamSeed(options.seed, argument.name),
                options.magnitude);
  }
  setDefaultScale(options, out);
  return host ? host->fill(descriptor, options, out) : Status();
}

} // namespace

Status checkSizes(const KernelDescriptor &descriptor, const Sizes &sizes) {
  const std::vector<std::string> &names = descriptor.sizeNames;
  for (const auto &[name, value] : sizes) {
    auto known = std::find(names.begin(), names.end(), name);
    if (known == names.end())
      return invalidArgument(
          "size '" + name +
          "': the kernel has no such run-time size; it has: " + join(names) +
          suggest(name, names));
    runtime::SizeLimits limits =
        descriptor.limitsOf(static_cast<int>(known - names.begin()));
    if (value < limits.smallest || value > limits.largest)
      return invalidArgument("size '" + name + "': expected " +
                             std::to_string(limits.smallest) + " to " +
                             std::to_string(limits.largest) + ", got " +
                             std::to_string(value));
  }
  return Status();
}

Status makeArguments(const KernelDescriptor &descriptor, Sizes &sizes,
                     const InputOptions &options,
                     std::vector<HostArgument> &out) {
  out.clear();
  std::map<std::string, HostTensor> files;
  MLA_RETURN_IF_ERROR(checkNames(descriptor, options));
  MLA_RETURN_IF_ERROR(checkScale(descriptor, options));
  // The memory that is free may be less than the limit.
  try {
    MLA_RETURN_IF_ERROR(readFiles(descriptor, options, sizes, files));
    MLA_RETURN_IF_ERROR(checkSizes(descriptor, sizes));
    MLA_RETURN_IF_ERROR(checkNoneMissing(descriptor, sizes));
    MLA_RETURN_IF_ERROR(checkMemory(descriptor, sizes, options));
    return fillArguments(descriptor, sizes, options, files, out);
  } catch (const std::exception &error) {
    out.clear();
    return Status(MLA_OUT_OF_MEMORY,
                  std::string("no memory for the arguments: ") + error.what());
  }
}

} // namespace mla::harness
