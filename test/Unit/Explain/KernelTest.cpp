//===- KernelTest.cpp - facts about a kernel from its IR ------------------===//
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
  Sizes sizes = {{"s_q", 4096}, {"s_kv", 8192}, {"topk", 640}};
  EXPECT_EQ(findGridSizes(*kernel, sizes), (Sizes{{"s_q", 1}}));
}

TEST(Kernel, ASizeThatAnotherKernelDependsOnIsNoGridSize) {
  Subject subject, other;
  OpBuilder b(&other.context);
  // The other kernel reads s_q in a role.
  cta::RoleOp role;
  other.func.walk([&](cta::RoleOp op) { role = op; });
  b.setInsertionPointToStart(&role.getBody().front());
  Value zero = arith::ConstantIndexOp::create(b, role.getLoc(), 0);
  Value size =
      memref::DimOp::create(b, role.getLoc(), other.func.getArgument(0), zero);
  arith::AddIOp::create(b, role.getLoc(), size, size);
  Kernel kernels[] = {*readKernel(subject.func), *readKernel(other.func)};
  Sizes sizes = {{"s_q", 4096}, {"s_kv", 8192}, {"topk", 640}};
  EXPECT_EQ(findGridSizes(kernels[0], sizes), (Sizes{{"s_q", 1}}));
  EXPECT_TRUE(findGridSizes(kernels, sizes).empty());
}

TEST(Kernel, SizesOfWorkspacesAreExpressions) {
  Subject subject;
  OpBuilder b(&subject.context);
  subject.func.setArgAttr(0, "mla.dims",
                          b.getStrArrayAttr({"ceildiv(keys, 256)", "", ""}));
  EXPECT_EQ(evaluateShape(subject.func, 0, {{"keys", 1000}}),
            (std::vector<int64_t>{4, 128, 576}));
  EXPECT_FALSE(evaluateShape(subject.func, 0, {{"rows", 1000}}));
}

TEST(Kernel, LabelsOfOps) {
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
