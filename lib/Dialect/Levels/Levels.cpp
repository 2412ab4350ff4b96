//===- Levels.cpp - the ops allowed at each level ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Dialect/Levels/Levels.h"
#include "mla/Dialect/CTA/CTA.h"
#include "mla/Dialect/MLA/MLA.h"
#include "mla/Dialect/Tile/Tile.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mla;

namespace {
/// The lowering level of a program.
enum class Level { Operator, Tile, CTA };

/// The region that an op is in. Ops inside loops and conditions belong to the
/// enclosing region.
enum class Place { Function, Grid, Role };
} // namespace

//===----------------------------------------------------------------------===//
// Kinds of ops
//===----------------------------------------------------------------------===//

template <typename Dialect> static bool isOf(Operation *op) {
  return isa_and_nonnull<Dialect>(op->getDialect());
}
template <typename Dialect> static bool isOf(Type type) {
  return isa<Dialect>(type.getDialect());
}

/// Ops that compute values or load them from memory.
static bool isComputation(Operation *op) {
  return isOf<arith::ArithDialect>(op) || isOf<math::MathDialect>(op) ||
         isa<memref::DimOp, memref::LoadOp, tensor::SplatOp, tile::SmCountOp>(
             op);
}

static bool isControlFlow(Operation *op) {
  return isa<scf::ForOp, scf::IfOp>(op);
}

/// Ops that declare and initialise what roles share, or that wait for other
/// CTAs after the roles.
static bool isSetUp(Operation *op) {
  return cta::isDeclaration(op) ||
         isa<cta::MBarrierInitOp, cta::MBarrierInitFenceOp, cta::SyncOp,
             cta::ClusterArriveOp, cta::ClusterWaitOp, cta::LaunchWaitOp,
             cta::LaunchDependentsOp>(op);
}

/// Ops of the cta dialect without side effects.
static bool isPureCTA(Operation *op) {
  return isOf<cta::CTADialect>(op) && isPure(op);
}

static bool isRoleWork(Operation *op) {
  return isOf<cta::CTADialect>(op) &&
         !isa<cta::RoleOp, cta::MBarrierInitOp, cta::MBarrierInitFenceOp>(op);
}

