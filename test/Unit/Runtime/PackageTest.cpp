//===- PackageTest.cpp - packages on disk, whole and broken ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Sample.h"

#include <cstdlib>
#include <filesystem>

namespace fs = std::filesystem;
using namespace mla::runtime;

namespace {

class Package : public testing::Test {
protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/mla-package-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder = pattern;
  }
  void TearDown() override { fs::remove_all(folder); }

  std::string folder;
};

TEST_F(Package, WrittenAndReadBack) {
  KernelPackage package{parseSample(), sampleCubin()}, back;
  std::string nested = folder + "/a/b";
  ASSERT_TRUE(writePackage(nested, package).ok());
  Status status = readPackage(nested, back);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(back.cubin, package.cubin);
  EXPECT_EQ(writeDescriptor(back.descriptor),
            writeDescriptor(package.descriptor));
  // Nothing temporary stays behind.
  EXPECT_EQ(std::distance(fs::directory_iterator(nested), {}), 2);
}

TEST_F(Package, MissingPartsAreNamed) {
  KernelPackage package;
  expectFailure(readPackage(folder + "/none", package), MLA_NOT_FOUND,
                "none': no such folder");
  expectFailure(readPackage(folder, package), MLA_NOT_FOUND,
                "kernel.json': No such file");
  ASSERT_TRUE(writeFileAtomically(folder + "/kernel.json", sampleJson()).ok());
  expectFailure(readPackage(folder, package), MLA_NOT_FOUND,
                "kernel.cubin': No such file");
  expectFailure(readPackage(folder + "/kernel.json", package), MLA_NOT_FOUND,
                "expected a folder, got a file");
  fs::create_directory(folder + "/kernel.cubin");
  expectFailure(readPackage(folder, package), MLA_NOT_FOUND, "is a folder");
}

TEST_F(Package, BrokenPartsAreNamed) {
  KernelPackage package;
  ASSERT_TRUE(writeFileAtomically(folder + "/kernel.json", "{").ok());
  expectFailure(readPackage(folder, package), MLA_INVALID_PACKAGE,
                folder + "': kernel.json: malformed JSON");
  ASSERT_TRUE(writeFileAtomically(folder + "/kernel.json", sampleJson()).ok());
  ASSERT_TRUE(writeFileAtomically(folder + "/kernel.cubin",
                                  sampleCubin().substr(0, 150))
                  .ok());
  expectFailure(readPackage(folder, package), MLA_INVALID_PACKAGE,
                "kernel.cubin': cubin is truncated");
}

TEST_F(Package, InvalidDescriptorsAreNotWritten) {
  KernelPackage package{parseSample(), sampleCubin()};
  package.descriptor.block = 0;
  EXPECT_FALSE(writePackage(folder, package).ok());
  EXPECT_FALSE(fs::exists(folder + "/kernel.json"));
}

TEST(Cubin, EveryTruncationIsRefused) {
  std::string cubin = sampleCubin();
  EXPECT_TRUE(verifyCubin(cubin).ok());
  for (size_t length = 0; length < cubin.size(); ++length)
    EXPECT_FALSE(verifyCubin(cubin.substr(0, length)).ok()) << length;
}

TEST(Cubin, OtherFilesAreRefused) {
  expectFailure(verifyCubin(std::string(200, 'x')), MLA_INVALID_PACKAGE,
                "not an ELF file");
  std::string host = sampleCubin();
  host[18] = 62; // x86-64
  expectFailure(verifyCubin(host), MLA_INVALID_PACKAGE,
                "not a 64-bit CUDA ELF file");
  std::string wild = sampleCubin();
  std::memset(&wild[40], 0xff, 8);
  expectFailure(verifyCubin(wild), MLA_INVALID_PACKAGE, "truncated");
}

} // namespace
