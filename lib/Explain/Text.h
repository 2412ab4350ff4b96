//===- Text.h - numbers as text ---------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_EXPLAIN_TEXT_H
#define MLA_LIB_EXPLAIN_TEXT_H

#include "llvm/ADT/StringRef.h"
#include <string>

namespace mla::explain {

/// "232,448"; large numbers without decimals, small ones with up to two.
std::string formatNumber(double value);
/// "1.24 GFLOP", "147.5 KB": three digits and a decimal prefix.
std::string formatQuantity(double value, llvm::StringRef unit);

} // namespace mla::explain

#endif // MLA_LIB_EXPLAIN_TEXT_H
