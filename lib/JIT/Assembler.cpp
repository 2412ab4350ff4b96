//===- Assembler.cpp - ptxas, or the driver's linker ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/JIT/Assembler.h"
#include "mla/Runtime/Driver.h"
#include "mla/Target/PTX.h"

using namespace mla;
using namespace mla::runtime;

static Status requireLinker(const Driver &driver) {
  if (driver.cuLinkCreate && driver.cuLinkAddData && driver.cuLinkComplete &&
      driver.cuLinkDestroy)
    return Status();
  return Status(MLA_UNSUPPORTED_DRIVER, "the CUDA driver has no linker");
}

//===----------------------------------------------------------------------===//
// findAssembler
//===----------------------------------------------------------------------===//

/// The CUDA version of the installed driver; 0.0 without a driver.
static CudaVersion installedDriver() {
  auto version = static_cast<unsigned>(Driver::installedVersion());
  return {version / 1000, version % 1000 / 10};
}

static std::string toText(CudaVersion version) {
  return std::to_string(version.major) + "." + std::to_string(version.minor);
}

/// Describes the ptxas at `path`; its warning says why it is not suitable.
static Status describePtxas(const std::string &path, unsigned timeoutSeconds,
                            Assembler &out) {
  llvm::Expected<std::string> text = ptxasVersionText(path, timeoutSeconds);
  if (!text)
    return Status(MLA_COMPILE_ERROR, llvm::toString(text.takeError()));
  out = {MLA_ASSEMBLER_PTXAS, path, "ptxas " + *text, ""};
  CudaVersion version = llvm::cantFail(ptxasVersion(path, timeoutSeconds));
  CudaVersion oldest = oldestPtxas(TargetOptions()), driver = installedDriver();
  std::string name = "ptxas " + toText(version) + " at '" + path + "'";
  if (version < oldest)
    out.warning = name + " is older than " + toText(oldest);
  else if (driver.major && version.major > driver.major)
    out.warning = name + " is newer than the driver (CUDA " + toText(driver) +
                  "), which does not load its cubins";
  return Status();
}

/// The driver's linker, if there is a driver that has one.
static Status findDriverLinker(Assembler &out) {
  const Driver *driver = nullptr;
  MLA_RETURN_IF_ERROR(Driver::get(driver));
  MLA_RETURN_IF_ERROR(requireLinker(*driver));
  out = {MLA_ASSEMBLER_DRIVER, "", "driver " + std::to_string(driver->version),
         ""};
  return Status();
}

namespace {
/// The search for a ptxas when none was requested.
struct InstalledPtxas {
  explicit InstalledPtxas(unsigned timeoutSeconds);

  /// The first suitable one, with a warning about those before it.
  std::optional<Assembler> suitable;
  /// The first one found, or why it cannot be used.
  std::optional<Assembler> first;
  Status firstStatus;
  /// Why those that were found are not suitable; "" if the first one is, or
  /// none was found.
  std::string rejected;
};
} // namespace

InstalledPtxas::InstalledPtxas(unsigned timeoutSeconds) {
  visitPtxas([&](llvm::StringRef path) {
    Assembler candidate;
    Status status = describePtxas(path.str(), timeoutSeconds, candidate);
    if (rejected.empty()) {
      firstStatus = status;
      if (status.ok())
        first = candidate;
    }
    if (status.ok() && candidate.warning.empty()) {
      if (!rejected.empty())
        candidate.warning = rejected + "; using '" + candidate.path + "'";
      suitable = candidate;
      return true;
    }
    rejected += (rejected.empty() ? "" : "; ") +
                (status.ok() ? candidate.warning : status.message());
    return false;
  });
}

Status mla::findAssembler(mlaAssembler wanted,
                          const std::optional<std::string> &ptxas,
                          unsigned timeoutSeconds, Assembler &out) {
  if (wanted == MLA_ASSEMBLER_DRIVER)
    return findDriverLinker(out);
  if (isPtxasRequested(ptxas)) {
    llvm::Expected<std::string> path = findPtxas(ptxas);
    if (!path)
      return Status(MLA_NOT_FOUND, llvm::toString(path.takeError()));
    return describePtxas(*path, timeoutSeconds, out);
  }
  InstalledPtxas installed(timeoutSeconds);
  if (installed.suitable) {
    out = *installed.suitable;
    return Status();
  }
  Status noLinker(MLA_NOT_FOUND, "");
  if (wanted == MLA_ASSEMBLER_AUTO) {
    noLinker = findDriverLinker(out);
    if (noLinker.ok()) {
      if (!installed.rejected.empty())
        out.warning = installed.rejected + "; using the driver's linker";
      return Status();
    }
  }
  if (installed.first) {
    out = *installed.first;
    return Status();
  }
  MLA_RETURN_IF_ERROR(installed.firstStatus);
  std::string missing = llvm::toString(findPtxas().takeError());
  return Status(
      MLA_NOT_FOUND,
      noLinker.message().empty()
          ? missing
          : missing + "; nor can the driver assemble: " + noLinker.message());
}

//===----------------------------------------------------------------------===//
// linkWithDriver
//===----------------------------------------------------------------------===//

