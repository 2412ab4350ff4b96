//===- Completion.cpp - scripts for shells, from what is declared ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/CommandLine/CommandLine.h"

#include <CLI/CLI.hpp>

#include <algorithm>

namespace mla::cli {

static std::string join(const std::vector<std::string> &words,
                        const std::string &separator) {
  std::string text;
  for (const std::string &word : words)
    text += (text.empty() ? "" : separator) + word;
  return text;
}

static void replaceAll(std::string &text, const std::string &from,
                       const std::string &to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos;
       at += to.size())
    text.replace(at, from.size(), to);
}

/// As a word of a shell, in single quotes.
static std::string quote(std::string text) {
  replaceAll(text, "'", "'\\''");
  return "'" + text + "'";
}

/// Placeholders: NAME the tool, FUNCTION the shell function's name, COMMANDS
/// the commands' names or entries, CASES a branch for each command.
static std::string fill(std::string script, const std::string &tool,
                        const std::string &commands, const std::string &cases) {
  std::string function = "_" + tool;
  std::replace(function.begin(), function.end(), '-', '_');
  replaceAll(script, "@NAME@", tool);
  replaceAll(script, "@FUNCTION@", function);
  replaceAll(script, "@COMMANDS@", commands);
  replaceAll(script, "@CASES@", cases);
  return script;
}

//===----------------------------------------------------------------------===//
// bash
//===----------------------------------------------------------------------===//

static constexpr char kBash[] =
    R"(# bash completion for @NAME@: source <(@NAME@ completion bash)
@FUNCTION@() {
  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local option= options= values= files= list=
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W '@COMMANDS@ --help --version' -- "$word")
    return
  fi
  # For bash '=' is a word of its own: --device=sim is three of them.
  if [[ $word == '=' ]]; then
    option=$previous word=
  elif [[ $previous == '=' ]]; then
    option=${COMP_WORDS[COMP_CWORD - 2]}
  elif [[ $previous == -* ]]; then
    option=$previous
  fi
  case ${COMP_WORDS[1]} in
@CASES@  esac
  if [[ -z $option && $word == -* ]]; then
    values=$options files=
  fi
  # The last part of A,B,C.
  [[ $word == *,* ]] && list=${word%,*},
  mapfile -t COMPREPLY < <(compgen -P "$list" -W "$values" -- "${word#"$list"}")
  if [[ -n $files ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "$word")
  fi
}
complete -F @FUNCTION@ @NAME@
)";

/// "values='a b' files=1".
static std::string assign(const Completion &completion) {
  return "values=" + quote(join(completion.words, " ")) +
         (completion.files ? " files=1" : "");
}

std::string Tool::bashScript() const {
  std::string cases;
  for (const Command &command : commands) {
    std::vector<std::string> names;
    std::string branches;
    for (const Option &option : command.options) {
      if (option.present)
        continue;
      names.push_back(option.name);
      if (!option.isFlag)
        branches +=
            "    " + option.name + ") " + assign(option.completion) + " ;;\n";
    }
    names.push_back("--help");
    cases += "  " + command.name + ")\n    options=" + quote(join(names, " ")) +
             "\n    case $option in\n" + branches +
             "    *) option= " + assign(command.operandCompletion) +
             " ;;\n    esac ;;\n";
  }
  return fill(kBash, app->get_name(), join(commandNames(), " "), cases);
}

//===----------------------------------------------------------------------===//
// zsh
//===----------------------------------------------------------------------===//

static constexpr char kZsh[] = R"(#compdef @NAME@
# zsh completion for @NAME@: source <(@NAME@ completion zsh)
@FUNCTION@() {
  local -a commands=(
@COMMANDS@  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  case $command in
@CASES@  esac
}
compdef @FUNCTION@ @NAME@
)";

/// Escapes ':' and brackets, which are special in a specification of
/// _arguments.
static std::string escapeSpec(std::string text) {
  for (const char *special : {"\\", ":", "[", "]"})
    replaceAll(text, special, std::string("\\") + special);
  return text;
}

/// The part of _arguments that says what follows: ":N:(a b)".
static std::string zshAction(const std::string &value,
                             const Completion &completion) {
  std::string text = ":" + escapeSpec(value) + ":";
  if (!completion.words.empty() && completion.files)
    return text + "{_values " + quote(value) + " " +
           join(completion.words, " ") + "; _files}";
  if (!completion.words.empty())
    return text + "(" + join(completion.words, " ") + ")";
  return text + (completion.files ? "_files" : "");
}

std::string Tool::zshScript() const {
  std::string names, cases;
  for (const Command &command : commands) {
    names +=
        "    " +
        quote(escapeSpec(command.name) + ":" + command.app->get_description()) +
        "\n";
    std::string specs = quote("--help[print this help]");
    for (const Option &option : command.options) {
      if (option.present)
        continue;
      const std::string &name = option.name;
      std::string help = option.option->get_description();
      help = help.substr(0, help.find('\n'));
      std::string form = (option.isRepeatable ? "*" : "") + name;
      if (!option.isFlag)
        form += name.size() > 2 ? "=" : "+";
      specs += " \\\n      " +
               quote(form + "[" + escapeSpec(help) + "]" +
                     (option.isFlag ? ""
                                    : zshAction(option.option->get_type_name(),
                                                option.completion)));
    }
    if (command.operandOption)
      specs += " \\\n      " +
               quote("*" + zshAction(command.usage, command.operandCompletion));
    cases += "  " + command.name + ")\n    _arguments " + specs + " ;;\n";
  }
  return fill(kZsh, app->get_name(), names, cases);
}

std::string Tool::completionScript(const std::string &shell) const {
  return shell == "zsh" ? zshScript() : bashScript();
}

} // namespace mla::cli
