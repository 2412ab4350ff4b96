//===- DescriptorVerifier.cpp - checks of a launch descriptor -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Runtime/Descriptor.h"
#include "mla/Runtime/Launch.h"

#include <algorithm>
#include <set>

namespace mla::runtime {

namespace {

std::string at(const std::string &list, size_t index) {
  return list + "[" + std::to_string(index) + "]";
}

bool isPowerOfTwo(int64_t value) {
  return value > 0 && (value & (value - 1)) == 0;
}

Status verifyName(const std::string &field, const std::string &name) {
  if (name.empty())
    return invalidPackage("'" + field + "': expected a name, got ''");
  return Status();
}

Status verifyLimit(const std::string &field, size_t count, int limit) {
  if (count > static_cast<size_t>(limit))
    return invalidPackage("'" + field + "': expected at most " +
                          std::to_string(limit) + " entries, got " +
                          std::to_string(count));
  return Status();
}

Status verifyRank(const std::string &where, size_t rank) {
  if (rank > static_cast<size_t>(kMaxRank))
    return invalidPackage("'" + where + ".shape': expected rank at most " +
                          std::to_string(kMaxRank) + ", got " +
                          std::to_string(rank));
  return Status();
}

Status verifyAlignment(const std::string &where, int64_t alignment,
                       int64_t most) {
  if (!isPowerOfTwo(alignment) || alignment > most)
    return invalidPackage(
        "'" + where + ".alignment': expected a power of two up to " +
        std::to_string(most) + ", got " + std::to_string(alignment));
  return Status();
}

Status verifyArgument(const KernelDescriptor &descriptor,
                      const ArgumentDescriptor &argument,
                      const std::string &where) {
  MLA_RETURN_IF_ERROR(verifyName(where + ".name", argument.name));
  if (!argument.isTensor)
    return Status();
  MLA_RETURN_IF_ERROR(verifyRank(where, argument.shape.size()));
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
  MLA_RETURN_IF_ERROR(verifyAlignment(where, argument.alignment, 4096));
  if (argument.optional && argument.access == MLA_READ_WRITE)
    return invalidPackage("'" + where +
                          ".optional': expected a tensor that is only read or "
                          "only written");
  return Status();
}

/// Checks that `index` is that of a tensor argument or a workspace, and `dim`,
/// unless negative, one of its dimensions.
Status verifyTensorDim(const KernelDescriptor &descriptor, int index, int dim,
                       const std::string &where) {
  int count = descriptor.tensorCount();
  if (index < 0 || index >= count)
    return invalidPackage("'" + where + ".argument': expected 0 to " +
                          std::to_string(count - 1) + ", got " +
                          std::to_string(index));
  if (!descriptor.workspace(index) && !descriptor.arguments[index].isTensor)
    return invalidPackage("'" + where +
                          ".argument': expected a tensor, got "
                          "scalar '" +
                          descriptor.tensorName(index) + "'");
  int rank = descriptor.tensorRank(index);
  if (dim >= rank)
    return invalidPackage("'" + where + ".dim': expected a dimension of '" +
                          descriptor.tensorName(index) + "' below " +
                          std::to_string(rank) + ", got " +
                          std::to_string(dim));
  return Status();
}

Status verifyParameter(const KernelDescriptor &descriptor,
                       const EntryDescriptor &entry,
                       const ParameterDescriptor &parameter,
                       const std::string &where) {
  using Kind = ParameterDescriptor::Kind;
  switch (parameter.kind) {
  case Kind::TensorMap:
    if (parameter.index < 0 ||
        parameter.index >= static_cast<int>(entry.tensorMaps.size()))
      return invalidPackage("'" + where +
                            ".index': expected a tensor map "
                            "below " +
                            std::to_string(entry.tensorMaps.size()) + ", got " +
                            std::to_string(parameter.index));
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

/// Checks the requirements of the driver that depend on the descriptor alone.
Status verifyTensorMap(const KernelDescriptor &descriptor,
                       const TensorMapDescriptor &map,
                       const std::string &where) {
  MLA_RETURN_IF_ERROR(verifyTensorDim(descriptor, map.tensor, -1, where));
  const WorkspaceDescriptor *workspace = descriptor.workspace(map.tensor);
  const ArgumentDescriptor *argument =
      workspace ? nullptr : &descriptor.arguments[map.tensor];
  const std::string &name = descriptor.tensorName(map.tensor);
  if (argument && argument->optional)
    return invalidPackage("'" + where +
                          ".argument': expected a tensor that every launch "
                          "gives, got optional '" +
                          name + "'");
  int rank = descriptor.tensorRank(map.tensor);
  if (rank < 1 || rank > kMaxTensorMapRank)
    return invalidPackage("'" + where +
                          ".argument': expected a tensor of "
                          "rank 1 to 5, got rank " +
                          std::to_string(rank));
  if (map.box.size() != static_cast<size_t>(rank))
    return invalidPackage("'" + where + ".box': expected " +
                          std::to_string(rank) + " entries for '" + name +
                          "', got " + std::to_string(map.box.size()));
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
  int64_t innerBytes =
      map.box.back() * itemSize(descriptor.tensorType(map.tensor));
  if (innerBytes % 16 != 0)
    return invalidPackage("'" + where +
                          ".box': expected inner bytes that are "
                          "a multiple of 16, got " +
                          std::to_string(innerBytes));
  if (map.swizzle && innerBytes > map.swizzle)
    return invalidPackage(
        "'" + where + ".box': expected at most " + std::to_string(map.swizzle) +
        " inner bytes for this swizzle, got " + std::to_string(innerBytes));
  if (argument && argument->strides.back() != std::optional<int64_t>(1))
    return invalidPackage("'" + where +
                          ".argument': expected inner stride 1 "
                          "of '" +
                          name + "'");
  return Status();
}

/// Checks that every launch has the sizes that `expression` names.
Status verifyExpression(const KernelDescriptor &descriptor,
                        const Expression &expression,
                        const std::string &where) {
  for (int symbol : expression.sizes()) {
    auto has = [&](const ArgumentDescriptor &argument) {
      return !argument.optional &&
             std::any_of(
                 argument.shape.begin(), argument.shape.end(),
                 [&](const Size &size) { return size.symbol == symbol; });
    };
    if (symbol >= static_cast<int>(descriptor.sizeNames.size()))
      return invalidPackage("'" + where + "': names no known size");
    if (std::none_of(descriptor.arguments.begin(), descriptor.arguments.end(),
                     has))
      return invalidPackage("'" + where +
                            "': expected sizes of tensors that every launch "
                            "gives, got '" +
                            descriptor.sizeNames[symbol] +
                            "', which optional ones have");
  }
  return Status();
}

Status verifySizeLimits(const KernelDescriptor &descriptor) {
  for (const SizeLimits &limits : descriptor.sizeLimits) {
    if (limits.symbol < 0 ||
        limits.symbol >= static_cast<int>(descriptor.sizeNames.size()))
      return invalidPackage("'sizeLimits': names no known size");
    if (limits.smallest < 0 || limits.smallest > limits.largest ||
        limits.largest > kMaxDimension)
      return invalidPackage("'sizeLimits." +
                            descriptor.sizeNames[limits.symbol] +
                            "': expected 0 <= smallest <= largest <= " +
                            std::to_string(kMaxDimension) + ", got [" +
                            std::to_string(limits.smallest) + ", " +
                            std::to_string(limits.largest) + "]");
  }
  return Status();
}

/// Checks that expressions can name the sizes.
Status verifySizeNames(const KernelDescriptor &descriptor) {
  if (descriptor.sizeNames.size() > static_cast<size_t>(kMaxSizes))
    return invalidPackage("'arguments': expected at most " +
                          std::to_string(kMaxSizes) +
                          " names of sizes, got more");
  for (const std::string &name : descriptor.sizeNames)
    if (isReservedInExpressions(name))
      return invalidPackage("'arguments': expected names of sizes without a "
                            "meaning in expressions, got '" +
                            name + "'");
  return Status();
}

Status verifyWorkspace(const KernelDescriptor &descriptor,
                       const WorkspaceDescriptor &workspace,
                       const std::string &where) {
  MLA_RETURN_IF_ERROR(verifyName(where + ".name", workspace.name));
  for (const ArgumentDescriptor &argument : descriptor.arguments)
    if (argument.name == workspace.name)
      return invalidPackage("'" + where + ".name': '" + workspace.name +
                            "' is an argument too");
  MLA_RETURN_IF_ERROR(verifyRank(where, workspace.shape.size()));
  for (size_t i = 0; i < workspace.shape.size(); ++i)
    MLA_RETURN_IF_ERROR(verifyExpression(descriptor, workspace.shape[i],
                                         where + "." + at("shape", i)));
  return verifyAlignment(where, workspace.alignment, kWorkspaceAlignment);
}

Status verifyWorkspaces(const KernelDescriptor &descriptor) {
  MLA_RETURN_IF_ERROR(
      verifyLimit("workspaces", descriptor.workspaces.size(), kMaxWorkspaces));
  std::set<std::string> names;
  for (size_t i = 0; i < descriptor.workspaces.size(); ++i) {
    const WorkspaceDescriptor &workspace = descriptor.workspaces[i];
    MLA_RETURN_IF_ERROR(
        verifyWorkspace(descriptor, workspace, at("workspaces", i)));
    if (!names.insert(workspace.name).second)
      return invalidPackage("'" + at("workspaces", i) +
                            ".name': expected a name of its own, got '" +
                            workspace.name + "' again");
  }
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

Status verifyParameters(const KernelDescriptor &descriptor,
                        const EntryDescriptor &entry,
                        const std::string &where) {
  std::string parameters = where + ".parameters", maps = where + ".tensorMaps";
  MLA_RETURN_IF_ERROR(
      verifyLimit(parameters, entry.parameters.size(), kMaxParameters));
  MLA_RETURN_IF_ERROR(
      verifyLimit(maps, entry.tensorMaps.size(), kMaxTensorMaps));
  for (size_t i = 0; i < entry.tensorMaps.size(); ++i)
    MLA_RETURN_IF_ERROR(
        verifyTensorMap(descriptor, entry.tensorMaps[i], at(maps, i)));
  int64_t bytes = 0;
  int mapCount = 0;
  for (size_t i = 0; i < entry.parameters.size(); ++i) {
    const ParameterDescriptor &parameter = entry.parameters[i];
    MLA_RETURN_IF_ERROR(
        verifyParameter(descriptor, entry, parameter, at(parameters, i)));
    bool isMap = parameter.kind == ParameterDescriptor::Kind::TensorMap;
    int64_t size = parameterSize(descriptor, parameter);
    int64_t alignment = isMap ? kTensorMapAlignment : size;
    bytes = (bytes + alignment - 1) / alignment * alignment + size;
    mapCount += isMap;
  }
  if (mapCount > kMaxTensorMaps)
    return invalidPackage("'" + parameters + "': expected at most " +
                          std::to_string(kMaxTensorMaps) +
                          " tensor maps, got " + std::to_string(mapCount));
  if (bytes > kMaxParameterBytes)
    return invalidPackage("'" + parameters + "': expected at most " +
                          std::to_string(kMaxParameterBytes) + " bytes, got " +
                          std::to_string(bytes));
  return Status();
}

/// Checks that names and values are words, so that operatorText can be parsed.
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

Status verifyRange(const std::string &field, int64_t value, int64_t low,
                   int64_t high) {
  if (value < low || value > high)
    return invalidPackage("'" + field + "': expected " + std::to_string(low) +
                          " to " + std::to_string(high) + ", got " +
                          std::to_string(value));
  return Status();
}

Status verifyEntry(const KernelDescriptor &descriptor,
                   const EntryDescriptor &entry, const std::string &where) {
  const TargetSpec &target = *findTarget(descriptor.target);
  MLA_RETURN_IF_ERROR(verifyName(where + ".symbol", entry.symbol));
  MLA_RETURN_IF_ERROR(verifyParameters(descriptor, entry, where));
  MLA_RETURN_IF_ERROR(
      verifyExpression(descriptor, entry.grid, where + ".grid"));
  MLA_RETURN_IF_ERROR(
      verifyRange(where + ".block", entry.block, 1, target.threadsPerCTA()));
  MLA_RETURN_IF_ERROR(
      verifyRange(where + ".cluster", entry.cluster, 1, target.maxCluster));
  return verifyRange(where + ".sharedBytes", entry.sharedBytes, 0,
                     target.sharedBytesPerCTA);
}

/// Checks each kernel, and the limits on all of them together.
Status verifyEntries(const KernelDescriptor &descriptor) {
  const std::vector<EntryDescriptor> &kernels = descriptor.kernels;
  if (kernels.empty())
    return invalidPackage("'kernels': expected at least 1 entry, got 0");
  MLA_RETURN_IF_ERROR(verifyLimit("kernels", kernels.size(), kMaxKernels));
  size_t maps = 0;
  std::set<std::string> symbols;
  for (size_t i = 0; i < kernels.size(); ++i) {
    std::string where = at("kernels", i);
    MLA_RETURN_IF_ERROR(verifyEntry(descriptor, kernels[i], where));
    if (!symbols.insert(kernels[i].symbol).second)
      return invalidPackage("'" + where +
                            ".symbol': expected a name of its own, got '" +
                            kernels[i].symbol + "' again");
    if (i > 0 && kernels[i].phase == MLA_PHASE_PLAN &&
        kernels[i - 1].phase == MLA_PHASE_LAUNCH)
      return invalidPackage("'" + where +
                            ".phase': expected plan before launch");
    maps += static_cast<size_t>(std::count_if(
        kernels[i].parameters.begin(), kernels[i].parameters.end(),
        [](const ParameterDescriptor &parameter) {
          return parameter.kind == ParameterDescriptor::Kind::TensorMap;
        }));
  }
  if (maps > static_cast<size_t>(kMaxProgramTensorMaps))
    return invalidPackage("'kernels': expected at most " +
                          std::to_string(kMaxProgramTensorMaps) +
                          " tensor maps together, got " + std::to_string(maps));
  return Status();
}

/// Checks that no constant is an argument as well.
Status verifyConstants(const KernelDescriptor &descriptor) {
  MLA_RETURN_IF_ERROR(
      verifyLimit("constants", descriptor.constants.size(), kMaxArguments));
  for (const ConstantDescriptor &constant : descriptor.constants)
    for (const ArgumentDescriptor &argument : descriptor.arguments)
      if (constant.name == argument.name)
        return invalidPackage("'constants." + constant.name +
                              "': is an argument too");
  return Status();
}

} // namespace

Status verifyDescriptor(const KernelDescriptor &descriptor) {
  if (!findTarget(descriptor.target))
    return invalidPackage("'target': " +
                          describeUnknownTarget(descriptor.target));
  MLA_RETURN_IF_ERROR(verifyName("cubin", descriptor.cubin));
  // The cubin is in the package's folder; a path could leave it.
  if (descriptor.cubin.find('/') != std::string::npos)
    return invalidPackage("'cubin': expected a file name without '/', got '" +
                          descriptor.cubin + "'");
  MLA_RETURN_IF_ERROR(verifyOptions(descriptor.options));
  MLA_RETURN_IF_ERROR(verifySizeNames(descriptor));
  MLA_RETURN_IF_ERROR(verifySizeLimits(descriptor));
  MLA_RETURN_IF_ERROR(verifyArguments(descriptor));
  MLA_RETURN_IF_ERROR(verifyConstants(descriptor));
  MLA_RETURN_IF_ERROR(verifyWorkspaces(descriptor));
  return verifyEntries(descriptor);
}

} // namespace mla::runtime
