//===- Runtime.hpp - the runtime for C++ ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A header-only C++ wrapper of Runtime.h. No C++ type crosses the library's
// boundary, so that any compiler and C++ library can be used.
//
// Failures are values and not exceptions: many engines are built without
// exceptions, and a launch may be called where none may propagate (in a worker
// thread or a callback of C code). A Status is [[nodiscard]].
//
//   mla::Status status;
//   std::optional<mla::Kernel> kernel = mla::Kernel::load(folder, status);
//   if (!kernel)
//     return log(status.message());
//   status = kernel->launch({mla::tensor(q, MLA_BF16, {s_q, 128, 576}), ...},
//                           stream);
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_RUNTIME_HPP
#define MLA_RUNTIME_RUNTIME_HPP

#include "mla/Runtime/Runtime.h"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>

namespace mla {

/// Success, or a code and one line of text. Allocates only on failure.
class [[nodiscard]] Status {
public:
  Status() = default;
  /// The status of this thread's last call of the C interface.
  explicit Status(mlaStatus code)
      : statusCode(code), text(code == MLA_SUCCESS ? "" : mlaLastError()) {}

  bool ok() const { return statusCode == MLA_SUCCESS; }
  mlaStatus code() const { return statusCode; }
  const std::string &message() const { return text; }

private:
  mlaStatus statusCode = MLA_SUCCESS;
  std::string text;
};

/// A tensor argument at a device address (a CUdeviceptr), with strides in
/// elements. Dimensions past MLA_MAX_RANK make the launch refuse it.
inline mlaArgument tensor(std::uint64_t data, mlaDType dtype,
                          std::initializer_list<std::int64_t> shape,
                          std::initializer_list<std::int64_t> strides) {
  mlaArgument argument{};
  argument.kind = MLA_TENSOR;
  mlaTensor &tensor = argument.value.tensor;
  tensor.data = data;
  tensor.dtype = dtype;
  // If shape and strides differ in length: a rank that no kernel has.
  tensor.rank = shape.size() == strides.size()
                    ? static_cast<std::int32_t>(shape.size())
                    : -1;
  int dim = 0;
  for (std::int64_t size : shape)
    if (dim < MLA_MAX_RANK)
      tensor.shape[dim++] = size;
  dim = 0;
  for (std::int64_t stride : strides)
    if (dim < MLA_MAX_RANK)
      tensor.strides[dim++] = stride;
  return argument;
}

/// A contiguous tensor, last dimension innermost.
inline mlaArgument tensor(std::uint64_t data, mlaDType dtype,
                          std::initializer_list<std::int64_t> shape) {
  mlaArgument argument = tensor(data, dtype, shape, shape);
  mlaTensor &tensor = argument.value.tensor;
  std::int64_t stride = 1;
  int rank = tensor.rank < MLA_MAX_RANK ? tensor.rank : MLA_MAX_RANK;
  for (int dim = rank - 1; dim >= 0; --dim) {
    tensor.strides[dim] = stride;
    stride *= tensor.shape[dim];
  }
  return argument;
}

/// A contiguous tensor at a pointer to device memory.
inline mlaArgument tensor(const void *data, mlaDType dtype,
                          std::initializer_list<std::int64_t> shape,
                          std::initializer_list<std::int64_t> strides) {
  return tensor(reinterpret_cast<std::uintptr_t>(data), dtype, shape, strides);
}
inline mlaArgument tensor(const void *data, mlaDType dtype,
                          std::initializer_list<std::int64_t> shape) {
  return tensor(reinterpret_cast<std::uintptr_t>(data), dtype, shape);
}

/// An optional tensor that the launch leaves out.
inline mlaArgument leftOut() {
  mlaArgument argument{};
  argument.kind = MLA_TENSOR;
  return argument;
}

/// A floating-point scalar (f16, bf16, f32, f64).
inline mlaArgument scalar(double value) {
  mlaArgument argument{};
  argument.kind = MLA_FLOAT;
  argument.value.f64 = value;
  return argument;
}

/// An integer scalar (i8, i32, i64).
inline mlaArgument integer(std::int64_t value) {
  mlaArgument argument{};
  argument.kind = MLA_INTEGER;
  argument.value.i64 = value;
  return argument;
}

/// As mlaAdaptiveSplits.
inline std::int32_t adaptiveSplits(std::int64_t rows, std::int64_t tokens,
                                   std::int32_t sms) {
  return mlaAdaptiveSplits(rows, tokens, sms);
}

/// Options of a launch with a workspace at a device address.
inline mlaLaunchOptions withWorkspace(std::uint64_t address,
                                      std::uint64_t bytes,
                                      mlaPhase phase = MLA_PHASE_ALL) {
  mlaLaunchOptions options{};
  options.size = sizeof(options);
  options.phase = phase;
  options.workspace = address;
  options.workspaceBytes = bytes;
  return options;
}

/// Owns a reference to an mlaKernel. The functions are those of Runtime.h.
class Kernel {
public:
  /// Takes over a reference, as mlaKernelLoad and mlaCompile give one.
  explicit Kernel(mlaKernel handle) : handle(handle) {}
  Kernel(Kernel &&other) noexcept
      : handle(std::exchange(other.handle, nullptr)) {}
  Kernel &operator=(Kernel &&other) noexcept {
    std::swap(handle, other.handle);
    return *this;
  }
  // A destructor cannot return a failure; mlaKernelDestroy(kernel.release())
  // does.
  ~Kernel() { (void)mlaKernelDestroy(handle); }

