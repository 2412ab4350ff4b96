//===- Labels.h - the table of labels in a kernel's data --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_EXPLAIN_LABELS_H
#define MLA_LIB_EXPLAIN_LABELS_H

#include "mla/Explain/Kernel.h"
#include "llvm/Support/JSON.h"
#include <map>

namespace mla::explain {

/// Names come from the IR, where strings may have any bytes; JSON takes UTF-8.
llvm::json::Value asText(llvm::StringRef text);

/// To an eighth of a cycle, which JSON represents exactly and in few digits.
double roundTime(double time);

/// Names of ops without duplicates: ["tile.reduce", "arith.mulf"].
llvm::json::Array listOps(llvm::ArrayRef<mlir::Operation *> ops);

/// What thousands of spans and accesses refer to by its index.
class Labels {
public:
  /// The index of the label; adds it if it is new.
  int64_t add(llvm::StringRef text, Category category,
              llvm::ArrayRef<mlir::Operation *> ops);
  /// The label of an op by itself.
  int64_t add(mlir::Operation *op) {
    return add(getOpLabel(op), getCategory(op), op);
  }

  llvm::json::Array take() { return std::move(rows); }

private:
  using Key = std::tuple<std::string, Category, std::vector<mlir::Operation *>>;
  std::map<Key, int64_t> indices;
  llvm::json::Array rows;
};

} // namespace mla::explain

#endif // MLA_LIB_EXPLAIN_LABELS_H
