//===- CachedCompile.cpp - IR to a cubin, or from the cache's folder ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/JIT/CachedCompile.h"
#include "mla/JIT/Version.h"
#include "mla/Runtime/Descriptor.h"
#include "mla/Runtime/Files.h"
#include "llvm/Support/Format.h"

using namespace mla;
using runtime::Status;
namespace json = llvm::json;

//===----------------------------------------------------------------------===//
// Key and value
//===----------------------------------------------------------------------===//

/// Everything that the kernel depends on. The IR is printed again, so that
/// comments and names make no difference.
static std::string makeKey(mlir::ModuleOp module, const CompileOptions &options,
                           const Assembler &assembler) {
  std::string key;
  llvm::raw_string_ostream os(key);
  os << versionText() << "\n"
     << assembler.version << "\ntarget " << options.target << "\nschedule "
     << options.schedule << "\nthreshold "
     << llvm::format("%a", options.threshold) << "\nexpect-sizes "
     << options.expectSizes << "\ngpu " << options.gpu << "\n";
  os << readNamedFiles(options) << module;
  return key;
}

std::string mla::readNamedFiles(const CompileOptions &options) {
  std::string all;
  auto add = [&](const std::string &path) {
    if (std::string text; runtime::readFile(path, text).ok())
      all += std::to_string(text.size()) + " " + text;
  };
  if (!options.tuningTable.empty())
    add(options.tuningTable);
  llvm::Expected<Choice> choice = parseChoice(options.schedule);
  if (!choice)
    llvm::consumeError(choice.takeError());
  else if (isScheduleFile(choice->schedule))
    add(choice->schedule);
  return all;
}

std::string mla::serialize(const CachedKernel &kernel) {
  const KernelFacts &facts = kernel.facts;
  std::string bytes;
  llvm::raw_string_ostream(bytes)
      << json::Value(
             json::Object{{"descriptor", kernel.descriptor},
                          {"assembler", static_cast<int>(facts.assembler)},
                          {"registers", facts.registers},
                          {"stackBytes", facts.stackBytes},
                          {"spillBytes", facts.spillBytes},
                          {"warnings", facts.warnings}})
      << "\n"
      << kernel.cubin;
  return bytes;
}

/// Whether JSON has nested objects or arrays. LLVM's parser is recursive: a
/// damaged entry could make it overflow the stack.
static bool isNested(llvm::StringRef json) {
  bool inString = false;
  int opened = 0;
  for (size_t i = 0; i < json.size(); ++i) {
    if (inString && json[i] == '\\')
      ++i;
    else if (json[i] == '"')
      inString = !inString;
    else if (!inString)
      opened += json[i] == '{' || json[i] == '[';
  }
  return opened > 1;
}

std::optional<CachedKernel> mla::deserialize(llvm::StringRef bytes) {
  auto [line, cubin] = bytes.split('\n');
  if (isNested(line))
    return std::nullopt;
  llvm::Expected<json::Value> value = json::parse(line);
  if (!value) {
    llvm::consumeError(value.takeError());
    return std::nullopt;
  }
  json::Path::Root root;
  json::ObjectMapper map(*value, root);
  CachedKernel kernel;
  KernelFacts &facts = kernel.facts;
  int assembler = 0;
  if (!map || !map.map("descriptor", kernel.descriptor) ||
      !map.map("assembler", assembler) ||
      !map.map("registers", facts.registers) ||
      !map.map("stackBytes", facts.stackBytes) ||
      !map.map("spillBytes", facts.spillBytes) ||
      !map.map("warnings", facts.warnings) ||
      (assembler != MLA_ASSEMBLER_PTXAS && assembler != MLA_ASSEMBLER_DRIVER))
    return std::nullopt;
  facts.assembler = static_cast<mlaAssembler>(assembler);
  facts.cubinBytes = static_cast<int64_t>(cubin.size());
  kernel.cubin = cubin.str();
  return kernel;
}

//===----------------------------------------------------------------------===//
// compileCached
//===----------------------------------------------------------------------===//

namespace {
/// One call of compileCached.
class Request {
public:
  Request(mlir::ModuleOp module, const CachedCompileOptions &options,
          DiskCache &cache, CachedKernel &out)
      : module(module), options(options), cache(cache), out(out) {}

  Status run();

private:
  bool lookUp(const std::string &key);
  CacheLock lock(const std::string &key);
  Status compile(const Assembler &assembler);
  Status assembleWithDriver(llvm::StringRef ptx, const Assembler &assembler);
  void describe(const PtxasReport &report);

  /// Reports the progress of a step and records its time.
  void step(llvm::StringRef name, double seconds) {
    if (name == "ptxas")
      name = "assemble";
    if (seconds >= 0)
      (name == "wait"     ? out.wait
       : name == "passes" ? out.passes
       : name == "ptx"    ? out.ptx
                          : out.assemble) = seconds;
    if (options.compile.progress)
      options.compile.progress(name, seconds);
  }
  void warn(CompileTrouble trouble, const std::string &message) {
    if (options.warn)
      options.warn(trouble, message);
  }
  void warn(CompileTrouble trouble, llvm::Error error) {
    warn(trouble, llvm::toString(std::move(error)));
  }

