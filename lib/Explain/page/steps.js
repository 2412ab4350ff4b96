"use strict";
// One trip of each role's main loop, step by step.

// A bar of parts: [class, size, tip]; `whole` is the size of all its width.
function partsBar(parts, whole, label, height = 22) {
  let x = 0;
  const rects = parts.map(([className, size, tip]) => {
    const width = ratio(size, whole) * 100;
    const rect = svg("rect", { class: className, x: `${x}%`, width: `${width}%`, height, tip });
    x += width;
    return rect;
  });
  return svg("svg", { class: "parts", width: "100%", height, role: "img", "aria-label": label },
    svg("rect", { class: "ground", width: "100%", height }), rects);
}

// "Waits until producer fills k 12 %, ...", the longest first.
function describeWaits(loop) {
  const waits = loop.steps.filter(step => step.waiting > 0.005 * loop.cycles)
    .sort((a, b) => b.waiting - a.waiting)
    .map(step => `${step.reason || step.label} ${percent(step.waiting / loop.cycles)}`);
  return waits.length ? html("p", {}, `Waits until ${waits.join(", ")}.`) : null;
}

function stepRow(loop, step) {
  const reason = step.reason && (step.waiting > 0 ? "until " : "no wait: ") + step.reason;
  const detail = reason || step.ops.join(", ");
  return [
    svg("svg", { width: 10, height: 10, "aria-hidden": "true" },
      svg("rect", { class: step.category, width: 10, height: 10 })),
    step.label,
    html("span", { class: step.waiting > 0 ? null : "muted", tip: detail }, detail),
    number(step.cycles), percent(step.cycles / loop.cycles)
  ];
}

function stepCard(loop) {
  const parts = loop.steps.map(step =>
    [step.category, step.cycles,
      [step.label, `${number(step.cycles)} cycles`, step.reason || step.ops.join(", ")].join("\n")]);
  return html("div", { class: "card" },
    html("h3", {}, loop.role),
    html("p", {}, "A trip takes ", html("b", {}, `${number(loop.cycles)} cycles`),
      ", of which ", html("b", {}, percent(loop.waiting / loop.cycles)),
      ` waiting; ${number(loop.trips)} trips.`),
    describeWaits(loop),
    partsBar(parts, loop.cycles, "One trip"),
    table("", [["", "swatch"], ["step", "name"], ["ops, or what ends the wait", "ops"],
      ["cycles", "number"], ["of trip", "number"]],
    loop.steps.map(step => stepRow(loop, step))));
}

function stepCards(kernel) {
  if (!kernel.loops.length)
    return null;
  return [html("h3", {}, "One trip of each role's main loop, on average"),
    html("div", { class: "cards" }, kernel.loops.map(stepCard))];
}
