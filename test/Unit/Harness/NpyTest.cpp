//===- NpyTest.cpp - .npy files, whole and broken -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Sample.h"

#include "mla/Harness/Npy.h"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

using namespace mla::harness;

namespace {

/// A file of version 1.0 or 2.0 with this header and `dataBytes` zeros.
std::string npy(const std::string &header, size_t dataBytes, char major = 1) {
  std::string bytes = std::string("\x93NUMPY") + major + '\0';
  for (int i = 0; i < (major == 1 ? 2 : 4); ++i)
    bytes += static_cast<char>(i == 0 ? header.size() : 0);
  return bytes + header + std::string(dataBytes, '\0');
}

Status parse(const std::string &bytes, mlaDType dtype) {
  HostTensor tensor;
  return parseNpy(bytes, dtype, "'x.npy'", tensor);
}

class NpyTypes : public testing::TestWithParam<mlaDType> {};

TEST_P(NpyTypes, RoundTrip) {
  for (const std::vector<int64_t> &shape :
       {std::vector<int64_t>{}, {3}, {2, 3}, {2, 0, 3}, {2, 3, 4}}) {
    HostTensor tensor(GetParam(), shape), back;
    for (int64_t i = 0; i < tensor.elements(); ++i)
      tensor.set(i, static_cast<double>(i - 2));
    std::string bytes = formatNpy(tensor);
    Status status = parseNpy(bytes, GetParam(), "file", back);
    ASSERT_TRUE(status.ok()) << status.message();
    EXPECT_EQ(back.shape, shape);
    EXPECT_EQ(back.storage, tensor.storage);
    EXPECT_EQ((bytes.size() - tensor.storage.size()) % 64, 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(All, NpyTypes,
                         testing::Values(MLA_BF16, MLA_F16, MLA_F32, MLA_F64,
                                         MLA_I8, MLA_I32, MLA_I64, MLA_E4M3));

TEST(Npy, PaddingIsNotWritten) {
  HostTensor tensor(MLA_I32, {2, 3}, 5), back;
  tensor.fillWithPoison();
  for (int64_t i = 0; i < 6; ++i)
    tensor.set(tensor.offsetOf(i), static_cast<double>(i));
  ASSERT_TRUE(parseNpy(formatNpy(tensor), MLA_I32, "file", back).ok());
  ASSERT_EQ(back.storage.size(), 24u);
  for (int64_t i = 0; i < 6; ++i)
    EXPECT_EQ(back.get(i), i);
}

TEST(Npy, ReadsWhatOthersWrite) {
  const char *header = "{'descr': '<f4', 'fortran_order': False, "
                       "'shape': (2, 3), }\n";
  EXPECT_TRUE(parse(npy(header, 24), MLA_F32).ok());
  EXPECT_TRUE(parse(npy(header, 24, 2), MLA_F32).ok());
  EXPECT_TRUE(parse(npy("{\"shape\":(6,),\"fortran_order\":True,"
                        "\"descr\":\"|V2\"}",
                        12),
                    MLA_BF16)
                  .ok());
  // ml_dtypes' float8_e4m3fn, and a view of it as bytes.
  for (const char *descr : {"|V1", "<V1", "|u1"})
    EXPECT_TRUE(parse(npy("{'descr': '" + std::string(descr) +
                              "', 'fortran_order': False, 'shape': (6,), }\n",
                          6),
                      MLA_E4M3)
                    .ok());
  // ml_dtypes' bfloat16.
  const char *mlDtypes =
      "{'descr': '<V2', 'fortran_order': False, 'shape': (6,), }\n";
  EXPECT_TRUE(parse(npy(mlDtypes, 12), MLA_BF16).ok());
  expectFailure(parse(npy(mlDtypes, 12), MLA_F16), "got '<V2'");
}

TEST(Npy, BrokenFilesAreRefused) {
  auto header = [](const char *descr, const char *fortran, const char *shape) {
    return std::string("{'descr': '") + descr +
           "', 'fortran_order': " + fortran + ", 'shape': " + shape + "}";
  };
  std::string good = header("<f4", "False", "(2, 3)");
  expectFailure(parse("PK\x03\x04", MLA_F32), "'x.npy': not a .npy file");
  expectFailure(parse(npy(good, 23), MLA_F32),
                "truncated: expected 24 bytes of data for (2, 3), got 23");
  expectFailure(parse(npy(good, 25), MLA_F32), "too long: expected 24");
  expectFailure(parse(npy(good, 24), MLA_BF16),
                "expected dtype '<u2' (bf16), got '<f4'");
  expectFailure(parse(npy(header(">f4", "False", "(2, 3)"), 24), MLA_F32),
                "got '>f4'");
  expectFailure(parse(npy(header("<f4", "True", "(2, 3)"), 24), MLA_F32),
                "expected C order, got Fortran order");
  expectFailure(parse(npy(good, 24, 3), MLA_F32),
                "expected .npy version 1.0 or 2.0, got 3.0");
  for (const char *shape :
       {"(-1, 3)", "(2.5,)", "2", "(99999999999999999999,)", "(2, 3", "('a',)"})
    expectFailure(parse(npy(header("<f4", "False", shape), 24), MLA_F32),
                  "malformed .npy header");
  expectFailure(
      parse(npy(header("<f4", "False", "(1,1,1,1,1,1,1,1,1)"), 4), MLA_F32),
      "expected rank at most 8, got 9");
  // One of two values would be ignored.
  for (const char *twice :
       {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, "
        "'shape': (2, 3)}",
        "{'descr': '<f4', 'descr': '<f4', 'shape': (2, 3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (6,), "
        "'shape': (2, 3)}"})
    expectFailure(parse(npy(twice, 24), MLA_F32), "malformed .npy header");
  // A corrupt shape must not make us allocate.
  expectFailure(
      parse(npy(header("<f4", "False", "(4611686018427387904, 9)"), 24),
            MLA_F32),
      "is too large");
  // Nor overflow when counting the elements of an empty array.
  expectFailure(parse(npy(header("<f4", "False",
                                 "(0, 4611686018427387904, "
                                 "4611686018427387904)"),
                          0),
                      MLA_F32),
                "is too large");
  expectFailure(
      parse(npy(header("<f4", "False", "(1099511627776,)"), 24), MLA_F32),
      "truncated: expected 4398046511104 bytes");
  for (size_t length = 0; length < 10 + good.size() + 24; ++length)
    EXPECT_FALSE(parse(npy(good, 24).substr(0, length), MLA_F32).ok());
}

TEST(Npy, ReadingEndsAtALimit) {
  std::string path = testing::TempDir() + "/mla-npy-limit.npy";
  HostTensor back;
  expectFailure(readNpy("/dev/zero", MLA_F32, back),
                "'/dev/zero': not a .npy file");
  ASSERT_TRUE(writeNpy(path, HostTensor(MLA_F32, {4, 5})).ok());
  EXPECT_TRUE(readNpy(path, MLA_F32, back, 80).ok());
  expectFailure(readNpy(path, MLA_F32, back, 79),
                "mla-npy-limit.npy': shape (4, 5) takes 80 bytes, the memory "
                "limit is 79");
  // Only one byte is read behind what the header announces.
  std::ofstream(path, std::ios::app) << "more";
  expectFailure(readNpy(path, MLA_F32, back),
                "too long: expected 80 bytes of data for (4, 5), got 81 or "
                "more");
  std::filesystem::remove(path);
}

TEST(Npy, FilesAppearWholeOrNot) {
  std::string folder = testing::TempDir() + "/mla-npy-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  HostTensor tensor(MLA_F32, {4}), back;
  ASSERT_TRUE(writeNpy(folder + "/x.npy", tensor).ok());
  EXPECT_TRUE(readNpy(folder + "/x.npy", MLA_F32, back).ok());
  expectFailure(writeNpy(folder + "/none/x.npy", tensor), "cannot write");
  expectFailure(readNpy(folder + "/y.npy", MLA_F32, back), "cannot read");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1);
  std::filesystem::remove_all(folder);
}

} // namespace
