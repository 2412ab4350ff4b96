//===- Choice.h - shapes, GPUs and chosen schedules -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TUNING_CHOICE_H
#define MLA_TUNING_CHOICE_H

#include "mla/Support/Target.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mla {

/// The key of the tuning table: the sizes and options of an operator that
/// schedules are tuned for, as known at compile time.
struct ShapeClass {
  std::string op;
  /// By name, in the order of the operator's table. A size without a value is a
  /// run-time size.
  std::vector<std::pair<std::string, std::optional<int64_t>>> sizes;
  std::vector<std::pair<std::string, std::string>> options;

  /// The value of a size; none for a run-time size.
  std::optional<int64_t> getSize(llvm::StringRef name) const;
  void setSize(llvm::StringRef name, std::optional<int64_t> value);
  void setOption(llvm::StringRef name, llvm::StringRef value);
};

/// An operator with values for all its sizes, including run-time sizes.
struct Problem {
  ShapeClass shape;
  std::map<std::string, int64_t, std::less<>> sizes;

  int64_t getSize(llvm::StringRef name) const;
};

struct Gpu {
  std::string target{kDefaultTarget.name};
  /// As returned by getGpuName(); empty if unknown.
  std::string name;
};

/// The known GPUs of all targets, by the names of getGpuName().
llvm::SmallVector<llvm::StringRef> getGpuNames();

/// The short name of a GPU: "H200" for the driver's "NVIDIA H200". Empty if the
/// GPU is not in the target's table.
std::string getGpuName(const std::string &deviceName,
                       const TargetSpec &target = kDefaultTarget);

/// An error if the target or the GPU is unknown ("unknown GPU 'H20O', expected
/// one of H20, H200, ..."), otherwise empty.
std::string findFault(const Gpu &gpu);

/// Expected values of run-time sizes, for which a schedule is chosen.
using ExpectedSizes = std::vector<std::pair<std::string, int64_t>>;

/// Parses "NAME=N,...", as in "s_kv=8192,topk=512". An empty text is valid.
llvm::Expected<ExpectedSizes> parseExpectedSizes(llvm::StringRef text);

/// A schedule and the parameters to override in it.
struct Choice {
  /// The name of a built-in schedule, a file, or "auto".
  std::string schedule;
  /// Overridden numbers of the schedule, by name: see withParameters().
  std::vector<std::pair<std::string, int64_t>> parameters;

  /// The value of a parameter, or `otherwise` if it is not overridden.
  int64_t getParameter(llvm::StringRef name, int64_t otherwise) const;
};

/// Parses "NAME[:PARAMETER=N]...", as in "seesaw:block_kv=32:k.depth=3".
llvm::Expected<Choice> parseChoice(llvm::StringRef text);

/// The text from which parseChoice() gives `choice`.
std::string describe(const Choice &choice);

/// Whether the name of a schedule is a file name: it contains a '.' or a '/'.
inline bool isScheduleFile(llvm::StringRef name) {
  return name.find_first_of("./") != llvm::StringRef::npos;
}

struct Decision {
  Choice choice;
  /// What made the choice: "the tuning table, line 9", "the cost model", ...
  std::string source;
};

} // namespace mla

#endif // MLA_TUNING_CHOICE_H
