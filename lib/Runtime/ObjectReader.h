//===- ObjectReader.h - the fields of a JSON object -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_RUNTIME_OBJECTREADER_H
#define MLA_LIB_RUNTIME_OBJECTREADER_H

#include "mla/Runtime/Descriptor.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>

namespace mla::runtime {

/// Reads the fields of one JSON object. Keeps the first error, which names its
/// field by its path; after it every getter returns a default, so that a caller
/// tests for errors once, at its end.
class ObjectReader {
public:
  ObjectReader(const nlohmann::json &value, std::string path, Status &status)
      : root(value), path(std::move(path)), status(status) {
    if (!root.is_object())
      fail(this->path.empty() ? "descriptor" : this->path, "an object", root);
  }

  bool has(const char *name) const {
    return root.is_object() && root.contains(name);
  }

  /// Refuses fields that are not in `names`, so that a misspelt optional field
  /// is not ignored.
  void allowOnly(std::initializer_list<const char *> names) {
    if (!root.is_object())
      return;
    for (auto it = root.begin(); it != root.end(); ++it) {
      bool known = false;
      for (const char *name : names)
        known |= it.key() == name;
      if (!known)
        fault("unknown field '" + join(it.key().c_str()) + "'");
    }
  }

  std::string string(const char *name) {
    const nlohmann::json *field = get(name);
    if (!field)
      return "";
    if (!field->is_string()) {
      fail(join(name), "a string", *field);
      return "";
    }
    return field->get<std::string>();
  }

  int64_t integer(const char *name) {
    const nlohmann::json *field = get(name);
    return field ? toInteger(*field, join(name)) : 0;
  }

  /// An integer that an `int` can hold.
  int smallInteger(const char *name) {
    int64_t wide = integer(name);
    if (wide < std::numeric_limits<int>::min() ||
        wide > std::numeric_limits<int>::max()) {
      fault("'" + join(name) + "': out of range: " + std::to_string(wide));
      return 0;
    }
    return static_cast<int>(wide);
  }

  /// False if it is missing.
  bool boolean(const char *name) {
    if (!has(name))
      return false;
    const nlohmann::json *field = get(name);
    if (!field->is_boolean())
      fail(join(name), "true or false", *field);
    return field->is_boolean() && field->get<bool>();
  }

  /// Calls `visit(field, path)` for a field of any type.
  template <typename Visit> void value(const char *name, Visit visit) {
    if (const nlohmann::json *field = get(name))
      visit(*field, join(name));
  }

  /// Calls `visit(element, path)` for each element of an array.
  template <typename Visit> void array(const char *name, Visit visit) {
    const nlohmann::json *field = get(name);
    if (!field)
      return;
    if (!field->is_array())
      return fail(join(name), "an array", *field);
    for (size_t i = 0; i < field->size(); ++i)
      visit((*field)[i], join(name) + "[" + std::to_string(i) + "]");
  }

  /// Calls `visit(name, value)` for each field of an object, if there is one.
  template <typename Visit> void object(const char *name, Visit visit) {
    if (!has(name))
      return;
    const nlohmann::json *field = get(name);
    if (!field->is_object())
      return fail(join(name), "an object", *field);
    for (auto it = field->begin(); it != field->end(); ++it)
      visit(it.key(), it.value());
  }

  int64_t toInteger(const nlohmann::json &field, const std::string &where) {
    bool fits = field.is_number_integer() &&
                !(field.is_number_unsigned() &&
                  field.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX));
    if (fits)
      return field.get<int64_t>();
    fail(where, "an integer", field);
    return 0;
  }

  void fail(const std::string &where, const std::string &expected,
            const nlohmann::json &got) {
    std::string text =
        got.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
    if (text.size() > 60)
      text = text.substr(0, 57) + "...";
    fault("'" + where + "': expected " + expected + ", got " + text);
  }

  void fault(const std::string &message) {
    if (status.ok())
      status = invalidPackage(message);
  }

  std::string join(const char *name) const {
    return path.empty() ? name : path + "." + name;
  }

private:
  const nlohmann::json *get(const char *name) {
    if (has(name))
      return &root.at(name);
    fault("'" + join(name) + "': missing");
    return nullptr;
  }

  const nlohmann::json &root;
  std::string path;
  Status &status;
};

} // namespace mla::runtime

#endif // MLA_LIB_RUNTIME_OBJECTREADER_H
