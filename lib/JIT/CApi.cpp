//===- CApi.cpp - the C interface of the compiler -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "ApiStructs.h"
#include "KernelStore.h"
#include "mla/Dialect/Tile/Tile.h"
#include "mla/JIT/Version.h"
#include "mla/Pipelines/Parse.h"
#include "mla/Pipelines/Pipelines.h"
#include "mla/Runtime/Descriptor.h"
#include "mla/Runtime/Files.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include <atomic>

using namespace mla;
using runtime::invalidArgument;
using runtime::Status;

// The structs are part of the ABI: fields are added at the end only.
static_assert(sizeof(mlaCompilerOptions) == 88, "ABI of mlaCompilerOptions");
static_assert(offsetof(mlaCompilerOptions, progress) == 64,
              "ABI of mlaCompilerOptions");
static_assert(sizeof(mlaSource) == 40, "ABI of mlaSource");
static_assert(sizeof(mlaCompileOptions) == 48, "ABI of mlaCompileOptions");
static_assert(offsetof(mlaCompileOptions, threshold) == 16,
              "ABI of mlaCompileOptions");
static_assert(sizeof(mlaCompileInfo) == 152, "ABI of mlaCompileInfo");
static_assert(offsetof(mlaCompileInfo, key) == 80, "ABI of mlaCompileInfo");

//===----------------------------------------------------------------------===//
// What the caller asks for
//===----------------------------------------------------------------------===//

/// Checks that a value is in [`low`, `high`], or 0 for the default.
static Status readNumber(const char *name, int64_t value, int64_t low,
                         int64_t high) {
  if (value == 0 || (low <= value && value <= high))
    return Status();
  return invalidArgument(llvm::formatv("'{0}': expected {1} to {2}, got {3}",
                                       name, low, high, value)
                             .str());
}

namespace {
/// A checked mlaSource.
struct Source {
  std::optional<OperatorSpec> op;
  std::string ir, name;

  Status read(const mlaSource *in);
  /// Identifies the source without building its IR.
  std::string quickKey() const;
  /// Null after a diagnostic.
  mlir::OwningOpRef<mlir::ModuleOp> build(mlir::MLIRContext &context) const {
    return op ? buildOperator(context, *op) : parseProgram(ir, context, name);
  }
};
} // namespace

Status Source::read(const mlaSource *in) {
  mlaSource source = MLA_SOURCE_INIT;
  MLA_RETURN_IF_ERROR(readStruct("source", in, source));
  if (!source.op == !source.ir)
    return invalidArgument(std::string("'source': expected one of 'op' and "
                                       "'ir', got ") +
                           (source.op ? "both" : "neither"));
  if (source.op) {
    MLA_RETURN_IF_ERROR(readOperator(source.op, op));
    name = op->getOperator().getName().str();
    return Status();
  }
  ir.assign(source.ir, source.irSize);
  name = source.irName ? source.irName : "ir";
  return Status();
}

std::string Source::quickKey() const {
  return op ? op->describe() : "ir " + digest(ir);
}

/// Identifies the options of a call.
static std::string quickKey(const CompileOptions &options) {
  std::string key;
  for (const std::string *text :
       {&options.expectSizes, &options.schedule, &options.gpu})
    key += std::to_string(text->size()) + ":" + *text + " ";
  llvm::raw_string_ostream os(key);
  // Includes the contents of files, which may change.
  os << llvm::format("%a", options.threshold) << " " << options.tuningTable
     << " " << digest(readNamedFiles(options));
  return key;
}

//===----------------------------------------------------------------------===//
// Diagnostics
//===----------------------------------------------------------------------===//

namespace {
/// Collects the diagnostics of a context, one line each.
class Diagnostics {
public:
  explicit Diagnostics(mlir::MLIRContext &context)
      : handler(&context, [this](mlir::Diagnostic &diagnostic) {
          add(diagnostic);
          for (mlir::Diagnostic &note : diagnostic.getNotes())
            add(note);
        }) {}

