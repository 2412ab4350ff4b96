//===- FindPtxas.cpp - Where ptxas is and which one it is -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FindProgram.h"
#include "RunProgram.h"
#include "mla/Target/Ptxas.h"
#include <map>
#include <mutex>

using llvm::createStringError;
using llvm::Expected;
using llvm::StringRef;
using namespace mla;

//===----------------------------------------------------------------------===//
// findPtxas
//===----------------------------------------------------------------------===//

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
                             output.trim().take_front(200) + "'");
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
