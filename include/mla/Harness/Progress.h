//===- Progress.h - progress on a terminal ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_HARNESS_PROGRESS_H
#define MLA_HARNESS_PROGRESS_H

#include <iosfwd>
#include <memory>
#include <string>

namespace mla::harness {

/// A line that is rewritten in place and removed at the end, so that errors and
/// results start on a line of their own.
class Progress {
public:
  /// Shown if `always` is set or if `err` is std::cerr and a terminal.
  Progress(std::ostream &err, bool always);
  ~Progress() { clear(); }
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;

  bool isShown() const { return shown; }

  /// Sets what the lines from now on end with.
  void enter(const std::string &where) { place = where; }
  void show(const std::string &what);
  void clear();

private:
  std::ostream &err;
  bool shown;
  std::string place;
  /// Of the text on the terminal.
  size_t width = 0;
};

/// Reports work on std::cerr, if that is a terminal, once it has taken two
/// seconds: what is done, how far it is, and the seconds so far. Of nested ones
/// the outermost reports. Thread-safe.
class WorkProgress {
public:
  /// `what` as in "compiling op.mlir".
  explicit WorkProgress(std::string what);
  ~WorkProgress();
  WorkProgress(const WorkProgress &) = delete;
  WorkProgress &operator=(const WorkProgress &) = delete;

  /// Sets the text behind `what`, as in ", seed 2 of 8".
  void update(const std::string &detail);

  /// Removes the line that is shown, if any; to be called before something else
  /// is printed.
  static void clearLine();

private:
  class Reporter;
  std::unique_ptr<Reporter> reporter;
};

} // namespace mla::harness

#endif // MLA_HARNESS_PROGRESS_H
