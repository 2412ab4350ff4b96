//===- FaultTest.cpp - a cache folder that does not do --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include <csignal>

#include <sys/resource.h>

using namespace mla;
using namespace mla::jit;

namespace {

class Fault : public JitTest {
protected:
  /// Compiles twice with one compiler that keeps nothing in memory: a warning
  /// has to come once. Returns it.
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
  // Of another version of the format, and of another key under this one's name.
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
  // It cannot be read nor replaced: a warning each.
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_TRUE(contains(warnings[1], "cannot write"));
}

TEST_F(Fault, AnotherPtxasIsAnotherKernel) {
  mlaCompileInfo first = compileFresh();
  // The version of a path is asked once in a process.
  pid_t child = spawn([&] {
    writePtxas(copyCubin(), "13.1");
    options.ptxas = root / "ptxas-13.1";
    fs::copy_file(root / "ptxas", options.ptxas);
    return compileFresh().origin == MLA_COMPILED ? 0 : 1;
  });
  EXPECT_EQ(wait(child), 0);
  EXPECT_EQ(entries().size(), 2u);
  EXPECT_STREQ(compileFresh().key, first.key);
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
  // To read, to lock and to write: a warning each.
  ASSERT_EQ(warnings.size(), 3u);
  EXPECT_TRUE(contains(warnings[0], "cannot read"));
  EXPECT_TRUE(contains(warnings[1], "cannot create folder"));
  EXPECT_TRUE(contains(warnings[2], "cannot write to folder"));
}

/// In a child without root's rights, for whom no permission counts.
int asNobody(const std::function<bool()> &body) {
  return wait(spawn([&] {
    if (::geteuid() == 0 && (::setegid(65534) || ::seteuid(65534)))
      return 2;
    return body() ? 0 : 1;
  }));
}

TEST_F(Fault, AFolderThatMayOnlyBeRead) {
  // Another's folder: what is in it is used, what is new is not kept.
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

TEST_F(Fault, AFolderThatIsRemovedInMidCompile) {
  options.progress = [&](const char *step, double seconds) {
    if (step == std::string("assemble") && seconds < 0)
      fs::remove_all(cache);
  };
  EXPECT_EQ(compileFresh().origin, MLA_COMPILED);
  // It was made anew.
  EXPECT_TRUE(warnings.empty());
  EXPECT_EQ(compileFresh().origin, MLA_FROM_DISK);
  // Nor does it matter that something else is there now.
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
  // As far as a process can tell: no file may grow. The cubin is small enough.
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

} // namespace
