//===- KernelInterface.cpp - the kernels of a module ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "KernelInterface.h"
#include "KernelSymbol.h"
#include "mla/Dialect/Levels/Levels.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mla;

/// Checks that a launch can pass arguments of these types, and make the tensor
/// maps.
static LogicalResult checkArguments(func::FuncOp func) {
  for (Type type : func.getArgumentTypes()) {
    auto memref = dyn_cast<MemRefType>(type);
    if (memref ? !memref.getElementType().isIntOrFloat() || !memref.isStrided()
               : !type.isIntOrFloat())
      return func.emitOpError() << "expected arguments that are numbers or "
                                   "strided memrefs of numbers, got "
                                << type;
  }
  WalkResult maps = func.walk([&](cta::TensorMapOp map) -> WalkResult {
    if (llvm::is_contained(func.getArguments(), map.getSource()))
      return WalkResult::advance();
    return map.emitOpError("expected an argument of the function");
  });
  return failure(maps.wasInterrupted());
}

/// Checks the forms of functions and grids that a launch supports.
static LogicalResult checkForm(func::FuncOp func, scf::ForallOp grid) {
  if (!func.getBody().hasOneBlock() || func.getNumResults())
    return func.emitOpError("expected one block and no results");
  if (grid.getNumResults() || !grid.isNormalized())
    return grid.emitOpError("expected a grid from 0 in steps of 1, without "
                            "results");
  if (grid.getBody()->getOps<cta::RoleOp>().empty())
    return grid.emitOpError("expected roles; run --mla-schedule first");
  return checkArguments(func);
}

static LogicalResult readRoles(KernelInterface &kernel) {
  for (auto role : kernel.grid.getBody()->getOps<cta::RoleOp>()) {
    int64_t warps = role.getWarps();
    // wgmma and setmaxnreg act on a warpgroup: 4 warps, the first one's number
    // a multiple of 4.
    if (warps % 4 == 0 && kernel.threads % 128)
      return role.emitOpError("expected roles of whole warpgroups in front of "
                              "the others");
    kernel.roles.push_back(role);
    kernel.threads += 32 * warps;
  }
  return success();
}

static FailureOr<KernelInterface> readKernel(func::FuncOp func) {
  if (failed(verifyLevel(func)) || failed(checkKernelSymbol(func)))
    return failure();
  if (!func->hasAttr(cta::kVerifiedAttr))
    return func.emitOpError("expected a verified CTA program; run "
                            "--mla-verify-async first");
  auto grids = func.getOps<scf::ForallOp>();
  if (!llvm::hasSingleElement(grids))
    return func.emitOpError("expected one scf.forall");
  KernelInterface kernel;
  kernel.func = func;
  kernel.grid = *grids.begin();
  if (failed(checkForm(func, kernel.grid)) || failed(readRoles(kernel)))
    return failure();
  func.walk([&](Operation *op) {
    TypeSwitch<Operation *>(op)
        .Case<tile::StoreOp, cta::StoreAsyncOp, cta::BulkStoreOp>(
            [&](auto store) { kernel.written.insert(store.getDest()); })
        .Case<cta::StoreReleaseOp>(
            [&](auto store) { kernel.written.insert(store.getMemref()); });
    kernel.waits |= isa<cta::LaunchWaitOp>(op);
  });
  return kernel;
}

FailureOr<SmallVector<KernelInterface>> mla::readKernels(ModuleOp module) {
  SmallVector<KernelInterface> kernels;
  for (auto func : module.getOps<func::FuncOp>()) {
    if (func.getOps<scf::ForallOp>().empty())
      continue;
    FailureOr<KernelInterface> kernel = readKernel(func);
    if (failed(kernel))
      return failure();
    kernels.push_back(std::move(*kernel));
  }
  return kernels;
}

ArgumentUse mla::getArgumentUse(BlockArgument memref) {
  bool address = llvm::any_of(memref.getUsers(), [](Operation *user) {
    return !isa<memref::DimOp>(user);
  });
  return {address, !memref.use_empty()};
}
