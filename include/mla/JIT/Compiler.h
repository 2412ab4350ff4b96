//===- Compiler.h - from IR to a kernel package -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_JIT_COMPILER_H
#define MLA_JIT_COMPILER_H

#include "mla/Runtime/Descriptor.h"
#include "mla/Support/Target.h"
#include "mla/Target/PtxasReport.h"
#include "mla/Tuning/Choice.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/Error.h"
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mla {

struct CompileOptions {
  std::string target{kDefaultTarget.name};
  /// The schedule of an operator that carries none; see parseChoice().
  std::string schedule = "auto";
  /// How far, in powers of two, weights may grow before a lazy softmax
  /// rescales.
  double threshold = 8;
  /// Sizes that "auto" expects where the IR leaves them to run time, as
  /// parseExpectedSizes() reads them; the others are the operator's typical
  /// ones.
  std::string expectSizes;
  /// The GPU's name (such as H200) if known, and a tuning table other than the
  /// one that ships. "auto" depends on both.
  std::string gpu, tuningTable;
  /// The ptxas to use; looked for by findPtxas() without one.
  std::optional<std::string> ptxas;
  unsigned ptxasTimeoutSeconds = 120;
  /// Stop after the launch descriptor: no PTX, no cubin.
  bool descriptorOnly = false;
  /// Stop after the PTX.
  bool ptxOnly = false;
  /// Called when a step begins (seconds < 0) and when it has ended.
  std::function<void(llvm::StringRef step, double seconds)> progress;
  /// A folder that receives the IR after each pass, LLVM IR, PTX and report.
  std::string dumpFolder;
  /// The passes, and names of getDumpedFiles(), to dump; all if empty.
  std::vector<std::string> dumpOnly;
};

/// The files of a dump besides the IR after each pass.
llvm::ArrayRef<llvm::StringLiteral> getDumpedFiles();

struct CompiledKernel {
  /// The launch descriptor, JSON (docs/Package.md).
  std::string descriptor;
  std::string ptx;
  /// Empty if no ptxas was found; `missingCubin` then says why.
  std::string cubin;
  std::string missingCubin;
  PtxasReport report;
  /// Wall-clock seconds of each step, in order.
  std::vector<std::pair<std::string, double>> seconds;
};

/// Compiles the kernel in `module` (mla or tile IR), which is left untouched.
/// Errors in the IR are reported as diagnostics of its context, at their
/// location; the returned error then says which step failed. That no ptxas is
/// found is an error only if isPtxasRequested(options.ptxas); one that fails,
/// hangs, writes no whole cubin, or reports a spill, a stack frame or a C75xx
/// message always is.
llvm::Expected<CompiledKernel> compileKernel(mlir::ModuleOp module,
                                             const CompileOptions &options);

/// A lowered program and its launch descriptor: what running it without a GPU
/// takes.
struct LoweredProgram {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  runtime::KernelDescriptor descriptor;
};

enum class ProgramLevel { Tile, CTA };

/// Lowers a copy of `module` to a tile program or to a verified CTA program.
/// Generates no code: a program that only the conversion refuses is lowered.
/// Errors as for compileKernel().
llvm::Expected<LoweredProgram> lowerProgram(mlir::ModuleOp module,
                                            ProgramLevel level,
                                            const CompileOptions &options);

/// Lowers `module` in place from the mla level to a tile program. Errors are
/// diagnostics of its context.
mlir::LogicalResult lowerToTile(mlir::ModuleOp module,
                                const CompileOptions &options);

/// Lowers `module` in place to a verified CTA program, from the level at which
/// it stands. Errors are diagnostics of its context.
mlir::LogicalResult lowerToCTA(mlir::ModuleOp module,
                               const CompileOptions &options);

/// Writes kernel.json, kernel.ptx and, if there is one, kernel.cubin into
/// `folder`, each file atomically, the descriptor last. Without a cubin,
/// removes that of another kernel from `folder`.
llvm::Error writeKernel(const CompiledKernel &kernel, llvm::StringRef folder);

/// One JSON object: registers, spills, shared memory, seconds.
llvm::json::Value summarize(const CompiledKernel &kernel);

} // namespace mla

#endif // MLA_JIT_COMPILER_H
