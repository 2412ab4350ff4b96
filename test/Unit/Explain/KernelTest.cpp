//===- KernelTest.cpp - what the IR of a kernel says ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "FakeTrace.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/STLExtras.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace mla;
using namespace mla::explain;

TEST(Kernel, RolesAndAllocations) {
  Subject subject;
  FailureOr<Kernel> kernel = readKernel(subject.func);
  ASSERT_TRUE(succeeded(kernel));
  EXPECT_EQ(kernel->schedule, "shared-p");
  EXPECT_EQ(kernel->threads(), 384);
  ASSERT_EQ(kernel->roles.size(), 3u);
  EXPECT_EQ(kernel->roles[0].totalRegisters(), 128 * 216);
  auto k = llvm::find_if(kernel->allocations,
                         [](const Allocation &r) { return r.name == "k"; });
  ASSERT_NE(k, kernel->allocations.end());
  EXPECT_EQ(k->offset, 73728);
  EXPECT_EQ(k->slots, 2);
  EXPECT_EQ(k->slotBytes, 73728);
  EXPECT_EQ(k->swizzle, 128);
  EXPECT_EQ(k->type, "64×576 bf16");
}

TEST(Kernel, CountsOfBarriersComeFromRoles) {
  Subject subject;
  FailureOr<Kernel> kernel = readKernel(subject.func);
  ASSERT_TRUE(succeeded(kernel));
  EXPECT_EQ(kernel->barriers.size(), 12u);
  for (const Barrier &barrier : kernel->barriers) {
    int64_t sum = 0;
    for (const Arrival &arrival : barrier.arrivals)
      sum += arrival.count;
    EXPECT_EQ(sum, barrier.count) << barrier.name;
    EXPECT_FALSE(barrier.waiters.empty()) << barrier.name;
  }
}

TEST(Kernel, GridAndTheSizesThatItAloneRangesOver) {
  Subject subject;
  FailureOr<Kernel> kernel = readKernel(subject.func);
  ASSERT_TRUE(succeeded(kernel));
  EXPECT_EQ(describeGrid(*kernel), "s_q × 2");
  EXPECT_EQ(evaluateGrid(*kernel, {{"s_q", 5}}), (std::vector<int64_t>{5, 2}));
  EXPECT_FALSE(evaluateGrid(*kernel, {}));
  std::vector<GridSize> sizes = findGridSizes(*kernel);
  ASSERT_EQ(sizes.size(), 1u);
  EXPECT_EQ(sizes[0].name, "s_q");
  EXPECT_EQ(sizes[0].each, 1);
}

TEST(Kernel, OpsHaveNames) {
  Subject subject;
  std::vector<std::string> labels;
  subject.func.walk([&](Operation *op) {
    if (op->getParentOfType<cta::RoleOp>())
      labels.push_back(getOpLabel(op));
  });
  for (const char *expected :
       {"wait k.full", "q·kᵀ", "p·k", "wait q·kᵀ", "softmax.max",
        "gather kv → k", "copy q", "store p", "load valid", "arrive k.empty",
        "expect q.full", "write out"})
    EXPECT_TRUE(llvm::is_contained(labels, expected)) << expected;
}

TEST(Kernel, OtherLevelsAreRefused) {
  Subject subject;
  subject.func->removeAttr(cta::kVerifiedAttr);
  std::string message;
  ScopedDiagnosticHandler handler(&subject.context,
                                  [&](Diagnostic &d) { message = d.str(); });
  EXPECT_TRUE(failed(readKernel(subject.func)));
  EXPECT_NE(message.find("expected a verified CTA program"), std::string::npos);
}
