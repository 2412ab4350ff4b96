//===- FindPtxas.cpp - Where ptxas is and which one it is -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FindProgram.h"
#include "RunProgram.h"
#include "mla/Target/Ptxas.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Process.h"
#include <map>
#include <mutex>

using llvm::createStringError;
using llvm::Expected;
using llvm::StringRef;
using namespace mla;

//===----------------------------------------------------------------------===//
// findPtxas
//===----------------------------------------------------------------------===//

bool mla::isPtxasRequested(const std::optional<std::string> &fromOption) {
  return (fromOption && !fromOption->empty()) ||
         !llvm::sys::Process::GetEnv("MLA_PTXAS").value_or("").empty();
}

void mla::visitPtxas(llvm::function_ref<bool(StringRef path)> visit) {
  visitPrograms("ptxas", visit);
}

Expected<std::string>
mla::findPtxas(const std::optional<std::string> &fromOption) {
  if (fromOption && !fromOption->empty())
    return resolveProgram("ptxas", *fromOption, "the option");
  return findProgram(
      {"ptxas", "MLA_PTXAS",
       "'pip install nvidia-cuda-nvcc' carries a current one "
       "(nvidia/cu13/bin/ptxas); a distribution's own CUDA toolkit may be too "
       "old for sm_90a"});
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
  // ptxas --version answers in milliseconds, whatever the limit for assembling.
  constexpr unsigned maxSeconds = 10;
  timeoutSeconds =
      std::min(timeoutSeconds ? timeoutSeconds : maxSeconds, maxSeconds);
  auto result = runProgram(path, {"--version"}, /*files=*/{}, timeoutSeconds);
  if (!result)
    return result.takeError();
  if (result->code != 0)
    return createStringError("'" + path + " --version' failed with exit code " +
                             llvm::Twine(result->code));
  StringRef output = result->output;
  if (!parseVersion(output))
    return createStringError("expected a line with 'release X.Y' from '" +
                             path + " --version', got '" +
                             shorten(output.trim(), 200) + "'");
  return output.drop_front(output.find("release "))
      .take_until([](char c) { return c == '\n'; })
      .str();
}

namespace {
/// The identity of a file: another one, or an update in place, compares
/// unequal.
struct FileState {
  explicit FileState(StringRef path) {
    llvm::sys::fs::file_status status;
    if (llvm::sys::fs::status(path, status))
      return;
    file = status.getUniqueID();
    bytes = status.getSize();
    changed = status.getLastModificationTime();
  }
  bool operator==(const FileState &other) const {
    return file == other.file && bytes == other.bytes &&
           changed == other.changed;
  }
  llvm::sys::fs::UniqueID file;
  uint64_t bytes = 0;
  llvm::sys::TimePoint<> changed;
};
} // namespace

Expected<std::string> mla::ptxasVersionText(StringRef path,
                                            unsigned timeoutSeconds) {
  static std::mutex mutex;
  static std::map<std::string, std::pair<FileState, std::string>> known;
  FileState state(path);
  {
    std::lock_guard<std::mutex> lock(mutex);
    auto found = known.find(path.str());
    if (found != known.end() && found->second.first == state)
      return found->second.second;
  }
  // Runs without the lock, so that other paths do not wait for this one.
  Expected<std::string> text = askVersion(path, timeoutSeconds);
  if (text) {
    std::lock_guard<std::mutex> lock(mutex);
    known.insert_or_assign(path.str(), std::make_pair(state, *text));
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
