//===- RunCommand.cpp - the commands `run` and `bench` ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Commands.h"
#include "Flags.h"
#include "Session.h"
#include "SimulatorFlags.h"
#include "mla/Dialect/MLA/MLA.h"
#include "mla/Executors/InterpreterExecutor.h"
#include "mla/Harness/CommandLine.h"
#include "mla/Harness/Gpu.h"
#include "mla/Harness/Progress.h"
#include "mla/JIT/CachedCompile.h"
#include "llvm/Support/FileSystem.h"

using namespace mla;

namespace {

enum class Device { Auto, Gpu, Sim, Interpreter };

constexpr llvm::StringLiteral kDevices[] = {"auto", "gpu", "sim",
                                            "interpreter"};

/// Makes what the harness runs out of IR files and packages.
class Loader {
public:
  explicit Loader(bool isBench) : isBench(isBench) {}

  /// Declares the options of `run` or `bench` that load() goes by.
  void declare(cli::Command &command) {
    std::vector<std::string> devices(std::begin(kDevices), std::end(kDevices));
    command
        .option("--device", "NAME",
                cli::readWord(devices,
                              [this](size_t index) { device = Device(index); }),
                "gpu, sim: the cta program on the CPU, every rule of the "
                "machine enforced, interpreter: the tile program on the CPU, "
                "or auto (default): gpu if there is one, else sim. bench takes "
                "gpu and auto")
        .offer(devices);
    flags.declare(command);
    command.flag(
        "--no-cache", [this] { useCache = false; },
        "compile for the GPU even if the cache has the kernel");
    if (!isBench)
      simulator.declare(command);
  }

  /// What is wrong with the options as a whole, or an empty text.
  std::string findFault(const harness::ToolOptions &tool) const {
    bool onCpu = device == Device::Sim || device == Device::Interpreter;
    if (isBench && onCpu)
      return "option '--device': bench times the GPU, expected gpu or auto, "
             "got '" +
             deviceName() + "'";
    auto isPackage = [](const std::string &operand) {
      return llvm::sys::fs::is_directory(operand);
    };
    if (!flags.given.empty() && !tool.operands.empty() &&
        llvm::all_of(tool.operands, isPackage))
      return "option '" + flags.given +
             "': expected a FILE.mlir to compile, got packages only";
    if (!simulator.given.empty() && device != Device::Auto &&
        device != Device::Sim)
      return "option '" + simulator.given +
             "': expected --device=sim with it, got --device=" + deviceName();
    size_t runs =
        tool.operands.size() * flags.schedules.size() * tool.cases.size();
    if (!simulator.trace.empty() && runs > 1)
      return "option '--trace': expected one kernel and case with it, got " +
             std::to_string(runs);
    return flags.findFault();
  }

  harness::Status load(const std::string &operand,
                       std::vector<harness::Subject> &out) {
    if (llvm::sys::fs::is_directory(operand))
      return loadPackage(operand, out);
    MLA_RETURN_IF_ERROR(chooseDevice(operand));
    harness::WorkProgress progress("compiling " + operand);
    auto module = session.parse(operand);
    if (!module)
      return runtime::invalidArgument("cannot parse '" + operand + "'");
    bool several = flags.schedules.size() > 1;
    if (several)
      MLA_RETURN_IF_ERROR(checkChoice(*module, operand));
    for (const std::string &schedule : flags.schedules) {
      CompileOptions options = flags.options;
      options.schedule = schedule;
      harness::Subject &subject = out.emplace_back();
      subject.label = operand + (several ? ":" + schedule : "");
      subject.memoryLimit = simulator.memoryLimit;
      MLA_RETURN_IF_ERROR(load(module->clone(), options, subject));
    }
    return harness::Status();
  }

private:
  std::string deviceName() const {
    return kDevices[static_cast<int>(device)].str();
  }

  /// Machine code, which the simulator does not run.
  harness::Status loadPackage(const std::string &folder,
                              std::vector<harness::Subject> &out) {
    std::string why =
        "'" + folder + "': a package holds machine code and needs a GPU";
    std::string instead = "; its IR, a FILE.mlir, runs with --device=sim";
    if (device == Device::Sim || device == Device::Interpreter)
      return runtime::invalidArgument(why + ", got --device=" + deviceName() +
                                      instead);
    MLA_RETURN_IF_ERROR(harness::loadPackageSubject(folder, out));
    harness::Status gpu = findGpu();
    return gpu.ok() ? gpu
                    : runtime::invalidArgument(why + " (" + gpu.message() +
                                               ")" + instead);
  }

