//===- PlotTest.cpp - figures as a picture --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Sample.h"

#include "mla/Harness/Plot.h"

#include <algorithm>

using namespace mla::harness;

namespace {

/// A line as `bench` prints it.
std::string line(const std::string &label, const std::string &mode, int tokens,
                 const std::string &tflops, const std::string &more = "") {
  return "{\"package\":\"" + label + "\",\"kernel\":\"k\",\"device\":\"GPU\"," +
         "\"sizes\":{\"s_kv\":" + std::to_string(tokens) + ",\"topk\":2048" +
         more + "},\"mode\":\"" + mode + "\",\"median_tflops\":" + tflops +
         "}\n";
}

std::vector<Figure> figuresOf(const std::string &text,
                              const std::string &file = "r.jsonl") {
  std::vector<Figure> figures;
  Status status = readFigures(text, file, figures);
  EXPECT_TRUE(status.ok()) << status.message();
  return figures;
}

std::string draw(const std::vector<Figure> &figures,
                 const PlotOptions &options = {}) {
  std::string svg;
  Status status = drawPlot(figures, options, svg);
  EXPECT_TRUE(status.ok()) << status.message();
  return svg;
}

void expectPart(const std::string &text, const std::string &part) {
  EXPECT_NE(text.find(part), std::string::npos)
      << "expected '" << part << "' in: " << text;
}

size_t count(const std::string &text, const std::string &part) {
  size_t found = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at)
    ++found;
  return found;
}

TEST(Figures, OutputOfBenchIsReadAsItIs) {
  std::vector<Figure> figures = figuresOf(
      line("seesaw", "b2b", 8192, "582.5") +
      "{\"package\":\"peer\",\"sizes\":{\"s_kv\":8192},\"skipped\":\"no\"}\n" +
      line("seesaw", "gap", 8192, "661") +
      "\npackage  sizes\nseesaw   s_kv=8192\n");
  ASSERT_EQ(figures.size(), 2u);
  EXPECT_EQ(figures[0].label, "seesaw");
  EXPECT_EQ(figures[0].device, "GPU");
  EXPECT_EQ(figures[0].tflops, 582.5);
  EXPECT_EQ(figures[1].mode, "gap");
  EXPECT_EQ(figures[1].line, 3);
  EXPECT_EQ(figures[1].sizes, (Sizes{{"s_kv", 8192}, {"topk", 2048}}));
}

TEST(Figures, ErrorsNameFileLineAndField) {
  auto expectError = [](const std::string &text, const std::string &error) {
    std::vector<Figure> figures;
    Status status = readFigures(text, "r.jsonl", figures);
    EXPECT_EQ(status.message(), error);
  };
  expectError("\n{\"package\":",
              "r.jsonl:2: expected a JSON object in one line");
  expectError("{}", "r.jsonl:1: field 'package': missing");
  expectError("{\"package\":1}",
              "r.jsonl:1: field 'package': expected a text, got 1");
  expectError("{\"package\":\"a\",\"ms\":1,\"pass\":true}",
              "r.jsonl:1: field 'mode': missing");
  expectError(line("a", "fast", 1, "1"),
              "r.jsonl:1: field 'mode': expected one of b2b, gap, flush, "
              "graph, got 'fast'");
  expectError("{\"package\":\"a\",\"mode\":\"gap\"}",
              "r.jsonl:1: field 'sizes': missing");
  expectError("{\"package\":\"a\",\"mode\":\"gap\",\"sizes\":[1]}",
              "r.jsonl:1: field 'sizes': expected an object, got [1]");
  expectError(line("a", "gap", -1, "1"),
              "r.jsonl:1: field 'sizes': expected integers of 0 or more, got "
              "-1 for s_kv");
  expectError("{\"package\":\"a\",\"mode\":\"gap\",\"sizes\":{}}",
              "r.jsonl:1: field 'median_tflops': missing");
  expectError(line("a", "gap", 1, "\"nan\""),
              "r.jsonl:1: field 'median_tflops': expected a number above 0, "
              "got \"nan\"");
}

