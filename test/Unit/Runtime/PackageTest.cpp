//===- PackageTest.cpp - packages on disk, whole and broken ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Sample.h"

#include "mla/Runtime/Files.h"
#include "mla/Runtime/Sha256.h"

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
            sealDescriptor(package.descriptor, package.cubin));
  // No temporary file is left.
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
                folder + "': cubin is truncated");
}

TEST_F(Package, OfAnotherVersion) {
  KernelPackage package;
  ASSERT_TRUE(
      writeFileAtomically(folder + "/kernel.json",
                          sampleJsonWith("\"version\": 3", "\"version\": 2"))
          .ok());
  expectFailure(readPackage(folder, package), MLA_INVALID_PACKAGE,
                "'version': expected 3, got 2; compile the package again");
}

TEST_F(Package, WithoutASeal) {
  KernelPackage package;
  expectFailure(parsePackage(sampleJson(), sampleCubin(), package),
                MLA_INVALID_PACKAGE,
                "'sha256': expected 64 hexadecimal digits, got ''");
}

/// Flips every bit of the cubin and of the descriptor: a flip that no check
/// detects would launch a different kernel.
TEST_F(Package, OneFlippedBitIsFound) {
  std::string cubin = sampleCubin(), json = sealed(sampleJson(), cubin);
  KernelPackage package;
  ASSERT_TRUE(parsePackage(json, cubin, package).ok());
  for (std::string *text : {&cubin, &json})
    for (size_t bit = 0; bit < text->size() * 8; ++bit) {
      (*text)[bit / 8] ^= static_cast<char>(1 << bit % 8);
      EXPECT_EQ(parsePackage(json, cubin, package).code(), MLA_INVALID_PACKAGE)
          << (text == &json ? "kernel.json" : "cubin") << ", bit " << bit;
      (*text)[bit / 8] ^= static_cast<char>(1 << bit % 8);
    }
  // The error for a flip that only the seal detects.
  cubin.back() ^= 1;
  expectFailure(parsePackage(json, cubin, package), MLA_INVALID_PACKAGE,
                "was damaged or changed: expected SHA-256 ");
}

TEST(Sha256, KnownDigests) {
  EXPECT_EQ(sha256({}), "e3b0c44298fc1c149afbf4c8996fb924"
                        "27ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256({"a", "", "bc"}), "ba7816bf8f01cfea414140de5dae2223"
                                     "b00361a396177a9cb410ff61f20015ad");
  // Two blocks: the length does not fit after the text in the first one.
  EXPECT_EQ(
      sha256({"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"}),
      "248d6a61d20638b8e5c026930c3e6039"
      "a33ce45964ff2167f6ecedd419db06c1");
}

TEST_F(Package, InvalidDescriptorsAreNotWritten) {
  KernelPackage package{parseSample(), sampleCubin()};
  package.descriptor.kernels[0].block = 0;
  EXPECT_FALSE(writePackage(folder, package).ok());
  EXPECT_FALSE(fs::exists(folder + "/kernel.json"));
}

TEST_F(Package, TruncatedCubinsAreNotSealed) {
  std::string json = sampleJson(), before = json;
  std::string cubin = sampleCubin();
  cubin.pop_back();
  expectFailure(sealDescriptor(json, cubin), MLA_INVALID_PACKAGE, "truncated");
  EXPECT_EQ(json, before);
  expectFailure(writePackage(folder + "/a", {parseSample(), cubin}),
                MLA_INVALID_PACKAGE, "truncated");
  EXPECT_FALSE(fs::exists(folder + "/a"));
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
