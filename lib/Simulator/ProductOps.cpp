//===- ProductOps.cpp - warpgroup products ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// PTX ISA: wgmma.mma_async, .fence, .commit_group, .wait_group. The products of
// a role land in order; each reads its operands when it lands.
//
//===----------------------------------------------------------------------===//

#include "Machine.h"
#include "mla/Interpreter/Dot.h"

using namespace mlir;
using namespace mla;
using namespace mla::sim;
using namespace mla::interp;

static LogicalResult runFence(Frame &frame, const Instruction &) {
  Role &role = Role::of(frame);
  role.unfencedTiles.clear();
  role.registersFenced = true;
  return success();
}

//===----------------------------------------------------------------------===//
// Issue
//===----------------------------------------------------------------------===//

namespace {
/// An operand: registers, or a place in shared memory.
struct Operand {
  std::shared_ptr<const DenseTile> tile;
  Ref ref{};
  Type type;

  /// Its elements, row by row.
  std::vector<float> read(const Machine &machine) const;
  ArrayRef<int64_t> getShape() const {
    if (auto descriptor = dyn_cast<cta::DescriptorType>(type))
      return descriptor.getShape();
    return cast<RankedTensorType>(type).getShape();
  }
};
} // namespace

std::vector<float> Operand::read(const Machine &machine) const {
  if (tile)
    return tile->floats;
  auto descriptor = cast<cta::DescriptorType>(type);
  DenseTile values(RankedTensorType::get(descriptor.getShape(),
                                         descriptor.getElementType()));
  loadTile(*machine.ctas[ref.cta], ref.at, machine.getFootprint(type), values);
  return std::move(values.floats);
}

static FailureOr<Operand> makeOperand(Role &role, const Instruction &in,
                                      Value value, Slot slot,
                                      const Touch &touch) {
  Operand operand;
  operand.type = value.getType();
  const Datum &datum = role.get(slot);
  if (isa<RankedTensorType>(operand.type)) {
    operand.tile = datum.tile;
    if (role.unfencedTiles.contains(operand.tile.get()))
      return role.failAt(in.op, "reads registers that were written after the "
                                "last cta.mma_fence");
    return operand;
  }
  if (!isa<cta::DescriptorType>(operand.type))
    return role.failAt(in.op, "expected a descriptor operand; run "
                              "--mla-wgmma-descriptors first");
  operand.ref = Ref::unpack(datum.scalar);
  if (failed(touchShared(role, role.getWarps(), operand.ref,
                         role.machine.getFootprint(operand.type), touch)))
    return failure();
  return operand;
}

/// The product of `a` and `b` added to what `product` continues.
static void compute(const Machine &machine, cta::MmaAsyncOp op,
                    const Operand &a, const Operand &b, Product &product) {
  if (product.previous)
    product.result = std::make_shared<DenseTile>(*product.previous->result);
  else if (product.acc)
    product.result = std::make_shared<DenseTile>(*product.acc);
  else
    product.result =
        std::make_shared<DenseTile>(op.getResult().getType().getFragment());
  ArrayRef<int64_t> shape = product.result->shape;
  int64_t k = b.getShape()[op.getTransposeB() ? 1 : 0];
  dot({shape[0], shape[1], k, op.getTransposeA(), op.getTransposeB()},
      a.read(machine).data(), b.read(machine).data(),
      product.result->floats.data());
  product.landed = true;
}

static LogicalResult takeAccumulator(Role &role, const Instruction &in,
                                     Product &product) {
  const Datum &acc = role.get(in.operands[2]);
  if (!acc.tile) {
    product.previous = std::static_pointer_cast<Product>(acc.opaque);
    if (product.previous->continued)
      return role.failAt(in.op,
                         "continues a product that another one has "
                         "continued",
                         product.previous->event);
    product.previous->continued = true;
    // The registers stay the same ones along the chain.
    product.acc = product.previous->acc;
    if (!llvm::is_contained(role.products, product.previous))
      product.acc = product.previous->result;
    return success();
  }
  product.acc = acc.tile;
  if (role.unfencedTiles.contains(acc.tile.get()))
    return role.failAt(in.op, "adds to registers that were written after the "
                              "last cta.mma_fence");
  return success();
}

