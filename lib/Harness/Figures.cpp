//===- Figures.cpp - figures out of the lines of `bench` ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Report.h"
#include "mla/Harness/Modes.h"
#include "mla/Harness/Plot.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <filesystem>
#include <functional>
#include <set>

using nlohmann::json;
using namespace mla::runtime;

namespace mla::harness {

namespace {

Status badField(const char *name, const std::string &what) {
  return invalidArgument("field '" + std::string(name) + "': " + what);
}

Status readText(const json &object, const char *name, std::string &out) {
  auto found = object.find(name);
  if (found == object.end())
    return badField(name, "missing");
  if (!found->is_string())
    return badField(name, "expected a text, got " + found->dump());
  out = found->get<std::string>();
  return Status();
}

Status readSizes(const json &object, Sizes &out) {
  auto found = object.find("sizes");
  if (found == object.end())
    return badField("sizes", "missing");
  if (!found->is_object())
    return badField("sizes", "expected an object, got " + found->dump());
  for (const auto &[name, value] : found->items()) {
    if (!value.is_number_integer() || value.get<int64_t>() < 0)
      return badField("sizes", "expected integers of 0 or more, got " +
                                   value.dump() + " for " + name);
    out[name] = value.get<int64_t>();
  }
  return Status();
}

Status readFigure(const json &object, Figure &out) {
  MLA_RETURN_IF_ERROR(readText(object, "package", out.label));
  MLA_RETURN_IF_ERROR(readText(object, "mode", out.mode));
  if (!findMode(out.mode))
    return badField("mode", "expected one of " + listModes() + ", got '" +
                                out.mode + "'");
  if (object.contains("device"))
    MLA_RETURN_IF_ERROR(readText(object, "device", out.device));
  MLA_RETURN_IF_ERROR(readSizes(object, out.sizes));
  auto rate = object.find("median_tflops");
  if (rate == object.end())
    return badField("median_tflops", "missing");
  if (!rate->is_number() || !(rate->get<double>() > 0))
    return badField("median_tflops",
                    "expected a number above 0, got " + rate->dump());
  out.tflops = rate->get<double>();
  return Status();
}

std::string placeOf(const Figure &figure) {
  return figure.file + ":" + std::to_string(figure.line);
}

/// Calls `found` with each figure that stands for the same as an earlier one.
Status forEachTwin(
    const std::vector<Figure> &figures,
    const std::function<Status(const Figure &, const Figure &)> &found) {
  std::map<std::string, const Figure *> seen;
  for (const Figure &figure : figures) {
    std::string key =
        figure.label + '\n' + figure.mode + '\n' + sizesText(figure.sizes);
    auto [twin, isNew] = seen.emplace(key, &figure);
    if (!isNew)
      MLA_RETURN_IF_ERROR(found(*twin->second, figure));
  }
  return Status();
}

Status twinError(const Figure &first, const Figure &second) {
  return invalidArgument(placeOf(second) + ": '" + second.label + "', " +
                         second.mode + ", " + sizesText(second.sizes) +
                         ": stands at " + placeOf(first) + " already");
}

} // namespace

Status readFigures(const std::string &text, const std::string &file,
                   std::vector<Figure> &out) {
  int number = 0;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    ++number;
    if (line.empty() || line.front() != '{')
      continue;
    std::string where = file + ":" + std::to_string(number);
    json object = json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!object.is_object())
      return invalidArgument(where + ": expected a JSON object in one line");
    if (object.contains("skipped"))
      continue;
    Figure figure;
    figure.file = file;
    figure.line = number;
    MLA_RETURN_IF_ERROR(readFigure(object, figure).within(where));
    out.push_back(std::move(figure));
  }
  return Status();
}

Status joinFigures(std::vector<Figure> &figures) {
  // The labels that more than one file has for the same thing.
  std::set<std::string> shared;
  MLA_RETURN_IF_ERROR(
      forEachTwin(figures, [&](const Figure &first, const Figure &second) {
        if (first.file == second.file)
          return twinError(first, second);
        shared.insert(second.label);
        return Status();
      }));
  for (Figure &figure : figures)
    if (shared.count(figure.label))
      figure.label +=
          " (" + std::filesystem::path(figure.file).stem().string() + ")";
  return forEachTwin(figures, twinError);
}

Status findSweptSize(const std::vector<Sizes> &cases, std::string &name) {
  std::map<std::string, std::set<int64_t>> values;
  for (const Sizes &sizes : cases)
    for (const auto &[size, value] : sizes)
      values[size].insert(value);
  std::string swept;
  int count = 0;
  for (const auto &[size, different] : values) {
    if (different.size() < 2)
      continue;
    swept += (count++ ? ", " : "") + size;
    name = size;
  }
  if (count == 1)
    return Status();
  std::string expected = "expected one size that differs between the cases, ";
  if (count == 0)
    return invalidArgument(expected + "got none");
  return invalidArgument(expected + "got " + std::to_string(count) + ": " +
                         swept);
}

} // namespace mla::harness
