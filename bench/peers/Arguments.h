//===- Arguments.h - a launch's arguments for a peer ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Finds the arguments by name and checks them. What a peer's own interface
// refuses, or what violates an assumption of its kernels, is refused with a
// message: the host code of FlashMLA and FlashAttention prints and ends the
// process, and their kernels check nothing.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_BENCH_PEERS_ARGUMENTS_H
#define MLA_BENCH_PEERS_ARGUMENTS_H

#include "mla/Harness/Peer.h"

#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>

namespace mla_peer {

/// The alignment of addresses and row strides for TMA and 16-byte copies.
inline constexpr int64_t kAlignment = 16;
/// The peers multiply these in int.
inline constexpr int64_t kMaxInt = std::numeric_limits<int>::max();

/// Arguments that the peer has no kernel for.
struct Unsupported : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void expect(bool condition, const std::string &what,
                   const std::string &expected, int64_t got) {
  if (!condition)
    throw Unsupported(what + ": expected " + expected + ", got " +
                      std::to_string(got));
}

/// The arguments by name. Arguments that are never looked up are an error,
/// because the computation would ignore them in silence.
class Arguments {
public:
  /// `peer` is what errors call the library.
  Arguments(const mlaPeerArguments &all, const char *peer)
      : all(all), peer(peer) {
    if (all.count > kMost)
      throw Unsupported("expected at most " + std::to_string(kMost) +
                        " arguments, got " + std::to_string(all.count));
  }

  /// A tensor, or null if it is not among the arguments.
  const mlaTensor *optionalTensor(const char *name, mlaDType dtype,
                                  int32_t rank) {
    const mlaPeerArgument *argument = find(name);
    if (!argument)
      return nullptr;
    std::string what = "argument '" + std::string(name) + "'";
    expect(argument->value.kind == MLA_TENSOR, what, "a tensor (kind 0)",
           argument->value.kind);
    expect(argument->dtype == dtype, what,
           "element type " + std::to_string(dtype), argument->dtype);
    const mlaTensor &tensor = argument->value.value.tensor;
    expect(tensor.rank == rank, what, "rank " + std::to_string(rank),
           tensor.rank);
    expect(tensor.data % kAlignment == 0, what + ": address modulo 16", "0",
           tensor.data % kAlignment);
    return &tensor;
  }

  const mlaTensor &tensor(const char *name, mlaDType dtype, int32_t rank) {
    const mlaTensor *found = optionalTensor(name, dtype, rank);
    if (!found)
      throw Unsupported("argument '" + std::string(name) + "': missing");
    return *found;
  }

  float scalar(const char *name) {
    const mlaPeerArgument *argument = find(name);
    if (!argument || argument->value.kind != MLA_FLOAT)
      throw Unsupported("argument '" + std::string(name) +
                        "': expected a number");
    return static_cast<float>(argument->value.value.f64);
  }

  void expectAllUsed() const {
    for (int32_t i = 0; i < all.count; ++i)
      if (!used[i])
        throw Unsupported("argument '" + std::string(all.arguments[i].name) +
                          "': " + peer + " has no such argument");
  }

private:
  static constexpr int32_t kMost = 16;

  const mlaPeerArgument *find(const char *name) {
    for (int32_t i = 0; i < all.count; ++i)
      if (std::strcmp(all.arguments[i].name, name) == 0) {
        used[i] = true;
        return &all.arguments[i];
      }
    return nullptr;
  }

  const mlaPeerArguments &all;
  std::string peer;
  bool used[kMost] = {};
};

/// Checks the strides of `tensor`: the last one is 1, the others fit an int and
/// 16-byte copies.
inline void expectRows(const mlaTensor &tensor, const std::string &what,
                       int64_t rowMultiple) {
  for (int32_t dim = 0; dim < tensor.rank; ++dim) {
    // The stride of a dimension of one element is never used.
    if (tensor.shape[dim] == 1)
      continue;
    std::string where = what + ": stride of dim " + std::to_string(dim);
    int64_t stride = tensor.strides[dim];
    if (dim == tensor.rank - 1)
      expect(stride == 1, where, "1", stride);
    else
      expect(stride >= 0 && stride <= kMaxInt && stride % rowMultiple == 0,
             where,
             "a multiple of " + std::to_string(rowMultiple) + " below 2^31",
             stride);
  }
}

/// Checks that the tensor is contiguous, as outputs and vectors have to be.
inline void expectDense(const mlaTensor &tensor, const std::string &what) {
  int64_t dense = 1;
  for (int32_t dim = tensor.rank; dim-- > 0; dense *= tensor.shape[dim])
    if (tensor.shape[dim] > 1)
      expect(tensor.strides[dim] == dense,
             what + ": stride of dim " + std::to_string(dim),
             std::to_string(dense), tensor.strides[dim]);
}

inline void expectSize(const mlaTensor &tensor, const char *name, int32_t dim,
                       int64_t size) {
  expect(tensor.shape[dim] == size,
         "argument '" + std::string(name) + "': size of dim " +
             std::to_string(dim),
         std::to_string(size), tensor.shape[dim]);
}

template <typename T> T *pointer(const mlaTensor &tensor) {
  return reinterpret_cast<T *>(static_cast<uintptr_t>(tensor.data));
}

/// A vector of `size` elements that may be missing.
template <typename T>
T *optionalVector(Arguments &arguments, const char *name, mlaDType dtype,
                  int64_t size) {
  const mlaTensor *tensor = arguments.optionalTensor(name, dtype, 1);
  if (!tensor)
    return nullptr;
  expectSize(*tensor, name, 0, size);
  expectDense(*tensor, "argument '" + std::string(name) + "'");
  return pointer<T>(*tensor);
}

} // namespace mla_peer

#endif // MLA_BENCH_PEERS_ARGUMENTS_H
