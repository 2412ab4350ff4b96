//===- JIT.hpp - compile attention kernels, from C++ ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// mla/JIT/JIT.h for C++17: objects that free what they hold, and exceptions.
// Nothing but that: JIT.h says what the functions do. Header-only; needs
// exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_JIT_JIT_HPP
#define MLA_JIT_JIT_HPP

#include "mla/JIT/JIT.h"

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace mla::jit {

/// What a call that fails throws; what() is the text of mlaLastError().
class Error : public std::runtime_error {
public:
  explicit Error(mlaStatus status)
      : std::runtime_error(mlaLastError()), code(status) {}
  mlaStatus status() const { return code; }

private:
  mlaStatus code;
};

inline void check(mlaStatus status) {
  if (status != MLA_SUCCESS)
    throw Error(status);
}

/// One reference to a kernel; get() goes to the functions of the runtime.
struct ReleaseKernel {
  void operator()(mlaKernel kernel) const { (void)mlaKernelDestroy(kernel); }
};
using Kernel = std::unique_ptr<mlaKernel_st, ReleaseKernel>;

/// How a compiler is made: see mlaCompilerOptions. What is 0 or empty is left
/// to the library. The callbacks must not throw.
struct Options {
  std::string target, ptxas;
  /// Unlike the rest: empty for the default folder, "none" for no cache there.
  std::string cacheFolder;
  int64_t cacheBytes = 0, memoryKernels = 0;
  int32_t ptxasTimeout = 0, lockTimeout = 0;
  mlaAssembler assembler = MLA_ASSEMBLER_AUTO;
  std::function<void(const char *step, double seconds)> progress;
  std::function<void(const char *message)> warning;
};

/// An mlaCompiler. Threads may share it; it may be moved while none uses it.
class Compiler {
public:
  explicit Compiler(Options options = {})
      : options(std::make_unique<Options>(std::move(options))) {
    const Options &from = *this->options;
    auto text = [](const std::string &s) {
      return s.empty() ? nullptr : s.c_str();
    };
    mlaCompilerOptions to = MLA_COMPILER_OPTIONS_INIT;
    to.target = text(from.target);
    to.ptxas = text(from.ptxas);
    to.cacheFolder = from.cacheFolder == "none" ? "" : text(from.cacheFolder);
    to.cacheBytes = from.cacheBytes;
    to.memoryKernels = from.memoryKernels;
    to.ptxasTimeout = from.ptxasTimeout;
    to.lockTimeout = from.lockTimeout;
    to.assembler = from.assembler;
    to.userData = this->options.get();
    if (from.progress)
      to.progress = [](void *data, const char *step, double seconds) {
        static_cast<const Options *>(data)->progress(step, seconds);
      };
    if (from.warning)
      to.warning = [](void *data, const char *message) {
        static_cast<const Options *>(data)->warning(message);
      };
    mlaCompiler compiler = nullptr;
    check(mlaCompilerCreate(&to, &compiler));
    handle.reset(compiler);
  }

  Kernel compile(const mlaOperator &op, const mlaCompileOptions *how = nullptr,
                 mlaCompileInfo *info = nullptr) {
    return compile(source(op), how, info);
  }
  /// `ir` is MLIR as text; `name` stands before positions in errors.
  Kernel compile(std::string_view ir, const char *name = nullptr,
                 const mlaCompileOptions *how = nullptr,
                 mlaCompileInfo *info = nullptr) {
    return compile(source(ir, name), how, info);
  }

  /// Writes a package into `folder`.
  void compilePackage(const mlaOperator &op, const std::string &folder,
                      const mlaCompileOptions *how = nullptr,
                      mlaCompileInfo *info = nullptr) {
    mlaSource from = source(op);
    check(mlaCompilePackage(get(), &from, how, folder.c_str(), info));
  }
  void compilePackage(std::string_view ir, const std::string &folder,
                      const char *name = nullptr,
                      const mlaCompileOptions *how = nullptr,
                      mlaCompileInfo *info = nullptr) {
    mlaSource from = source(ir, name);
    check(mlaCompilePackage(get(), &from, how, folder.c_str(), info));
  }

  mlaCompiler get() const { return handle.get(); }

private:
  static mlaSource source(const mlaOperator &op) {
    mlaSource result = MLA_SOURCE_INIT;
    result.op = &op;
    return result;
  }
  static mlaSource source(std::string_view ir, const char *name) {
    mlaSource result = MLA_SOURCE_INIT;
    result.ir = ir.data();
    result.irSize = ir.size();
    result.irName = name;
    return result;
  }
  Kernel compile(const mlaSource &from, const mlaCompileOptions *how,
                 mlaCompileInfo *info) {
    mlaKernel kernel = nullptr;
    check(mlaCompile(get(), &from, how, &kernel, info));
    return Kernel(kernel);
  }

  struct Destroy {
    void operator()(mlaCompiler compiler) const {
      (void)mlaCompilerDestroy(compiler);
    }
  };
  /// The callbacks' address stays when the object moves.
  std::unique_ptr<Options> options;
  std::unique_ptr<mlaCompiler_st, Destroy> handle;
};

} // namespace mla::jit

#endif // MLA_JIT_JIT_HPP
