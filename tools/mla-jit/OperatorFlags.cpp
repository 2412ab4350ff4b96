//===- OperatorFlags.cpp - an operator on a command line ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "OperatorFlags.h"
#include "mla/Harness/HostTensor.h"
#include "mla/Support/Names.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mla;
using llvm::StringRef;

std::string mla::checkOperator(StringRef name) {
  if (findOperator(getOperators(), name))
    return "";
  return llvm::formatv("unknown operator '{0}', expected {1}", name,
                       listOperators(getOperators(), name));
}

std::vector<std::string> mla::getOperatorNames() {
  std::vector<std::string> names;
  for (const Operator *op : getOperators())
    names.push_back(op->getName().str());
  return names;
}

//===----------------------------------------------------------------------===//
// Declarations
//===----------------------------------------------------------------------===//

/// "--d-qk" of "d_qk".
static std::string toFlag(std::string_view name) {
  std::string text = "--" + std::string(name);
  llvm::replace(text, '_', '-');
  return text;
}

/// The names of an option, the alias of the table included: "--attn-sink" and
/// "--sink".
static std::string toFlags(const OptionInfo &option) {
  return toFlag(option.name) +
         (option.alias.empty() ? "" : "," + toFlag(option.alias));
}

/// "reads X (OPERATOR, OPERATOR)": what an option does, and of which
/// operators it is.
static std::string describeOption(const OptionInfo &option,
                                  const std::string &what) {
  std::string text = what, names;
  for (const Operator *op : getOperators())
    if (findEntry(op->table.options, option.name))
      names += (names.empty() ? "" : ", ") + op->getName().str();
  return text + " (" + names + ")";
}

void OperatorFlags::declareSizes(cli::Command &command) {
  command.option("--sizes", "NAME=N,...",
                 cli::readList([this](const std::string &setting) {
                   addSetting(setting);
                   return "";
                 }),
                 "sizes of the operator; '?': known at run time");
}

void OperatorFlags::declareOption(cli::Command &command,
                                  const OptionInfo &option) {
  std::string name(option.name);
  bool isPresence = option.kind == OptionKind::Presence;
  if (isPresence && option.values[0] == std::string_view(kPresent)) {
    command.flag(
        toFlag("no-" + name), [this, name] { addSetting(name + "=no"); },
        describeOption(option, "without the argument " + name + ": " +
                                   std::string(option.doc)));
    return;
  }
  if (isPresence) {
    command.flag(
        toFlags(option), [this, name] { addSetting(name); },
        describeOption(option, "with the argument " + name + ": " +
                                   std::string(option.doc)));
    return;
  }
  std::vector<std::string> values(option.values.begin(), option.values.end());
  command
      .option(
          toFlags(option), "X",
          [this, name](const std::string &value) {
            addSetting(name + "=" + value);
            return "";
          },
          describeOption(option, std::string(option.doc) + ": " +
                                     llvm::join(values, " or ") + ", default " +
                                     values.front()))
      .offer(values);
}

