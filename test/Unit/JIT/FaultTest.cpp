//===- FaultTest.cpp - faults of the cache folder -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include <csignal>
#include <tuple>

#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

using namespace mla;
using namespace mla::jit;

namespace {

class Fault : public JitTest {
protected:
  /// Compiles twice with a compiler that keeps nothing in memory, and returns
  /// the warning, which has to be given once.
  std::string compileTwice() {
    warnings.clear();
    options.memoryKernels = -1;
    Compiler compiler = makeCompiler();
    EXPECT_EQ(compileWith(compiler).origin, MLA_COMPILED);
    compileWith(compiler);
    return warnings.empty() ? "" : warnings[0];
  }
};

TEST_F(Fault, DamagedEntriesAreCompiledAnew) {
  compileFresh();
  ASSERT_EQ(entries().size(), 1u);
  fs::path entry = entries()[0];
  const std::string good = readFile(entry);
  // A bit of every part: magic, checksum, lengths, key, descriptor, cubin.
  for (size_t at = 0; at < good.size(); at += 1 + good.size() / 97) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    writeFile(entry, bad);
    EXPECT_TRUE(contains(compileTwice(), "damaged")) << at;
    EXPECT_EQ(warnings.size(), 1u);
    EXPECT_EQ(readFile(entry), good) << at;
  }
  EXPECT_EQ(compileFresh().origin, MLA_FROM_DISK);
}

TEST_F(Fault, TruncatedEntriesAreCompiledAnew) {
  compileFresh();
  fs::path entry = entries()[0];
  const std::string good = readFile(entry);
  for (size_t size : {size_t(0), size_t(1), size_t(18), size_t(57), size_t(58),
                      good.size() / 2, good.size() - 1}) {
    fs::resize_file(entry, size);
    EXPECT_TRUE(contains(compileTwice(), "damaged")) << size;
    EXPECT_EQ(readFile(entry), good) << size;
  }
  writeFile(entry, good + "more");
  EXPECT_TRUE(contains(compileTwice(), "damaged"));
}

TEST_F(Fault, ForeignEntriesAreCompiledAnew) {
  // An entry of another format version, and one of another key under this key's
  // name.
  compileFresh(0);
  fs::path entry = entries()[0];
  std::string good = readFile(entry), other = good;
  other.replace(0, 17, "mla cache entry 0");
  writeFile(entry, other);
  EXPECT_TRUE(contains(compileTwice(), "damaged, or of another version"));
  EXPECT_EQ(readFile(entry), good);
  compileFresh(1);
  for (const fs::path &found : entries())
    if (found != entry)
      fs::copy_file(found, entry, fs::copy_options::overwrite_existing);
  EXPECT_TRUE(contains(compileTwice(), "holds the entry of another key"));
  EXPECT_EQ(readFile(entry), good);
}

TEST_F(Fault, AnEntryThatIsAFolder) {
  compileFresh();
  fs::path entry = entries()[0];
  fs::remove(entry);
  fs::create_directory(entry);
  EXPECT_TRUE(contains(compileTwice(), "cannot read"));
  // It can neither be read nor replaced: one warning for each.
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_TRUE(contains(warnings[1], "cannot write"));
}

TEST_F(Fault, AnotherPtxasIsAnotherKernel) {
  mlaCompileInfo first = compileFresh();
  // Updated in place, while the process runs.
  writePtxas(copyCubin(), "13.1");
  mlaCompileInfo second = compileFresh();
  EXPECT_EQ(second.origin, MLA_COMPILED);
  EXPECT_STRNE(second.key, first.key);
  EXPECT_EQ(entries().size(), 2u);
  // Its path makes no difference.
  writePtxas(copyCubin());
  fs::rename(root / "ptxas", root / "ptxas-13.0");
  options.ptxas = root / "ptxas-13.0";
  mlaCompileInfo third = compileFresh();
  EXPECT_EQ(third.origin, MLA_FROM_DISK);
  EXPECT_STREQ(third.key, first.key);
}

