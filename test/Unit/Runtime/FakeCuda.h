//===- FakeCuda.h - a fake CUDA driver --------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Replaces libcuda.so.1, so that code that calls the driver is tested without a
// GPU. Device memory is host memory; a launch calls a callback.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_TEST_UNIT_RUNTIME_FAKECUDA_H
#define MLA_TEST_UNIT_RUNTIME_FAKECUDA_H

#include "mla/Runtime/Driver.h"

#include <atomic>
#include <cstdlib>
#include <functional>
#include <map>
#include <new>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <dlfcn.h>

/// How often each entry was called.
struct FakeCalls {
#define MLA_FAKE_CALLS(member, symbol, parameters) std::atomic<int> member{0};
  MLA_DRIVER_ENTRIES(MLA_FAKE_CALLS)
  MLA_DRIVER_OPTIONAL_ENTRIES(MLA_FAKE_CALLS)
#undef MLA_FAKE_CALLS

  int total() const {
    int sum = 0;
#define MLA_FAKE_CALLS(member, symbol, parameters) sum += member;
    MLA_DRIVER_ENTRIES(MLA_FAKE_CALLS)
    MLA_DRIVER_OPTIONAL_ENTRIES(MLA_FAKE_CALLS)
#undef MLA_FAKE_CALLS
    return sum;
  }
};

/// The results of the fake driver's calls, and a record of its calls.
struct FakeCuda {
  FakeCuda() {
    // "8,4,128" of every kernel, or "plan=8,4;split=8,8" by symbol, for a
    // program that knows nothing of the fake driver.
    const char *text = std::getenv("MLA_FAKE_CUDA_PARAMETERS");
    std::istringstream kernels(text ? text : "");
    for (std::string kernel; std::getline(kernels, kernel, ';');) {
      size_t end = kernel.find('=');
      std::vector<size_t> &sizes =
          end == std::string::npos ? parameterSizes
                                   : parameterSizesOf[kernel.substr(0, end)];
      // npos + 1 is 0.
      std::istringstream list(kernel.substr(end + 1));
      for (std::string size; std::getline(list, size, ',');)
        sizes.push_back(std::stoul(size));
    }
  }
  FakeCuda(const FakeCuda &) = delete;
  FakeCuda &operator=(const FakeCuda &) = delete;
  /// Resets the state.
  void reset() {
    this->~FakeCuda();
    new (this) FakeCuda();
  }

  int version = 13000;
  int devices = 1;
  int major = 9, minor = 0, sms = 132;
  /// Results of calls by name; success without an entry.
  std::map<std::string, int, std::less<>> failures;
  /// The context of a stream; the current one where there is no entry.
  std::map<mla::runtime::CudaStream, mla::runtime::CudaContext> streams;
  /// The device whose memory a pointer is in; 0 where there is no entry.
  std::map<mla::runtime::CudaPointer, int> pointerDevices;
  /// A graph is being captured: loading code fails unless the thread has
  /// permitted it.
  bool capturing = false;
  /// Allocations of more bytes than this fail.
  size_t mostBytes = SIZE_MAX;
  /// The result of cuDeviceGetName.
  std::string deviceName = "Fake GPU";
  /// Whether calls are recorded by name, in order. Not thread-safe.
  bool keepLog = false;
  std::vector<std::string> log;
  /// The result of cuFuncGetParamInfo, for all kernels and for those with this
  /// symbol.
  std::vector<size_t> parameterSizes;
  std::map<std::string, std::vector<size_t>> parameterSizesOf;
  /// The linker's log, and the beginning of its cubins.
  std::string linkLog, linkError, linkHeader;
  /// Whether launches are recorded, besides being counted. Not thread-safe.
  bool keepLaunches = true;
  /// Called by every launch with `kernelParams`.
  std::function<void(void **)> onLaunch;
  /// Called in the thread that launches, also without keepLaunches.
  std::function<void(const mla::runtime::CudaLaunchConfig &, void **)>
      onLaunchInThread;
  /// The result of cuEventElapsedTime.
  float milliseconds = 2.5f;

  FakeCalls calls;
  std::atomic<int> modulesLoaded{0}, modulesUnloaded{0}, launches{0};
  int allocationsAlive = 0, eventsAlive = 0, linksAlive = 0, graphsAlive = 0;
  /// Launches of the graph that is being captured.
  int captured = 0;
  /// By the last cuMemsetD8Async.
  size_t writtenBytes = 0;
  std::map<int, int> functionAttributes;
  /// The symbols that cuModuleGetFunction was asked for: a handle is the
  /// address of one.
  std::set<std::string> symbols;
  /// Launches in order, where keepLog.
  struct Launch {
    std::string symbol;
    mla::runtime::CudaLaunchConfig config;
    std::map<int, mla::runtime::CudaLaunchAttribute> attributes;
  };
  std::vector<Launch> history;
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
