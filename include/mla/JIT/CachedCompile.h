//===- CachedCompile.h - compiling through the cache ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_JIT_CACHEDCOMPILE_H
#define MLA_JIT_CACHEDCOMPILE_H

#include "mla/JIT/Assembler.h"
#include "mla/JIT/Compiler.h"
#include "mla/JIT/DiskCache.h"

namespace mla {

/// What is stored about a kernel besides its code; see mlaCompileInfo.
struct KernelFacts {
  /// The digest of the key.
  std::string key;
  mlaAssembler assembler = MLA_ASSEMBLER_PTXAS;
  int32_t registers = -1, stackBytes = -1, spillBytes = -1, warnings = 0;
  int64_t cubinBytes = 0;
};

/// Kinds of warnings about the cache and the assembler.
enum class CompileTrouble { Read, Write, Lock, Timeout, NoFolder, Assembler };

struct CachedCompileOptions {
  /// Its `progress` gets the steps "wait", "passes", "ptx" and "assemble".
  CompileOptions compile;
  mlaAssembler assembler = MLA_ASSEMBLER_AUTO;
  std::chrono::milliseconds lockTimeout{30000};
  /// May be empty.
  std::function<void(CompileTrouble, const std::string &message)> warn;
};

struct CachedKernel {
  /// The launch descriptor, JSON (docs/Package.md).
  std::string descriptor;
  std::string cubin;
  KernelFacts facts;
  bool fromDisk = false;
  /// Seconds of the steps that were taken.
  double wait = 0, passes = 0, ptx = 0, assemble = 0;
};

/// Like compileKernel, but looks into `cache` first and stores the result
/// there; threads and processes that want the same kernel concurrently compile
/// it once. Always makes a cubin. Errors: MLA_COMPILE_ERROR, and those of
/// findAssembler and linkWithDriver.
runtime::Status compileCached(mlir::ModuleOp module,
                              const CachedCompileOptions &options,
                              DiskCache &cache, CachedKernel &out);

/// The contents of the files that `options` name, which the kernel depends on.
/// A file that cannot be read is left out: compiling fails.
std::string readNamedFiles(const CompileOptions &options);

/// Converts a kernel to and from a value of the cache; deserialize returns
/// nullopt if `bytes` is not a kernel.
std::string serialize(const CachedKernel &kernel);
std::optional<CachedKernel> deserialize(llvm::StringRef bytes);

} // namespace mla

#endif // MLA_JIT_CACHEDCOMPILE_H
