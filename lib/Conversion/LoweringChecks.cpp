//===- LoweringChecks.cpp - what the conversion supports --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "KernelContext.h"
#include "LowerKernel.h"
#include "RegisterBudget.h"

using namespace mlir;
using namespace mla;

/// The shape that a fragment of this layout and shape is a multiple of.
static SmallVector<int64_t> getUnits(cta::FragmentLayout layout,
                                     ArrayRef<int64_t> shape) {
  switch (layout) {
  case cta::FragmentLayout::acc:
  case cta::FragmentLayout::a_operand:
    return {64, 8};
  case cta::FragmentLayout::acc_transposed:
    return {8, 64};
  case cta::FragmentLayout::row:
    return {64};
  case cta::FragmentLayout::column:
    return {8};
  case cta::FragmentLayout::warp_column:
    return {32};
  case cta::FragmentLayout::gather:
    // Each warp holds a multiple of 8 rows; the last ones of fewer than 32 are
    // in several warps.
    return {shape[0] < 32 ? 8 : 32};
  }
  llvm_unreachable("covered switch");
}

/// Checks that the threads of a direct layout are those of the role. Constants
/// may stand in front of the roles.
static LogicalResult checkDirect(Operation *op, Type type,
                                 cta::DirectLayoutAttr layout,
                                 cta::RoleOp role) {
  for (int64_t d = 0; role && d < layout.getRank(); ++d)
    if (layout.getSpan(d) > 32 * role.getWarps())
      return op->emitOpError()
             << "expected a layout of at most " << 32 * role.getWarps()
             << " threads, those of the role, got " << type;
  return success();
}

/// Checks the type of an operand or result. The layouts of matrices are those
/// of one warpgroup.
static LogicalResult checkFragment(Operation *op, Type type, cta::RoleOp role) {
  // Far more than the register file holds.
  constexpr int64_t kMaxElements = 1 << 18;
  if (auto inFlight = dyn_cast<cta::InFlightType>(type))
    type = inFlight.getFragment();
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return success();
  std::optional<cta::FragmentLayout> layout = cta::getLayout(type);
  if (!cta::hasLayout(type))
    return op->emitOpError() << "expected a fragment with a layout, got "
                             << type << "; run --mla-assign-layouts first";
  if (!tensor.getElementType().isIntOrFloat())
    return op->emitOpError() << "is lowered for fragments of integers or "
                                "floating-point numbers, got "
                             << type;
  int64_t most = kMaxElements;
  for (int64_t size : tensor.getShape()) {
    if (size < 1 || size > most)
      return op->emitOpError() << "is lowered for fragments of 1 to "
                               << kMaxElements << " elements, got " << type;
    most /= size;
  }
  if (auto direct = cta::getDirectLayout(type))
    return checkDirect(op, type, direct, role);
  // Constants may stand in front of the roles.
  int64_t warps = role ? role.getWarps() : 4;
  ArrayRef<int64_t> shape = tensor.getShape();
  auto isShaped = [&](ArrayRef<int64_t> units) {
    return shape.size() == units.size() &&
           llvm::all_of(llvm::zip(shape, units), [](auto pair) {
             auto [size, unit] = pair;
             return size % unit == 0;
           });
  };
  bool good = isShaped(getUnits(*layout, shape)) &&
              (*layout != cta::FragmentLayout::a_operand || shape[0] == 64);
  // A vector by column is the same in every warp.
  if (good && (warps == 4 || *layout == cta::FragmentLayout::column))
    return success();
  return op->emitOpError() << "is lowered for fragments of a multiple of 64 "
                              "rows (gathers: 8, 16, 24 or a multiple of 32), "
                              "columns a multiple of 8, in a role of 4 warps; "
                              "got "
                           << type << " in one of " << warps;
}

/// Checks that the registers that roles ask for are there: setmaxnreg.inc waits
/// for others to release them, and would wait forever.
static LogicalResult checkRegisters(KernelInterface &kernel) {
  const TargetSpec &target = getTarget(kernel.func);
  int64_t threads = kernel.threads;
  int64_t atLaunch =
      getRegistersAtLaunch(target, std::max<int64_t>(threads, 32));
  int64_t needed = 0;
  for (cta::RoleOp role : kernel.roles) {
    auto asked = static_cast<int64_t>(role.getRegisters());
    if (setsRegisters(role) && asked != atLaunch &&
        !target.has(TargetFeature::SetMaxNReg))
      return role.emitOpError()
             << "needs " << getName(TargetFeature::SetMaxNReg) << ", which "
             << target.name << " does not have; expected " << atLaunch
             << " registers, which each thread starts with, got " << asked;
    needed += 32 * role.getWarps() * (setsRegisters(role) ? asked : atLaunch);
  }
  if (needed <= threads * atLaunch)
    return success();
  return kernel.func.emitOpError()
         << "needs " << needed << " registers, but " << threads
         << " threads start with " << atLaunch << " each, "
         << threads * atLaunch
         << " in all, and only roles of whole warpgroups give some back";
}

LogicalResult mla::checkLowering(KernelInterface &kernel) {
  WalkResult ops = kernel.func.walk([&](Operation *op) {
    auto role = op->getParentOfType<cta::RoleOp>();
    SmallVector<Type> used(op->getOperandTypes());
    llvm::append_range(used, op->getResultTypes());
    for (Type type : used)
      if (failed(checkFragment(op, type, role)))
        return WalkResult::interrupt();
    return WalkResult(checkInstruction(op));
  });
  if (ops.wasInterrupted())
    return failure();
  int64_t limit = getTarget(kernel.func).threadsPerCTA();
  if (kernel.threads > limit)
    return kernel.func.emitOpError()
           << "expected at most " << limit << " threads, roles have "
           << kernel.threads;
  return checkRegisters(kernel);
}
