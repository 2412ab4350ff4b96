//===- ProgramTarget.cpp - the target of a program ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Dialect/Levels/ProgramTarget.h"
#include "mla/Dialect/CTA/CTA.h"
#include "mla/Dialect/MLA/MLA.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mla;

const TargetSpec &mla::getTarget(func::FuncOp func) {
  // The dialect's attribute verifier has checked the name.
  if (auto name = func->getAttrOfType<StringAttr>(kTargetAttr))
    return *findTarget(name.getValue());
  return kDefaultTarget;
}

/// The feature that `op` needs, if not all targets have it.
static std::optional<TargetFeature> getFeature(Operation *op) {
  using Result = std::optional<TargetFeature>;
  auto always = [](TargetFeature feature) {
    return [feature](auto) -> Result { return feature; };
  };
  return TypeSwitch<Operation *, Result>(op)
      .Case<cta::MmaAsyncOp>(always(TargetFeature::Wgmma))
      .Case<cta::CopyAsyncOp, cta::BulkLoadOp, cta::StoreAsyncOp,
            cta::BulkStoreOp, cta::TensorMapOp>(always(TargetFeature::TMA))
      .Case<cta::GatherAsyncOp>([](cta::GatherAsyncOp gather) -> Result {
        return gather.getBlock() ? TargetFeature::TMA : TargetFeature::CpAsync;
      })
      .Case<cta::MBarrierOp>(always(TargetFeature::MBarrier))
      .Case<cta::ClusterRankOp, cta::ClusterArriveOp, cta::ClusterWaitOp>(
          always(TargetFeature::Clusters))
      .Case<cta::LaunchWaitOp, cta::LaunchDependentsOp>(
          always(TargetFeature::GridDepControl))
      .Default([](Operation *) { return std::nullopt; });
}

LogicalResult mla::checkInstructions(func::FuncOp func) {
  const TargetSpec &target = getTarget(func);
  auto check = [&](Operation *op) -> LogicalResult {
    std::optional<TargetFeature> needed = getFeature(op);
    if (!needed || target.has(*needed))
      return success();
    return op->emitOpError() << "needs " << getName(*needed) << ", which "
                             << target.name << " does not have";
  };
  return failure(func.walk([&](Operation *op) { return WalkResult(check(op)); })
                     .wasInterrupted());
}
