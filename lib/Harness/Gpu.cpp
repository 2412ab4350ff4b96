//===- Gpu.cpp - kernels on the GPU through the runtime -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Harness/Gpu.h"
#include "Timing.h"

using namespace mla::runtime;

namespace mla::harness {

namespace {

Status runtimeStatus(mlaStatus status) {
  return status == MLA_SUCCESS ? Status() : Status(status, mlaLastError());
}

} // namespace

Status GpuContext::create(std::unique_ptr<GpuContext> &out) {
  std::unique_ptr<GpuContext> context(new GpuContext());
  MLA_RETURN_IF_ERROR(Driver::get(context->cuda));
  const Driver &driver = *context->cuda;
  MLA_DRIVER_CALL(driver, cuDeviceGet, &context->device, 0);
  char name[128] = "";
  MLA_DRIVER_CALL(driver, cuDeviceGetName, name, int(sizeof(name)),
                  context->device);
  context->name = name;
  CudaContext primary = nullptr;
  MLA_DRIVER_CALL(driver, cuDevicePrimaryCtxRetain, &primary, context->device);
  context->retained = true;
  MLA_DRIVER_CALL(driver, cuCtxSetCurrent, primary);
  MLA_DRIVER_CALL(driver, cuStreamCreate, &context->launchStream,
                  unsigned(kCudaStreamNonBlocking));
  out = std::move(context);
  return Status();
}

GpuContext::~GpuContext() {
  // A destructor cannot report errors, and the process ends after it.
  if (launchStream)
    (void)cuda->cuStreamDestroy(launchStream);
  if (retained) {
    (void)cuda->cuCtxSetCurrent(nullptr);
    (void)cuda->cuDevicePrimaryCtxRelease(device);
  }
}

Status GpuContext::synchronize() const {
  MLA_DRIVER_CALL(*cuda, cuCtxSynchronize);
  return Status();
}

Status GpuArguments::upload(const HostArgument &argument) {
  mlaArgument &value = launchValues.emplace_back();
  value = mlaArgument{};
  if (!argument.isTensor) {
    buffers.push_back(0);
    value.kind = isFloat(argument.scalarType) ? MLA_FLOAT : MLA_INTEGER;
    if (value.kind == MLA_FLOAT)
      value.value.f64 = argument.number;
    else
      value.value.i64 = argument.integer;
    return Status();
  }
  const Driver &driver = context.driver();
  const HostTensor &tensor = argument.tensor;
  CudaPointer buffer = 0;
  if (!tensor.storage.empty()) {
    MLA_DRIVER_CALL(driver, cuMemAlloc, &buffer, tensor.storage.size());
    buffers.push_back(buffer);
    MLA_DRIVER_CALL(driver, cuMemcpyHtoD, buffer, tensor.storage.data(),
                    tensor.storage.size());
  } else {
    buffers.push_back(0);
  }
  mlaTensor &out = value.value.tensor;
  out = mlaTensor{};
  value.kind = MLA_TENSOR;
  out.data = buffer;
  out.dtype = tensor.dtype;
  out.rank = tensor.rank();
  for (int dim = 0; dim < tensor.rank(); ++dim) {
    out.shape[dim] = tensor.shape[dim];
    out.strides[dim] = tensor.strides[dim];
  }
  return Status();
}

Status GpuArguments::create(const GpuContext &context,
                            const std::vector<HostArgument> &arguments,
                            std::unique_ptr<GpuArguments> &out) {
  std::unique_ptr<GpuArguments> made(new GpuArguments(context));
  for (const HostArgument &argument : arguments)
    MLA_RETURN_IF_ERROR(
        made->upload(argument).within("argument '" + argument.name + "'"));
  // The copies went through the default stream, the launches do not.
  MLA_RETURN_IF_ERROR(context.synchronize());
  out = std::move(made);
  return Status();
}

GpuArguments::~GpuArguments() {
  for (CudaPointer buffer : buffers)
    if (buffer)
      (void)context.driver().cuMemFree(buffer);
}

Status GpuArguments::download(std::vector<HostArgument> &arguments) const {
  for (size_t i = 0; i < arguments.size(); ++i) {
    HostTensor &tensor = arguments[i].tensor;
    if (!arguments[i].isTensor || arguments[i].access == MLA_READ ||
        !buffers[i])
      continue;
    MLA_DRIVER_CALL(context.driver(), cuMemcpyDtoH, tensor.storage.data(),
                    buffers[i], tensor.storage.size());
  }
  return Status();
}

Status GpuArguments::refill(const std::vector<HostArgument> &arguments) const {
  for (size_t i = 0; i < arguments.size(); ++i) {
    const HostTensor &tensor = arguments[i].tensor;
    if (arguments[i].isTensor && arguments[i].access != MLA_READ && buffers[i])
      MLA_DRIVER_CALL(context.driver(), cuMemcpyHtoD, buffers[i],
                      tensor.storage.data(), tensor.storage.size());
  }
  // The copies and the launches use different streams, as in create.
  return context.synchronize();
}

Status GpuKernel::create(const GpuContext &context, const Subject &subject,
                         std::unique_ptr<GpuKernel> &out) {
  std::unique_ptr<GpuKernel> made(new GpuKernel(context));
  made->label = subject.label;
  made->options.size = sizeof(made->options);
  std::string json = sealDescriptor(subject.descriptor, subject.cubin);
  Status status = runtimeStatus(
      mlaKernelLoadFromMemory(json.data(), json.size(), subject.cubin.data(),
                              subject.cubin.size(), &made->kernel));
  if (status.ok())
    status = runtimeStatus(mlaKernelPrepare(made->kernel));
  MLA_RETURN_IF_ERROR(status.within(subject.label));
  out = std::move(made);
  return Status();
}

GpuKernel::~GpuKernel() {
  (void)mlaKernelDestroy(kernel);
  if (options.workspace)
    (void)context.driver().cuMemFree(options.workspace);
}

Status GpuKernel::reserve(const GpuArguments &arguments) {
  const std::vector<mlaArgument> &values = arguments.values();
  size_t bytes = 0;
  MLA_RETURN_IF_ERROR(
      runtimeStatus(mlaKernelGetWorkspaceBytes(
                        kernel, values.data(),
                        static_cast<int32_t>(values.size()), &bytes))
          .within(label));
  if (bytes <= options.workspaceBytes)
    return Status();
  if (options.workspace)
    MLA_DRIVER_CALL(context.driver(), cuMemFree, options.workspace);
  options.workspace = options.workspaceBytes = 0;
  MLA_DRIVER_CALL(context.driver(), cuMemAlloc, &options.workspace, bytes);
  options.workspaceBytes = bytes;
  return Status();
}

Status GpuKernel::launch(const GpuArguments &arguments, mlaPhase phase) const {
  const std::vector<mlaArgument> &values = arguments.values();
  mlaLaunchOptions chosen = options;
  chosen.phase = phase;
  return runtimeStatus(
             mlaKernelLaunchProgram(kernel, values.data(),
                                    static_cast<int32_t>(values.size()),
                                    &chosen, context.stream()))
      .within(label);
}

Executor gpuExecutor(const GpuContext &context, const Subject &subject) {
  return [&context, &subject](std::vector<HostArgument> &arguments,
                              double &ms) -> Status {
    std::unique_ptr<GpuKernel> kernel;
    MLA_RETURN_IF_ERROR(GpuKernel::create(context, subject, kernel));
    std::unique_ptr<GpuArguments> device;
    MLA_RETURN_IF_ERROR(GpuArguments::create(context, arguments, device));
    MLA_RETURN_IF_ERROR(kernel->reserve(*device));
    Samples samples;
    Launch launch = [&] { return kernel->launch(*device); };
    MLA_RETURN_IF_ERROR(timeLaunches(context, subject.label, launch, 1,
                                     /*before=*/nullptr, samples));
    ms = samples.ms.front();
    return device->download(arguments);
  };
}

} // namespace mla::harness
