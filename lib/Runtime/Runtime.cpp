//===- Runtime.cpp - the C interface --------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Runtime/Runtime.h"

#include "Kernel.h"

#include <atomic>
#include <cstring>
#include <exception>
#include <new>

using namespace mla::runtime;

/// The handle is a pointer to the object.
struct mlaKernel_st : Kernel {
  using Kernel::Kernel;
  std::atomic<int> references{1};
};

namespace {

thread_local std::string lastError;

/// Runs `body`, which returns a Status, and turns exceptions into a status.
template <typename Body> mlaStatus guarded(Body body) noexcept {
  try {
    return reportStatus(body());
  } catch (const std::bad_alloc &) {
    // Short enough not to allocate.
    lastError = "out of memory";
    return MLA_OUT_OF_MEMORY;
  } catch (const std::exception &error) {
    try {
      lastError = error.what();
    } catch (...) {
      lastError.clear();
    }
    return MLA_INTERNAL_ERROR;
  } catch (...) {
    lastError = "unknown fault";
    return MLA_INTERNAL_ERROR;
  }
}

Status nullArgument(const char *name) {
  return invalidArgument(std::string("'") + name +
                         "': expected an address, got null");
}

/// Checks that `index` is in [0, `count`).
Status checkIndex(int32_t index, size_t count) {
  if (0 <= index && static_cast<size_t>(index) < count)
    return Status();
  return invalidArgument("'index': expected 0 to " +
                         std::to_string(int64_t(count) - 1) + ", got " +
                         std::to_string(index));
}

/// The caller's options, with defaults for the fields that the struct of an
/// earlier version does not have.
Status readOptions(const mlaLaunchOptions *options, mlaLaunchOptions &out) {
  out = mlaLaunchOptions{};
  if (!options)
    return Status();
  if (options->size < sizeof(options->size) || options->size > sizeof(out))
    return invalidArgument("'options.size': expected at most " +
                           std::to_string(sizeof(out)) + " bytes, got " +
                           std::to_string(options->size) +
                           "; is the runtime older than its header?");
  std::memcpy(&out, options, options->size);
  if (out.phase < MLA_PHASE_ALL || out.phase > MLA_PHASE_LAUNCH)
    return invalidArgument("'options.phase': expected an mlaPhase, got " +
                           std::to_string(out.phase));
  if (out.reserved != 0)
    return invalidArgument("'options.reserved': expected 0, got " +
                           std::to_string(out.reserved));
  return Status();
}

} // namespace

mlaStatus mla::runtime::reportStatus(const Status &status) {
  if (!status.ok())
    lastError = status.message();
  return status.code();
}

