//===- FindPtxas.cpp - Where ptxas is and which one it is -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RunProgram.h"
#include "mla/Target/Ptxas.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include <map>
#include <mutex>

using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using namespace mla;

static Error makeError(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

//===----------------------------------------------------------------------===//
// findPtxas
//===----------------------------------------------------------------------===//

/// Resolves what a person asked for by name; `origin` says how they did.
static Expected<std::string> resolve(StringRef request, StringRef origin) {
  if (!request.contains('/')) {
    if (auto found = llvm::sys::findProgramByName(request))
      return *found;
    return makeError("no '" + request + "' on PATH (from " + origin + ")");
  }
  if (!llvm::sys::fs::exists(request))
    return makeError("no ptxas at '" + request + "' (from " + origin + ")");
  if (!llvm::sys::fs::can_execute(request))
    return makeError("'" + request + "' is not executable (from " + origin +
                     ")");
  return request.str();
}

/// Looks for the files of the wheel `nvidia-cuda-nvcc` (13 and newer) or
/// `nvidia-cuda-nvcc-cu12` under PREFIX/lib/python3.N/site-packages.
static std::optional<std::string> findInWheel() {
  auto python = llvm::sys::findProgramByName("python3");
  if (!python)
    return std::nullopt;
  llvm::SmallString<128> lib(
      llvm::sys::path::parent_path(llvm::sys::path::parent_path(*python)));
  llvm::sys::path::append(lib, "lib");
  std::error_code code;
  for (llvm::sys::fs::directory_iterator it(lib, code), end; it != end && !code;
       it.increment(code)) {
    if (!llvm::sys::path::filename(it->path()).starts_with("python3"))
      continue;
    for (StringRef part : {"cu13", "cuda_nvcc"}) {
      llvm::SmallString<128> path(it->path());
      llvm::sys::path::append(path, "site-packages", "nvidia", part);
      llvm::sys::path::append(path, "bin", "ptxas");
      if (llvm::sys::fs::can_execute(path))
        return path.str().str();
    }
  }
  return std::nullopt;
}

Expected<std::string>
mla::findPtxas(const std::optional<std::string> &fromOption) {
  if (fromOption && !fromOption->empty())
    return resolve(*fromOption, "the option");
  if (auto request = llvm::sys::Process::GetEnv("MLA_PTXAS");
      request && !request->empty())
    return resolve(*request, "MLA_PTXAS");

  std::vector<std::string> places = {"the option (not given)",
                                     "MLA_PTXAS (not set)"};
  for (StringRef variable : {"CUDA_HOME", "CUDA_PATH"}) {
    auto home = llvm::sys::Process::GetEnv(variable);
    if (!home || home->empty()) {
      places.push_back((variable + " (not set)").str());
      continue;
    }
    llvm::SmallString<128> path(*home);
    llvm::sys::path::append(path, "bin", "ptxas");
    if (llvm::sys::fs::can_execute(path))
      return path.str().str();
    places.push_back((variable + " (" + path + ")").str());
  }
  if (auto found = llvm::sys::findProgramByName("ptxas"))
    return *found;
  places.push_back("PATH");
  if (auto found = findInWheel())
    return *found;
  places.push_back("the site-packages of python3");
  return makeError(
      "no ptxas found; looked in " + llvm::join(places, ", ") +
      "; 'pip install nvidia-cuda-nvcc' carries a current one "
      "(nvidia/cu13/bin/ptxas); a distribution's own CUDA toolkit may be too "
      "old for sm_90a");
}

//===----------------------------------------------------------------------===//
// ptxasVersion
//===----------------------------------------------------------------------===//

/// "Cuda compilation tools, release 13.0, V13.0.88"
static std::optional<CudaVersion> parseVersion(StringRef text) {
  size_t at = text.find("release ");
  if (at == StringRef::npos)
    return std::nullopt;
  text = text.drop_front(at + StringRef("release ").size());
  CudaVersion version;
  if (text.consumeInteger(10, version.major) || !text.consume_front(".") ||
      text.consumeInteger(10, version.minor))
    return std::nullopt;
  return version;
}

static Expected<std::string> askVersion(StringRef path,
                                        unsigned timeoutSeconds) {
  auto folder = TemporaryFolder::create();
  if (!folder)
    return folder.takeError();
  auto result = runProgram(path, {"--version"}, *folder, timeoutSeconds);
  if (!result)
    return result.takeError();
  if (result->code != 0)
    return makeError("'" + path + " --version' failed with exit code " +
                     llvm::Twine(result->code));
  StringRef output = result->output;
  if (!parseVersion(output))
    return makeError("expected a line with 'release X.Y' from '" + path +
                     " --version', got '" + output.trim().take_front(200) +
                     "'");
  return output.drop_front(output.find("release "))
      .take_until([](char c) { return c == '\n'; })
      .str();
}

Expected<std::string> mla::ptxasVersionText(StringRef path,
                                            unsigned timeoutSeconds) {
  static std::mutex mutex;
  static std::map<std::string, std::string, std::less<>> known;
  {
    std::lock_guard<std::mutex> lock(mutex);
    if (auto found = known.find(path.str()); found != known.end())
      return found->second;
  }
  // Not under the lock: another path need not wait for this one.
  Expected<std::string> text = askVersion(path, timeoutSeconds);
  if (text) {
    std::lock_guard<std::mutex> lock(mutex);
    known.emplace(path.str(), *text);
  }
  return text;
}

Expected<CudaVersion> mla::ptxasVersion(StringRef path,
                                        unsigned timeoutSeconds) {
  Expected<std::string> text = ptxasVersionText(path, timeoutSeconds);
  if (!text)
    return text.takeError();
  return *parseVersion(*text);
}
