//===- TuningTable.cpp - measured choices of schedules --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Tuning/TuningTable.h"
#include "mla/Runtime/Version.h"
#include "mla/Support/Files.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include <tuple>

using namespace mla;
using llvm::StringRef;

static auto getKey(const ShapeClass &shape) {
  return std::tie(shape.op, shape.sizes, shape.options);
}

static auto getKey(const TuningEntry &entry) {
  return std::make_tuple(getKey(entry.shape), entry.gpu.target, entry.gpu.name);
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

namespace {
/// Parses one line, word by word.
class LineReader {
public:
  LineReader(StringRef line, OperatorList operators)
      : operators(operators), rest(line) {}

  llvm::Expected<TuningEntry> read();

private:
  void fail(const llvm::Twine &expected, StringRef got) {
    if (fault.empty())
      fault = ("expected " + expected + ", got " +
               (got.empty() ? "the end of the line" : "'" + got + "'"))
                  .str();
  }
  StringRef next() {
    StringRef word;
    std::tie(word, rest) = llvm::getToken(rest);
    return word;
  }
  /// The value of the next word, which must be "name=value".
  StringRef value(StringRef name, StringRef what) {
    StringRef word = next();
    auto [key, value] = word.split('=');
    if (key == name && !value.empty())
      return value;
    fail(name + "=" + what, word);
    return "";
  }
  void badValue(StringRef name, const llvm::Twine &what, StringRef got) {
    fail(name + "=" + what, (name + "=" + got).str());
  }
  int64_t number(StringRef name, int64_t least) {
    StringRef text = value(name, "N");
    int64_t result = 0;
    if (text.getAsInteger(10, result) || result < least)
      badValue(name, "N with N >= " + llvm::Twine(least), text);
    return result;
  }
  std::string orAny(StringRef name) {
    StringRef text = value(name, "NAME or any");
    return text == "any" ? "" : text.str();
  }
  std::optional<int64_t> numberOrAny(StringRef name);
  std::string readOption(const OptionInfo &option);
  ShapeClass readShape();
  Choice readChoice();

  OperatorList operators;
  /// The entry's operator, once it is known.
  const Operator *op = nullptr;
  StringRef rest;
  std::string fault;
};
} // namespace

ShapeClass LineReader::readShape() {
  StringRef name = next();
  op = findOperator(operators, name);
  if (!op) {
    fail(listOperators(operators, name), name);
    return {};
  }
  ShapeClass shape = getUsualShape(*op);
  for (auto &[name, value] : shape.sizes)
    value = findEntry(op->table.sizes, name)->isStatic
                ? std::optional(number(name, 1))
                : numberOrAny(name);
  for (auto &[name, text] : shape.options)
    text = readOption(*findEntry(op->table.options, name));
  if (std::string why = findFault(*op, shape); !why.empty() && fault.empty())
    fault = why;
  return shape;
}

std::optional<int64_t> LineReader::numberOrAny(StringRef name) {
  StringRef text = value(name, "N or any");
  int64_t result = 0;
  if (text == "any")
    return std::nullopt;
  if (text.getAsInteger(10, result) || result < 1)
    badValue(name, "N or any", text);
  return result;
}

std::string LineReader::readOption(const OptionInfo &option) {
  // A table does not tell operands that a launch may omit from others.
  llvm::SmallVector<StringRef> values;
  for (std::string_view value : option.values)
    if (value != kLaunchOptional)
      values.push_back(value);
  std::string expected = llvm::join(values, " or ");
  StringRef text = value(option.name, expected);
  if (!llvm::is_contained(values, text))
    badValue(option.name, expected, text);
  return text.str();
}

Choice LineReader::readChoice() {
  Choice choice;
  StringRef text = value("schedule", "NAME[:PARAMETER=N]...");
  llvm::Expected<Choice> read = parseChoice(text);
  if (!read) {
    if (std::string why = llvm::toString(read.takeError()); fault.empty())
      fault = why;
    return choice;
  }
  choice = *read;
  if (!findSchedule(*op, choice.schedule))
    badValue("schedule", listSchedules(*op, choice.schedule), choice.schedule);
  return choice;
}

llvm::Expected<TuningEntry> LineReader::read() {
  TuningEntry entry;
  entry.shape = readShape();
  if (!op)
    return llvm::createStringError(fault);
  entry.gpu.target = value("target", "NAME").str();
  entry.gpu.name = orAny("gpu");
  // A misspelt GPU would never be found.
  if (std::string why = findFault(entry.gpu); !why.empty() && fault.empty())
    fault = why;
  entry.choice = readChoice();
  StringRef ms = value("ms", "X");
  // The range that the printed format represents.
  if (ms.getAsDouble(entry.ms) || !(entry.ms >= 1e-4 && entry.ms <= 1e9))
    badValue("ms", "X with 0.0001 <= X <= 1e9", ms);
  entry.sizes = value("sizes", "NAME=N,...").str();
  entry.date = value("date", "YYYY-MM-DD").str();
  entry.version = value("version", "X").str();
  if (StringRef more = next(); !more.empty())
    fail("the end of the line", more);
  if (!fault.empty())
    return llvm::createStringError(fault);
  return entry;
}

llvm::Expected<TuningTable> TuningTable::parse(StringRef text, StringRef file,
                                               OperatorList operators) {
  TuningTable table;
  unsigned number = 0;
  auto fail = [&](const std::string &what) {
    return llvm::createStringError(
        llvm::formatv("{0}:{1}: {2}", file, number, what));
  };
  while (!text.empty()) {
    StringRef line;
    std::tie(line, text) = text.split('\n');
    ++number;
    if (line.trim().empty())
      continue;
    if (line.starts_with("#")) {
      if (!table.entries.empty())
        return fail("expected comments before all entries, got one "
                    "after an entry");
      table.comment += (line.rtrim() + "\n").str();
      continue;
    }
    llvm::Expected<TuningEntry> entry = LineReader(line, operators).read();
    if (!entry)
      return fail(llvm::toString(entry.takeError()));
    entry->line = number;
    for (const TuningEntry &other : table.entries)
      if (getKey(other) == getKey(*entry))
        return fail(
            llvm::formatv("expected one entry for each shape and GPU, got "
                          "a duplicate of line {0}",
                          other.line));
    table.entries.push_back(std::move(*entry));
  }
  return table;
}

llvm::Expected<TuningTable> TuningTable::loadShipped(OperatorList operators) {
  TuningTable all;
  for (const Operator *op : operators) {
    llvm::Expected<TuningTable> table =
        parse(op->tuning, (op->getName() + "/tuning.txt").str(), op);
    if (!table)
      return table.takeError();
    all.comment += table->comment;
    llvm::append_range(all.entries, table->entries);
  }
  return all;
}

llvm::Expected<TuningTable> TuningTable::load(StringRef file,
                                              OperatorList operators) {
  if (file.empty())
    return loadShipped(operators);
  auto buffer = readFile(file);
  if (!buffer)
    return llvm::createStringError("tuning table: " +
                                   llvm::toString(buffer.takeError()));
  return parse((*buffer)->getBuffer(), file, operators);
}

//===----------------------------------------------------------------------===//
// Looking up and writing
//===----------------------------------------------------------------------===//

const TuningEntry *TuningTable::find(const ShapeClass &shape,
                                     const Gpu &gpu) const {
  auto rank = [&](const TuningEntry &entry) {
    return entry.gpu.name == gpu.name ? 3 : entry.gpu.name.empty() ? 2 : 1;
  };
  const TuningEntry *best = nullptr;
  for (const TuningEntry &entry : entries)
    if (getKey(entry.shape) == getKey(shape) &&
        entry.gpu.target == gpu.target && (!best || rank(entry) > rank(*best)))
      best = &entry;
  return best;
}

void TuningTable::set(const TuningEntry &entry) {
  llvm::erase_if(entries, [&](const TuningEntry &other) {
    return getKey(other) == getKey(entry);
  });
  entries.push_back(entry);
}

std::string mla::describe(const ShapeClass &shape) {
  std::string text = shape.op;
  for (const auto &[name, value] : shape.sizes)
    text += " " + name + "=" + (value ? std::to_string(*value) : "any");
  for (const auto &[name, value] : shape.options)
    text += " " + name + "=" + value;
  return text;
}

static std::string printEntry(const TuningEntry &entry) {
  return llvm::formatv(
      "{0} target={1} gpu={2} schedule={3} ms={4:f4} sizes={5} date={6} "
      "version={7}",
      describe(entry.shape), entry.gpu.target,
      entry.gpu.name.empty() ? "any" : entry.gpu.name, describe(entry.choice),
      entry.ms, entry.sizes, entry.date, entry.version);
}

std::string TuningTable::print() const {
  std::vector<TuningEntry> sorted = entries;
  llvm::sort(sorted, [](const TuningEntry &a, const TuningEntry &b) {
    return getKey(a) < getKey(b);
  });
  std::string text = comment;
  for (const TuningEntry &entry : sorted)
    text += printEntry(entry) + "\n";
  return text;
}

llvm::Error TuningTable::write(StringRef file) const {
  return writeFile(file, print());
}

StringRef mla::getVersion() { return runtime::getProjectVersion(); }
