//===- Choice.h - what is chosen, and for what ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TUNING_CHOICE_H
#define MLA_TUNING_CHOICE_H

#include "mla/Support/Target.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mla {

/// What is known of an operator when it is compiled.
struct ShapeClass {
  std::string op = "sparse_prefill";
  int64_t heads = 128, dimQK = 576, dimV = 512;
  /// Without a value it is known at run time only.
  std::optional<int64_t> topk;
  bool topkLength = false;
};

/// An operator with its run-time sizes, or what is typical: KV caches that are
/// served are larger than the L2.
struct Problem {
  ShapeClass shape;
  int64_t queries = 4096, rows = 65536, topk = 2048;
};

/// Why no kernel can be made for the shape: "expected 1 <= h_q <= 128, got
/// 129"; empty if one can.
std::string findFault(const ShapeClass &shape);

struct Gpu {
  std::string target{kDefaultTarget.name};
  /// As getGpuName() gives it; empty if unknown.
  std::string name;
};

/// The known GPUs of all targets, as getGpuName() calls them.
llvm::SmallVector<llvm::StringRef> getGpuNames();

/// "H200" of a driver's "NVIDIA H200"; empty for a GPU that is not of the
/// target.
std::string getGpuName(const std::string &deviceName,
                       const TargetSpec &target = kDefaultTarget);

/// Why no GPU is of the target and name: "unknown GPU 'H20O', expected one of
/// H20, H200, ..."; empty if there is one.
std::string findFault(const Gpu &gpu);

/// Whether tiles may have that many KV rows: whole products of warpgroups.
inline bool areTileKeys(int64_t keys) {
  return keys >= 32 && keys <= 256 && keys % 32 == 0;
}

/// A schedule and what to change about it.
struct Choice {
  /// The name of a schedule that ships, a file, or "auto".
  std::string schedule;
  /// Numbers of the schedule to replace, by name: see withParameters().
  std::vector<std::pair<std::string, int64_t>> parameters;
};

/// Reads "NAME[:PARAMETER=N]...", as in "seesaw:keys=32:k.depth=3".
llvm::Expected<Choice> parseChoice(llvm::StringRef text);

/// The text that parseChoice() reads.
std::string describe(const Choice &choice);

/// Whether the name of a schedule is that of a file: it has a '.' or a '/'.
inline bool isScheduleFile(llvm::StringRef name) {
  return name.find_first_of("./") != llvm::StringRef::npos;
}

struct Decision {
  Choice choice;
  /// "the tuning table, line 9" or "the cost model".
  std::string source;
};

class TuningTable;

/// The table's choice if it has an entry for the shape and GPU, otherwise the
/// cost model's.
Decision decide(const Problem &problem, const Gpu &gpu,
                const TuningTable &table);

} // namespace mla

#endif // MLA_TUNING_CHOICE_H
