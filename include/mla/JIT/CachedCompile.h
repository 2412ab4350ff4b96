//===- CachedCompile.h - IR to a cubin, or from the cache's folder -*- C++
//-*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_JIT_CACHEDCOMPILE_H
#define MLA_JIT_CACHEDCOMPILE_H

#include "mla/JIT/Assembler.h"
#include "mla/JIT/Compiler.h"
#include "mla/JIT/DiskCache.h"

namespace mla {

/// What is remembered of a kernel beside its code; as in mlaCompileInfo.
struct KernelFacts {
  /// The digest of the key.
  std::string key;
  mlaAssembler assembler = MLA_ASSEMBLER_PTXAS;
  int32_t registers = -1, stackBytes = -1, spillBytes = -1, warnings = 0;
  int64_t cubinBytes = 0;
};

/// Kinds of trouble with the cache and the assembler, none of which is a
/// failure.
enum class CompileTrouble { Read, Write, Lock, Timeout, NoFolder, Assembler };

struct CachedCompileOptions {
  /// `progress` in it is told of "wait", "passes", "ptx" and "assemble".
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

/// As compileKernel, but looks into `cache` first and puts there what it
/// compiled; threads and processes that want one kernel at once compile it
/// once. Always makes a cubin. Errors: MLA_COMPILE_ERROR, and those of
/// findAssembler and linkWithDriver.
runtime::Status compileCached(mlir::ModuleOp module,
                              const CachedCompileOptions &options,
                              DiskCache &cache, CachedKernel &out);

/// What stands in the files that `options` name, which decides over the kernel
/// as the options do; one that cannot be read fails to compile.
std::string readNamedFiles(const CompileOptions &options);

/// Writes and reads a kernel as a value of the cache; the second returns
/// nothing where `bytes` is no kernel.
std::string serialize(const CachedKernel &kernel);
std::optional<CachedKernel> deserialize(llvm::StringRef bytes);

} // namespace mla

#endif // MLA_JIT_CACHEDCOMPILE_H
