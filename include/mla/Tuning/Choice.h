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
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mla {

/// What of an operator is known when it is compiled, as far as schedules are
/// tuned for it.
struct ShapeClass {
  std::string op;
  /// By name, in the order of the operator's table. A size without a value is
  /// known at run time only.
  std::vector<std::pair<std::string, std::optional<int64_t>>> sizes;
  std::vector<std::pair<std::string, std::string>> options;

  /// The value of a size; none where it is known at run time only.
  std::optional<int64_t> getSize(llvm::StringRef name) const;
  void setSize(llvm::StringRef name, std::optional<int64_t> value);
  void setOption(llvm::StringRef name, llvm::StringRef value);
};

/// An operator with all its sizes, those of run time too.
struct Problem {
  ShapeClass shape;
  std::map<std::string, int64_t, std::less<>> sizes;

  int64_t getSize(llvm::StringRef name) const;
};

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

/// Sizes that schedules are chosen for where only the launch tells.
using ExpectedSizes = std::vector<std::pair<std::string, int64_t>>;

/// Reads "NAME=N,...", as in "s_kv=8192,topk=512"; an empty text has none.
llvm::Expected<ExpectedSizes> parseExpectedSizes(llvm::StringRef text);

/// A schedule and what to change about it.
struct Choice {
  /// The name of a schedule that ships, a file, or "auto".
  std::string schedule;
  /// Numbers of the schedule to replace, by name: see withParameters().
  std::vector<std::pair<std::string, int64_t>> parameters;

  /// The parameter, or `otherwise` where it is not given.
  int64_t getParameter(llvm::StringRef name, int64_t otherwise) const;
};

/// Reads "NAME[:PARAMETER=N]...", as in "seesaw:block_kv=32:k.depth=3".
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

} // namespace mla

#endif // MLA_TUNING_CHOICE_H
