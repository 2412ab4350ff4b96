//===- Extremes.h - extreme values among the inputs -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_HARNESS_EXTREMES_H
#define MLA_HARNESS_EXTREMES_H

#include <string>

namespace mla::harness {

/// Values that users meet and random inputs do not have, placed into the
/// generated arguments of sparse_prefill.
enum class Extreme { NanQ, NanKv, NanSink, HugeScores, OverflowingScores };

struct ExtremeName {
  Extreme extreme;
  /// On the command line.
  const char *name;
  /// In the help.
  const char *meaning;
};
inline constexpr ExtremeName kExtremes[] = {
    {Extreme::NanQ, "nan-q", "NaN in q of some heads of some queries"},
    {Extreme::NanKv, "nan-kv", "NaN in some kv rows that valid indices name"},
    {Extreme::NanSink, "nan-sink", "NaN in attn_sink of some heads"},
    {Extreme::HugeScores, "huge-scores",
     "q.k of -1e31, 1e31, -3e38 or 3e38 throughout a head"},
    {Extreme::OverflowingScores, "overflowing-scores",
     "q.k beyond fp32, of either sign, with every second kv row"}};

/// Null if none is called that.
inline const ExtremeName *findExtreme(const std::string &name) {
  for (const ExtremeName &known : kExtremes)
    if (name == known.name)
      return &known;
  return nullptr;
}

/// "nan-q, nan-kv, ..."
inline std::string listExtremes() {
  std::string text;
  for (const ExtremeName &known : kExtremes)
    text += std::string(text.empty() ? "" : ", ") + known.name;
  return text;
}

} // namespace mla::harness

#endif // MLA_HARNESS_EXTREMES_H
