//===- Progress.cpp - progress on a terminal ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Harness/Progress.h"

#include <chrono>
#include <condition_variable>
#include <iostream>
#include <mutex>
#include <thread>

#include <unistd.h>

namespace mla::harness {

Progress::Progress(std::ostream &err, bool always)
    : err(err), shown(always || (err.rdbuf() == std::cerr.rdbuf() &&
                                 isatty(STDERR_FILENO))) {}

void Progress::show(const std::string &what) {
  if (!shown)
    return;
  clear();
  // A line that wraps could not be rewritten.
  std::string line = (what + place).substr(0, 79);
  err << line << std::flush;
  width = line.size();
}

void Progress::clear() {
  if (width > 0)
    err << '\r' << std::string(width, ' ') << '\r' << std::flush;
  width = 0;
}

/// Writes the line from a thread of its own: the work may take long between two
/// updates.
class WorkProgress::Reporter {
public:
  explicit Reporter(std::string what)
      : what(std::move(what)), line(std::cerr, /*always=*/false) {
    if (line.isShown())
      thread = std::thread([this] { report(); });
  }
  ~Reporter() {
    {
      std::lock_guard<std::mutex> lock(mutex);
      stopped = true;
    }
    changed.notify_all();
    if (thread.joinable())
      thread.join();
  }

  void update(const std::string &text) {
    std::lock_guard<std::mutex> lock(mutex);
    detail = text;
  }
  void clear() {
    std::lock_guard<std::mutex> lock(mutex);
    line.clear();
  }

private:
  static constexpr std::chrono::milliseconds kPatience{2000}, kInterval{200};

  void report() {
    auto start = std::chrono::steady_clock::now();
    auto isStopped = [this] { return stopped; };
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait_for(lock, kPatience, isStopped);
    while (!stopped) {
      auto spent = std::chrono::steady_clock::now() - start;
      auto seconds = std::chrono::duration_cast<std::chrono::seconds>(spent);
      line.show(what + detail + ", " + std::to_string(seconds.count()) + " s");
      changed.wait_for(lock, kInterval, isStopped);
    }
    line.clear();
  }

  std::string what, detail;
  Progress line;
  std::thread thread;
  std::mutex mutex;
  std::condition_variable changed;
  bool stopped = false;
};

/// The outermost WorkProgress, and the lock for it.
static std::mutex currentMutex;
static WorkProgress *current = nullptr;

WorkProgress::WorkProgress(std::string what) {
  std::lock_guard<std::mutex> lock(currentMutex);
  if (current)
    return;
  current = this;
  reporter = std::make_unique<Reporter>(std::move(what));
}

WorkProgress::~WorkProgress() {
  std::lock_guard<std::mutex> lock(currentMutex);
  if (current == this)
    current = nullptr;
  reporter.reset();
}

void WorkProgress::update(const std::string &detail) {
  if (reporter)
    reporter->update(detail);
}

void WorkProgress::clearLine() {
  std::lock_guard<std::mutex> lock(currentMutex);
  if (current)
    current->reporter->clear();
}

} // namespace mla::harness
