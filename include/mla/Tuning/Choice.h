//===- Choice.h - what is chosen, and for what ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TUNING_CHOICE_H
#define MLA_TUNING_CHOICE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <map>
#include <optional>
#include <string>
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
  std::string target = "sm_90a";
  /// As getGpuName() gives it; empty if unknown.
  std::string name;
};

/// The GPUs of the target, as getGpuName() calls them.
llvm::ArrayRef<llvm::StringRef> getGpuNames();

/// "H200" of a driver's "NVIDIA H200"; empty for a GPU that is not of the
/// target.
std::string getGpuName(const std::string &deviceName);

/// Why no GPU is of the target and name: "unknown GPU 'H20O', expected one of
/// H20, H200, ..."; empty if there is one.
std::string findFault(const Gpu &gpu);

/// Whether tiles may have that many KV rows: whole products of warpgroups.
inline bool areTileKeys(int64_t keys) {
  return keys >= 32 && keys <= 256 && keys % 32 == 0;
}

/// KV rows a tile where neither the choice nor the schedule says another
/// number.
inline constexpr int64_t kUsualTileKeys = 64;

/// Rows of kv that schedules are chosen for where only the launch tells: KV
/// caches that are served are larger than the L2.
inline constexpr int64_t kExpectedSKV = 65536;

struct Choice {
  std::string schedule;
  /// KV rows a tile, and slots of the schedule's rings; 0: as it says.
  int64_t keys = 0, stages = 0;
};

/// "split-columns, 32 keys, 4 stages"; what is as usual goes without saying.
std::string describe(const Choice &choice);

struct Decision {
  Choice choice;
  /// "the tuning table, line 9" or "the cost model".
  std::string source;
};

} // namespace mla

#endif // MLA_TUNING_CHOICE_H
