//===- Package.cpp - fuzz target: the package loader -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// An input is the text of kernel.json, a zero byte, a count and as many bytes
// that choose the arguments of a launch, then the cubin. It is loaded as it is
// and with a right seal, and what loads is queried, and its launch checked.
//
//===----------------------------------------------------------------------===//

#include "mla/Runtime/Descriptor.h"
#include "mla/Runtime/Launch.h"
#include "mla/Runtime/Runtime.h"

#include <cstdlib>
#include <iterator>

using namespace mla::runtime;

namespace {

/// Values that an input's bytes choose; zeros when they are used up.
class Choices {
public:
  explicit Choices(std::string_view bytes) : bytes(bytes) {}

  int64_t value() {
    static constexpr int64_t values[] = {1,
                                         0,
                                         2,
                                         16,
                                         127,
                                         128,
                                         INT32_MAX,
                                         INT64_MAX,
                                         -1,
                                         INT64_MIN,
                                         INT64_MIN / 2,
                                         1 << 20,
                                         int64_t(1) << 32,
                                         int64_t(1) << 40,
                                         int64_t(1) << 62};
    return values[next() % std::size(values)];
  }
  bool rarely() { return next() % 16 == 15; }

private:
  uint8_t next() {
    uint8_t byte = bytes.empty() ? 0 : bytes.front();
    bytes.remove_prefix(!bytes.empty());
    return byte;
  }
  std::string_view bytes;
};

mlaArgument makeArgument(const ArgumentDescriptor &wanted,
                         const std::vector<int64_t> &sizes, Choices &choices) {
  mlaArgument argument{};
  if (!wanted.isTensor) {
    argument.kind = isFloat(wanted.dtype) ? MLA_FLOAT : MLA_INTEGER;
    if (argument.kind == MLA_FLOAT)
      argument.value.f64 = static_cast<double>(choices.value());
    else
      argument.value.i64 = choices.value();
    return argument;
  }
  mlaTensor &tensor = argument.value.tensor;
  tensor.data = choices.rarely() ? choices.value() : 1 << 16;
  tensor.dtype = choices.rarely() ? choices.value() : wanted.dtype;
  int rank = static_cast<int>(wanted.shape.size());
  tensor.rank = choices.rarely() ? choices.value() : rank;
  uint64_t row = 1;
  for (int dim = rank - 1; dim >= 0; --dim) {
    const Size &size = wanted.shape[dim];
    int64_t wide = size.isFixed() ? size.fixed : sizes[size.symbol];
    tensor.shape[dim] = choices.rarely() ? choices.value() : wide;
    tensor.strides[dim] =
        choices.rarely() ? choices.value() : wanted.strides[dim].value_or(row);
    row *= static_cast<uint64_t>(tensor.shape[dim]);
  }
  return argument;
}

/// Whether it is taken does not matter.
void load(std::string_view json, std::string_view cubin,
          const std::vector<mlaArgument> &arguments) {
  mlaKernel kernel = nullptr;
  if (mlaKernelLoadFromMemory(json.data(), json.size(), cubin.data(),
                              cubin.size(), &kernel) != MLA_SUCCESS)
    return;
  mlaKernelInfo info{};
  mlaKernelGetInfo(kernel, &info);
  for (int32_t i = 0; i < info.argumentCount; ++i) {
    mlaArgumentInfo argument{};
    mlaKernelGetArgument(kernel, i, &argument);
  }
  int32_t kernels = 0;
  mlaKernelGetEntryCount(kernel, &kernels);
  for (int32_t i = 0; i < kernels; ++i) {
    mlaEntryInfo entry{};
    mlaKernelGetEntry(kernel, i, &entry);
  }
  int32_t count = static_cast<int32_t>(arguments.size());
  mlaKernelCheck(kernel, arguments.data(), count);
  size_t workspace = 0;
  mlaKernelGetWorkspaceBytes(kernel, arguments.data(), count, &workspace);
  mlaKernelDestroy(kernel);
}

/// A descriptor is written as it was read.
void checkRoundTrip(const KernelDescriptor &descriptor) {
  std::string text = writeDescriptor(descriptor);
  KernelDescriptor again;
  if (!parseDescriptor(text, again).ok() || writeDescriptor(again) != text)
    std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view input(reinterpret_cast<const char *>(data), size);
  std::string json(input.substr(0, input.find('\0')));
  input.remove_prefix(std::min(json.size() + 1, size));
  size_t count = input.empty() ? 0 : static_cast<uint8_t>(input.front());
  input.remove_prefix(!input.empty());
  Choices choices(input.substr(0, count));
  std::string cubin(input.substr(std::min(count, input.size())));

  load(json, cubin, {});
  KernelDescriptor descriptor;
  if (!parseDescriptor(json, descriptor).ok())
    return 0;
  checkRoundTrip(descriptor);
  std::vector<int64_t> sizes;
  for (size_t i = 0; i < descriptor.sizeNames.size(); ++i)
    sizes.push_back(choices.value());
  std::vector<mlaArgument> arguments;
  for (const ArgumentDescriptor &argument : descriptor.arguments)
    arguments.push_back(makeArgument(argument, sizes, choices));
  if (sealDescriptor(json, cubin).ok())
    load(json, cubin, arguments);
  return 0;
}
