//===- Status.h - success, or a code and a reason ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_STATUS_H
#define MLA_RUNTIME_STATUS_H

#include "mla/Runtime/Runtime.h"

#include <string>
#include <utility>

namespace mla::runtime {

/// The result of a call that can fail: success, or a code and one line of text
/// that names the thing at fault, what was expected and what came. Carries no
/// memory on success, so that the launch path does not allocate.
class [[nodiscard]] Status {
public:
  Status() = default;
  Status(mlaStatus code, std::string message)
      : statusCode(code), text(std::move(message)) {}

  bool ok() const { return statusCode == MLA_SUCCESS; }
  mlaStatus code() const { return statusCode; }
  const std::string &message() const { return text; }

  /// The same failure, with `context` before its text.
  Status within(const std::string &context) const {
    return ok() ? Status() : Status(statusCode, context + ": " + text);
  }

private:
  mlaStatus statusCode = MLA_SUCCESS;
  std::string text;
};

inline Status invalidArgument(std::string message) {
  return Status(MLA_INVALID_ARGUMENT, std::move(message));
}
inline Status invalidPackage(std::string message) {
  return Status(MLA_INVALID_PACKAGE, std::move(message));
}

/// Ends a function of a C interface: stores a failure's text for
/// mlaLastError().
mlaStatus reportStatus(const Status &status);

} // namespace mla::runtime

/// Returns a failing Status from the enclosing function.
#define MLA_RETURN_IF_ERROR(expression)                                        \
  do {                                                                         \
    if (::mla::runtime::Status mlaStatusOfCall = (expression);                 \
        !mlaStatusOfCall.ok())                                                 \
      return mlaStatusOfCall;                                                  \
  } while (false)

#endif // MLA_RUNTIME_STATUS_H
