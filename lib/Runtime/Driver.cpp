//===- Driver.cpp - the CUDA driver, opened at run time -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Runtime/Driver.h"

#include <dlfcn.h>

namespace mla::runtime {

namespace {

constexpr const char *kLibrary = "libcuda.so.1";
constexpr int kOldestVersion = 12000;

std::string versionText(int version) {
  return std::to_string(version / 1000) + "." +
         std::to_string(version % 1000 / 10);
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
  // The version first: an old driver lacks symbols, and "too old" says more
  // than the name of the first that is missing.
  cuDriverGetVersion = reinterpret_cast<decltype(cuDriverGetVersion)>(
      dlsym(library, "cuDriverGetVersion"));
  if (!cuDriverGetVersion || cuDriverGetVersion(&version) != kCudaSuccess)
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

Status Driver::get(const Driver *&out) {
  struct Opened {
    Driver driver;
    Status status;
    Opened() : status(driver.open()) {}
  };
  // Leaked, so that it outlives kernels that static destructors free.
  static const Opened *opened = new Opened();
  out = opened->status.ok() ? &opened->driver : nullptr;
  return opened->status;
}

} // namespace mla::runtime
