//===- Shadow.cpp - who touched which bytes ---------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Shadow.h"
#include "llvm/ADT/STLExtras.h"

using namespace mla::sim;

void Shadow::split(int64_t at) {
  auto next = segments.upper_bound(at);
  if (next == segments.begin())
    return;
  auto holder = std::prev(next);
  if (holder->first == at || holder->second.end <= at)
    return;
  Segment tail = holder->second;
  holder->second.end = at;
  segments.emplace(at, std::move(tail));
}

Shadow::Map::iterator Shadow::isolate(ByteRange range) {
  split(range.begin);
  split(range.end);
  // Untouched gaps become segments of their own.
  int64_t at = range.begin;
  auto it = segments.lower_bound(at);
  while (at < range.end) {
    if (it == segments.end() || it->first > at) {
      int64_t end =
          it == segments.end() ? range.end : std::min(range.end, it->first);
      it = segments.emplace_hint(it, at, Segment{end, false, false, {}, {}});
    }
    at = it->second.end;
    ++it;
  }
  return segments.find(range.begin);
}

/// What is wrong with an access after the segment's last write, if anything.
std::optional<Conflict::Kind> Shadow::judgeWrite(const Segment &segment,
                                                 const Viewer &viewer) {
  if (segment.reserved)
    return Conflict::Reserved;
  if (!segment.written)
    return std::nullopt;
  const Access &write = segment.write;
  if (!viewer.now.knows(write.epoch))
    return Conflict::Unordered;
  bool needsFence =
      write.needsFence == FenceNeed::All ||
      (write.needsFence == FenceNeed::OtherCtas && write.cta != viewer.cta);
  if (viewer.proxy == Proxy::Async && needsFence &&
      !viewer.fenced.knows(write.epoch))
    return Conflict::Unfenced;
  return std::nullopt;
}

std::optional<Conflict> Shadow::read(ByteRange range, const Viewer &viewer,
                                     const Access &access) {
  if (range.begin >= range.end)
    return std::nullopt;
  for (auto it = isolate(range); it != segments.end() && it->first < range.end;
       ++it) {
    Segment &segment = it->second;
    ByteRange bytes{it->first, segment.end};
    if (std::optional<Conflict::Kind> kind = judgeWrite(segment, viewer))
      return Conflict{*kind, segment.write.event, bytes};
    if (!segment.written && !contentsDefined)
      return Conflict{Conflict::NeverWritten, kNoEvent, bytes};
    // An agent's last read stands for its earlier ones.
    llvm::erase_if(segment.reads, [&](const Access &old) {
      return old.epoch.agent == access.epoch.agent;
    });
    segment.reads.push_back(access);
  }
  return std::nullopt;
}

std::optional<Conflict> Shadow::write(ByteRange range, const Viewer &viewer,
                                      const Access &access) {
  if (range.begin >= range.end)
    return std::nullopt;
  auto first = isolate(range), last = first;
  for (; last != segments.end() && last->first < range.end; ++last) {
    const Segment &segment = last->second;
    ByteRange bytes{last->first, segment.end};
    if (std::optional<Conflict::Kind> kind = judgeWrite(segment, viewer))
      return Conflict{*kind, segment.write.event, bytes};
    for (const Access &old : segment.reads)
      if (!viewer.now.knows(old.epoch))
        return Conflict{Conflict::StillRead, old.event, bytes};
  }
  segments.erase(std::next(first), last);
  first->second = Segment{range.end, true, false, access, {}};
  return std::nullopt;
}

std::optional<Conflict> Shadow::reserve(ByteRange range, EventId event) {
  auto it = isolate(range);
  for (; it != segments.end() && it->first < range.end; ++it) {
    Segment &segment = it->second;
    if (segment.reserved)
      return Conflict{
          Conflict::Reserved, segment.write.event, {it->first, segment.end}};
    segment.reserved = true;
    segment.write.event = event;
  }
  return std::nullopt;
}
