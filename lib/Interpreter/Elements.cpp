//===- Elements.cpp - element types and single values -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Interpreter/Elements.h"
#include "mla/Runtime/Float.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/ADT/bit.h"
#include <cstring>

using namespace mlir;
using namespace mla;
using namespace mla::interp;

std::optional<ElementType> mla::interp::getElementType(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type)) {
    if (!integer.isSignless())
      return std::nullopt;
    switch (integer.getWidth()) {
    case 1:
      return ElementType::I1;
    case 8:
      return ElementType::I8;
    case 16:
      return ElementType::I16;
    case 32:
      return ElementType::I32;
    case 64:
      return ElementType::I64;
    default:
      return std::nullopt;
    }
  }
  return llvm::TypeSwitch<Type, std::optional<ElementType>>(type)
      .Case([](IndexType) { return ElementType::Index; })
      .Case([](Float8E4M3FNType) { return ElementType::F8E4M3FN; })
      .Case([](Float16Type) { return ElementType::F16; })
      .Case([](BFloat16Type) { return ElementType::BF16; })
      .Case([](Float32Type) { return ElementType::F32; })
      .Default([](Type) { return std::nullopt; });
}

namespace {
struct Properties {
  llvm::StringLiteral name;
  unsigned bits;
};
} // namespace

static const Properties &getProperties(ElementType type) {
  static constexpr Properties table[] = {
      {"i1", 1},     {"i8", 8},       {"i16", 16}, {"i32", 32},  {"i64", 64},
      {"index", 64}, {"f8E4M3FN", 8}, {"f16", 16}, {"bf16", 16}, {"f32", 32}};
  return table[static_cast<unsigned>(type)];
}

llvm::StringRef mla::interp::stringify(ElementType type) {
  return getProperties(type).name;
}

unsigned mla::interp::getBitWidth(ElementType type) {
  return getProperties(type).bits;
}

unsigned mla::interp::getByteWidth(ElementType type) {
  return (getBitWidth(type) + 7) / 8;
}

uint64_t mla::interp::toBits(ElementType type, Lane lane) {
  if (!isFloat(type))
    return zeroExtend(lane.i, getBitWidth(type));
  if (type == ElementType::F32)
    return llvm::bit_cast<uint32_t>(lane.f);
  if (type == ElementType::BF16)
    return runtime::floatToBf16(lane.f);
  if (type == ElementType::F16)
    return runtime::floatToF16(lane.f);
  return runtime::floatToE4m3(lane.f);
}

Lane mla::interp::fromBits(ElementType type, uint64_t bits) {
  if (!isFloat(type))
    return Lane::ofInt(signExtend(bits, getBitWidth(type)));
  if (type == ElementType::F32)
    return Lane::ofFloat(llvm::bit_cast<float>(static_cast<uint32_t>(bits)));
  if (type == ElementType::BF16)
    return Lane::ofFloat(runtime::bf16ToFloat(static_cast<uint16_t>(bits)));
  if (type == ElementType::F16)
    return Lane::ofFloat(runtime::f16ToFloat(static_cast<uint16_t>(bits)));
  return Lane::ofFloat(runtime::e4m3ToFloat(static_cast<uint8_t>(bits)));
}

Lane mla::interp::roundTo(ElementType type, Lane lane) {
  if (type == ElementType::F32)
    return lane;
  return fromBits(type, toBits(type, lane));
}

template <typename T> static T readAs(const void *address) {
  T value;
  std::memcpy(&value, address, sizeof(T));
  return value;
}

Lane mla::interp::readElement(ElementType type, const void *address) {
  switch (getByteWidth(type)) {
  case 1:
    return fromBits(type, readAs<uint8_t>(address));
  case 2:
    return fromBits(type, readAs<uint16_t>(address));
  case 4:
    return fromBits(type, readAs<uint32_t>(address));
  default:
    return fromBits(type, readAs<uint64_t>(address));
  }
}

template <typename T> static void writeAs(void *address, uint64_t bits) {
  T value = static_cast<T>(bits);
  std::memcpy(address, &value, sizeof(T));
}

void mla::interp::writeElement(ElementType type, void *address, Lane lane) {
  uint64_t bits = toBits(type, lane);
  switch (getByteWidth(type)) {
  case 1:
    return writeAs<uint8_t>(address, bits);
  case 2:
    return writeAs<uint16_t>(address, bits);
  case 4:
    return writeAs<uint32_t>(address, bits);
  default:
    return writeAs<uint64_t>(address, bits);
  }
}

Lane mla::interp::fromAttribute(Attribute attribute) {
  if (auto value = dyn_cast<FloatAttr>(attribute))
    return Lane::ofFloat(value.getValue().convertToFloat());
  const llvm::APInt &value = cast<IntegerAttr>(attribute).getValue();
  return Lane::ofInt(value.getSExtValue());
}
