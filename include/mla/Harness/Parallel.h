//===- Parallel.h - loops on all processors ---------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_HARNESS_PARALLEL_H
#define MLA_HARNESS_PARALLEL_H

#include <cstdint>
#include <functional>

namespace mla::harness {

/// Runs `body(begin, end)` over [0, count) in chunks of `chunk`, on all
/// processors; returns when all are done. The chunks do not depend on the
/// number of threads. An exception of `body` (such as std::bad_alloc) stops the
/// loop and is rethrown to the caller.
void parallelFor(int64_t count, int64_t chunk,
                 const std::function<void(int64_t, int64_t)> &body);

} // namespace mla::harness

#endif // MLA_HARNESS_PARALLEL_H
