//===- LaunchDescriptor.cpp - what the runtime must know --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "MemoryAccess.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace mla;
namespace json = llvm::json;

static std::string getArgumentName(func::FuncOp func, unsigned i) {
  if (auto name = func.getArgAttrOfType<StringAttr>(i, kArgNameAttr))
    return name.str();
  return "arg" + std::to_string(i);
}

static std::string getTypeName(Type type) {
  std::string name;
  llvm::raw_string_ostream(name) << type;
  return name;
}

/// Bytes that the kernel's accesses to `memref` are aligned to.
static int64_t getAlignment(Value memref) {
  int64_t width =
      cast<MemRefType>(memref.getType()).getElementTypeBitWidth() / 8;
  int64_t alignment = width;
  for (Operation *user : memref.getUsers()) {
    if (isa<cta::CopyAsyncOp, cta::GatherAsyncOp, cta::TensorMapOp>(user))
      return 16;
    if (auto load = dyn_cast<tile::LoadOp>(user))
      alignment = std::max(alignment, getAccessBytes(load));
    if (auto store = dyn_cast<tile::StoreOp>(user)) {
      Type type = store.getTile().getType();
      if (!cta::getDirectLayout(type) &&
          cast<RankedTensorType>(type).getRank() == 2)
        return 16;
      alignment = std::max(alignment, getAccessBytes(store));
    }
  }
  return alignment;
}

static json::Value describeTensor(func::FuncOp func, BlockArgument arg,
                                  bool written) {
  auto type = cast<MemRefType>(arg.getType());
  unsigned i = arg.getArgNumber();
  auto dims = func.getArgAttrOfType<ArrayAttr>(i, kArgDimsAttr);
  json::Array shape, strides;
  auto [strideValues, offset] = type.getStridesAndOffset();
  for (int64_t d = 0; d < type.getRank(); ++d) {
    Attribute known =
        dims && d < static_cast<int64_t>(dims.size()) ? dims[d] : Attribute();
    if (!type.isDynamicDim(d))
      shape.push_back(type.getDimSize(d));
    else if (auto size = dyn_cast_or_null<IntegerAttr>(known))
      shape.push_back(size.getInt());
    else if (auto name = dyn_cast_or_null<StringAttr>(known);
             name && !name.empty())
      shape.push_back(name.getValue());
    else
      shape.push_back(getArgumentName(func, i) + "." + std::to_string(d));
    if (ShapedType::isDynamic(strideValues[d]))
      strides.push_back(nullptr);
    else
      strides.push_back(strideValues[d]);
  }
  json::Object tensor{{"name", getArgumentName(func, i)},
                      {"kind", "tensor"},
                      {"dtype", getTypeName(type.getElementType())},
                      {"shape", std::move(shape)},
                      {"strides", std::move(strides)},
                      {"access", written ? "write" : "read"},
                      {"alignment", getAlignment(arg)}};
  if (func.getArgAttr(i, kArgOptionalAttr))
    tensor["optional"] = true;
  return tensor;
}

static json::Value describeScalar(func::FuncOp func, BlockArgument arg) {
  unsigned i = arg.getArgNumber();
  json::Object scalar{{"name", getArgumentName(func, i)},
                      {"kind", "scalar"},
                      {"dtype", getTypeName(arg.getType())}};
  if (func.getArgAttr(i, kArgPositiveAttr))
    scalar["positive"] = true;
  return scalar;
}

/// The parameter list in the order of the kernel's arguments: for each tensor
/// its address, run-time sizes and run-time strides.
static json::Array describeParameters(func::FuncOp func) {
  json::Array parameters;
  for (BlockArgument arg : func.getArguments()) {
    int64_t i = arg.getArgNumber();
    auto type = dyn_cast<MemRefType>(arg.getType());
    if (!type) {
      parameters.push_back(json::Object{{"kind", "scalar"}, {"argument", i}});
      continue;
    }
    parameters.push_back(json::Object{{"kind", "pointer"}, {"argument", i}});
    auto [strides, offset] = type.getStridesAndOffset();
    for (int64_t d = 0; d < type.getRank(); ++d)
      if (type.isDynamicDim(d))
        parameters.push_back(
            json::Object{{"kind", "size"}, {"argument", i}, {"dim", d}});
    for (int64_t d = 0; d < type.getRank(); ++d)
      if (ShapedType::isDynamic(strides[d]))
        parameters.push_back(
            json::Object{{"kind", "stride"}, {"argument", i}, {"dim", d}});
  }
  return parameters;
}

