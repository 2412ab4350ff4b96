//===- OperatorFlags.cpp - an operator on a command line ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "OperatorFlags.h"
#include "mla/Harness/CommandLine.h"
#include "mla/Support/Names.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mla;
using llvm::StringRef;

std::string checkOperator(StringRef name) {
  if (findOperator(getOperators(), name))
    return "";
  return llvm::formatv("unknown operator '{0}', expected {1}", name,
                       listOperators(getOperators(), name));
}

std::string getOperatorNames() {
  return llvm::join(
      llvm::map_range(getOperators(),
                      [](const Operator *op) { return op->getName(); }),
      "|");
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

/// "s_q" of "s-q".
static std::string fromFlag(StringRef name) {
  std::string text = name.str();
  llvm::replace(text, '-', '_');
  return text;
}

static std::string toFlag(std::string_view name) {
  std::string text = "--" + std::string(name);
  llvm::replace(text, '_', '-');
  return text;
}

/// The entry that `name`, or what an option spells so, stands for; or null.
template <typename T>
static const T *findSpelled(TableList<T> entries, StringRef name) {
  std::string spelled = fromFlag(name);
  for (const T &entry : entries)
    if (entry.name == spelled || (!spelled.empty() && entry.alias == spelled))
      return &entry;
  return nullptr;
}

bool OperatorFlags::parse(StringRef word) {
  auto [name, value] = word.split('=');
  if (name == "--sizes") {
    for (StringRef part : llvm::split(value, ','))
      addSetting(part);
    return true;
  }
  if (name == "--optional") {
    optionals.push_back(value.str());
    return true;
  }
  if (!name.consume_front("--"))
    return false;
  for (const Operator *known : getOperators())
    if (findSpelled(known->table.sizes, name) ||
        findSpelled(known->table.options, name)) {
      addSetting(word.drop_front(2));
      return true;
    }
  return false;
}

std::string OperatorFlags::parseOperand(StringRef operand) {
  auto [name, rest] = operand.split(':');
  if (std::string fault = checkOperator(name); !fault.empty())
    return fault;
  op = findOperator(getOperators(), name);
  llvm::SmallVector<StringRef> parts;
  rest.split(parts, ',', -1, /*KeepEmpty=*/false);
  for (StringRef part : parts)
    addSetting(part);
  return "";
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

std::string OperatorFlags::applySize(const SizeInfo &size, StringRef setting) {
  auto [spelled, text] = setting.split('=');
  int64_t value = 0;
  if (text == "?" && !size.isStatic)
    return spec->setSize(size.name, std::nullopt);
  if (text.getAsInteger(10, value) || value < 1 || value > harness::kMaxSize)
    return llvm::formatv("expected {0}=N with 1 <= N <= {1}, got '{2}'",
                         spelled, harness::kMaxSize, setting);
  return spec->setSize(size.name, value);
}

std::string OperatorFlags::applyOption(const OptionInfo &option,
                                       StringRef setting) {
  auto [spelled, text] = setting.split('=');
  if (option.kind != OptionKind::Presence)
    return spec->setOption(option.name, text);
  bool isRequired = setting.ends_with("=required");
  if (setting.contains('=') && !isRequired)
    return llvm::formatv("expected {0} or {0}=required, got '{1}'", spelled,
                         setting);
  return spec->setOption(option.name, argumentsAreOptional && !isRequired
                                          ? kLaunchOptional
                                          : kPresent);
}

/// Names of all sizes and options, for an error.
static llvm::SmallVector<StringRef> getSettingNames(const Operator &op) {
  llvm::SmallVector<StringRef> names;
  for (const SizeInfo *size : getChoosableSizes(op))
    names.push_back(size->name);
  for (const OptionInfo &option : op.table.options)
    names.push_back(option.name);
  return names;
}

std::string OperatorFlags::apply(StringRef setting) {
  StringRef name = setting.split('=').first;
  const SizeInfo *size = findSpelled(op->table.sizes, name);
  if (size && !size->isFixed())
    return applySize(*size, setting);
  if (const OptionInfo *option = findSpelled(op->table.options, name))
    return applyOption(*option, setting);
  return llvm::formatv("unknown name '{0}', expected {1}", name,
                       listNames(fromFlag(name), getSettingNames(*op)));
}

std::string OperatorFlags::applyOptional(StringRef names) {
  llvm::SmallVector<StringRef> known;
  for (const OptionInfo &option : op->table.options)
    if (option.kind == OptionKind::Presence)
      known.push_back(option.name);
  for (StringRef name : llvm::split(names, ',')) {
    if (!llvm::is_contained(known, name))
      return llvm::formatv("--optional: unknown argument '{0}', expected {1}",
                           name, listNames(name, known));
    if (std::string fault = spec->setOption(name, kLaunchOptional);
        !fault.empty())
      return fault;
  }
  return "";
}

std::string OperatorFlags::resolve() {
  spec.emplace(*op);
  llvm::StringSet<> given;
  for (const std::string &setting : settings) {
    StringRef spelled = StringRef(setting).split('=').first;
    const SizeInfo *size = findSpelled(op->table.sizes, spelled);
    const OptionInfo *option = findSpelled(op->table.options, spelled);
    std::string name = size     ? std::string(size->name)
                       : option ? std::string(option->name)
                                : spelled.str();
    if (!given.insert(name).second)
      return llvm::formatv("expected '{0}' once", spelled);
    if (std::string fault = apply(setting); !fault.empty())
      return fault;
  }
  for (const std::string &names : optionals)
    if (std::string fault = applyOptional(names); !fault.empty())
      return fault;
  return "";
}

//===----------------------------------------------------------------------===//
// Help
//===----------------------------------------------------------------------===//

/// "  --h-q=N, --h=N         query heads (default 128)".
static std::string getLine(std::string_view name, std::string_view alias,
                           StringRef value, const llvm::Twine &text) {
  std::string flags = "  " + toFlag(name) + value.str();
  if (!alias.empty())
    flags += ", " + toFlag(alias) + value.str();
  return llvm::formatv("{0,-24} {1}\n", flags + " ", text.str());
}

static std::string getHelp(const OptionInfo &option) {
  if (option.kind == OptionKind::Presence)
    return getLine(option.name, option.alias, "",
                   llvm::Twine("with the argument ") + StringRef(option.name) +
                       ": " + StringRef(option.doc));
  return getLine(option.name, option.alias, "=X",
                 llvm::Twine(StringRef(option.doc)) + ": " +
                     llvm::join(option.values, " or ") + " (the default is " +
                     StringRef(option.values[0]) + ")");
}

std::string OperatorFlags::help() {
  std::string text =
      R"(  --sizes=NAME=N,...     sizes of the operator, by the names below with '_' for '-'
  --optional=LIST        which optional arguments a launch may leave out; the
                         kernel takes those that are named
)";
  for (const Operator *op : getOperators()) {
    text += "\n" + op->getName().str() + ", " + std::string(op->table.summary) +
            ":\n";
    for (const SizeInfo *size : getChoosableSizes(*op))
      text += getLine(size->name, size->alias, "=N",
                      llvm::Twine(StringRef(size->doc)) + " (default " +
                          (size->usual ? std::to_string(size->usual) : "?") +
                          (size->isStatic ? ")" : "; '?': known at run time)"));
    for (const OptionInfo &option : op->table.options)
      text += getHelp(option);
  }
  return text;
}
