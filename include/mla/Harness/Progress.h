//===- Progress.h - one line that says how far it is ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_HARNESS_PROGRESS_H
#define MLA_HARNESS_PROGRESS_H

#include <iostream>
#include <string>

#include <unistd.h>

namespace mla::harness {

/// A line that is rewritten in place, and gone at the end: what comes next on
/// the terminal, an error or a result, has the line to itself.
class Progress {
public:
  /// Shown if `always`, else only to somebody at a terminal.
  Progress(std::ostream &err, bool always)
      : err(err), shown(always || (err.rdbuf() == std::cerr.rdbuf() &&
                                   isatty(STDERR_FILENO))) {}
  ~Progress() { clear(); }
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;

  bool isShown() const { return shown; }

  /// What the lines from now on end with.
  void enter(const std::string &where) { place = where; }
  void show(const std::string &what) {
    if (!shown)
      return;
    clear();
    // A line that wraps could not be rewritten.
    std::string line = (what + place).substr(0, 79);
    err << line << std::flush;
    width = line.size();
  }
  void clear() {
    if (width > 0)
      err << '\r' << std::string(width, ' ') << '\r' << std::flush;
    width = 0;
  }

private:
  std::ostream &err;
  bool shown;
  std::string place;
  /// Of what stands there now.
  size_t width = 0;
};

} // namespace mla::harness

#endif // MLA_HARNESS_PROGRESS_H