void OperatorFlags::declareOptions(cli::Command &command,
                                   const std::string &sizes) {
  llvm::StringSet<> declared;
  std::vector<std::string> presences;
  command.group("Options of operators");
  for (const Operator *known : getOperators()) {
    for (const OptionInfo &option : known->table.options) {
      if (option.kind == OptionKind::Presence)
        presences.emplace_back(option.name);
      if (declared.insert(option.name).second)
        declareOption(command, option);
    }
    for (const SizeInfo &size : known->table.sizes)
      for (std::string_view spelled : {size.name, size.alias})
        if (!spelled.empty() && declared.insert(spelled).second)
          command
              .option(
                  toFlag(spelled), "N",
                  [this,
                   name = std::string(size.name)](const std::string &value) {
                    addSetting(name + "=" + value);
                    return "";
                  },
                  "")
              .replacedBy(
                  [name = std::string(size.name)](const std::string &value) {
                    return "--sizes " + name + "=" + value;
                  });
  }
  command
      .option("--optional", "NAME,...",
              cli::readList([this](const std::string &name) {
                optionals.push_back(name);
                return "";
              }),
              "optional arguments that the kernel takes and a launch may leave "
              "out")
      .offer(presences);
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

/// The entry that `spelled` names: by its name or, as in old spellings, by its
/// alias or with '-' for '_'. Null if there is none.
template <typename T>
static const T *findSpelled(TableList<T> entries, StringRef spelled) {
  std::string name = spelled.str();
  llvm::replace(name, '-', '_');
  for (const T &entry : entries)
    if (entry.name == name || (!name.empty() && entry.alias == name))
      return &entry;
  return nullptr;
}

std::string OperatorFlags::applySize(const SizeInfo &size, StringRef setting) {
  StringRef text = setting.split('=').second;
  int64_t value = 0;
  if (text == "?" && !size.isStatic)
    return spec->setSize(size.name, std::nullopt);
  if (text.getAsInteger(10, value) || value < 1 || value > harness::kMaxSize)
    return llvm::formatv("expected {0}=N with 1 <= N <= {1}, got '{2}'",
                         StringRef(size.name), harness::kMaxSize, setting);
  return spec->setSize(size.name, value);
}

std::string OperatorFlags::applyOption(const OptionInfo &option,
                                       StringRef setting) {
  auto [spelled, text] = setting.split('=');
  if (option.kind != OptionKind::Presence)
    return spec->setOption(option.name, text);
  if (setting.ends_with("=no") &&
      option.values[0] == std::string_view(kPresent))
    return spec->setOption(option.name, kAbsent);
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
  StringRef spelled = setting.split('=').first;
  const SizeInfo *size = findSpelled(op->table.sizes, spelled);
  if (size && size->isFixed())
    size = nullptr;
  const OptionInfo *option = findSpelled(op->table.options, spelled);
  if (!size && !option)
    return llvm::formatv("unknown name '{0}', expected {1}", spelled,
                         listNames(spelled, getSettingNames(*op)));
  StringRef name = size ? size->name : option->name;
  if (name != spelled)
    oldSpellings.emplace_back(
        setting.str(), (name + setting.drop_front(spelled.size())).str());
  return size ? applySize(*size, setting) : applyOption(*option, setting);
}

std::string OperatorFlags::applyOptional(StringRef name) {
  llvm::SmallVector<StringRef> known;
  for (const OptionInfo &option : op->table.options)
    if (option.kind == OptionKind::Presence)
      known.push_back(option.name);
  if (llvm::is_contained(known, name))
    return spec->setOption(name, kLaunchOptional);
  return llvm::formatv(
      "option '--optional': unknown argument '{0}', expected {1}", name,
      listNames(name, known));
}

std::string OperatorFlags::resolve() {
  spec.emplace(*op);
  llvm::StringSet<> given;
  auto getName = [&](StringRef setting) {
    StringRef spelled = setting.split('=').first;
    const SizeInfo *size = findSpelled(op->table.sizes, spelled);
    const OptionInfo *option = findSpelled(op->table.options, spelled);
    return size     ? StringRef(size->name)
           : option ? StringRef(option->name)
                    : spelled;
  };
  for (const std::string &setting : settings) {
    StringRef name = getName(setting);
    if (!given.insert(name).second)
      return llvm::formatv("expected '{0}' once", name);
    if (std::string fault = apply(setting); !fault.empty())
      return fault;
  }
  for (const std::string &setting : defaults)
    if (given.insert(getName(setting)).second)
      if (std::string fault = apply(setting); !fault.empty())
        return fault;
  for (const std::string &name : optionals)
    if (std::string fault = applyOptional(name); !fault.empty())
      return fault;
  return "";
}

void OperatorFlags::noteOldSpellings(cli::Command &command) const {
  for (const auto &[old, present] : oldSpellings)
    command.noteOldSpelling(old, present);
}

//===----------------------------------------------------------------------===//
// Help
//===----------------------------------------------------------------------===//

std::string OperatorFlags::describeSizes() {
  std::string text;
  for (const Operator *op : getOperators()) {
    text += llvm::formatv("\nSizes of {0}, {1}:\n", op->getName(),
                          StringRef(op->table.summary));
    for (const SizeInfo *size : getChoosableSizes(*op))
      text += llvm::formatv("  {0,-23}{1} (default {2})\n",
                            (StringRef(size->name) + "=N").str(),
                            StringRef(size->doc),
                            size->usual ? std::to_string(size->usual) : "?");
  }
  return text;
}
