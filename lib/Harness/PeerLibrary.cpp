//===- PeerLibrary.cpp - peers, loaded and launched -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "PeerLibrary.h"

#include <dlfcn.h>
#include <filesystem>

using namespace mla::runtime;

namespace mla::harness {

PeerArguments::PeerArguments(const std::string &operatorName,
                             const std::vector<HostArgument> &host,
                             const GpuArguments &device,
                             const std::set<std::string> &hidden)
    : operatorName(operatorName) {
  for (const HostArgument &argument : host)
    names.push_back(argument.name);
  for (size_t i = 0; i < host.size(); ++i) {
    if (host[i].leftOut || hidden.count(host[i].name))
      continue;
    mlaPeerArgument &argument = arguments.emplace_back();
    argument.name = names[i].c_str();
    argument.access = host[i].access;
    argument.dtype =
        host[i].isTensor ? host[i].tensor.dtype : host[i].scalarType;
    argument.value = device.values()[i];
  }
  view = {this->operatorName.c_str(), arguments.data(),
          static_cast<int32_t>(arguments.size())};
}

Status PeerLibrary::open(const std::string &path,
                         std::unique_ptr<PeerLibrary> &out) {
  std::string where = "peer '" + path + "'";
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error))
    return Status(MLA_NOT_FOUND, where + ": no such file");
  // A name without a slash would be looked for among the system's libraries.
  std::string absolute = std::filesystem::absolute(path, error).string();
  void *library = dlopen(absolute.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *reason = dlerror();
    return Status(MLA_NOT_FOUND, where + ": cannot be loaded: " +
                                     (reason ? reason : "unknown reason"));
  }
  auto find = [&](const char *symbol, auto &function) {
    function = reinterpret_cast<std::decay_t<decltype(function)>>(
        dlsym(library, symbol));
    return function ? Status()
                    : invalidArgument(where + ": lacks the function " + symbol);
  };
  std::unique_ptr<PeerLibrary> peer(new PeerLibrary());
  decltype(&mlaPeerVersion) version = nullptr;
  decltype(&mlaPeerName) name = nullptr;
  MLA_RETURN_IF_ERROR(find("mlaPeerVersion", version));
  if (int32_t got = version(); got != MLA_PEER_VERSION)
    return invalidArgument(where + ": expected version " +
                           std::to_string(MLA_PEER_VERSION) +
                           " of the interface, got " + std::to_string(got));
  MLA_RETURN_IF_ERROR(find("mlaPeerName", name));
  MLA_RETURN_IF_ERROR(find("mlaPeerPrepare", peer->prepareFunction));
  MLA_RETURN_IF_ERROR(find("mlaPeerLaunch", peer->launchFunction));
  MLA_RETURN_IF_ERROR(find("mlaPeerRelease", peer->releaseFunction));
  const char *text = name();
  if (!text || !*text)
    return invalidArgument(where + ": expected a name, got none");
  peer->file = path;
  peer->peerName = text;
  out = std::move(peer);
  return Status();
}

Status PeerLibrary::statusOf(int32_t result, const std::string &error) const {
  if (result == MLA_PEER_SUCCESS)
    return Status();
  std::string reason = error.empty() ? "gives no reason" : error;
  if (result == MLA_PEER_UNSUPPORTED)
    return invalidArgument(reason);
  return Status(MLA_DRIVER_ERROR, peerName + ": " + reason);
}

/// Calls `function` with a buffer for the text of an error, which it may leave
/// without a NUL, and stores the text in `error`.
template <typename Function>
static int32_t callWithError(std::string &error, Function function) {
  char text[512] = "";
  int32_t result = function(text, sizeof(text));
  text[sizeof(text) - 1] = '\0';
  error = text;
  return result;
}

Status PeerLibrary::prepare(const PeerArguments &arguments,
                            std::unique_ptr<PeerCase> &out) const {
  mlaPeerCase *prepared = nullptr;
  std::string error;
  int32_t result = callWithError(error, [&](char *text, size_t size) {
    return prepareFunction(&arguments.get(), &prepared, text, size);
  });
  MLA_RETURN_IF_ERROR(statusOf(result, error));
  out = std::make_unique<PeerCase>(*this, prepared);
  return Status();
}

PeerCase::~PeerCase() { library.releaseFunction(prepared); }

Status PeerCase::launch(mlaPhase phase, CudaStream stream) const {
  std::string error;
  int32_t result = callWithError(error, [&](char *text, size_t size) {
    return library.launchFunction(prepared, phase, stream, text, size);
  });
  return library.statusOf(result, error);
}

} // namespace mla::harness
