//===- TargetTest.cpp - the table of targets ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Support/Target.h"
#include <gtest/gtest.h>

using namespace mla;

TEST(Target, Sm90a) {
  const TargetSpec *target = findTarget("sm_90a");
  ASSERT_TRUE(target);
  EXPECT_EQ(target, &kDefaultTarget);
  EXPECT_EQ(target->ptxFeature, "+ptx88");
  EXPECT_EQ(target->computeMajor, 9);
  EXPECT_EQ(target->computeMinor, 0);
  EXPECT_TRUE(target->exactCompute);
  EXPECT_EQ(target->sharedBytesPerCTA, 232448);
  EXPECT_EQ(target->sharedBytesPerSM, 233472);
  EXPECT_EQ(target->reservedSharedBytes, 1024);
  EXPECT_EQ(target->registersPerSM, 65536);
  EXPECT_EQ(target->registersPerThread, 255);
  EXPECT_EQ(target->minSetRegisters, 24);
  EXPECT_EQ(target->maxSetRegisters, 240);
  EXPECT_EQ(target->setRegistersStep, 8);
  EXPECT_EQ(target->warpsPerCTA, 32);
  EXPECT_EQ(target->threadsPerCTA(), 1024);
  EXPECT_EQ(target->namedBarriers, 16);
  EXPECT_EQ(target->portableCluster, 8);
  EXPECT_EQ(target->maxCluster, 16);
  EXPECT_EQ(target->maxGridX, 2147483647);
  EXPECT_EQ(target->maxGridY, 65535);
  for (TargetFeature feature :
       {TargetFeature::Wgmma, TargetFeature::TMA, TargetFeature::SetMaxNReg,
        TargetFeature::MBarrier, TargetFeature::CpAsync,
        TargetFeature::Clusters, TargetFeature::GridDepControl})
    EXPECT_TRUE(target->has(feature)) << getName(feature);
}

TEST(Target, Sm80) {
  const TargetSpec *target = findTarget("sm_80");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->computeMajor, 8);
  EXPECT_FALSE(target->exactCompute);
  EXPECT_EQ(target->sharedBytesPerCTA, 166912);
  EXPECT_EQ(target->sharedBytesPerSM, 167936);
  EXPECT_EQ(target->maxCluster, 1);
  EXPECT_TRUE(target->has(TargetFeature::CpAsync));
  EXPECT_TRUE(target->has(TargetFeature::MBarrier));
  for (TargetFeature feature :
       {TargetFeature::Wgmma, TargetFeature::TMA, TargetFeature::SetMaxNReg,
        TargetFeature::Clusters, TargetFeature::GridDepControl})
    EXPECT_FALSE(target->has(feature)) << getName(feature);
}

TEST(Target, Gpus) {
  const TargetGpu *gpu = findGpu(kDefaultTarget, "H200");
  ASSERT_TRUE(gpu);
  EXPECT_EQ(gpu->sms, 132);
  EXPECT_EQ(findGpu(kDefaultTarget, "H20")->sms, 78);
  EXPECT_FALSE(findGpu(kDefaultTarget, "A100-SXM4-80GB"));
  EXPECT_FALSE(findGpu(kDefaultTarget, ""));
}

TEST(Target, UnknownNames) {
  EXPECT_FALSE(findTarget("sm_90"));
  EXPECT_FALSE(findTarget(""));
  EXPECT_EQ(describeUnknownTarget("sm_90"),
            "unknown target 'sm_90', expected one of sm_80, sm_90a");
}

TEST(Target, LargestLimits) {
  EXPECT_EQ(getLargest(&TargetSpec::sharedBytesPerCTA), 232448);
  EXPECT_EQ(getLargest(&TargetSpec::warpsPerCTA), 32);
}