TEST_F(Fault, PtxasIsReplacedMeanwhile) {
  // The fault shows when its version is queried, or when it assembles.
  compileFresh(0);
  auto replaceBy = [&](const char *program) {
    fs::remove(root / "ptxas");
    fs::create_symlink(program, root / "ptxas");
  };
  options.ptxasTimeout = 1;
  Compiler compiler = makeCompiler();
  replaceBy("/bin/false");
  EXPECT_TRUE(
      contains(errorOf(compiler, program(1)), "failed with exit code 1"));
  writeFile(root / "sleep", "#!/bin/sh\nexec sleep 60\n");
  fs::permissions(root / "sleep", fs::perms::owner_all);
  replaceBy((root / "sleep").c_str());
  EXPECT_TRUE(contains(errorOf(compiler, program(1)),
                       "took longer than 1 s and was killed"));
  replaceBy((root / "none").c_str());
  EXPECT_TRUE(
      contains(errorOf(compiler, program(1), MLA_NOT_FOUND), "no ptxas at"));
  // The entries in the folder and in memory are unchanged, and none is added.
  EXPECT_EQ(entries().size(), 1u);
  fs::remove(root / "ptxas");
  writePtxas(copyCubin());
  EXPECT_EQ(compileWith(compiler, 0).origin, MLA_FROM_DISK);
  EXPECT_EQ(compileWith(compiler, 1).origin, MLA_COMPILED);
}

TEST_F(Fault, LeastRecentlyUsedEntriesGoFirst) {
  compileFresh(0);
  auto bytes = static_cast<int64_t>(fs::file_size(entries()[0]));
  options.cacheBytes = bytes * 5 / 2; // Two of them.
  compileFresh(1);
  EXPECT_EQ(compileFresh(0).origin, MLA_FROM_DISK);
  compileFresh(2); // Drops 1.
  EXPECT_EQ(entries().size(), 2u);
  EXPECT_EQ(compileFresh(0).origin, MLA_FROM_DISK);
  EXPECT_EQ(compileFresh(2).origin, MLA_FROM_DISK);
  EXPECT_EQ(compileFresh(1).origin, MLA_COMPILED);
  options.cacheBytes = 1;
  EXPECT_EQ(compileFresh(3).origin, MLA_COMPILED);
  EXPECT_TRUE(entries().empty());
  EXPECT_TRUE(warnings.empty());
}

TEST_F(Fault, AFolderThatCannotBeMade) {
  writeFile(root / "file", "");
  options.cacheFolder = root / "file" / "cache";
  compileTwice();
  // Reading, locking and writing: one warning for each.
  ASSERT_EQ(warnings.size(), 3u);
  EXPECT_TRUE(contains(warnings[0], "cannot read"));
  EXPECT_TRUE(contains(warnings[1], "cannot create folder"));
  EXPECT_TRUE(contains(warnings[2], "cannot write to folder"));
}

/// Runs in a child without root's rights, which permissions do not restrict.
int asNobody(const std::function<bool()> &body) {
  return wait(spawn([&] {
    if (::geteuid() == 0 && (::setegid(65534) || ::seteuid(65534)))
      return 2;
    return body() ? 0 : 1;
  }));
}

TEST_F(Fault, AFolderThatMayOnlyBeRead) {
  // Another user's folder: its entries are used, new ones are not stored.
  compileFresh(0);
  auto allow = [](const fs::path &path, int mode) {
    fs::permissions(path, static_cast<fs::perms>(mode));
  };
  allow(root, 0755);
  allow(root / "ptxas", 0755);
  allow(root / "runs", 0666);
  allow(root / "tmp", 0777);
  allow(cache, 0555);
  EXPECT_EQ(asNobody([&] {
              bool good =
                  compileFresh(0).origin == MLA_FROM_DISK && warnings.empty();
              options.memoryKernels = -1;
              Compiler compiler = makeCompiler();
              good = good && compileWith(compiler, 1).origin == MLA_COMPILED;
              good = good && compileWith(compiler, 1).origin == MLA_COMPILED;
              return good && warnings.size() == 2 &&
                     warnings[0].find("cannot open") == 0 &&
                     warnings[1].find("cannot write to folder") == 0;
            }),
            0);
  allow(cache, 0755);
}