static LogicalResult runMma(Frame &frame, const Instruction &in) {
  Role &role = Role::of(frame);
  auto op = cast<cta::MmaAsyncOp>(in.op);
  if (role.getWarps().size() != 4)
    return role.failAt(in.op, "expected a role of one warpgroup, got " +
                                  Twine(role.getWarps().size()) + " warps");
  auto product = std::make_shared<Product>();
  product->event = role.makeEvent(in.op);
  Touch touch{in.op, product->event, /*write=*/false, Proxy::Async,
              Epoch{role.productAgent, role.committedGroups + 1}};
  FailureOr<Operand> a =
      makeOperand(role, in, op.getA(), in.operands[0], touch);
  if (failed(a))
    return failure();
  FailureOr<Operand> b =
      makeOperand(role, in, op.getB(), in.operands[1], touch);
  if (failed(b) || (op.getAcc() && failed(takeAccumulator(role, in, *product))))
    return failure();
  if (!product->previous && !role.registersFenced)
    return role.failAt(in.op, "writes an accumulator without cta.mma_fence "
                              "since registers were last used");
  product->a = a->tile;
  role.products.push_back(product);
  Datum result;
  result.opaque = product;
  frame.set(in.results[0], std::move(result));

  Flight flight;
  flight.op = in.op;
  flight.role = &role;
  flight.kind = TraceKind::Product;
  flight.ready = [&role, product] {
    for (const std::shared_ptr<Product> &older : role.products)
      if (!older->landed)
        return older == product;
    return false;
  };
  flight.land = [&role, op, product, a = *a, b = *b] {
    compute(role.machine, op, a, b, *product);
    return success();
  };
  return role.machine.launch(std::move(flight));
}

//===----------------------------------------------------------------------===//
// Groups
//===----------------------------------------------------------------------===//

static LogicalResult runCommit(Frame &frame, const Instruction &) {
  Role &role = Role::of(frame);
  ++role.committedGroups;
  for (const std::shared_ptr<Product> &product : role.products)
    if (!product->group)
      product->group = role.committedGroups;
  return success();
}

/// Waits until at most `pending` groups are in flight, `product` not among
/// them; then `result` takes its value.
static LogicalResult waitFor(Role &role, const Instruction &in,
                             std::optional<uint64_t> pending,
                             std::optional<Slot> result) {
  auto product =
      std::static_pointer_cast<Product>(role.get(in.operands[0]).opaque);
  if (!pending)
    return role.failAt(in.op, "expected a pending count; run "
                              "--mla-insert-mma-sync first");
  if (!product->group)
    return role.failAt(in.op, "waits for a product that is not committed",
                       product->event);
  int64_t limit =
      int64_t(role.committedGroups) - static_cast<int64_t>(*pending);
  if (int64_t(product->group) > limit)
    return role.failAt(in.op,
                       "covers nothing: " + Twine(*pending) +
                           " groups may be pending, but only " +
                           Twine(role.committedGroups - product->group) +
                           " are younger than the one awaited",
                       product->event);
  if (result && product->continued)
    return role.failAt(in.op,
                       "reads an accumulator that a younger product "
                       "writes",
                       product->event);
  auto isOver = [limit](const std::shared_ptr<Product> &p) {
    return p->group && int64_t(p->group) <= limit;
  };
  Wait wait;
  wait.ready = [&role, isOver] {
    return llvm::all_of(role.products,
                        [&](const auto &p) { return p->landed || !isOver(p); });
  };
  wait.resume = [&role, product, result, isOver, limit] {
    while (!role.products.empty() && isOver(role.products.front()))
      role.products.pop_front();
    for (Warp &warp : role.getWarps())
      warp.knows.now.raise({role.productAgent, static_cast<Time>(limit)});
    if (result) {
      role.unfencedTiles.erase(product->result.get());
      role.set(*result, product->result);
    }
    return success();
  };
  wait.describe = [limit] {
    return "products of groups up to " + std::to_string(limit);
  };
  return role.waitFor(std::move(wait));
}

static LogicalResult runWait(Frame &frame, const Instruction &in) {
  return waitFor(Role::of(frame), in, cast<cta::MmaWaitOp>(in.op).getPending(),
                 in.results[0]);
}

static LogicalResult runWaitReads(Frame &frame, const Instruction &in) {
  return waitFor(Role::of(frame), in,
                 cast<cta::MmaWaitReadsOp>(in.op).getPending(), std::nullopt);
}

void mla::sim::addProductOps(HandlerTable &table) {
  table["cta.mma_fence"] = runFence;
  table["cta.mma_async"] = runMma;
  table["cta.mma_commit"] = runCommit;
  table["cta.mma_wait"] = runWait;
  table["cta.mma_wait_reads"] = runWaitReads;
}
