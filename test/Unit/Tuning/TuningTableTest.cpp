//===- TuningTableTest.cpp - reading, finding, writing --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Tuning/TuningTable.h"
#include "mla/Operators/Operators.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "gtest/gtest.h"

using namespace mla;

namespace {

const Operator &getOp() {
  return *findOperator(getOperators(), "sparse_prefill");
}

TuningEntry makeEntry(int64_t heads, std::string gpu, std::string schedule) {
  TuningEntry entry;
  entry.shape = getUsualShape(getOp());
  entry.shape.setSize("h_q", heads);
  entry.gpu.name = std::move(gpu);
  entry.choice.schedule = std::move(schedule);
  entry.ms = 1.5;
  entry.sizes = "s_q=1";
  entry.date = "2026-11-21";
  entry.version = "1";
  return entry;
}

std::string findSchedule(const TuningTable &table, int64_t heads,
                         const Gpu &gpu) {
  ShapeClass shape = getUsualShape(getOp());
  shape.setSize("h_q", heads);
  const TuningEntry *entry = table.find(shape, gpu);
  return entry ? entry->choice.schedule : "";
}

TEST(TuningTable, PrintsSortedAndReadsBack) {
  TuningTable table;
  table.set(makeEntry(64, "H200", "seesaw"));
  table.set(makeEntry(8, "H200", "shared-p"));
  TuningEntry fixed = makeEntry(8, "", "split-columns");
  fixed.shape.setSize("topk", 100);
  fixed.shape.setOption("topk_length", "yes");
  fixed.choice.parameters = {{"block_kv", 32}, {"depth", 4}};
  table.set(fixed);
  table.set(makeEntry(8, "H200", "seesaw"));
  std::string text = table.print();
  EXPECT_EQ(text,
            "sparse_prefill h_q=8 d_qk=576 d_v=512 topk=any topk_length=no "
            "target=sm_90a gpu=H200 schedule=seesaw "
            "ms=1.5000 sizes=s_q=1 date=2026-11-21 version=1\n"
            "sparse_prefill h_q=8 d_qk=576 d_v=512 topk=100 topk_length=yes "
            "target=sm_90a gpu=any schedule=split-columns:block_kv=32:depth=4 "
            "ms=1.5000 sizes=s_q=1 date=2026-11-21 version=1\n"
            "sparse_prefill h_q=64 d_qk=576 d_v=512 topk=any topk_length=no "
            "target=sm_90a gpu=H200 schedule=seesaw "
            "ms=1.5000 sizes=s_q=1 date=2026-11-21 version=1\n");
  text = "# What it is.\n" + text;
  llvm::Expected<TuningTable> again =
      TuningTable::parse(text, "t", getOperators());
  ASSERT_TRUE(static_cast<bool>(again));
  EXPECT_EQ(again->print(), text);
}

TEST(TuningTable, FallsBackToOtherGpusOfTheTarget) {
  TuningTable table;
  table.set(makeEntry(8, "H200", "seesaw"));
  EXPECT_EQ(findSchedule(table, 8, {"sm_90a", "H200"}), "seesaw");
  EXPECT_EQ(findSchedule(table, 8, {"sm_90a", "H100"}), "seesaw");
  EXPECT_EQ(findSchedule(table, 8, {"sm_90a", ""}), "seesaw");
  EXPECT_EQ(findSchedule(table, 8, {"sm_100a", "H200"}), "");
  EXPECT_EQ(findSchedule(table, 9, {"sm_90a", "H200"}), "");
  table.set(makeEntry(8, "", "shared-p"));
  EXPECT_EQ(findSchedule(table, 8, {"sm_90a", "H200"}), "seesaw");
  EXPECT_EQ(findSchedule(table, 8, {"sm_90a", "H100"}), "shared-p");
  EXPECT_EQ(findSchedule(table, 8, {"sm_90a", ""}), "shared-p");
}

TEST(TuningTable, WritesAtomically) {
  llvm::SmallString<128> folder;
  ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("mla-tuning", folder));
  std::string file = (folder + "/table.txt").str();
  TuningTable table;
  table.set(makeEntry(8, "H200", "seesaw"));
  ASSERT_FALSE(static_cast<bool>(table.write(file)));
  llvm::Expected<TuningTable> again = TuningTable::load(file, getOperators());
  ASSERT_TRUE(static_cast<bool>(again));
  EXPECT_EQ(again->print(), table.print());
  // No temporary file remains.
  std::error_code error;
  int files = 0;
  for (llvm::sys::fs::directory_iterator it(folder, error), end;
       !error && it != end; it.increment(error))
    ++files;
  EXPECT_EQ(files, 1);
  llvm::Error failure = table.write((folder + "/none/table.txt").str());
  EXPECT_TRUE(static_cast<bool>(failure));
  llvm::consumeError(std::move(failure));
  llvm::sys::fs::remove_directories(folder);
}

TEST(TuningTable, BuiltInTableIsFormattedAsWritten) {
  const Operator *op = &getOp();
  llvm::Expected<TuningTable> table = TuningTable::load("", op);
  ASSERT_TRUE(static_cast<bool>(table)) << llvm::toString(table.takeError());
  auto file = llvm::MemoryBuffer::getFile(MLA_TUNING_FILE);
  ASSERT_TRUE(static_cast<bool>(file));
  EXPECT_EQ(table->print(), (*file)->getBuffer());
}

TEST(TuningTable, NamesOfGpus) {
  EXPECT_EQ(getGpuName("NVIDIA H200"), "H200");
  EXPECT_EQ(getGpuName("NVIDIA H100 80GB HBM3"), "H100");
  EXPECT_EQ(getGpuName("NVIDIA GH200 480GB"), "GH200");
  EXPECT_EQ(getGpuName("NVIDIA A100-SXM4-80GB"), "");
  EXPECT_EQ(getGpuName("NVIDIA A100-SXM4-80GB", *findTarget("sm_80")),
            "A100-SXM4-80GB");
  EXPECT_EQ(findFault(Gpu{"sm_90a", "H200"}), "");
  EXPECT_EQ(findFault(Gpu()), "");
  EXPECT_EQ(findFault(Gpu{"sm_90a", "H2O0"}),
            "unknown GPU 'H2O0', expected one of H200, H20, H100, H800, GH200, "
            "H20-3e");
  EXPECT_EQ(findFault(Gpu{"sm_90", ""}),
            "unknown target 'sm_90', expected one of sm_80, sm_90a");
}

TEST(TuningTable, UnsupportedShapes) {
  auto fault = [](auto change) {
    ShapeClass shape = getUsualShape(getOp());
    change(shape);
    return findFault(getOp(), shape);
  };
  EXPECT_EQ(fault([](ShapeClass &) {}), "");
  EXPECT_EQ(fault([](ShapeClass &shape) { shape.setSize("h_q", 129); }),
            "expected 1 <= h_q <= 128, got 129");
  EXPECT_EQ(fault([](ShapeClass &shape) { shape.setSize("d_qk", 100); }),
            "expected d_qk/d_v of 576/512 or 512/512, got 100/512");
  EXPECT_EQ(fault([](ShapeClass &shape) { shape.setSize("topk", 0); }),
            "expected 1 <= topk <= 2147483647, got 0");
}

} // namespace
