//===- Descriptor.cpp - what a launch descriptor must satisfy -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Runtime/Descriptor.h"
#include "mla/Runtime/Launch.h"

#include <limits>
#include <set>

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

std::string KernelDescriptor::operatorText() const {
  std::string text = operatorName;
  for (const auto &[name, value] : options)
    text += " " + name + "=" + value;
  return text;
}

namespace {

std::string at(const char *list, size_t index) {
  return std::string(list) + "[" + std::to_string(index) + "]";
}

bool isPowerOfTwo(int64_t value) {
  return value > 0 && (value & (value - 1)) == 0;
}

Status verifyName(const std::string &field, const std::string &name) {
  if (name.empty())
    return invalidPackage("'" + field + "': expected a name, got ''");
  return Status();
}

Status verifyLimit(const char *field, size_t count, int limit) {
  if (count > static_cast<size_t>(limit))
    return invalidPackage(std::string("'") + field + "': expected at most " +
                          std::to_string(limit) + " entries, got " +
                          std::to_string(count));
  return Status();
}

Status verifyArgument(const KernelDescriptor &descriptor,
                      const ArgumentDescriptor &argument,
                      const std::string &where) {
  MLA_RETURN_IF_ERROR(verifyName(where + ".name", argument.name));
  if (!argument.isTensor)
    return Status();
  if (argument.shape.size() > static_cast<size_t>(kMaxRank))
    return invalidPackage("'" + where + ".shape': expected rank at most " +
                          std::to_string(kMaxRank) + ", got " +
                          std::to_string(argument.shape.size()));
  if (argument.strides.size() != argument.shape.size())
    return invalidPackage("'" + where +
                          ".strides': expected as many entries as the shape, " +
                          std::to_string(argument.shape.size()) + ", got " +
                          std::to_string(argument.strides.size()));
  for (const Size &size : argument.shape) {
    if (size.isFixed() && (size.fixed < 0 || size.fixed > kMaxDimension))
      return invalidPackage("'" + where + ".shape': expected sizes of 0 to " +
                            std::to_string(kMaxDimension) + ", got " +
                            std::to_string(size.fixed));
    if (size.symbol >= static_cast<int>(descriptor.sizeNames.size()))
      return invalidPackage("'" + where + ".shape': names no known size");
  }
  for (const std::optional<int64_t> &stride : argument.strides)
    if (stride && *stride < 0)
      return invalidPackage("'" + where +
                            ".strides': expected strides of 0 or more, got " +
                            std::to_string(*stride));
  if (!isPowerOfTwo(argument.alignment) || argument.alignment > 4096)
    return invalidPackage("'" + where +
                          ".alignment': expected a power of two up to 4096, "
                          "got " +
                          std::to_string(argument.alignment));
  // What a launch makes of a tensor without an address has to be nothing.
  if (argument.optional && argument.access != MLA_READ)
    return invalidPackage("'" + where +
                          ".optional': expected a tensor that is only read");
  return Status();
}

/// That `index` names a tensor argument, and `dim` one of its dimensions unless
/// it is negative.
Status verifyTensorDim(const KernelDescriptor &descriptor, int index, int dim,
                       const std::string &where) {
  if (index < 0 || index >= static_cast<int>(descriptor.arguments.size()))
    return invalidPackage("'" + where + ".argument': expected 0 to " +
                          std::to_string(int(descriptor.arguments.size()) - 1) +
                          ", got " + std::to_string(index));
  const ArgumentDescriptor &argument = descriptor.arguments[index];
  if (!argument.isTensor)
    return invalidPackage("'" + where +
                          ".argument': expected a tensor, got "
                          "scalar '" +
                          argument.name + "'");
  if (dim >= static_cast<int>(argument.shape.size()))
    return invalidPackage("'" + where + ".dim': expected a dimension of '" +
                          argument.name + "' below " +
                          std::to_string(argument.shape.size()) + ", got " +
                          std::to_string(dim));
  return Status();
}

Status verifyParameter(const KernelDescriptor &descriptor,
                       const ParameterDescriptor &parameter,
                       const std::string &where) {
  using Kind = ParameterDescriptor::Kind;
  switch (parameter.kind) {
  case Kind::TensorMap:
    if (parameter.index < 0 ||
        parameter.index >= static_cast<int>(descriptor.tensorMaps.size()))
      return invalidPackage("'" + where +
                            ".index': expected a tensor map "
                            "below " +
                            std::to_string(descriptor.tensorMaps.size()) +
                            ", got " + std::to_string(parameter.index));
    return Status();
  case Kind::Scalar:
    if (parameter.index < 0 ||
        parameter.index >= static_cast<int>(descriptor.arguments.size()) ||
        descriptor.arguments[parameter.index].isTensor)
      return invalidPackage("'" + where +
                            ".argument': expected the index of "
                            "a scalar argument, got " +
                            std::to_string(parameter.index));
    return Status();
  case Kind::Pointer:
    return verifyTensorDim(descriptor, parameter.index, -1, where);
  case Kind::Size:
  case Kind::Stride:
    if (parameter.dim < 0)
      return invalidPackage("'" + where + ".dim': expected 0 or more, got " +
                            std::to_string(parameter.dim));
    return verifyTensorDim(descriptor, parameter.index, parameter.dim, where);
  }
  return Status(MLA_INTERNAL_ERROR, "unknown parameter kind");
}

/// What the driver demands of a tensor map and the descriptor alone decides.
Status verifyTensorMap(const KernelDescriptor &descriptor,
                       const TensorMapDescriptor &map,
                       const std::string &where) {
  MLA_RETURN_IF_ERROR(verifyTensorDim(descriptor, map.argument, -1, where));
  const ArgumentDescriptor &argument = descriptor.arguments[map.argument];
  if (argument.optional)
    return invalidPackage("'" + where +
                          ".argument': expected a tensor that every launch "
                          "gives, got optional '" +
                          argument.name + "'");
  size_t rank = argument.shape.size();
  if (rank < 1 || rank > static_cast<size_t>(kMaxTensorMapRank))
    return invalidPackage("'" + where +
                          ".argument': expected a tensor of "
                          "rank 1 to 5, got rank " +
                          std::to_string(rank));
  if (map.box.size() != rank)
    return invalidPackage("'" + where + ".box': expected " +
                          std::to_string(rank) + " entries for '" +
                          argument.name + "', got " +
                          std::to_string(map.box.size()));
  for (int64_t extent : map.box)
    if (extent < 1 || extent > 256)
      return invalidPackage("'" + where +
                            ".box': expected extents of 1 to 256, got " +
                            std::to_string(extent));
  if (map.swizzle != 0 && map.swizzle != 32 && map.swizzle != 64 &&
      map.swizzle != 128)
    return invalidPackage("'" + where +
                          ".swizzle': expected 0, 32, 64 or 128, got " +
                          std::to_string(map.swizzle));
  int64_t innerBytes = map.box.back() * itemSize(argument.dtype);
  if (innerBytes % 16 != 0)
    return invalidPackage("'" + where +
                          ".box': expected inner bytes that are "
                          "a multiple of 16, got " +
                          std::to_string(innerBytes));
  if (map.swizzle && innerBytes > map.swizzle)
    return invalidPackage(
        "'" + where + ".box': expected at most " + std::to_string(map.swizzle) +
        " inner bytes for this swizzle, got " + std::to_string(innerBytes));
  if (argument.strides.back() != std::optional<int64_t>(1))
    return invalidPackage("'" + where +
                          ".argument': expected inner stride 1 "
                          "of '" +
                          argument.name + "'");
  return Status();
}

Status verifyGridFactor(const KernelDescriptor &descriptor,
                        const GridFactor &factor, const std::string &where) {
  if (factor.isConstant) {
    if (factor.constant < 0)
      return invalidPackage("'" + where +
                            ".constant': expected 0 or more, got " +
                            std::to_string(factor.constant));
    return Status();
  }
  if (factor.dim < 0)
    return invalidPackage("'" + where + ".dim': expected 0 or more, got " +
                          std::to_string(factor.dim));
  MLA_RETURN_IF_ERROR(
      verifyTensorDim(descriptor, factor.argument, factor.dim, where));
  if (descriptor.arguments[factor.argument].optional)
    return invalidPackage("'" + where +
                          ".argument': expected a tensor that every launch "
                          "gives, got optional '" +
                          descriptor.arguments[factor.argument].name + "'");
  if (factor.divide < 1)
    return invalidPackage("'" + where + ".divide': expected 1 or more, got " +
                          std::to_string(factor.divide));
  return Status();
}

Status verifyArguments(const KernelDescriptor &descriptor) {
  MLA_RETURN_IF_ERROR(
      verifyLimit("arguments", descriptor.arguments.size(), kMaxArguments));
  std::set<std::string> names;
  for (size_t i = 0; i < descriptor.arguments.size(); ++i) {
    const ArgumentDescriptor &argument = descriptor.arguments[i];
    MLA_RETURN_IF_ERROR(
        verifyArgument(descriptor, argument, at("arguments", i)));
    if (!names.insert(argument.name).second)
      return invalidPackage("'" + at("arguments", i) +
                            ".name': expected a name of its own, got '" +
                            argument.name + "' again");
  }
  return Status();
}

Status verifyParameters(const KernelDescriptor &descriptor) {
  MLA_RETURN_IF_ERROR(
      verifyLimit("parameters", descriptor.parameters.size(), kMaxParameters));
  MLA_RETURN_IF_ERROR(
      verifyLimit("tensorMaps", descriptor.tensorMaps.size(), kMaxTensorMaps));
  for (size_t i = 0; i < descriptor.tensorMaps.size(); ++i)
    MLA_RETURN_IF_ERROR(verifyTensorMap(descriptor, descriptor.tensorMaps[i],
                                        at("tensorMaps", i)));
  int64_t bytes = 0;
  int maps = 0;
  for (size_t i = 0; i < descriptor.parameters.size(); ++i) {
    const ParameterDescriptor &parameter = descriptor.parameters[i];
    MLA_RETURN_IF_ERROR(
        verifyParameter(descriptor, parameter, at("parameters", i)));
    bool isMap = parameter.kind == ParameterDescriptor::Kind::TensorMap;
    int64_t size = parameterSize(descriptor, parameter);
    int64_t alignment = isMap ? kTensorMapAlignment : size;
    bytes = (bytes + alignment - 1) / alignment * alignment + size;
    maps += isMap;
  }
  if (maps > kMaxTensorMaps)
    return invalidPackage("'parameters': expected at most " +
                          std::to_string(kMaxTensorMaps) +
                          " tensor maps, got " + std::to_string(maps));
  if (bytes > kMaxParameterBytes)
    return invalidPackage("'parameters': expected at most " +
                          std::to_string(kMaxParameterBytes) + " bytes, got " +
                          std::to_string(bytes));
  return Status();
}

/// Names and values are words, so that operatorText can be taken apart.
Status verifyOptions(const OperatorOptions &options) {
  for (const auto &[name, value] : options)
    for (const std::string &word : {name, value})
      if (word.empty() || word.find_first_of(" =") != std::string::npos)
        return invalidPackage("'options." + name +
                              "': expected words without spaces and '=', got "
                              "'" +
                              word + "'");
  return Status();
}

Status verifyRange(const char *field, int64_t value, int64_t low,
                   int64_t high) {
  if (value < low || value > high)
    return invalidPackage(std::string("'") + field + "': expected " +
                          std::to_string(low) + " to " + std::to_string(high) +
                          ", got " + std::to_string(value));
  return Status();
}

} // namespace

