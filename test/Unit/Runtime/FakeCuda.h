//===- FakeCuda.h - a CUDA driver that runs nowhere -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A stand-in for libcuda.so.1, so that the paths behind the driver are tested
// without a GPU. Device memory is host memory; a launch calls back.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_TEST_UNIT_RUNTIME_FAKECUDA_H
#define MLA_TEST_UNIT_RUNTIME_FAKECUDA_H

#include "mla/Runtime/Driver.h"

#include <functional>
#include <map>
#include <string>
#include <vector>

#include <dlfcn.h>

/// What the fake driver answers, and what it was asked.
struct FakeCuda {
  int version = 12080;
  int devices = 1;
  int major = 9, minor = 0;
  /// Result of a call by its name; success where there is none.
  std::map<std::string, int> failures;
  /// What cuFuncGetParamInfo says.
  std::vector<size_t> parameterSizes;
  /// What the linker logs, and what its cubins begin with.
  std::string linkLog, linkError, linkHeader;
  /// Called by every launch with `kernelParams`.
  std::function<void(void **)> onLaunch;

  int modulesLoaded = 0, modulesUnloaded = 0, launches = 0;
  int allocationsAlive = 0, eventsAlive = 0, linksAlive = 0;
  std::map<int, int> functionAttributes;
  mla::runtime::CudaLaunchConfig config = {};
  mla::runtime::CudaLaunchAttribute attribute = {};

  /// The fake driver's state, or null if libcuda.so.1 is a real one.
  static FakeCuda *get() {
    void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    void *symbol = library ? dlsym(library, "mlaFakeCuda") : nullptr;
    return symbol ? reinterpret_cast<FakeCuda *(*)()>(symbol)() : nullptr;
  }
};

#endif // MLA_TEST_UNIT_RUNTIME_FAKECUDA_H