  std::string text;

private:
  void add(mlir::Diagnostic &diagnostic) {
    constexpr const char *severities[] = {"note", "warning", "error", "remark"};
    llvm::raw_string_ostream os(text);
    os << "\n";
    if (auto loc =
            llvm::dyn_cast<mlir::FileLineColLoc>(diagnostic.getLocation()))
      os << loc.getFilename().getValue() << ":" << loc.getLine() << ":"
         << loc.getColumn() << ": ";
    os << severities[static_cast<int>(diagnostic.getSeverity())] << ": "
       << diagnostic.str();
  }

  mlir::ScopedDiagnosticHandler handler;
};
} // namespace

//===----------------------------------------------------------------------===//
// The compiler
//===----------------------------------------------------------------------===//

struct mlaCompiler_st {
  CachedCompileOptions options;
  mlaWarningFn warning;
  void *userData;
  /// One bit for each CompileTrouble that was reported.
  std::atomic<unsigned> warned{0};
  /// The caller named no folder for the cache, and the default is used.
  bool needsFolder;
  DiskCache disk;
  KernelStore store;

  explicit mlaCompiler_st(const mlaCompilerOptions &in);

  Status compile(const Source &source, const CachedCompileOptions &how,
                 CachedKernel &out);
  Status load(const Source &source, const CachedCompileOptions &how,
              StoredKernel &out, CachedKernel &compiled);
  /// The options of one call.
  Status read(const mlaCompileOptions *in, CachedCompileOptions &out) const;
};

mlaCompiler_st::mlaCompiler_st(const mlaCompilerOptions &in)
    : warning(in.warning), userData(in.userData), needsFolder(!in.cacheFolder),
      disk(in.cacheFolder ? in.cacheFolder : defaultCacheFolder(),
           in.cacheBytes ? in.cacheBytes : kDefaultCacheBytes),
      store(in.memoryKernels == 0 ? 1024
                                  : std::max<int64_t>(in.memoryKernels, 0)) {
  if (in.target)
    options.compile.target = in.target;
  if (in.ptxas)
    options.compile.ptxas = in.ptxas;
  if (in.ptxasTimeout)
    options.compile.ptxasTimeoutSeconds =
        static_cast<unsigned>(in.ptxasTimeout);
  if (in.lockTimeout)
    options.lockTimeout = std::chrono::milliseconds(in.lockTimeout);
  options.assembler = static_cast<mlaAssembler>(in.assembler);
  if (in.progress)
    options.compile.progress = [tell = in.progress, data = in.userData](
                                   llvm::StringRef step, double seconds) {
      tell(data, step.str().c_str(), seconds);
    };
  options.warn = [this](CompileTrouble trouble, const std::string &message) {
    unsigned bit = 1u << static_cast<unsigned>(trouble);
    if (!(warned.fetch_or(bit) & bit) && warning)
      warning(userData, message.c_str());
  };
}

Status mlaCompiler_st::read(const mlaCompileOptions *in,
                            CachedCompileOptions &out) const {
  out = options;
  if (!in)
    return Status();
  mlaCompileOptions call = MLA_COMPILE_OPTIONS_INIT;
  MLA_RETURN_IF_ERROR(readStruct("options", in, call));
  // NaN is refused too.
  if (!(call.threshold >= 0 && call.threshold <= tile::kMaxThreshold) &&
      call.threshold != -1) {
    std::string text;
    llvm::raw_string_ostream(text)
        << "'options.threshold': expected 0 to " << tile::kMaxThreshold
        << ", or -1, got " << llvm::format("%g", call.threshold);
    return invalidArgument(text);
  }
  if (call.schedule)
    out.compile.schedule = call.schedule;
  if (call.threshold != 0)
    out.compile.threshold = std::max(call.threshold, 0.0);
  if (call.expectSizes)
    out.compile.expectSizes = call.expectSizes;
  if (call.gpu)
    out.compile.gpu = call.gpu;
  if (call.tuningTable)
    out.compile.tuningTable = call.tuningTable;
  return Status();
}

