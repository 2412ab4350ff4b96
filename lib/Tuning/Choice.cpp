//===- Choice.cpp - shapes, GPUs and chosen schedules ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Tuning/Choice.h"
#include "mla/Support/Names.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mla;
using llvm::StringRef;

static void appendGpus(const TargetSpec &target,
                       llvm::SmallVectorImpl<StringRef> &names) {
  for (const TargetGpu &gpu : llvm::ArrayRef(target.gpus, target.numGpus))
    names.push_back(gpu.name);
}

std::optional<int64_t> ShapeClass::getSize(StringRef name) const {
  for (const auto &[known, value] : sizes)
    if (known == name)
      return value;
  return std::nullopt;
}

/// Sets the value of the entry named \p name, if it exists.
template <typename Entries, typename Value>
static void setEntry(Entries &entries, StringRef name, Value value) {
  for (auto &[known, old] : entries)
    if (known == name)
      old = value;
}

void ShapeClass::setSize(StringRef name, std::optional<int64_t> value) {
  setEntry(sizes, name, value);
}

void ShapeClass::setOption(StringRef name, StringRef value) {
  setEntry(options, name, value.str());
}

int64_t Problem::getSize(StringRef name) const {
  if (std::optional<int64_t> size = shape.getSize(name))
    return *size;
  auto found = sizes.find(std::string_view(name));
  return found == sizes.end() ? 0 : found->second;
}

std::string mla::findFault(const Gpu &gpu) {
  const TargetSpec *target = findTarget(gpu.target);
  if (!target)
    return describeUnknownTarget(gpu.target);
  llvm::SmallVector<StringRef> names;
  appendGpus(*target, names);
  if (!gpu.name.empty() && !llvm::is_contained(names, gpu.name))
    return "unknown GPU '" + gpu.name + "', expected " +
           listNames(gpu.name, names);
  return "";
}

llvm::SmallVector<StringRef> mla::getGpuNames() {
  llvm::SmallVector<StringRef> names;
  for (const TargetSpec &target : kTargets)
    appendGpus(target, names);
  return names;
}

std::string mla::getGpuName(const std::string &deviceName,
                            const TargetSpec &target) {
  StringRef name = deviceName;
  name.consume_front("NVIDIA ");
  name = name.split(' ').first;
  return findGpu(target, {name.data(), name.size()}) ? name.str() : "";
}

llvm::Expected<ExpectedSizes> mla::parseExpectedSizes(StringRef text) {
  ExpectedSizes sizes;
  llvm::SmallVector<StringRef> words;
  text.split(words, ',', -1, /*KeepEmpty=*/false);
  for (StringRef word : words) {
    auto [name, number] = word.split('=');
    int64_t size = 0;
    if (name.empty() || number.getAsInteger(10, size) || size < 1 ||
        size > INT32_MAX)
      return llvm::createStringError(
          "expected sizes: expected NAME=N with 1 <= N < 2^31, got '" + word +
          "'");
    sizes.emplace_back(name.str(), size);
  }
  return sizes;
}

int64_t Choice::getParameter(StringRef name, int64_t otherwise) const {
  for (const auto &[known, value] : parameters)
    if (known == name)
      return value;
  return otherwise;
}

llvm::Expected<Choice> mla::parseChoice(StringRef text) {
  auto fail = [&](const llvm::Twine &what) {
    return llvm::createStringError("schedule '" + text + "': " + what);
  };
  llvm::SmallVector<StringRef> words;
  text.split(words, ':');
  Choice choice{words.front().str(), {}};
  if (choice.schedule.empty())
    return fail("expected NAME[:PARAMETER=N]...");
  for (StringRef word : llvm::drop_begin(words)) {
    auto [name, number] = word.split('=');
    int64_t value = 0;
    if (name.empty() || number.getAsInteger(10, value) || value < 1 ||
        value > INT32_MAX)
      return fail("expected PARAMETER=N with 1 <= N < 2^31, got '" + word +
                  "'");
    for (const auto &given : choice.parameters)
      if (given.first == name)
        return fail("parameter '" + name + "' is given twice");
    choice.parameters.emplace_back(name.str(), value);
  }
  return choice;
}

std::string mla::describe(const Choice &choice) {
  std::string text = choice.schedule;
  for (const auto &[name, value] : choice.parameters)
    text += ":" + name + "=" + std::to_string(value);
  return text;
}
