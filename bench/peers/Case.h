//===- Case.h - a case that a peer's kernels compute ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_BENCH_PEERS_CASE_H
#define MLA_BENCH_PEERS_CASE_H

#include "Arguments.h"

#include <cuda_runtime_api.h>

#include <cstdio>
#include <exception>

/// Checked arguments in the peer's form, and the memory that its kernels need.
struct mlaPeerCase {
  virtual ~mlaPeerCase() = default;
  virtual void launch(int32_t phase, mlaStream stream) = 0;
};

namespace mla_peer {

inline void check(cudaError_t error, const char *call) {
  if (error != cudaSuccess)
    throw std::runtime_error(std::string(call) +
                             " failed: " + cudaGetErrorString(error));
}

/// Of the current device.
inline int deviceAttribute(cudaDeviceAttr attribute) {
  int device = 0, value = 0;
  check(cudaGetDevice(&device), "cudaGetDevice");
  check(cudaDeviceGetAttribute(&value, attribute, device),
        "cudaDeviceGetAttribute");
  return value;
}

/// Calls `body`; exceptions become results of the interface.
template <typename Body>
int32_t guarded(char *error, size_t errorSize, Body body) {
  try {
    body();
    return MLA_PEER_SUCCESS;
  } catch (const Unsupported &reason) {
    std::snprintf(error, errorSize, "%s", reason.what());
    return MLA_PEER_UNSUPPORTED;
  } catch (const std::exception &reason) {
    std::snprintf(error, errorSize, "%s", reason.what());
    return MLA_PEER_FAILED;
  }
}

} // namespace mla_peer

#endif // MLA_BENCH_PEERS_CASE_H