  /// The package in `folder`; none, and the reason in `status`, on failure.
  static std::optional<Kernel> load(const char *folder, Status &status) {
    mlaKernel loaded = nullptr;
    status = Status(mlaKernelLoad(folder, &loaded));
    return own(loaded);
  }
  static std::optional<Kernel> load(const std::string &folder, Status &status) {
    return load(folder.c_str(), status);
  }
  /// A package in memory: the text of kernel.json and the cubin, both copied.
  static std::optional<Kernel>
  loadFromMemory(const char *json, std::size_t jsonSize, const void *cubin,
                 std::size_t cubinSize, Status &status) {
    mlaKernel loaded = nullptr;
    status = Status(
        mlaKernelLoadFromMemory(json, jsonSize, cubin, cubinSize, &loaded));
    return own(loaded);
  }

  mlaKernel get() const { return handle; }
  mlaKernel release() { return std::exchange(handle, nullptr); }

  mlaKernelInfo info() const {
    mlaKernelInfo info{};
    (void)mlaKernelGetInfo(handle, &info);
    return info;
  }
  Status argument(std::int32_t index, mlaArgumentInfo &out) const {
    return Status(mlaKernelGetArgument(handle, index, &out));
  }

  /// Whether a launch may leave an argument out.
  Status isArgumentOptional(std::int32_t index, bool &out) const {
    std::int32_t optional = 0;
    Status status(mlaKernelIsArgumentOptional(handle, index, &optional));
    out = optional != 0;
    return status;
  }

  using Arguments = std::initializer_list<mlaArgument>;

  Status check(const mlaArgument *arguments, std::int32_t count) const {
    return Status(mlaKernelCheck(handle, arguments, count));
  }
  Status check(Arguments arguments) const {
    return check(arguments.begin(), countOf(arguments));
  }

  Status workspaceBytes(Arguments arguments, std::size_t &bytes) const {
    return Status(mlaKernelGetWorkspaceBytes(handle, arguments.begin(),
                                             countOf(arguments), &bytes));
  }

  Status prepare() const { return Status(mlaKernelPrepare(handle)); }

  Status launch(const mlaArgument *arguments, std::int32_t count,
                mlaStream stream) const {
    return Status(mlaKernelLaunch(handle, arguments, count, stream));
  }
  Status launch(Arguments arguments, mlaStream stream) const {
    return launch(arguments.begin(), countOf(arguments), stream);
  }

  /// The kernels of one phase, or all, with memory for their workspaces.
  Status launch(const mlaArgument *arguments, std::int32_t count,
                const mlaLaunchOptions &options, mlaStream stream) const {
    return Status(
        mlaKernelLaunchProgram(handle, arguments, count, &options, stream));
  }
  Status launch(Arguments arguments, const mlaLaunchOptions &options,
                mlaStream stream) const {
    return launch(arguments.begin(), countOf(arguments), options, stream);
  }

private:
  static std::optional<Kernel> own(mlaKernel handle) {
    return handle ? std::optional<Kernel>(Kernel(handle)) : std::nullopt;
  }
  static std::int32_t countOf(Arguments arguments) {
    return static_cast<std::int32_t>(arguments.size());
  }

  mlaKernel handle;
};

} // namespace mla

#endif // MLA_RUNTIME_RUNTIME_HPP
