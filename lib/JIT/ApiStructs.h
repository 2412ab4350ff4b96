//===- ApiStructs.h - structs of callers of the C interface -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_JIT_APISTRUCTS_H
#define MLA_LIB_JIT_APISTRUCTS_H

#include "mla/JIT/JIT.h"
#include "mla/JIT/Operators.h"
#include "mla/Runtime/Status.h"
#include "llvm/Support/FormatVariadic.h"
#include <algorithm>
#include <cstring>

namespace mla {

inline runtime::Status nullArgument(const char *name) {
  return runtime::invalidArgument(std::string("'") + name +
                                  "': expected an address, got null");
}

/// Copies the caller's struct `in` to `out`. The struct of a newer version may
/// have more fields, which have to be zero.
template <typename T>
runtime::Status readStruct(const char *name, const T *in, T &out) {
  if (!in)
    return nullArgument(name);
  if (in->size < sizeof(T) || in->size > 4096)
    return runtime::invalidArgument(
        llvm::formatv("'{0}.size': expected {1} or a little more, got {2}",
                      name, sizeof(T), in->size)
            .str());
  const char *bytes = reinterpret_cast<const char *>(in);
  if (std::any_of(bytes + sizeof(T), bytes + in->size,
                  [](char byte) { return byte != 0; }))
    return runtime::invalidArgument(
        llvm::formatv("'{0}': a field is set that mla-jit {1} does not know",
                      name, MLA_JIT_VERSION)
            .str());
  out = *in;
  return runtime::Status();
}

/// Checks the struct that a function fills in. Fields of a newer version stay
/// unchanged.
template <typename T>
runtime::Status checkOutput(const char *name, const T *out) {
  if (!out)
    return nullArgument(name);
  if (out->size >= sizeof(T))
    return runtime::Status();
  return runtime::invalidArgument(
      llvm::formatv("'{0}.size': expected {1} or more, got {2}", name,
                    sizeof(T), out->size)
          .str());
}

/// Reads the caller's description of an operator.
runtime::Status readOperator(const mlaOperator *in,
                             std::optional<OperatorSpec> &out);

} // namespace mla

#endif // MLA_LIB_JIT_APISTRUCTS_H
