//===- Descriptor.cpp - a launch descriptor as values ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Runtime/Descriptor.h"

#include <algorithm>

namespace mla::runtime {

namespace {
struct DTypeRow {
  mlaDType dtype;
  const char *name;
  int64_t bytes;
  bool isFloat;
};
constexpr DTypeRow kDTypes[] = {
    {MLA_BF16, "bf16", 2, true}, {MLA_F16, "f16", 2, true},
    {MLA_F32, "f32", 4, true},   {MLA_F64, "f64", 8, true},
    {MLA_I8, "i8", 1, false},    {MLA_I32, "i32", 4, false},
    {MLA_I64, "i64", 8, false},  {MLA_E4M3, "f8E4M3FN", 1, true},
};
} // namespace

int64_t itemSize(mlaDType dtype) { return kDTypes[dtype].bytes; }
const char *dtypeName(mlaDType dtype) { return kDTypes[dtype].name; }
bool isFloat(mlaDType dtype) { return kDTypes[dtype].isFloat; }

std::optional<mlaDType> parseDType(std::string_view name) {
  for (const DTypeRow &row : kDTypes)
    if (name == row.name)
      return row.dtype;
  return std::nullopt;
}

Size KernelDescriptor::namedSize(const std::string &name) {
  for (size_t i = 0; i < sizeNames.size(); ++i)
    if (sizeNames[i] == name)
      return Size{0, static_cast<int>(i)};
  sizeNames.push_back(name);
  return Size{0, static_cast<int>(sizeNames.size() - 1)};
}

SizeLimits KernelDescriptor::limitsOf(int symbol) const {
  for (const SizeLimits &limits : sizeLimits)
    if (limits.symbol == symbol)
      return limits;
  return SizeLimits{symbol};
}

void KernelDescriptor::limitSize(int symbol, int64_t smallest,
                                 int64_t largest) {
  for (SizeLimits &limits : sizeLimits)
    if (limits.symbol == symbol) {
      limits.smallest = std::max(limits.smallest, smallest);
      limits.largest = std::min(limits.largest, largest);
      return;
    }
  sizeLimits.push_back({symbol, smallest, largest});
}

const std::string &KernelDescriptor::name() const {
  return kernels.empty() ? operatorName : kernels.front().symbol;
}

const WorkspaceDescriptor *KernelDescriptor::workspace(int tensor) const {
  int number = tensor - static_cast<int>(arguments.size());
  return number < 0 ? nullptr : &workspaces[number];
}

const std::string &KernelDescriptor::tensorName(int tensor) const {
  const WorkspaceDescriptor *own = workspace(tensor);
  return own ? own->name : arguments[tensor].name;
}

mlaDType KernelDescriptor::tensorType(int tensor) const {
  const WorkspaceDescriptor *own = workspace(tensor);
  return own ? own->dtype : arguments[tensor].dtype;
}

int KernelDescriptor::tensorRank(int tensor) const {
  const WorkspaceDescriptor *own = workspace(tensor);
  return static_cast<int>(own ? own->shape.size()
                              : arguments[tensor].shape.size());
}

std::string KernelDescriptor::operatorText() const {
  std::string text = operatorName;
  for (const auto &[name, value] : options)
    text += " " + name + "=" + value;
  return text;
}

} // namespace mla::runtime
