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

/// What mlaKernel points to.
class Kernel {
public:
  explicit Kernel(KernelPackage package)
      : package(std::move(package)),
        operatorText(this->package.descriptor.operatorText()) {}
  ~Kernel();

  const KernelDescriptor &descriptor() const { return package.descriptor; }
  /// As long-lived as the kernel.
  const char *operatorName() const { return operatorText.c_str(); }

  /// Everything a launch checks before it needs a driver.
  static Status check(const KernelDescriptor &descriptor,
                      const mlaArgument *arguments, int32_t count) {
    Checked checked;
    return checked.fill(descriptor, arguments, count);
  }

  /// Loads the code into the current context unless it is there.
  Status prepare();
  Status launch(const mlaArgument *arguments, int32_t count, CudaStream stream);
  /// Unloads the code everywhere; reports the first failure but goes on.
  Status unload();

private:
  /// The kernel's code in one context. The id tells contexts apart whose
  /// handle has the same address because one was destroyed.
  struct Loaded {
    CudaContext context;
    unsigned long long contextId;
    CudaModule module;
    CudaFunction function;
    const Loaded *next;
  };

  /// A plan with its tensor maps computed but not encoded. On the stack of a
  /// launch: about 8 KiB.
  struct Checked {
    LaunchPlan plan;
    TensorMapParameters maps[kMaxTensorMaps];

    Status fill(const KernelDescriptor &descriptor,
                const mlaArgument *arguments, int32_t count);
  };

  Status encodeTensorMaps(const Driver &driver, Checked &checked) const;
  Status functionForCurrentContext(const Driver &driver, CudaFunction &out);
  const Loaded *find(unsigned long long contextId) const;
  Status launchFailure(const Driver &driver, CudaResult result,
                       CudaStream stream) const;
  Status load(const Driver &driver, Loaded &entry) const;
  Status checkDevice(const Driver &driver) const;
  Status checkParameters(const Driver &driver, CudaFunction function) const;
  Status configure(const Driver &driver, CudaFunction function) const;

  const KernelPackage package;
  const std::string operatorText;
  /// Held while code is loaded. A launch that finds its context takes no lock.
  std::mutex mutex;
  /// A list that only grows, at its head: entries are complete before they
  /// are seen. A process has few contexts.
  std::atomic<const Loaded *> loaded{nullptr};
};

} // namespace mla::runtime

#endif // MLA_LIB_RUNTIME_KERNEL_H
