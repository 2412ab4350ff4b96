//===- Workspace.cpp - memory that the caller lends to a launch -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Runtime/Launch.h"

#include <cstdio>

namespace mla::runtime {

namespace {

Status fault(const WorkspaceDescriptor &workspace, const std::string &text) {
  return invalidArgument("workspace '" + workspace.name + "': " + text);
}

Status tooLarge(const WorkspaceDescriptor &workspace) {
  return fault(workspace, "size exceeds the address space");
}

/// Computes shape, strides and size in bytes.
Status layOut(const WorkspaceDescriptor &workspace,
              const LaunchBinding &binding, mlaTensor &tensor, int64_t &bytes) {
  tensor.dtype = workspace.dtype;
  tensor.rank = static_cast<int32_t>(workspace.shape.size());
  bytes = itemSize(workspace.dtype);
  for (int32_t dim = tensor.rank - 1; dim >= 0; --dim) {
    int64_t &size = tensor.shape[dim];
    Status status =
        workspace.shape[dim].evaluate(binding.sizes, binding.sms, size);
    if (!status.ok())
      return status.within("workspace '" + workspace.name + "'");
    if (size > kMaxDimension)
      return fault(workspace, "expected a size of 0 to " +
                                  std::to_string(kMaxDimension) + " in dim " +
                                  std::to_string(dim) + ", got " +
                                  std::to_string(size));
    if (dim + 1 < tensor.rank && size > 1 && bytes % workspace.alignment != 0)
      return fault(workspace, "expected a stride multiple of " +
                                  std::to_string(workspace.alignment) +
                                  " bytes in dim " + std::to_string(dim) +
                                  ", got " + std::to_string(bytes));
    tensor.strides[dim] = bytes / itemSize(workspace.dtype);
    if (__builtin_mul_overflow(bytes, size, &bytes))
      return tooLarge(workspace);
  }
  return Status();
}

} // namespace

Status layOutWorkspaces(const KernelDescriptor &descriptor,
                        LaunchBinding &binding) {
  int64_t end = 0;
  for (size_t i = 0; i < descriptor.workspaces.size(); ++i) {
    const WorkspaceDescriptor &workspace = descriptor.workspaces[i];
    int64_t bytes = 0;
    MLA_RETURN_IF_ERROR(
        layOut(workspace, binding, binding.workspaces[i], bytes));
    binding.workspaces[i].data = static_cast<uint64_t>(end);
    if (__builtin_add_overflow(end, bytes, &end) ||
        __builtin_add_overflow(end, kWorkspaceAlignment - 1, &end))
      return tooLarge(workspace);
    end = end / kWorkspaceAlignment * kWorkspaceAlignment;
  }
  binding.workspaceBytes = static_cast<uint64_t>(end);
  return Status();
}

Status placeWorkspaces(const KernelDescriptor &descriptor,
                       const mlaArgument *arguments, uint64_t address,
                       uint64_t bytes, LaunchBinding &binding, int32_t phase) {
  uint64_t needed = binding.workspaceBytes;
  if (needed == 0)
    return Status();
  int first = static_cast<int>(descriptor.arguments.size());
  auto isUsed = [&] {
    for (size_t i = 0; i < descriptor.workspaces.size(); ++i)
      if (usesMemory(descriptor, first + static_cast<int>(i), phase))
        return true;
    return false;
  };
  if (address == 0 && !isUsed())
    return Status();
  if (address == 0)
    return invalidArgument("'workspace': expected a device address of " +
                           std::to_string(needed) + " bytes, got null");
  if (address % kWorkspaceAlignment != 0) {
    char text[19];
    std::snprintf(text, sizeof(text), "0x%llx",
                  static_cast<unsigned long long>(address));
    return invalidArgument("'workspace': expected an address aligned to " +
                           std::to_string(kWorkspaceAlignment) +
                           " bytes, got " + text);
  }
  if (bytes < needed)
    return invalidArgument("'workspaceBytes': expected " +
                           std::to_string(needed) + " or more, got " +
                           std::to_string(bytes));
  if (needed > UINT64_MAX - address)
    return invalidArgument("'workspace': size exceeds the address space");
  for (size_t i = 0; i < descriptor.arguments.size(); ++i) {
    uint64_t extent = binding.extents[i];
    if (extent == 0)
      continue;
    uint64_t data = arguments[i].value.tensor.data;
    if (data < address + needed && address < data + extent)
      return invalidArgument("'workspace': expected memory apart from that of "
                             "argument '" +
                             descriptor.arguments[i].name +
                             "', got an overlap");
  }
  for (size_t i = 0; i < descriptor.workspaces.size(); ++i)
    binding.workspaces[i].data += address;
  return Status();
}

} // namespace mla::runtime
