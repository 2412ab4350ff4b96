//===- Page.h - the sections of the page ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Pictures over time share one window of time: every element of them that has
// a begin and an end carries both, in cycles, as data-b and data-e, is placed
// here for the first window, and is placed again by the script for others.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_EXPLAIN_PAGE_H
#define MLA_LIB_EXPLAIN_PAGE_H

#include "Markup.h"
#include "mla/Explain/Explain.h"

namespace mla::explain {

/// What a kernel is judged by.
struct KeyFigures {
  /// Of one CTA, and of one trip of its main loop.
  double cycles, period;
  /// The share of the steady state in which a product runs.
  double busy;
  /// Of the grid by the model: how long it takes, and FLOP/s.
  double seconds, flops;

  explicit KeyFigures(const Report &report);
};

/// What a kernel is called: its function and schedule.
std::string getTitle(const Report &report);

/// The key figures of several kernels side by side.
void writeComparison(Markup &out, llvm::ArrayRef<Report> reports);

void writeHeadline(Markup &out, const Report &report);
void writeTimeline(Markup &out, const Report &report);
void writeSteps(Markup &out, const Report &report);
void writeSharedMap(Markup &out, const Report &report);
void writeBarriers(Markup &out, const Report &report);
void writeRoofline(Markup &out, const Report &report);

/// Style.cpp and Script.cpp.
extern const char kStyle[];
extern const char kScript[];

/// Widths in pixels of a picture over time: of all of it, and of its plot.
struct TimeAxis {
  double begin, end;
  double left, width;

  static constexpr double kTotalWidth = 1200;
  /// The first window of `report`, with `left` pixels for names.
  static TimeAxis of(const Report &report, double left);
  /// Within the plot.
  double x(double time) const { return (time - begin) / (end - begin) * width; }
};

/// An svg element around `body` that scales with the page.
void writePicture(Markup &out, llvm::StringRef cls, double width, double height,
                  llvm::StringRef title, llvm::function_ref<void()> body);

/// The part of a picture in which time runs, clipped; y stays as outside.
void writePlot(Markup &out, const TimeAxis &axis, double height,
               llvm::function_ref<void()> body);

/// In a plot: something that lasts; with `label`, which is shown where it fits.
/// Lines of `tip` are shown on hover.
void writeBar(Markup &out, const TimeAxis &axis, double begin, double end,
              double y, double height, llvm::StringRef cls,
              llvm::StringRef label, llvm::StringRef tip);

/// Pixels of a text of the labels' size: not measured, but on the safe side.
double estimateWidth(llvm::StringRef text);

/// A text at a place; `cls` may give it a size and an anchor.
void writeText(Markup &out, double x, double y, llvm::StringRef cls,
               llvm::StringRef text);

/// The swatches of the categories, and of what else a picture shows.
void writeLegend(Markup &out,
                 llvm::ArrayRef<std::pair<llvm::StringRef, llvm::StringRef>>
                     classesAndNames);

/// "tile.reduce, arith.mulf": names of ops, each once.
std::string listOps(llvm::ArrayRef<mlir::Operation *> ops);

} // namespace mla::explain

#endif // MLA_LIB_EXPLAIN_PAGE_H
