//===- DataTest.cpp - data and pages --------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "FakeTrace.h"
#include "llvm/ADT/STLExtras.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace mla;
using namespace mla::explain;
namespace json = llvm::json;

static json::Object describe(Subject &subject) {
  FailureOr<Report> report =
      makeReport(subject.func, subject.trace,
                 {{"s_q", 4096}, {"s_kv", 8192}, {"topk", 640}});
  EXPECT_TRUE(succeeded(report));
  Program program;
  program.source = "kernel";
  program.kernels.push_back(std::move(*report));
  return describeProgram(program);
}

static json::Value makeData(Subject &subject) {
  return makeData(json::Array{describe(subject)});
}

/// The first kernel of the first program.
static json::Object &getKernel(json::Value &data) {
  json::Object &program =
      *data.getAsObject()->getArray("programs")->front().getAsObject();
  return *program.getArray("kernels")->front().getAsObject();
}

static std::string print(const json::Value &data) {
  std::string text;
  llvm::raw_string_ostream os(text);
  writeData(data, os);
  return text;
}

static std::string printPage(const json::Value &data) {
  std::string text;
  llvm::raw_string_ostream os(text);
  writePage(data, os);
  return text;
}

/// The element whose `name` is `value`; null if there is none.
static const json::Object *find(const json::Object &object,
                                llvm::StringRef list, llvm::StringRef name,
                                llvm::StringRef value) {
  for (const json::Value &element : *object.getArray(list))
    if (element.getAsObject()->getString(name) == value)
      return element.getAsObject();
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Data
//===----------------------------------------------------------------------===//

TEST(Data, Facts) {
  Subject subject;
  json::Value data = makeData(subject);
  const json::Object &kernel = getKernel(data);
  EXPECT_EQ(kernel.getString("name"), "sparse_prefill");
  EXPECT_EQ(kernel.getString("schedule"), "shared-p");
  EXPECT_EQ(kernel.getObject("grid")->getString("text"), "s_q × 2");
  EXPECT_EQ(kernel.getObject("grid")->getInteger("ctas"), 8192);
  EXPECT_EQ(kernel.getObject("figures")->getInteger("threads"), 384);
  const json::Object *k = find(kernel, "allocations", "name", "k");
  ASSERT_TRUE(k);
  EXPECT_EQ(k->getString("type"), "64×576 bf16");
  EXPECT_EQ(k->getInteger("slots"), 2);
  EXPECT_FALSE(k->getArray("lives")->empty());
  const json::Object *barrier = find(kernel, "barriers", "name", "q.full");
  ASSERT_TRUE(barrier);
  EXPECT_EQ(
      barrier->getArray("arrivals")->front().getAsObject()->getString("how"),
      "1 thread, announcing 73,728 bytes");
  EXPECT_TRUE(find(kernel, "labels", "text", "q·kᵀ"));
  EXPECT_TRUE(find(kernel, "labels", "text", "softmax.max"));
}

TEST(Data, SpansAddUp) {
  Subject subject;
  json::Value data = makeData(subject);
  double shown = 0, traced = 0;
  for (const json::Value &track : *getKernel(data).getArray("tracks"))
    for (const json::Value &span : *track.getAsObject()->getArray("spans")) {
      const json::Array &row = *span.getAsArray();
      shown += *row[2].getAsNumber() - *row[1].getAsNumber();
    }
  for (const sim::TraceEvent &event : subject.trace.events)
    traced += event.end - event.begin;
  EXPECT_NEAR(shown, traced, 1e-3 * traced);
}

TEST(Data, BytesOfSharedMemory) {
  Subject subject;
  json::Value data = makeData(subject);
  const json::Object &shared = *getKernel(data).getObject("shared");
  EXPECT_EQ(shared.getInteger("tileBytes"), 229904);
  EXPECT_EQ(shared.getInteger("barrierBytes"), 128);
  EXPECT_EQ(shared.getInteger("unusedBytes"), 2416);
  EXPECT_EQ(shared.getInteger("limit"), 232448);
}

TEST(Data, ABufferOverARingAliasesIt) {
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
  json::Value data = makeData(subject);
  const json::Object *p0 = find(getKernel(data), "allocations", "name", "p0");
  ASSERT_TRUE(p0);
  EXPECT_EQ(p0->getString("aliases"), "k");
}

TEST(Data, BytesMayBeSharedByOffsetAlone) {
  Subject subject;
  subject.func.walk([&](cta::RingOp op) {
    if (op.getName() == "p")
      op.setOffset(73728 + 65536);
  });
  json::Value data = makeData(subject);
  const json::Object &kernel = getKernel(data);
  EXPECT_EQ(find(kernel, "allocations", "name", "p")->getString("aliases"),
            "k");
  // Its former place is unused.
  EXPECT_EQ(kernel.getObject("shared")->getInteger("tileBytes"), 221712);
  EXPECT_EQ(kernel.getObject("shared")->getInteger("unusedBytes"), 10608);
}

TEST(Data, ARunWithoutEvents) {
  Subject subject;
  subject.trace.events.clear();
  subject.trace.accesses.clear();
  subject.trace.end = 0;
  json::Value data = makeData(subject);
  EXPECT_TRUE(getKernel(data).getArray("loops")->empty());
  EXPECT_EQ(getKernel(data).getObject("figures")->getNumber("cycles"), 0);
}

TEST(Data, NamesMayHaveAnyBytes) {
  Subject subject;
  subject.func.setSymName("k\xff");
  json::Value data = makeData(subject);
  EXPECT_EQ(getKernel(data).getString("name"), "k\uFFFD");
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

TEST(Data, IsReadAsWritten) {
  Subject subject;
  json::Value data = makeData(subject);
  llvm::Expected<json::Array> programs = readPrograms(print(data), "before");
  ASSERT_TRUE(bool(programs)) << llvm::toString(programs.takeError());
  EXPECT_EQ(programs->front().getAsObject()->getString("source"), "before");
  (*programs->front().getAsObject())["source"] = "kernel";
  EXPECT_EQ(print(makeData(std::move(*programs))), print(data));
}

static std::string getFault(llvm::StringRef text) {
  llvm::Expected<json::Array> programs = readPrograms(text, "file");
  return programs ? "" : llvm::toString(programs.takeError());
}

TEST(Data, FaultsAreNamed) {
  EXPECT_EQ(getFault("[]"), "expected an object, got an array");
  EXPECT_EQ(getFault("{}"), "format: expected 'mla-explain', got ''");
  EXPECT_EQ(getFault(R"({"format": "mla-explain", "version": 2})"),
            "version: expected 1, got 2");
  EXPECT_EQ(getFault(R"({"format": "mla-explain"})"),
            "version: expected 1, got none");
  std::string head = R"({"format": "mla-explain", "version": 1)";
  EXPECT_EQ(getFault(head + "}"), "programs: expected an array, got nothing");
  EXPECT_EQ(getFault(head + R"(, "programs": []})"),
            "programs: expected at least one object, got none");
  EXPECT_EQ(getFault(head + R"(, "programs": [1]})"),
            "programs: expected objects, got a number");
  EXPECT_EQ(getFault(head + R"(, "programs": [{"kernels": [{}]}]})"),
            "programs.kernels.name: expected a string, got nothing");
  EXPECT_NE(getFault("{").find("Expected"), std::string::npos);
  EXPECT_EQ(getFault(std::string(1000000, '[')),
            "expected at most 32 levels of nesting, got more");
}

TEST(Data, EveryFieldThatThePageReadsIsChecked) {
  Subject subject;
  json::Value data = makeData(subject);
  std::vector<std::string> names, figures;
  for (const auto &[name, value] : getKernel(data))
    names.push_back(name.str());
  for (const auto &[name, value] : *getKernel(data).getObject("figures"))
    figures.push_back(name.str());
  for (const std::string &name : names) {
    json::Value copy = data;
    getKernel(copy)[name] = nullptr;
    EXPECT_NE(getFault(print(copy)).find("programs.kernels." + name + ":"),
              std::string::npos)
        << name;
  }
  for (const std::string &name : figures) {
    json::Value copy = data;
    getKernel(copy).getObject("figures")->erase(name);
    EXPECT_EQ(getFault(print(copy)), "programs.kernels.figures." + name +
                                         ": expected a number, got nothing");
  }
}

//===----------------------------------------------------------------------===//
// Pages
//===----------------------------------------------------------------------===//

TEST(Page, NeedsNoOtherFile) {
  Subject subject;
  std::string page = printPage(makeData(subject));
  EXPECT_EQ(page.find("<!DOCTYPE html>"), 0u);
  for (const char *reference :
       {" src=", "<link", "@import", "url(http", "{{data}}"})
    EXPECT_EQ(page.find(reference), std::string::npos) << reference;
}

TEST(Page, NamesCannotEndTheScriptElement) {
  Subject subject;
  subject.func.setSymName("</script><!--");
  std::string page = printPage(makeData(subject));
  EXPECT_EQ(page.find("</script><!--"), std::string::npos);
  EXPECT_NE(page.find("\\u003c/script>\\u003c!--"), std::string::npos);
}
