//===- FilesTest.cpp - whole files in and out, or an error ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Runtime/Files.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <sys/resource.h>
#include <sys/stat.h>

namespace fs = std::filesystem;
using namespace mla::runtime;

namespace {

class Files : public testing::Test {
protected:
  void SetUp() override {
    folder = testing::TempDir() + "/mla-files-XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    path = folder + "/file";
  }
  void TearDown() override { fs::remove_all(folder); }

  void write(const std::string &bytes) {
    Status status = writeFileAtomically(path, bytes);
    ASSERT_TRUE(status.ok()) << status.message();
  }
  std::string read() {
    std::string bytes;
    Status status = readFile(path, bytes);
    EXPECT_TRUE(status.ok()) << status.message();
    return bytes;
  }
  ptrdiff_t filesInFolder() {
    return std::distance(fs::directory_iterator(folder),
                         fs::directory_iterator());
  }
  mode_t mode(const std::string &file) {
    struct stat result;
    EXPECT_EQ(::lstat(file.c_str(), &result), 0) << file;
    return result.st_mode;
  }

  std::string folder, path;
};

void expectFailure(const Status &status, const std::string &message) {
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(status.message(), message);
}

TEST_F(Files, AreReplacedWhole) {
  write("first, and longer");
  EXPECT_EQ(read(), "first, and longer");
  write("second");
  EXPECT_EQ(read(), "second");
  EXPECT_EQ(filesInFolder(), 1);
}

TEST_F(Files, KeepTheirPermissions) {
  mode_t old = ::umask(022);
  write("a");
  EXPECT_EQ(mode(path) & 0777, 0644u);
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  write("b");
  EXPECT_EQ(mode(path) & 0777, 0600u);
  ::umask(old);
}

TEST_F(Files, LinksAreFollowed) {
  write("a");
  fs::create_symlink("file", folder + "/link");
  ASSERT_TRUE(writeFileAtomically(folder + "/link", "b").ok());
  EXPECT_TRUE(fs::is_symlink(folder + "/link"));
  EXPECT_EQ(read(), "b");
}

/// Limits the size of files during its lifetime, like a full disk.
class FullDisk {
public:
  explicit FullDisk(rlim_t bytes) {
    ignoreFileSizeSignal();
    ::getrlimit(RLIMIT_FSIZE, &old);
    rlimit limit{bytes, old.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &old);
    std::signal(SIGXFSZ, SIG_DFL);
  }

private:
  rlimit old;
};

TEST_F(Files, AFullDiskLeavesWhatWasThere) {
  write("old");
  std::string large(100'000, 'x');
  {
    FullDisk disk(65536);
    expectFailure(writeFileAtomically(path, large),
                  "cannot write '" + path + "': File too large");
    expectFailure(writeFileAtomically(folder + "/new", large),
                  "cannot write '" + folder + "/new': File too large");
  }
  EXPECT_EQ(read(), "old");
  EXPECT_EQ(filesInFolder(), 1);
}

TEST_F(Files, DevicesStayDevices) {
  if (!S_ISCHR(mode("/dev/full")))
    GTEST_SKIP() << "no /dev/full";
  // A link of this test, so that a wrong write does no damage.
  fs::create_symlink("/dev/full", path);
  expectFailure(writeFileAtomically(path, "text"),
                "cannot write '" + path + "': No space left on device");
  EXPECT_TRUE(S_ISCHR(mode("/dev/full")));
  EXPECT_EQ(filesInFolder(), 1);
  EXPECT_TRUE(writeFileAtomically("/dev/null", "text").ok());
  EXPECT_TRUE(S_ISCHR(mode("/dev/null")));
}

TEST_F(Files, WhatCannotBeWrittenIsNamed) {
  expectFailure(writeFileAtomically(folder + "/none/file", "text"),
                "cannot write '" + folder +
                    "/none/file': No such file or directory");
  expectFailure(writeFileAtomically(folder, "text"),
                "cannot write '" + folder + "': Is a directory");
}

TEST_F(Files, LongNamesFit) {
  path = folder + "/" + std::string(255, 'n');
  write("text");
  EXPECT_EQ(read(), "text");
}

TEST_F(Files, ReadingEndsAtALimit) {
  std::string bytes;
  expectFailure(readFile("/dev/zero", bytes, 1000),
                "cannot read '/dev/zero': expected at most 1000 bytes, got "
                "more");
  write(std::string(1000, 'a'));
  EXPECT_TRUE(readFile(path, bytes, 1000).ok());
  EXPECT_EQ(bytes.size(), 1000u);
  EXPECT_FALSE(readFile(path, bytes, 999).ok());
  expectFailure(readFile(folder, bytes),
                "cannot read '" + folder + "': is a folder, expected a file");
  expectFailure(readFile(folder + "/none", bytes),
                "cannot read '" + folder + "/none': No such file or directory");
}

} // namespace