TEST_F(Fault, AFolderIsMadeAsTheUmaskSays) {
  // All users can read what root compiled into a container image.
  options.cacheFolder = root / "shared" / "cache";
  auto modeOf = [](const fs::path &path) {
    return static_cast<int>(fs::status(path).permissions());
  };
  for (auto [mask, folder, file] :
       {std::tuple(0022, 0755, 0644), std::tuple(0027, 0750, 0640),
        std::tuple(0002, 0775, 0664)}) {
    fs::remove_all(root / "shared");
    mode_t before = ::umask(static_cast<mode_t>(mask));
    compileFresh();
    ::umask(before);
    EXPECT_EQ(modeOf(root / "shared"), folder);
    EXPECT_EQ(modeOf(options.cacheFolder), folder);
    int files = 0;
    for (const auto &entry : fs::directory_iterator(options.cacheFolder)) {
      EXPECT_EQ(modeOf(entry), file) << entry;
      ++files;
    }
    EXPECT_EQ(files, 3) << "an entry, the lock, a time";
  }
}

TEST_F(Fault, AFolderThatRootHasFilled) {
  // A container with another user, who cannot write to HOME.
  options.cacheFolder = root / "home" / ".cache" / "mla";
  compileFresh();
  fs::permissions(root, fs::perms(0755));
  fs::permissions(root / "ptxas", fs::perms(0755));
  fs::permissions(root / "runs", fs::perms(0666));
  ::setenv("HOME", (root / "home").c_str(), 1);
  ::unsetenv("XDG_CACHE_HOME");
  ::unsetenv("MLA_CACHE_DIR");
  options.cacheFolder.clear();
  EXPECT_EQ(asNobody([&] {
              return compileFresh(0).origin == MLA_FROM_DISK &&
                     warnings.empty() &&
                     compileFresh(1).origin == MLA_COMPILED &&
                     warnings.size() == 2;
            }),
            0);
}

/// A container of an arbitrary user, without rights and without an entry in the
/// password file.
class Home : public Fault {
protected:
  void SetUp() override {
    Fault::SetUp();
    if (::geteuid() != 0)
      GTEST_SKIP() << "expected to be root, who may become another user";
    options.cacheFolder.clear();
    options.memoryKernels = -1;
    writeFile(root / "runs", "");
    fs::permissions(root, fs::perms(0777));
    fs::permissions(root / "ptxas", fs::perms(0755));
    fs::permissions(root / "runs", fs::perms(0666));
    ::unsetenv("XDG_CACHE_HOME");
    ::unsetenv("MLA_CACHE_DIR");
  }
  /// The warnings of a process that compiles twice where HOME is `home`, or not
  /// set.
  std::string warningsWith(const char *home) {
    home ? ::setenv("HOME", home, 1) : ::unsetenv("HOME");
    pid_t child = spawn([&] {
      if (::setgid(54321) || ::setuid(54321))
        return 1;
      Compiler compiler = makeCompiler();
      if (compileWith(compiler).origin != MLA_COMPILED ||
          compileWith(compiler).origin != MLA_COMPILED)
        return 1;
      std::ofstream file(root / "warnings");
      for (const std::string &warning : warnings)
        file << warning << "\n";
      return 0;
    });
    EXPECT_EQ(wait(child), 0);
    std::string text = readFile(root / "warnings");
    fs::remove(root / "warnings");
    return text;
  }
};

TEST_F(Home, ThatCannotBeWritten) {
  for (const char *home : {"/", "/nonexistent"}) {
    std::string folder = fs::path(home) / ".cache/mla";
    EXPECT_EQ(warningsWith(home),
              "cannot create folder '" + folder +
                  "': Permission denied\ncannot write to folder '" + folder +
                  "': Permission denied\n");
  }
}

