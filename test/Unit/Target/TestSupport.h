//===- TestSupport.h - Helpers of the Target tests --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_TEST_UNIT_TARGET_TESTSUPPORT_H
#define MLA_TEST_UNIT_TARGET_TESTSUPPORT_H

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"
#include <cstdlib>
#include <optional>
#include <string>

namespace mla {

inline constexpr llvm::StringLiteral kPTXHeader = ".version 8.8\n"
                                                  ".target sm_90a\n"
                                                  ".address_size 64\n";

/// PTX of an empty kernel.
inline const std::string kEmptyKernel =
    kPTXHeader.str() + ".visible .entry k()\n{\n  ret;\n}\n";

inline std::string text(llvm::Error error) {
  return llvm::toString(std::move(error));
}

/// The error's text, or "<no error>".
template <typename T> std::string errorText(llvm::Expected<T> value) {
  return value ? "<no error>" : llvm::toString(value.takeError());
}

/// Checks that `haystack` contains `needle` and shows both when not.
inline ::testing::AssertionResult contains(llvm::StringRef haystack,
                                           llvm::StringRef needle) {
  if (haystack.contains(needle))
    return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << "expected '" << needle.str() << "' in '" << haystack.str() << "'";
}

/// A folder for the test's files, removed with the object.
class ScratchFolder {
public:
  ScratchFolder() {
    llvm::sys::fs::createUniqueDirectory("mla-target-test", path);
  }
  ~ScratchFolder() { llvm::sys::fs::remove_directories(path); }
  ScratchFolder(const ScratchFolder &) = delete;

  std::string file(llvm::StringRef name) const {
    llvm::SmallString<128> result(path);
    llvm::sys::path::append(result, name);
    return result.str().str();
  }

  /// Writes `body` as a shell script.
  std::string script(llvm::StringRef name, llvm::StringRef body,
                     bool executable = true) const {
    std::string result = file(name);
    llvm::sys::fs::create_directories(llvm::sys::path::parent_path(result));
    std::error_code code;
    llvm::raw_fd_ostream stream(result, code);
    stream << "#!/bin/sh\n" << body;
    stream.close();
    using namespace llvm::sys::fs;
    setPermissions(result, executable ? all_read | owner_write | all_exe
                                      : all_read | owner_write);
    return result;
  }

  /// The number of files and folders directly in here.
  unsigned size() const {
    unsigned count = 0;
    std::error_code code;
    for (llvm::sys::fs::directory_iterator it(path, code), end;
         it != end && !code; it.increment(code))
      ++count;
    return count;
  }

  llvm::SmallString<128> path;
};

/// Sets or (with std::nullopt) unsets a variable for the object's life.
class ScopedEnv {
public:
  ScopedEnv(std::string name, std::optional<std::string> value)
      : name(std::move(name)) {
    if (const char *old = std::getenv(this->name.c_str()))
      before = old;
    set(value);
  }
  ~ScopedEnv() { set(before); }
  ScopedEnv(const ScopedEnv &) = delete;

private:
  void set(const std::optional<std::string> &value) {
    if (value)
      ::setenv(name.c_str(), value->c_str(), /*overwrite=*/1);
    else
      ::unsetenv(name.c_str());
  }
  std::string name;
  std::optional<std::string> before;
};

} // namespace mla

#endif // MLA_TEST_UNIT_TARGET_TESTSUPPORT_H
