//===- Report.cpp - the table of the mutation score -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Mutation/Score.h"
#include "llvm/ADT/STLExtras.h"
#include <map>

using namespace mlir;
using namespace mla;
using namespace mla::mutation;

namespace {
/// Numbers of results by what found them.
struct Counts {
  size_t total = 0, verifier = 0, simulator = 0, equivalent = 0, survived = 0;

  void add(const Result &result) {
    ++total;
    verifier += !result.verifier.empty();
    simulator += !result.simulator.empty();
    equivalent += !result.equivalent.empty();
    survived += result.survives();
  }
};

llvm::raw_ostream &operator<<(llvm::raw_ostream &os, const Counts &counts) {
  if (!counts.total)
    return os << "-";
  os << counts.total << ": " << counts.verifier << " / " << counts.simulator
     << " / " << counts.equivalent;
  if (counts.survived)
    os << ", **" << counts.survived << " survived**";
  return os;
}

/// The counts of one kernel for the kinds that match.
template <typename Match> Counts count(const KernelScore &kernel, Match match) {
  Counts counts;
  for (const Result &result : kernel.results)
    if (match(result))
      counts.add(result);
  return counts;
}

void printRow(llvm::raw_ostream &os, StringRef name, StringRef what,
              ArrayRef<KernelScore> kernels,
              llvm::function_ref<bool(const Result &)> match) {
  os << "| " << name << " |" << (what.empty() ? "" : " ") << what;
  for (const KernelScore &kernel : kernels)
    os << " | " << count(kernel, match);
  os << " |\n";
}
} // namespace

void mutation::printTable(llvm::raw_ostream &os,
                          ArrayRef<KernelScore> kernels) {
  os << "| kind | what is wrong";
  for (const KernelScore &kernel : kernels)
    os << " | " << kernel.name;
  os << " |\n| --- | ---";
  for (size_t i = 0; i < kernels.size(); ++i)
    os << " | ---";
  os << " |\n";
  for (const auto &kind : getKinds())
    printRow(os, kind.first, kind.second, kernels,
             [&](const Result &result) { return result.kind == kind.first; });
  printRow(os, "all", "", kernels, [](const Result &) { return true; });

  std::map<std::string, size_t> reasons;
  for (const KernelScore &kernel : kernels)
    for (const Result &result : kernel.results)
      if (!result.equivalent.empty())
        ++reasons[result.equivalent];
  os << "\n| equivalent because | mutations |\n| --- | --- |\n";
  for (auto &[reason, count] : reasons)
    os << "| " << reason << " | " << count << " |\n";
  for (const KernelScore &kernel : kernels)
    for (const Result &result : kernel.results)
      if (result.survives())
        os << "\nsurvived: " << kernel.name << " " << result.id << "\n";
}

llvm::json::Value mutation::toJSON(ArrayRef<KernelScore> kernels) {
  llvm::json::Array all;
  for (const KernelScore &kernel : kernels) {
    llvm::json::Array results;
    for (const Result &result : kernel.results)
      results.push_back(llvm::json::Object{
          {"id", result.id},
          {"kind", result.kind},
          {"verifier", llvm::json::fixUTF8(result.verifier)},
          {"simulator", llvm::json::fixUTF8(result.simulator)},
          {"equivalent", result.equivalent},
          {"survives", result.survives()},
          {"seconds", result.seconds}});
    all.push_back(llvm::json::Object{{"kernel", kernel.name},
                                     {"mutations", std::move(results)}});
  }
  return all;
}
