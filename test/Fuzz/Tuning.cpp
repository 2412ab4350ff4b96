//===- Tuning.cpp - fuzz target: the reader of tuning tables ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// An input is a table. What is read has to be the same after writing and
// reading it again.
//
//===----------------------------------------------------------------------===//

#include "mla/Operators/Operators.h"
#include "mla/Tuning/TuningTable.h"
#include <cstdlib>

using namespace mla;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  llvm::StringRef text(reinterpret_cast<const char *>(data), size);
  llvm::Expected<TuningTable> table =
      TuningTable::parse(text, "input", getOperators());
  if (!table) {
    llvm::consumeError(table.takeError());
    return 0;
  }
  (void)table->find(ShapeClass(), Gpu());
  std::string printed = table->print();
  llvm::Expected<TuningTable> again =
      TuningTable::parse(printed, "again", getOperators());
  if (!again || again->print() != printed)
    std::abort();
  return 0;
}
