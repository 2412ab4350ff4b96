//===- Info.cpp - the commands `info` and `cache` ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Commands.h"
#include "mla/JIT/CachedCompile.h"
#include "mla/JIT/Reports.h"
#include "mla/Runtime/Descriptor.h"
#include "llvm/Support/Chrono.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace mla;
namespace json = llvm::json;

//===----------------------------------------------------------------------===//
// info
//===----------------------------------------------------------------------===//

/// `object[name]` as text; the reason where there is none.
static std::string get(const json::Object &object, llvm::StringRef name) {
  if (auto text = object.getString("missing"))
    return "none (" + text->str() + ")";
  if (auto number = object.getInteger(name))
    return std::to_string(*number);
  return object.getString(name).value_or("").str();
}

static void printLine(llvm::StringRef name, const llvm::Twine &text) {
  llvm::outs() << llvm::formatv("{0,-11}", (name + ":").str()) << text << "\n";
}

static void printEnvironment(const json::Object &environment) {
  const json::Object &ptxas = *environment.getObject("ptxas"),
                     &assembler = *environment.getObject("assembler"),
                     &driver = *environment.getObject("driver"),
                     &cache = *environment.getObject("cache");
  auto isThere = [](const json::Object &object) {
    return !object.getString("missing");
  };
  printLine("version", *environment.getString("version"));
  printLine("ptxas", get(ptxas, "version") +
                         (isThere(ptxas) ? " at " + get(ptxas, "path") : ""));
  auto warning = assembler.getString("warning");
  printLine("assembler", get(assembler, "version") +
                             (warning ? " (" + warning->str() + ")" : ""));
  printLine("driver", (isThere(driver) ? "CUDA " : "") + get(driver, "cuda"));
  if (const json::Array *devices = driver.getArray("devices"))
    for (const json::Value &device : *devices)
      printLine("device", get(*device.getAsObject(), "name") + ", " +
                              get(*device.getAsObject(), "capability"));
  printLine("cache",
            get(cache, "folder") +
                (isThere(cache) ? ", " + get(cache, "entries") + " kernels, " +
                                      get(cache, "bytes") + " bytes"
                                : ""));
}

void mla::addInfoCommand(cli::Tool &tool) {
  auto asJson = std::make_shared<bool>(false);
  cli::Command &command = tool.command(
      "info", "print versions, ptxas, driver and cache", kToolHeading);
  command
      .describe("Prints versions, ptxas, the assembler that run, bench and "
                "libmla-jit.so use, the driver and its devices, and the folder "
                "of the cache. What is missing is reported and no error.")
      .example("mla-jit info --json");
  command.flag("--json", *asJson, "print one line of JSON");
  command.action([asJson](std::ostream &, std::ostream &) {
    json::Object environment = describeEnvironment();
    if (*asJson)
      llvm::outs() << json::Value(std::move(environment)) << "\n";
    else
      printEnvironment(environment);
    return cli::kExitSuccess;
  });
}

//===----------------------------------------------------------------------===//
// cache
//===----------------------------------------------------------------------===//

static llvm::Error listCache(const DiskCache &cache) {
  llvm::Expected<std::vector<DiskCache::Entry>> entries = cache.list();
  if (!entries)
    return entries.takeError();
  for (const DiskCache::Entry &entry : *entries) {
    std::string what = "damaged";
    runtime::KernelDescriptor descriptor;
    if (std::optional<std::string> value = cache.read(entry))
      if (std::optional<CachedKernel> kernel = deserialize(*value))
        if (runtime::parseDescriptor(kernel->descriptor, descriptor).ok())
          what = descriptor.operatorText() + " " + descriptor.target;
    llvm::outs() << llvm::formatv(
        "{0} {1,8} {2:%Y-%m-%dT%H:%M:%SZ} {3}\n", entry.name, entry.bytes,
        llvm::sys::toUtcTime(llvm::sys::toTimeT(entry.lastUse)), what);
  }
  return llvm::Error::success();
}

void mla::addCacheCommand(cli::Tool &tool) {
  auto word = std::make_shared<std::string>();
  std::vector<std::string> words = {"list", "clear"};
  cli::Command &command = tool.command(
      "cache", "list or remove the kernels that run and bench keep",
      kToolHeading);
  command
      .describe("list prints a line for each kernel, last used first: key, "
                "bytes, last use (UTC), operator, target. clear removes all. "
                "The folder is $MLA_CACHE_DIR, else $XDG_CACHE_HOME/mla, else "
                "$HOME/.cache/mla.")
      .example("mla-jit cache list")
      .operands("list|clear",
                [word, words](const std::string &text) {
                  std::string fault = cli::readOnce("command", *word)(text);
                  return fault.empty()
                             ? cli::readWord(words, [](size_t) {})(text)
                             : fault;
                },
                {words})
      .check([word] {
        return word->empty()
                   ? "expected mla-jit cache list or mla-jit cache clear"
                   : "";
      })
      .action([word](std::ostream &, std::ostream &) {
        DiskCache cache(defaultCacheFolder(), 0);
        return finish(*word == "list" ? listCache(cache) : cache.clear());
      });
}
