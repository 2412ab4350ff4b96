//===- Gpu.h - kernels on the GPU through the runtime -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_HARNESS_GPU_H
#define MLA_HARNESS_GPU_H

#include "mla/Harness/Executor.h"
#include "mla/Runtime/Driver.h"

namespace mla::harness {

/// Device 0's primary context, current on the creating thread during the
/// lifetime of this object.
class GpuContext {
public:
  static Status create(std::unique_ptr<GpuContext> &out);
  ~GpuContext();
  GpuContext(const GpuContext &) = delete;
  GpuContext &operator=(const GpuContext &) = delete;

  const runtime::Driver &driver() const { return *cuda; }
  const std::string &deviceName() const { return name; }
  runtime::CudaStream stream() const { return launchStream; }
  Status synchronize() const;

private:
  GpuContext() = default;

  const runtime::Driver *cuda = nullptr;
  runtime::CudaDevice device = 0;
  bool retained = false;
  runtime::CudaStream launchStream = nullptr;
  std::string name;
};

/// Arguments copied to the device.
class GpuArguments {
public:
  /// Copies every tensor's storage, padding and pre-filled outputs included.
  static Status create(const GpuContext &context,
                       const std::vector<HostArgument> &arguments,
                       std::unique_ptr<GpuArguments> &out);
  ~GpuArguments();
  GpuArguments(const GpuArguments &) = delete;
  GpuArguments &operator=(const GpuArguments &) = delete;

  const std::vector<mlaArgument> &values() const { return launchValues; }
  /// Copies written tensors back, padding included.
  Status download(std::vector<HostArgument> &arguments) const;
  /// Restores written tensors to the contents of `arguments`.
  Status refill(const std::vector<HostArgument> &arguments) const;

private:
  explicit GpuArguments(const GpuContext &context) : context(context) {}
  Status upload(const HostArgument &argument);

  const GpuContext &context;
  std::vector<runtime::CudaPointer> buffers;
  std::vector<mlaArgument> launchValues;
};

/// Queues one launch on the context's stream.
using Launch = std::function<Status()>;

/// A kernel that the runtime has loaded.
class GpuKernel {
public:
  /// Loads the subject's code; errors are prefixed with its label.
  static Status create(const GpuContext &context, const Subject &subject,
                       std::unique_ptr<GpuKernel> &out);
  ~GpuKernel();
  GpuKernel(const GpuKernel &) = delete;
  GpuKernel &operator=(const GpuKernel &) = delete;

  /// Allocates the workspaces that launches with these arguments need. Must be
  /// called before them, because a launch allocates nothing.
  Status reserve(const GpuArguments &arguments);
  Status launch(const GpuArguments &arguments,
                mlaPhase phase = MLA_PHASE_ALL) const;

private:
  explicit GpuKernel(const GpuContext &context) : context(context) {}

  const GpuContext &context;
  mlaKernel kernel = nullptr;
  mlaLaunchOptions options = {};
  std::string label;
};

/// Runs a subject once on the GPU. `context` and `subject` must outlive the
/// executor.
Executor gpuExecutor(const GpuContext &context, const Subject &subject);

} // namespace mla::harness

#endif // MLA_HARNESS_GPU_H