  mlir::ModuleOp module;
  const CachedCompileOptions &options;
  DiskCache &cache;
  CachedKernel &out;
};

/// Measures one step.
class Stopwatch {
public:
  double seconds() const {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }

private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start = Clock::now();
};
} // namespace

bool Request::lookUp(const std::string &key) {
  llvm::Expected<std::optional<std::string>> value = cache.find(key);
  if (!value) {
    warn(CompileTrouble::Read, value.takeError());
    return false;
  }
  if (!*value)
    return false;
  std::optional<CachedKernel> kernel = deserialize(**value);
  Status status = kernel ? runtime::verifyCubin(kernel->cubin)
                         : Status(MLA_INVALID_PACKAGE, "it holds no kernel");
  if (!status.ok()) {
    warn(CompileTrouble::Read,
         "the cache's entry " + out.facts.key + ": " + status.message());
    return false;
  }
  kernel->facts.key = out.facts.key;
  kernel->wait = out.wait;
  out = std::move(*kernel);
  out.fromDisk = true;
  return true;
}

CacheLock Request::lock(const std::string &key) {
  std::optional<Stopwatch> waiting;
  llvm::Expected<CacheLock> lock = cache.lock(key, options.lockTimeout, [&] {
    step("wait", -1);
    waiting.emplace();
  });
  if (waiting)
    step("wait", waiting->seconds());
  if (!lock) {
    warn(CompileTrouble::Lock, lock.takeError());
    return CacheLock();
  }
  if (waiting && !*lock)
    warn(CompileTrouble::Timeout,
         llvm::createStringError(
             "another process has been compiling the same kernel for longer "
             "than " +
             llvm::Twine(options.lockTimeout.count()) + " ms"));
  return std::move(*lock);
}

void Request::describe(const PtxasReport &report) {
  // For several kernels, the maximum of each number.
  KernelFacts &facts = out.facts;
  auto raise = [](auto &fact, auto number) {
    fact = std::max(fact, static_cast<std::decay_t<decltype(fact)>>(number));
  };
  facts.warnings = static_cast<int32_t>(report.warnings.size());
  for (const FunctionReport &function : report.functions)
    if (function.isEntry) {
      raise(facts.registers, function.registers);
      raise(facts.stackBytes, function.stackBytes);
      raise(facts.spillBytes,
            function.spillStoreBytes + function.spillLoadBytes);
    }
}

Status Request::assembleWithDriver(llvm::StringRef ptx,
                                   const Assembler &assembler) {
  step("assemble", -1);
  Stopwatch stopwatch;
  CubinResult result;
  Status status = linkWithDriver(ptx, options.compile.target, result);
  step("assemble", stopwatch.seconds());
  // Adds why ptxas was not used.
  if (!status.ok())
    return assembler.warning.empty()
               ? status
               : Status(status.code(),
                        status.message() + " (" + assembler.warning + ")");
  out.cubin = std::move(result.cubin);
  describe(result.report);
  status = runtime::sealDescriptor(out.descriptor, out.cubin);
  return status.ok() ? status
                     : Status(MLA_COMPILE_ERROR,
                              assembler.version +
                                  " (libcuda.so.1): " + status.message());
}

Status Request::compile(const Assembler &assembler) {
  CompileOptions compile = options.compile;
  compile.ptxas = assembler.path;
  compile.ptxOnly = assembler.kind == MLA_ASSEMBLER_DRIVER;
  compile.progress = [&](llvm::StringRef name, double seconds) {
    step(name, seconds);
  };
  llvm::Expected<CompiledKernel> kernel = compileKernel(module, compile);
  if (!kernel)
    return Status(MLA_COMPILE_ERROR, llvm::toString(kernel.takeError()));
  out.descriptor = std::move(kernel->descriptor);
  out.facts.assembler = assembler.kind;
  if (assembler.kind == MLA_ASSEMBLER_DRIVER) {
    MLA_RETURN_IF_ERROR(assembleWithDriver(kernel->ptx, assembler));
  } else {
    out.cubin = std::move(kernel->cubin);
    describe(kernel->report);
  }
  out.facts.cubinBytes = static_cast<int64_t>(out.cubin.size());
  return Status();
}

Status Request::run() {
  Assembler assembler;
  MLA_RETURN_IF_ERROR(findAssembler(options.assembler, options.compile.ptxas,
                                    options.compile.ptxasTimeoutSeconds,
                                    assembler));
  if (!assembler.warning.empty())
    warn(CompileTrouble::Assembler, assembler.warning);
  std::string key = makeKey(module, options.compile, assembler);
  out.facts.key = digest(key);
  if (lookUp(key))
    return Status();
  CacheLock held = lock(key);
  // The previous owner of the lock may have stored it.
  if (held && lookUp(key))
    return Status();
  MLA_RETURN_IF_ERROR(compile(assembler));
  if (llvm::Error error = cache.store(key, serialize(out)))
    warn(CompileTrouble::Write, std::move(error));
  return Status();
}

Status mla::compileCached(mlir::ModuleOp module,
                          const CachedCompileOptions &options, DiskCache &cache,
                          CachedKernel &out) {
  return Request(module, options, cache, out).run();
}