/// That a constant is no argument too, so that one value has one name.
static Status verifyConstants(const KernelDescriptor &descriptor) {
  MLA_RETURN_IF_ERROR(
      verifyLimit("constants", descriptor.constants.size(), kMaxArguments));
  for (const ConstantDescriptor &constant : descriptor.constants)
    for (const ArgumentDescriptor &argument : descriptor.arguments)
      if (constant.name == argument.name)
        return invalidPackage("'constants." + constant.name +
                              "': is an argument too");
  return Status();
}

Status verifyDescriptor(const KernelDescriptor &descriptor) {
  MLA_RETURN_IF_ERROR(verifyName("kernel", descriptor.kernel));
  const TargetSpec *target = findTarget(descriptor.target);
  if (!target)
    return invalidPackage("'target': " +
                          describeUnknownTarget(descriptor.target));
  MLA_RETURN_IF_ERROR(verifyName("cubin", descriptor.cubin));
  // The cubin lies in the package: a path would reach outside of it.
  if (descriptor.cubin.find('/') != std::string::npos)
    return invalidPackage("'cubin': expected a file name without '/', got '" +
                          descriptor.cubin + "'");
  MLA_RETURN_IF_ERROR(verifyOptions(descriptor.options));
  MLA_RETURN_IF_ERROR(
      verifyLimit("arguments", descriptor.sizeNames.size(), kMaxSizes));
  MLA_RETURN_IF_ERROR(verifyArguments(descriptor));
  MLA_RETURN_IF_ERROR(verifyConstants(descriptor));
  MLA_RETURN_IF_ERROR(verifyParameters(descriptor));
  for (size_t i = 0; i < descriptor.grid.size(); ++i)
    MLA_RETURN_IF_ERROR(
        verifyGridFactor(descriptor, descriptor.grid[i], at("grid", i)));
  MLA_RETURN_IF_ERROR(
      verifyRange("block", descriptor.block, 1, target->threadsPerCTA()));
  MLA_RETURN_IF_ERROR(
      verifyRange("cluster", descriptor.cluster, 1, target->maxCluster));
  return verifyRange("sharedBytes", descriptor.sharedBytes, 0,
                     target->sharedBytesPerCTA);
}

} // namespace mla::runtime
