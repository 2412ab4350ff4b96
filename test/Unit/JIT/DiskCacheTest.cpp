//===- DiskCacheTest.cpp - entries and locks ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/JIT/DiskCache.h"
#include "../Target/TestSupport.h"
#include "mla/JIT/CachedCompile.h"

#include <sys/wait.h>
#include <unistd.h>

using namespace mla;
using std::chrono::milliseconds;

namespace {

class DiskCacheTest : public ::testing::Test {
protected:
  std::string find(llvm::StringRef key) {
    auto value = cache.find(key);
    return !value   ? "error: " + llvm::toString(value.takeError())
           : *value ? **value
                    : "none";
  }
  void store(llvm::StringRef key, llvm::StringRef value) {
    EXPECT_EQ(text(cache.store(key, value)), "");
  }
  /// Whether the lock of `key` can be acquired.
  bool isFree(llvm::StringRef key) {
    auto lock = cache.lock(key, milliseconds(0), [] {});
    return lock && *lock;
  }

  ScratchFolder scratch;
  DiskCache cache{scratch.file("a/cache"), 1 << 20};
};

TEST_F(DiskCacheTest, KeepsBytes) {
  EXPECT_EQ(find("key"), "none");
  std::string bytes("\0\n\xff", 3);
  store(bytes, bytes + bytes);
  EXPECT_EQ(find(bytes), bytes + bytes);
  store(bytes, "");
  EXPECT_EQ(find(bytes), "");
  EXPECT_EQ(find(""), "none");
}

TEST_F(DiskCacheTest, ListsAndClears) {
  EXPECT_TRUE(llvm::cantFail(cache.list()).empty());
  store("a", "1");
  store("b", "2");
  (void)find("a");
  auto entries = llvm::cantFail(cache.list());
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].name, digest("a"));
  EXPECT_EQ(cache.read(entries[0]), "1");
  EXPECT_EQ(entries[1].name, digest("b"));
  // Files of a killed process are not entries, and are removed.
  scratch.script("a/cache/llvmcache-0-1234.tmp", "");
  scratch.script("a/cache/another", "");
  EXPECT_EQ(llvm::cantFail(cache.list()).size(), 2u);
  EXPECT_EQ(text(cache.clear()), "");
  EXPECT_EQ(find("a"), "none");
  EXPECT_FALSE(
      llvm::sys::fs::exists(scratch.file("a/cache/llvmcache-0-1234.tmp")));
  EXPECT_TRUE(llvm::sys::fs::exists(scratch.file("a/cache/another")));
}

TEST_F(DiskCacheTest, WithoutAFolder) {
  DiskCache none("", 1);
  EXPECT_EQ(text(none.store("a", "1")), "");
  EXPECT_FALSE(llvm::cantFail(none.find("a")));
  EXPECT_FALSE(llvm::cantFail(none.lock("a", milliseconds(0), [] {})));
  EXPECT_TRUE(llvm::cantFail(none.list()).empty());
  EXPECT_EQ(text(none.clear()), "");
}

TEST_F(DiskCacheTest, LocksOneKey) {
  auto lock = cache.lock("a", milliseconds(0), [] {});
  ASSERT_TRUE(lock && *lock);
  EXPECT_FALSE(isFree("a")) << "to a thread of the same process";
  EXPECT_TRUE(isFree("b"));
  bool waited = false;
  auto late = cache.lock("a", milliseconds(20), [&] { waited = true; });
  EXPECT_TRUE(late && !*late && waited);
  *lock = CacheLock();
  EXPECT_TRUE(isFree("a"));
}

TEST_F(DiskCacheTest, ALockEndsWithItsProcess) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  pid_t child = ::fork();
  if (child == 0) {
    auto lock = cache.lock("a", milliseconds(0), [] {});
    (void)!::write(ready[1], "x", 1);
    ::pause();
  }
  char byte;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_FALSE(isFree("a"));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(isFree("a"));
}

TEST_F(DiskCacheTest, ALockEndsThoughAChildWasForkedMeanwhile) {
  auto lock = cache.lock("a", milliseconds(0), [] {});
  pid_t child = ::fork();
  if (child == 0)
    ::pause();
  *lock = CacheLock();
  EXPECT_TRUE(isFree("a"));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

TEST(KernelEntry, RoundTrip) {
  CachedKernel kernel;
  kernel.descriptor = "{\n}\n";
  kernel.cubin = std::string("\0\n", 2);
  kernel.facts.registers = 168;
  kernel.facts.warnings = 2;
  kernel.facts.assembler = MLA_ASSEMBLER_DRIVER;
  std::optional<CachedKernel> back = deserialize(serialize(kernel));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->descriptor, kernel.descriptor);
  EXPECT_EQ(back->cubin, kernel.cubin);
  EXPECT_EQ(back->facts.registers, 168);
  EXPECT_EQ(back->facts.spillBytes, -1);
  EXPECT_EQ(back->facts.warnings, 2);
  EXPECT_EQ(back->facts.assembler, MLA_ASSEMBLER_DRIVER);
  EXPECT_EQ(back->facts.cubinBytes, 2);
  for (const char *bad : {"", "{", "[]\n", "{}\n", "{\"descriptor\": 1}\n"})
    EXPECT_FALSE(deserialize(bad)) << bad;
}

TEST(KernelEntry, DamageIsRefused) {
  CachedKernel kernel;
  kernel.descriptor = "\\\"{[";
  std::string good = serialize(kernel);
  ASSERT_TRUE(deserialize(good));
  auto with = [&](llvm::StringRef from, const std::string &to) {
    std::string bad = good;
    return bad.replace(bad.find(from.str()), from.size(), to);
  };
  // Recursion this deep would overflow the stack.
  std::string deep(1 << 20, '[');
  EXPECT_FALSE(deserialize(deep));
  EXPECT_FALSE(deserialize(with("-1", deep)));
  // No assembler has this number.
  EXPECT_FALSE(deserialize(with("\"assembler\":1", "\"assembler\":3")));
}

} // namespace
