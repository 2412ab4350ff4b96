//===- CommandLine.cpp - commands and options of the tools ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/CommandLine/CommandLine.h"
#include "mla/Support/NearNames.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <map>
#include <ostream>

namespace mla::cli {

/// CLI11 has no "any number" for operands that would not also split "[a,b]".
static constexpr int kMostOperands = 1 << 20;

/// Whether a word is an option by its form; "-" is standard input or output.
static bool isOption(const std::string &word) {
  return word.size() > 1 && word[0] == '-';
}

/// The name in "--name=value".
static std::string nameOf(const std::string &word) {
  return word.substr(0, word.find('='));
}

//===----------------------------------------------------------------------===//
// Declarations
//===----------------------------------------------------------------------===//

Option &Option::repeatable() {
  isRepeatable = true;
  return *this;
}

Option &Option::offer(std::vector<std::string> words) {
  completion.words = std::move(words);
  return *this;
}

Option &Option::offerFiles() {
  completion.files = true;
  return *this;
}

Option &Option::replacedBy(
    std::function<std::string(const std::string &)> presentSpelling) {
  present = std::move(presentSpelling);
  // CLI11 hides what is in no group.
  option->group("");
  return *this;
}

Option &Command::add(const std::string &optionName, CLI::Option *option,
                     Read read) {
  option->group(heading)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  Option &added = options.emplace_back();
  added.option = option;
  added.name = optionName.substr(0, optionName.find(','));
  added.read = std::move(read);
  return added;
}

Command &Command::group(const std::string &text) {
  heading = text;
  return *this;
}

Option &Command::flag(const std::string &flagName, std::function<void()> set,
                      const std::string &help) {
  Option &added = add(flagName, app->add_flag(flagName)->description(help),
                      [set](const std::string &) {
                        set();
                        return "";
                      });
  added.isFlag = true;
  return added;
}

Option &Command::flag(const std::string &flagName, bool &out,
                      const std::string &help) {
  return flag(flagName, [&out] { out = true; }, help);
}

Option &Command::option(const std::string &optionName, const std::string &value,
                        Read read, const std::string &help) {
  CLI::Option *added = app->add_option(optionName)->description(help);
  return add(optionName, added->type_name(value)->expected(1), std::move(read));
}

Command &Command::operands(const std::string &text, Read read,
                           Completion completion) {
  usage = text;
  readOperand = std::move(read);
  operandCompletion = std::move(completion);
  operandOption = app->add_option("operands")->expected(kMostOperands);
  operandOption->group("")->multi_option_policy(
      CLI::MultiOptionPolicy::TakeAll);
  return *this;
}

Command &Command::describe(const std::string &text) {
  description = text;
  return *this;
}

Command &Command::notes(const std::string &text) {
  epilogue += text;
  return *this;
}

Command &Command::example(const std::string &words) {
  examples.push_back(words);
  return *this;
}

Command &Command::check(std::function<std::string()> function) {
  fault = std::move(function);
  return *this;
}

Command &Command::action(
    std::function<int(std::ostream &out, std::ostream &err)> function) {
  run = std::move(function);
  return *this;
}

void Command::noteOldSpelling(const std::string &old,
                              const std::string &present) {
  oldSpellings.push_back("note: '" + old +
                         "' is an old spelling, which the next release "
                         "refuses: write " +
                         present);
}

Tool::Tool(const std::string &name, const std::string &summary,
           const std::string &version)
    : app(std::make_unique<CLI::App>(summary, name)) {
  app->set_help_flag("-h,--help", "print this help");
  app->set_version_flag("--version", version, "print the version");
  // With at most one command, its operands may have a command's name.
  app->require_subcommand(0, 1);
  app->allow_extras();
}

Tool::~Tool() = default;

Command &Tool::command(const std::string &name, const std::string &summary,
                       const std::string &heading) {
  Command &added = commands.emplace_back();
  added.tool = this;
  added.name = name;
  added.app = app->add_subcommand(name, summary);
  added.app->group(heading)->allow_extras();
  added.app->set_help_flag("-h,--help", "print this help");
  return added;
}

const Command *Tool::find(const std::string &name) const {
  for (const Command &command : commands)
    if (command.name == name)
      return &command;
  return nullptr;
}

std::vector<std::string> Tool::commandNames() const {
  std::vector<std::string> names;
  names.reserve(commands.size());
  for (const Command &command : commands)
    names.push_back(command.name);
  return names;
}

void Tool::addHelp() {
  auto topic = std::make_shared<std::string>();
  Command &added =
      command("help", "print the options of a command", "This tool");
  added.operands("[COMMAND]", readOnce("COMMAND", *topic), {commandNames()})
      .check([this, topic]() -> std::string {
        if (topic->empty() || find(*topic))
          return "";
        return "unknown command '" + *topic + "', expected " +
               listNames(*topic, commandNames());
      })
      .action([this, topic](std::ostream &out, std::ostream &) {
        out << help(*topic);
        return kExitSuccess;
      });
}

void Tool::addCompletion() {
  auto shell = std::make_shared<std::string>();
  std::vector<std::string> shells = {"bash", "zsh"};
  Command &added = command(
      "completion", "print a script that completes command lines", "This tool");
  added
      .operands("SHELL",
                [shell, shells](const std::string &word) -> std::string {
                  if (std::string fault = readOnce("SHELL", *shell)(word);
                      !fault.empty())
                    return fault;
                  return readWord(shells, [](size_t) {})(word);
                },
                {shells})
      .describe("Prints a script for SHELL, bash or zsh, that completes "
                "commands, options and their values.")
      .example("source <(" + app->get_name() + " completion bash)")
      .check([shell] { return shell->empty() ? "expected bash or zsh" : ""; })
      .action([this, shell](std::ostream &out, std::ostream &) {
        out << completionScript(*shell);
        return kExitSuccess;
      });
}

//===----------------------------------------------------------------------===//
// Parsing
//===----------------------------------------------------------------------===//

std::string Tool::describeUnknown(const Command &command,
                                  const std::string &word) const {
  std::string name = nameOf(word), others;
  for (const Command &other : commands)
    for (const Option &option : other.options)
      if (option.name == name && !option.present)
        others += (others.empty() ? "" : ", ") + other.name;
  if (!others.empty())
    return "option '" + name + "': is not one of '" + command.name +
           "' (it is one of " + others + ")";
  std::vector<std::string> names;
  for (const Option &option : command.options)
    if (!option.present)
      names.push_back(option.name);
  // Names of one letter are all near.
  return "unknown option '" + name + "'" +
         (name.size() > 2 ? suggest(name, names) : "");
}

/// What CLI11 would take for something else: it joins an option with an empty
/// value to the next word.
std::string Tool::findFaultyWord(const Command *command,
                                 const std::vector<std::string> &words) const {
  if (words.empty() || (isOption(words[0]) && !command &&
                        !app->get_option_no_throw(nameOf(words[0]))))
    return "expected a command, " + listNames("", commandNames()) +
           (words.empty() ? "" : ", got '" + words[0] + "'");
  if (!command)
    return isOption(words[0])
               ? ""
               : "unknown command '" + words[0] + "', expected " +
                     listNames(words[0], commandNames()) +
                     suggest(words[0], commandNames());
  for (const std::string &word : words) {
    size_t equals = word.find('=');
    const CLI::Option *option =
        isOption(word) ? command->app->get_option_no_throw(nameOf(word))
                       : nullptr;
    if (word == "--")
      break;
    if (!option || equals == std::string::npos)
      continue;
    if (option->get_items_expected_max() == 0)
      return "option '" + nameOf(word) + "': takes no value";
    if (equals + 1 == word.size())
      return "option '" + nameOf(word) + "': expected a value";
  }
  return "";
}

std::string Tool::parse(const std::vector<std::string> &words,
                        std::string &text) {
  const Command *command = words.empty() ? nullptr : find(words[0]);
  if (std::string fault = findFaultyWord(command, words); !fault.empty())
    return fault;
  // CLI11 wants the words in reverse, and of "-o=FILE" it takes "=FILE".
  std::vector<std::string> reversed(words.rbegin(), words.rend());
  for (std::string &word : reversed)
    if (command && word.size() > 2 && word[0] == '-' && word[2] == '=' &&
        word[1] != '-')
      word.erase(2, 1);
  try {
    app->parse(reversed);
  } catch (const CLI::CallForHelp &) {
    text = help(command ? command->name : "");
    return "";
  } catch (const CLI::CallForVersion &version) {
    text = std::string(version.what()) + "\n";
    return "";
  } catch (const CLI::ArgumentMismatch &) {
    // Only the last word can lack its value.
    return "option '" + words.back() + "': expected a value";
  } catch (const CLI::ParseError &error) {
    return error.what();
  }
  bool isOperand = false;
  for (const std::string &word :
       command ? command->app->remaining() : std::vector<std::string>()) {
    if (!isOperand && word == "--")
      isOperand = true;
    else if (!isOperand && isOption(word))
      return describeUnknown(*command, word);
    else
      return "expected no operand, got '" + word + "'";
  }
  return "";
}

std::string Command::readOption(Option &option, size_t index) {
  const std::string &optionName = option.name;
  std::string value = option.isFlag ? "" : option.option->results()[index];
  auto fail = [&](const std::string &what) {
    return "option '" + optionName + "': " + what;
  };
  if (index > 0 && !option.isRepeatable)
    return fail(option.isFlag
                    ? "expected it once"
                    : "expected it once, got '" + option.option->results()[0] +
                          "' and '" + value + "'");
  // A number may have a sign.
  bool isNumber = value.size() > 1 && (std::isdigit(value[1]) ||
                                       value[1] == '.' || value[1] == 'i');
  if (!option.isFlag && value.empty())
    return fail("expected a value");
  if (isOption(value) && !isNumber)
    return fail("expected a value, got '" + value + "'");
  if (option.present)
    noteOldSpelling(optionName, option.present(value));
  std::string what = option.read(value);
  return what.empty() ? "" : fail(what);
}

std::string Command::readWords() {
  std::map<const CLI::Option *, size_t> counts;
  for (const CLI::Option *parsed : app->parse_order()) {
    size_t index = counts[parsed]++;
    std::string what;
    if (parsed == operandOption)
      what = readOperand(parsed->results()[index]);
    for (Option &option : options)
      if (option.option == parsed)
        what = readOption(option, index);
    if (!what.empty())
      return what;
  }
  return fault ? fault() : "";
}

int Tool::dispatch(const std::vector<std::string> &words, std::ostream &out,
                   std::ostream &err) {
  if (!find("help")) {
    addCompletion();
    addHelp();
  }
  std::string text;
  Command *command = nullptr;
  for (Command &known : commands)
    if (!words.empty() && known.name == words[0])
      command = &known;
  std::string fault = parse(words, text);
  if (fault.empty() && !text.empty()) {
    out << text;
    return kExitSuccess;
  }
  if (fault.empty())
    fault = command->readWords();
  if (!fault.empty()) {
    err << "error: " << fault << " (see " << app->get_name() << " "
        << (command ? command->name + " " : "") << "--help)\n";
    return kExitUsage;
  }
  for (const std::string &note : command->oldSpellings)
    err << note << "\n";
  return command->run(out, err);
}

int Tool::run(const std::vector<std::string> &words, std::ostream &out,
              std::ostream &err) {
  errno = 0;
  int code = kExitFailure;
  // Memory that sizes on the command line ask for may not be there.
  try {
    code = dispatch(words, out, err);
  } catch (const std::exception &error) {
    err << "error: " << error.what() << "\n";
  }
  if (out.flush())
    return code;
  // A stream does not say why; the system's last error is most likely it.
  err << "error: cannot write to standard output"
      << (errno ? std::string(": ") + std::strerror(errno) : "") << "\n";
  return kExitFailure;
}

} // namespace mla::cli
