//===- PageTest.cpp - the page --------------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "FakeTrace.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace mla;
using namespace mla::explain;

static std::string write(Subject &subject) {
  FailureOr<Report> report =
      makeReport(subject.func, subject.trace,
                 {{"s_q", 4096}, {"s_kv", 8192}, {"topk", 640}});
  EXPECT_TRUE(succeeded(report));
  std::string text;
  llvm::raw_string_ostream os(text);
  writePage(*report, os);
  return text;
}

/// What is wrong with the nesting of tags, or "". As in XML: each tag that is
/// opened is closed, whatever HTML forgives.
static std::string checkTags(llvm::StringRef text) {
  std::vector<std::string> open;
  text.consume_front("<!DOCTYPE html>");
  while (true) {
    text = text.drop_until([](char c) { return c == '<'; });
    if (text.empty())
      break;
    if (text.consume_front("<![CDATA[")) {
      text = text.drop_front(text.find("]]>"));
      continue;
    }
    size_t end = text.find('>');
    if (end == llvm::StringRef::npos)
      return "a tag without an end";
    llvm::StringRef tag = text.slice(1, end);
    text = text.drop_front(end);
    if (tag.consume_front("/")) {
      if (open.empty() || open.back() != tag)
        return "</" + tag.str() + "> closes nothing";
      open.pop_back();
    } else if (!tag.ends_with("/")) {
      open.push_back(tag.split(' ').first.str());
    }
  }
  return open.empty() ? "" : "<" + open.back() + "> is not closed";
}

TEST(Page, TheCheckOfTagsFindsFaults) {
  EXPECT_EQ(checkTags("<a><b/><c></c></a>"), "");
  EXPECT_EQ(checkTags("<a><b></a>"), "</a> closes nothing");
  EXPECT_EQ(checkTags("<a>"), "<a> is not closed");
}

TEST(Page, IsWellFormed) {
  for (const char *schedule : {"shared-p", "split-columns"}) {
    Subject subject(schedule);
    EXPECT_EQ(checkTags(write(subject)), "");
  }
}

TEST(Page, NeedsNothingElse) {
  Subject subject;
  std::string page = write(subject);
  for (const char *reference : {" src=", "<link", "@import", "url(http"})
    EXPECT_EQ(page.find(reference), std::string::npos) << reference;
}

TEST(Page, ShowsEveryRoleAllocationAndBarrier) {
  Subject subject;
  std::string page = write(subject);
  for (const char *text :
       {"schedule shared-p", "s_q × 2 = 8,192 CTAs", "64×576 bf16", "k[0]",
        "k[1]", "until producer fills k", "softmax.max", "q·kᵀ",
        "128 threads, each once its copies have landed",
        "1 thread, announcing 73,728 bytes", "No two tiles share bytes.",
        "2,416 B unused of 232,448 B", "64,512 of 65,536 registers"})
    EXPECT_NE(page.find(text), std::string::npos) << text;
}

TEST(Page, SharedBytesAreTold) {
  Subject subject;
  OpBuilder b(&subject.context);
  cta::RingOp ring;
  subject.func.walk([&](cta::RingOp op) {
    if (op.getName() == "k")
      ring = op;
  });
  b.setInsertionPointAfter(ring);
  auto type = cta::BufferType::get(
      &subject.context, {64, 64}, b.getBF16Type(),
      cta::SharedLayoutAttr::get(&subject.context, 128, 64));
  cta::BufferOp::create(b, ring.getLoc(), type, "p0", ring.getResult(),
                        b.getI64IntegerAttr(65536), IntegerAttr());
  EXPECT_NE(write(subject).find("Shared bytes: p0 over k."), std::string::npos);
}

TEST(Page, BytesMayBeSharedByOffsetAlone) {
  Subject subject;
  subject.func.walk([&](cta::RingOp op) {
    if (op.getName() == "p")
      op.setOffset(73728 + 65536);
  });
  std::string page = write(subject);
  EXPECT_NE(page.find("Shared bytes: p over k."), std::string::npos);
  EXPECT_NE(page.find("64×576 bf16, swizzle 128 B, under p<"),
            std::string::npos);
  // What it leaves is unused.
  EXPECT_NE(page.find("221,712 B of tiles, 128 B of barriers, 10,608 B unused"),
            std::string::npos);
}

TEST(Page, ARunWithoutEventsIsShownToo) {
  Subject subject;
  subject.trace.events.clear();
  subject.trace.accesses.clear();
  subject.trace.end = 0;
  EXPECT_EQ(checkTags(write(subject)), "");
}
