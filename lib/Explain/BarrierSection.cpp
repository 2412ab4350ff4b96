//===- BarrierSection.cpp - the table of barriers -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Page.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mla;
using namespace mla::explain;

/// Cycles that CTA 0 waits at the barrier, all roles together.
static double sumWaits(const sim::Trace &trace, const Barrier &barrier) {
  double cycles = 0;
  for (const sim::TraceEvent &event : trace.events)
    if (event.kind == sim::TraceKind::Wait && event.op->getNumOperands() != 0 &&
        findRoot(event.op->getOperand(0)) == barrier.op &&
        !StringRef(trace.tracks[event.track]).starts_with("cta "))
      cycles += event.end - event.begin;
  return cycles;
}

/// "8 = softmax 4 warps + output 4 warps".
static void writeCount(Markup &out, const Barrier &barrier) {
  int64_t sum = 0;
  for (const Arrival &arrival : barrier.arrivals)
    sum += arrival.count;
  out.element("td", {}, [&] {
    out.element("b", {}, std::to_string(barrier.count));
    out.text(sum == barrier.count ? " = " : " ≠ ");
    for (auto [i, arrival] : llvm::enumerate(barrier.arrivals))
      out.text((i ? " + " : "") + arrival.role + ": " + arrival.how);
    if (barrier.arrivals.empty())
      out.text("nobody arrives");
  });
}

static void writeBarrier(Markup &out, const Report &report,
                         const Barrier &barrier) {
  out.element("tr", {}, [&] {
    out.element("td", {{"class", "step"}}, barrier.name);
    out.element("td", {{"class", "number"}}, std::to_string(barrier.slots));
    out.element("td", {{"class", "number"}},
                barrier.offset
                    ? formatNumber(static_cast<double>(*barrier.offset))
                    : "named");
    writeCount(out, barrier);
    out.element("td", {},
                barrier.waiters.empty() ? "nobody"
                                        : llvm::join(barrier.waiters, ", "));
    out.element("td", {{"class", "number"}},
                formatNumber(sumWaits(*report.trace, barrier)));
  });
}

void explain::writeBarriers(Markup &out, const Report &report) {
  out.element("p", {},
              "A phase of a barrier completes when its count of arrivals and "
              "the bytes announced have come in. A ring's full barrier is "
              "completed by who fills a slot, its free barrier by all who read "
              "it; a barrier has one mbarrier of 8 bytes for each slot.");
  out.element("div", {{"class", "scroll"}}, [&] {
    out.element("table", {{"class", "wide"}}, [&] {
      out.element("thead", {}, [&] {
        out.element("tr", {}, [&] {
          out.element("th", {}, "barrier");
          out.element("th", {{"class", "number"}}, "slots");
          out.element("th", {{"class", "number"}}, "at byte");
          out.element("th", {}, "arrivals a phase, and who makes them");
          out.element("th", {}, "who waits");
          out.element("th", {{"class", "number"}}, "cycles waited, whole run");
        });
      });
      out.element("tbody", {}, [&] {
        for (const Barrier &barrier : report.kernel.barriers)
          writeBarrier(out, report, barrier);
      });
    });
  });
}
