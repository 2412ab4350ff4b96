//===- PtxasReport.cpp - parsing and checking the output of ptxas ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Target/PtxasReport.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"
#include <algorithm>

using llvm::createStringError;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using namespace mla;

const FunctionReport *PtxasReport::find(StringRef name) const {
  for (const FunctionReport &f : functions)
    if (f.name == name)
      return &f;
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Parsing
//===----------------------------------------------------------------------===//

namespace {
/// Reads a log line by line. ptxas announces a function, then gives its stack
/// and spills on a line of their own, then (for an entry) its resources.
class LogParser {
public:
  Expected<PtxasReport> parse(StringRef log);

private:
  Error parseLine(StringRef line);
  Error parseMessage(StringRef body, bool isWarning);
  Error parseProperties(StringRef line);
  Error parseUsage(StringRef body);
  Error checkComplete() const;
  void attributeWarnings();
  FunctionReport &function(StringRef name);

  PtxasReport report;
  /// The functions whose numbers have been read.
  std::vector<std::string> withProperties, withUsage;
  /// The function that the next line of properties is about.
  std::string properties;
  /// The entry function that the next line of resources is about.
  std::string entry;
};
} // namespace

/// Consumes `prefix` and a name in quotes.
static bool consumeQuoted(StringRef &text, StringRef prefix, StringRef &name) {
  if (!text.consume_front(prefix) || !text.consume_front("'"))
    return false;
  std::tie(name, text) = text.split('\'');
  return true;
}

/// Consumes a code such as "(C7510) ", which comes before a message's text.
static StringRef consumeCode(StringRef &text) {
  if (!text.starts_with("(C"))
    return {};
  auto [code, rest] = text.drop_front().split(')');
  if (code.size() < 2 || !llvm::all_of(code.drop_front(), llvm::isDigit))
    return {};
  text = rest.ltrim();
  return code;
}

/// Returns the name after "function ", quoted or not, wherever it stands.
static StringRef functionInText(StringRef text) {
  size_t at = text.rfind("function ");
  if (at == StringRef::npos)
    return {};
  StringRef name = text.drop_front(at + StringRef("function ").size());
  if (name.consume_front("'"))
    return name.take_until([](char c) { return c == '\''; });
  return name.take_while(
      [](char c) { return llvm::isAlnum(c) || c == '_' || c == '$'; });
}

FunctionReport &LogParser::function(StringRef name) {
  for (FunctionReport &f : report.functions)
    if (f.name == name)
      return f;
  report.functions.emplace_back();
  report.functions.back().name = name.str();
  report.functions.back().isEntry = false;
  return report.functions.back();
}

Expected<PtxasReport> LogParser::parse(StringRef log) {
  // Enough for what ptxas prints for a kernel; errors and reports quote lines.
  constexpr size_t maxLineBytes = 4096;
  // Not StringRef::split, which would keep all lines of a long log.
  for (StringRef line : llvm::split(log, '\n'))
    if (Error error = parseLine(line.trim().take_front(maxLineBytes)))
      return std::move(error);
  if (Error error = checkComplete())
    return std::move(error);
  attributeWarnings();
  return std::move(report);
}

Error LogParser::parseLine(StringRef line) {
  if (line.contains("bytes stack frame"))
    return parseProperties(line);
  if (!line.starts_with("ptxas "))
    return Error::success();
  auto [head, body] = line.split(": ");
  head = head.rtrim();
  if (head.ends_with("info"))
    return parseMessage(body.trim(), /*isWarning=*/false);
  if (head.ends_with("warning"))
    return parseMessage(body.trim(), /*isWarning=*/true);
  return Error::success();
}

Error LogParser::parseMessage(StringRef body, bool isWarning) {
  StringRef name, rest = body;
  if (consumeQuoted(rest, "Compiling entry function ", name)) {
    function(name).isEntry = true;
    entry = name.str();
    return Error::success();
  }
  if (body.starts_with("Used "))
    return parseUsage(body);
  if (rest.consume_front("Function properties for ")) {
    properties = rest.trim("' ").str();
    return Error::success();
  }
  StringRef code = consumeCode(rest);
  if (isWarning || !code.empty() || rest.contains("Potential Performance Loss"))
    report.warnings.push_back(
        {code.str(), rest.str(), functionInText(rest).str()});
  return Error::success();
}

/// "288 bytes stack frame, 284 bytes spill stores, 284 bytes spill loads"
Error LogParser::parseProperties(StringRef line) {
  if (properties.empty())
    return createStringError("expected a function before '" + line + "'");
  FunctionReport &f = function(properties);
  unsigned seen = 0;
  for (StringRef part : llvm::split(line, ',')) {
    part = part.trim();
    unsigned value = 0;
    if (part.consumeInteger(10, value))
      continue;
    part = part.ltrim();
    if (part == "bytes stack frame")
      f.stackBytes = std::max(f.stackBytes, value);
    else if (part == "bytes spill stores")
      f.spillStoreBytes = value;
    else if (part == "bytes spill loads")
      f.spillLoadBytes = value;
    else
      continue;
    ++seen;
  }
  if (seen != 3)
    return createStringError(
        "expected stack frame, spill stores and spill loads of '" + properties +
        "', got '" + line + "'");
  withProperties.push_back(std::move(properties));
  properties.clear();
  return Error::success();
}

/// "Used 10 registers, used 4 barriers, 64 bytes cumulative stack size, 4096
/// bytes smem, 352 bytes cmem[0]"
Error LogParser::parseUsage(StringRef body) {
  if (entry.empty())
    return createStringError("expected an entry function before '" + body +
                             "'");
  FunctionReport &f = function(entry);
  bool sawRegisters = false;
  for (StringRef part : llvm::split(body, ',')) {
    part = part.trim();
    if (!part.consume_front("Used "))
      part.consume_front("used ");
    unsigned value = 0;
    if (part.consumeInteger(10, value))
      continue;
    part = part.ltrim();
    if (part == "registers") {
      f.registers = value;
      sawRegisters = true;
    } else if (part == "barriers") {
      f.barriers = value;
    } else if (part == "bytes cumulative stack size") {
      f.stackBytes = std::max(f.stackBytes, value);
    } else if (part == "bytes smem") {
      f.staticSharedBytes = value;
    } else if (part.starts_with("bytes cmem[")) {
      f.constantBytes += value;
    }
  }
  if (!sawRegisters)
    return createStringError("expected the registers of '" + entry +
                             "', got '" + body + "'");
  withUsage.push_back(std::move(entry));
  entry.clear();
  return Error::success();
}

Error LogParser::checkComplete() const {
  for (const FunctionReport &f : report.functions)
    if (f.isEntry && (!llvm::is_contained(withProperties, f.name) ||
                      !llvm::is_contained(withUsage, f.name)))
      return createStringError(
          "expected registers, stack and spills of kernel '" + f.name +
          "' in the output of ptxas -v, got none");
  return Error::success();
}

/// Some messages (C7508) name no function; with a single entry it is the one.
void LogParser::attributeWarnings() {
  const FunctionReport *only = nullptr;
  for (const FunctionReport &f : report.functions) {
    if (!f.isEntry)
      continue;
    if (only)
      return;
    only = &f;
  }
  for (PtxasWarning &warning : report.warnings)
    if (only && warning.function.empty())
      warning.function = only->name;
}

Expected<PtxasReport> mla::parsePtxasLog(StringRef log) {
  return LogParser().parse(log);
}

//===----------------------------------------------------------------------===//
// Gate
//===----------------------------------------------------------------------===//

static void checkFunction(const FunctionReport &f, const ReportLimits &limits,
                          std::vector<std::string> &faults) {
  std::string subject =
      std::string(f.isEntry ? "kernel '" : "device function '") + f.name + "'";
  if (std::max(f.spillStoreBytes, f.spillLoadBytes) > limits.maxSpillBytes)
    faults.push_back(
        (subject + ": expected at most " + llvm::Twine(limits.maxSpillBytes) +
         " bytes of spills, got " + llvm::Twine(f.spillStoreBytes) +
         " bytes of spill stores and " + llvm::Twine(f.spillLoadBytes) +
         " bytes of spill loads at " + llvm::Twine(f.registers) + " registers")
            .str());
  if (f.stackBytes > limits.maxStackBytes)
    faults.push_back((subject + ": expected a stack frame of at most " +
                      llvm::Twine(limits.maxStackBytes) + " bytes, got " +
                      llvm::Twine(f.stackBytes))
                         .str());
}

/// With codes C75xx ptxas reports that it serialised wgmma, added a wait, or
/// ignored setmaxnreg. The text is tested too, in case a code changes.
static bool isPerformanceLoss(const PtxasWarning &warning) {
  return StringRef(warning.code).starts_with("C75") ||
         StringRef(warning.text).contains("Potential Performance Loss");
}

/// One fault for each function and code: ptxas may print a message for each
/// wgmma (at -O0, for example).
static void checkWarnings(const PtxasReport &report, const ReportLimits &limits,
                          std::vector<std::string> &faults) {
  llvm::MapVector<std::pair<StringRef, StringRef>,
                  std::pair<const PtxasWarning *, unsigned>>
      groups;
  for (const PtxasWarning &warning : report.warnings) {
    if (!isPerformanceLoss(warning) ||
        llvm::is_contained(limits.allowedCodes, warning.code))
      continue;
    auto &group = groups[{warning.function, warning.code}];
    if (group.second++ == 0)
      group.first = &warning;
  }
  for (const auto &[key, group] : groups) {
    auto [first, count] = group;
    std::string fault = first->function.empty()
                            ? "ptxas "
                            : "kernel '" + first->function + "': ptxas ";
    fault += first->code + ": " + first->text;
    if (count > 1)
      fault += " (and " + llvm::utostr(count - 1) + " more of this code)";
    faults.push_back(std::move(fault));
  }
}

Error mla::checkReport(const PtxasReport &report, const ReportLimits &limits) {
  std::vector<std::string> faults;
  if (llvm::none_of(report.functions,
                    [](const FunctionReport &f) { return f.isEntry; }))
    faults.push_back("expected a kernel in the output of ptxas -v, got none");
  for (const FunctionReport &f : report.functions)
    checkFunction(f, limits, faults);
  checkWarnings(report, limits, faults);
  if (faults.empty())
    return Error::success();
  return createStringError(llvm::join(faults, "\n"));
}

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

llvm::json::Value mla::toJSON(const PtxasReport &report) {
  llvm::json::Array functions, warnings;
  for (const FunctionReport &f : report.functions)
    functions.push_back(llvm::json::Object{
        {"name", llvm::json::fixUTF8(f.name)},
        {"entry", f.isEntry},
        {"registers", f.registers},
        {"stack_bytes", f.stackBytes},
        {"spill_store_bytes", f.spillStoreBytes},
        {"spill_load_bytes", f.spillLoadBytes},
        {"static_shared_bytes", f.staticSharedBytes},
        {"barriers", f.barriers},
        {"constant_bytes", f.constantBytes},
    });
  // ptxas may print a message for each wgmma.
  constexpr size_t maxWarnings = 100;
  size_t omitted = report.warnings.size() <= maxWarnings
                       ? 0
                       : report.warnings.size() - maxWarnings;
  for (const auto &[index, warning] : llvm::enumerate(report.warnings))
    if (index < maxWarnings / 2 || index >= maxWarnings / 2 + omitted)
      warnings.push_back(llvm::json::Object{
          {"code", llvm::json::fixUTF8(warning.code)},
          {"text", llvm::json::fixUTF8(warning.text)},
          {"function", llvm::json::fixUTF8(warning.function)},
      });
  llvm::json::Object object{{"functions", std::move(functions)},
                            {"warnings", std::move(warnings)}};
  if (omitted)
    object["omitted_warnings"] = omitted;
  return object;
}
