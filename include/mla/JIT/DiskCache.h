//===- DiskCache.h - a folder of results that processes share ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Maps keys to values, both arbitrary bytes. Each entry is a file named after
// the key's digest. Files are written atomically, and an entry is used only if
// its checksum and the whole key match. Callers continue without the cache
// after an error.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_JIT_DISKCACHE_H
#define MLA_JIT_DISKCACHE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Chrono.h"
#include "llvm/Support/Error.h"
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace mla {

/// The BLAKE3 digest of `bytes`, 64 hexadecimal digits.
std::string digest(llvm::StringRef bytes);

/// $MLA_CACHE_DIR, else $XDG_CACHE_HOME/mla, else .cache/mla in the home folder
/// ($HOME, or that of the password file), else "".
std::string defaultCacheFolder();

/// The default limit on the bytes of a folder.
inline constexpr int64_t kDefaultCacheBytes = int64_t(1) << 30;

/// The right to compute the value of a key, exclusive among the threads and
/// processes that use one folder. Released with the object, and when the
/// process ends in any way.
class CacheLock {
public:
  CacheLock() = default;
  CacheLock(CacheLock &&other) { *this = std::move(other); }
  CacheLock &operator=(CacheLock &&other) {
    std::swap(fd, other.fd);
    std::swap(offset, other.offset);
    return *this;
  }
  ~CacheLock();
  /// False if the lock could not be had in time.
  explicit operator bool() const { return fd >= 0; }

private:
  friend class DiskCache;
  int fd = -1;
  int64_t offset = 0;
};

class DiskCache {
public:
  /// Touches no file. A `folder` of "" holds nothing.
  DiskCache(std::string folder, uint64_t maxBytes)
      : root(std::move(folder)), maxBytes(maxBytes) {}

  const std::string &folder() const { return root; }
  bool enabled() const { return !root.empty(); }

  /// Returns the value of `key` and marks it as used. A damaged entry, or one
  /// of another key, is an error.
  llvm::Expected<std::optional<std::string>> find(llvm::StringRef key);

  /// Stores `value` under `key`, then removes the least recently used entries
  /// until the folder is within its limit. Creates the folder if there is none.
  llvm::Error store(llvm::StringRef key, llvm::StringRef value);

  /// Waits for the lock of `key`, at most for `limit`; a limit below 0 does not
  /// lock. `onWait` is called once if another has it.
  llvm::Expected<CacheLock> lock(llvm::StringRef key,
                                 std::chrono::milliseconds limit,
                                 llvm::function_ref<void()> onWait);

  struct Entry {
    /// The digest of the key.
    std::string name;
    uint64_t bytes;
    llvm::sys::TimePoint<> lastUse;
  };
  /// The entries of the folder, most recently used first; empty if there is no
  /// folder.
  llvm::Expected<std::vector<Entry>> list() const;

  /// The value of an entry of list(); nothing where it is damaged.
  std::optional<std::string> read(const Entry &entry) const;

  /// Removes all entries, and leftovers of processes that were killed.
  llvm::Error clear();

private:
  std::string file(llvm::StringRef name) const;

  std::string root;
  uint64_t maxBytes;
};

} // namespace mla

#endif // MLA_JIT_DISKCACHE_H
