//===- Elements.h - element types and single values -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_INTERPRETER_ELEMENTS_H
#define MLA_INTERPRETER_ELEMENTS_H

#include "mlir/IR/Attributes.h"
#include "mlir/IR/Types.h"
#include <cstdint>
#include <optional>

namespace mla::interp {

enum class ElementType : uint8_t {
  I1,
  I8,
  I16,
  I32,
  I64,
  Index,
  F8E4M3FN,
  F16,
  BF16,
  F32
};

/// The element type of the scalar type `type`, if it is supported.
std::optional<ElementType> getElementType(mlir::Type type);

/// MLIR's spelling of the type, e.g. "bf16".
llvm::StringRef stringify(ElementType type);

inline bool isFloat(ElementType type) { return type >= ElementType::F8E4M3FN; }

/// Bits of a value; 64 for index.
unsigned getBitWidth(ElementType type);

/// Bytes of an element in memory; 1 for i1.
unsigned getByteWidth(ElementType type);

/// One value of any element type. Floats of every type are stored as f32,
/// integers sign-extended to 64 bits, so a true i1 is -1.
union Lane {
  float f;
  int64_t i;

  static Lane ofFloat(float value) {
    Lane lane;
    lane.f = value;
    return lane;
  }
  static Lane ofInt(int64_t value) {
    Lane lane;
    lane.i = value;
    return lane;
  }
};

/// The low `width` bits of `value`, zero-extended.
inline uint64_t zeroExtend(int64_t value, unsigned width) {
  uint64_t bits = static_cast<uint64_t>(value);
  return width >= 64 ? bits : bits & ((uint64_t(1) << width) - 1);
}

/// The low `width` bits of `value`, sign-extended.
inline int64_t signExtend(uint64_t value, unsigned width) {
  unsigned shift = 64 - width;
  return static_cast<int64_t>(value << shift) >> shift;
}

/// Converts `lane` to `type`: floats are rounded to nearest even, integers
/// wrap.
Lane roundTo(ElementType type, Lane lane);

/// Conversion to and from the encoding of a value, in the low bits.
uint64_t toBits(ElementType type, Lane lane);
Lane fromBits(ElementType type, uint64_t bits);

/// Reads or writes one element; `address` need not be aligned.
Lane readElement(ElementType type, const void *address);
void writeElement(ElementType type, void *address, Lane lane);

/// The value of an integer or float attribute.
Lane fromAttribute(mlir::Attribute attribute);

} // namespace mla::interp

#endif // MLA_INTERPRETER_ELEMENTS_H
