//===- WorkspaceTest.cpp - memory that a caller lends to a launch ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Sample.h"

using namespace mla::runtime;

namespace {

class Workspace : public testing::Test {
protected:
  Status layOut() {
    MLA_RETURN_IF_ERROR(
        checkArguments(descriptor, arguments.data(), 2, binding));
    return layOutWorkspaces(descriptor, binding);
  }
  Status place(uint64_t address, uint64_t bytes) {
    Status status = layOut();
    EXPECT_TRUE(status.ok()) << status.message();
    return placeWorkspaces(descriptor, arguments.data(), address, bytes,
                           binding);
  }
  void setShape(int workspace, int dim, const std::string &text) {
    ASSERT_TRUE(Expression::parse(text, descriptor.sizeNames,
                                  descriptor.workspaces[workspace].shape[dim])
                    .ok());
  }

  KernelDescriptor descriptor = parseSample(programJson());
  std::vector<mlaArgument> arguments = programArguments();
  LaunchBinding binding;
};

TEST_F(Workspace, OneBehindTheOther) {
  Status status = place(0x40000000, 1 << 20);
  ASSERT_TRUE(status.ok()) << status.message();
  const mlaTensor &table = binding.workspaces[0];
  EXPECT_EQ(table.data, 0x40000000u);
  EXPECT_EQ(table.dtype, MLA_I32);
  ASSERT_EQ(table.rank, 1);
  EXPECT_EQ(table.shape[0], 101);
  const mlaTensor &partial = binding.workspaces[1];
  // 404 bytes of the table end below the second multiple of 256.
  EXPECT_EQ(partial.data, 0x40000000u + 512);
  ASSERT_EQ(partial.rank, 3);
  EXPECT_EQ(partial.shape[0], 4);
  EXPECT_EQ(partial.shape[1], 100);
  EXPECT_EQ(partial.strides[0], 6400);
  EXPECT_EQ(partial.strides[1], 64);
  EXPECT_EQ(partial.strides[2], 1);
  EXPECT_EQ(binding.workspaceBytes, 512u + 4 * 100 * 64 * 4);
}

TEST_F(Workspace, MemoryIsChecked) {
  expectFailure(place(0, 1 << 20), MLA_INVALID_ARGUMENT,
                "'workspace': expected a device address of 102912 bytes, got "
                "null");
  expectFailure(place(0x40000080, 1 << 20), MLA_INVALID_ARGUMENT,
                "'workspace': expected an address aligned to 256 bytes, got "
                "0x40000080");
  expectFailure(place(0x40000000, 102911), MLA_INVALID_ARGUMENT,
                "'workspaceBytes': expected 102912 or more, got 102911");
  EXPECT_TRUE(place(0x40000000, 102912).ok());
  expectFailure(place(-uint64_t(256), 1 << 20), MLA_INVALID_ARGUMENT,
                "'workspace': size exceeds the address space");
  // `x` has 400,000 bytes.
  expectFailure(place(0x20000, 1 << 20), MLA_INVALID_ARGUMENT,
                "'workspace': expected memory apart from that of argument 'x', "
                "got an overlap");
}

TEST_F(Workspace, SizesAreChecked) {
  setShape(1, 0, "ceildiv(columns, floordiv(rows, 101))");
  expectFailure(layOut(), MLA_INVALID_ARGUMENT,
                "workspace 'partial': expression 'ceildiv(columns, "
                "floordiv(rows, 101))': expected a divisor above 0, got 0");
  setShape(1, 0, "rows * 9223372036854775807");
  expectFailure(layOut(), MLA_INVALID_ARGUMENT,
                "workspace 'partial': expression 'rows * 9223372036854775807': "
                "expected values below 2^63, got more");
  setShape(1, 0, "rows * 21474837");
  expectFailure(
      layOut(), MLA_INVALID_ARGUMENT,
      "workspace 'partial': expected a size of 0 to 2147483647 in dim "
      "0, got 2147483700");
  setShape(1, 0, "2147483647");
  setShape(1, 1, "2147483647");
  expectFailure(layOut(), MLA_INVALID_ARGUMENT,
                "workspace 'partial': size exceeds the address space");
  setShape(1, 0, "4");
  setShape(1, 1, "4");
  setShape(1, 2, "rows + 1");
  expectFailure(
      layOut(), MLA_INVALID_ARGUMENT,
      "workspace 'partial': expected a stride multiple of 16 bytes in "
      "dim 1, got 404");
}

TEST_F(Workspace, OfNoBytesNeedsNoMemory) {
  descriptor.workspaces.pop_back();
  setShape(0, 0, "0");
  EXPECT_TRUE(place(0, 0).ok());
}

} // namespace
