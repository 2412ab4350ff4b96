//===- DiskCache.cpp - a folder of results that processes share -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/JIT/DiskCache.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/CachePruning.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/Errno.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

using llvm::createStringError;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
namespace fs = llvm::sys::fs;
using namespace mla;

/// llvm::pruneCache considers only files with this prefix.
static constexpr llvm::StringLiteral kPrefix("llvmcache-");
/// The suffix of a file that is being written. It has the prefix as well, so
/// that files of killed processes are pruned eventually.
static constexpr llvm::StringLiteral kTemporary(".tmp");

/// An entry: the magic, the digest of all that follows, the key's length, the
/// key, the value.
static constexpr llvm::StringLiteral kMagic("mla cache entry 1\n");
using Digest = llvm::BLAKE3Result<>;
static constexpr size_t kHeaderBytes =
    kMagic.size() + sizeof(Digest) + sizeof(uint64_t);

static Digest hash(StringRef bytes) {
  return llvm::BLAKE3::hash(llvm::arrayRefFromStringRef(bytes));
}

static StringRef view(const Digest &digest) {
  return llvm::toStringRef(llvm::ArrayRef<uint8_t>(digest));
}

std::string mla::digest(StringRef bytes) {
  return llvm::toHex(hash(bytes), /*LowerCase=*/true);
}

std::string mla::defaultCacheFolder() {
  auto get = [](StringRef name) {
    return llvm::sys::Process::GetEnv(name).value_or("");
  };
  if (std::string folder = get("MLA_CACHE_DIR"); !folder.empty())
    return folder;
  llvm::SmallString<128> folder(get("XDG_CACHE_HOME"));
  if (folder.empty()) {
    if (!llvm::sys::path::home_directory(folder) || folder.empty())
      return "";
    llvm::sys::path::append(folder, ".cache");
  }
  llvm::sys::path::append(folder, "mla");
  return folder.str().str();
}

/// Creates `folder` as mkdir -p does, with permissions by the umask, so that
/// other users can read a cache that root filled in a container image.
static std::error_code createFolder(StringRef folder) {
  return fs::create_directories(folder, /*IgnoreExisting=*/true, fs::all_all);
}

std::string DiskCache::file(StringRef name) const {
  llvm::SmallString<128> path(root);
  llvm::sys::path::append(path, kPrefix + name);
  return path.str().str();
}

//===----------------------------------------------------------------------===//
// Lock
//===----------------------------------------------------------------------===//

/// Locks (F_WRLCK) or unlocks (F_UNLCK) the byte at `offset`, without waiting.
///
/// Uses locks of an open file description, which, unlike those of a process,
/// exclude threads from each other. All keys share one file, so that no lock
/// file per key is left behind.
static bool setLock(int fd, int64_t offset, short type) {
  struct flock range = {};
  range.l_type = type;
  range.l_whence = SEEK_SET;
  range.l_start = offset;
  range.l_len = 1;
  return ::fcntl(fd, F_OFD_SETLK, &range) == 0;
}

CacheLock::~CacheLock() {
  if (fd < 0)
    return;
  // Closing alone does not release the lock while a forked child has the file
  // description open too.
  setLock(fd, offset, F_UNLCK);
  ::close(fd);
}

Expected<CacheLock> DiskCache::lock(StringRef key,
                                    std::chrono::milliseconds limit,
                                    llvm::function_ref<void()> onWait) {
  CacheLock lock;
  if (!enabled() || limit.count() < 0)
    return lock;
  if (std::error_code code = createFolder(root))
    return createStringError("cannot create folder '" + root +
                             "': " + code.message());
  std::string path = root + "/lock";
  int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0)
    return createStringError("cannot open '" + path +
                             "': " + llvm::sys::StrError());
  Digest name = hash(key);
  lock.offset = llvm::support::endian::read64le(name.data()) >> 2;
  auto deadline = std::chrono::steady_clock::now() + limit;
  for (bool waited = false; !setLock(fd, lock.offset, F_WRLCK); waited = true) {
    int reason = errno;
    bool taken = reason == EAGAIN || reason == EACCES;
    if (!taken || std::chrono::steady_clock::now() >= deadline) {
      ::close(fd);
      if (taken)
        return lock;
      return createStringError("cannot lock '" + path +
                               "': " + llvm::sys::StrError(reason));
    }
    if (!waited)
      onWait();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  lock.fd = fd;
  return lock;
}

//===----------------------------------------------------------------------===//
// Entries
//===----------------------------------------------------------------------===//

namespace {
/// A parsed entry; points into the bytes of its file.
struct Parts {
  StringRef key, value;
};
} // namespace

static std::optional<Parts> parse(StringRef bytes) {
  if (bytes.size() < kHeaderBytes || !bytes.consume_front(kMagic))
    return std::nullopt;
  StringRef checksum = bytes.take_front(sizeof(Digest));
  bytes = bytes.drop_front(sizeof(Digest));
  if (checksum != view(hash(bytes)))
    return std::nullopt;
  uint64_t keyBytes = llvm::support::endian::read64le(bytes.data());
  bytes = bytes.drop_front(sizeof(uint64_t));
  if (keyBytes > bytes.size())
    return std::nullopt;
  return Parts{bytes.take_front(keyBytes), bytes.drop_front(keyBytes)};
}

