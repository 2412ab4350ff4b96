//===- Modes.h - how `bench` launches ---------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_HARNESS_MODES_H
#define MLA_HARNESS_MODES_H

#include "mla/Runtime/Runtime.h"

#include <string>

namespace mla::harness {

/// How timed launches follow each other.
enum class Mode {
  /// Queued without a pause.
  BackToBack,
  /// After the device has idled.
  Gap,
  /// After the arguments were evicted from the L2.
  Flush,
  /// As nodes of a CUDA graph.
  Graph,
  /// As a CUDA graph of one launch, after the arguments were evicted from the
  /// L2.
  GraphFlush
};

struct ModeName {
  Mode mode;
  /// On the command line and in results.
  const char *name;
};
inline constexpr ModeName kModes[] = {{Mode::BackToBack, "b2b"},
                                      {Mode::Gap, "gap"},
                                      {Mode::Flush, "flush"},
                                      {Mode::Graph, "graph"},
                                      {Mode::GraphFlush, "graph-flush"}};

inline const char *nameOf(Mode mode) {
  return kModes[static_cast<int>(mode)].name;
}

/// The mode of a name, or null.
inline const ModeName *findMode(const std::string &name) {
  for (const ModeName &known : kModes)
    if (name == known.name)
      return &known;
  return nullptr;
}

/// "b2b, gap, flush, graph, graph-flush"
inline std::string listModes() {
  std::string text;
  for (const ModeName &known : kModes)
    text += std::string(text.empty() ? "" : ", ") + known.name;
  return text;
}

/// The phases by their mlaPhase: the names on the command line and in results.
inline constexpr const char *kPhases[] = {"all", "plan", "launch"};

inline const char *nameOf(mlaPhase phase) { return kPhases[phase]; }

} // namespace mla::harness

#endif // MLA_HARNESS_MODES_H
