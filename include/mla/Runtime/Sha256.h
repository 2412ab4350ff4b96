//===- Sha256.h - SHA-256 of bytes in memory --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_SHA256_H
#define MLA_RUNTIME_SHA256_H

#include <initializer_list>
#include <string>
#include <string_view>

namespace mla::runtime {

/// The SHA-256 of `parts`, one behind the other, as 64 lower-case hex digits.
std::string sha256(std::initializer_list<std::string_view> parts);

} // namespace mla::runtime

#endif // MLA_RUNTIME_SHA256_H
