//===- Kernel.cpp - code per context, and launches ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Kernel.h"

#include <memory>

namespace mla::runtime {

namespace {

std::string versionText(int version) {
  return std::to_string(version / 1000) + "." +
         std::to_string(version % 1000 / 10);
}

Status encodeTensorMap(const Driver &driver,
                       const TensorMapParameters &parameters, void *place) {
  void *address =
      reinterpret_cast<void *>(static_cast<uintptr_t>(parameters.address));
  return driver.check(
      driver.cuTensorMapEncodeTiled(
          place, static_cast<int>(parameters.dataType), parameters.rank,
          address, parameters.sizes, parameters.strides, parameters.box,
          parameters.elementStrides, /*interleave=*/0,
          static_cast<int>(parameters.swizzle), kCudaL2Promotion256B,
          /*oobFill=*/0),
      "cuTensorMapEncodeTiled");
}

/// During its lifetime, calls of this thread that are not allowed during graph
/// capture are permitted: loading code is not part of a graph.
class RelaxedCapture {
public:
  explicit RelaxedCapture(const Driver &driver)
      : driver(driver),
        status(driver.check(driver.cuThreadExchangeStreamCaptureMode(&mode),
                            "cuThreadExchangeStreamCaptureMode")) {}
  ~RelaxedCapture() {
    // Restores the mode that the driver returned.
    if (status.ok())
      (void)driver.cuThreadExchangeStreamCaptureMode(&mode);
  }
  RelaxedCapture(const RelaxedCapture &) = delete;
  RelaxedCapture &operator=(const RelaxedCapture &) = delete;

private:
  const Driver &driver;
  int mode = kCudaCaptureRelaxed;

public:
  const Status status;
};

} // namespace

Kernel::Kernel(KernelPackage package)
    : package(std::move(package)),
      operatorText(this->package.descriptor.operatorText()) {
  for (const WorkspaceDescriptor &workspace : descriptor().workspaces)
    for (const Expression &size : workspace.shape)
      workspacesUseSms |= size.usesSms();
  usesSms = workspacesUseSms;
  for (const EntryDescriptor &entry : descriptor().kernels)
    usesSms |= entry.grid.usesSms();
}

Kernel::~Kernel() {
  for (const Loaded *entry = loaded; entry;) {
    const Loaded *next = entry->next;
    delete entry;
    entry = next;
  }
}

Status Kernel::checkDevice(const Driver &driver, int &sms) const {
  // The package's verifier knows the target.
  const TargetSpec &target = *findTarget(package.descriptor.target);
  CudaDevice device = 0;
  int major = 0, minor = 0;
  MLA_DRIVER_CALL(driver, cuCtxGetDevice, &device);
  MLA_DRIVER_CALL(driver, cuDeviceGetAttribute, &major, kCudaAttributeMajor,
                  device);
  MLA_DRIVER_CALL(driver, cuDeviceGetAttribute, &minor, kCudaAttributeMinor,
                  device);
  MLA_DRIVER_CALL(driver, cuDeviceGetAttribute, &sms, kCudaAttributeSms,
                  device);
  if (major == target.computeMajor &&
      (target.exactCompute ? minor == target.computeMinor
                           : minor >= target.computeMinor))
    return Status();
  char name[128] = "unknown device";
  MLA_DRIVER_CALL(driver, cuDeviceGetName, name, int(sizeof(name)), device);
  return Status(MLA_UNSUPPORTED_DEVICE,
                "kernel '" + package.descriptor.name() +
                    "': expected a device of compute capability " +
                    std::to_string(target.computeMajor) + "." +
                    std::to_string(target.computeMinor) + " (" +
                    package.descriptor.target + "), got " + name + " of " +
                    std::to_string(major) + "." + std::to_string(minor));
}

/// Compares the parameter list with the compiled kernel's, if the driver
/// supports that (12.4 and newer): with a mismatch the kernel would read wrong
/// values.
Status Kernel::checkParameters(const Driver &driver,
                               const EntryDescriptor &entry,
                               CudaFunction function) const {
  if (!driver.cuFuncGetParamInfo)
    return Status();
  const std::vector<ParameterDescriptor> &parameters = entry.parameters;
  size_t offset = 0, size = 0;
  for (size_t i = 0; i < parameters.size(); ++i) {
    int64_t expected = parameterSize(descriptor(), parameters[i]);
    if (driver.cuFuncGetParamInfo(function, i, &offset, &size) != kCudaSuccess)
      return invalidPackage("expected " + std::to_string(parameters.size()) +
                            " parameters, the cubin has " + std::to_string(i));
    if (static_cast<int64_t>(size) != expected)
      return invalidPackage("expected parameter " + std::to_string(i) + " of " +
                            std::to_string(expected) +
                            " bytes, the cubin has " + std::to_string(size));
  }
  if (driver.cuFuncGetParamInfo(function, parameters.size(), &offset, &size) ==
      kCudaSuccess)
    return invalidPackage("expected " + std::to_string(parameters.size()) +
                          " parameters, the cubin has more");
  return Status();
}

Status Kernel::configure(const Driver &driver, const EntryDescriptor &entry,
                         CudaFunction function) const {
  MLA_RETURN_IF_ERROR(checkParameters(driver, entry, function));
  // Drivers since 12.4 load lazily by default: this loads the function now and
  // not during a launch.
  if (driver.cuFuncLoad)
    MLA_DRIVER_CALL(driver, cuFuncLoad, function);
  Status shared = driver.check(
      driver.cuFuncSetAttribute(function, kCudaFunctionMaxDynamicShared,
                                static_cast<int>(entry.sharedBytes)),
      "cuFuncSetAttribute");
  MLA_RETURN_IF_ERROR(shared.within("dynamic shared memory of " +
                                    std::to_string(entry.sharedBytes) +
                                    " bytes"));
  if (entry.cluster > findTarget(descriptor().target)->portableCluster)
    MLA_DRIVER_CALL(driver, cuFuncSetAttribute, function,
                    kCudaFunctionNonPortableCluster, 1);
  return Status();
}

Status Kernel::loadFunction(const Driver &driver, const EntryDescriptor &entry,
                            CudaModule module, CudaFunction &out) const {
  MLA_DRIVER_CALL(driver, cuModuleGetFunction, &out, module,
                  entry.symbol.c_str());
  return configure(driver, entry, out);
}

Status Kernel::load(const Driver &driver, Loaded &entry) const {
  MLA_RETURN_IF_ERROR(checkDevice(driver, entry.sms));
  RelaxedCapture relaxed(driver);
  MLA_RETURN_IF_ERROR(relaxed.status);
  CudaResult result =
      driver.cuModuleLoadData(&entry.module, package.cubin.data());
  if (result != kCudaSuccess) {
    Status status = driver.check(result, "cuModuleLoadData");
    bool tooOld =
        result == kCudaInvalidImage || result == kCudaNoBinaryForGpu ||
        result == kCudaUnsupportedPtxVersion || result == kCudaInvalidSource;
    std::string hint = tooOld ? "; the driver is for CUDA " +
                                    versionText(driver.version) +
                                    " and may be too old for this cubin"
                              : "";
    return Status(tooOld ? MLA_UNSUPPORTED_DRIVER : status.code(),
                  "kernel '" + package.descriptor.name() + "' (" +
                      package.descriptor.target + ", by '" +
                      package.descriptor.compiler + "'): " + status.message() +
                      hint);
  }
  Status status;
  const std::vector<EntryDescriptor> &kernels = descriptor().kernels;
  for (size_t i = 0; i < kernels.size() && status.ok(); ++i)
    status = loadFunction(driver, kernels[i], entry.module, entry.functions[i])
                 .within("kernel '" + kernels[i].symbol + "'");
  // The first failure is reported, so that this one is dropped.
  if (!status.ok())
    (void)driver.cuModuleUnload(entry.module);
  return status;
}

const Kernel::Loaded *Kernel::find(unsigned long long contextId) const {
  const Loaded *entry = loaded.load(std::memory_order_acquire);
  while (entry && entry->contextId != contextId)
    entry = entry->next;
  return entry;
}

Status Kernel::codeForCurrentContext(const Driver &driver, const Loaded *&out) {
  Loaded entry = {};
  MLA_DRIVER_CALL(driver, cuCtxGetCurrent, &entry.context);
  if (!entry.context)
    return Status(MLA_NO_CONTEXT,
                  "kernel '" + package.descriptor.name() +
                      "': expected a current CUDA context, got none");
  MLA_DRIVER_CALL(driver, cuCtxGetId, entry.context, &entry.contextId);
  const Loaded *known = find(entry.contextId);
  if (!known) {
    std::lock_guard<std::mutex> lock(mutex);
    // Another thread may have loaded it meanwhile.
    known = find(entry.contextId);
    if (!known) {
      // Allocates before loading, so that loaded code cannot be lost.
      auto added = std::make_unique<Loaded>(entry);
      MLA_RETURN_IF_ERROR(load(driver, *added));
      added->next = loaded;
      known = added.release();
      loaded.store(known, std::memory_order_release);
    }
  }
  out = known;
  return Status();
}

Status Kernel::prepare() {
  const Driver *driver = nullptr;
  MLA_RETURN_IF_ERROR(Driver::get(driver));
  const Loaded *code = nullptr;
  return codeForCurrentContext(*driver, code);
}

Status Kernel::Checked::computeMaps(const KernelDescriptor &descriptor,
                                    const EntryDescriptor &entry,
                                    const mlaArgument *arguments, int &count) {
  for (const ParameterDescriptor &parameter : entry.parameters) {
    if (parameter.kind != ParameterDescriptor::Kind::TensorMap)
      continue;
    const TensorMapDescriptor &map = entry.tensorMaps[parameter.index];
    MLA_RETURN_IF_ERROR(computeTensorMap(
        descriptor, map, tensorAt(descriptor, arguments, binding, map.tensor),
        maps[count++]));
  }
  return Status();
}

Status Kernel::Checked::fill(const KernelDescriptor &descriptor,
                             const mlaArgument *arguments, int32_t phase) {
  int mapCount = 0;
  for (size_t i = 0; i < descriptor.kernels.size(); ++i) {
    const EntryDescriptor &entry = descriptor.kernels[i];
    grids[i] = 0;
    if (phase != MLA_PHASE_ALL && phase != entry.phase)
      continue;
    MLA_RETURN_IF_ERROR(computeGrid(entry, binding, grids[i]));
    // An empty launch needs no maps, and empty tensors cannot have any.
    if (grids[i] == 0)
      continue;
    isEmpty = false;
    MLA_RETURN_IF_ERROR(computeMaps(descriptor, entry, arguments, mapCount));
  }
  return Status();
}

Status Kernel::check(const mlaArgument *arguments, int32_t count) const {
  Checked checked;
  MLA_RETURN_IF_ERROR(
      checkArguments(descriptor(), arguments, count, checked.binding));
  if (writesNothing(descriptor(), arguments))
    return Status();
  MLA_RETURN_IF_ERROR(layOutWorkspaces(descriptor(), checked.binding));
  return checked.fill(descriptor(), arguments, MLA_PHASE_ALL);
}

Status Kernel::workspaceBytes(const mlaArgument *arguments, int32_t count,
                              uint64_t &bytes) {
  LaunchBinding binding;
  MLA_RETURN_IF_ERROR(checkArguments(descriptor(), arguments, count, binding));
  if (workspacesUseSms) {
    const Driver *driver = nullptr;
    MLA_RETURN_IF_ERROR(Driver::get(driver));
    const Loaded *code = nullptr;
    MLA_RETURN_IF_ERROR(codeForCurrentContext(*driver, code));
    binding.sms = code->sms;
  }
  MLA_RETURN_IF_ERROR(layOutWorkspaces(descriptor(), binding));
  bytes = binding.workspaceBytes;
  return Status();
}

Status Kernel::encodeTensorMaps(const Driver &driver,
                                const EntryDescriptor &entry,
                                const TensorMapParameters *maps,
                                LaunchPlan &plan) const {
  for (int i = 0; i < plan.tensorMapCount; ++i) {
    const LaunchPlan::PendingTensorMap &pending = plan.tensorMaps[i];
    Status status =
        encodeTensorMap(driver, maps[i], plan.parameters[pending.parameter]);
    if (!status.ok()) {
      int tensor = entry.tensorMaps[pending.map].tensor;
      return status.within(
          (descriptor().workspace(tensor) ? "workspace '" : "argument '") +
          descriptor().tensorName(tensor) + "'");
    }
  }
  return Status();
}

Status Kernel::launch(const mlaArgument *arguments, int32_t count,
                      const mlaLaunchOptions &options, CudaStream stream) {
  Checked checked;
  LaunchBinding &binding = checked.binding;
  MLA_RETURN_IF_ERROR(
      checkArguments(descriptor(), arguments, count, binding, options.phase));
  // Before the driver is opened: an empty launch succeeds without one.
  if (writesNothing(descriptor(), arguments))
    return Status();
  const Driver *driver = nullptr;
  const Loaded *code = nullptr;
  auto findCode = [&]() -> Status {
    MLA_RETURN_IF_ERROR(Driver::get(driver));
    return codeForCurrentContext(*driver, code);
  };
  if (usesSms) {
    MLA_RETURN_IF_ERROR(findCode());
    binding.sms = code->sms;
  }
  MLA_RETURN_IF_ERROR(layOutWorkspaces(descriptor(), binding));
  MLA_RETURN_IF_ERROR(placeWorkspaces(descriptor(), arguments,
                                      options.workspace, options.workspaceBytes,
                                      binding, options.phase));
  MLA_RETURN_IF_ERROR(checked.fill(descriptor(), arguments, options.phase));
  if (checked.isEmpty)
    return Status();
  if (!code)
    MLA_RETURN_IF_ERROR(findCode());
  LaunchPlan plan;
  const TensorMapParameters *maps = checked.maps;
  for (size_t i = 0; i < descriptor().kernels.size(); ++i) {
    const EntryDescriptor &entry = descriptor().kernels[i];
    if (checked.grids[i] == 0)
      continue;
    planLaunch(descriptor(), entry, arguments, binding, plan);
    MLA_RETURN_IF_ERROR(encodeTensorMaps(*driver, entry, maps, plan));
    maps += plan.tensorMapCount;
    MLA_RETURN_IF_ERROR(launchKernel(*driver, entry, code->functions[i],
                                     checked.grids[i], plan, stream));
  }
  return Status();
}

Status Kernel::launchKernel(const Driver &driver, const EntryDescriptor &entry,
                            CudaFunction function, int64_t grid,
                            LaunchPlan &plan, CudaStream stream) const {
  CudaLaunchAttribute attributes[2];
  CudaLaunchConfig config = {};
  config.attributes = attributes;
  if (entry.cluster > 1) {
    CudaLaunchAttribute &cluster = attributes[config.attributeCount++];
    cluster = {};
    cluster.id = kCudaLaunchClusterDimension;
    cluster.value.clusterDim[0] = static_cast<uint32_t>(entry.cluster);
    cluster.value.clusterDim[1] = cluster.value.clusterDim[2] = 1;
  }
  if (entry.programmatic) {
    CudaLaunchAttribute &programmatic = attributes[config.attributeCount++];
    programmatic = {};
    programmatic.id = kCudaLaunchProgrammaticStreamSerialization;
    programmatic.value.programmaticStreamSerialization = 1;
  }
  config.gridX = static_cast<unsigned>(grid);
  config.blockX = static_cast<unsigned>(entry.block);
  config.gridY = config.gridZ = config.blockY = config.blockZ = 1;
  config.sharedBytes = static_cast<unsigned>(entry.sharedBytes);
  config.stream = stream;
  CudaResult result =
      driver.cuLaunchKernelEx(&config, function, plan.parameters, nullptr);
  return result == kCudaSuccess ? Status()
                                : launchFailure(driver, entry, result, stream);
}

/// For a stream of another context the driver only reports "invalid handle".
/// The cause is found here, after the failure, so that a launch costs nothing.
Status Kernel::launchFailure(const Driver &driver, const EntryDescriptor &entry,
                             CudaResult result, CudaStream stream) const {
  Status status = driver.check(result, "cuLaunchKernelEx");
  CudaContext current = nullptr, ofStream = nullptr;
  if ((result == kCudaInvalidHandle || result == kCudaInvalidContext) &&
      driver.cuCtxGetCurrent(&current) == kCudaSuccess &&
      driver.cuStreamGetCtx(stream, &ofStream) == kCudaSuccess &&
      ofStream != current)
    status = invalidArgument("'stream': expected a stream of the calling "
                             "thread's current context, got one of another (" +
                             status.message() + ")");
  return status.within("kernel '" + entry.symbol + "'");
}

Status Kernel::unload() {
  if (!loaded.load())
    return Status();
  const Driver *driver = nullptr;
  MLA_RETURN_IF_ERROR(Driver::get(driver));
  CudaContext before = nullptr;
  MLA_DRIVER_CALL(*driver, cuCtxGetCurrent, &before);
  Status first;
  auto note = [&](CudaResult result, const char *call) {
    if (first.ok())
      first = driver->check(result, call);
    return result == kCudaSuccess;
  };
  for (const Loaded *entry = loaded; entry; entry = entry->next)
    if (note(driver->cuCtxSetCurrent(entry->context), "cuCtxSetCurrent"))
      note(driver->cuModuleUnload(entry->module), "cuModuleUnload");
  note(driver->cuCtxSetCurrent(before), "cuCtxSetCurrent");
  return first;
}

} // namespace mla::runtime
