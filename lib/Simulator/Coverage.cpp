//===- Coverage.cpp - what a grid has written -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Coverage.h"
#include "mla/Dialect/MLA/MLA.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace mla;
using namespace mla::sim;
using namespace mla::interp;

std::optional<Failure> Coverage::insert(Ranges &ranges, ByteRange bytes,
                                        Operation *op) {
  auto next = ranges.lower_bound(bytes.begin);
  auto before = next == ranges.begin() ? ranges.end() : std::prev(next);
  auto overlap = next != ranges.end() && next->first < bytes.end ? next
                 : before != ranges.end() && before->second.end > bytes.begin
                     ? before
                     : ranges.end();
  if (overlap != ranges.end())
    return Failure{op,
                   ("writes bytes [" + Twine(bytes.begin) + ", " +
                    Twine(bytes.end) +
                    ") of a memref, some of which another CTA writes")
                       .str(),
                   {{overlap->second.op, "the other write"}}};
  // Adjacent ranges of one op are merged, which keeps the map small.
  if (before != ranges.end() && before->second.end == bytes.begin &&
      before->second.op == op)
    before->second.end = bytes.end;
  else
    ranges.emplace(bytes.begin, Written{bytes.end, op});
  return std::nullopt;
}

std::optional<Failure> Coverage::add(const Machine &machine) {
  std::lock_guard<std::mutex> lock(mutex);
  std::optional<Failure> failure;
  for (const auto &[array, shadow] : machine.globals)
    shadow.forEachWritten(
        [&, &ranges = outputs[array]](ByteRange bytes, const Access &write) {
          if (!failure)
            failure = insert(ranges, bytes, machine.events[write.event].op);
        });
  return failure;
}

std::optional<Failure> Coverage::findGap(const Plan &plan) const {
  func::FuncOp function = plan.function;
  for (unsigned number : plan.written) {
    const Argument &array = plan.arguments[number];
    if (array.written || function.getArgAttr(number, kArgPartlyWrittenAttr))
      continue;
    auto found = outputs.find(&array);
    static const Ranges kNothing;
    const Ranges &ranges = found == outputs.end() ? kNothing : found->second;
    auto width = static_cast<int64_t>(getByteWidth(array.elementType));
    SmallVector<int64_t> start(array.shape.size());
    std::optional<Failure> failure;
    Box{array, start, array.shape}.forEachRun([&](const Run1D &run) {
      for (int64_t n = 0; n < run.count && !failure; ++n) {
        int64_t byte = (run.arrayAt + n * run.stride) * width;
        auto next = ranges.upper_bound(byte);
        if (next != ranges.begin() && std::prev(next)->second.end > byte) {
          // Skip to the end of what is written.
          if (run.stride == 1)
            n = std::min(run.count,
                         std::prev(next)->second.end / width - run.arrayAt) -
                1;
          continue;
        }
        SmallVector<int64_t> at(array.shape.size());
        int64_t rest = run.tileAt + n;
        for (size_t d = at.size(); d--; rest /= array.shape[d])
          at[d] = rest % array.shape[d];
        failure = Failure{
            plan.function,
            llvm::formatv("leaves argument {0} unwritten at [{1:$[, ]}]",
                          number, llvm::make_range(at.begin(), at.end()))
                .str(),
            {}};
      }
    });
    if (failure)
      return failure;
  }
  return std::nullopt;
}

void Coverage::noteWorkspaces() const {
  for (const auto &[array, ranges] : outputs) {
    if (!array->written)
      continue;
    auto width = static_cast<int64_t>(getByteWidth(array->elementType));
    for (const auto &[begin, range] : ranges)
      array->written->set(begin / width, range.end / width);
  }
}