/// The bytes of a file, copied: reading a mapped file that is truncated
/// meanwhile would crash the process.
static llvm::ErrorOr<std::unique_ptr<llvm::MemoryBuffer>>
readFile(const std::string &path) {
  return llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                     /*RequiresNullTerminator=*/false,
                                     /*IsVolatile=*/true);
}

Expected<std::optional<std::string>> DiskCache::find(StringRef key) {
  if (!enabled())
    return std::nullopt;
  std::string path = file(digest(key));
  auto buffer = readFile(path);
  if (!buffer) {
    if (buffer.getError() == std::errc::no_such_file_or_directory)
      return std::nullopt;
    return createStringError("cannot read '" + path +
                             "': " + buffer.getError().message());
  }
  std::optional<Parts> parts = parse((*buffer)->getBuffer());
  if (!parts)
    return createStringError("'" + path +
                             "' is damaged, or of another version");
  if (parts->key != key)
    return createStringError("'" + path + "' holds the entry of another key");
  // Sets the access time explicitly: many file systems are mounted without
  // access times. If that fails (another user's file), the entry is evicted
  // sooner.
  ::utimensat(AT_FDCWD, path.c_str(), nullptr, 0);
  return parts->value.str();
}

/// Writes an entry into a new file at `path`.
static std::error_code writeEntry(int fd, StringRef key, StringRef value) {
  std::string length(sizeof(uint64_t), 0);
  llvm::support::endian::write64le(length.data(), key.size());
  llvm::BLAKE3 hasher;
  for (StringRef part : {StringRef(length), key, value})
    hasher.update(part);
  llvm::raw_fd_ostream stream(fd, /*shouldClose=*/true);
  stream << kMagic << view(hasher.final()) << length << key << value;
  stream.close();
  std::error_code code = stream.error();
  stream.clear_error();
  return code;
}

Error DiskCache::store(StringRef key, StringRef value) {
  if (!enabled())
    return Error::success();
  std::string path = file(digest(key));
  llvm::SmallString<128> temporary;
  int fd = -1;
  // Not fs::TempFile: it would install signal handlers in the host program.
  std::error_code code = createFolder(root);
  if (!code)
    code = fs::createUniqueFile(path + "-%%%%%%%%" + kTemporary, fd, temporary);
  if (code)
    return createStringError("cannot write to folder '" + root +
                             "': " + code.message());
  code = writeEntry(fd, key, value);
  if (!code)
    code = fs::rename(temporary, path);
  if (code) {
    fs::remove(temporary);
    return createStringError("cannot write '" + path + "': " + code.message());
  }
  llvm::CachePruningPolicy policy;
  policy.Interval = std::chrono::seconds(0);
  policy.Expiration = std::chrono::seconds(0);
  policy.MaxSizePercentageOfAvailableSpace = 0;
  policy.MaxSizeBytes = maxBytes;
  policy.MaxSizeFiles = 0;
  llvm::pruneCache(root, policy);
  return Error::success();
}

//===----------------------------------------------------------------------===//
// For people
//===----------------------------------------------------------------------===//

Expected<std::vector<DiskCache::Entry>> DiskCache::list() const {
  std::vector<Entry> entries;
  if (!enabled())
    return entries;
  std::error_code code;
  for (fs::directory_iterator it(root, code), end; it != end && !code;
       it.increment(code)) {
    StringRef name = llvm::sys::path::filename(it->path());
    fs::file_status status;
    if (name.consume_front(kPrefix) && !name.ends_with(kTemporary) &&
        !fs::status(it->path(), status))
      entries.push_back(
          {name.str(), status.getSize(), status.getLastAccessedTime()});
  }
  if (code && code != std::errc::no_such_file_or_directory)
    return createStringError("cannot read folder '" + root +
                             "': " + code.message());
  llvm::sort(entries, [](const Entry &a, const Entry &b) {
    return std::tie(b.lastUse, a.name) < std::tie(a.lastUse, b.name);
  });
  return entries;
}

std::optional<std::string> DiskCache::read(const Entry &entry) const {
  auto buffer = readFile(file(entry.name));
  if (!buffer)
    return std::nullopt;
  std::optional<Parts> parts = parse((*buffer)->getBuffer());
  return parts ? std::optional(parts->value.str()) : std::nullopt;
}

Error DiskCache::clear() {
  std::error_code code;
  if (!enabled())
    return Error::success();
  for (fs::directory_iterator it(root, code), end; it != end && !code;
       it.increment(code))
    if (llvm::sys::path::filename(it->path()).starts_with(kPrefix))
      if (std::error_code failed = fs::remove(it->path()))
        return createStringError("cannot remove '" + it->path() +
                                 "': " + failed.message());
  if (code && code != std::errc::no_such_file_or_directory)
    return createStringError("cannot read folder '" + root +
                             "': " + code.message());
  return Error::success();
}
