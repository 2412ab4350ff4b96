//===- Driver.cpp - the CUDA driver, opened at run time -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Runtime/Driver.h"

#include <atomic>

#include <dlfcn.h>
#include <pthread.h>

namespace mla::runtime {

namespace {

constexpr const char *kLibrary = "libcuda.so.1";
constexpr int kOldestVersion = 12000;

std::string versionText(int version) {
  return std::to_string(version / 1000) + "." +
         std::to_string(version % 1000 / 10);
}

/// The result of cuDriverGetVersion of an open driver; 0 if it fails.
int askVersion(void *library) {
  auto ask = reinterpret_cast<decltype(Driver::cuDriverGetVersion)>(
      dlsym(library, "cuDriverGetVersion"));
  int version = 0;
  return ask && ask(&version) == kCudaSuccess ? version : 0;
}

/// Whether this process was forked from one that had opened the driver.
std::atomic<bool> forked{false};

/// Errors after which every call in the context fails: a fault of a kernel or
/// of the device. They are returned by the next call, whatever it does.
bool losesContext(CudaResult result) {
  switch (result) {
  case 214: // CUDA_ERROR_ECC_UNCORRECTABLE
  case 220: // CUDA_ERROR_NVLINK_UNCORRECTABLE
  case 226: // CUDA_ERROR_CONTAINED
  case 700: // CUDA_ERROR_ILLEGAL_ADDRESS
  case 702: // CUDA_ERROR_LAUNCH_TIMEOUT
  case 710: // CUDA_ERROR_ASSERT
  case 714: // CUDA_ERROR_HARDWARE_STACK_ERROR
  case 715: // CUDA_ERROR_ILLEGAL_INSTRUCTION
  case 716: // CUDA_ERROR_MISALIGNED_ADDRESS
  case 717: // CUDA_ERROR_INVALID_ADDRESS_SPACE
  case 718: // CUDA_ERROR_INVALID_PC
  case 719: // CUDA_ERROR_LAUNCH_FAILED
    return true;
  default:
    return false;
  }
}

} // namespace

Status Driver::failure(CudaResult result, const char *call) const {
  const char *name = nullptr, *text = nullptr;
  if (cuGetErrorName)
    cuGetErrorName(result, &name);
  if (cuGetErrorString)
    cuGetErrorString(result, &text);
  std::string message = std::string(call) +
                        " failed: " + (name ? name : "unknown error") + " (" +
                        std::to_string(result) + ")";
  if (text)
    message += std::string(": ") + text;
  if (losesContext(result))
    return Status(MLA_DEVICE_LOST,
                  message + "; a kernel or the device broke down before this "
                            "call, and the context is of no more use");
  return Status(result == kCudaOutOfMemory ? MLA_OUT_OF_MEMORY
                                           : MLA_DRIVER_ERROR,
                message);
}

Status Driver::open() {
  // Never closed: the driver's threads live as long as the process.
  void *library = dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *reason = dlerror();
    return Status(MLA_NO_DRIVER, std::string("cannot open the CUDA driver ") +
                                     kLibrary + ": " +
                                     (reason ? reason : "unknown reason"));
  }
  // The version is checked before the symbols: for an old driver, "too old" is
  // a better error than the first missing symbol.
  version = askVersion(library);
  if (version == 0)
    return Status(MLA_NO_DRIVER,
                  std::string(kLibrary) + " does not tell its version");
  if (version < kOldestVersion)
    return Status(MLA_UNSUPPORTED_DRIVER,
                  "expected a driver for CUDA " + versionText(kOldestVersion) +
                      " or newer, got one for CUDA " + versionText(version));
#define MLA_DRIVER_RESOLVE(member, symbol, parameters)                         \
  member = reinterpret_cast<decltype(member)>(dlsym(library, symbol));
#define MLA_DRIVER_REQUIRE(member, symbol, parameters)                         \
  MLA_DRIVER_RESOLVE(member, symbol, parameters)                               \
  if (!member)                                                                 \
    return Status(MLA_UNSUPPORTED_DRIVER,                                      \
                  std::string(kLibrary) + " lacks the symbol " symbol);
  MLA_DRIVER_ENTRIES(MLA_DRIVER_REQUIRE)
  MLA_DRIVER_OPTIONAL_ENTRIES(MLA_DRIVER_RESOLVE)
#undef MLA_DRIVER_REQUIRE
#undef MLA_DRIVER_RESOLVE
  Status initialised = check(cuInit(0), "cuInit");
  if (!initialised.ok())
    return Status(MLA_NO_DRIVER, initialised.message());
  int devices = 0;
  MLA_DRIVER_CALL(*this, cuDeviceGetCount, &devices);
  if (devices == 0)
    return Status(MLA_NO_DRIVER, "the CUDA driver sees no device");
  return Status();
}

int Driver::installedVersion() {
  // Not closed, as in open().
  void *library = dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  return library ? askVersion(library) : 0;
}

Status Driver::get(const Driver *&out) {
  struct Opened {
    Driver driver;
    Status status;
    Opened() {
      pthread_atfork(nullptr, nullptr, [] { forked = true; });
      status = driver.open();
    }
  };
  // Checked first: threads that do not exist after the fork may hold locks.
  if (forked.load(std::memory_order_relaxed)) {
    out = nullptr;
    return Status(MLA_NO_DRIVER,
                  "this process was forked after the CUDA driver was opened, "
                  "which CUDA does not survive: fork earlier, or start the "
                  "process by exec (in Python: multiprocessing's 'spawn')");
  }
  // Leaked, so that it outlives kernels that static destructors free.
  static const Opened *opened = new Opened();
  out = opened->status.ok() ? &opened->driver : nullptr;
  return opened->status;
}

} // namespace mla::runtime