TEST_F(Home, ThatThereIsNone) {
  for (const char *home : {"", static_cast<const char *>(nullptr)})
    EXPECT_EQ(warningsWith(home),
              "no folder for the cache: expected MLA_CACHE_DIR, "
              "XDG_CACHE_HOME, HOME or a home folder in the password file, got "
              "none; every process compiles its kernels\n");
}

TEST_F(Fault, AFolderThatIsRemovedInMidCompile) {
  options.progress = [&](const char *step, double seconds) {
    if (step == std::string("assemble") && seconds < 0)
      fs::remove_all(cache);
  };
  EXPECT_EQ(compileFresh().origin, MLA_COMPILED);
  // It was created again.
  EXPECT_TRUE(warnings.empty());
  EXPECT_EQ(compileFresh().origin, MLA_FROM_DISK);
  // Another file in its place makes no difference.
  fs::remove_all(cache);
  options.progress = [&](const char *step, double seconds) {
    if (step == std::string("assemble") && seconds < 0) {
      fs::remove_all(cache);
      writeFile(cache, "");
    }
  };
  EXPECT_EQ(compileFresh().origin, MLA_COMPILED);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_TRUE(contains(warnings[0], "cannot write to folder"));
}

TEST_F(Fault, AFullDisk) {
  // Simulates a full disk by a limit on the file size. The cubin is small
  // enough.
  compileFresh(0);
  int code = wait(spawn([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    options.progress = [&](const char *step, double seconds) {
      rlimit limit = {100, RLIM_INFINITY};
      if (step == std::string("assemble") && seconds >= 0)
        ::setrlimit(RLIMIT_FSIZE, &limit);
    };
    bool good = compileFresh(1).origin == MLA_COMPILED &&
                warnings.size() == 1 && warnings[0].find("cannot write") == 0;
    return good ? 0 : 1;
  }));
  EXPECT_EQ(code, 0);
  // Nothing is left of it.
  EXPECT_EQ(entries().size(), 1u);
  EXPECT_EQ(std::distance(fs::directory_iterator(cache), {}), 3);
}

TEST_F(Fault, AFullFileSystem) {
  // A file system of a few pages, which a child mounts if the system permits
  // it.
  constexpr int kCannotMount = 77;
  fs::create_directory(cache);
  int code = wait(spawn([&] {
    // Files in it belong to a user, who has to exist in the namespace.
    std::string user = "0 " + std::to_string(::geteuid()) + " 1",
                group = "0 " + std::to_string(::getegid()) + " 1";
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS))
      return kCannotMount;
    writeFile("/proc/self/uid_map", user);
    writeFile("/proc/self/setgroups", "deny");
    writeFile("/proc/self/gid_map", group);
    if (::mount("none", cache.c_str(), "tmpfs", 0, "size=64k"))
      return kCannotMount;
    compileFresh(0);
    size_t whole = entries().size();
    // Whatever is left of it.
    std::string block(4096, 'x');
    std::ofstream fill(cache / "fill", std::ios::binary);
    while (fill << block << std::flush) {
    }
    bool good =
        whole == 1 && compileFresh(1).origin == MLA_COMPILED &&
        warnings.size() == 1 && warnings[0].find("cannot write") == 0 &&
        warnings[0].find("No space left on device") != std::string::npos;
    // Nothing is left of the kernel that did not fit, and the earlier entries
    // are still used.
    good = good && entries().size() == 1 &&
           std::distance(fs::directory_iterator(cache), {}) == 4 &&
           compileFresh(0).origin == MLA_FROM_DISK;
    for (size_t i = 0; !good && i < warnings.size(); ++i)
      std::fprintf(stderr, "%s\n", warnings[i].c_str());
    return good ? 0 : 1;
  }));
  if (code == kCannotMount)
    GTEST_SKIP() << "expected to be allowed to mount in a namespace";
  EXPECT_EQ(code, 0);
}

} // namespace
