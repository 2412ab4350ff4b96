//===- Ptxas.cpp - PTX to cubin with NVIDIA's assembler -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Target/Ptxas.h"
#include "RunProgram.h"
#include "mla/Target/PTX.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using llvm::createStringError;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using namespace mla;

//===----------------------------------------------------------------------===//
// Is this ptxas new enough?
//===----------------------------------------------------------------------===//

/// The oldest ptxas that this project accepts, for any PTX version.
static constexpr CudaVersion kOldestPtxas = {12, 3};

/// Returns the version in the directive `.version X.Y`, or 0.0.
static CudaVersion ptxVersion(StringRef ptx) {
  CudaVersion version;
  StringRef text = ptx.drop_front(std::min(ptx.find(".version "), ptx.size()));
  if (!text.consume_front(".version "))
    return {};
  text = text.ltrim();
  if (text.consumeInteger(10, version.major) || !text.consume_front(".") ||
      text.consumeInteger(10, version.minor))
    return {};
  return version;
}

/// The toolkit that brought a PTX version, after the table of releases in the
/// PTX manual. Between 12.5 and 12.9 the minor numbers drift apart.
static CudaVersion oldestPtxasFor(CudaVersion ptx) {
  if (ptx.major == 9)
    return {13, ptx.minor};
  if (ptx.major == 8 && ptx.minor >= 6)
    return {12, ptx.minor + 1};
  if (ptx.major == 8)
    return {12, ptx.minor};
  return {};
}

CudaVersion mla::oldestPtxas(const TargetOptions &options) {
  CudaVersion wanted = kOldestPtxas;
  for (StringRef feature : llvm::split(options.features, ',')) {
    unsigned version = 0;
    feature = feature.trim();
    if (feature.consume_front("+ptx") && !feature.getAsInteger(10, version))
      wanted = std::max(wanted, oldestPtxasFor({version / 10, version % 10}));
  }
  return wanted;
}

static Error checkVersion(StringRef path, StringRef ptx,
                          unsigned timeoutSeconds) {
  Expected<CudaVersion> got = ptxasVersion(path, timeoutSeconds);
  if (!got)
    return got.takeError();
  CudaVersion language = ptxVersion(ptx), wanted = oldestPtxasFor(language);
  std::string reason;
  if (kOldestPtxas < wanted)
    reason = llvm::formatv(" (the input is PTX {0}.{1})", language.major,
                           language.minor);
  else
    wanted = kOldestPtxas;
  if (!(*got < wanted))
    return Error::success();
  return createStringError(llvm::formatv(
      "expected ptxas {0}.{1} or newer{2}, got {3}.{4} at '{5}'", wanted.major,
      wanted.minor, reason, got->major, got->minor, path));
}

//===----------------------------------------------------------------------===//
// assembleCubin
//===----------------------------------------------------------------------===//

static Error checkCubin(StringRef program, StringRef cubin) {
  if (cubin.empty())
    return createStringError("'" + program + "' succeeded but wrote no cubin");
  if (!cubin.starts_with("\x7f"
                         "ELF"))
    return createStringError("'" + program + "' wrote a cubin of " +
                             llvm::Twine(cubin.size()) +
                             " bytes that is no ELF file");
  return Error::success();
}

static Expected<CubinResult> runPtxas(StringRef path, StringRef ptx,
                                      const PtxasOptions &options) {
  Expected<MemoryFile> input = MemoryFile::create(ptx);
  if (!input)
    return input.takeError();
  Expected<MemoryFile> output = MemoryFile::create();
  if (!output)
    return output.takeError();

  std::vector<std::string> args = {"-v", "--gpu-name=" + options.chip,
                                   "-O" + llvm::utostr(options.optLevel)};
  args.insert(args.end(), options.extraArgs.begin(), options.extraArgs.end());
  args.insert(args.end(), {input->path(), "-o", output->path()});
  Expected<ProgramResult> ran =
      runProgram(path, args, {&*input, &*output}, options.timeoutSeconds);
  if (!ran)
    return ran.takeError();
  // Replaces the name /proc/self/fd/N by that of the file in a dump.
  for (size_t at = 0;
       (at = ran->output.find(input->path(), at)) != std::string::npos;)
    ran->output.replace(at, input->path().size(), "kernel.ptx");
  if (Error error = checkExit(path, *ran))
    return std::move(error);
  Expected<std::string> cubin = output->read();
  if (!cubin)
    return cubin.takeError();
  if (Error error = checkCubin(path, *cubin))
    return std::move(error);
  Expected<PtxasReport> report = parsePtxasLog(ran->output);
  if (!report)
    return report.takeError();
  return CubinResult{std::move(*cubin), std::move(*report),
                     std::move(ran->output)};
}

Expected<CubinResult> mla::assembleCubin(StringRef ptx,
                                         const PtxasOptions &options) {
  Expected<std::string> path = findPtxas(options.path);
  if (!path)
    return path.takeError();
  if (Error error = checkVersion(*path, ptx, options.timeoutSeconds))
    return std::move(error);
  Expected<CubinResult> result = runPtxas(*path, ptx, options);
  if (result && options.limits)
    if (Error error = checkReport(result->report, *options.limits))
      return std::move(error);
  return result;
}
