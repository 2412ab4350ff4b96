//===- KernelStore.h - kernels in memory ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_JIT_KERNELSTORE_H
#define MLA_LIB_JIT_KERNELSTORE_H

#include "mla/JIT/CachedCompile.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace mla {

/// One reference to a kernel of the runtime.
class KernelReference {
public:
  KernelReference() = default;
  /// Takes ownership of a reference.
  explicit KernelReference(mlaKernel kernel) : kernel(kernel) {}
  KernelReference(const KernelReference &other) : kernel(other.kernel) {
    if (kernel)
      (void)mlaKernelRetain(kernel);
  }
  KernelReference(KernelReference &&other) { std::swap(kernel, other.kernel); }
  KernelReference &operator=(KernelReference other) {
    std::swap(kernel, other.kernel);
    return *this;
  }
  ~KernelReference() { (void)mlaKernelDestroy(kernel); }

  /// Releases ownership of the reference.
  mlaKernel release() { return std::exchange(kernel, nullptr); }

private:
  mlaKernel kernel = nullptr;
};

struct StoredKernel {
  KernelReference kernel;
  KernelFacts facts;
};

/// Keeps the most recently used kernels. Threads that ask for the same kernel
/// concurrently make it once. The child of a fork may continue to use the
/// store.
class KernelStore {
public:
  explicit KernelStore(size_t capacity);
  ~KernelStore();

  /// Stores the kernel of `key` in `out`. If there is none, `make` makes it, in
  /// this thread or in another one that has already started; a failure is
  /// returned to all waiting threads and not remembered. `made` is whether
  /// `make` ran in this thread.
  runtime::Status get(const std::string &key,
                      llvm::function_ref<runtime::Status(StoredKernel &)> make,
                      StoredKernel &out, bool &made);

private:
  /// A kernel that is being made.
  struct Flight {
    std::condition_variable landed;
    bool done = false;
    runtime::Status status;
    StoredKernel kernel;
  };
  using Item = std::pair<std::string, StoredKernel>;

  void keep(const std::string &key, const StoredKernel &kernel,
            std::list<Item> &evicted);

  friend struct ForkGuard;
  const size_t capacity;
  /// Guards the members below; held briefly.
  std::mutex mutex;
  /// Most recently used first.
  std::list<Item> items;
  std::unordered_map<std::string, std::list<Item>::iterator> index;
  std::unordered_map<std::string, std::shared_ptr<Flight>> flights;
};

} // namespace mla

#endif // MLA_LIB_JIT_KERNELSTORE_H
