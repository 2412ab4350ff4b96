//===- PassList.cpp - passes by their names -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "PassList.h"
#include "mlir/Pass/PassRegistry.h"

using namespace mlir;

/// Takes the first entry off `list`; commas in braces do not divide entries.
static StringRef takeEntry(StringRef &list) {
  int depth = 0;
  size_t end = 0;
  for (; end < list.size() && (list[end] != ',' || depth > 0); ++end)
    depth += (list[end] == '{') - (list[end] == '}');
  StringRef entry = list.take_front(end).trim();
  list = list.drop_front(std::min(end + 1, list.size()));
  return entry;
}

LogicalResult mla::fuzz::addPasses(StringRef list, OpPassManager &pm) {
  while (!list.empty()) {
    auto [name, options] = takeEntry(list).split('{');
    options.consume_back("}");
    const PassRegistryEntry *entry = PassPipelineInfo::lookup(name);
    if (!entry)
      entry = PassInfo::lookup(name);
    auto ignore = [](const Twine &) { return failure(); };
    if (!entry || failed(entry->addToPipeline(pm, options, ignore)))
      return failure();
  }
  return success();
}
