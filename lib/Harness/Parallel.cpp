//===- Parallel.cpp - loops on all processors -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Harness/Parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace mla::harness {

void parallelFor(int64_t count, int64_t chunk,
                 const std::function<void(int64_t, int64_t)> &body) {
  int64_t chunks = (count + chunk - 1) / chunk;
  int64_t processors =
      std::max<int64_t>(1, std::thread::hardware_concurrency());
  std::atomic<int64_t> next{0};
  std::exception_ptr failure;
  std::mutex failureMutex;
  auto work = [&] {
    try {
      for (int64_t i = next++; i < chunks; i = next++)
        body(i * chunk, std::min(count, (i + 1) * chunk));
    } catch (...) {
      std::lock_guard<std::mutex> lock(failureMutex);
      failure = std::current_exception();
      next = chunks;
    }
  };
  std::vector<std::thread> threads;
  for (int64_t i = 1; i < std::min(processors, chunks); ++i)
    threads.emplace_back(work);
  work();
  for (std::thread &thread : threads)
    thread.join();
  if (failure)
    std::rethrow_exception(failure);
}

} // namespace mla::harness
