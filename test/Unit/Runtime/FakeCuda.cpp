//===- FakeCuda.cpp - a fake CUDA driver ----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "FakeCuda.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

using namespace mla::runtime;

namespace {
FakeCuda &state() {
  static FakeCuda *fake = new FakeCuda();
  return *fake;
}

/// Counts a call and returns its result. Without a log it neither allocates nor
/// locks, so that a test can count the allocations and locks of the runtime.
int called(std::atomic<int> FakeCalls::*call, std::string_view name) {
  ++(state().calls.*call);
  if (state().keepLog)
    state().log.emplace_back(name);
  auto found = state().failures.find(name);
  return found == state().failures.end() ? 0 : found->second;
}
#define CALLED(entry) called(&FakeCalls::entry, #entry)

thread_local CudaContext currentContext = nullptr, pushedContext = nullptr;
thread_local int captureMode = 0;

/// Context 16 belongs to device 0, context 32 to device 1, and so on.
int deviceOf(CudaContext context) {
  return static_cast<int>(reinterpret_cast<uintptr_t>(context) / 16) - 1;
}

CudaContext contextOf(CudaStream stream) {
  auto found = state().streams.find(stream);
  return found == state().streams.end() ? currentContext : found->second;
}
} // namespace

extern "C" {

FakeCuda *mlaFakeCuda() { return &state(); }

// For other languages.
void mlaFakeCudaReset() { state().reset(); }
void mlaFakeCudaFail(const char *call, int result) {
  state().failures[call] = result;
}
void mlaFakeCudaSetParameterSizes(const size_t *sizes, int count) {
  state().parameterSizes.assign(sizes, sizes + count);
}
void mlaFakeCudaSetParameterSizesOf(const char *kernel, const size_t *sizes,
                                    int count) {
  state().parameterSizesOf[kernel].assign(sizes, sizes + count);
}
void mlaFakeCudaSetStreamContext(CudaStream stream, CudaContext context) {
  state().streams[stream] = context;
}
void mlaFakeCudaSetPointerDevice(CudaPointer pointer, int device) {
  state().pointerDevices[pointer] = device;
}
void mlaFakeCudaSetDevices(int count) { state().devices = count; }
int mlaFakeCudaStreamSynchronizations() {
  return state().calls.cuStreamSynchronize;
}
void mlaFakeCudaOnLaunch(void (*call)(void **, CudaStream, CudaContext)) {
  state().onLaunch = [call](void **parameters) {
    call(parameters, state().config.stream, currentContext);
  };
}

int cuInit(unsigned) { return CALLED(cuInit); }
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
int cuDeviceGet(int *device, int ordinal) {
  *device = ordinal;
  return ordinal < state().devices ? 0 : 101;
}
int cuDeviceGetName(char *name, int size, int) {
  std::strncpy(name, state().deviceName.c_str(), static_cast<size_t>(size));
  return 0;
}
int cuDeviceGetAttribute(int *value, int attribute, int) {
  *value = attribute == kCudaAttributeMajor ? state().major
           : attribute == kCudaAttributeSms ? state().sms
                                            : state().minor;
  return 0;
}
int cuDevicePrimaryCtxRetain(CudaContext *context, int device) {
  *context = reinterpret_cast<CudaContext>(uintptr_t(device + 1) * 16);
  return CALLED(cuDevicePrimaryCtxRetain);
}
int cuDevicePrimaryCtxRelease_v2(int) {
  return CALLED(cuDevicePrimaryCtxRelease);
}
int cuCtxSetCurrent(CudaContext context) {
  currentContext = context;
  return CALLED(cuCtxSetCurrent);
}
int cuCtxPushCurrent_v2(CudaContext context) {
  pushedContext = currentContext;
  currentContext = context;
  return 0;
}
int cuCtxPopCurrent_v2(CudaContext *context) {
  *context = currentContext;
  currentContext = pushedContext;
  return 0;
}
int cuCtxGetCurrent(CudaContext *context) {
  *context = currentContext;
  return CALLED(cuCtxGetCurrent);
}
int cuCtxGetDevice(int *device) {
  *device = deviceOf(currentContext);
  return CALLED(cuCtxGetDevice);
}
int cuCtxGetId(CudaContext context, unsigned long long *id) {
  *id = reinterpret_cast<uintptr_t>(context);
  return CALLED(cuCtxGetId);
}
int cuPointerGetAttribute(void *value, int, CudaPointer pointer) {
  auto found = state().pointerDevices.find(pointer);
  int device = found == state().pointerDevices.end() ? 0 : found->second;
  std::memcpy(value, &device, sizeof(device));
  return 0;
}
int cuCtxSynchronize() { return CALLED(cuCtxSynchronize); }
int cuModuleLoadData(CudaModule *module, const void *) {
  int result = CALLED(cuModuleLoadData);
  if (result == 0 && state().capturing && captureMode != kCudaCaptureRelaxed)
    return 900; // CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED
  *module = reinterpret_cast<CudaModule>(1);
  if (result == 0)
    ++state().modulesLoaded;
  return result;
}
int cuModuleUnload(CudaModule) {
  ++state().modulesUnloaded;
  return CALLED(cuModuleUnload);
}
int cuModuleGetFunction(CudaFunction *function, CudaModule,
                        const char *symbol) {
  *function = const_cast<std::string *>(&*state().symbols.insert(symbol).first);
  return CALLED(cuModuleGetFunction);
}
int cuFuncLoad(CudaFunction) { return CALLED(cuFuncLoad); }
int cuFuncSetAttribute(CudaFunction, int attribute, int value) {
  state().functionAttributes[attribute] = value;
  return CALLED(cuFuncSetAttribute);
}
int cuFuncGetParamInfo(CudaFunction function, size_t index, size_t *offset,
                       size_t *size) {
  int result = CALLED(cuFuncGetParamInfo);
  auto own =
      state().parameterSizesOf.find(*static_cast<std::string *>(function));
  const std::vector<size_t> &sizes = own == state().parameterSizesOf.end()
                                         ? state().parameterSizes
                                         : own->second;
  if (index >= sizes.size())
    return 1;
  *offset = 0;
  *size = sizes[index];
  return result;
}
int cuLaunchKernelEx(const CudaLaunchConfig *config, CudaFunction function,
                     void **params, void **) {
  if (int result = CALLED(cuLaunchKernelEx))
    return result;
  if (state().keepLog) {
    FakeCuda::Launch launch = {
        *static_cast<std::string *>(function), *config, {}};
    for (unsigned i = 0; i < config->attributeCount; ++i)
      launch.attributes[config->attributes[i].id] = config->attributes[i];
    state().history.push_back(launch);
  }
  if (contextOf(config->stream) != currentContext)
    return kCudaInvalidHandle;
  if (state().capturing) {
    ++state().captured;
    return 0;
  }
  ++state().launches;
  if (state().onLaunchInThread)
    state().onLaunchInThread(*config, params);
  if (!state().keepLaunches)
    return 0;
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
  return CALLED(cuTensorMapEncodeTiled);
}
int cuMemAlloc_v2(CudaPointer *pointer, size_t size) {
  if (int result = CALLED(cuMemAlloc))
    return result;
  if (size > state().mostBytes)
    return kCudaOutOfMemory;
  // Aligned like the driver's memory.
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
int cuStreamSynchronize(CudaStream) { return CALLED(cuStreamSynchronize); }
int cuStreamIsCapturing(CudaStream, int *status) {
  *status = state().capturing;
  return 0;
}
int cuStreamGetCtx(CudaStream stream, CudaContext *context) {
  *context = contextOf(stream);
  return CALLED(cuStreamGetCtx);
}
int cuThreadExchangeStreamCaptureMode(int *mode) {
  int result = CALLED(cuThreadExchangeStreamCaptureMode);
  if (result == 0)
    std::swap(*mode, captureMode);
  return result;
}
int cuEventCreate(CudaEvent *event, unsigned) {
  *event = reinterpret_cast<CudaEvent>(4);
  ++state().eventsAlive;
  return 0;
}
int cuEventDestroy_v2(CudaEvent) {
  --state().eventsAlive;
  return 0;
}
int cuEventRecord(CudaEvent, CudaStream) { return CALLED(cuEventRecord); }
int cuEventElapsedTime(float *ms, CudaEvent, CudaEvent) {
  *ms = state().milliseconds;
  return 0;
}

int cuMemsetD8Async(CudaPointer, unsigned char, size_t size, CudaStream) {
  state().writtenBytes = size;
  return CALLED(cuMemsetD8Async);
}
// A graph, or an instantiated one, is represented by its number of launches.
int cuStreamBeginCapture_v2(CudaStream, int) {
  state().capturing = true;
  state().captured = 0;
  return CALLED(cuStreamBeginCapture);
}
int cuStreamEndCapture(CudaStream, CudaGraph *graph) {
  state().capturing = false;
  if (int failure = CALLED(cuStreamEndCapture))
    return failure;
  *graph = new int(state().captured);
  ++state().graphsAlive;
  return 0;
}
int cuGraphInstantiateWithFlags(CudaGraphExec *executable, CudaGraph graph,
                                unsigned long long) {
  if (int failure = CALLED(cuGraphInstantiate))
    return failure;
  *executable = new int(*static_cast<int *>(graph));
  ++state().graphsAlive;
  return 0;
}
int cuGraphLaunch(CudaGraphExec executable, CudaStream) {
  state().launches += *static_cast<int *>(executable);
  return CALLED(cuGraphLaunch);
}
int cuGraphDestroy(CudaGraph graph) {
  delete static_cast<int *>(graph);
  --state().graphsAlive;
  return CALLED(cuGraphDestroy);
}
int cuGraphExecDestroy(CudaGraphExec executable) {
  delete static_cast<int *>(executable);
  --state().graphsAlive;
  return CALLED(cuGraphExecDestroy);
}

int cuLinkCreate_v2(unsigned count, int *names, void **values, void **link) {
  auto valueOf = [&](int name) {
    return values[std::find(names, names + count, name) - names];
  };
  std::strcpy(static_cast<char *>(valueOf(3)), state().linkLog.c_str());
  std::strcpy(static_cast<char *>(valueOf(5)), state().linkError.c_str());
  if (int failure = CALLED(cuLinkCreate))
    return failure;
  *link = new std::string();
  ++state().linksAlive;
  return 0;
}
int cuLinkAddData_v2(void *link, int, void *ptx, size_t, const char *, unsigned,
                     int *, void **) {
  *static_cast<std::string *>(link) =
      state().linkHeader + "cubin of " + std::string(static_cast<char *>(ptx));
  return CALLED(cuLinkAddData);
}
int cuLinkComplete(void *link, void **cubin, size_t *size) {
  auto *text = static_cast<std::string *>(link);
  *cubin = text->data();
  *size = text->size();
  return CALLED(cuLinkComplete);
}
int cuLinkDestroy(void *link) {
  delete static_cast<std::string *>(link);
  --state().linksAlive;
  return 0;
}

} // extern "C"
