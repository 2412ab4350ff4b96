//===- Driver.h - the CUDA driver, opened at run time -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Minimal declarations of the CUDA Driver API, so that neither building nor
// running needs the CUDA toolkit. Each entry names the symbol with the ABI
// declared here (some have _v2 suffixes).
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_DRIVER_H
#define MLA_RUNTIME_DRIVER_H

#include "mla/Runtime/Status.h"

#include <cstddef>
#include <cstdint>

namespace mla::runtime {

/// The driver's handles and types under our own names, so that including
/// cuda.h beside this header is no conflict.
using CudaResult = int;
using CudaDevice = int;
using CudaPointer = uint64_t;
using CudaContext = void *;
using CudaModule = void *;
using CudaFunction = void *;
using CudaStream = void *;
using CudaEvent = void *;
using CudaGraph = void *;
using CudaGraphExec = void *;

/// Values of the driver's enumerations that we use.
enum : int {
  kCudaSuccess = 0,
  kCudaOutOfMemory = 2,
  kCudaNoDevice = 100,
  kCudaInvalidImage = 200,
  kCudaInvalidContext = 201,
  kCudaNoBinaryForGpu = 209,
  kCudaUnsupportedPtxVersion = 222,
  kCudaInvalidSource = 300,
  kCudaInvalidHandle = 400,
  kCudaAttributeSms = 16,
  kCudaAttributeMajor = 75,
  kCudaAttributeMinor = 76,
  kCudaFunctionMaxDynamicShared = 8,
  kCudaFunctionNonPortableCluster = 14,
  kCudaLaunchClusterDimension = 4,
  kCudaLaunchProgrammaticStreamSerialization = 6,
  kCudaStreamNonBlocking = 1,
  kCudaCaptureThreadLocal = 1,
  kCudaCaptureRelaxed = 2,
  kCudaL2Promotion256B = 3,
};

/// CUlaunchAttribute and CUlaunchConfig.
struct CudaLaunchAttribute {
  int id;
  char pad[4];
  union {
    char bytes[64];
    uint32_t clusterDim[3];
    int programmaticStreamSerialization;
  } value;
};
struct CudaLaunchConfig {
  unsigned gridX, gridY, gridZ;
  unsigned blockX, blockY, blockZ;
  unsigned sharedBytes;
  CudaStream stream;
  CudaLaunchAttribute *attributes;
  unsigned attributeCount;
};
static_assert(sizeof(CudaLaunchAttribute) == 72, "as CUlaunchAttribute");
static_assert(offsetof(CudaLaunchConfig, stream) == 32, "as CUlaunchConfig");
static_assert(sizeof(CudaLaunchConfig) == 56, "as CUlaunchConfig");

/// X(member, symbol, parameters): entries that every driver since 12.0 has.
#define MLA_DRIVER_ENTRIES(X)                                                  \
  X(cuInit, "cuInit", (unsigned))                                              \
  X(cuDriverGetVersion, "cuDriverGetVersion", (int *))                         \
  X(cuGetErrorName, "cuGetErrorName", (CudaResult, const char **))             \
  X(cuGetErrorString, "cuGetErrorString", (CudaResult, const char **))         \
  X(cuDeviceGetCount, "cuDeviceGetCount", (int *))                             \
  X(cuDeviceGet, "cuDeviceGet", (CudaDevice *, int))                           \
  X(cuDeviceGetName, "cuDeviceGetName", (char *, int, CudaDevice))             \
  X(cuDeviceGetAttribute, "cuDeviceGetAttribute", (int *, int, CudaDevice))    \
  X(cuDevicePrimaryCtxRetain, "cuDevicePrimaryCtxRetain",                      \
    (CudaContext *, CudaDevice))                                               \
  X(cuDevicePrimaryCtxRelease, "cuDevicePrimaryCtxRelease_v2", (CudaDevice))   \
  X(cuCtxSetCurrent, "cuCtxSetCurrent", (CudaContext))                         \
  X(cuCtxGetCurrent, "cuCtxGetCurrent", (CudaContext *))                       \
  X(cuCtxGetDevice, "cuCtxGetDevice", (CudaDevice *))                          \
  X(cuCtxGetId, "cuCtxGetId", (CudaContext, unsigned long long *))             \
  X(cuCtxSynchronize, "cuCtxSynchronize", ())                                  \
  X(cuModuleLoadData, "cuModuleLoadData", (CudaModule *, const void *))        \
  X(cuModuleUnload, "cuModuleUnload", (CudaModule))                            \
  X(cuModuleGetFunction, "cuModuleGetFunction",                                \
    (CudaFunction *, CudaModule, const char *))                                \
  X(cuFuncSetAttribute, "cuFuncSetAttribute", (CudaFunction, int, int))        \
  X(cuLaunchKernelEx, "cuLaunchKernelEx",                                      \
    (const CudaLaunchConfig *, CudaFunction, void **, void **))                \
  X(cuTensorMapEncodeTiled, "cuTensorMapEncodeTiled",                          \
    (void *, int, uint32_t, void *, const uint64_t *, const uint64_t *,        \
     const uint32_t *, const uint32_t *, int, int, int, int))                  \
  X(cuMemAlloc, "cuMemAlloc_v2", (CudaPointer *, size_t))                      \
  X(cuMemFree, "cuMemFree_v2", (CudaPointer))                                  \
  X(cuMemcpyHtoD, "cuMemcpyHtoD_v2", (CudaPointer, const void *, size_t))      \
  X(cuMemcpyDtoH, "cuMemcpyDtoH_v2", (void *, CudaPointer, size_t))            \
  X(cuStreamCreate, "cuStreamCreate", (CudaStream *, unsigned))                \
  X(cuStreamDestroy, "cuStreamDestroy_v2", (CudaStream))                       \
  X(cuStreamSynchronize, "cuStreamSynchronize", (CudaStream))                  \
  X(cuStreamGetCtx, "cuStreamGetCtx", (CudaStream, CudaContext *))             \
  X(cuThreadExchangeStreamCaptureMode, "cuThreadExchangeStreamCaptureMode",    \
    (int *))                                                                   \
  X(cuEventCreate, "cuEventCreate", (CudaEvent *, unsigned))                   \
  X(cuEventDestroy, "cuEventDestroy_v2", (CudaEvent))                          \
  X(cuEventRecord, "cuEventRecord", (CudaEvent, CudaStream))                   \
  X(cuEventElapsedTime, "cuEventElapsedTime", (float *, CudaEvent, CudaEvent))

/// Entries that may be missing: their users must test for null.
#define MLA_DRIVER_OPTIONAL_ENTRIES(X)                                         \
  X(cuFuncLoad, "cuFuncLoad", (CudaFunction))                                  \
  X(cuFuncGetParamInfo, "cuFuncGetParamInfo",                                  \
    (CudaFunction, size_t, size_t *, size_t *))                                \
  X(cuLinkCreate, "cuLinkCreate_v2", (unsigned, int *, void **, void **))      \
  X(cuLinkAddData, "cuLinkAddData_v2",                                         \
    (void *, int, void *, size_t, const char *, unsigned, int *, void **))     \
  X(cuLinkComplete, "cuLinkComplete", (void *, void **, size_t *))             \
  X(cuLinkDestroy, "cuLinkDestroy", (void *))                                  \
  X(cuMemsetD8Async, "cuMemsetD8Async",                                        \
    (CudaPointer, unsigned char, size_t, CudaStream))                          \
  X(cuStreamBeginCapture, "cuStreamBeginCapture_v2", (CudaStream, int))        \
  X(cuStreamEndCapture, "cuStreamEndCapture", (CudaStream, CudaGraph *))       \
  X(cuGraphInstantiate, "cuGraphInstantiateWithFlags",                         \
    (CudaGraphExec *, CudaGraph, unsigned long long))                          \
  X(cuGraphLaunch, "cuGraphLaunch", (CudaGraphExec, CudaStream))               \
  X(cuGraphDestroy, "cuGraphDestroy", (CudaGraph))                             \
  X(cuGraphExecDestroy, "cuGraphExecDestroy", (CudaGraphExec))

/// The driver's entry points. There is one for the process.
struct Driver {
#define MLA_DRIVER_MEMBER(member, symbol, parameters)                          \
  CudaResult(*member) parameters = nullptr;
  MLA_DRIVER_ENTRIES(MLA_DRIVER_MEMBER)
  MLA_DRIVER_OPTIONAL_ENTRIES(MLA_DRIVER_MEMBER)
#undef MLA_DRIVER_MEMBER

  /// CUDA version that the driver supports: 1000 * major + 10 * minor.
  int version = 0;

  /// Opens libcuda.so.1 and calls cuInit on first use; later calls give the
  /// same answer. Errors: MLA_NO_DRIVER (no library, no device; in a process
  /// forked after that first use), MLA_UNSUPPORTED_DRIVER (older than CUDA
  /// 12.0).
  static Status get(const Driver *&out);

  /// The version of libcuda.so.1 as above, or 0 where there is none. Does not
  /// initialise CUDA: the process may still fork.
  static int installedVersion();

  /// The Status of a driver call: names the call and gives the driver's text.
  Status check(CudaResult result, const char *call) const {
    return result == kCudaSuccess ? Status() : failure(result, call);
  }

private:
  Status failure(CudaResult result, const char *call) const;
  Status open();
};

} // namespace mla::runtime

/// Calls a driver entry and returns its failure from the enclosing function.
#define MLA_DRIVER_CALL(driver, entry, ...)                                    \
  MLA_RETURN_IF_ERROR((driver).check((driver).entry(__VA_ARGS__), #entry))

#endif // MLA_RUNTIME_DRIVER_H