/// Terminators, which the verifier of the parent op has checked.
static bool isEnd(Operation *op) {
  return isa<func::ReturnOp, scf::YieldOp, scf::ConditionOp, scf::InParallelOp,
             cta::YieldOp>(op);
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

/// Whether values may have the type, at any level.
static bool isAllowed(Type type) {
  if (isOf<cta::CTADialect>(type))
    return true;
  if (isa<MemRefType, RankedTensorType>(type))
    type = cast<ShapedType>(type).getElementType();
  return type.isIndex() ||
         (type.isIntOrFloat() && type.getIntOrFloatBitWidth() <= 64);
}

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

/// Whether `op` is allowed in a place of a level.
static bool isAllowed(Operation *op, Level level, Place place) {
  // Ops of unregistered dialects, which are parsed on request only, are used in
  // tests as arbitrary users of a value.
  if (isComputation(op) || !op->isRegistered())
    return true;
  switch (place) {
  case Place::Function:
    // The host evaluates the grid's size and creates tensor maps; each CTA
    // computes everything else.
    if (level == Level::Operator)
      return isOf<MLADialect>(op);
    return isa<scf::ForallOp, cta::TensorMapOp>(op);
  case Place::Grid:
    if (isControlFlow(op))
      return true;
    if (level == Level::Tile)
      return isOf<tile::TileDialect>(op);
    return isa<cta::RoleOp>(op) || isSetUp(op) || isPureCTA(op);
  case Place::Role:
    return isControlFlow(op) || isa<scf::WhileOp>(op) ||
           isOf<tile::TileDialect>(op) || isRoleWork(op);
  }
  llvm_unreachable("covered switch");
}

/// The allowed ops as text for errors, without those that are allowed
/// everywhere.
static StringRef describeAllowed(Level level, Place place) {
  switch (place) {
  case Place::Function:
    return level == Level::Operator ? "an mla operator"
                                    : "one scf.forall and cta.tensor_map";
  case Place::Grid:
    return level == Level::Tile
               ? "tile, scf.for and scf.if"
               : "cta.role, declarations of rings, buffers and barriers, their "
                 "initialisation, scf.for and scf.if";
  case Place::Role:
    return "cta, tile, scf.for, scf.if and scf.while";
  }
  llvm_unreachable("covered switch");
}

static StringRef describe(Place place) {
  switch (place) {
  case Place::Function:
    return "outside the grid";
  case Place::Grid:
    return "in the grid";
  case Place::Role:
    return "in a role";
  }
  llvm_unreachable("covered switch");
}

static StringRef describe(Level level, Place place) {
  switch (level) {
  case Level::Operator:
    return "of a function with an mla operator";
  case Level::Tile:
    return "of a tile program";
  case Level::CTA:
    return place == Place::Grid ? "of a cta program, outside its roles"
                                : "of a cta program";
  }
  llvm_unreachable("covered switch");
}

//===----------------------------------------------------------------------===//
// Verifier
//===----------------------------------------------------------------------===//

namespace {
class LevelVerifier {
public:
  explicit LevelVerifier(func::FuncOp func) : func(func) {}

  LogicalResult run();

private:
  /// Bounds the recursion of passes; larger than any real program needs.
  static constexpr unsigned kMaxDepth = 32;

  /// Sets `level`; returns false if the function is not a program.
  bool findLevel();
  LogicalResult visit(Operation *parent, Place place, unsigned depth);
  LogicalResult check(Operation *op, Place place);
  static LogicalResult checkTypes(Operation *op, TypeRange types);
  static Place getPlaceIn(Operation *op, Place around);

  func::FuncOp func;
  Level level = Level::Operator;
};
} // namespace

bool LevelVerifier::findLevel() {
  bool operators = false, grids = false, ctas = false;
  func.walk([&](Operation *op) {
    operators |= isOf<MLADialect>(op);
    grids |= isa<scf::ForallOp>(op);
    ctas |= isOf<cta::CTADialect>(op) && !isa<cta::TensorMapOp>(op);
  });
  level = grids && ctas ? Level::CTA : grids ? Level::Tile : Level::Operator;
  return operators || grids;
}

Place LevelVerifier::getPlaceIn(Operation *op, Place around) {
  return isa<cta::RoleOp>(op)     ? Place::Role
         : isa<scf::ForallOp>(op) ? Place::Grid
                                  : around;
}

LogicalResult LevelVerifier::check(Operation *op, Place place) {
  if (!isEnd(op) && !isAllowed(op, level, place))
    return op->emitOpError()
           << "is not allowed " << describe(place) << " "
           << describe(level, place) << "; expected arith, math, memref.dim, "
           << "memref.load, tensor.splat, " << describeAllowed(level, place);
  return checkTypes(op, op->getResultTypes());
}

LogicalResult LevelVerifier::checkTypes(Operation *op, TypeRange types) {
  for (Type type : types) {
    if (!isAllowed(type))
      return op->emitOpError()
             << "has a value of type " << type
             << "; expected numbers of at most 64 bits, memrefs and tensors of "
                "them, and types of the cta dialect";
    // The lowering and the launch identify a memref by its function argument.
    if (isa<MemRefType>(type) && !isa<func::FuncOp>(op))
      return op->emitOpError() << "has a value of type " << type
                               << "; expected memrefs to be arguments of the "
                                  "function";
  }
  return success();
}

LogicalResult LevelVerifier::visit(Operation *parent, Place place,
                                   unsigned depth) {
  if (depth > kMaxDepth)
    return parent->emitOpError()
           << "expected at most " << kMaxDepth << " nested regions, got more";
  for (Region &region : parent->getRegions()) {
    if (!region.empty() && !region.hasOneBlock())
      return parent->emitOpError("expected regions of one block");
    if (failed(checkTypes(parent, region.getArgumentTypes())))
      return failure();
    for (Operation &op : region.getOps())
      if (failed(check(&op, place)) ||
          failed(visit(&op, getPlaceIn(&op, place), depth + 1)))
        return failure();
  }
  return success();
}

LogicalResult LevelVerifier::run() {
  if (!findLevel())
    return success();
  auto grids = llvm::to_vector(func.getOps<scf::ForallOp>());
  if (grids.size() > 1)
    return grids[1].emitOpError("expected one scf.forall per function");
  return visit(func, Place::Function, 0);
}

LogicalResult mla::verifyLevel(func::FuncOp func) {
  return LevelVerifier(func).run();
}