TEST(Figures, FilesAreJoined) {
  std::vector<Figure> figures =
      figuresOf(line("seesaw", "b2b", 8192, "582"), "runs/monday.jsonl");
  for (const std::string &text :
       {line("seesaw", "b2b", 8192, "570"), line("peer", "b2b", 8192, "500")})
    for (Figure &figure : figuresOf(text, "runs/friday.jsonl"))
      figures.push_back(figure);
  ASSERT_TRUE(joinFigures(figures).ok());
  EXPECT_EQ(figures[0].label, "seesaw (monday)");
  EXPECT_EQ(figures[1].label, "seesaw (friday)");
  EXPECT_EQ(figures[2].label, "peer");
  // Different sizes of one contestant stay one line.
  figures = figuresOf(line("seesaw", "b2b", 8192, "582"), "a.jsonl");
  figures.push_back(
      figuresOf(line("seesaw", "b2b", 65536, "538"), "b.jsonl").front());
  ASSERT_TRUE(joinFigures(figures).ok());
  EXPECT_EQ(figures[1].label, "seesaw");
}

TEST(Figures, OneThingTwiceInAFileIsAnError) {
  std::vector<Figure> figures =
      figuresOf(line("a", "b2b", 8192, "582") + line("a", "b2b", 8192, "583"));
  EXPECT_EQ(joinFigures(figures).message(),
            "r.jsonl:2: 'a', b2b, s_kv=8192 topk=2048: stands at r.jsonl:1 "
            "already");
}

TEST(Plot, PointsStandWhereTheirFiguresSay) {
  PlotOptions options;
  options.roof = 779;
  options.roofLabel = "cuBLAS";
  std::string svg = draw(figuresOf(line("seesaw", "b2b", 8192, "600") +
                                   line("seesaw", "b2b", 32768, "500") +
                                   line("seesaw", "b2b", 131072, "450.25") +
                                   line("seesaw", "gap", 8192, "650")),
                         options);
  expectPart(svg, "<title>seesaw, b2b, s_kv = 8,192: 600 TFLOP/s</title>");
  expectPart(svg, "<title>seesaw, b2b, s_kv = 131,072: 450.2 TFLOP/s</title>");
  expectPart(svg, "<title>seesaw, gap, s_kv = 8,192: 650 TFLOP/s</title>");
  // Two octaves to the next point each, 360 pixels for 900 TFLOP/s.
  expectPart(svg, "<polyline class=\"line b2b s0\" "
                  "points=\"92.0,194.0 368.0,234.0 644.0,253.9\"/>");
  expectPart(svg, "<polyline class=\"line gap s0\" points=\"92.0,174.0\"/>");
  expectPart(svg, ">s_kv (log scale)</text>");
  expectPart(svg, ">cuBLAS: 779 TFLOP/s</text>");
  expectPart(svg, "<line class=\"roof\" x1=\"68.0\" y1=\"122.4\"");
  expectPart(svg, ">GPU · topk = 2,048</text>");
  expectPart(svg, ">back to back</text>");
  expectPart(svg, ">idle before each launch</text>");
  EXPECT_EQ(svg.find("nan"), std::string::npos);
}

TEST(Plot, EachModeHasItsLine) {
  std::string svg =
      draw(figuresOf(line("a", "flush", 1, "5") + line("a", "flush", 2, "5") +
                     line("a", "graph", 1, "6") + line("a", "graph", 2, "6")));
  expectPart(svg, "<polyline class=\"line flush s0\"");
  expectPart(svg, "<polyline class=\"line graph s0\"");
  expectPart(svg, "class=\"line any flush\"");
  expectPart(svg, ">L2 flushed before each</text>");
  expectPart(svg, ">as a CUDA graph</text>");
  EXPECT_EQ(svg.find(">back to back</text>"), std::string::npos);
}

