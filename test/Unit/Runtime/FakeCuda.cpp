//===- FakeCuda.cpp - a CUDA driver that runs nowhere ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "FakeCuda.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

using namespace mla::runtime;

namespace {
FakeCuda &state() {
  static FakeCuda *fake = new FakeCuda();
  return *fake;
}
int resultOf(const char *call) {
  auto found = state().failures.find(call);
  return found == state().failures.end() ? 0 : found->second;
}
thread_local CudaContext currentContext = nullptr;
} // namespace

extern "C" {

FakeCuda *mlaFakeCuda() { return &state(); }

int cuInit(unsigned) { return resultOf("cuInit"); }
int cuDriverGetVersion(int *version) {
  *version = state().version;
  return 0;
}
int cuGetErrorName(int, const char **name) {
  *name = "CUDA_ERROR_FAKE";
  return 0;
}
int cuGetErrorString(int, const char **text) {
  *text = "a fake error";
  return 0;
}
int cuDeviceGetCount(int *count) {
  *count = state().devices;
  return 0;
}
int cuDeviceGet(int *device, int) {
  *device = 0;
  return 0;
}
int cuDeviceGetName(char *name, int size, int) {
  std::strncpy(name, "Fake GPU", static_cast<size_t>(size));
  return 0;
}
int cuDeviceGetAttribute(int *value, int attribute, int) {
  *value = attribute == kCudaAttributeMajor ? state().major : state().minor;
  return 0;
}
int cuDevicePrimaryCtxRetain(CudaContext *context, int) {
  *context = reinterpret_cast<CudaContext>(16);
  return 0;
}
int cuDevicePrimaryCtxRelease_v2(int) { return 0; }
int cuCtxSetCurrent(CudaContext context) {
  currentContext = context;
  return 0;
}
int cuCtxGetCurrent(CudaContext *context) {
  *context = currentContext;
  return 0;
}
int cuCtxGetDevice(int *device) {
  *device = 0;
  return 0;
}
int cuCtxGetId(CudaContext context, unsigned long long *id) {
  *id = reinterpret_cast<uintptr_t>(context);
  return 0;
}
int cuCtxSynchronize() { return resultOf("cuCtxSynchronize"); }
int cuModuleLoadData(CudaModule *module, const void *) {
  *module = reinterpret_cast<CudaModule>(1);
  if (int result = resultOf("cuModuleLoadData"))
    return result;
  ++state().modulesLoaded;
  return 0;
}
int cuModuleUnload(CudaModule) {
  ++state().modulesUnloaded;
  return 0;
}
int cuModuleGetFunction(CudaFunction *function, CudaModule, const char *) {
  *function = reinterpret_cast<CudaFunction>(2);
  return resultOf("cuModuleGetFunction");
}
int cuFuncSetAttribute(CudaFunction, int attribute, int value) {
  state().functionAttributes[attribute] = value;
  return resultOf("cuFuncSetAttribute");
}
int cuFuncGetParamInfo(CudaFunction, size_t index, size_t *offset,
                       size_t *size) {
  if (index >= state().parameterSizes.size())
    return 1;
  *offset = 0;
  *size = state().parameterSizes[index];
  return 0;
}
int cuLaunchKernelEx(const CudaLaunchConfig *config, CudaFunction,
                     void **params, void **) {
  if (int result = resultOf("cuLaunchKernelEx"))
    return result;
  ++state().launches;
  state().config = *config;
  if (config->attributeCount)
    state().attribute = config->attributes[0];
  if (state().onLaunch)
    state().onLaunch(params);
  return 0;
}
int cuTensorMapEncodeTiled(void *map, int, uint32_t rank, void *address,
                           const uint64_t *, const uint64_t *, const uint32_t *,
                           const uint32_t *, int, int, int, int) {
  if (reinterpret_cast<uintptr_t>(map) % 64 != 0)
    return 1;
  std::memset(map, 0, 128);
  std::memcpy(map, &address, sizeof(address));
  std::memcpy(static_cast<char *>(map) + 8, &rank, sizeof(rank));
  return resultOf("cuTensorMapEncodeTiled");
}
int cuMemAlloc_v2(CudaPointer *pointer, size_t size) {
  if (int result = resultOf("cuMemAlloc"))
    return result;
  // As aligned as the driver's.
  void *memory = std::aligned_alloc(512, (size + 511) / 512 * 512);
  *pointer = reinterpret_cast<uintptr_t>(memory);
  ++state().allocationsAlive;
  return 0;
}
int cuMemFree_v2(CudaPointer pointer) {
  std::free(reinterpret_cast<void *>(pointer));
  --state().allocationsAlive;
  return 0;
}
int cuMemcpyHtoD_v2(CudaPointer to, const void *from, size_t size) {
  std::memcpy(reinterpret_cast<void *>(to), from, size);
  return 0;
}
int cuMemcpyDtoH_v2(void *to, CudaPointer from, size_t size) {
  std::memcpy(to, reinterpret_cast<void *>(from), size);
  return 0;
}
int cuStreamCreate(CudaStream *stream, unsigned) {
  *stream = reinterpret_cast<CudaStream>(3);
  return 0;
}
int cuStreamDestroy_v2(CudaStream) { return 0; }
int cuStreamSynchronize(CudaStream) { return resultOf("cuStreamSynchronize"); }
int cuEventCreate(CudaEvent *event, unsigned) {
  *event = reinterpret_cast<CudaEvent>(4);
  ++state().eventsAlive;
  return 0;
}
int cuEventDestroy_v2(CudaEvent) {
  --state().eventsAlive;
  return 0;
}
int cuEventRecord(CudaEvent, CudaStream) { return 0; }
int cuEventSynchronize(CudaEvent) { return 0; }
int cuEventElapsedTime(float *ms, CudaEvent, CudaEvent) {
  *ms = 2.5f;
  return 0;
}

int cuLinkCreate_v2(unsigned count, int *names, void **values, void **link) {
  auto valueOf = [&](int name) {
    return values[std::find(names, names + count, name) - names];
  };
  std::strcpy(static_cast<char *>(valueOf(3)), state().linkLog.c_str());
  std::strcpy(static_cast<char *>(valueOf(5)), state().linkError.c_str());
  if (int failure = resultOf("cuLinkCreate"))
    return failure;
  *link = new std::string();
  ++state().linksAlive;
  return 0;
}
int cuLinkAddData_v2(void *link, int, void *ptx, size_t, const char *, unsigned,
                     int *, void **) {
  *static_cast<std::string *>(link) =
      state().linkHeader + "cubin of " + std::string(static_cast<char *>(ptx));
  return resultOf("cuLinkAddData");
}
int cuLinkComplete(void *link, void **cubin, size_t *size) {
  auto *text = static_cast<std::string *>(link);
  *cubin = text->data();
  *size = text->size();
  return resultOf("cuLinkComplete");
}
int cuLinkDestroy(void *link) {
  delete static_cast<std::string *>(link);
  --state().linksAlive;
  return 0;
}

} // extern "C"
