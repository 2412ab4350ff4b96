//===- Help.cpp - help texts of declared commands and options -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/CommandLine/CommandLine.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <sstream>

namespace mla::cli {

/// The width of a line, and the column at which descriptions start.
static constexpr size_t kLine = 80, kColumn = 25;

/// `first`, then the words of `text` wrapped to lines that are indented by
/// `indent`. Line breaks in `text` are kept.
static std::string wrap(const std::string &first, size_t indent,
                        const std::string &text) {
  std::string lines, line = first;
  auto breakLine = [&] {
    line.erase(line.find_last_not_of(' ') + 1);
    lines += line + "\n";
    line.assign(indent, ' ');
  };
  if (line.size() + 1 > indent && indent > 0 && !text.empty())
    breakLine();
  line.resize(std::max(line.size(), indent), ' ');
  std::istringstream paragraphs(text);
  for (std::string paragraph; std::getline(paragraphs, paragraph);) {
    if (line.size() > indent)
      breakLine();
    std::istringstream words(paragraph);
    for (std::string word; words >> word; line += word)
      if (line.size() > indent && line.size() + 1 + word.size() > kLine)
        breakLine();
      else if (line.size() > indent)
        line += ' ';
  }
  breakLine();
  return lines;
}

/// The entry of an option, e.g. "  --seed N                 seed of ...".
static std::string describe(const CLI::Option &option) {
  std::string name = "  " + option.get_name(false, true);
  if (size_t comma = name.find(','); comma != std::string::npos)
    name.insert(comma + 1, " ");
  if (option.get_items_expected_max() > 0)
    name += " " + option.get_type_name();
  return wrap(name, kColumn, option.get_description());
}

/// The options of a command under the headings that they were declared with.
static std::string listOptions(const CLI::App &app) {
  std::string text;
  std::vector<const CLI::Option *> all = app.get_options(
      [](const CLI::Option *option) { return !option->get_group().empty(); });
  // The help option, which CLI11 declares first, comes last.
  std::rotate(all.begin(), all.begin() + 1, all.end());
  std::vector<std::string> headings;
  for (const CLI::Option *option : all)
    if (std::find(headings.begin(), headings.end(), option->get_group()) ==
        headings.end())
      headings.push_back(option->get_group());
  for (const std::string &heading : headings) {
    text += "\n" + heading + ":\n";
    for (const CLI::Option *option : all)
      if (option->get_group() == heading)
        text += describe(*option);
  }
  return text;
}

std::string Command::help() const {
  std::string toolName = tool->app->get_name();
  bool hasOptions = !options.empty();
  std::string text = "usage: " + toolName + " " + name +
                     (hasOptions ? " [options]" : "") +
                     (usage.empty() ? "" : " " + usage) + "\n\n";
  text +=
      wrap("", 0, description.empty() ? app->get_description() : description);
  for (const std::string &example : examples)
    text += (&example == &examples.front() ? "\nExample:\n  " : "  ") +
            example + "\n";
  text += listOptions(*app) + epilogue;
  return text + "\n" + kExitCodeHelp;
}

std::string Tool::help(const std::string &command) const {
  if (const Command *known = find(command))
    return known->help();
  std::string name = app->get_name();
  std::string text = "usage: " + name + " COMMAND [options]\n\n" +
                     app->get_description() + "\n";
  std::string heading;
  for (const Command &known : commands) {
    if (known.app->get_group() != heading)
      text += "\n" + (heading = known.app->get_group()) + ":\n";
    text += wrap("  " + known.name, 14, known.app->get_description());
  }
  return text + "\n" + name +
         " COMMAND --help lists the options of a command, " + name +
         " --version prints\nthe version. An option's value is the next "
         "word or follows '='.\n\n" +
         kExitCodeHelp;
}

} // namespace mla::cli
