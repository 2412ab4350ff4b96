//===- TuningTable.h - choices that were measured ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A text, one entry a line, sorted; lines that begin with '#' stand in front.
// The one that ships with an operator stands beside it (tuning.txt), and inside
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
  /// Without a name: any GPU of the target.
  Gpu gpu;
  Choice choice;
  /// Milliseconds a launch, back to back; with several cases the geometric
  /// mean.
  double ms = 0;
  /// The cases, "s_kv=8192,s_q=4096,topk=2048"; several by ';'.
  std::string sizes;
  std::string date, version;
  /// Where the entry was read.
  unsigned line = 0;
};

class TuningTable {
public:
  /// `file` is named in errors, with the line and what was expected there.
  /// Entries are of one of `operators`.
  static llvm::Expected<TuningTable>
  parse(llvm::StringRef text, llvm::StringRef file, OperatorList operators);
  /// The table in `file`; those that ship with the operators if that is empty.
  static llvm::Expected<TuningTable> load(llvm::StringRef file,
                                          OperatorList operators);

  /// The entry of the shape for this GPU, else for any GPU of its target, else
  /// for another one of it; or null.
  const TuningEntry *find(const ShapeClass &shape, const Gpu &gpu) const;
  /// Puts `entry` in the place of the one for the same shape and GPU.
  void set(const TuningEntry &entry);

  std::string print() const;
  /// Writes the table whole or not at all.
  llvm::Error write(llvm::StringRef file) const;

private:
  static llvm::Expected<TuningTable> loadShipped(OperatorList operators);

  std::string comment;
  std::vector<TuningEntry> entries;
};

/// "combine splits=any rows=any d_v=512"
std::string describe(const ShapeClass &shape);

/// The version of the project, for entries.
llvm::StringRef getVersion();

} // namespace mla

#endif // MLA_TUNING_TUNINGTABLE_H
