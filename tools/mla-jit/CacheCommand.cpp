//===- CacheCommand.cpp - the folder of compiled kernels ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Command.h"
#include "Info.h"
#include "mla/JIT/CachedCompile.h"
#include "mla/Runtime/Descriptor.h"
#include "llvm/Support/Chrono.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace mla;

static constexpr llvm::StringLiteral kHelp =
    R"(usage: mla-jit cache list    a line for each kernel, last used first:
                             key, bytes, last use (UTC), operator, target
       mla-jit cache clear   removes all of them

The folder is $MLA_CACHE_DIR, else $XDG_CACHE_HOME/mla, else $HOME/.cache/mla.
)";

static int fail(const llvm::Twine &message) {
  llvm::errs() << "error: " << message << "\n";
  return 1;
}

static int list(const DiskCache &cache) {
  llvm::Expected<std::vector<DiskCache::Entry>> entries = cache.list();
  if (!entries)
    return fail(llvm::toString(entries.takeError()));
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
  return 0;
}

int mla::cacheCommand(const std::vector<std::string> &words) {
  std::string word = words.size() == 1 ? words.front() : "";
  DiskCache cache(defaultCacheFolder(), 0);
  if (word == "--help" || word == "-h")
    return llvm::outs() << kHelp << "\n" << harness::kExitCodeHelp, 0;
  if (word == "list")
    return list(cache);
  if (word != "clear")
    return failUsage("cache",
                     "expected mla-jit cache list or mla-jit cache clear");
  if (llvm::Error error = cache.clear())
    return fail(llvm::toString(std::move(error)));
  return 0;
}
