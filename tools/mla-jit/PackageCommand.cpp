//===- PackageCommand.cpp - several kernels into one folder ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "PackageCommand.h"
#include "mla/JIT/Operators.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace mla;
namespace json = llvm::json;

namespace {

constexpr llvm::StringLiteral kHelp =
    R"(usage: mla-jit package KERNEL... -o DIR [options]

Compiles each KERNEL into a package of its own in DIR, and writes their list,
DIR/index.json, when all are there. A KERNEL is a file of IR, FILE.mlir, or an
operator with what differs from the defaults of mla-jit emit:

  sparse_prefill[:NAME[=N],...]    with h, d-qk, d-v, topk, s-q, s-kv,
                                   topk-length, sink, lse-base and empty-lse

as in sparse_prefill:h=64,topk=2048,sink, whose package is
DIR/sparse_prefill-h64-topk2048-sink. A launch may leave out what topk-length and
sink add, so that sparse_prefill:h=64,topk-length,sink serves all calls with 64
heads; topk-length=required and sink=required make kernels that insist on it.

)";

int fail(const llvm::Twine &message) {
  llvm::errs() << "error: " << message << "\n";
  return 1;
}

/// Reads one setting of an operator, "h=64". Returns what is wrong with it.
std::string readSetting(llvm::StringRef word, SparsePrefillShape &shape) {
  auto [name, text] = word.split('=');
  if (name == "topk-length" || name == "sink") {
    bool required = word.ends_with("=required"), isSink = name == "sink";
    if (word.contains('=') && !required)
      return ("expected " + name + " or " + name + "=required, got '" + word +
              "'")
          .str();
    (isSink ? shape.attnSink : shape.topkLength) = true;
    (isSink ? shape.attnSinkOptional : shape.topkLengthOptional) = !required;
    return "";
  }
  if (name == "lse-base" || name == "empty-lse") {
    (name == "lse-base" ? shape.lseBase : shape.emptyLse) = text.str();
    return "";
  }
  std::optional<int64_t> *size = name == "topk"   ? &shape.topk
                                 : name == "s-q"  ? &shape.numQueries
                                 : name == "s-kv" ? &shape.numRows
                                                  : nullptr;
  int64_t *fixed = name == "h"      ? &shape.heads
                   : name == "d-qk" ? &shape.dimQK
                   : name == "d-v"  ? &shape.dimV
                                    : nullptr;
  if (!size && !fixed)
    return ("unknown name '" + name +
            "', expected h, d-qk, d-v, topk, s-q, s-kv, topk-length, sink, "
            "lse-base or empty-lse")
        .str();
  int64_t value = 0;
  if (text.getAsInteger(10, value) || value < 1)
    return ("expected " + name + "=N with N >= 1, got '" + word + "'").str();
  if (size)
    *size = value;
  else
    *fixed = value;
  return "";
}

/// The IR of `kernel` as the command line has it; null after an error.
mlir::OwningOpRef<mlir::ModuleOp> getModule(llvm::StringRef kernel,
                                            mlir::MLIRContext &context) {
  if (kernel.ends_with(".mlir"))
    return mlir::parseSourceFile<mlir::ModuleOp>(kernel, &context);
  auto [op, settings] = kernel.split(':');
  SparsePrefillShape shape;
  if (op != "sparse_prefill") {
    fail("'" + kernel + "': expected FILE.mlir or sparse_prefill, got '" + op +
         "'");
    return {};
  }
  llvm::SmallVector<llvm::StringRef> words;
  settings.split(words, ',', -1, /*KeepEmpty=*/false);
  for (llvm::StringRef word : words)
    if (std::string error = readSetting(word, shape); !error.empty()) {
      fail("'" + kernel + "': " + error);
      return {};
    }
  return buildSparsePrefill(context, shape);
}

/// The folder of a kernel's package below that of all.
std::string getFolder(llvm::StringRef kernel) {
  if (kernel.ends_with(".mlir"))
    return llvm::sys::path::stem(kernel).str();
  std::string name;
  for (char c : kernel)
    if (c != '=')
      name += c == ':' || c == ',' ? '-' : c;
  return name;
}

/// Compiles one kernel; its line of the index, or nothing after an error.
std::optional<json::Object> package(llvm::StringRef kernel,
                                    llvm::StringRef root,
                                    const PackageConfig &config) {
  auto module = getModule(kernel, config.context);
  if (!module)
    return fail("cannot make IR of '" + kernel + "'"), std::nullopt;
  llvm::Expected<CompiledKernel> compiled =
      compileKernel(*module, config.options);
  std::string folder = getFolder(kernel);
  if (!compiled)
    return fail(kernel + ": " + llvm::toString(compiled.takeError())),
           std::nullopt;
  if (compiled->cubin.empty())
    return fail(kernel + ": " + compiled->missingCubin), std::nullopt;
  if (llvm::Error error = writeKernel(*compiled, (root + "/" + folder).str()))
    return fail(llvm::toString(std::move(error))), std::nullopt;
  json::Value summary = summarize(*compiled);
  (*summary.getAsObject())["package"] = folder;
  llvm::outs() << summary << "\n";
  json::Value launch = llvm::cantFail(json::parse(compiled->descriptor));
  const json::Object &fields = *launch.getAsObject();
  json::Object line{{"package", folder},
                    {"source", kernel},
                    {"kernel", *fields.get("kernel")},
                    {"operator", *fields.get("operator")},
                    {"target", *fields.get("target")}};
  if (const json::Value *options = fields.get("options"))
    line["options"] = *options;
  return line;
}

} // namespace

int mla::packageCommand(const std::vector<std::string> &words,
                        const PackageConfig &config) {
  std::string root;
  std::vector<std::string> kernels;
  llvm::StringSet<> folders;
  for (size_t i = 0; i < words.size(); ++i) {
    std::string error;
    if (words[i] == "--help" || words[i] == "-h")
      return llvm::outs() << kHelp << config.help, 0;
    if (words[i] == "-o" && i + 1 < words.size()) {
      root = words[++i];
    } else if (config.parse(words[i], error)) {
      if (!error.empty())
        return fail(error);
    } else if (llvm::StringRef(words[i]).starts_with("-")) {
      return fail("unknown option '" + words[i] +
                  "' (see mla-jit package --help)");
    } else {
      if (!folders.insert(getFolder(words[i])).second)
        return fail("two kernels for the package '" + getFolder(words[i]) +
                    "'");
      kernels.push_back(words[i]);
    }
  }
  if (root.empty() || kernels.empty())
    return fail("expected mla-jit package KERNEL... -o DIR");
  json::Array lines;
  for (const std::string &kernel : kernels) {
    std::optional<json::Object> line = package(kernel, root, config);
    if (!line)
      return 1;
    lines.push_back(std::move(*line));
  }
  json::Value index = json::Object{{"format", "mla-kernel-index"},
                                   {"version", 1},
                                   {"packages", std::move(lines)}};
  if (llvm::Error error =
          llvm::writeToOutput(root + "/index.json", [&](llvm::raw_ostream &os) {
            os << llvm::formatv("{0:2}\n", index);
            return llvm::Error::success();
          }))
    return fail(llvm::toString(std::move(error)));
  return 0;
}
