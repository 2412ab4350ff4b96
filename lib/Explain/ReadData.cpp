//===- ReadData.cpp - reads and checks data of another run ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Explain/Explain.h"
#include "llvm/ADT/STLExtras.h"

using namespace mla;
using namespace mla::explain;
using llvm::StringRef;
namespace json = llvm::json;

namespace {
struct Field {
  StringRef name;
  json::Value::Kind kind;
};
} // namespace

/// What the page relies on.
static constexpr Field kKernelFields[] = {
    {"name", json::Value::String},        {"operator", json::Value::String},
    {"schedule", json::Value::String},    {"sizes", json::Value::Object},
    {"tracedSizes", json::Value::Object}, {"grid", json::Value::Object},
    {"machine", json::Value::Object},     {"figures", json::Value::Object},
    {"window", json::Value::Array},       {"roles", json::Value::Array},
    {"labels", json::Value::Array},       {"tracks", json::Value::Array},
    {"loops", json::Value::Array},        {"shared", json::Value::Object},
    {"allocations", json::Value::Array},  {"barriers", json::Value::Array},
    {"bounds", json::Value::Array},       {"traffic", json::Value::Array}};

static constexpr StringRef kFigures[] = {
    "cycles",      "tripCycles",    "tensorBusy",  "seconds", "flops",
    "globalBytes", "distinctBytes", "sharedBytes", "threads", "residentCTAs"};

static StringRef getKindName(json::Value::Kind kind) {
  switch (kind) {
  case json::Value::Null:
    return "null";
  case json::Value::Boolean:
    return "a boolean";
  case json::Value::Number:
    return "a number";
  case json::Value::String:
    return "a string";
  case json::Value::Array:
    return "an array";
  case json::Value::Object:
    return "an object";
  }
  return "";
}

static llvm::Error checkField(const json::Object &object, const Field &field,
                              const llvm::Twine &path) {
  const json::Value *value = object.get(field.name);
  if (value && value->kind() == field.kind)
    return llvm::Error::success();
  return llvm::createStringError(
      path + field.name + ": expected " + getKindName(field.kind) + ", got " +
      (value ? getKindName(value->kind()) : StringRef("nothing")));
}

static llvm::Error checkKernel(const json::Object &kernel,
                               const llvm::Twine &path) {
  for (const Field &field : kKernelFields)
    if (llvm::Error error = checkField(kernel, field, path))
      return error;
  for (StringRef figure : kFigures)
    if (llvm::Error error =
            checkField(*kernel.getObject("figures"),
                       {figure, json::Value::Number}, path + "figures."))
      return error;
  return llvm::Error::success();
}

/// Elements of a field that has to be an array of at least one object.
static llvm::Expected<std::vector<json::Object *>>
readObjects(json::Object &object, StringRef name, const llvm::Twine &path) {
  if (llvm::Error error = checkField(object, {name, json::Value::Array}, path))
    return std::move(error);
  std::vector<json::Object *> objects;
  for (json::Value &value : *object.getArray(name)) {
    if (!value.getAsObject())
      return llvm::createStringError(path + name + ": expected objects, got " +
                                     getKindName(value.kind()));
    objects.push_back(value.getAsObject());
  }
  if (objects.empty())
    return llvm::createStringError(path + name +
                                   ": expected at least one object, got none");
  return objects;
}

static constexpr unsigned kMaxDepth = 32;

/// The parser is recursive: what is nested deeply would overflow the stack.
static bool isNestedDeeply(StringRef text) {
  unsigned depth = 0;
  bool inString = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"')
      inString = !inString;
    else if (inString)
      i += text[i] == '\\';
    else if (text[i] == '[' || text[i] == '{')
      depth += 1;
    else if ((text[i] == ']' || text[i] == '}') && depth > 0)
      depth -= 1;
    if (depth > kMaxDepth)
      return true;
  }
  return false;
}

static llvm::Error checkHeader(const json::Object &data) {
  if (data.getString("format") != kDataFormat)
    return llvm::createStringError("format: expected '" + kDataFormat +
                                   "', got '" +
                                   data.getString("format").value_or("") + "'");
  std::optional<int64_t> version = data.getInteger("version");
  if (version != kDataVersion)
    return llvm::createStringError(
        "version: expected " + llvm::Twine(kDataVersion) + ", got " +
        (version ? llvm::Twine(*version) : llvm::Twine("none")));
  return llvm::Error::success();
}

llvm::Expected<json::Array> explain::readPrograms(StringRef text,
                                                  StringRef source) {
  if (isNestedDeeply(text))
    return llvm::createStringError("expected at most " +
                                   llvm::Twine(kMaxDepth) +
                                   " levels of nesting, got more");
  llvm::Expected<json::Value> data = json::parse(text);
  if (!data)
    return data.takeError();
  json::Object *root = data->getAsObject();
  if (!root)
    return llvm::createStringError("expected an object, got " +
                                   getKindName(data->kind()));
  if (llvm::Error error = checkHeader(*root))
    return std::move(error);
  auto programs = readObjects(*root, "programs", "");
  if (!programs)
    return programs.takeError();
  for (json::Object *program : *programs) {
    auto kernels = readObjects(*program, "kernels", "programs.");
    if (!kernels)
      return kernels.takeError();
    for (json::Object *kernel : *kernels)
      if (llvm::Error error = checkKernel(*kernel, "programs.kernels."))
        return std::move(error);
    (*program)["source"] = json::fixUTF8(source);
  }
  return std::move(*root->getArray("programs"));
}
