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

json write(const ParameterDescriptor &parameter) {
  using Kind = ParameterDescriptor::Kind;
  switch (parameter.kind) {
  case Kind::Pointer:
    return {{"kind", "pointer"}, {"argument", parameter.index}};
  case Kind::Size:
    return {{"kind", "size"},
            {"argument", parameter.index},
            {"dim", parameter.dim}};
  case Kind::Stride:
    return {{"kind", "stride"},
            {"argument", parameter.index},
            {"dim", parameter.dim}};
  case Kind::Scalar:
    return {{"kind", "scalar"}, {"argument", parameter.index}};
  case Kind::TensorMap:
    return {{"kind", "tensor_map"}, {"index", parameter.index}};
  }
  return nullptr;
}

json write(const GridFactor &factor) {
  if (factor.isConstant)
    return {{"constant", factor.constant}};
  return {{"argument", factor.argument},
          {"dim", factor.dim},
          {"divide", factor.divide}};
}

} // namespace

std::string writeDescriptor(const KernelDescriptor &descriptor) {
  json root = {{"format", "mla-kernel-package"},
               {"version", kPackageVersion},
               {"compiler", descriptor.compiler},
               {"kernel", descriptor.kernel},
               {"operator", descriptor.operatorName}};
  if (!descriptor.options.empty())
    root["options"] = descriptor.options;
  root["target"] = descriptor.target;
  root["cubin"] = descriptor.cubin;
  if (!descriptor.sha256.empty())
    root["sha256"] = descriptor.sha256;
  for (const ConstantDescriptor &constant : descriptor.constants)
    root["constants"][constant.name] = constant.value;
  for (const char *list : {"arguments", "parameters", "tensorMaps", "grid"})
    root[list] = json::array();
  for (const ArgumentDescriptor &argument : descriptor.arguments)
    root["arguments"].push_back(write(descriptor, argument));
  for (const ParameterDescriptor &parameter : descriptor.parameters)
    root["parameters"].push_back(write(parameter));
  for (const TensorMapDescriptor &map : descriptor.tensorMaps)
    root["tensorMaps"].push_back({{"argument", map.argument},
                                  {"box", map.box},
                                  {"swizzle", map.swizzle}});
  for (const GridFactor &factor : descriptor.grid)
    root["grid"].push_back(write(factor));
  root["block"] = descriptor.block;
  root["cluster"] = descriptor.cluster;
  root["sharedBytes"] = descriptor.sharedBytes;
  // `replace`: a name that is not UTF-8 must not throw across this interface.
  return root.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

} // namespace mla::runtime
