//===- Choice.h - what is chosen, and for what ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TUNING_CHOICE_H
#define MLA_TUNING_CHOICE_H

#include <cstdint>
#include <optional>
#include <string>

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

struct Gpu {
  std::string target = "sm_90a";
  /// As getGpuName() gives it; empty if unknown.
  std::string name;
};

/// "H200" of a driver's "NVIDIA H200".
std::string getGpuName(const std::string &deviceName);

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

class TuningTable;

/// The table's choice if it has an entry for the shape and GPU, otherwise the
/// cost model's.
Decision decide(const Problem &problem, const Gpu &gpu,
                const TuningTable &table);

} // namespace mla

#endif // MLA_TUNING_CHOICE_H
