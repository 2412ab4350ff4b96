//===- Plot.h - figures of `bench` as a picture -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The command `plot` and the option `--plot` of `bench`: TFLOP/s over the size
// that differs between the cases, a line for each contestant and mode. Both
// read the JSON lines that `bench` prints, so that a picture of one run and one
// joined of several are made in the same way.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_HARNESS_PLOT_H
#define MLA_HARNESS_PLOT_H

#include "mla/Harness/HostTensor.h"

namespace mla::harness {

struct PlotOptions {
  /// The SVG to write; empty: none.
  std::string file;
  /// A horizontal line at this many TFLOP/s, with a label; 0: none.
  double roof = 0;
  std::string roofLabel;
  /// Figures with other sizes than these are left out.
  Sizes only;
};

/// One line of `bench`'s results.
struct Figure {
  /// The contestant: the field `package`.
  std::string label;
  /// The name of a mode.
  std::string mode;
  /// Empty if the line does not say.
  std::string device;
  Sizes sizes;
  double tflops = 0;
  /// Where it was read: a file's name, and its line from 1.
  std::string file;
  int line = 0;
};

/// Adds the figures of a text. Lines that are no JSON objects (the table, empty
/// ones) and peers that were left out are passed over; of the other lines, the
/// fields package, mode, sizes and median_tflops are read. Errors name `file`,
/// the line and the field.
Status readFigures(const std::string &text, const std::string &file,
                   std::vector<Figure> &out);

/// Tells figures apart that have one contestant, mode and sizes but come from
/// different files: the contestant gets the file's stem. Errors: two of one
/// file.
Status joinFigures(std::vector<Figure> &figures);

/// The size that differs between cases. Errors: none does, or several do.
Status findSweptSize(const std::vector<Sizes> &cases, std::string &name);

/// Draws joined figures as an SVG that stands on its own.
Status drawPlot(const std::vector<Figure> &figures, const PlotOptions &options,
                std::string &svg);

/// `plot`: reads the files, joins their figures and writes options.file.
Status plotFiles(const std::vector<std::string> &files,
                 const PlotOptions &options);
/// The same with the lines of one run.
Status plotLines(const std::string &lines, const PlotOptions &options);

} // namespace mla::harness

#endif // MLA_HARNESS_PLOT_H
