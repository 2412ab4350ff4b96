//===- DescriptorWriter.cpp - C++ values to kernel.json -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Runtime/Descriptor.h"

#include <nlohmann/json.hpp>

// Keeps the fields in the order in which they are written.
using json = nlohmann::ordered_json;

namespace mla::runtime {

namespace {

const char *accessName(mlaAccess access) {
  switch (access) {
  case MLA_READ:
    return "read";
  case MLA_WRITE:
    return "write";
  case MLA_READ_WRITE:
    return "readwrite";
  }
  return "";
}

json write(const KernelDescriptor &descriptor,
           const ArgumentDescriptor &argument) {
  json result = {{"name", argument.name},
                 {"kind", argument.isTensor ? "tensor" : "scalar"},
                 {"dtype", dtypeName(argument.dtype)}};
  if (!argument.isTensor) {
    if (argument.positive)
      result["positive"] = true;
    return result;
  }
  json shape = json::array(), strides = json::array();
  for (const Size &size : argument.shape)
    shape.push_back(size.isFixed() ? json(size.fixed)
                                   : json(descriptor.sizeNames[size.symbol]));
  for (const std::optional<int64_t> &stride : argument.strides)
    strides.push_back(stride ? json(*stride) : json(nullptr));
  result["shape"] = shape;
  result["strides"] = strides;
  result["access"] = accessName(argument.access);
  result["alignment"] = argument.alignment;
  if (argument.optional)
    result["optional"] = true;
  return result;
}

/// A shape entry of a workspace: a number, or the text of an expression.
json write(const Expression &size) {
  return size.isConstant() ? json::parse(size.text()) : json(size.text());
}

json write(const WorkspaceDescriptor &workspace) {
  json shape = json::array();
  for (const Expression &size : workspace.shape)
    shape.push_back(write(size));
  return {{"name", workspace.name},
          {"dtype", dtypeName(workspace.dtype)},
          {"shape", shape},
          {"alignment", workspace.alignment}};
}

/// "argument": index, or "workspace": index.
void writeTensor(const KernelDescriptor &descriptor, int tensor, json &out) {
  int arguments = static_cast<int>(descriptor.arguments.size());
  if (tensor < arguments)
    out["argument"] = tensor;
  else
    out["workspace"] = tensor - arguments;
}

json write(const KernelDescriptor &descriptor,
           const ParameterDescriptor &parameter) {
  using Kind = ParameterDescriptor::Kind;
  constexpr const char *kNames[] = {"pointer", "size", "stride", "scalar",
                                    "tensor_map"};
  json result = {{"kind", kNames[static_cast<int>(parameter.kind)]}};
  if (parameter.kind == Kind::TensorMap)
    result["index"] = parameter.index;
  else
    writeTensor(descriptor, parameter.index, result);
  if (parameter.kind == Kind::Size || parameter.kind == Kind::Stride)
    result["dim"] = parameter.dim;
  return result;
}

json write(const KernelDescriptor &descriptor, const TensorMapDescriptor &map) {
  json result = json::object();
  writeTensor(descriptor, map.tensor, result);
  result["box"] = map.box;
  result["swizzle"] = map.swizzle;
  if (map.mayBeEmpty)
    result["mayBeEmpty"] = true;
  return result;
}

json write(const KernelDescriptor &descriptor, const EntryDescriptor &entry) {
  json result = {{"symbol", entry.symbol},
                 {"phase", entry.phase == MLA_PHASE_PLAN ? "plan" : "launch"},
                 {"parameters", json::array()},
                 {"tensorMaps", json::array()}};
  for (const ParameterDescriptor &parameter : entry.parameters)
    result["parameters"].push_back(write(descriptor, parameter));
  for (const TensorMapDescriptor &map : entry.tensorMaps)
    result["tensorMaps"].push_back(write(descriptor, map));
  result["grid"] = entry.grid.text();
  result["block"] = entry.block;
  result["cluster"] = entry.cluster;
  result["sharedBytes"] = entry.sharedBytes;
  result["programmatic"] = entry.programmatic;
  return result;
}

} // namespace

std::string writeDescriptor(const KernelDescriptor &descriptor, bool indented) {
  json root = {{"format", "mla-kernel-package"},
               {"version", kPackageVersion},
               {"compiler", descriptor.compiler},
               {"operator", descriptor.operatorName}};
  if (!descriptor.options.empty())
    root["options"] = descriptor.options;
  root["target"] = descriptor.target;
  root["cubin"] = descriptor.cubin;
  if (!descriptor.sha256.empty())
    root["sha256"] = descriptor.sha256;
  for (const ConstantDescriptor &constant : descriptor.constants)
    root["constants"][constant.name] = constant.value;
  for (int symbol = 0; symbol < static_cast<int>(descriptor.sizeNames.size());
       ++symbol) {
    SizeLimits limits = descriptor.limitsOf(symbol);
    if (limits.smallest > 0 || limits.largest < kMaxDimension)
      root["sizeLimits"][descriptor.sizeNames[symbol]] = {limits.smallest,
                                                          limits.largest};
  }
  for (const char *list : {"arguments", "workspaces", "kernels"})
    root[list] = json::array();
  for (const ArgumentDescriptor &argument : descriptor.arguments)
    root["arguments"].push_back(write(descriptor, argument));
  for (const WorkspaceDescriptor &workspace : descriptor.workspaces)
    root["workspaces"].push_back(write(workspace));
  for (const EntryDescriptor &entry : descriptor.kernels)
    root["kernels"].push_back(write(descriptor, entry));
  // `replace`: dump() would throw for a name that is not UTF-8.
  return root.dump(indented ? 2 : -1, ' ', false,
                   json::error_handler_t::replace) +
         (indented ? "\n" : "");
}

} // namespace mla::runtime
