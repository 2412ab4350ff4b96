//===- AttachTarget.cpp - sets the target of functions ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Transforms/Passes.h"

namespace mla {
#define GEN_PASS_DEF_ATTACHTARGET
#include "mla/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

namespace {
struct AttachTargetPass : mla::impl::AttachTargetBase<AttachTargetPass> {
  using AttachTargetBase::AttachTargetBase;

  void runOnProgram() override {
    func::FuncOp func = getOperation();
    if (!findTarget(target.getValue())) {
      emitError(func.getLoc(), describeUnknownTarget(target.getValue()));
      return signalPassFailure();
    }
    auto wanted = StringAttr::get(&getContext(), target.getValue());
    if (Attribute own = func->getAttr(kTargetAttr); own && own != wanted) {
      func.emitOpError()
          << "expected a function without a target or with target "
          << target.getValue() << ", got " << own;
      return signalPassFailure();
    }
    func->setAttr(kTargetAttr, wanted);
  }
};
} // namespace
