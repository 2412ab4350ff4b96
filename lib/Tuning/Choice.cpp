//===- Choice.cpp - shapes, GPUs and choices, as they are named -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Tuning/Choice.h"
#include "mla/Support/Names.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mla;
using llvm::StringRef;

/// What drivers call the GPUs of the target.
static constexpr StringRef kGpuNames[] = {"H100", "H200",   "H800",
                                          "H20",  "H20-3e", "GH200"};

std::optional<int64_t> ShapeClass::getSize(StringRef name) const {
  for (const auto &[known, value] : sizes)
    if (known == name)
      return value;
  return std::nullopt;
}

/// Changes the entry named \p name, if there is one.
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
  if (gpu.target != Gpu().target)
    return "unknown target '" + gpu.target + "', expected " + Gpu().target;
  if (!gpu.name.empty() && !llvm::is_contained(kGpuNames, gpu.name))
    return "unknown GPU '" + gpu.name + "', expected " +
           listNames(gpu.name, kGpuNames);
  return "";
}

llvm::ArrayRef<StringRef> mla::getGpuNames() { return kGpuNames; }

std::string mla::getGpuName(const std::string &deviceName) {
  StringRef name = deviceName;
  name.consume_front("NVIDIA ");
  name = name.split(' ').first;
  return llvm::is_contained(kGpuNames, name) ? name.str() : "";
}

std::string mla::describe(const Choice &choice) {
  std::string text = choice.schedule;
  if (choice.keys)
    text += ", " + std::to_string(choice.keys) + " keys";
  if (choice.stages)
    text += ", " + std::to_string(choice.stages) + " stages";
  return text;
}
