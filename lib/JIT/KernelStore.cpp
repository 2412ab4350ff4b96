//===- KernelStore.cpp - kernels in memory --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "KernelStore.h"
#include <pthread.h>
#include <set>

using namespace mla;
using runtime::Status;

//===----------------------------------------------------------------------===//
// fork
//===----------------------------------------------------------------------===//

namespace mla {
/// Locks every store while the process forks, so that none is in the middle of
/// a change in the child. Kernels that other threads were compiling are
/// abandoned in the child.
struct ForkGuard {
  std::mutex mutex;
  std::set<KernelStore *> stores;

  static ForkGuard &get() {
    // Leaked: the process may fork during static destruction.
    static ForkGuard *guard = [] {
      pthread_atfork([] { get().prepare(); }, [] { get().release(false); },
                     [] { get().release(true); });
      return new ForkGuard();
    }();
    return *guard;
  }

private:
  void prepare() {
    mutex.lock();
    for (KernelStore *store : stores)
      store->mutex.lock();
  }
  void release(bool inChild) {
    for (KernelStore *store : stores) {
      // Leaked: a condition variable with waiters cannot be destroyed, and the
      // waiting threads do not exist in the child.
      if (inChild)
        new auto(std::exchange(store->flights, {}));
      store->mutex.unlock();
    }
    mutex.unlock();
  }
};
} // namespace mla

KernelStore::KernelStore(size_t capacity) : capacity(capacity) {
  ForkGuard &guard = ForkGuard::get();
  std::lock_guard<std::mutex> lock(guard.mutex);
  guard.stores.insert(this);
}

KernelStore::~KernelStore() {
  ForkGuard &guard = ForkGuard::get();
  std::lock_guard<std::mutex> lock(guard.mutex);
  guard.stores.erase(this);
}

//===----------------------------------------------------------------------===//
// get
//===----------------------------------------------------------------------===//

void KernelStore::keep(const std::string &key, const StoredKernel &kernel,
                       std::list<Item> &evicted) {
  if (auto found = index.find(key); found != index.end()) {
    evicted.splice(evicted.end(), items, found->second);
    index.erase(found);
  }
  items.emplace_front(key, kernel);
  index[key] = items.begin();
  while (items.size() > capacity) {
    index.erase(items.back().first);
    evicted.splice(evicted.end(), items, std::prev(items.end()));
  }
}

Status KernelStore::get(const std::string &key,
                        llvm::function_ref<Status(StoredKernel &)> make,
                        StoredKernel &out, bool &made) {
  // Freed without holding the lock: freeing may unload code from the GPU.
  std::list<Item> evicted;
  made = false;
  std::unique_lock<std::mutex> lock(mutex);
  if (auto found = index.find(key); found != index.end()) {
    items.splice(items.begin(), items, found->second);
    out = found->second->second;
    return Status();
  }
  if (auto found = flights.find(key); found != flights.end()) {
    std::shared_ptr<Flight> flight = found->second;
    flight->landed.wait(lock, [&] { return flight->done; });
    out = flight->kernel;
    return flight->status;
  }
  auto flight = std::make_shared<Flight>();
  flights[key] = flight;
  lock.unlock();
  made = true;
  flight->status = make(flight->kernel);
  lock.lock();
  flight->done = true;
  flights.erase(key);
  if (flight->status.ok())
    keep(key, flight->kernel, evicted);
  flight->landed.notify_all();
  out = flight->kernel;
  return flight->status;
}
