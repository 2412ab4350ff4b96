//===- CTADialect.cpp - registration, layouts of fragments ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Dialect/CTA/CTA.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"

using namespace mlir;
using namespace mla::cta;

#include "mla/Dialect/CTA/CTADialect.cpp.inc"

/// "max" or "sum", as tile.reduce writes it.
static ParseResult parseReduceKind(OpAsmParser &p,
                                   mla::tile::ReduceKindAttr &attr) {
  SMLoc loc = p.getCurrentLocation();
  StringRef word;
  if (p.parseKeyword(&word))
    return failure();
  std::optional<mla::tile::ReduceKind> kind =
      mla::tile::symbolizeReduceKind(word);
  if (!kind)
    return p.emitError(loc) << "expected max or sum, got " << word;
  attr = mla::tile::ReduceKindAttr::get(p.getContext(), *kind);
  return success();
}

static void printReduceKind(OpAsmPrinter &p, Operation *,
                            mla::tile::ReduceKindAttr attr) {
  p << mla::tile::stringifyReduceKind(attr.getValue());
}

#define GET_OP_CLASSES
#include "mla/Dialect/CTA/CTAOps.cpp.inc"

void CTADialect::initialize() {
  registerAttributes();
  registerTypes();
  addOperations<
#define GET_OP_LIST
#include "mla/Dialect/CTA/CTAOps.cpp.inc"
      >();
}

bool mla::cta::isDeclaration(Operation *op) {
  return isa<RingOp, BufferOp, MBarrierOp, NamedBarrierOp>(op);
}

std::optional<FragmentLayout> mla::cta::getLayout(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  auto layout = tensor
                    ? dyn_cast_or_null<FragmentLayoutAttr>(tensor.getEncoding())
                    : nullptr;
  if (!layout)
    return std::nullopt;
  return layout.getValue();
}

DirectLayoutAttr mla::cta::getDirectLayout(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor ? dyn_cast_or_null<DirectLayoutAttr>(tensor.getEncoding())
                : nullptr;
}

bool mla::cta::hasLayout(Type type) {
  return getLayout(type) || getDirectLayout(type);
}

bool mla::cta::crossesWarps(mla::tile::ReduceOp reduce) {
  auto source = cast<RankedTensorType>(reduce.getSource().getType());
  if (DirectLayoutAttr direct = getDirectLayout(source))
    return direct.getThreads()[reduce.getDim()] > 1 &&
           direct.getSpan(reduce.getDim()) > 32;
  return getLayout(source) == FragmentLayout::acc && reduce.getDim() == 0;
}

RankedTensorType mla::cta::withLayout(RankedTensorType type,
                                      FragmentLayout layout) {
  return withLayout(type, FragmentLayoutAttr::get(type.getContext(), layout));
}

RankedTensorType mla::cta::withLayout(RankedTensorType type, Attribute layout) {
  return RankedTensorType::get(type.getShape(), type.getElementType(), layout);
}

LogicalResult CTADialect::verifyOperationAttribute(Operation *op,
                                                   NamedAttribute attr) {
  if (attr.getName() != kSharedBytesAttr)
    return success();
  // A value above the limit is allowed here: the pass that finds it names the
  // function that needs it.
  auto bytes = dyn_cast<IntegerAttr>(attr.getValue());
  if (bytes && bytes.getType().isSignlessInteger(64) && bytes.getInt() >= 0 &&
      llvm::isInt<32>(bytes.getInt()))
    return success();
  return op->emitOpError() << "expected " << kSharedBytesAttr
                           << " to be an i64 in [0, 2^31), got "
                           << attr.getValue();
}
