//===- ChromeTraceTest.cpp - traces for Perfetto --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "FakeTrace.h"
#include "llvm/Support/JSON.h"
#include "gtest/gtest.h"
#include <set>

using namespace mla;
using namespace mla::explain;
namespace json = llvm::json;

static std::string write(const sim::Trace &trace) {
  std::string text;
  llvm::raw_string_ostream os(text);
  writeChromeTrace(trace, os);
  return text;
}

static json::Object parse(const std::string &text) {
  llvm::Expected<json::Value> value = json::parse(text);
  EXPECT_TRUE(static_cast<bool>(value)) << llvm::toString(value.takeError());
  return value ? std::move(*value->getAsObject()) : json::Object();
}

TEST(ChromeTrace, NamesEveryTrack) {
  Subject subject;
  json::Object root = parse(write(subject.trace));
  std::set<std::string> names;
  for (const json::Value &value : *root.getArray("traceEvents")) {
    const json::Object &event = *value.getAsObject();
    if (event.getString("name") == llvm::StringRef("thread_name"))
      names.insert(event.getObject("args")->getString("name")->str());
  }
  EXPECT_EQ(names, std::set<std::string>(subject.trace.tracks.begin(),
                                         subject.trace.tracks.end()));
}

TEST(ChromeTrace, EventsAreCompleteAndDoNotOverlap) {
  Subject subject;
  json::Object root = parse(write(subject.trace));
  std::map<std::pair<int64_t, int64_t>, double> ends;
  size_t events = 0, waits = 0;
  for (const json::Value &value : *root.getArray("traceEvents")) {
    const json::Object &event = *value.getAsObject();
    if (event.getString("ph") == llvm::StringRef("M"))
      continue;
    ASSERT_EQ(event.getString("ph"), llvm::StringRef("X"));
    double begin = *event.getNumber("ts"), length = *event.getNumber("dur");
    EXPECT_GE(length, 0);
    double &end = ends[{*event.getInteger("pid"), *event.getInteger("tid")}];
    EXPECT_GE(begin, end - 1e-6);
    end = begin + length;
    const json::Object &args = *event.getObject("args");
    EXPECT_TRUE(args.getString("op") && args.getString("label") &&
                args.getString("location") && args.getArray("iteration"));
    ++events;
    waits += event.getString("cat") == llvm::StringRef("wait");
  }
  EXPECT_EQ(events, subject.trace.events.size());
  EXPECT_GT(waits, 0u);
}

TEST(ChromeTrace, PeersAreProcessesOfTheirOwn) {
  Subject subject;
  sim::Trace trace;
  trace.tracks = {"a", "cta 1: a"};
  json::Object root = parse(write(trace));
  std::set<int64_t> processes;
  for (const json::Value &value : *root.getArray("traceEvents"))
    processes.insert(*value.getAsObject()->getInteger("pid"));
  EXPECT_EQ(processes, (std::set<int64_t>{0, 1}));
}

TEST(ChromeTrace, QueuesFollowTheirRole) {
  sim::Trace trace;
  trace.tracks = {"a", "b", "b copies", "a copies", "a products"};
  json::Object root = parse(write(trace));
  std::map<int64_t, int64_t> order;
  for (const json::Value &value : *root.getArray("traceEvents")) {
    const json::Object &event = *value.getAsObject();
    if (event.getString("name") == llvm::StringRef("thread_sort_index"))
      order[*event.getObject("args")->getInteger("sort_index")] =
          *event.getInteger("tid") - 1;
  }
  std::vector<std::string> names;
  for (auto [index, track] : order)
    names.push_back(trace.tracks[track]);
  EXPECT_EQ(names, (std::vector<std::string>{"a", "a products", "a copies", "b",
                                             "b copies"}));
}
