//===- Kernel.h - a loaded package and its code per context -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_RUNTIME_KERNEL_H
#define MLA_LIB_RUNTIME_KERNEL_H

#include "mla/Runtime/Driver.h"
#include "mla/Runtime/Launch.h"

#include <atomic>
#include <mutex>

namespace mla::runtime {

/// The object behind an mlaKernel.
class Kernel {
public:
  explicit Kernel(KernelPackage package);
  ~Kernel();

  const KernelDescriptor &descriptor() const { return package.descriptor; }
  /// Lives as long as the kernel.
  const char *operatorName() const { return operatorText.c_str(); }

  /// All checks of a launch that need no driver; of workspaces, only their
  /// sizes.
  Status check(const mlaArgument *arguments, int32_t count) const;
  /// Bytes of all workspaces. Needs a driver, and loads the code, only where
  /// they depend on the number of SMs.
  Status workspaceBytes(const mlaArgument *arguments, int32_t count,
                        uint64_t &bytes);

  /// Loads the code into the current context unless it is there.
  Status prepare();
  Status launch(const mlaArgument *arguments, int32_t count,
                const mlaLaunchOptions &options, CudaStream stream);
  /// Unloads the code from all contexts. Continues after a failure and reports
  /// the first one.
  Status unload();

private:
  /// The program's code in one context. The id distinguishes a context from a
  /// destroyed one whose handle had the same address.
  struct Loaded {
    CudaContext context;
    unsigned long long contextId;
    CudaModule module;
    CudaFunction functions[kMaxKernels];
    /// SMs of the context's device.
    int sms;
    const Loaded *next;
  };

  /// A checked launch: from here on only the driver can fail. On the stack;
  /// with a plan about 13 KiB.
  struct Checked {
    LaunchBinding binding;
    /// Grids of all kernels; 0 also for those of another phase.
    int64_t grids[kMaxKernels];
    /// Tensor maps of the kernels that are launched, in the order of their
    /// parameters.
    TensorMapParameters maps[kMaxProgramTensorMaps];
    bool isEmpty = true;

    /// After checkArguments and layOutWorkspaces.
    Status fill(const KernelDescriptor &descriptor,
                const mlaArgument *arguments, int32_t phase);

  private:
    Status computeMaps(const KernelDescriptor &descriptor,
                       const EntryDescriptor &entry,
                       const mlaArgument *arguments, int &count);
  };

  Status launchKernel(const Driver &driver, const EntryDescriptor &entry,
                      CudaFunction function, int64_t grid, LaunchPlan &plan,
                      CudaStream stream) const;
  Status encodeTensorMaps(const Driver &driver, const EntryDescriptor &entry,
                          const TensorMapParameters *maps,
                          LaunchPlan &plan) const;
  Status codeForCurrentContext(const Driver &driver, const Loaded *&out);
  const Loaded *find(unsigned long long contextId) const;
  Status launchFailure(const Driver &driver, const EntryDescriptor &entry,
                       CudaResult result, CudaStream stream) const;
  Status load(const Driver &driver, Loaded &entry) const;
  Status loadFunction(const Driver &driver, const EntryDescriptor &entry,
                      CudaModule module, CudaFunction &out) const;
  Status checkDevice(const Driver &driver, int &sms) const;
  Status checkParameters(const Driver &driver, const EntryDescriptor &entry,
                         CudaFunction function) const;
  Status configure(const Driver &driver, const EntryDescriptor &entry,
                   CudaFunction function) const;

  const KernelPackage package;
  const std::string operatorText;
  /// Whether workspaces, or workspaces and grids, depend on the number of SMs.
  bool workspacesUseSms = false, usesSms = false;
  /// Held while code is loaded. A launch that finds its context takes no lock.
  std::mutex mutex;
  /// A list that only grows, at its head: entries are complete before they are
  /// published. A process has few contexts.
  std::atomic<const Loaded *> loaded{nullptr};
};

} // namespace mla::runtime

#endif // MLA_LIB_RUNTIME_KERNEL_H
