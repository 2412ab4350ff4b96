//===- Labels.cpp - the table of labels in a kernel's data ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Labels.h"
#include "mla/Explain/Work.h"
#include "llvm/ADT/SetVector.h"
#include <cmath>

using namespace mlir;
using namespace mla;
using namespace mla::explain;
namespace json = llvm::json;

json::Value explain::asText(StringRef text) { return json::fixUTF8(text); }

double explain::roundTime(double time) {
  constexpr double kParts = 8;
  return std::round(time * kParts) / kParts;
}

json::Array explain::listOps(ArrayRef<Operation *> ops) {
  llvm::SmallSetVector<StringRef, 8> names;
  for (Operation *op : ops)
    names.insert(op->getName().getStringRef());
  return json::Array(names);
}

int64_t Labels::add(StringRef text, Category category,
                    ArrayRef<Operation *> ops) {
  auto [entry, isNew] = indices.try_emplace({text.str(), category, ops.vec()},
                                            static_cast<int64_t>(rows.size()));
  if (!isNew)
    return entry->second;
  json::Array work;
  for (Operation *op : ops)
    if (std::string text = describeWork(op); !text.empty())
      work.push_back(std::move(text));
  rows.push_back(
      json::Object{{"text", asText(text)},
                   {"category", getCategoryName(category)},
                   {"ops", listOps(ops)},
                   {"work", std::move(work)},
                   {"location", asText(getOpLocation(ops.front()))}});
  return entry->second;
}