namespace {

/// CUjit_option and CUjitInputType.
enum : int {
  kJitInfoLog = 3,
  kJitInfoLogBytes = 4,
  kJitErrorLog = 5,
  kJitErrorLogBytes = 6,
  kJitLogVerbose = 12,
  kJitInputPtx = 1,
};

/// The primary context of a device, current in this thread for the object's
/// life; the caller's context is current again afterwards.
class PrimaryContext {
public:
  explicit PrimaryContext(const Driver &driver) : driver(driver) {}

  Status enter(CudaDevice of) {
    MLA_DRIVER_CALL(driver, cuCtxGetCurrent, &before);
    CudaContext context = nullptr;
    MLA_DRIVER_CALL(driver, cuDevicePrimaryCtxRetain, &context, of);
    device = of;
    return driver.check(driver.cuCtxSetCurrent(context), "cuCtxSetCurrent");
  }
  ~PrimaryContext() {
    if (device < 0)
      return;
    driver.cuCtxSetCurrent(before);
    driver.cuDevicePrimaryCtxRelease(device);
  }

private:
  const Driver &driver;
  CudaContext before = nullptr;
  CudaDevice device = -1;
};

/// One run of the linker, and its logs.
class Linker {
public:
  explicit Linker(const Driver &driver) : driver(driver) {}
  ~Linker() {
    if (state)
      driver.cuLinkDestroy(state);
  }

  Status link(llvm::StringRef ptx, std::string &cubin);
  std::string infoLog() const { return info.c_str(); }

private:
  /// The failure of `call`, with the linker's log.
  Status check(CudaResult result, const char *call) const {
    Status status = driver.check(result, call);
    if (status.ok() || !error[0])
      return status;
    return Status(MLA_COMPILE_ERROR,
                  status.message() + ": " +
                      llvm::StringRef(error.c_str()).trim().str());
  }

  const Driver &driver;
  void *state = nullptr;
  std::string info = std::string(1 << 16, 0), error = info;
};

} // namespace

Status Linker::link(llvm::StringRef ptx, std::string &cubin) {
  int names[] = {kJitInfoLog, kJitInfoLogBytes, kJitErrorLog, kJitErrorLogBytes,
                 kJitLogVerbose};
  auto number = [](uintptr_t value) { return reinterpret_cast<void *>(value); };
  void *values[] = {info.data(), number(info.size() - 1), error.data(),
                    number(error.size() - 1), number(1)};
  Status status =
      check(driver.cuLinkCreate(std::size(names), names, values, &state),
            "cuLinkCreate");
  if (!status.ok())
    return status;
  std::string text = ptx.str();
  status = check(driver.cuLinkAddData(state, kJitInputPtx, text.data(),
                                      text.size() + 1, "kernel.ptx", 0, nullptr,
                                      nullptr),
                 "cuLinkAddData");
  if (!status.ok())
    return status;
  void *bytes = nullptr;
  size_t size = 0;
  status = check(driver.cuLinkComplete(state, &bytes, &size), "cuLinkComplete");
  if (status.ok())
    cubin.assign(static_cast<const char *>(bytes), size);
  return status;
}

/// The first device of the target `chip`.
static Status findDevice(const Driver &driver, llvm::StringRef chip,
                         CudaDevice &out) {
  const TargetSpec *target = findTarget({chip.data(), chip.size()});
  if (!target)
    return Status(MLA_INVALID_ARGUMENT,
                  describeUnknownTarget({chip.data(), chip.size()}));
  int count = 0;
  MLA_DRIVER_CALL(driver, cuDeviceGetCount, &count);
  for (int index = 0; index < count; ++index) {
    CudaDevice device = 0;
    int major = 0, minor = 0;
    MLA_DRIVER_CALL(driver, cuDeviceGet, &device, index);
    MLA_DRIVER_CALL(driver, cuDeviceGetAttribute, &major, kCudaAttributeMajor,
                    device);
    MLA_DRIVER_CALL(driver, cuDeviceGetAttribute, &minor, kCudaAttributeMinor,
                    device);
    if (major == target->computeMajor && minor == target->computeMinor) {
      out = device;
      return Status();
    }
  }
  return Status(MLA_UNSUPPORTED_DEVICE,
                "the driver's linker needs a device that is a " + chip.str() +
                    ", and none of " + std::to_string(count) + " is");
}

Status mla::linkWithDriver(llvm::StringRef ptx, llvm::StringRef chip,
                           CubinResult &out) {
  const Driver *driver = nullptr;
  MLA_RETURN_IF_ERROR(Driver::get(driver));
  MLA_RETURN_IF_ERROR(requireLinker(*driver));
  CudaDevice device = 0;
  MLA_RETURN_IF_ERROR(findDevice(*driver, chip, device));
  PrimaryContext context(*driver);
  MLA_RETURN_IF_ERROR(context.enter(device));
  Linker linker(*driver);
  MLA_RETURN_IF_ERROR(linker.link(ptx, out.cubin));
  out.log = linker.infoLog();
  // The log has the form of ptxas's, but may lack a kernel's numbers: then
  // there is no report.
  llvm::Expected<PtxasReport> report = parsePtxasLog(out.log);
  if (!report) {
    llvm::consumeError(report.takeError());
    return Status();
  }
  out.report = std::move(*report);
  if (!out.report.functions.empty())
    if (llvm::Error over = checkReport(out.report, ReportLimits()))
      return Status(MLA_COMPILE_ERROR, llvm::toString(std::move(over)));
  return Status();
}
