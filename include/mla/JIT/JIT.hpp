//===- JIT.hpp - compile attention kernels, from C++ ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A header-only C++ wrapper of JIT.h, like Runtime.hpp of Runtime.h: objects
// own their resources, failures are values, nothing throws. JIT.h documents the
// functions.
//
//   mla::Status status;
//   auto compiler = mla::jit::Compiler::create({}, status);
//   if (!compiler)
//     return log(status.message());
//   mla::jit::Operator op("combine");
//   op.size("d_v", 512).option("num_splits", "yes");
//   std::optional<mla::Kernel> kernel = compiler->compile(op, status);
//
//===----------------------------------------------------------------------===//

#ifndef MLA_JIT_JIT_HPP
#define MLA_JIT_JIT_HPP

#include "mla/JIT/JIT.h"
#include "mla/Runtime/Runtime.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mla::jit {

/// An operator with the sizes and options that differ from their defaults: see
/// mlaOperator.
class Operator {
public:
  explicit Operator(std::string name) : name(std::move(name)) {}

  /// `value` may be MLA_DYNAMIC.
  Operator &size(std::string name, int64_t value) {
    sizes[std::move(name)] = value;
    return *this;
  }
  Operator &option(std::string name, std::string value) {
    options[std::move(name)] = std::move(value);
    return *this;
  }

  /// Calls `body` with the description in C, which lives as long as the call.
  template <typename Body> auto with(Body body) const {
    std::vector<mlaNamedSize> allSizes;
    for (const auto &[key, value] : sizes)
      allSizes.push_back({key.c_str(), value});
    std::vector<mlaNamedOption> allOptions;
    for (const auto &[key, value] : options)
      allOptions.push_back({key.c_str(), value.c_str()});
    mlaOperator op = MLA_OPERATOR_INIT;
    op.name = name.c_str();
    op.sizes = allSizes.data();
    op.sizeCount = allSizes.size();
    op.options = allOptions.data();
    op.optionCount = allOptions.size();
    return body(op);
  }

private:
  std::string name;
  std::map<std::string, int64_t> sizes;
  std::map<std::string, std::string> options;
};

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

/// Owns an mlaCompiler. Threads may share it; it may be moved while none uses
/// it.
class Compiler {
public:
  /// None, and the reason in `status`, on failure.
  static std::optional<Compiler> create(Options options, Status &status) {
    Compiler made(std::move(options), status);
    return made.handle ? std::optional<Compiler>(std::move(made))
                       : std::nullopt;
  }

  /// None, and the reason in `status`, on failure.
  std::optional<Kernel> compile(const mlaOperator &op, Status &status,
                                const mlaCompileOptions *how = nullptr,
                                mlaCompileInfo *info = nullptr) const {
    return compile(source(op), status, how, info);
  }
  std::optional<Kernel> compile(const Operator &op, Status &status,
                                const mlaCompileOptions *how = nullptr,
                                mlaCompileInfo *info = nullptr) const {
    return op.with([&](const mlaOperator &description) {
      return compile(description, status, how, info);
    });
  }
  /// `ir` is MLIR as text; `name` stands before positions in errors.
  std::optional<Kernel> compile(std::string_view ir, Status &status,
                                const char *name = nullptr,
                                const mlaCompileOptions *how = nullptr,
                                mlaCompileInfo *info = nullptr) const {
    return compile(source(ir, name), status, how, info);
  }

  /// Writes a package into `folder`.
  Status compilePackage(const mlaOperator &op, const std::string &folder,
                        const mlaCompileOptions *how = nullptr,
                        mlaCompileInfo *info = nullptr) const {
    mlaSource from = source(op);
    return Status(mlaCompilePackage(get(), &from, how, folder.c_str(), info));
  }
  Status compilePackage(const Operator &op, const std::string &folder,
                        const mlaCompileOptions *how = nullptr,
                        mlaCompileInfo *info = nullptr) const {
    return op.with([&](const mlaOperator &description) {
      return compilePackage(description, folder, how, info);
    });
  }
  Status compilePackage(std::string_view ir, const std::string &folder,
                        const char *name = nullptr,
                        const mlaCompileOptions *how = nullptr,
                        mlaCompileInfo *info = nullptr) const {
    mlaSource from = source(ir, name);
    return Status(mlaCompilePackage(get(), &from, how, folder.c_str(), info));
  }

  mlaCompiler get() const { return handle.get(); }

private:
  Compiler(Options from, Status &status)
      : options(std::make_unique<Options>(std::move(from))) {
    auto text = [](const std::string &s) {
      return s.empty() ? nullptr : s.c_str();
    };
    mlaCompilerOptions to = MLA_COMPILER_OPTIONS_INIT;
    to.target = text(options->target);
    to.ptxas = text(options->ptxas);
    to.cacheFolder =
        options->cacheFolder == "none" ? "" : text(options->cacheFolder);
    to.cacheBytes = options->cacheBytes;
    to.memoryKernels = options->memoryKernels;
    to.ptxasTimeout = options->ptxasTimeout;
    to.lockTimeout = options->lockTimeout;
    to.assembler = options->assembler;
    to.userData = options.get();
    if (options->progress)
      to.progress = [](void *data, const char *step, double seconds) {
        static_cast<const Options *>(data)->progress(step, seconds);
      };
    if (options->warning)
      to.warning = [](void *data, const char *message) {
        static_cast<const Options *>(data)->warning(message);
      };
    mlaCompiler compiler = nullptr;
    status = Status(mlaCompilerCreate(&to, &compiler));
    handle.reset(compiler);
  }

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
  std::optional<Kernel> compile(const mlaSource &from, Status &status,
                                const mlaCompileOptions *how,
                                mlaCompileInfo *info) const {
    mlaKernel kernel = nullptr;
    status = Status(mlaCompile(get(), &from, how, &kernel, info));
    return kernel ? std::optional<Kernel>(Kernel(kernel)) : std::nullopt;
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