Status mlaCompiler_st::compile(const Source &source,
                               const CachedCompileOptions &how,
                               CachedKernel &out) {
  if (needsFolder && !disk.enabled())
    options.warn(CompileTrouble::NoFolder,
                 "no folder for the cache: expected MLA_CACHE_DIR, "
                 "XDG_CACHE_HOME, HOME or a home folder in the password file, "
                 "got none; every process compiles its kernels");
  mlir::DialectRegistry registry;
  registerDialects(registry);
  // Each compilation has its own context, so that threads share nothing, and
  // without a thread pool, which a fork would not copy.
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  context.printOpOnDiagnostic(false);
  Diagnostics diagnostics(context);
  auto module = source.build(context);
  Status status =
      module ? compileCached(*module, how, disk, out)
             : Status(MLA_COMPILE_ERROR, source.op ? "no kernel has these sizes"
                                                   : "the IR is invalid");
  if (status.ok())
    return status;
  return Status(status.code(),
                source.name + ": " + status.message() + diagnostics.text);
}

Status mlaCompiler_st::load(const Source &source,
                            const CachedCompileOptions &how, StoredKernel &out,
                            CachedKernel &compiled) {
  MLA_RETURN_IF_ERROR(compile(source, how, compiled));
  mlaKernel kernel = nullptr;
  mlaStatus code = mlaKernelLoadFromMemory(
      compiled.descriptor.data(), compiled.descriptor.size(),
      compiled.cubin.data(), compiled.cubin.size(), &kernel);
  if (code != MLA_SUCCESS)
    return Status(code, source.name + ": " + mlaLastError());
  out = {KernelReference(kernel), compiled.facts};
  return Status();
}

static void writeInfo(const KernelFacts &facts, const CachedKernel &compiled,
                      mlaOrigin origin, double seconds, mlaCompileInfo &out) {
  out.origin = origin;
  out.assembler = facts.assembler;
  out.seconds = seconds;
  out.waitSeconds = compiled.wait;
  out.passesSeconds = compiled.passes;
  out.ptxSeconds = compiled.ptx;
  out.assembleSeconds = compiled.assemble;
  out.registers = facts.registers;
  out.stackBytes = facts.stackBytes;
  out.spillBytes = facts.spillBytes;
  out.warnings = facts.warnings;
  out.cubinBytes = facts.cubinBytes;
  std::strncpy(out.key, facts.key.c_str(), sizeof(out.key) - 1);
  out.key[sizeof(out.key) - 1] = 0;
}

/// The common part of mlaCompile and mlaCompilePackage: checks the arguments,
/// runs `body`, and fills in `info`.
template <typename Body>
static Status compileCall(mlaCompiler compiler, const mlaSource *in,
                          const mlaCompileOptions *options,
                          mlaCompileInfo *info, Body body) {
  auto start = std::chrono::steady_clock::now();
  if (!compiler)
    return nullArgument("compiler");
  if (info)
    MLA_RETURN_IF_ERROR(checkOutput("info", info));
  Source source;
  CachedCompileOptions how;
  MLA_RETURN_IF_ERROR(source.read(in));
  MLA_RETURN_IF_ERROR(compiler->read(options, how));
  KernelFacts facts;
  CachedKernel compiled;
  mlaOrigin origin = MLA_COMPILED;
  Status status = body(source, how, facts, compiled, origin);
  std::chrono::duration<double> spent =
      std::chrono::steady_clock::now() - start;
  if (info)
    writeInfo(status.ok() ? facts : compiled.facts, compiled, origin,
              spent.count(), *info);
  return status;
}

static mlaOrigin originOf(const CachedKernel &compiled) {
  return compiled.fromDisk ? MLA_FROM_DISK : MLA_COMPILED;
}

