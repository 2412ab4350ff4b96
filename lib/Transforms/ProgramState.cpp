//===- ProgramState.cpp - steps that a function has been through *- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "ProgramState.h"

using namespace mlir;
using namespace mla;

static bool isRewritten(func::FuncOp func, StringRef rewrite) {
  auto made = func->getAttrOfType<ArrayAttr>(kRewrittenAttr);
  return made &&
         llvm::is_contained(made, StringAttr::get(func.getContext(), rewrite));
}

ScheduleAttr mla::getScheduleWith(func::FuncOp func, StringRef rewrite) {
  auto schedule = func->getAttrOfType<ScheduleAttr>(kScheduleAttr);
  bool due = schedule && schedule.asksFor(rewrite) &&
             !isRewritten(func, rewrite) && !isScheduled(func);
  return due ? schedule : ScheduleAttr();
}

void mla::setRewritten(func::FuncOp func, StringRef rewrite) {
  SmallVector<Attribute> made;
  if (auto before = func->getAttrOfType<ArrayAttr>(kRewrittenAttr))
    llvm::append_range(made, before);
  made.push_back(StringAttr::get(func.getContext(), rewrite));
  func->setAttr(kRewrittenAttr, ArrayAttr::get(func.getContext(), made));
}

LogicalResult mla::checkRewritten(scf::ForallOp program,
                                  ScheduleAttr schedule) {
  for (StringAttr rewrite : schedule.getRewrites()) {
    if (isRewritten(program->getParentOfType<func::FuncOp>(), rewrite))
      continue;
    // Tiling makes a softmax lazy, and its decomposition completes that.
    StringRef pass =
        rewrite == "lazy-rescale" ? "decompose-softmax" : rewrite.getValue();
    return program.emitOpError()
           << "expected " << rewrite << ", which schedule "
           << schedule.getName() << " requests; run --mla-" << pass << " first";
  }
  return success();
}

InFlightDiagnostic mla::emitRewriteError(Operation *op, ScheduleAttr schedule,
                                         StringRef rewrite) {
  return op->emitOpError() << "schedule " << schedule.getName() << " requests "
                           << rewrite << ": ";
}

bool mla::isScheduled(func::FuncOp func) {
  return func.walk([](cta::RoleOp) { return WalkResult::interrupt(); })
      .wasInterrupted();
}
