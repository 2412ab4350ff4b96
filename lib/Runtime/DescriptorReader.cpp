//===- DescriptorReader.cpp - kernel.json to C++ values -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "ObjectReader.h"

#include <algorithm>

using nlohmann::json;

namespace mla::runtime {

namespace {

mlaAccess readAccess(ObjectReader &reader) {
  std::string word = reader.string("access");
  if (word == "write")
    return MLA_WRITE;
  if (word == "readwrite")
    return MLA_READ_WRITE;
  if (word != "read")
    reader.fail(reader.join("access"), "read, write or readwrite", word);
  return MLA_READ;
}

mlaDType readDType(ObjectReader &reader) {
  std::string word = reader.string("dtype");
  std::optional<mlaDType> dtype = parseDType(word);
  if (!dtype)
    reader.fail(reader.join("dtype"),
                "bf16, f16, f32, f64, i8, i32, i64 or f8E4M3FN", word);
  return dtype.value_or(MLA_F32);
}

ArgumentDescriptor readArgument(const json &value, const std::string &path,
                                KernelDescriptor &descriptor, Status &status) {
  ObjectReader reader(value, path, status);
  ArgumentDescriptor argument;
  argument.name = reader.string("name");
  argument.dtype = readDType(reader);
  std::string kind = reader.string("kind");
  argument.isTensor = kind == "tensor";
  if (kind == "scalar") {
    reader.allowOnly({"name", "kind", "dtype", "positive"});
    argument.positive = reader.boolean("positive");
    return argument;
  }
  if (!argument.isTensor)
    reader.fail(path + ".kind", "tensor or scalar", kind);
  reader.allowOnly({"name", "kind", "dtype", "shape", "strides", "access",
                    "alignment", "optional"});
  reader.array("shape", [&](const json &entry, const std::string &where) {
    Size size;
    // Stops at one name too many: each is compared with all others, and the
    // verifier refuses the descriptor.
    if (descriptor.sizeNames.size() > static_cast<size_t>(kMaxSizes))
      return;
    if (entry.is_string() && !entry.get_ref<const std::string &>().empty())
      size = descriptor.namedSize(entry.get<std::string>());
    else if (entry.is_number_integer())
      size.fixed = reader.toInteger(entry, where);
    else
      reader.fail(where, "a size or the name of one", entry);
    argument.shape.push_back(size);
  });
  reader.array("strides", [&](const json &entry, const std::string &where) {
    std::optional<int64_t> stride;
    if (!entry.is_null())
      stride = reader.toInteger(entry, where);
    argument.strides.push_back(stride);
  });
  argument.access = readAccess(reader);
  argument.alignment = reader.has("alignment") ? reader.integer("alignment")
                                               : itemSize(argument.dtype);
  argument.optional = reader.boolean("optional");
  return argument;
}

/// A number, or the text of an expression over the arguments' sizes.
Expression readExpression(const json &entry, const std::string &where,
                          ObjectReader &reader,
                          const KernelDescriptor &descriptor) {
  Expression expression;
  if (entry.is_number_integer()) {
    int64_t value = reader.toInteger(entry, where);
    if (value < 0)
      reader.fail(where, "0 or more", entry);
    return Expression(value);
  }
  if (!entry.is_string())
    reader.fail(where, "an integer or an expression", entry);
  else if (Status status = Expression::parse(entry.get<std::string>(),
                                             descriptor.sizeNames, expression);
           !status.ok())
    reader.fault("'" + where + "': " + status.message());
  return expression;
}

WorkspaceDescriptor readWorkspace(const json &value, const std::string &path,
                                  const KernelDescriptor &descriptor,
                                  Status &status) {
  ObjectReader reader(value, path, status);
  reader.allowOnly({"name", "dtype", "shape", "alignment"});
  WorkspaceDescriptor workspace;
  workspace.name = reader.string("name");
  workspace.dtype = readDType(reader);
  reader.array("shape", [&](const json &entry, const std::string &where) {
    workspace.shape.push_back(readExpression(entry, where, reader, descriptor));
  });
  workspace.alignment = reader.has("alignment") ? reader.integer("alignment")
                                                : itemSize(workspace.dtype);
  return workspace;
}

/// The index of the tensor that the field "argument" or "workspace" refers to.
int readTensor(ObjectReader &reader, const KernelDescriptor &descriptor) {
  int arguments = static_cast<int>(descriptor.arguments.size());
  if (!reader.has("workspace")) {
    int index = reader.smallInteger("argument");
    // An index beyond the arguments would denote a workspace.
    if (index >= arguments)
      reader.fault("'" + reader.join("argument") + "': expected 0 to " +
                   std::to_string(arguments - 1) + ", got " +
                   std::to_string(index));
    return index;
  }
  int count = static_cast<int>(descriptor.workspaces.size());
  int index = reader.smallInteger("workspace");
  if (reader.has("argument"))
    reader.fault("unknown field '" + reader.join("argument") +
                 "' beside 'workspace'");
  if (index < 0 || index >= count)
    reader.fault("'" + reader.join("workspace") + "': expected a workspace " +
                 "below " + std::to_string(count) + ", got " +
                 std::to_string(index));
  return arguments + index;
}

ParameterDescriptor readParameter(const json &value, const std::string &path,
                                  const KernelDescriptor &descriptor,
                                  Status &status) {
  using Kind = ParameterDescriptor::Kind;
  ObjectReader reader(value, path, status);
  ParameterDescriptor parameter;
  std::string kind = reader.string("kind");
  if (kind == "tensor_map") {
    reader.allowOnly({"kind", "index"});
    parameter.kind = Kind::TensorMap;
    parameter.index = reader.smallInteger("index");
    return parameter;
  }
  parameter.index = readTensor(reader, descriptor);
  if (kind == "size" || kind == "stride") {
    reader.allowOnly({"kind", "argument", "workspace", "dim"});
    parameter.kind = kind == "size" ? Kind::Size : Kind::Stride;
    parameter.dim = reader.smallInteger("dim");
    return parameter;
  }
  reader.allowOnly({"kind", "argument", "workspace"});
  parameter.kind = kind == "scalar" ? Kind::Scalar : Kind::Pointer;
  if (kind != "scalar" && kind != "pointer")
    reader.fail(path + ".kind", "pointer, size, stride, scalar or tensor_map",
                kind);
  return parameter;
}

TensorMapDescriptor readTensorMap(const json &value, const std::string &path,
                                  const KernelDescriptor &descriptor,
                                  Status &status) {
  ObjectReader reader(value, path, status);
  reader.allowOnly({"argument", "workspace", "box", "swizzle", "mayBeEmpty"});
  TensorMapDescriptor map;
  map.tensor = readTensor(reader, descriptor);
  map.swizzle = reader.smallInteger("swizzle");
  map.mayBeEmpty = reader.boolean("mayBeEmpty");
  reader.array("box", [&](const json &entry, const std::string &where) {
    map.box.push_back(reader.toInteger(entry, where));
  });
  return map;
}

mlaPhase readPhase(ObjectReader &reader) {
  std::string word = reader.has("phase") ? reader.string("phase") : "launch";
  if (word == "plan")
    return MLA_PHASE_PLAN;
  if (word != "launch")
    reader.fail(reader.join("phase"), "plan or launch", word);
  return MLA_PHASE_LAUNCH;
}

EntryDescriptor readEntry(const json &value, const std::string &path,
                          const KernelDescriptor &descriptor, Status &status) {
  ObjectReader reader(value, path, status);
  reader.allowOnly({"symbol", "phase", "parameters", "tensorMaps", "grid",
                    "block", "cluster", "sharedBytes", "programmatic"});
  EntryDescriptor entry;
  entry.symbol = reader.string("symbol");
  entry.phase = readPhase(reader);
  reader.array("parameters", [&](const json &item, const std::string &where) {
    entry.parameters.push_back(readParameter(item, where, descriptor, status));
  });
  if (reader.has("tensorMaps"))
    reader.array("tensorMaps", [&](const json &item, const std::string &where) {
      entry.tensorMaps.push_back(
          readTensorMap(item, where, descriptor, status));
    });
  reader.value("grid", [&](const json &item, const std::string &where) {
    entry.grid = readExpression(item, where, reader, descriptor);
  });
  entry.block = reader.smallInteger("block");
  entry.cluster = reader.has("cluster") ? reader.smallInteger("cluster") : 1;
  entry.sharedBytes = reader.integer("sharedBytes");
  entry.programmatic = reader.boolean("programmatic");
  return entry;
}

/// Format and version are checked first: fields of other versions are unknown.
void checkVersion(ObjectReader &reader, Status &status) {
  std::string format = reader.string("format");
  if (status.ok() && format != "mla-kernel-package")
    reader.fault("'format': expected 'mla-kernel-package', got '" + format +
                 "'");
  int64_t version = reader.integer("version");
  if (status.ok() && version != kPackageVersion)
    reader.fault("'version': expected " + std::to_string(kPackageVersion) +
                 ", got " + std::to_string(version) +
                 "; compile the package again with the compiler that belongs "
                 "to this runtime");
}

/// Reads "sizeLimits": {"topk": [1, 2048]}, after the arguments, which name the
/// sizes.
void readSizeLimits(ObjectReader &reader, KernelDescriptor &out) {
  reader.object("sizeLimits", [&](const std::string &name, const json &entry) {
    std::string where = "sizeLimits." + name;
    auto known = std::find(out.sizeNames.begin(), out.sizeNames.end(), name);
    if (known == out.sizeNames.end())
      return reader.fault("'" + where +
                          "': expected the name of a size of an argument");
    if (!entry.is_array() || entry.size() != 2)
      return reader.fail(where, "[smallest, largest]", entry);
    out.sizeLimits.push_back({static_cast<int>(known - out.sizeNames.begin()),
                              reader.toInteger(entry[0], where),
                              reader.toInteger(entry[1], where)});
  });
}

/// Reads the arguments first: limits, workspaces and kernels refer to their
/// sizes.
void readLists(ObjectReader &reader, KernelDescriptor &out, Status &status) {
  reader.array("arguments", [&](const json &entry, const std::string &path) {
    out.arguments.push_back(readArgument(entry, path, out, status));
  });
  if (out.sizeNames.size() > static_cast<size_t>(kMaxSizes))
    reader.fault("'arguments': expected at most " + std::to_string(kMaxSizes) +
                 " names of sizes, got more");
  readSizeLimits(reader, out);
  if (reader.has("workspaces"))
    reader.array("workspaces", [&](const json &entry, const std::string &path) {
      out.workspaces.push_back(readWorkspace(entry, path, out, status));
    });
  reader.array("kernels", [&](const json &entry, const std::string &path) {
    out.kernels.push_back(readEntry(entry, path, out, status));
  });
}

OperatorOptions readOptions(ObjectReader &reader) {
  OperatorOptions options;
  reader.object("options", [&](const std::string &name, const json &entry) {
    if (entry.is_string())
      options[name] = entry.get<std::string>();
    else
      reader.fail("options." + name, "a string", entry);
  });
  return options;
}

std::vector<ConstantDescriptor> readConstants(ObjectReader &reader) {
  std::vector<ConstantDescriptor> constants;
  reader.object("constants", [&](const std::string &name, const json &entry) {
    if (entry.is_number())
      constants.push_back({name, entry.get<double>()});
    else
      reader.fail("constants." + name, "a number", entry);
  });
  return constants;
}

Status read(const json &root, KernelDescriptor &out) {
  Status status;
  ObjectReader reader(root, "", status);
  checkVersion(reader, status);
  if (!status.ok())
    return status;
  reader.allowOnly({"format", "version", "compiler", "operator", "options",
                    "target", "cubin", "sha256", "constants", "sizeLimits",
                    "arguments", "workspaces", "kernels"});
  out.compiler = reader.has("compiler") ? reader.string("compiler") : "";
  out.operatorName = reader.has("operator") ? reader.string("operator") : "";
  out.options = readOptions(reader);
  out.constants = readConstants(reader);
  out.target = reader.string("target");
  out.cubin = reader.string("cubin");
  out.sha256 = reader.has("sha256") ? reader.string("sha256") : "";
  readLists(reader, out, status);
  return status;
}

/// More levels than the format has. The JSON library prints and frees nested
/// values by recursion, which deeper nesting could make overflow the stack.
constexpr int kMaxNesting = 16;

Status parseJson(std::string_view text, json &out) {
  bool deep = false;
  out = json::parse(text.begin(), text.end(),
                    [&](int depth, json::parse_event_t, json &) {
                      deep |= depth > kMaxNesting;
                      return depth <= kMaxNesting;
                    });
  if (deep)
    return invalidPackage("malformed JSON: expected at most " +
                          std::to_string(kMaxNesting) + " levels of nesting");
  return Status();
}

} // namespace

Status parseDescriptor(std::string_view text, KernelDescriptor &out) {
  out = KernelDescriptor();
  try {
    json root;
    MLA_RETURN_IF_ERROR(parseJson(text, root));
    MLA_RETURN_IF_ERROR(read(root, out));
  } catch (const json::exception &error) {
    return invalidPackage(std::string("malformed JSON: ") + error.what());
  }
  return verifyDescriptor(out);
}

} // namespace mla::runtime