  /// Settles what "auto" is, before the operand is compiled.
  harness::Status chooseDevice(const std::string &operand) {
    if (device == Device::Sim || device == Device::Interpreter)
      return harness::Status();
    harness::Status gpu = findGpu();
    if (!gpu.ok() && isBench)
      return runtime::invalidArgument(
          "bench needs a GPU (" + gpu.message() +
          "); run --device=sim, explain and tune --dry-run do without");
    if (!gpu.ok() && device == Device::Gpu)
      return runtime::invalidArgument(operand + ": --device=gpu needs a GPU (" +
                                      gpu.message() +
                                      "); --device=sim does without");
    if (!gpu.ok())
      llvm::errs() << "note: no GPU (" << gpu.message()
                   << "): running on the simulator\n";
    else if (!simulator.given.empty())
      return runtime::invalidArgument("option '" + simulator.given +
                                      "': expected --device=sim with it, got "
                                      "--device=auto, which is the GPU");
    device = gpu.ok() ? Device::Gpu : Device::Sim;
    return harness::Status();
  }

  /// Several schedules are compared only if the IR leaves the choice open.
  static harness::Status checkChoice(mlir::ModuleOp module,
                                     const std::string &operand) {
    bool open = false;
    module.walk([&](OperatorInterface op) { open |= !op.getScheduleAttr(); });
    return open ? harness::Status()
                : runtime::invalidArgument(
                      "'" + operand +
                      "': expected an operator without a schedule to compare "
                      "several, got IR that has its own");
  }

  harness::Status load(mlir::OwningOpRef<mlir::ModuleOp> module,
                       CompileOptions &options, harness::Subject &out) {
    if (device == Device::Gpu)
      return compile(*module, options, out);
    bool interpret = device == Device::Interpreter;
    llvm::Expected<LoweredProgram> program = lowerProgram(
        *module, interpret ? ProgramLevel::Tile : ProgramLevel::CTA, options);
    if (!program)
      return runtime::invalidArgument(out.label + ": " +
                                      llvm::toString(program.takeError()));
    out.descriptor = std::move(program->descriptor);
    auto shared = std::make_shared<mlir::OwningOpRef<mlir::ModuleOp>>(
        std::move(program->module));
    out.executor = interpret
                       ? makeInterpreterExecutor(shared, out.descriptor)
                       : makeSimulatorExecutor(shared, out.descriptor,
                                               simulator.makeExecutorOptions());
    return harness::Status();
  }

  /// For the GPU, by way of the cache; dumps need a compilation.
  harness::Status compile(mlir::ModuleOp module, const CompileOptions &how,
                          harness::Subject &out) {
    CachedCompileOptions options;
    options.compile = how;
    if (options.compile.gpu.empty())
      options.compile.gpu = gpuName;
    options.warn = [](CompileTrouble, const std::string &message) {
      llvm::errs() << "note: " << message << "\n";
    };
    bool cached = useCache && how.dumpFolder.empty();
    DiskCache cache(cached ? defaultCacheFolder() : "", kDefaultCacheBytes);
    CachedKernel kernel;
    if (harness::Status status = compileCached(module, options, cache, kernel);
        !status.ok())
      return status.within(out.label);
    out.cubin = std::move(kernel.cubin);
    return runtime::parseDescriptor(kernel.descriptor, out.descriptor);
  }

  /// Opens the GPU on the first call. Fails with the reason if there is none.
  harness::Status findGpu() {
    if (gpu)
      return harness::Status();
    MLA_RETURN_IF_ERROR(harness::GpuContext::create(gpu));
    gpuName = getGpuName(gpu->deviceName());
    return harness::Status();
  }

  CompileFlags flags{/*severalSchedules=*/true};
  SimulatorFlags simulator;
  Device device = Device::Auto;
  bool useCache = true, isBench;
  /// Kept open, so that the harness finds the driver initialised and the
  /// primary context made.
  std::unique_ptr<harness::GpuContext> gpu;
  std::string gpuName;
  Session session;
};
} // namespace

/// The command's part of the tool; loaders live as long as their commands.
static harness::ToolConfig makeConfig(bool isBench) {
  auto loader = std::make_shared<Loader>(isBench);
  harness::ToolConfig config;
  config.name = "mla-jit";
  config.operandName = "FILE.mlir|PACKAGE";
  config.load = [loader](const std::string &operand,
                         std::vector<harness::Subject> &out) {
    return loader->load(operand, out);
  };
  config.declare = [loader](cli::Command &command) {
    loader->declare(command);
  };
  config.fault = [loader](const harness::ToolOptions &options) {
    return loader->findFault(options);
  };
  return config;
}

void mla::addRunCommands(cli::Tool &tool) {
  harness::addRunCommand(tool, makeConfig(/*isBench=*/false));
  harness::addBenchCommand(tool, makeConfig(/*isBench=*/true));
}
