"use strict";
// The table of barriers.

// "8 = softmax: 4 warps + output: 4 warps".
function describeCount(barrier) {
  const arrivals = barrier.arrivals.map(arrival => `${arrival.role}: ${arrival.how}`);
  const isComplete = sum(barrier.arrivals.map(arrival => arrival.count)) === barrier.count;
  return [html("b", {}, number(barrier.count)), isComplete ? " = " : " ≠ ",
    arrivals.length ? arrivals.join(" + ") : "no arrivals"];
}

function barriersSection(kernel, id) {
  return section(`${id}-barriers`, "Barriers",
    html("p", {}, "A phase of a barrier completes when its count of arrivals and the " +
      "announced bytes have come. The roles that fill a slot complete the full barrier " +
      "of the ring, all roles that read it the empty barrier. A barrier has one mbarrier " +
      "of 8 bytes per slot."),
    table("wide", [["barrier", "name"], ["slots", "number"], ["at byte", "number"],
      ["arrivals per phase", ""], ["waiting roles", ""], ["cycles waited, whole run", "number"]],
    kernel.barriers.map(barrier => [barrier.name, number(barrier.slots),
      barrier.offset === undefined ? "named" : number(barrier.offset),
      describeCount(barrier), barrier.waiters.join(", ") || "none",
      number(barrier.waiting)])));
}