extern "C" {

int32_t mlaRuntimeVersion(void) { return MLA_RUNTIME_VERSION; }

const char *mlaLastError(void) { return lastError.c_str(); }

const char *mlaStatusName(mlaStatus status) {
  switch (status) {
  case MLA_SUCCESS:
    return "success";
  case MLA_INVALID_ARGUMENT:
    return "invalid argument";
  case MLA_INVALID_PACKAGE:
    return "invalid package";
  case MLA_NOT_FOUND:
    return "not found";
  case MLA_NO_DRIVER:
    return "no driver";
  case MLA_UNSUPPORTED_DRIVER:
    return "unsupported driver";
  case MLA_UNSUPPORTED_DEVICE:
    return "unsupported device";
  case MLA_NO_CONTEXT:
    return "no context";
  case MLA_DRIVER_ERROR:
    return "driver error";
  case MLA_OUT_OF_MEMORY:
    return "out of memory";
  case MLA_INTERNAL_ERROR:
    return "internal error";
  case MLA_COMPILE_ERROR:
    return "compile error";
  case MLA_DEVICE_LOST:
    return "device lost";
  }
  return "unknown status";
}

mlaStatus mlaKernelLoad(const char *folder, mlaKernel *out) {
  return guarded([&]() -> Status {
    if (!folder || !out)
      return nullArgument(folder ? "out" : "folder");
    *out = nullptr;
    KernelPackage package;
    MLA_RETURN_IF_ERROR(readPackage(folder, package));
    *out = new mlaKernel_st(std::move(package));
    return Status();
  });
}

mlaStatus mlaKernelLoadFromMemory(const char *json, size_t jsonSize,
                                  const void *cubin, size_t cubinSize,
                                  mlaKernel *out) {
  return guarded([&]() -> Status {
    if (!json || !cubin || !out)
      return nullArgument(!json ? "json" : !cubin ? "cubin" : "out");
    *out = nullptr;
    KernelPackage package;
    MLA_RETURN_IF_ERROR(parsePackage(
        std::string_view(json, jsonSize),
        std::string(static_cast<const char *>(cubin), cubinSize), package));
    *out = new mlaKernel_st(std::move(package));
    return Status();
  });
}

mlaStatus mlaKernelRetain(mlaKernel kernel) {
  return guarded([&]() -> Status {
    if (!kernel)
      return nullArgument("kernel");
    ++kernel->references;
    return Status();
  });
}

mlaStatus mlaKernelDestroy(mlaKernel kernel) {
  return guarded([&]() -> Status {
    if (!kernel || --kernel->references > 0)
      return Status();
    Status status = kernel->unload();
    delete kernel;
    return status;
  });
}

mlaStatus mlaKernelGetInfo(mlaKernel kernel, mlaKernelInfo *out) {
  return guarded([&]() -> Status {
    if (!kernel || !out)
      return nullArgument(kernel ? "out" : "kernel");
    const KernelDescriptor &descriptor = kernel->descriptor();
    const EntryDescriptor &first = descriptor.kernels.front();
    *out = mlaKernelInfo{first.symbol.c_str(),
                         kernel->operatorName(),
                         descriptor.target.c_str(),
                         descriptor.compiler.c_str(),
                         static_cast<int32_t>(descriptor.arguments.size()),
                         first.block,
                         first.cluster,
                         first.sharedBytes};
    return Status();
  });
}

mlaStatus mlaKernelGetArgument(mlaKernel kernel, int32_t index,
                               mlaArgumentInfo *out) {
  return guarded([&]() -> Status {
    if (!kernel || !out)
      return nullArgument(kernel ? "out" : "kernel");
    const KernelDescriptor &descriptor = kernel->descriptor();
    MLA_RETURN_IF_ERROR(checkIndex(index, descriptor.arguments.size()));
    const ArgumentDescriptor &argument = descriptor.arguments[index];
    *out = mlaArgumentInfo{};
    out->name = argument.name.c_str();
    out->isTensor = argument.isTensor;
    out->dtype = argument.dtype;
    out->access = argument.access;
    out->rank = static_cast<int32_t>(argument.shape.size());
    out->alignment = argument.alignment;
    for (int32_t dim = 0; dim < out->rank; ++dim) {
      const Size &size = argument.shape[dim];
      out->shape[dim] = size.isFixed() ? size.fixed : -1;
      if (!size.isFixed())
        out->sizeName[dim] = descriptor.sizeNames[size.symbol].c_str();
      out->strides[dim] = argument.strides[dim].value_or(-1);
    }
    return Status();
  });
}

mlaStatus mlaKernelIsArgumentOptional(mlaKernel kernel, int32_t index,
                                      int32_t *out) {
  return guarded([&]() -> Status {
    if (!kernel || !out)
      return nullArgument(kernel ? "out" : "kernel");
    const auto &arguments = kernel->descriptor().arguments;
    MLA_RETURN_IF_ERROR(checkIndex(index, arguments.size()));
    *out = arguments[index].optional;
    return Status();
  });
}

mlaStatus mlaKernelGetEntryCount(mlaKernel kernel, int32_t *out) {
  return guarded([&]() -> Status {
    if (!kernel || !out)
      return nullArgument(kernel ? "out" : "kernel");
    *out = static_cast<int32_t>(kernel->descriptor().kernels.size());
    return Status();
  });
}

mlaStatus mlaKernelGetEntry(mlaKernel kernel, int32_t index,
                            mlaEntryInfo *out) {
  return guarded([&]() -> Status {
    if (!kernel || !out)
      return nullArgument(kernel ? "out" : "kernel");
    const auto &kernels = kernel->descriptor().kernels;
    MLA_RETURN_IF_ERROR(checkIndex(index, kernels.size()));
    const EntryDescriptor &entry = kernels[index];
    *out = mlaEntryInfo{entry.symbol.c_str(), entry.grid.text().c_str(),
                        entry.phase,          entry.block,
                        entry.cluster,        entry.programmatic,
                        entry.sharedBytes};
    return Status();
  });
}

mlaStatus mlaKernelCheck(mlaKernel kernel, const mlaArgument *arguments,
                         int32_t count) {
  return guarded([&]() -> Status {
    if (!kernel)
      return nullArgument("kernel");
    return kernel->check(arguments, count);
  });
}

mlaStatus mlaKernelGetWorkspaceBytes(mlaKernel kernel,
                                     const mlaArgument *arguments,
                                     int32_t count, size_t *bytes) {
  return guarded([&]() -> Status {
    if (!kernel || !bytes)
      return nullArgument(kernel ? "bytes" : "kernel");
    *bytes = 0;
    uint64_t needed = 0;
    MLA_RETURN_IF_ERROR(kernel->workspaceBytes(arguments, count, needed));
    *bytes = needed;
    return Status();
  });
}

mlaStatus mlaKernelPrepare(mlaKernel kernel) {
  return guarded([&]() -> Status {
    return kernel ? kernel->prepare() : nullArgument("kernel");
  });
}

mlaStatus mlaKernelLaunch(mlaKernel kernel, const mlaArgument *arguments,
                          int32_t count, mlaStream stream) {
  return guarded([&]() -> Status {
    return kernel ? kernel->launch(arguments, count, mlaLaunchOptions{}, stream)
                  : nullArgument("kernel");
  });
}

mlaStatus mlaKernelLaunchProgram(mlaKernel kernel, const mlaArgument *arguments,
                                 int32_t count, const mlaLaunchOptions *options,
                                 mlaStream stream) {
  return guarded([&]() -> Status {
    if (!kernel)
      return nullArgument("kernel");
    mlaLaunchOptions complete;
    MLA_RETURN_IF_ERROR(readOptions(options, complete));
    return kernel->launch(arguments, count, complete, stream);
  });
}

} // extern "C"
