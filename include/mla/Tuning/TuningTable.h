//===- TuningTable.h - measured choices of schedules ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A text with one entry per line, sorted, after comment lines that begin with
// '#'. The built-in table of an operator is its file tuning.txt, embedded in
// the library.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_TUNING_TUNINGTABLE_H
#define MLA_TUNING_TUNINGTABLE_H

#include "mla/Tuning/Operator.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <vector>

namespace mla {

struct TuningEntry {
  ShapeClass shape;
  /// An empty name stands for any GPU of the target.
  Gpu gpu;
  Choice choice;
  /// Milliseconds per launch, back to back; the geometric mean over `sizes`.
  double ms = 0;
  /// The measured sizes, "s_kv=8192,s_q=4096,topk=2048;...".
  std::string sizes;
  std::string date, version;
  /// The line of the entry in its file.
  unsigned line = 0;
};

class TuningTable {
public:
  /// Parses a table whose entries are of one of `operators`. Errors name `file`
  /// and the line.
  static llvm::Expected<TuningTable>
  parse(llvm::StringRef text, llvm::StringRef file, OperatorList operators);
  /// Reads `file`; if empty, the built-in tables of the operators.
  static llvm::Expected<TuningTable> load(llvm::StringRef file,
                                          OperatorList operators);

  /// The entry of the shape for this GPU, else for any GPU of its target, else
  /// for another GPU of its target, else null.
  const TuningEntry *find(const ShapeClass &shape, const Gpu &gpu) const;
  /// Adds `entry`, or replaces the entry of the same shape and GPU.
  void set(const TuningEntry &entry);

  std::string print() const;
  /// Writes the table to `file` atomically.
  llvm::Error write(llvm::StringRef file) const;

private:
  static llvm::Expected<TuningTable> loadShipped(OperatorList operators);

  std::string comment;
  std::vector<TuningEntry> entries;
};

/// "combine splits=any rows=any d_v=512"
std::string describe(const ShapeClass &shape);

/// The version of the project, recorded in entries.
llvm::StringRef getVersion();

} // namespace mla

#endif // MLA_TUNING_TUNINGTABLE_H