TEST(Plot, SizesThatLieCloseAreLinear) {
  std::string svg = draw(figuresOf(line("a", "b2b", 1000, "1.5") +
                                   line("a", "b2b", 2000, "1") +
                                   line("a", "b2b", 4000, "0.5")));
  expectPart(svg, ">s_kv</text>");
  EXPECT_EQ(svg.find("idle before each launch"), std::string::npos);
  EXPECT_EQ(svg.find("class=\"roof\""), std::string::npos);
  // Labels of sizes that would overlap are left out, their points are not.
  svg = draw(figuresOf(line("a", "b2b", 100000, "1") +
                       line("a", "b2b", 100001, "1") +
                       line("a", "b2b", 200000, "1")));
  expectPart(svg, ">100,000</text>");
  EXPECT_EQ(svg.find(">100,001</text>"), std::string::npos);
  expectPart(svg, "s_kv = 100,001: 1 TFLOP/s");
}

TEST(Plot, ManyContestantsAllHaveARowOfTheLegend) {
  std::string text;
  for (int i = 0; i < 30; ++i)
    for (int tokens : {1, 2})
      text += line("contestant " + std::to_string(i), "b2b", tokens, "5");
  std::string svg = draw(figuresOf(text));
  EXPECT_EQ(count(svg, ">contestant "), 30u + 30u + 60u); // rows, tips
  // The picture is as high as the legend.
  expectPart(svg, "height=\"790.0\"");
}

TEST(Plot, TextIsEscapedAndCut) {
  std::string name = "a&b<c>\\\"\\u0001" + std::string(60, 'x') + "/é-end";
  std::string svg =
      draw(figuresOf(line(name, "b2b", 1, "5") + line(name, "b2b", 2, "5")));
  expectPart(svg, "<title>a&amp;b&lt;c&gt;&quot; xxx");
  expectPart(svg, "\">…" + std::string(33, 'x') + "/é-end</text>");
  EXPECT_EQ(std::count_if(svg.begin(), svg.end(),
                          [](char c) { return c > 0 && c < ' ' && c != '\n'; }),
            0);
}

TEST(Plot, OnlyTheSizesAskedFor) {
  std::vector<Figure> figures =
      figuresOf(line("a", "b2b", 8192, "5", ",\"h\":64") +
                line("a", "b2b", 16384, "6", ",\"h\":64") +
                line("a", "b2b", 8192, "7", ",\"h\":128"));
  std::string svg;
  EXPECT_EQ(drawPlot(figures, {}, svg).message(),
            "expected one size that differs between the cases, got 2: h, s_kv");
  PlotOptions options;
  options.only = {{"h", 64}};
  svg = draw(figures, options);
  expectPart(svg, "s_kv = 16,384: 6 TFLOP/s");
  EXPECT_EQ(svg.find(": 7 TFLOP/s"), std::string::npos);
  options.only = {{"h", 16}};
  EXPECT_EQ(drawPlot(figures, options, svg).message(),
            "expected results of bench, got none");
}

TEST(Plot, WhatCannotBeDrawnIsAnError) {
  std::string svg;
  EXPECT_EQ(drawPlot({}, {}, svg).message(),
            "expected results of bench, got none");
  EXPECT_EQ(drawPlot(figuresOf(line("a", "b2b", 1, "5")), {}, svg).message(),
            "expected one size that differs between the cases, got none");
  std::vector<Figure> figures =
      figuresOf(line("a", "b2b", 1, "5") + line("a", "b2b", 2, "5"));
  figures.push_back(figures.front());
  figures.back().sizes.erase("s_kv");
  EXPECT_EQ(drawPlot(figures, {}, svg).message(),
            "r.jsonl:1: lacks the size 's_kv', which others have");
  EXPECT_EQ(svg, "");
  expectFailure(plotFiles({"/none/r.jsonl"}, {}), "/none/r.jsonl");
}

} // namespace
