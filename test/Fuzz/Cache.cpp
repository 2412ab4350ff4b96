//===- Cache.cpp - fuzz target: entries of the cache's folder --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// An input is the file of an entry. It is read as it is and with a right
// digest; the value in it is taken for a kernel, as compileCached does.
//
//===----------------------------------------------------------------------===//

#include "mla/JIT/CachedCompile.h"
#include "mla/Runtime/Descriptor.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/BLAKE3.h"
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

using namespace mla;
using llvm::StringRef;

static constexpr llvm::StringLiteral kName("input");
static constexpr size_t kMagicBytes = sizeof("mla cache entry 1\n") - 1;
static constexpr size_t kDigestBytes = 32;

/// A folder for this process, in memory where there is such a place.
static const std::string &getFolder() {
  static const std::string folder = [] {
    std::string base = ::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    std::string path = base + "/mla-fuzz-cache-XXXXXX";
    if (!::mkdtemp(path.data()))
      std::abort();
    return path;
  }();
  static const int cleanup = std::atexit([] {
    ::unlink((getFolder() + "/llvmcache-" + kName.str()).c_str());
    ::rmdir(getFolder().c_str());
  });
  (void)cleanup;
  return folder;
}

static void readEntry(const std::string &bytes) {
  std::string path = getFolder() + "/llvmcache-" + kName.str();
  std::FILE *file = std::fopen(path.c_str(), "wb");
  if (!file)
    std::abort();
  std::fwrite(bytes.data(), 1, bytes.size(), file);
  std::fclose(file);
  DiskCache cache(getFolder(), kDefaultCacheBytes);
  std::optional<std::string> value = cache.read({kName.str(), 0, {}});
  if (!value)
    return;
  std::optional<CachedKernel> kernel = deserialize(*value);
  if (!kernel)
    return;
  runtime::KernelPackage package;
  (void)runtime::parsePackage(kernel->descriptor, kernel->cubin, package);
  std::optional<CachedKernel> again = deserialize(serialize(*kernel));
  if (!again || again->descriptor != kernel->descriptor ||
      again->cubin != kernel->cubin)
    std::abort();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string bytes(reinterpret_cast<const char *>(data), size);
  readEntry(bytes);
  if (size < kMagicBytes + kDigestBytes)
    return 0;
  auto digest = llvm::BLAKE3::hash(llvm::arrayRefFromStringRef(
      StringRef(bytes).drop_front(kMagicBytes + kDigestBytes)));
  bytes.replace(kMagicBytes, kDigestBytes, llvm::toStringRef(digest));
  readEntry(bytes);
  return 0;
}