/// The operator's operands that are constants of the kernel; empty for none.
static FailureOr<json::Object> describeConstants(func::FuncOp func) {
  json::Object constants;
  Attribute attr = func->getAttr(kConstantsAttr);
  if (!attr)
    return constants;
  auto dictionary = dyn_cast<DictionaryAttr>(attr);
  if (!dictionary)
    return func.emitOpError() << "expected a dictionary of floats in "
                              << kConstantsAttr << ", got " << attr;
  for (NamedAttribute entry : dictionary) {
    auto value = dyn_cast<FloatAttr>(entry.getValue());
    if (!value || !value.getValue().isFinite())
      return func.emitOpError()
             << "expected a finite float in " << kConstantsAttr << ", got "
             << entry.getName() << " = " << entry.getValue();
    constants[entry.getName().strref()] = value.getValueAsDouble();
  }
  return constants;
}

/// One factor of the grid: a constant, a size, or a size divided upwards.
static FailureOr<json::Value> describeExtent(scf::ForallOp grid,
                                             OpFoldResult bound) {
  if (std::optional<int64_t> constant = getConstantIntValue(bound))
    return json::Value(json::Object{{"constant", *constant}});
  Value value = cast<Value>(bound);
  int64_t divide = 1;
  if (auto div = value.getDefiningOp<arith::CeilDivUIOp>()) {
    divide = getConstantIntValue(OpFoldResult(div.getRhs())).value_or(0);
    value = div.getLhs();
  } else if (auto signedDiv = value.getDefiningOp<arith::CeilDivSIOp>()) {
    divide = getConstantIntValue(OpFoldResult(signedDiv.getRhs())).value_or(0);
    value = signedDiv.getLhs();
  }
  auto dim = value.getDefiningOp<memref::DimOp>();
  auto source = dim ? dyn_cast<BlockArgument>(dim.getSource()) : nullptr;
  int64_t number = dim ? dim.getConstantIndex().value_or(-1) : -1;
  if (!source || number < 0 || divide <= 0 ||
      number >= cast<ShapedType>(source.getType()).getRank())
    return grid.emitOpError("expected bounds that are constants, memref.dim of "
                            "an argument, or arith.ceildivui of one by a "
                            "constant");
  return json::Value(
      json::Object{{"argument", static_cast<int64_t>(source.getArgNumber())},
                   {"dim", number},
                   {"divide", divide}});
}

FailureOr<std::string> mla::describeLaunch(func::FuncOp func,
                                           scf::ForallOp grid, int64_t threads,
                                           const KernelContext &context) {
  json::Array arguments, maps, extents;
  for (BlockArgument arg : func.getArguments()) {
    if (isa<MemRefType>(arg.getType()))
      arguments.push_back(
          describeTensor(func, arg, context.written.contains(arg)));
    else
      arguments.push_back(describeScalar(func, arg));
  }
  json::Array parameters = describeParameters(func);
  func.walk([&](cta::TensorMapOp map) {
    parameters.push_back(json::Object{
        {"kind", "tensor_map"}, {"index", static_cast<int64_t>(maps.size())}});
    auto source = cast<BlockArgument>(map.getSource());
    maps.push_back(
        json::Object{{"argument", static_cast<int64_t>(source.getArgNumber())},
                     {"box", json::Array(map.getBox())},
                     {"swizzle", static_cast<int64_t>(map.getSwizzle())}});
  });
  for (OpFoldResult bound : grid.getMixedUpperBound()) {
    FailureOr<json::Value> extent = describeExtent(grid, bound);
    if (failed(extent))
      return failure();
    extents.push_back(std::move(*extent));
  }
  StringRef op;
  if (auto attr = func->getAttrOfType<StringAttr>(kOperatorAttr))
    op = attr.getValue();
  FailureOr<json::Object> constants = describeConstants(func);
  if (failed(constants))
    return failure();
  auto shared = func->getAttrOfType<IntegerAttr>(cta::kSharedBytesAttr);
  json::Object root{{"format", "mla-kernel-package"},
                    {"version", 2},
                    {"compiler", "mla 0.1.0"},
                    {"kernel", func.getSymName()},
                    {"operator", op},
                    {"target", "sm_90a"},
                    {"cubin", "kernel.cubin"},
                    {"arguments", std::move(arguments)},
                    {"parameters", std::move(parameters)},
                    {"tensorMaps", std::move(maps)},
                    {"grid", std::move(extents)},
                    {"block", threads},
                    {"cluster", 1},
                    {"sharedBytes", shared ? shared.getInt() : 0}};
  if (auto options = func->getAttrOfType<DictionaryAttr>(kOptionsAttr)) {
    json::Object values;
    for (NamedAttribute option : options)
      if (auto value = dyn_cast<StringAttr>(option.getValue()))
        values[option.getName().getValue()] = value.getValue();
    root["options"] = std::move(values);
  }
  if (!constants->empty())
    root["constants"] = std::move(*constants);
  std::string text;
  llvm::raw_string_ostream(text) << json::Value(std::move(root));
  return text;
}