//===----------------------------------------------------------------------===//
// The functions
//===----------------------------------------------------------------------===//

extern "C" {

int32_t mlaJitVersion(void) { return MLA_JIT_VERSION; }

const char *mlaJitVersionText(void) { return versionText().c_str(); }

mlaStatus mlaCompilerCreate(const mlaCompilerOptions *options,
                            mlaCompiler *out) {
  return reportStatus([&]() -> Status {
    if (!out)
      return nullArgument("out");
    *out = nullptr;
    mlaCompilerOptions in = MLA_COMPILER_OPTIONS_INIT;
    if (options)
      MLA_RETURN_IF_ERROR(readStruct("options", options, in));
    constexpr int32_t maxSeconds = 1 << 20;
    MLA_RETURN_IF_ERROR(
        readNumber("options.cacheBytes", in.cacheBytes, 1, INT64_MAX));
    MLA_RETURN_IF_ERROR(
        readNumber("options.memoryKernels", in.memoryKernels, -1, INT32_MAX));
    MLA_RETURN_IF_ERROR(
        readNumber("options.ptxasTimeout", in.ptxasTimeout, 1, maxSeconds));
    MLA_RETURN_IF_ERROR(
        readNumber("options.lockTimeout", in.lockTimeout, -1, INT32_MAX));
    MLA_RETURN_IF_ERROR(readNumber("options.assembler", in.assembler,
                                   MLA_ASSEMBLER_AUTO, MLA_ASSEMBLER_DRIVER));
    if (in.reserved)
      return invalidArgument("'options.reserved': expected 0, got " +
                             std::to_string(in.reserved));
    if (in.target && !findTarget(in.target))
      return invalidArgument("'options.target': " +
                             describeUnknownTarget(in.target));
    *out = new mlaCompiler_st(in);
    return Status();
  }());
}

mlaStatus mlaCompilerDestroy(mlaCompiler compiler) {
  delete compiler;
  return MLA_SUCCESS;
}

mlaStatus mlaCompile(mlaCompiler compiler, const mlaSource *source,
                     const mlaCompileOptions *options, mlaKernel *out,
                     mlaCompileInfo *info) {
  if (out)
    *out = nullptr;
  else
    return reportStatus(nullArgument("out"));
  return reportStatus(compileCall(
      compiler, source, options, info,
      [&](const Source &source, const CachedCompileOptions &how,
          KernelFacts &facts, CachedKernel &compiled, mlaOrigin &origin) {
        std::string key = source.quickKey() + " " + quickKey(how.compile);
        StoredKernel kernel;
        bool made = false;
        Status status = compiler->store.get(
            key,
            [&](StoredKernel &out) {
              return compiler->load(source, how, out, compiled);
            },
            kernel, made);
        facts = kernel.facts;
        origin = made ? originOf(compiled) : MLA_FROM_MEMORY;
        *out = kernel.kernel.release();
        return status;
      }));
}

mlaStatus mlaCompilePackage(mlaCompiler compiler, const mlaSource *source,
                            const mlaCompileOptions *options,
                            const char *folder, mlaCompileInfo *info) {
  if (!folder)
    return reportStatus(nullArgument("folder"));
  return reportStatus(compileCall(
      compiler, source, options, info,
      [&](const Source &source, const CachedCompileOptions &how,
          KernelFacts &facts, CachedKernel &compiled,
          mlaOrigin &origin) -> Status {
        MLA_RETURN_IF_ERROR(compiler->compile(source, how, compiled));
        facts = compiled.facts;
        origin = originOf(compiled);
        runtime::KernelPackage package;
        MLA_RETURN_IF_ERROR(
            runtime::parseDescriptor(compiled.descriptor, package.descriptor)
                .within(source.name));
        package.cubin = compiled.cubin;
        return runtime::writePackage(folder, package);
      }));
}

} // extern "C"
