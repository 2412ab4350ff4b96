//===- FindProgram.cpp - Where a program of the CUDA toolkit is -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FindProgram.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include <optional>
#include <vector>

using llvm::createStringError;
using llvm::Expected;
using llvm::StringRef;
using namespace mla;

Expected<std::string> mla::resolveProgram(StringRef name, StringRef request,
                                          StringRef origin) {
  if (!request.contains('/')) {
    if (auto found = llvm::sys::findProgramByName(request))
      return *found;
    return createStringError("no '" + request + "' on PATH (from " + origin +
                             ")");
  }
  if (!llvm::sys::fs::exists(request))
    return createStringError("no " + name + " at '" + request + "' (from " +
                             origin + ")");
  if (!llvm::sys::fs::can_execute(request))
    return createStringError("'" + request + "' is not executable (from " +
                             origin + ")");
  return request.str();
}

/// Visits PREFIX/lib/python3.N/site-packages of the python3 on PATH, where the
/// wheels `nvidia-cuda-*` (13 and newer) and `nvidia-cuda-nvcc-cu12` put their
/// files.
static bool visitWheels(StringRef name, ProgramVisitor visit) {
  auto python = llvm::sys::findProgramByName("python3");
  if (!python)
    return false;
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
      llvm::sys::path::append(path, "bin", name);
      if (llvm::sys::fs::can_execute(path) && visit(path))
        return true;
    }
  }
  return false;
}

/// Visits every `name` on PATH.
static bool visitPath(StringRef name, ProgramVisitor visit) {
  std::string path = llvm::sys::Process::GetEnv("PATH").value_or("");
  for (StringRef folder : llvm::split(path, llvm::sys::EnvPathSeparator))
    if (auto found = llvm::sys::findProgramByName(name, {folder}))
      if (visit(*found))
        return true;
  return false;
}

std::vector<std::string> mla::visitPrograms(StringRef name,
                                            ProgramVisitor visit) {
  std::vector<std::string> places;
  for (StringRef variable : {"CUDA_HOME", "CUDA_PATH"}) {
    auto home = llvm::sys::Process::GetEnv(variable);
    if (!home || home->empty()) {
      places.push_back((variable + " (not set)").str());
      continue;
    }
    llvm::SmallString<128> path(*home);
    llvm::sys::path::append(path, "bin", name);
    places.push_back((variable + " (" + path + ")").str());
    if (llvm::sys::fs::can_execute(path) && visit(path))
      return places;
  }
  places.push_back("PATH");
  if (visitPath(name, visit))
    return places;
  places.push_back("the site-packages of python3");
  visitWheels(name, visit);
  return places;
}

Expected<std::string> mla::findProgram(const ProgramSearch &search) {
  StringRef name = search.name;
  if (auto request = llvm::sys::Process::GetEnv(search.variable);
      request && !request->empty())
    return resolveProgram(name, *request, search.variable);
  std::optional<std::string> found;
  std::vector<std::string> places = visitPrograms(name, [&](StringRef path) {
    found = path.str();
    return true;
  });
  if (found)
    return *found;
  return createStringError("no " + name + " found; looked in " +
                           search.variable + " (not set), " +
                           llvm::join(places, ", ") + "; " + search.advice);
}
