//===- LseConvention.h - base and empty value of an lse ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_HARNESS_LSECONVENTION_H
#define MLA_HARNESS_LSECONVENTION_H

#include "mla/Harness/OperatorHost.h"

#include <cmath>

namespace mla::harness {

/// The options of an operator that define its lse. Implementations differ in
/// both.
inline std::vector<OptionValues> lseOptions() {
  return {{"lse_base", {"e", "2"}}, {"empty_lse", {"+inf", "-inf"}}};
}

/// The meaning of these options, which checkOptions has checked.
struct LseConvention {
  /// Units of lse in one of the natural logarithm.
  double perNat = 1;
  /// The lse of a row without a valid entry.
  double empty = std::numeric_limits<double>::infinity();

  explicit LseConvention(const runtime::OperatorOptions &options) {
    auto has = [&](const char *name, const char *value) {
      auto option = options.find(name);
      return option != options.end() && option->second == value;
    };
    if (has("lse_base", "2"))
      perNat = 1 / std::log(2.0);
    if (has("empty_lse", "-inf"))
      empty = -empty;
  }
};

} // namespace mla::harness

#endif // MLA_HARNESS_LSECONVENTION_H
